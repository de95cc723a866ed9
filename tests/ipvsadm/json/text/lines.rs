//! The lines that say what a document says.

use std::net::SocketAddr;

use serde_json::Value;

use crate::json::list;

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field}: {value}"))
}

pub fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("no number {field}: {value}"))
}

/// Returns the names of flags.
fn flags(value: &Value) -> Vec<&str> {
    value
        .get("flags")
        .map_or(Vec::new(), |_| list(value, "flags").iter().map(|it| it.as_str().unwrap()).collect())
}

pub fn endpoint(value: &Value) -> String {
    let address = text(value, "address").parse().unwrap();
    SocketAddr::new(address, number(value, "port") as u16).to_string()
}

pub fn service_id(service: &Value) -> String {
    match service.get("fwmark") {
        Some(mark) if service["family"] == "IPv6" => format!("-f {mark} -6"),
        Some(mark) => format!("-f {mark}"),
        None => {
            let option = match text(service, "protocol") {
                "TCP" => "-t",
                "UDP" => "-u",
                "SCTP" => "--sctp-service",
                other => panic!("{other}"),
            };
            format!("{option} {}", endpoint(service))
        }
    }
}

fn service_line(service: &Value) -> String {
    let mut line = format!("-A {} -s {}", service_id(service), text(service, "scheduler"));
    if let Some(seconds) = service.get("persistence") {
        line += &format!(" -p {seconds}");
        let netmask = match &service["netmask"] {
            Value::String(mask) => mask.clone(),
            length => length.to_string(),
        };
        if !["255.255.255.255", "128"].contains(&netmask.as_str()) {
            line += &format!(" -M {netmask}");
        }
    } else {
        assert_eq!(service.get("netmask"), None, "{service}");
    }
    if service.get("engine").is_some() {
        line += &format!(" --pe {}", text(service, "engine"));
    }
    let mut flags = flags(service);
    if flags.first() == Some(&"one-packet") {
        flags.remove(0);
        line += " -o";
    }
    if !flags.is_empty() {
        line += &format!(" -b {}", flags.join(","));
    }
    line
}

fn server_line(service: &Value, server: &Value) -> String {
    let method = match text(server, "forwarding") {
        "masquerade" => "-m",
        "tunnel" => "-i",
        "direct-route" => "-g",
        other => panic!("{other}"),
    };
    let mut line = format!(
        "-a {} -r {} {method} -w {}",
        service_id(service),
        endpoint(server),
        number(server, "weight")
    );
    assert_eq!(server.get("tunnel").is_some(), method == "-i", "{server}");
    if let Some(tunnel) = server.get("tunnel") {
        line += &format!(" --tun-type {}", text(tunnel, "type"));
        if let Some(port) = tunnel.get("port") {
            line += &format!(" --tun-port {port}");
        }
        if text(tunnel, "type") != "ipip" {
            line += match flags(tunnel)[..] {
                [] => " --tun-nocsum",
                ["checksum"] => " --tun-csum",
                ["remote-checksum"] => " --tun-remcsum",
                _ => panic!("{tunnel}"),
            };
        }
    }
    for (option, field) in [("-x", "upper_threshold"), ("-y", "lower_threshold")] {
        if number(server, field) != 0 {
            line += &format!(" {option} {}", number(server, field));
        }
    }
    line
}

fn daemon_line(daemon: &Value) -> String {
    let mut line = format!(
        "--start-daemon {} --mcast-interface {} --syncid {} --sync-maxlen {}",
        text(daemon, "state"),
        text(daemon, "interface"),
        number(daemon, "sync_id"),
        number(daemon, "max_length")
    );
    if daemon.get("group").is_some() {
        line += &format!(" --mcast-group {}", text(daemon, "group"));
    }
    line + &format!(" --mcast-port {} --mcast-ttl {}", number(daemon, "port"), number(daemon, "ttl"))
}

/// Returns the lines that save everything in a document.
pub fn saved(ipvs: &Value) -> String {
    let mut lines = String::new();
    if let Some(timeouts) = ipvs.get("timeouts") {
        let [tcp, tcp_fin, udp] = ["tcp", "tcp_fin", "udp"].map(|field| number(timeouts, field));
        lines += &format!("--set {tcp} {tcp_fin} {udp}\n");
    }
    for service in list(ipvs, "services") {
        lines += &format!("{}\n", service_line(service));
        for server in list(service, "destinations") {
            lines += &format!("{}\n", server_line(service, server));
        }
    }
    for daemon in ipvs.get("daemons").into_iter().flat_map(|daemons| daemons.as_array().unwrap()) {
        lines += &format!("{}\n", daemon_line(daemon));
    }
    lines
}

/// Returns the words of a listing from its third line of headings on, with `columns` after each address.
pub fn listed(ipvs: &Value, service_columns: &[&str], server_columns: &[&str]) -> Vec<String> {
    let cells = |value: &Value, columns: &[&str]| -> String {
        let cell =
            |path: &&str| format!(" {}", value.pointer(path).unwrap_or_else(|| panic!("no {path}: {value}")));
        columns.iter().map(cell).collect()
    };
    let mut lines = Vec::new();
    for service in list(ipvs, "services") {
        let id = match service.get("fwmark") {
            Some(mark) if service["family"] == "IPv6" => format!("FWM {mark} IPv6"),
            Some(mark) => format!("FWM {mark}"),
            None => format!("{} {}", text(service, "protocol"), endpoint(service)),
        };
        lines.push(id + &cells(service, service_columns));
        for server in list(service, "destinations") {
            lines.push(format!("-> {}{}", endpoint(server), cells(server, server_columns)));
        }
    }
    lines
}
