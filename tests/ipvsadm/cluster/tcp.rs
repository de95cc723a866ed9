//! TCP servers that tell who they are, and clients that ask them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{AddressFamily, Shutdown, SocketType, bind, connect, shutdown, socket};

use super::machine::Machine;

/// How long an answer may take on a machine that has much to do. TCP waits up to 26 s before it sends again
/// what was lost in the first 13 s.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a machine. To every connection it says the machine's name and the client's address, and
/// then whatever it is told.
pub struct TcpServer {
    listener: Arc<TcpListener>,
    thread: Option<JoinHandle<()>>,
}

impl TcpServer {
    /// Starts one that answers on all addresses of the machine.
    pub fn start(machine: &Machine, port: u16) -> Self {
        let name = machine.name.clone();
        Self::with(machine, port, move |stream| greet(stream, &name))
    }

    /// Starts one that does something else with each connection, in a thread of its own on the machine.
    pub fn with(
        machine: &Machine,
        port: u16,
        serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
    ) -> Self {
        machine.within(|| {
            let listener = Arc::new(TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).unwrap());
            let accepting = Arc::clone(&listener);
            let thread = thread::spawn(move || {
                while let Ok((stream, _)) = accepting.accept() {
                    let serve = serve.clone();
                    thread::spawn(move || serve(stream));
                }
            });
            Self { listener, thread: Some(thread) }
        })
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        // Wakes the thread that accepts.
        let _ = shutdown(&*self.listener, Shutdown::Both);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// The client may be gone at any time.
fn greet(mut stream: TcpStream, name: &str) -> io::Result<()> {
    let client = stream.peer_addr()?.ip().to_canonical();
    stream.write_all(format!("{name} {client}\n").as_bytes())?;
    let mut reader = stream.try_clone()?;
    io::copy(&mut reader, &mut stream)?;
    Ok(())
}

/// A connection to a server that has introduced itself.
pub struct Connection {
    pub server: String,
    /// The client's address as the server sees it.
    pub seen: IpAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects from a machine.
    pub fn open(client: &Machine, to: &str) -> io::Result<Self> {
        client.within(|| Self::from_here(None, to))
    }

    /// Connects from one of the machine's addresses.
    pub fn open_from(client: &Machine, from: IpAddr, to: &str) -> io::Result<Self> {
        client.within(|| Self::from_here(Some(from), to))
    }

    /// Connects from the machine that the thread is on.
    pub fn from_here(from: Option<IpAddr>, to: &str) -> io::Result<Self> {
        let to: SocketAddr = to.parse().unwrap();
        let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket(family, SocketType::STREAM, None)?;
        if let Some(from) = from {
            bind(&socket, &SocketAddr::new(from, 0))?;
        }
        connect(&socket, &to)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let (server, seen) = line.trim_end().split_once(' ').ok_or(io::ErrorKind::ConnectionReset)?;
        let seen = seen.parse().map_err(io::Error::other)?;
        Ok(Self { server: server.into(), seen, stream })
    }

    /// Whether the server still answers on this connection.
    pub fn echoes(&mut self) -> bool {
        self.ask("still there?").is_ok() && self.hear(PATIENCE).is_ok_and(|line| line == "still there?")
    }

    /// Says a line, which the server is to repeat.
    pub fn ask(&mut self, line: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes())
    }

    /// The line that the server says within this time.
    pub fn hear(&mut self, patience: Duration) -> io::Result<String> {
        self.stream.get_ref().set_read_timeout(Some(patience))?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// Sends bytes, and returns as many that come back.
    pub fn exchange(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut answer = vec![0; bytes.len()];
        self.stream.get_mut().write_all(bytes)?;
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

/// How often each server has answered.
pub type Spread = BTreeMap<String, usize>;

/// Makes so many connections, one after the other, and tells who has answered. All have to succeed.
pub fn spread(client: &Machine, to: &str, connections: usize) -> Spread {
    let servers = in_turn(client, to, connections);
    let mut spread = Spread::new();
    for server in servers {
        *spread.entry(server).or_default() += 1;
    }
    spread
}

/// The servers that answer so many connections, in this order. All have to succeed.
pub fn in_turn(client: &Machine, to: &str, connections: usize) -> Vec<String> {
    client.within(|| {
        let one = |number| match Connection::from_here(None, to) {
            Ok(connection) => connection.server,
            Err(error) => panic!("connection {number} to {to}: {error}"),
        };
        (1..=connections).map(one).collect()
    })
}

/// What one expects of `spread`: names and numbers.
pub fn expected<const N: usize>(numbers: [(&str, usize); N]) -> Spread {
    numbers.map(|(server, number)| (server.to_string(), number)).into()
}
