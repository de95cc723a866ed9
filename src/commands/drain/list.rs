//! `-L --drained`.

use std::time::SystemTime;

use ipvs_netlink::{DestinationId, Ipvs, ServiceId};
use serde::Serialize;

use crate::commands::notes::{DrainNote, Notes, time};
use crate::commands::session::Session;
use crate::document::Writer;
use crate::failure::Failure;
use crate::grammar::Format;
use crate::terminal::quote;

/// A drained server in a document.
#[derive(Serialize)]
struct Fields<'a> {
    #[serde(flatten)]
    service: ServiceId,
    server: ServerFields,
    weight_before: u32,
    /// The present weight; without it the server is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    #[serde(with = "time")]
    since: SystemTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ServerFields {
    address: std::net::IpAddr,
    port: u16,
}

/// Shows the servers that were drained, with their weights from before.
pub(in crate::commands) fn run(session: &mut Session, format: Format) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    let mut notes = Notes::read()?.drains().to_vec();
    notes.sort_by_key(|note| (note.service.sort_key(), note.server.address, note.server.port));
    let weights = notes.iter().map(|note| weight(ipvs, note.service, note.server));
    let weights: Vec<Option<u32>> = weights.collect::<Result<_, _>>()?;
    if format == Format::Text {
        for (note, weight) in notes.iter().zip(weights) {
            session.output.push(sentence(note, weight));
        }
        return Ok(());
    }
    let mut document = Writer::start(&mut session.output);
    let list = document.list("drained", |list| {
        notes.iter().zip(weights).try_for_each(|(note, weight)| {
            let DestinationId { address, port, .. } = note.server;
            list.push(&Fields {
                service: note.service,
                server: ServerFields { address, port },
                weight_before: note.weight,
                weight,
                since: note.since,
                reason: note.reason.as_deref(),
            })
        })
    });
    list.map_err(Failure::Output)?;
    document.end();
    Ok(())
}

/// Returns the weight of a server, if it exists.
fn weight(ipvs: &mut Ipvs, service: ServiceId, server: DestinationId) -> Result<Option<u32>, Failure> {
    ipvs.set_include_stats(false);
    let servers = super::servers_of(ipvs, service)?;
    Ok(servers.iter().find(|state| state.id() == server).map(|state| state.settings.weight))
}

fn sentence(note: &DrainNote, weight: Option<u32>) -> String {
    let state = match weight {
        Some(0) => String::new(),
        Some(weight) => format!(", but has weight {weight} now"),
        None => ", but is gone".into(),
    };
    let reason = note.reason.as_ref().map(|reason| format!(" ({})", quote(reason))).unwrap_or_default();
    let since = humantime::format_rfc3339_seconds(note.since);
    format!(
        "server {} of service {}: weight {} before, drained {since}{reason}{state}\n",
        note.server, note.service, note.weight
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drain_is_a_line_whatever_its_reason() {
        let mut note = DrainNote {
            service: "TCP 192.0.2.1:80".parse().unwrap(),
            server: "10.0.0.1:80".parse().unwrap(),
            weight: 3,
            since: SystemTime::UNIX_EPOCH,
            reason: Some("new\ndisk\x1b[2J".into()),
        };
        assert_eq!(
            sentence(&note, Some(0)),
            "server 10.0.0.1:80 of service TCP 192.0.2.1:80: weight 3 before, drained 1970-01-01T00:00:00Z \
             (new\\ndisk\\u{1b}[2J)\n"
        );
        note.reason = None;
        assert!(sentence(&note, None).ends_with("drained 1970-01-01T00:00:00Z, but is gone\n"));
        assert!(sentence(&note, Some(4)).ends_with(", but has weight 4 now\n"));
    }
}
