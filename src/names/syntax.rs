//! The syntax of host names, so that nobody is asked for a text that cannot be one.

/// The longest name that the DNS can carry, without a dot at its end.
const MAX_LEN: usize = 253;
const MAX_LABEL_LEN: usize = 63;

/// Returns the reason why a text cannot be a host name, or `None` if it can.
///
/// `/etc/hosts` has names that the DNS would not accept: underscores and dashes are allowed everywhere, and
/// so are letters of all scripts, which resolvers can encode.
pub(crate) fn fault(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if let Some(character) = name.chars().find(|&character| !is_allowed(character)) {
        return Some(match character {
            '/' => "a single address is needed, without a prefix length or a mask".into(),
            ':' => "it is not an IPv6 address".into(),
            _ => format!("neither an address nor a host name contains \"{}\"", character.escape_debug()),
        });
    }
    if name.len() > MAX_LEN {
        return Some(format!("a host name has at most {MAX_LEN} bytes"));
    }
    if name.split('.').any(str::is_empty) {
        return Some("a part of the name is missing between the dots".into());
    }
    if name.split('.').any(|label| label.len() > MAX_LABEL_LEN) {
        return Some(format!("each part of a host name has at most {MAX_LABEL_LEN} bytes"));
    }
    name.rsplit('.')
        .next()
        .filter(|label| is_number(label))
        .map(|_| "it is not an IPv4 address, and a host name does not end in a number".into())
}

fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.')
}

/// Returns whether a label looks like a part of an IPv4 address.
fn is_number(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit()) || label.starts_with("0x") || label.starts_with("0X")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_accepted() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        for name in [
            "web",
            "web.example.com",
            "web.example.com.",
            "_sip._udp.example.com",
            "web_1",
            "-evil",
            "--help",
            "3com",
            "1.2.3.web",
            "4x",
            "müller.example",
            &longest,
            &format!("{longest}."),
        ] {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn texts_that_cannot_be_host_names_are_refused_with_a_reason() {
        let label = "a".repeat(63);
        let ipv4 = "not an IPv4 address";
        let contains = "neither an address nor a host name contains";
        for (text, reason) in [
            ("192.0.2.256", ipv4),
            ("192.0.2.256.", ipv4),
            ("10.0.0.0.1", ipv4),
            ("web.1", ipv4),
            ("0x1g", ipv4),
            ("10.0.0.0X1FF", ipv4),
            ("192.0.2.1/24", "prefix length"),
            ("2001:db8::zz", "not an IPv6 address"),
            ("192.0.2,1", contains),
            ("two words", contains),
            ("web\u{2013}1", contains),
            ("web\u{1b}", "\"\\u{1b}\""),
            ("$(id)", contains),
            ("", "missing between the dots"),
            (".", "missing between the dots"),
            ("web..example", "missing between the dots"),
            (".web", "missing between the dots"),
            ("web..", "missing between the dots"),
            (&format!("{label}a.example"), "at most 63 bytes"),
            (&format!("{label}.{label}.{label}.{}", "a".repeat(62)), "at most 253 bytes"),
        ] {
            let fault = fault(text).unwrap_or_default();
            assert!(fault.contains(reason), "{text}: {fault}");
        }
    }
}
