//! Names of ports, from `/etc/services`.

use std::collections::HashMap;
use std::sync::LazyLock;

use ipvs_netlink::Protocol;

const PATH: &str = "/etc/services";

/// The names in `/etc/services`, which is read once. Without it ports have no names.
pub(crate) static PORTS: LazyLock<Ports> =
    LazyLock::new(|| Ports::read(&std::fs::read(PATH).map_or_else(|_| String::new(), lossy)));

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The ports of names, and the names of ports.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    by_name: HashMap<String, Vec<(Protocol, u16)>>,
    names: HashMap<(u16, Protocol), String>,
}

impl Ports {
    fn read(text: &str) -> Self {
        let mut ports = Self::default();
        for Line { name, port, protocol, aliases } in text.lines().filter_map(parse) {
            for name in std::iter::once(name).chain(aliases) {
                ports.by_name.entry(name.to_owned()).or_default().push((protocol, port));
            }
            ports.names.entry((port, protocol)).or_insert_with(|| name.to_owned());
        }
        ports
    }

    /// Finds the port that has a name, or an alias, with this protocol.
    pub(crate) fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        let ports = self.by_name.get(name)?;
        ports.iter().find(|&&(existing, _)| existing == protocol).map(|&(_, port)| port)
    }

    /// Returns the first name of a port.
    pub(super) fn name(&self, port: u16, protocol: Protocol) -> Option<&str> {
        self.names.get(&(port, protocol)).map(String::as_str)
    }

    /// Returns whether input with this name means this port again.
    pub(super) fn is_reversible(&self, name: &str, port: u16, protocol: Protocol) -> bool {
        name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
            && name.parse::<u16>().is_err()
            && self.port(name, protocol) == Some(port)
    }
}

/// A line: `NAME PORT/PROTOCOL ALIAS... # comment`.
struct Line<'a, A> {
    name: &'a str,
    port: u16,
    protocol: Protocol,
    aliases: A,
}

/// Reads a line for a protocol that IPVS balances.
fn parse(line: &str) -> Option<Line<'_, impl Iterator<Item = &str>>> {
    let mut words = line.split('#').next()?.split_whitespace();
    let name = words.next()?;
    let (port, protocol) = words.next()?.split_once('/')?;
    let protocol = match protocol {
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "sctp" => Protocol::SCTP,
        _ => return None,
    };
    Some(Line { name, port: port.parse().ok()?, protocol, aliases: words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_a_port_a_protocol_and_aliases() {
        let line = parse("http\t80/tcp\twww http-too # HyperText").unwrap();
        assert_eq!((line.name, line.port, line.protocol), ("http", 80, Protocol::TCP));
        assert_eq!(line.aliases.collect::<Vec<_>>(), ["www", "http-too"]);
        for text in ["", "# comment", "name", "name 80", "name x/tcp", "name 80/ddp"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_first_line_with_a_name_or_a_port_counts() {
        let ports = Ports::read("http 80/tcp www\nweb 80/tcp\nhttp 8080/tcp\nhttp 81/udp\nwww 82/tcp\n");
        assert_eq!(ports.port("http", Protocol::TCP), Some(80));
        assert_eq!(ports.port("http", Protocol::UDP), Some(81));
        assert_eq!(ports.port("www", Protocol::TCP), Some(80));
        assert_eq!(ports.port("web", Protocol::SCTP), None);
        assert_eq!(ports.name(80, Protocol::TCP), Some("http"));
        assert_eq!(ports.name(8080, Protocol::TCP), Some("http"));
        assert_eq!(ports.name(80, Protocol::UDP), None);
    }

    #[test]
    fn a_name_is_reversible_if_it_means_the_same_port() {
        let ports = Ports::read("http 80/tcp\nhttp 8080/tcp\n90 91/tcp\na:b 92/tcp\nfür 93/tcp\n");
        assert!(ports.is_reversible("http", 80, Protocol::TCP));
        for (name, port) in [("http", 8080), ("90", 91), ("a:b", 92), ("für", 93), ("other", 80)] {
            assert!(!ports.is_reversible(name, port, Protocol::TCP), "{name}");
        }
        assert!(!ports.is_reversible("http", 80, Protocol::UDP));
    }
}
