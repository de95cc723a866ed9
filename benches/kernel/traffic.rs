//! Makes connections with real datagrams from many source addresses.

use std::io::IoSlice;
use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg};

use super::Result;

/// Sends a datagram to the service from each address in a range, given as offsets from 11.0.0.0. The
/// addresses must be local.
pub(crate) fn send(service: &str, first: u32, end: u32) -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:4000")?;
    let service = SockaddrIn::from(service.parse::<SocketAddrV4>()?);
    for number in first..end {
        let source = in_addr { s_addr: (0x0b00_0000 + number).to_be() };
        let source = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: in_addr { s_addr: 0 } };
        sendmsg(
            socket.as_raw_fd(),
            &[IoSlice::new(b"x")],
            &[ControlMessage::Ipv4PacketInfo(&source)],
            MsgFlags::empty(),
            Some(&service),
        )?;
    }
    Ok(())
}
