//! The rules file: the one that `ipvsadm.service` would load, compared with the table.

use std::collections::BTreeSet;
use std::fs;

use ipvs_netlink::reconcile::{self, Unlisted};
use ipvs_netlink::{Scheduler, Snapshot};

use super::files::has_module;
use crate::commands::restore::{self, Content};
use crate::doctor::{Rules, RulesState};
use crate::momentary::MomentaryWeights;

/// The files of which the first that says something is loaded.
const FILES: [&str; 2] = ["/etc/ipvsadm.rules", "/etc/sysconfig/ipvsadm"];
/// The settings of the service, which may name another file.
const SETTINGS: &str = "/etc/default/ipvsadm";

/// Compares the rules file with the table. `None` if there is none, or it says nothing.
pub(super) fn compare(present: &Snapshot, momentary: &MomentaryWeights) -> Option<Rules> {
    let settings = fs::read_to_string(SETTINGS).unwrap_or_default();
    // The service loads nothing then.
    if matches!(assigned(&settings, "AUTO"), Some("false" | "no")) {
        return None;
    }
    let named = assigned(&settings, "RULES").filter(|file| file.starts_with('/')).map(str::to_owned);
    let file = match named {
        Some(file) => file,
        None => FILES.into_iter().find(|file| says_something(file))?.to_owned(),
    };
    let mut schedulers = BTreeSet::new();
    let state = match restore::read_content(&file) {
        Content::Broken(why) => RulesState::Broken(why),
        Content::HasNames => RulesState::HasNames,
        Content::Desired(desired, named) => {
            schedulers = named;
            let mut present = present.clone();
            momentary.configure(&mut present.table);
            let plan = reconcile::plan(&present, &desired, Unlisted::Delete);
            if plan.steps.is_empty() {
                RulesState::Same
            } else {
                RulesState::Differs(plan.summary.to_string())
            }
        }
    };
    let used: BTreeSet<Scheduler> =
        present.table.entries.iter().map(|entry| entry.service.settings.scheduler).collect();
    let missing = schedulers.difference(&used).copied().filter(|scheduler| !is_available(*scheduler));
    Some(Rules { file, state, missing_schedulers: missing.collect() })
}

/// Returns the plain value of the last assignment of a name in the settings of the service.
fn assigned<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| line.trim().strip_prefix(name)?.strip_prefix('=');
    let value = settings.lines().filter_map(value).next_back()?.split_whitespace().next()?;
    Some(value.trim_matches(['"', '\'']))
}

/// Returns whether a file has more than comments. On SUSE one of them has settings instead.
fn says_something(file: &str) -> bool {
    let Ok(text) = fs::read(file) else { return false };
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with('-') || line.contains("ipvsadm "))
}

/// Returns whether the kernel has a scheduler, or may load it. Where no list of modules is, nothing is known.
fn is_available(scheduler: Scheduler) -> bool {
    let module = format!("ip_vs_{scheduler}");
    if scheduler.as_bytes() == b"none" || has_module(&module) {
        return true;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let list = |name: &str| fs::read_to_string(format!("/lib/modules/{}/{name}", release.trim()));
    let Ok(modules) = list("modules.dep") else { return true };
    is_listed(&module, &(modules + &list("modules.builtin").unwrap_or_default()))
}

/// Returns whether a module is in a list of files, such as `kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: ...`.
fn is_listed(module: &str, files: &str) -> bool {
    files.lines().any(|line| {
        let file = line.split(':').next().unwrap_or_default();
        let name = file.rsplit('/').next().unwrap_or_default();
        name.strip_prefix(module).is_some_and(|end| end.starts_with(".ko"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_the_lists_of_the_kernel() {
        let files = "kernel/net/netfilter/ipvs/ip_vs_wrr.ko.xz: kernel/net/netfilter/ipvs/ip_vs_lc.ko.xz\n\
                     kernel/net/netfilter/ipvs/ip_vs_mh.ko\n";
        for (module, expected) in [
            ("ip_vs_wrr", true),
            ("ip_vs_mh", true),
            ("ip_vs_rr", false),
            ("ip_vs_m", false),
            ("ip_vs_lc", false),
        ] {
            assert_eq!(is_listed(module, files), expected, "{module}");
        }
    }

    #[test]
    fn settings_of_the_service_are_plain_assignments() {
        let assigned_file = |settings| assigned(settings, "RULES");
        assert_eq!(assigned_file("#RULES=/a\n"), None);
        assert_eq!(assigned_file("AUTO=true\nRULES=/a\n RULES=\"/b/c\" # mine\n"), Some("/b/c"));
        assert_eq!(assigned_file("RULES=\nRULESET=/a"), None);
        assert_eq!(assigned("AUTO=\"false\"\n", "AUTO"), Some("false"));
    }
}
