//! `-L -c --count-by`: a line for each client, service, server or state.

use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{Connection, Protocol, ServiceId};

use super::connections::protocol;
use crate::grammar;
use crate::output::Output;

/// The width of the number, as `uniq -c` has it.
const WIDTH: usize = 7;

/// A thing that has connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    Client(IpAddr),
    Service(CountedService),
    Server(SocketAddr),
    State(Vec<u8>),
}

/// The service of a connection, as far as the kernel's list tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CountedService {
    /// A virtual address, or the firewall mark of a template.
    Known(ServiceId),
    /// A virtual address with a protocol that no service has.
    Other(Vec<u8>, SocketAddr),
}

impl CountedService {
    pub(crate) fn new(connection: &Connection<'_>) -> Self {
        let known = |protocol: Protocol| ServiceId::new(protocol, connection.service);
        match grammar::mark_of_template(connection).or_else(|| protocol(connection).map(known)) {
            Some(id) => Self::Known(id),
            None => Self::Other(connection.protocol.to_vec(), connection.service),
        }
    }
}

impl Counted {
    /// Returns the address whose name is shown, if there is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Client(address) => Some(*address),
            Self::Service(CountedService::Known(ServiceId::Address { address, .. })) => Some(*address),
            Self::Service(CountedService::Known(ServiceId::Fwmark { .. })) | Self::State(_) => None,
            Self::Service(CountedService::Other(_, endpoint)) | Self::Server(endpoint) => Some(endpoint.ip()),
        }
    }

    /// Appends it as one word, or as two if it is a service.
    pub(super) fn write(&self, output: &mut Output) {
        match self {
            Self::Client(address) => output.host(*address),
            // Its protocol, by which its port would be named, is not known.
            Self::Server(endpoint) => output.endpoint(0, endpoint.ip(), endpoint.port(), None),
            Self::State(state) => output.foreign(state),
            Self::Service(CountedService::Other(protocol, endpoint)) => {
                output.foreign(protocol);
                output.push(" ");
                output.endpoint(0, endpoint.ip(), endpoint.port(), None);
            }
            Self::Service(CountedService::Known(id)) => {
                match id.protocol() {
                    Some(protocol) => output.push(protocol.to_string()),
                    None => output.push("FWM"),
                }
                output.push(" ");
                output.service(0, id);
            }
        }
    }
}

/// Appends the line of a thing with this number of connections.
pub(crate) fn count(output: &mut Output, counted: &Counted, count: u64) {
    output.right(WIDTH, count);
    output.push(" ");
    counted.write(output);
    output.push("\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_a_number_and_a_name() {
        let service =
            |line: &str| Counted::Service(CountedService::new(&Connection::parse(line.as_bytes()).unwrap()));
        for (counted, expected) in [
            (Counted::Client([192, 0, 2, 100].into()), "192.0.2.100"),
            (Counted::Client("2001:db8::1".parse().unwrap()), "2001:db8::1"),
            (Counted::Server("[2001:db8::1]:80".parse().unwrap()), "[2001:db8::1]:80"),
            (Counted::State(b"SYN\x1b".to_vec()), "SYN\\u{1b}"),
            (service("TCP C0000264 8F3A C0000201 0050 0A00000B 1F90 NONE 9"), "TCP 192.0.2.1:80"),
            (service("IP  C0000264 0000 FFFFFFFF 0000 0A00000B 0000 NONE 9"), "FWM 4294967295"),
            (
                service(
                    "IP  2001:0db8:0001:0000:0000:0000:0000:0100 0000 \
                     0000:0007:0000:0000:0000:0000:0000:0000 0000 0A00000B 0000 NONE 9",
                ),
                "FWM 7 IPv6",
            ),
            (service("ESP C0000264 01F4 C0000201 01F4 0A00000B 01F4 NONE 9"), "ESP 192.0.2.1:500"),
        ] {
            let mut output = Output::default();
            count(&mut output, &counted, 12);
            assert_eq!(output.to_string(), format!("     12 {expected}\n"));
        }
    }
}
