//! Names of ports, from `/etc/services`.

use ipvs::Protocol;

/// The port that a name stands for with this protocol; aliases count too.
pub fn port(name: &str, protocol: Protocol) -> Option<u16> {
    let text = std::fs::read_to_string("/etc/services").ok()?;
    let protocol = protocol.to_string().to_ascii_lowercase();
    text.lines().find_map(|line| find(line, name, &protocol))
}

/// The port if the line, `NAME PORT/PROTOCOL ALIAS... # comment`, is about the name.
fn find(line: &str, name: &str, protocol: &str) -> Option<u16> {
    let mut words = line.split('#').next()?.split_whitespace();
    let official = words.next()?;
    let (port, line_protocol) = words.next()?.split_once('/')?;
    let named = official == name || words.any(|alias| alias == name);
    if named && line_protocol == protocol { port.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_by_name_or_alias_and_protocol() {
        let line = "http\t80/tcp\twww # HyperText";
        assert_eq!(find(line, "http", "tcp"), Some(80));
        assert_eq!(find(line, "www", "tcp"), Some(80));
        assert_eq!(find(line, "http", "udp"), None);
        assert_eq!(find(line, "HyperText", "tcp"), None);
        assert_eq!(find("# comment", "comment", "tcp"), None);
    }
}
