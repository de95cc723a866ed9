//! The carrier of datagrams.

use std::io;

use nix::sys::socket::{MsgFlags, getsockopt, sockopt};

/// Carries datagrams to the kernel and back. The kernel's socket does; tests use a scripted kernel instead.
pub(crate) trait Transport {
    /// Sends one datagram.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;
    /// Receives one datagram and returns its real length, which may exceed the buffer.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Returns the size of the receive buffer in bytes.
    fn receive_buffer_size(&self) -> io::Result<usize>;
    /// Returns the size of the send buffer in bytes.
    fn send_buffer_size(&self) -> io::Result<usize>;
}

impl Transport for netlink_sys::Socket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        netlink_sys::Socket::send(self, datagram, 0).map(drop)
    }

    fn receive(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(&mut buffer, MsgFlags::MSG_TRUNC.bits())
    }

    fn receive_buffer_size(&self) -> io::Result<usize> {
        self.get_rx_buf_sz()
    }

    fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(getsockopt(self, sockopt::SndBuf)?)
    }
}
