//! Sync daemons and timeouts.

use std::borrow::Cow;
use std::net::IpAddr;

use ipvs::{DaemonState, SyncDaemon, Timeouts};

use super::{Given, LONGEST_TIME, Opt, Result, Usage, values};

/// The interface of sync daemons that are given none.
const INTERFACE: &str = "eth0";
/// The longest payload of a UDP datagram over IPv4.
const LONGEST_DATAGRAM: u32 = 65507;

impl Given<'_> {
    pub(super) fn daemon(&mut self, state: DaemonState) -> Result<SyncDaemon> {
        let interface = self.value(Opt::McastInterface).filter(|name| !name.is_empty());
        let interface = interface.as_deref().unwrap_or(INTERFACE);
        let mut daemon = SyncDaemon::new(state, values::name(Opt::McastInterface, interface)?);
        daemon.sync_id = self.number(Opt::SyncId, 0, 255)?.unwrap_or(0);
        daemon.max_length = self.number(Opt::SyncMaxlen, 1, LONGEST_DATAGRAM)?.unwrap_or(0) as u16;
        daemon.port = self.number(Opt::McastPort, 1, u16::MAX.into())?.unwrap_or(0) as u16;
        daemon.ttl = self.number(Opt::McastTtl, 1, u8::MAX.into())?.unwrap_or(0) as u8;
        if let Some(group) = self.value(Opt::McastGroup) {
            let address = group.parse().ok().filter(IpAddr::is_multicast);
            let why = "it is a multicast address, such as 224.0.0.81 or ff02::81";
            daemon.group = Some(address.ok_or_else(|| values::bad(Opt::McastGroup, &group, why))?);
        }
        Ok(daemon)
    }
}

/// The three words after `--set`.
pub(super) fn timeouts(words: &[Cow<'_, str>]) -> Result<Timeouts> {
    let [tcp, tcp_fin, udp] = words else { return Err(Usage::ThreeTimeouts) };
    let seconds = |text: &str| {
        values::decimal(text, 0, LONGEST_TIME)
            .ok_or_else(|| Usage::BadTimeout { text: text.to_owned(), most: LONGEST_TIME })
    };
    Ok(Timeouts { tcp: seconds(tcp)?, tcp_fin: seconds(tcp_fin)?, udp: seconds(udp)? })
}
