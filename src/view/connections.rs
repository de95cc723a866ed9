//! `-L -c`: a line for each connection.

use std::net::SocketAddr;

use ipvs_netlink::{Connection, Protocol};

use crate::output::Output;

/// Returns the two lines above the connections, with columns for persistence engines or without.
pub(crate) fn connections_header(engines: bool) -> &'static str {
    if engines {
        "IPVS connection entries\n\
         pro expire state       source             virtual            destination        \
         pe name          pe_data\n"
    } else {
        "IPVS connection entries\n\
         pro expire state       source             virtual            destination\n"
    }
}

/// Appends a connection.
pub(crate) fn connection(output: &mut Output, connection: &Connection<'_>, engines: bool) {
    let (protocol, name) = match connection.protocol {
        b"TCP" => (Some(Protocol::TCP), "TCP"),
        b"UDP" => (Some(Protocol::UDP), "UDP"),
        b"SCTP" => (Some(Protocol::SCTP), "SCTP"),
        _ => (None, ""),
    };
    let endpoint = |output: &mut Output, width: usize, endpoint: SocketAddr| {
        output.endpoint(width, endpoint.ip(), endpoint.port(), protocol);
    };
    if protocol.is_some() {
        output.push(name);
    } else {
        output.left(3, |output| output.foreign(connection.protocol));
    }
    output.push(" ");
    output.left(6, |output| expires(output, connection.expires));
    output.push(" ");
    output.left(11, |output| output.foreign(connection.state));
    output.push(" ");
    endpoint(output, 18, connection.client);
    output.push(" ");
    endpoint(output, 18, connection.service);
    output.push(" ");
    match connection.engine.filter(|_| engines) {
        None => endpoint(output, 0, connection.destination),
        Some((name, data)) => {
            endpoint(output, 16, connection.destination);
            output.push(" ");
            output.left(18, |output| output.foreign(name));
            output.push(" ");
            output.foreign(data);
        }
    }
    output.push("\n");
}

/// Appends a line that is no connection, as one word behind a mark in place of the protocol.
pub(crate) fn malformed_connection(output: &mut Output, line: &[u8]) {
    output.push("??? ");
    output.foreign(line);
    output.push("\n");
}

/// Appends minutes and seconds, each of two digits or more.
fn expires(output: &mut Output, seconds: u64) {
    two_digits(output, seconds / 60);
    output.push(":");
    two_digits(output, seconds % 60);
}

fn two_digits(output: &mut Output, number: u64) {
    if number < 100 {
        output.push([number / 10, number % 10].map(|digit| b'0' + digit as u8));
    } else {
        output.number(number);
    }
}
