//! FTP, as little as a file needs: RETR with PORT, PASV, EPRT and EPSV.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket, sockopt};

use super::machine::Machine;
use super::tcp::{PATIENCE, TcpServer};

/// The file that a server of this name has.
pub fn file(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31) + u32::from(byte));
    let step = |number: &u32| Some(number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), step).take(50_000).flat_map(u32::to_be_bytes).collect()
}

/// Starts a server on a machine. It tells the machine's name and has one file.
pub fn start(machine: &Machine) -> TcpServer {
    let name = machine.name.clone();
    TcpServer::with(machine, 21, move |stream| serve(stream, &name))
}

/// What was said last about the data connection.
enum Data {
    Nothing,
    Active(SocketAddr),
    Passive(TcpListener),
}

fn serve(control: TcpStream, name: &str) -> io::Result<()> {
    let address = control.local_addr()?.ip().to_canonical();
    let mut data = Data::Nothing;
    say(&control, &format!("220 {name}"))?;
    for line in BufReader::new(control.try_clone()?).lines() {
        let line = line?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("PORT", argument) => {
                data = Data::Active(from_six_numbers(argument));
                "200 Okay".into()
            }
            ("EPRT", argument) => {
                let fields: Vec<_> = argument.split('|').collect();
                data = Data::Active(SocketAddr::new(fields[2].parse().unwrap(), fields[3].parse().unwrap()));
                "200 Okay".into()
            }
            ("PASV" | "EPSV", _) => {
                let listener = TcpListener::bind((address, 0))?;
                let here = listener.local_addr()?;
                data = Data::Passive(listener);
                match line.as_str() {
                    "PASV" => format!("227 Entering Passive Mode ({})", six_numbers(here)),
                    _ => format!("229 Entering Extended Passive Mode (|||{}|)", here.port()),
                }
            }
            ("RETR", _) => {
                say(&control, "150 Here it comes")?;
                let mut stream = match &data {
                    Data::Active(client) => connect_from(SocketAddr::new(address, 20), *client)?,
                    Data::Passive(listener) => listener.accept()?.0,
                    Data::Nothing => return Ok(()),
                };
                stream.write_all(&file(name))?;
                "226 That was it".into()
            }
            _ => "502 What?".to_string(),
        };
        say(&control, &answer)?;
    }
    Ok(())
}

/// Says a line at once: the director looks for addresses in each packet by itself.
fn say(mut control: &TcpStream, line: &str) -> io::Result<()> {
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

/// What has been transferred.
pub struct Transfer {
    /// The server of the control connection.
    pub server: String,
    /// The other end of the data connection.
    pub from: SocketAddr,
    pub file: Vec<u8>,
}

/// Gets the file, with the data connection made in this way.
pub fn get(client: &Machine, address: &str, how: &str) -> io::Result<Transfer> {
    client.within(|| get_from_here(address.parse().unwrap(), how))
}

fn get_from_here(address: SocketAddr, how: &str) -> io::Result<Transfer> {
    let control = TcpStream::connect_timeout(&address, PATIENCE)?;
    control.set_read_timeout(Some(PATIENCE))?;
    let own = control.local_addr()?.ip();
    let mut answers = BufReader::new(control.try_clone()?);
    let mut expect = |code: &str| -> io::Result<String> {
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let rest = line.trim_end().strip_prefix(code).map(str::to_string);
        rest.ok_or_else(|| io::Error::other(format!("{line:?} instead of {code}")))
    };
    let server = expect("220 ")?;
    let (mut data, from) = match how {
        "PORT" | "EPRT" => {
            let listener = TcpListener::bind((own, 0))?;
            let here = listener.local_addr()?;
            let family = if own.is_ipv4() { 1 } else { 2 };
            match how {
                "PORT" => say(&control, &format!("PORT {}", six_numbers(here)))?,
                _ => say(&control, &format!("EPRT |{family}|{own}|{}|", here.port()))?,
            }
            expect("200 ")?;
            say(&control, "RETR file")?;
            expect("150 ")?;
            sockopt::set_socket_timeout(&listener, sockopt::Timeout::Recv, Some(PATIENCE))?;
            listener.accept()?
        }
        _ => {
            say(&control, how)?;
            let answer = expect(if how == "PASV" { "227 " } else { "229 " })?;
            let place = answer.split(['(', ')']).nth(1).unwrap_or_default();
            let there = match how {
                "PASV" => from_six_numbers(place),
                _ => {
                    SocketAddr::new(address.ip(), place.trim_matches('|').parse().map_err(io::Error::other)?)
                }
            };
            let data = TcpStream::connect_timeout(&there, PATIENCE)?;
            say(&control, "RETR file")?;
            expect("150 ")?;
            (data, there)
        }
    };
    let mut file = Vec::new();
    data.set_read_timeout(Some(PATIENCE))?;
    data.read_to_end(&mut file)?;
    expect("226 ")?;
    Ok(Transfer { server, from, file })
}

/// An IPv4 address and a port, as PORT and PASV have them.
fn six_numbers(place: SocketAddr) -> String {
    let port = place.port();
    format!("{},{},{}", place.ip().to_string().replace('.', ","), port >> 8, port & 255)
}

fn from_six_numbers(text: &str) -> SocketAddr {
    let numbers: Vec<u8> = text.split(',').map(|number| number.parse().unwrap()).collect();
    let [a, b, c, d, high, low] = numbers[..] else { panic!("{text}") };
    SocketAddr::new(IpAddr::from([a, b, c, d]), u16::from_be_bytes([high, low]))
}
