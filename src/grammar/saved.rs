//! The usual lines in the one form that `-S -n` writes, read without splitting them into options.
//!
//! Most of a saved file consists of them. Replacing 1,000 services with 10 servers each when there is nothing to do
//! takes a fifth less instructions this way (170 M without, see docs/performance.md).

use std::net::SocketAddrV4;

use ipvs_netlink::{Change, Destination, DestinationId, Forwarding, Protocol, Service, ServiceId};

use super::server;

/// Reads lines such as `-A -t 192.0.2.1:80 -s rr` or `-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1`.
#[derive(Default)]
pub(crate) struct SavedLines<'a> {
    /// The words that named a service last, as lines of servers repeat them.
    last: Option<(&'a str, Protocol, SocketAddrV4)>,
}

impl<'a> SavedLines<'a> {
    /// Reads a line. Whatever has another form is left to [`Parser`](super::Parser).
    pub(crate) fn read(&mut self, line: &'a str) -> Option<Change> {
        match line.split_at_checked(3)? {
            ("-A ", rest) => self.read_service(rest),
            ("-a ", rest) => self.read_server(rest),
            _ => None,
        }
    }

    /// Reads `-t 192.0.2.1:80 `, and returns what follows.
    fn take_service(&mut self, rest: &'a str) -> Option<(Protocol, SocketAddrV4, &'a str)> {
        if let Some((words, protocol, service)) = self.last {
            if let Some(rest) = rest.strip_prefix(words) {
                return Some((protocol, service, rest));
            }
        }
        let (option, address) = rest.split_at_checked(3)?;
        let protocol = match option {
            "-t " => Protocol::TCP,
            "-u " => Protocol::UDP,
            _ => return None,
        };
        let (address, after) = split_at_blank(address)?;
        let service = address.parse().ok()?;
        self.last = Some((&rest[..rest.len() - after.len()], protocol, service));
        Some((protocol, service, after))
    }

    fn read_service(&mut self, rest: &'a str) -> Option<Change> {
        let (protocol, service, rest) = self.take_service(rest)?;
        let scheduler =
            rest.strip_prefix("-s ").filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))?;
        // All ports need persistence.
        let service = Some(service).filter(|service| service.port() != 0)?;
        let service = Service::new(ServiceId::new(protocol, service));
        Some(Change::AddService(service.with_scheduler(scheduler.parse().ok()?)))
    }

    fn read_server(&mut self, rest: &'a str) -> Option<Change> {
        let (protocol, service, rest) = self.take_service(rest)?;
        let (server, rest) = split_at_blank(rest.strip_prefix("-r ")?)?;
        let (forwarding, weight) = match rest.split_at_checked(6)? {
            ("-m -w ", weight) => (Forwarding::Masquerade, weight),
            ("-g -w ", weight) => (Forwarding::DirectRoute, weight),
            _ => return None,
        };
        let server: SocketAddrV4 = server.parse().ok()?;
        let weight = weight.parse().ok().filter(|weight| *weight <= server::MAX)?;
        let mut id = DestinationId::new(*server.ip(), server.port());
        if forwarding != Forwarding::Masquerade {
            id.port = service.port();
        }
        let destination = Destination::new(id).with_forwarding(forwarding).with_weight(weight);
        Some(Change::AddDestination(ServiceId::new(protocol, service), destination))
    }
}

/// Splits at the first blank. For words this short that is faster than `split_once`.
fn split_at_blank(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_at(text.bytes().position(|byte| byte == b' ')?);
    Some((word, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Parser, write};
    use crate::output::Output;

    /// Reads a line as any other command line.
    fn read_thoroughly(line: &str) -> Option<Change> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Parser::default().parse(&words).ok()?.change()
    }

    #[test]
    fn saved_services_are_read() {
        for (line, is_read) in [
            ("-A -t 192.0.2.1:80 -s rr", true),
            ("-A -u 192.0.2.1:53 -s wlc", true),
            ("-A -t 192.0.2.1:0 -s rr", false),
            ("-A -t 192.0.2.1:80 -s", false),
            ("-A -t 192.0.2.1:80 -s ", false),
            ("-A -t 192.0.2.1:80 -s sixteencharacter", false),
            ("-A -t 192.0.2.1:80 -s rr -p 300", false),
            ("-A -f 7 -s rr", false),
        ] {
            let change = SavedLines::default().read(line);
            assert_eq!(change.is_some(), is_read, "{line}");
            if is_read {
                assert_eq!(read_thoroughly(line), change, "{line}");
            }
        }
    }

    #[test]
    fn saved_servers_are_read() {
        let service = |port| ServiceId::udp(([192, 0, 2, 1], port));
        for forwarding in [Forwarding::Masquerade, Forwarding::DirectRoute] {
            for (port, weight) in [(80, 0), (80, 1), (65_535, 65_535), (0, server::MAX)] {
                let destination = Destination::new(DestinationId::new([198, 51, 100, 1], port));
                let change = Change::AddDestination(
                    service(port),
                    destination.with_forwarding(forwarding).with_weight(weight),
                );
                let mut line = Output::default();
                write(&mut line, &change);
                assert_eq!(SavedLines::default().read(&line.to_string()), Some(change), "{line}");
            }
        }
    }

    #[test]
    fn lines_have_the_meaning_of_any_command_line_or_are_left_to_the_parser() {
        let parts: [&[&str]; 7] = [
            &["-a", "-e", " -a", "-a "],
            &["-t", "-u", "-f", "-ut", ""],
            &[
                "192.0.2.1:80",
                "192.0.2.1:0",
                "192.0.2.1",
                "[::1]:80",
                "192.0.2.1:http",
                "010.0.2.1:80",
                "1:2:3",
            ],
            &["-r", "-x", ""],
            &["198.51.100.1:8080", "198.51.100.1", "198.51.100.256:1", "+198.51.100.1:80"],
            &["-m", "-g", "-i", "-m -m", ""],
            &[
                "-w 1",
                "-w +1",
                "-w -1",
                "-w 2147483648",
                "-w 1 ",
                "-w 1\r",
                "-w",
                "-w 1 -x 3",
                "-w  1",
                "-w é",
            ],
        ];
        let mut lines = vec![String::new()];
        for choices in parts {
            lines = lines
                .iter()
                .flat_map(|line| choices.iter().map(move |choice| format!("{line}{choice} ")))
                .collect();
        }
        let (mut saved, mut read) = (SavedLines::default(), 0);
        for line in &lines {
            for line in [line, line.strip_suffix(' ').unwrap_or(line)] {
                if let Some(change) = saved.read(line) {
                    assert_eq!(read_thoroughly(line), Some(change), "{line}");
                    read += 1;
                }
            }
        }
        assert_eq!(read, 16, "the lines in the saved form");
    }
}
