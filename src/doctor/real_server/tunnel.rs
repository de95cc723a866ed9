//! The end of the tunnel from the director.

use std::net::SocketAddr;

use ipvs_netlink::{Destination, Forwarding, Protocol, ServiceId, Tunnel, TunnelFlags};

use crate::doctor::evidence::{Evidence, Interface, Listener};
use crate::doctor::finding::{Finding, Severity, list};

const SUBJECT: &str = "the tunnel from the director";
const BREAKS: &str = "packets from the director are dropped";

/// Returns the options that name a service and the tunnel to a server, each after a blank.
pub(in crate::doctor) fn options(service: ServiceId, server: &Destination) -> String {
    let mut options = match service {
        ServiceId::Address { protocol, address, port } => {
            let option = match protocol {
                Protocol::UDP => "-u",
                Protocol::SCTP => "--sctp-service",
                _ => "-t",
            };
            format!(" {option} {}", SocketAddr::new(address, port))
        }
        ServiceId::Fwmark { .. } => String::new(),
    };
    if server.forwarding == Forwarding::Tunnel {
        options += &match server.tunnel {
            Tunnel::Gue { port, .. } => format!(" -i --tun-type gue --tun-port {port}"),
            // With GUE each packet says whether it has one.
            Tunnel::Gre { flags: TunnelFlags::CHECKSUM } => " -i --tun-type gre --tun-csum".into(),
            Tunnel::Gre { .. } => " -i --tun-type gre".into(),
            _ => " -i".to_owned(),
        };
    }
    options
}

/// Finds a tunnel whose packets nobody unwraps here.
pub(super) fn check(evidence: &Evidence, tunnel: Tunnel) -> Option<Finding> {
    let (kinds, command): (&[&str], _) = match tunnel {
        Tunnel::Gre { .. } => (&["gre", "ip6gre"], "modprobe ip_gre; ip link set gre0 up"),
        // What comes out of GUE is unwrapped once more.
        _ => (&["ipip", "ip6tnl", "sit"], "modprobe ipip; ip link set tunl0 up"),
    };
    let unwraps = |interface: &&Interface| interface.is_up && kinds.contains(&interface.kind.as_str());
    if !evidence.interfaces.is_empty() && !evidence.interfaces.iter().any(|interface| unwraps(&interface)) {
        return Some(Finding::new(
            Severity::Error,
            "no-tunnel",
            SUBJECT,
            format!("no interface of the kind {} is up", kinds.join(", ")),
            BREAKS,
            format!("{command} # for IPv4"),
        ));
    }
    match tunnel {
        Tunnel::Gue { port, .. } => gue_port(evidence, port.get()),
        Tunnel::Gre { flags } => {
            gre_checksums(evidence.interfaces.iter().filter(unwraps), flags == TunnelFlags::CHECKSUM)
        }
        _ => None,
    }
}

fn gue_port(evidence: &Evidence, port: u16) -> Option<Finding> {
    let is_open = |listener: &Listener| listener.protocol == Protocol::UDP && listener.address.port() == port;
    (!evidence.listeners.as_ref()?.iter().any(is_open)).then(|| {
        Finding::new(
            Severity::Error,
            "no-gue-port",
            SUBJECT,
            format!("nothing receives on UDP port {port}"),
            BREAKS,
            format!("modprobe fou; ip fou add port {port} gue"),
        )
    })
}

/// Finds tunnels that all drop what the director sends, because it does or does not have a checksum.
fn gre_checksums<'a>(
    tunnels: impl Iterator<Item = &'a Interface> + Clone,
    are_sent: bool,
) -> Option<Finding> {
    let refuses = |tunnel: &Interface| tunnel.wants_checksums == Some(!are_sent);
    if !tunnels.clone().all(refuses) {
        return None;
    }
    let (wanted, mend) = if are_sent {
        (
            "without checksums, and the director's have some",
            "do without --tun-csum on the director, or: ip link add director up type gre local OWN-ADDRESS remote \
             DIRECTOR csum",
        )
    } else {
        (
            "with checksums, and the director's have none",
            "use --tun-csum on the director, or: ip link set gre0 up",
        )
    };
    Some(Finding::new(
        Severity::Error,
        "gre-checksum",
        SUBJECT,
        format!("{} accepts only packets {wanted}", list(tunnels.map(|tunnel| &tunnel.name))),
        BREAKS,
        mend,
    ))
}
