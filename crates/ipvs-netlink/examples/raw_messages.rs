//! Lists the services over a socket of its own, as any netlink client could: `cargo run --example raw_messages`

use std::process::ExitCode;

use ipvs_netlink::{Query, Reply, Request};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_core::{NetlinkDeserializable, NetlinkMessage, NetlinkPayload, NetlinkSerializable};
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs};
use netlink_packet_generic::{GenlFamily, GenlMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

type Outcome = Result<(), Box<dyn std::error::Error>>;
fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("{error}");
    ExitCode::FAILURE
}

fn run() -> Outcome {
    let socket = Socket::new(NETLINK_GENERIC)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let name = vec![GenlCtrlAttrs::FamilyName(Request::family_name().into())];
    let lookup = GenlMessage::from_payload(GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: name });
    let mut family_id = None;
    exchange(&socket, lookup, NLM_F_ACK, |message: GenlMessage<GenlCtrl>| {
        let id = |attribute: &_| if let GenlCtrlAttrs::FamilyId(id) = attribute { Some(*id) } else { None };
        family_id = message.payload.nlas.iter().find_map(id);
    })?;
    let mut services = GenlMessage::from_payload(Request::from(Query::Services));
    services.set_resolved_family_id(family_id.ok_or("the kernel has no IPVS")?);
    exchange(&socket, services, NLM_F_DUMP, |message: GenlMessage<Reply>| println!("{:?}", message.payload))
}

/// Sends a request, and hands its replies to `handle` until the kernel says that there are no more.
fn exchange<Q, A>(socket: &Socket, request: Q, flags: u16, mut handle: impl FnMut(A)) -> Outcome
where
    Q: NetlinkSerializable,
    A: NetlinkDeserializable,
{
    let mut message = NetlinkMessage::new(Default::default(), NetlinkPayload::InnerMessage(request));
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut buffer = vec![0; 32 * 1024];
    message.serialize(&mut buffer);
    socket.send(&buffer[..message.buffer_len()], 0)?;
    loop {
        let (replies, _) = socket.recv_from_full()?;
        let mut rest = &replies[..];
        while !rest.is_empty() {
            let message = NetlinkMessage::<A>::deserialize(rest)?;
            rest = rest.get((message.header.length as usize).next_multiple_of(4)..).unwrap_or_default();
            match message.payload {
                NetlinkPayload::InnerMessage(message) => handle(message),
                NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io().into()),
                _ => return Ok(()),
            }
        }
    }
}
