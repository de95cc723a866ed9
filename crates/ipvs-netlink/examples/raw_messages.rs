//! Lists the services over a socket of its own, as any netlink client could: `cargo run --example raw_messages`

use std::process::ExitCode;

use ipvs_netlink::{Query, Reply, Request};
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NetlinkSerializable,
};
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs};
use netlink_packet_generic::{GenlFamily, GenlMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let socket = Socket::new(NETLINK_GENERIC)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let name = GenlCtrlAttrs::FamilyName(Request::family_name().into());
    let lookup = GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: vec![name] };
    send(&socket, GenlMessage::from_payload(lookup), 0)?;
    let mut family_id = None;
    receive(&socket, |message: GenlMessage<GenlCtrl>| {
        family_id = message.payload.nlas.iter().find_map(|attribute| match attribute {
            GenlCtrlAttrs::FamilyId(id) => Some(*id),
            _ => None,
        });
    })?;

    let mut services = GenlMessage::from_payload(Request::from(Query::Services));
    services.set_resolved_family_id(family_id.ok_or("the kernel has no IPVS")?);
    send(&socket, services, NLM_F_DUMP)?;
    while receive(&socket, |message: GenlMessage<Reply>| println!("{:?}", message.payload))? {}
    Ok(())
}

fn send<M: NetlinkSerializable>(socket: &Socket, message: M, flags: u16) -> Result<()> {
    let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(message));
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    Ok(socket.send(&bytes, 0).map(drop)?)
}

/// Receives one datagram and returns whether more follow.
fn receive<M: NetlinkDeserializable>(socket: &Socket, mut handle: impl FnMut(M)) -> Result<bool> {
    let mut buffer = vec![0; 32 * 1024];
    let length = socket.recv(&mut &mut buffer[..], 0)?;
    let mut rest = &buffer[..length];
    while !rest.is_empty() {
        let message = NetlinkMessage::<M>::deserialize(rest)?;
        rest = rest.get((message.header.length as usize).next_multiple_of(4)..).unwrap_or_default();
        match message.payload {
            NetlinkPayload::InnerMessage(message) => handle(message),
            NetlinkPayload::Error(error) => return Err(error.to_io().into()),
            _ => return Ok(false),
        }
    }
    Ok(true)
}
