//! What carries datagrams to the kernel and back.

use std::io;

/// Carries datagrams. The kernel's socket does; tests have one that answers as they like.
pub(crate) trait Transport {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;
    /// Receives one datagram and returns its real length, which may be more than fits.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// The size of the receive buffer in bytes.
    fn receive_buffer(&self) -> io::Result<usize>;
}

impl Transport for netlink_sys::Socket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        netlink_sys::Socket::send(self, datagram, 0).map(drop)
    }

    fn receive(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        let flags = rustix::net::RecvFlags::TRUNC.bits() as i32;
        self.recv(&mut buffer, flags)
    }

    fn receive_buffer(&self) -> io::Result<usize> {
        self.get_rx_buf_sz()
    }
}
