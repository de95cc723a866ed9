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
    let protocol = protocol(connection);
    match protocol {
        Some(Protocol::TCP) => output.push("TCP "),
        Some(Protocol::UDP) => output.push("UDP "),
        _ => {
            output.foreign_column(3, connection.protocol);
            output.push(" ");
        }
    }
    let endpoint = |output: &mut Output, width: usize, endpoint: SocketAddr| {
        output.endpoint(width, endpoint.ip(), endpoint.port(), protocol);
    };
    expires(output, connection.expires);
    output.push(" ");
    output.foreign_column(11, connection.state);
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
            output.foreign_column(18, name);
            output.push(" ");
            output.foreign(data);
        }
    }
    output.push("\n");
}

/// Returns the protocol by which ports are named.
pub(super) fn protocol(connection: &Connection<'_>) -> Option<Protocol> {
    match connection.protocol {
        b"TCP" => Some(Protocol::TCP),
        b"UDP" => Some(Protocol::UDP),
        b"SCTP" => Some(Protocol::SCTP),
        _ => None,
    }
}

/// Appends a line that is no connection, as one word behind a mark in place of the protocol.
pub(crate) fn malformed_connection(output: &mut Output, line: &[u8]) {
    output.push("??? ");
    output.foreign(line);
    output.push("\n");
}

/// Appends minutes and seconds, each of two digits or more, and blanks up to a width of six.
pub(super) fn expires(output: &mut Output, seconds: u64) {
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let digits = |number: u64| [number / 10, number % 10].map(|digit| b'0' + digit as u8);
    let [tens, ones] = digits(seconds);
    if minutes < 100 {
        let [minute_tens, minute_ones] = digits(minutes);
        output.push([minute_tens, minute_ones, b':', tens, ones, b' ']);
    } else {
        output.number(minutes);
        output.push([b':', tens, ones]);
    }
}
