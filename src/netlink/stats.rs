//! Counters and rates: `IPVS_*_ATTR_STATS` with 32-bit fields, `IPVS_*_ATTR_STATS64` with 64-bit fields.

use super::attributes::*;
use super::decode::{Attribute, Attributes, Field, Result};
use super::encode::Writer;
use crate::model::{Rates, Stats};

/// Takes the 64-bit form or, from kernels before 4.1, the other one. If it is not wanted all is 0.
#[inline(always)]
pub(super) fn take(
    found: &mut Attributes<'_>,
    kind32: u16,
    kind64: u16,
    wanted: bool,
) -> Result<Option<Stats>> {
    let stats32 = found.optional(kind32)?;
    let stats64 = found.optional(kind64)?;
    match stats64.or(stats32) {
        Some(holder) if wanted => decode(&holder).map(Some),
        holder => Ok(holder.map(|_| Stats::default())),
    }
}

/// Reads either form. A field that is not there is 0.
#[inline(never)]
fn decode(holder: &Attribute<'_>) -> Result<Stats> {
    let found = &mut Attributes::of(holder, &STATS_ATTRIBUTES);
    let values = match found.next_fields(STATS_ATTRIBUTES.map(|(kind, _)| Field::new(kind, 8))) {
        Some(values) => values.map(u64::from_ne_bytes),
        None => search(*found)?,
    };
    found.end()?;
    let [connections, in_packets, out_packets, in_bytes, out_bytes, rates @ ..] = values;
    let rates = {
        let [connections, in_packets, out_packets, in_bytes, out_bytes] = rates;
        Rates { connections, in_packets, out_packets, in_bytes, out_bytes }
    };
    Ok(Stats { connections, in_packets, out_packets, in_bytes, out_bytes, rates })
}

/// Takes fields of which some have 32 bits or stand behind padding.
fn search(mut found: Attributes<'_>) -> Result<[u64; 10]> {
    let mut values = [0; 10];
    for (&(kind, _), value) in STATS_ATTRIBUTES.iter().zip(&mut values) {
        // Some architectures need 64-bit fields at places that can be divided by 8.
        let _padding = found.next_bytes::<0>(IPVS_STATS_ATTR_PAD);
        *value = match found.next_bytes(kind) {
            Some(bytes) => u64::from_ne_bytes(bytes),
            None => found.optional(kind)?.map_or(Ok(0), |attribute| attribute.u32_or_u64())?,
        };
    }
    Ok(values)
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
