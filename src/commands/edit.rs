//! `-E` and `-e` with `--keep`: some settings change, and all others stay. The kernel knows no such change: it is
//! reading, changing and writing, and what another program writes between the two is lost.

use std::io::{IsTerminal, stderr};

use ipvs_netlink::{Change, Destination, Forwarding, Ipvs};

use super::change::make;
use super::session::Session;
use crate::cli::Opt;
use crate::failure::{self, Failure};
use crate::grammar::{Edit, ServerEdit, ServiceEdit, Unnamed, method_option};

pub(super) fn run(session: &mut Session, edit: &Edit) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    match edit {
        Edit::Service(edit) => edit_service(ipvs, edit),
        Edit::Server(edit) => edit_server_setting(ipvs, edit),
    }
}

fn edit_service(ipvs: &mut Ipvs, edit: &ServiceEdit) -> Result<(), Failure> {
    let present = ipvs.service(edit.service)?.settings;
    let (new, lost_flags) = edit.apply(&present)?;
    if new != present {
        make(ipvs, Change::SetService(new))?;
    }
    if !lost_flags.is_empty() {
        failure::note(&format!(
            "service {} has lost the flags {lost_flags} with the scheduler {}: {} has none of them",
            edit.service, present.scheduler, new.scheduler
        ));
    }
    Ok(())
}

fn edit_server_setting(ipvs: &mut Ipvs, edit: &ServerEdit) -> Result<(), Failure> {
    let servers = ipvs.destinations(edit.service)?;
    let present = edit.server.pick(edit.service, servers.iter().map(|state| state.settings))?;
    let new = edit.apply(&present)?;
    if new == present { Ok(()) } else { make(ipvs, Change::SetDestination(edit.service, new)) }
}

/// Replaces all settings of a server. People are told which ones they reset without naming them.
pub(crate) fn edit_server(session: &mut Session, change: Change, unnamed: Unnamed) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    if stderr().is_terminal() {
        warn_of_reset(ipvs, &change, unnamed);
    }
    make(ipvs, change)
}

fn warn_of_reset(ipvs: &mut Ipvs, change: &Change, unnamed: Unnamed) {
    let Change::SetDestination(service, new) = *change else { return };
    ipvs.set_include_stats(false);
    // Whatever is wrong, the change itself will say.
    let servers = ipvs.destinations(service).unwrap_or_default();
    let Some(present) = servers.into_iter().find(|state| state.id() == new.id) else { return };
    if let Some(sentence) = reset(&present.settings, &new, unnamed) {
        failure::note(&sentence);
    }
}

/// Names the settings that are reset without being named, if there are any.
fn reset(present: &Destination, new: &Destination, unnamed: Unnamed) -> Option<String> {
    let mut reset = Vec::new();
    let is_reset = present.forwarding != new.forwarding && present.forwarding != Forwarding::Local;
    if unnamed.method && is_reset {
        let name = |method| method_option(method).map_or(format!("{method}"), |option| option.name().into());
        reset.push(format!("the method from {} to {}", name(present.forwarding), name(new.forwarding)));
    }
    if unnamed.thresholds && (present.upper_threshold, present.lower_threshold) != (0, 0) {
        let (upper, lower) = (present.upper_threshold, present.lower_threshold);
        reset.push(format!("the thresholds from {upper} and {lower} to 0"));
    }
    if reset.is_empty() {
        return None;
    }
    let (id, keep) = (new.id, Opt::Keep.name());
    Some(format!("this resets {} of server {id}, as -e does; to keep them, add {keep}", reset.join(" and ")))
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::DestinationId;

    use super::*;

    #[test]
    fn only_settings_that_nobody_named_are_worth_a_word() {
        let plain = Destination::new(DestinationId::new([10, 0, 0, 1], 80));
        let natted = plain.with_forwarding(Forwarding::Masquerade);
        let limited = natted.with_thresholds(20, 10);
        let nothing = Unnamed { method: true, thresholds: true };
        let said = |present: Destination, unnamed| reset(&present, &plain, unnamed).unwrap_or_default();
        assert_eq!(
            said(natted, nothing),
            "this resets the method from -m to -g of server 10.0.0.1:80, as -e does; to keep them, add --keep"
        );
        assert_eq!(
            said(limited, nothing),
            "this resets the method from -m to -g and the thresholds from 20 and 10 to 0 of server 10.0.0.1:80, \
             as -e does; to keep them, add --keep"
        );
        assert_eq!(said(natted, Unnamed { method: false, thresholds: true }), "");
        assert_eq!(said(plain.with_thresholds(1, 0), Unnamed { method: true, thresholds: false }), "");
        assert_eq!(said(plain.with_weight(7), nothing), "");
        // The kernel made it local by itself.
        assert_eq!(said(plain.with_forwarding(Forwarding::Local), nothing), "");
    }
}
