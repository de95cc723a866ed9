//! Counters and rates: `IPVS_*_ATTR_STATS` with fields of mostly 32 bits, `IPVS_*_ATTR_STATS64` with 64 bits.

use crate::attribute::{Attribute, Attributes, Result, Writer};
use crate::constants::{
    IPVS_STATS_ATTR_CONNS, IPVS_STATS_ATTR_CPS, IPVS_STATS_ATTR_INBPS, IPVS_STATS_ATTR_INBYTES,
    IPVS_STATS_ATTR_INPKTS, IPVS_STATS_ATTR_INPPS, IPVS_STATS_ATTR_OUTBPS, IPVS_STATS_ATTR_OUTBYTES,
    IPVS_STATS_ATTR_OUTPKTS, IPVS_STATS_ATTR_OUTPPS, STATS_ATTRIBUTES,
};

/// The counters of a service or destination since it was added or last zeroed.
///
/// The kernel updates them every two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Connections scheduled (`IPVS_STATS_ATTR_CONNS`).
    pub connections: u64,
    /// Packets from clients (`IPVS_STATS_ATTR_INPKTS`).
    pub in_packets: u64,
    /// Packets to clients (`IPVS_STATS_ATTR_OUTPKTS`), counted only if replies pass through the director.
    pub out_packets: u64,
    /// Bytes from clients (`IPVS_STATS_ATTR_INBYTES`).
    pub in_bytes: u64,
    /// Bytes to clients (`IPVS_STATS_ATTR_OUTBYTES`), counted only if replies pass through the director.
    pub out_bytes: u64,
    /// The present rates.
    pub rates: Rates,
}

/// Moving averages, all per second. They stand still while `net.ipv4.vs.run_estimation` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
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

impl Stats {
    /// Reads the 64-bit form or, from kernels before 4.1, the other one. Without `include` all counters are 0.
    pub(crate) fn parse(
        attributes: &mut Attributes<'_>,
        kind32: u16,
        kind64: u16,
        include: bool,
    ) -> Result<Self> {
        let stats32 = attributes.optional(kind32)?;
        let stats = attributes.optional(kind64)?.or(stats32).ok_or_else(|| attributes.missing(kind32))?;
        if include { Self::parse_either(stats) } else { Ok(Self::default()) }
    }

    /// Reads either form. A field that is missing is 0.
    fn parse_either(attribute: Attribute<'_>) -> Result<Self> {
        attribute.nested(STATS_ATTRIBUTES, Self::parse_fields)
    }

    fn parse_fields(attributes: &mut Attributes<'_>) -> Result<Self> {
        let mut field = |kind| Ok(attributes.optional_u64_or_u32(kind)?.unwrap_or(0));
        Ok(Self {
            connections: field(IPVS_STATS_ATTR_CONNS)?,
            in_packets: field(IPVS_STATS_ATTR_INPKTS)?,
            out_packets: field(IPVS_STATS_ATTR_OUTPKTS)?,
            in_bytes: field(IPVS_STATS_ATTR_INBYTES)?,
            out_bytes: field(IPVS_STATS_ATTR_OUTBYTES)?,
            rates: Rates {
                connections: field(IPVS_STATS_ATTR_CPS)?,
                in_packets: field(IPVS_STATS_ATTR_INPPS)?,
                out_packets: field(IPVS_STATS_ATTR_OUTPPS)?,
                in_bytes: field(IPVS_STATS_ATTR_INBPS)?,
                out_bytes: field(IPVS_STATS_ATTR_OUTBPS)?,
            },
        })
    }

    /// Writes both forms as the kernel does: the 32-bit one cuts larger numbers off.
    pub(crate) fn emit(&self, writer: &mut Writer<'_>, kind32: u16, kind64: u16) {
        let Self { rates, .. } = self;
        let fields = [
            (IPVS_STATS_ATTR_CONNS, self.connections),
            (IPVS_STATS_ATTR_INPKTS, self.in_packets),
            (IPVS_STATS_ATTR_OUTPKTS, self.out_packets),
            (IPVS_STATS_ATTR_INBYTES, self.in_bytes),
            (IPVS_STATS_ATTR_OUTBYTES, self.out_bytes),
            (IPVS_STATS_ATTR_CPS, rates.connections),
            (IPVS_STATS_ATTR_INPPS, rates.in_packets),
            (IPVS_STATS_ATTR_OUTPPS, rates.out_packets),
            (IPVS_STATS_ATTR_INBPS, rates.in_bytes),
            (IPVS_STATS_ATTR_OUTBPS, rates.out_bytes),
        ];
        writer.nest(kind32, |writer| {
            for (kind, value) in fields {
                match kind {
                    IPVS_STATS_ATTR_INBYTES | IPVS_STATS_ATTR_OUTBYTES => writer.u64(kind, value),
                    _ => writer.u32(kind, value as u32),
                }
            }
        });
        writer.nest(kind64, |writer| {
            for (kind, value) in fields {
                writer.u64(kind, value);
            }
        });
    }

    /// Makes ten different numbers.
    #[cfg(test)]
    pub(crate) fn counting_from(first: u64) -> Self {
        let rates = Rates {
            connections: first + 5,
            in_packets: first + 6,
            out_packets: first + 7,
            in_bytes: first + 8,
            out_bytes: first + 9,
        };
        Self {
            connections: first,
            in_packets: first + 1,
            out_packets: first + 2,
            in_bytes: first + 3,
            out_bytes: first + 4,
            rates,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{
        DESTINATION_ATTRIBUTES, IPVS_DEST_ATTR_STATS as STATS, IPVS_DEST_ATTR_STATS64 as STATS64,
    };

    fn parse(bytes: &[u8], include: bool) -> Result<Stats> {
        Attributes::read(bytes, DESTINATION_ATTRIBUTES, "a test", |found| {
            Stats::parse(found, STATS, STATS64, include)
        })
    }

    #[test]
    fn the_64_bit_form_is_preferred_and_the_32_bit_form_suffices() {
        let stats = Stats::counting_from(u64::from(u32::MAX));
        let mut bytes = Vec::new();
        stats.emit(&mut Writer(&mut bytes), STATS, STATS64);
        assert_eq!(parse(&bytes, true), Ok(stats));
        assert_eq!(parse(&bytes, false), Ok(Stats::default()));
        let small = Stats::counting_from(7);
        bytes.clear();
        small.emit(&mut Writer(&mut bytes), STATS, 99);
        assert_eq!(parse(&bytes, true), Ok(small));
        assert!(parse(&[], false).is_err());
    }
}
