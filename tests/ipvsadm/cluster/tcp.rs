//! TCP servers that identify themselves, and clients that connect to them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, bind, connect, shutdown, socket_with};

use super::machine::Machine;

/// The time limit for an answer on a busy machine. TCP may wait up to 26 s before it retransmits data that
/// was lost in the first 13 s.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a machine. It greets every connection with the machine's name and the client's address, and
/// then echoes what it receives.
pub struct TcpServer {
    listener: Arc<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

impl TcpServer {
    /// Starts a server on all addresses of the machine.
    pub fn start(machine: &Machine, port: u16) -> Self {
        let name = machine.name.clone();
        Self::start_with(machine, port, move |stream| greet_and_echo(stream, &name))
    }

    /// Starts a server that calls `serve` for each connection, in a separate thread on the machine.
    pub fn start_with(
        machine: &Machine,
        port: u16,
        serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        machine.run_inside(|| {
            let listener = Arc::new(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap());
            let accepting = Arc::clone(&listener);
            let thread = thread::spawn(move || {
                loop {
                    match accepting.accept() {
                        Ok((stream, _)) => {
                            let serve = serve.clone();
                            thread::spawn(move || serve(stream));
                        }
                        // It was shut down.
                        Err(error) if error.kind() == io::ErrorKind::InvalidInput => return,
                        // A client may be gone, or descriptors be missing for a moment.
                        Err(_) => thread::sleep(Duration::from_millis(10)),
                    }
                }
            });
            Self { listener, thread: Some(thread) }
        })
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        // Wakes the accepting thread.
        let _ = shutdown(&*self.listener, Shutdown::Both);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Greets a client and echoes what it sends. An error only means that the client has disconnected.
fn greet_and_echo(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let client = stream.peer_addr()?.ip().to_canonical();
    stream.write_all(format!("{name} {client}\n").as_bytes())?;
    let mut reader = stream.try_clone()?;
    io::copy(&mut reader, &mut stream)?;
    Ok(())
}

/// A connection to a server that has identified itself.
pub struct Connection {
    pub server: String,
    /// The client's address as seen by the server.
    pub client_address: IpAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects from a machine.
    pub fn open(client: &Machine, to: &str) -> io::Result<Self> {
        client.run_inside(|| Self::connect(None, to))
    }

    /// Connects from one of the machine's addresses.
    pub fn open_from(client: &Machine, from: IpAddr, to: &str) -> io::Result<Self> {
        client.run_inside(|| Self::connect(Some(from), to))
    }

    /// Connects from the machine that the thread is on, optionally from a given source address.
    pub fn connect(from: Option<IpAddr>, to: &str) -> io::Result<Self> {
        let to: SocketAddr = to.parse().unwrap();
        let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = open_socket(family)?;
        if let Some(from) = from {
            bind(&socket, &SocketAddr::new(from, 0))?;
        }
        Self::connect_socket(socket, to)
    }

    /// Connects from a given source address and port, and returns the server's name after resetting the connection, so
    /// that the port can be used again.
    pub fn connect_and_reset(from: SocketAddr, to: &str) -> io::Result<String> {
        let socket = open_socket(AddressFamily::INET)?;
        set_socket_linger(&socket, Some(Duration::ZERO))?;
        bind(&socket, &from)?;
        Ok(Self::connect_socket(socket, to.parse().unwrap())?.server)
    }

    fn connect_socket(socket: OwnedFd, to: SocketAddr) -> io::Result<Self> {
        connect(&socket, &to)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let (server, client_address) =
            line.trim_end().split_once(' ').ok_or(io::ErrorKind::ConnectionReset)?;
        let client_address = client_address.parse().map_err(io::Error::other)?;
        Ok(Self { server: server.into(), client_address, stream })
    }

    /// Returns whether the server still answers on this connection.
    pub fn echoes(&mut self) -> bool {
        self.send_line("still there?").is_ok()
            && self.receive_line(PATIENCE).is_ok_and(|line| line == "still there?")
    }

    /// Sends a line for the server to echo.
    pub fn send_line(&mut self, line: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes())
    }

    /// Receives a line from the server within this time.
    pub fn receive_line(&mut self, timeout: Duration) -> io::Result<String> {
        self.stream.get_ref().set_read_timeout(Some(timeout))?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// Receives everything that the server sends until it closes the connection.
    pub fn receive_all(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Sends bytes, and receives the same number of bytes.
    pub fn exchange(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut answer = vec![0; bytes.len()];
        self.stream.get_mut().write_all(bytes)?;
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// Opens a socket that programs which are started meanwhile do not hold open.
fn open_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// The number of answers from each server.
pub type AnswerCounts = BTreeMap<String, usize>;

/// Makes this number of connections, one after the other, and counts the answers of each server. All must
/// succeed.
pub fn count_answers(client: &Machine, to: &str, connections: usize) -> AnswerCounts {
    let servers = answering_servers(client, to, connections);
    let mut counts = AnswerCounts::new();
    for server in servers {
        *counts.entry(server).or_default() += 1;
    }
    counts
}

/// Makes this number of connections and returns the servers that answer, in order. All must succeed.
pub fn answering_servers(client: &Machine, to: &str, connections: usize) -> Vec<String> {
    client.run_inside(|| {
        let open_one = |number| match Connection::connect(None, to) {
            Ok(connection) => connection.server,
            Err(error) => panic!("connection {number} to {to}: {error}"),
        };
        (1..=connections).map(open_one).collect()
    })
}

/// Converts names and numbers to the type that `count_answers` returns.
pub fn counts<const N: usize>(counts: [(&str, usize); N]) -> AnswerCounts {
    counts.map(|(server, number)| (server.to_string(), number)).into()
}
