//! UDP servers that identify themselves, and clients that query them.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{Shutdown, shutdown};

use super::machine::Machine;
use super::tcp::PATIENCE;

/// A server on a machine. It answers every datagram with the machine's name.
pub struct UdpServer {
    socket: Arc<UdpSocket>,
    thread: Option<JoinHandle<()>>,
}

impl UdpServer {
    /// Starts a server on one address, which is the source of its answers: the virtual address where answers
    /// bypass the director.
    pub fn start(machine: &Machine, address: &str) -> Self {
        let socket = Arc::new(machine.run_inside(|| UdpSocket::bind(address).unwrap()));
        let (name, answering) = (machine.name.clone(), Arc::clone(&socket));
        let thread = thread::spawn(move || {
            while let Ok((1.., client)) = answering.recv_from(&mut [0; 2048]) {
                // Sending may fail if the client has gone.
                let _ = answering.send_to(name.as_bytes(), client);
            }
        });
        Self { socket, thread: Some(thread) }
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        // Wakes the thread, although the kernel reports that the socket is not connected.
        let _ = shutdown(&*self.socket, Shutdown::Both);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A client's socket, which accepts answers only from the address that it queries.
pub struct UdpClient(UdpSocket);

impl UdpClient {
    /// Opens a socket on a machine, at one of its addresses and a free port.
    pub fn open(machine: &Machine, from: &str, to: &str) -> Self {
        let to: SocketAddr = to.parse().unwrap();
        let socket = machine.run_inside(|| UdpSocket::bind((from, 0)).unwrap());
        socket.connect(to).unwrap();
        Self(socket)
    }

    /// Sends a datagram, and returns the name of the server that answers.
    pub fn ask(&self, datagram: &str) -> io::Result<String> {
        self.ask_within(datagram, PATIENCE)
    }

    /// Does the same, but waits for an answer only for this time.
    pub fn ask_within(&self, datagram: &str, patience: Duration) -> io::Result<String> {
        self.0.set_read_timeout(Some(patience))?;
        self.0.send(datagram.as_bytes())?;
        let mut answer = [0; 100];
        let length = self.0.recv(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }
}
