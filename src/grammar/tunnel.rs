//! Tunnels to real servers as options, and as listings show them.

use std::borrow::Cow;
use std::fmt::Write;
use std::num::NonZeroU16;

use ipvs_netlink::constants::IP_VS_CONN_F_TUNNEL_TYPE_GRE;
use ipvs_netlink::{Forwarding, Tunnel, TunnelFlags};

use super::arguments::{Arguments, Line, Result, bad_value};
use crate::cli::{Opt, Usage};
use crate::output::Output;

const IPIP: &str = "ipip";
const GUE: &str = "gue";
const GRE: &str = "gre";

/// The options for checksums, and their words in listings.
const CHECKSUMS: [(Opt, TunnelFlags, &str); 3] = [
    (Opt::TunNocsum, TunnelFlags::NO_CHECKSUM, "-c"),
    (Opt::TunCsum, TunnelFlags::CHECKSUM, "+c"),
    (Opt::TunRemcsum, TunnelFlags::REMOTE_CHECKSUM, "r+c"),
];

/// The options for a tunnel that are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    kind: Option<String>,
    port: Option<NonZeroU16>,
    checksum: Option<Opt>,
}

impl Options {
    pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Self> {
        let kind = arguments.value(Opt::TunType).map(Cow::into_owned);
        let port = arguments.number(Opt::TunPort, NonZeroU16::MIN..=NonZeroU16::MAX)?;
        let checksum = arguments.exclusive(CHECKSUMS.map(|(option, ..)| option))?.map(|(option, _)| option);
        Ok(Self { kind, port, checksum })
    }

    /// Returns one of the options, if any is given.
    pub(super) fn any(&self) -> Option<Opt> {
        let given =
            [self.kind.as_ref().map(|_| Opt::TunType), self.port.map(|_| Opt::TunPort), self.checksum];
        given.into_iter().flatten().next()
    }

    /// Adds the options for those settings of a tunnel that no option names. What a type does not have is left out.
    pub(super) fn or_those_of(&self, tunnel: Tunnel) -> Self {
        let kind = self.kind.clone().unwrap_or_else(|| kind(tunnel).into_owned());
        let is_gue = kind == GUE;
        let present =
            CHECKSUMS.iter().find(|&&(_, flags, _)| tunnel != Tunnel::Ipip && flags == tunnel.flags());
        let present = present.map(|&(option, ..)| option);
        let present = present.filter(|option| is_gue || (kind == GRE && *option != Opt::TunRemcsum));
        Self {
            port: self.port.or_else(|| NonZeroU16::new(port(tunnel).filter(|_| is_gue)?)),
            checksum: self.checksum.or(present),
            kind: Some(kind),
        }
    }

    /// Returns the tunnel that the options describe, for a server with this forwarding method.
    pub(super) fn tunnel(&self, forwarding: Forwarding) -> Result<Tunnel> {
        if forwarding != Forwarding::Tunnel {
            return match self.any() {
                Some(option) => Err(Usage::NeedsTunnelling(option)),
                None => Ok(Tunnel::Ipip),
            };
        }
        let flags = CHECKSUMS.iter().find(|&&(option, ..)| Some(option) == self.checksum);
        let flags = flags.map_or(TunnelFlags::NO_CHECKSUM, |&(_, flags, _)| flags);
        let only_for = |option, kinds| Err(Usage::NotForTunnel { option, kinds });
        match (self.kind.as_deref().unwrap_or(IPIP), self.port, self.checksum) {
            (IPIP, None, None) => Ok(Tunnel::Ipip),
            (GUE, Some(port), _) => Ok(Tunnel::Gue { port, flags }),
            (GUE, None, _) => Err(Usage::TunnelPortMissing),
            (GRE, None, None | Some(Opt::TunNocsum | Opt::TunCsum)) => Ok(Tunnel::Gre { flags }),
            (IPIP | GRE, Some(_), _) => only_for(Opt::TunPort, GUE),
            (GRE, _, Some(option)) | (IPIP, _, Some(option @ Opt::TunRemcsum)) => only_for(option, GUE),
            (IPIP, _, Some(option)) => only_for(option, "gue or gre"),
            (kind, ..) => Err(bad_value(Opt::TunType, kind, "it is ipip, gue or gre")),
        }
    }
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>, forwarding: Forwarding) -> Result<Tunnel> {
    Options::read(arguments)?.tunnel(forwarding)
}

