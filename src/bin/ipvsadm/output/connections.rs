//! `-L -c`: one line for each connection.

use std::net::SocketAddr;

use ipvs::Protocol;
use ipvs::proc::Connection;

use super::Names;
use super::address::escape;
use super::text::{left, number};

/// The two lines above the connections, with columns for persistence engines or without.
pub fn connections_header(engines: bool) -> &'static str {
    match engines {
        false => {
            "IPVS connection entries\n\
             pro expire state       source             virtual            destination\n"
        }
        true => {
            "IPVS connection entries\n\
             pro expire state       source             virtual            destination        \
             pe name          pe_data\n"
        }
    }
}

/// Appends a connection.
pub fn connection(text: &mut String, connection: &Connection<'_>, engines: bool, names: &Names) {
    let protocol = match connection.protocol {
        b"TCP" => Some(Protocol::TCP),
        b"UDP" => Some(Protocol::UDP),
        b"SCTP" => Some(Protocol::SCTP),
        _ => None,
    };
    let endpoint = |text: &mut String, end: SocketAddr| names.endpoint(text, end.ip(), end.port(), protocol);
    let engine = connection.engine.filter(|_| engines);
    left(text, 3, |text| escape(text, connection.protocol));
    text.push(' ');
    left(text, 6, |text| expires(text, connection.expires));
    text.push(' ');
    left(text, 11, |text| escape(text, connection.state));
    text.push(' ');
    left(text, 18, |text| endpoint(text, connection.client));
    text.push(' ');
    left(text, 18, |text| endpoint(text, connection.service));
    text.push(' ');
    match engine {
        None => endpoint(text, connection.destination),
        Some((name, data)) => {
            left(text, 16, |text| endpoint(text, connection.destination));
            text.push(' ');
            left(text, 18, |text| escape(text, name));
            text.push(' ');
            escape(text, data);
        }
    }
    text.push('\n');
}

/// Minutes and seconds, two digits each or more.
fn expires(text: &mut String, seconds: u64) {
    for (part, before) in [(seconds / 60, ""), (seconds % 60, ":")] {
        text.push_str(before);
        text.push_str(if part < 10 { "0" } else { "" });
        number(text, part);
    }
}
