//! `IPVS_CMD_ATTR_SERVICE`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::attributes::*;
use super::decode::{Attribute, Attributes, DecodeError, Result};
use super::encode::Writer;
use super::stats;
use crate::model::{
    Family, Netmask, PersistenceEngine, Protocol, Scheduler, Service, ServiceFlags, ServiceId, ServiceState,
    Stats,
};

const IP_VS_SVC_F_PERSISTENT: u32 = 0x1;
const IP_VS_SVC_F_HASHED: u32 = 0x2;

/// Reads which service it is.
#[inline(always)]
pub(super) fn decode_id(holder: &Attribute<'_>) -> Result<ServiceId> {
    let found = &mut Attributes::of(holder, &SERVICE_ATTRIBUTES);
    let id = take_id(found)?;
    found.end()?;
    Ok(id)
}

/// Reads which service it is, and nothing else of it.
#[inline(always)]
pub(super) fn decode_only_id(holder: &Attribute<'_>) -> Result<ServiceId> {
    take_id(&mut Attributes::of(holder, &SERVICE_ATTRIBUTES))
}

/// Reads a service, and its counters and rates if it has them. If they are not wanted all are 0.
#[inline(always)]
pub(super) fn decode(holder: &Attribute<'_>, stats: bool) -> Result<(Service, Option<Stats>)> {
    let found = &mut Attributes::of(holder, &SERVICE_ATTRIBUTES);
    let mut service = Service::new(take_id(found)?);
    let scheduler = found.get(IPVS_SVC_ATTR_SCHED_NAME)?.name_or_none(Scheduler::from_kernel)?;
    service.scheduler = scheduler.ok_or_else(|| found.missing(IPVS_SVC_ATTR_SCHED_NAME))?;
    let flags = decode_flags(found.bytes(IPVS_SVC_ATTR_FLAGS)?);
    service.flags = ServiceFlags::from_bits(flags);
    let timeout = found.u32(IPVS_SVC_ATTR_TIMEOUT)?;
    service.persistence = (flags & IP_VS_SVC_F_PERSISTENT != 0).then_some(timeout);
    decode_netmask(service.id().family(), found.bytes(IPVS_SVC_ATTR_NETMASK)?)
        .and_then(|netmask| service.set_netmask(netmask))
        .map_err(|_| DecodeError::Value("IPVS_SVC_ATTR_NETMASK"))?;
    let stats = stats::take(found, IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64, stats)?;
    // It stands behind the scheduler, but few services have one: when nothing is left it need not be searched.
    service.engine = match found.optional(IPVS_SVC_ATTR_PE_NAME)? {
        Some(name) => name.name_or_none(PersistenceEngine::from_kernel)?,
        None => None,
    };
    found.end()?;
    Ok((service, stats))
}

#[inline(always)]
fn take_id(found: &mut Attributes<'_>) -> Result<ServiceId> {
    let family =
        decode_family(found.bytes(IPVS_SVC_ATTR_AF)?).ok_or(DecodeError::Value("IPVS_SVC_ATTR_AF"))?;
    if let Some(protocol) = found.optional_bytes(IPVS_SVC_ATTR_PROTOCOL)? {
        return Ok(ServiceId::Address {
            protocol: Protocol(u16::from_ne_bytes(protocol)),
            address: ip_address(family, found.address(IPVS_SVC_ATTR_ADDR)?),
            port: found.be16(IPVS_SVC_ATTR_PORT)?,
        });
    }
    // Marks have no protocol.
    let mark = found.optional_bytes(IPVS_SVC_ATTR_FWMARK)?.map(u32::from_ne_bytes);
    match mark.and_then(NonZeroU32::new) {
        Some(mark) => Ok(ServiceId::Fwmark { mark, family }),
        None => Err(found.missing(IPVS_SVC_ATTR_PROTOCOL)),
    }
}

/// Which service, and nothing else of it.
pub(super) fn encode_id(writer: &mut Writer<'_>, id: &ServiceId) {
    writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| put_id(writer, id));
}

/// A service as in requests.
pub(super) fn encode(writer: &mut Writer<'_>, service: &Service) {
    writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| put_settings(writer, service, 0));
}

/// A service as in the kernel's answers.
pub(super) fn encode_state(writer: &mut Writer<'_>, state: &ServiceState) {
    writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| {
        put_settings(writer, &state.service, IP_VS_SVC_F_HASHED);
        stats::encode(writer, &state.stats, IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64);
    });
}

fn put_id(writer: &mut Writer<'_>, id: &ServiceId) {
    writer.u16(IPVS_SVC_ATTR_AF, family_number(id.family()));
    match *id {
        ServiceId::Fwmark { mark, .. } => writer.u32(IPVS_SVC_ATTR_FWMARK, mark.get()),
        ServiceId::Address { protocol, address, port } => {
            writer.u16(IPVS_SVC_ATTR_PROTOCOL, protocol.0);
            writer.put(IPVS_SVC_ATTR_ADDR, &address_bytes(address));
            writer.be16(IPVS_SVC_ATTR_PORT, port);
        }
    }
}

fn put_settings(writer: &mut Writer<'_>, service: &Service, kernel_flags: u32) {
    put_id(writer, &service.id());
    writer.string(IPVS_SVC_ATTR_SCHED_NAME, service.scheduler.as_bytes());
    if let Some(engine) = &service.engine {
        writer.string(IPVS_SVC_ATTR_PE_NAME, engine.as_bytes());
    }
    let persistent = if service.persistence.is_some() { IP_VS_SVC_F_PERSISTENT } else { 0 };
    let mut flags = [0; 8];
    flags[..4].copy_from_slice(&(service.flags.bits() | persistent | kernel_flags).to_ne_bytes());
    flags[4..].copy_from_slice(&u32::MAX.to_ne_bytes());
    writer.put(IPVS_SVC_ATTR_FLAGS, &flags);
    writer.u32(IPVS_SVC_ATTR_TIMEOUT, service.persistence.unwrap_or(0));
    match service.netmask() {
        Netmask::V4(mask) => writer.put(IPVS_SVC_ATTR_NETMASK, &mask.octets()),
        Netmask::V6(length) => writer.u32(IPVS_SVC_ATTR_NETMASK, length.get().into()),
    }
}

/// The flags, without the mask that follows them.
fn decode_flags([a, b, c, d, ..]: [u8; 8]) -> u32 {
    u32::from_ne_bytes([a, b, c, d])
}

fn decode_netmask(
    family: Family,
    bytes: [u8; 4],
) -> std::result::Result<Netmask, crate::model::NetmaskError> {
    match family {
        Family::V4 => Ok(Netmask::V4(Ipv4Addr::from(bytes))),
        Family::V6 => Netmask::prefix(u32::from_ne_bytes(bytes)),
    }
}

pub(super) fn family_number(family: Family) -> u16 {
    match family {
        Family::V4 => AF_INET,
        Family::V6 => AF_INET6,
    }
}

pub(super) fn decode_family(number: [u8; 2]) -> Option<Family> {
    match u16::from_ne_bytes(number) {
        AF_INET => Some(Family::V4),
        AF_INET6 => Some(Family::V6),
        _ => None,
    }
}

/// The 16 bytes of an address attribute: an IPv4 address takes the first four, the rest is 0.
pub(super) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&address.octets());
            bytes
        }
    }
}

/// The address that stands in the first bits.
pub(super) fn ip_address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from((bits >> 96) as u32).into(),
        Family::V6 => Ipv6Addr::from(bits).into(),
    }
}
