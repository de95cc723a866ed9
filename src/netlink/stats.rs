//! Counters and rates: `IPVS_*_ATTR_STATS` with 32-bit fields, `IPVS_*_ATTR_STATS64` with 64-bit fields.

use netlink_packet_core::NLA_HEADER_SIZE;

use super::attributes::*;
use super::decode::{Attribute, Attributes, Result};
use super::encode::Writer;
use crate::model::{Rates, Stats};

/// Reads the 64-bit form or, from kernels before 4.1, the other one.
pub(super) fn decode(
    stats32: Option<Attribute<'_>>,
    stats64: Option<Attribute<'_>>,
) -> Result<Option<Stats>> {
    stats64.or(stats32).map(decode_fields).transpose()
}

/// Reads either form. A field that is not there is 0.
fn decode_fields(holder: Attribute<'_>) -> Result<Stats> {
    let fields = match usual_fields(holder.value) {
        Some(fields) => fields,
        None => fields_of_any_kind(&holder)?,
    };
    let [connections, in_packets, out_packets, in_bytes, out_bytes, cps, inpps, outpps, inbps, outbps] =
        fields;
    Ok(Stats {
        connections,
        in_packets,
        out_packets,
        in_bytes,
        out_bytes,
        rates: Rates {
            connections: cps,
            in_packets: inpps,
            out_packets: outpps,
            in_bytes: inbps,
            out_bytes: outbps,
        },
    })
}

type Fields = [u64; STATS_ATTRIBUTES.len()];

/// The fields if they are as kernels send them: all of 64 bits, in the order of their numbers.
fn usual_fields(value: &[u8]) -> Option<Fields> {
    const LENGTH: usize = NLA_HEADER_SIZE + 8;
    let mut fields = Fields::default();
    if value.len() != fields.len() * LENGTH {
        return None;
    }
    for ((kind, field), bytes) in (1..).zip(&mut fields).zip(value.chunks_exact(LENGTH)) {
        let (length, rest) = bytes.split_first_chunk()?;
        let (number, value) = rest.split_first_chunk()?;
        if [u16::from_ne_bytes(*length), u16::from_ne_bytes(*number)] != [LENGTH as u16, kind] {
            return None;
        }
        *field = u64::from_ne_bytes(*value.first_chunk()?);
    }
    Some(fields)
}

fn fields_of_any_kind(holder: &Attribute<'_>) -> Result<Fields> {
    let found = Attributes::read(holder.value, &STATS_ATTRIBUTES, holder.name)?;
    let mut fields = Fields::default();
    for (kind, field) in (1..).zip(&mut fields) {
        *field = found.optional(kind, Attribute::u32_or_u64)?.unwrap_or(0);
    }
    Ok(fields)
}

/// Writes both forms, as the kernel does: the 32-bit one cuts what does not fit.
pub(super) fn encode(writer: &mut Writer<'_>, stats: &Stats, kind32: u16, kind64: u16) {
    let fields = [
        stats.connections,
        stats.in_packets,
        stats.out_packets,
        stats.in_bytes,
        stats.out_bytes,
        stats.rates.connections,
        stats.rates.in_packets,
        stats.rates.out_packets,
        stats.rates.in_bytes,
        stats.rates.out_bytes,
    ];
    writer.nest(kind32, |writer| {
        for (kind, value) in (1..).zip(fields) {
            match kind {
                IPVS_STATS_ATTR_INBYTES | IPVS_STATS_ATTR_OUTBYTES => writer.u64(kind, value),
                _ => writer.u32(kind, value as u32),
            }
        }
    });
    writer.nest(kind64, |writer| {
        for (kind, value) in (1..).zip(fields) {
            writer.u64(kind, value);
        }
    });
}
