//! UDP servers that identify themselves, and clients that query them.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::net::{Shutdown, shutdown};

use super::machine::Machine;
use super::tcp::PATIENCE;

/// A server on a machine. It answers every datagram with the machine's name and the datagram.
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
            let mut question = [0; 2048];
            while let Ok((length @ 1.., client)) = answering.recv_from(&mut question) {
                // Sending may fail if the client has gone.
                let _ = answering.send_to(&[name.as_bytes(), b" ", &question[..length]].concat(), client);
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
pub struct UdpClient {
    socket: UdpSocket,
    /// The number of datagrams so far.
    asked: AtomicUsize,
}

impl UdpClient {
    /// Opens a socket on a machine, at one of its addresses and a free port.
    pub fn open(machine: &Machine, from: &str, to: &str) -> Self {
        let to: SocketAddr = to.parse().unwrap();
        let socket = machine.run_inside(|| UdpSocket::bind((from, 0)).unwrap());
        socket.connect(to).unwrap();
        Self { socket, asked: AtomicUsize::new(0) }
    }

    /// Sends a datagram, and returns the name of the server that answers.
    pub fn ask(&self, datagram: &str) -> io::Result<String> {
        self.ask_within(datagram, PATIENCE)
    }

    /// Does the same, but waits for an answer only for this time.
    pub fn ask_within(&self, datagram: &str, patience: Duration) -> io::Result<String> {
        // The number tells the answer from late ones to earlier datagrams.
        let question = format!("{datagram}{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let deadline = Instant::now() + patience;
        self.socket.send(question.as_bytes())?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            self.socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            let mut answer = [0; 2048];
            let length = self.socket.recv(&mut answer)?;
            let answer = String::from_utf8_lossy(&answer[..length]);
            if let Some(name) = answer.strip_suffix(&format!(" {question}")) {
                return Ok(name.to_owned());
            }
        }
    }

    /// Asks this server again and again, for longer than a connection lives without a datagram, and returns the time
    /// before the last one. Returns nothing if the connection may have timed out in a pause, which only a machine that
    /// stands still makes.
    pub fn keep_asking(&self, server: &str, timeout: Duration) -> Option<Instant> {
        let start = Instant::now();
        let mut last = start;
        while start.elapsed() < timeout * 2 {
            let before = Instant::now();
            let answer = self.ask("?").unwrap();
            if last.elapsed() >= timeout {
                return None;
            }
            assert_eq!(answer, server);
            last = before;
            sleep(Duration::from_millis(200));
        }
        Some(last)
    }
}
