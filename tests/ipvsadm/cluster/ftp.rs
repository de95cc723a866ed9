//! A minimal FTP server and client: RETR with PORT, PASV, EPRT and EPSV.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};

use super::machine::Machine;
use super::tcp::{PATIENCE, TcpServer};

/// Returns the content of the file on the server with this name.
pub fn file_content(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31) + u32::from(byte));
    let step = |number: &u32| Some(number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), step).take(50_000).flat_map(u32::to_be_bytes).collect()
}

/// Starts a server on a machine. It announces the machine's name and has one file.
pub fn start(machine: &Machine) -> TcpServer {
    let name = machine.name.clone();
    TcpServer::start_with(machine, 21, move |stream| serve(stream, &name))
}

/// The data connection that the client last requested.
enum DataConnection {
    Nothing,
    Active(SocketAddr),
    Passive(TcpListener),
}

fn serve(control: TcpStream, name: &str) -> io::Result<()> {
    let address = control.local_addr()?.ip().to_canonical();
    let mut data = DataConnection::Nothing;
    send_line(&control, &format!("220 {name}"))?;
    for line in BufReader::new(control.try_clone()?).lines() {
        let line = line?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("PORT", argument) => {
                data = DataConnection::Active(parse_host_port(argument));
                "200 Okay".into()
            }
            ("EPRT", argument) => {
                let fields: Vec<_> = argument.split('|').collect();
                data = DataConnection::Active(SocketAddr::new(
                    fields[2].parse().unwrap(),
                    fields[3].parse().unwrap(),
                ));
                "200 Okay".into()
            }
            ("PASV" | "EPSV", _) => {
                let listener = TcpListener::bind((address, 0))?;
                let listening = listener.local_addr()?;
                data = DataConnection::Passive(listener);
                match line.as_str() {
                    "PASV" => format!("227 Entering Passive Mode ({})", format_host_port(listening)),
                    _ => format!("229 Entering Extended Passive Mode (|||{}|)", listening.port()),
                }
            }
            ("RETR", _) => {
                send_line(&control, "150 Opening data connection")?;
                let mut stream = match &data {
                    DataConnection::Active(client) => connect_from(SocketAddr::new(address, 20), *client)?,
                    DataConnection::Passive(listener) => listener.accept()?.0,
                    DataConnection::Nothing => return Ok(()),
                };
                stream.write_all(&file_content(name))?;
                "226 Transfer complete".into()
            }
            _ => "502 Command not implemented".to_string(),
        };
        send_line(&control, &answer)?;
    }
    Ok(())
}

/// Sends a line in a single packet: the director searches each packet separately for addresses.
fn send_line(mut control: &TcpStream, line: &str) -> io::Result<()> {
    control.write_all(format!("{line}\r\n").as_bytes())
}

fn connect_from(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &from)?;
    connect(&socket, &to)?;
    Ok(socket.into())
}

/// The result of a download.
pub struct Transfer {
    /// The name of the server on the control connection.
    pub server: String,
    /// The remote address of the data connection.
    pub peer: SocketAddr,
    pub file: Vec<u8>,
}

/// Downloads the file, with the data connection requested by this command.
pub fn download(client: &Machine, address: &str, command: &str) -> io::Result<Transfer> {
    client.run_inside(|| download_from_this_thread(address.parse().unwrap(), command))
}

fn download_from_this_thread(address: SocketAddr, command: &str) -> io::Result<Transfer> {
    let control = TcpStream::connect_timeout(&address, PATIENCE)?;
    control.set_read_timeout(Some(PATIENCE))?;
    let own = control.local_addr()?.ip();
    let mut answers = BufReader::new(control.try_clone()?);
    let mut expect_reply = |code: &str| -> io::Result<String> {
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let rest = line.trim_end().strip_prefix(code).map(str::to_string);
        rest.ok_or_else(|| io::Error::other(format!("{line:?} instead of {code}")))
    };
    let server = expect_reply("220 ")?;
    let (mut data, peer) = match command {
        "PORT" | "EPRT" => {
            let listener = TcpListener::bind((own, 0))?;
            let listening = listener.local_addr()?;
            let family = if own.is_ipv4() { 1 } else { 2 };
            match command {
                "PORT" => send_line(&control, &format!("PORT {}", format_host_port(listening)))?,
                _ => send_line(&control, &format!("EPRT |{family}|{own}|{}|", listening.port()))?,
            }
            expect_reply("200 ")?;
            send_line(&control, "RETR file")?;
            expect_reply("150 ")?;
            sockopt::set_socket_timeout(&listener, sockopt::Timeout::Recv, Some(PATIENCE))?;
            listener.accept()?
        }
        _ => {
            send_line(&control, command)?;
            let answer = expect_reply(if command == "PASV" { "227 " } else { "229 " })?;
            let endpoint = answer.split(['(', ')']).nth(1).unwrap_or_default();
            let data_address = match command {
                "PASV" => parse_host_port(endpoint),
                _ => SocketAddr::new(
                    address.ip(),
                    endpoint.trim_matches('|').parse().map_err(io::Error::other)?,
                ),
            };
            let data = TcpStream::connect_timeout(&data_address, PATIENCE)?;
            send_line(&control, "RETR file")?;
            expect_reply("150 ")?;
            (data, data_address)
        }
    };
    let mut file = Vec::new();
    data.set_read_timeout(Some(PATIENCE))?;
    data.read_to_end(&mut file)?;
    expect_reply("226 ")?;
    Ok(Transfer { server, peer, file })
}

/// Formats an IPv4 address and a port for PORT and PASV.
fn format_host_port(endpoint: SocketAddr) -> String {
    let port = endpoint.port();
    format!("{},{},{}", endpoint.ip().to_string().replace('.', ","), port >> 8, port & 255)
}

fn parse_host_port(text: &str) -> SocketAddr {
    let numbers: Vec<u8> = text.split(',').map(|number| number.parse::<u8>().unwrap()).collect();
    let [a, b, c, d, high, low] = numbers[..] else { panic!("{text}") };
    SocketAddr::new(IpAddr::from([a, b, c, d]), u16::from_be_bytes([high, low]))
}
