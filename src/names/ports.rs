//! Names of ports, from `/etc/services`.

use std::collections::HashMap;

use ipvs_netlink::Protocol;

const PATH: &str = "/etc/services";

/// Finds the port that has a name, or an alias, with this protocol.
pub(crate) fn port(name: &str, protocol: Protocol) -> Option<u16> {
    let text = read();
    let protocol = protocol_name(protocol);
    let mut lines = text.lines().filter_map(parse).filter(|line| line.protocol == protocol);
    lines.find_map(|mut line| {
        (line.name == name || line.aliases.any(|alias| alias == name)).then_some(line.port)
    })
}

/// The names of all ports.
pub(super) struct PortNames(HashMap<(u16, String), String>);

impl PortNames {
    pub(super) fn read() -> Self {
        let mut names = HashMap::new();
        for line in read().lines().filter_map(parse) {
            names.entry((line.port, line.protocol.to_owned())).or_insert_with(|| line.name.to_owned());
        }
        Self(names)
    }

    pub(super) fn name(&self, port: u16, protocol: Protocol) -> Option<&str> {
        self.0.get(&(port, protocol_name(protocol))).map(String::as_str)
    }
}

fn protocol_name(protocol: Protocol) -> String {
    protocol.to_string().to_ascii_lowercase()
}

/// Reads the file. Without it ports have no names.
fn read() -> String {
    std::fs::read(PATH).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A line: `NAME PORT/PROTOCOL ALIAS... # comment`.
struct Line<'a, A> {
    name: &'a str,
    port: u16,
    protocol: &'a str,
    aliases: A,
}

fn parse(line: &str) -> Option<Line<'_, impl Iterator<Item = &str>>> {
    let mut words = line.split('#').next()?.split_whitespace();
    let name = words.next()?;
    let (port, protocol) = words.next()?.split_once('/')?;
    Some(Line { name, port: port.parse().ok()?, protocol, aliases: words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_a_port_a_protocol_and_aliases() {
        let line = parse("http\t80/tcp\twww http-too # HyperText").unwrap();
        assert_eq!((line.name, line.port, line.protocol), ("http", 80, "tcp"));
        assert_eq!(line.aliases.collect::<Vec<_>>(), ["www", "http-too"]);
        for text in ["", "# comment", "name", "name 80", "name x/tcp"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
