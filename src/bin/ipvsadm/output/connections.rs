//! `-L -c`: one line for each connection.

use std::fmt::Write;
use std::net::SocketAddr;

use ipvs::Protocol;
use ipvs::proc::Connection;

use super::Names;
use super::address::escape;

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
    let endpoint = |address: SocketAddr| names.endpoint(address.ip(), address.port(), protocol);
    let (client, service) = (endpoint(connection.client), endpoint(connection.service));
    let destination = endpoint(connection.destination);
    let (name, state) = (escape(connection.protocol), escape(connection.state));
    let (minutes, seconds) = (connection.expires / 60, connection.expires % 60);
    let expires = format!("{minutes:02}:{seconds:02}");
    // Writing to a String cannot fail.
    let _ = match connection.engine.filter(|_| engines) {
        None => writeln!(text, "{name:<3} {expires:<6} {state:<11} {client:<18} {service:<18} {destination}"),
        Some((engine, data)) => writeln!(
            text,
            "{name:<3} {expires:<6} {state:<11} {client:<18} {service:<18} {destination:<16} {:<18} {}",
            escape(engine),
            escape(data)
        ),
    };
}