/// Returns the tunnel most like this one that options can describe: this one, unless another program has made it.
pub(super) fn describable(tunnel: Tunnel) -> Tunnel {
    let flags = |known: &[TunnelFlags]| {
        if known.contains(&tunnel.flags()) { tunnel.flags() } else { TunnelFlags::NO_CHECKSUM }
    };
    match tunnel {
        Tunnel::Gue { port, .. } => Tunnel::Gue { port, flags: flags(&CHECKSUMS.map(|(_, flags, _)| flags)) },
        _ if tunnel.kind() == IP_VS_CONN_F_TUNNEL_TYPE_GRE => {
            Tunnel::Gre { flags: flags(&[TunnelFlags::NO_CHECKSUM, TunnelFlags::CHECKSUM]) }
        }
        _ => Tunnel::Ipip,
    }
}

pub(super) fn write(line: &mut Line<'_>, tunnel: Tunnel) {
    let tunnel = describable(tunnel);
    line.text(Opt::TunType, kind(tunnel));
    if let Some(port) = port(tunnel) {
        line.number(Opt::TunPort, port);
    }
    if tunnel != Tunnel::Ipip {
        let checksum = CHECKSUMS.iter().find(|&&(_, flags, _)| flags == tunnel.flags());
        line.flag(checksum.map_or(Opt::TunNocsum, |&(option, ..)| option));
    }
}

/// Appends `ipip`, `gue:PORT:CHECKSUM` or `gre:CHECKSUM`; what is unknown is a number.
pub(crate) fn list(output: &mut Output, tunnel: Tunnel) {
    output.push(&*kind(tunnel));
    if let Some(port) = port(tunnel) {
        // Writing to memory cannot fail.
        let _ = write!(output, ":{port}");
    }
    if tunnel != Tunnel::Ipip {
        let checksum = CHECKSUMS.iter().find(|&&(_, flags, _)| flags == tunnel.flags());
        let _ = match checksum {
            Some((.., word)) => write!(output, ":{word}"),
            None => write!(output, ":{}", tunnel.flags().to_raw()),
        };
    }
}

fn kind(tunnel: Tunnel) -> Cow<'static, str> {
    match tunnel {
        Tunnel::Ipip => IPIP.into(),
        Tunnel::Gue { .. } => GUE.into(),
        Tunnel::Gre { .. } => GRE.into(),
        unknown => unknown.kind().to_string().into(),
    }
}

/// Returns the port of a tunnel that may have one.
fn port(tunnel: Tunnel) -> Option<u16> {
    match tunnel {
        Tunnel::Ipip | Tunnel::Gre { .. } => None,
        _ => Some(tunnel.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tunnels_that_no_options_describe_become_the_most_similar_ones() {
        let tunnel = |kind, port, flags| Tunnel::from_raw(kind, port, TunnelFlags::from_raw(flags));
        for (tunnel, expected) in [
            (tunnel(0, 0, 0), "ipip"),
            (tunnel(0, 5, 0), "ipip"),
            (tunnel(9, 5, 1), "ipip"),
            (tunnel(1, 6080, 2), "gue --tun-port 6080 --tun-remcsum"),
            (tunnel(1, 6080, 3), "gue --tun-port 6080 --tun-nocsum"),
            (tunnel(2, 0, 1), "gre --tun-csum"),
            (tunnel(2, 0, 2), "gre --tun-nocsum"),
            (tunnel(2, 7, 0), "gre --tun-nocsum"),
        ] {
            let mut output = Output::default();
            write(&mut Line::start(&mut output, crate::cli::Verb::AddServer), tunnel);
            assert_eq!(output.to_string(), format!("-a --tun-type {expected}"), "{tunnel:?}");
        }
    }
}
