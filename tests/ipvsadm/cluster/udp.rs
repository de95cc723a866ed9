//! UDP servers that tell who they are, and clients that ask them.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::machine::Machine;

/// How long an answer may take on a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a machine. It answers every datagram with the machine's name.
pub struct UdpServer {
    thread: Option<JoinHandle<()>>,
    end: Arc<AtomicBool>,
}

impl UdpServer {
    /// Starts one that answers on this address. It has to be one address, as answers come from it: the
    /// virtual one where servers answer past the director.
    pub fn start(machine: &Machine, address: &str) -> Self {
        let socket = machine.within(|| UdpSocket::bind(address).unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let name = machine.name.clone();
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = thread::spawn(move || {
            let mut datagram = [0; 2048];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((_, client)) = socket.recv_from(&mut datagram) {
                    // The client may be gone.
                    let _ = socket.send_to(name.as_bytes(), client);
                }
            }
        });
        Self { thread: Some(thread), end }
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A client's socket, which takes answers only from where it asks.
pub struct UdpClient(UdpSocket);

impl UdpClient {
    /// Opens one on a machine, at this address of it and a free port.
    pub fn open(machine: &Machine, from: IpAddr, to: &str) -> Self {
        let to: SocketAddr = to.parse().unwrap();
        let socket = machine.within(|| UdpSocket::bind((from, 0)).unwrap());
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// Sends a datagram and tells the server that answers it.
    pub fn ask(&self, datagram: &str) -> io::Result<String> {
        self.0.send(datagram.as_bytes())?;
        let mut answer = [0; 100];
        let length = self.0.recv(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }
}
