//! `-L -c`: one line for each connection.

use std::net::SocketAddr;

use ipvs::Protocol;
use ipvs::proc::Connection;

use super::address::escape;
use super::{Names, Text};

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
pub fn connection(text: &mut Text, connection: &Connection<'_>, engines: bool, names: &Names) {
    let protocol = match connection.protocol {
        b"TCP" => {
            text.push("TCP");
            Some(Protocol::TCP)
        }
        b"UDP" => {
            text.push("UDP");
            Some(Protocol::UDP)
        }
        b"SCTP" => {
            text.push("SCTP");
            Some(Protocol::SCTP)
        }
        other => {
            text.left(3, |text| escape(text, other));
            None
        }
    };
    let endpoint = |text: &mut Text, width, end: SocketAddr| {
        names.endpoint(text, width, end.ip(), end.port(), protocol);
    };
    let engine = connection.engine.filter(|_| engines);
    text.push(" ");
    text.left(6, |text| expires(text, connection.expires));
    text.push(" ");
    text.left(11, |text| escape(text, connection.state));
    text.push(" ");
    endpoint(text, 18, connection.client);
    text.push(" ");
    endpoint(text, 18, connection.service);
    text.push(" ");
    match engine {
        None => endpoint(text, 0, connection.destination),
        Some((name, data)) => {
            endpoint(text, 16, connection.destination);
            text.push(" ");
            text.left(18, |text| escape(text, name));
            text.push(" ");
            escape(text, data);
        }
    }
    text.push("\n");
}

#[inline(always)]
fn two_digits(text: &mut Text, number: u64) {
    if number < 10 {
        text.push("0");
    }
    text.number(number);
}

/// Minutes and seconds, two digits each or more.
fn expires(text: &mut Text, seconds: u64) {
    two_digits(text, seconds / 60);
    text.push(":");
    two_digits(text, seconds % 60);
}
