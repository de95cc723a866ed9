//! What the kernel counts, for each service and each destination.

/// Counters since a service or destination was added or last zeroed.
///
/// The kernel brings them up to date every two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Stats {
    /// Connections scheduled (`IPVS_STATS_ATTR_CONNS`).
    pub connections: u64,
    /// Packets from clients (`IPVS_STATS_ATTR_INPKTS`).
    pub in_packets: u64,
    /// Packets to clients, counted only where replies pass the director (`IPVS_STATS_ATTR_OUTPKTS`).
    pub out_packets: u64,
    /// Bytes from clients (`IPVS_STATS_ATTR_INBYTES`).
    pub in_bytes: u64,
    /// Bytes to clients (`IPVS_STATS_ATTR_OUTBYTES`).
    pub out_bytes: u64,
    /// The present rates.
    pub rates: Rates,
}

/// Moving averages, all per second. They stand still while `net.ipv4.vs.run_estimation` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Rates {
    /// New connections (`IPVS_STATS_ATTR_CPS`).
    pub connections: u64,
    /// Packets from clients (`IPVS_STATS_ATTR_INPPS`).
    pub in_packets: u64,
    /// Packets to clients (`IPVS_STATS_ATTR_OUTPPS`).
    pub out_packets: u64,
    /// Bytes from clients (`IPVS_STATS_ATTR_INBPS`).
    pub in_bytes: u64,
    /// Bytes to clients (`IPVS_STATS_ATTR_OUTBPS`).
    pub out_bytes: u64,
}
