//! Tables of any size, as lines for `-R`, as encoded changes and as encoded queries.

use std::fmt::Write;
use std::net::Ipv4Addr;

use ipvs_netlink::{
    Change, Destination, DestinationId, Forwarding, Ipvs, Query, Request, Scheduler, Service, ServiceId,
};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_generic::GenlMessage;

/// The number of services and the number of servers of each.
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) u32, pub(crate) u32);

/// The size up to which messages are added to a datagram.
const BATCH: usize = 64 * 1024;
/// The number of refusals that the receive buffer can hold in any case.
const MESSAGES: usize = 200;

impl Size {
    fn services(self) -> impl Iterator<Item = ServiceId> {
        (0..self.0).map(|number| ServiceId::tcp((Ipv4Addr::from(0x0a40_0000 + number), 80)))
    }

    /// Lists the changes that create the table. Every hundredth server has a different weight if `changed`.
    pub(crate) fn changes(self, changed: bool) -> Vec<Change> {
        let mut changes = Vec::new();
        for (service, id) in (0..).zip(self.services()) {
            changes.push(Change::AddService(Service::new(id).with_scheduler(Scheduler::RR)));
            for server in 0..self.1 {
                let number = service * self.1 + server;
                let destination =
                    Destination::new(DestinationId::new(Ipv4Addr::from(0x0a80_0000 + number), 8080))
                        .with_forwarding(Forwarding::Masquerade)
                        .with_weight(if changed && number % 100 == 0 { 5 } else { 1 });
                changes.push(Change::AddDestination(id, destination));
            }
        }
        changes
    }

    /// Lists the changes that turn the plain table into the changed one.
    pub(crate) fn edits(self) -> Vec<Change> {
        let pairs = self.changes(true).into_iter().zip(self.changes(false));
        pairs
            .filter_map(|pair| match pair {
                (Change::AddDestination(id, new), old) if old != Change::AddDestination(id, new) => {
                    Some(Change::SetDestination(id, new))
                }
                _ => None,
            })
            .collect()
    }

    /// Writes the table as lines for `-R`.
    pub(crate) fn lines(self, changed: bool) -> String {
        let mut text = String::new();
        for change in self.changes(changed) {
            let _ = match change {
                Change::AddDestination(id, server) => {
                    let (server, weight) = (server.id, server.weight);
                    writeln!(text, "-a -t {} -r {}:{} -m -w {weight}", end(id), server.address, server.port)
                }
                Change::AddService(service) => writeln!(text, "-A -t {} -s rr", end(service.id())),
                _ => Ok(()),
            };
        }
        text
    }
}

fn end(id: ServiceId) -> String {
    match id {
        ServiceId::Address { address, port, .. } => format!("{address}:{port}"),
        ServiceId::Fwmark { mark, .. } => mark.to_string(),
    }
}

/// Encodes the query for the services, and the queries for their servers, each as a datagram. They follow the
/// kernel's order, in which it finds the next service faster.
pub(crate) fn questions(family: u16) -> super::Result<[Vec<u8>; 2]> {
    let services = Ipvs::connect()?.services()?;
    let question = |query: Query| datagram(&message(family, query.into(), NLM_F_DUMP));
    let servers = services.iter().map(|state| Query::Destinations(state.id()));
    Ok([question(Query::Services), servers.flat_map(question).collect()])
}

/// Encodes changes as datagrams of many messages, the last of which requests an acknowledgement.
pub(crate) fn batches(family: u16, changes: &[Change]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut batch = Vec::new();
    let mut count = 0;
    for (place, &change) in changes.iter().enumerate() {
        count += 1;
        let full = batch.len() >= BATCH || count == MESSAGES || place + 1 == changes.len();
        batch.extend(message(family, change.into(), if full { NLM_F_ACK } else { 0 }));
        if full {
            all.extend(datagram(&std::mem::take(&mut batch)));
            count = 0;
        }
    }
    all
}

/// Prefixes a datagram with its length.
fn datagram(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_ne_bytes(), bytes].concat()
}

fn message(family: u16, message: Request, flags: u16) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    let mut payload = GenlMessage::from_payload(message);
    payload.set_resolved_family_id(family);
    let mut message = NetlinkMessage::new(header, payload.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Asks the kernel for the generic netlink family id of IPVS.
pub(crate) fn family(socket: &mut netlink_sys::Socket) -> super::Result<u16> {
    use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs};
    let question =
        GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: vec![GenlCtrlAttrs::FamilyName("IPVS".into())] };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, GenlMessage::from_payload(question).into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.connect(&netlink_sys::SocketAddr::new(0, 0))?;
    socket.send(&bytes, 0)?;
    let mut answer = vec![0; 8192];
    let length = socket.recv(&mut &mut answer[..], 0)?;
    let message = NetlinkMessage::<GenlMessage<GenlCtrl>>::deserialize(&answer[..length])?;
    let NetlinkPayload::InnerMessage(message) = message.payload else {
        return Err("there is no IPVS".into());
    };
    let id = |attribute: &GenlCtrlAttrs| match attribute {
        GenlCtrlAttrs::FamilyId(id) => Some(*id),
        _ => None,
    };
    message.payload.nlas.iter().find_map(id).ok_or_else(|| "IPVS has no number".into())
}
