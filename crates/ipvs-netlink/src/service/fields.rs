//! The fields by which services and their ids are serialized.

use std::net::IpAddr;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::Service;
use super::flags::ServiceFlags;
use super::id::{Protocol, ServiceId};
use super::netmask::Netmask;
use crate::address::AddressFamily;
use crate::name::{PersistenceEngine, Scheduler};
use crate::serialize::{Flag, given, given_number};

/// The fields of an id: protocol, address and port, or mark and address family.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdFields {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    protocol: Option<Protocol>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(
        default,
        deserialize_with = "given_number::<65535, _, _>",
        skip_serializing_if = "Option::is_none"
    )]
    port: Option<u16>,
    #[serde(
        default,
        deserialize_with = "given_number::<4294967295, _, _>",
        skip_serializing_if = "Option::is_none"
    )]
    fwmark: Option<u32>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    family: Option<AddressFamily>,
}

impl From<ServiceId> for IdFields {
    fn from(id: ServiceId) -> Self {
        match id {
            ServiceId::Address { protocol, address, port } => Self {
                protocol: Some(protocol),
                address: Some(address),
                port: Some(port),
                fwmark: None,
                family: None,
            },
            ServiceId::Fwmark { mark, family } => Self {
                protocol: None,
                address: None,
                port: None,
                fwmark: Some(mark.get()),
                family: Some(family),
            },
        }
    }
}

impl TryFrom<IdFields> for ServiceId {
    type Error = &'static str;

    fn try_from(fields: IdFields) -> Result<Self, &'static str> {
        match fields {
            IdFields {
                protocol: Some(protocol),
                address: Some(address),
                port: Some(port),
                fwmark: None,
                family: None,
            } => Ok(Self::Address { protocol, address, port }),
            IdFields { protocol: None, address: None, port: None, fwmark: Some(mark), family } => {
                let mark = NonZeroU32::new(mark).ok_or("a firewall mark is not 0")?;
                Ok(Self::Fwmark { mark, family: family.unwrap_or(AddressFamily::V4) })
            }
            _ => Err("a service has either protocol, address and port, or fwmark and family"),
        }
    }
}

/// The fields of a service.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceFields {
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    protocol: Option<Protocol>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(
        default,
        deserialize_with = "given_number::<65535, _, _>",
        skip_serializing_if = "Option::is_none"
    )]
    port: Option<u16>,
    #[serde(
        default,
        deserialize_with = "given_number::<4294967295, _, _>",
        skip_serializing_if = "Option::is_none"
    )]
    fwmark: Option<u32>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    family: Option<AddressFamily>,
    #[serde(default)]
    scheduler: Scheduler,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Flag>,
    #[serde(
        default,
        deserialize_with = "given_number::<4294967295, _, _>",
        skip_serializing_if = "Option::is_none"
    )]
    persistence: Option<u32>,
    /// Left out if there is no persistence, because the kernel ignores it then.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    netmask: Option<Netmask>,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    engine: Option<PersistenceEngine>,
}

impl From<Service> for ServiceFields {
    fn from(service: Service) -> Self {
        let IdFields { protocol, address, port, fwmark, family } = service.id().into();
        Self {
            protocol,
            address,
            port,
            fwmark,
            family,
            scheduler: service.scheduler,
            flags: Flag::split(service.flags.to_raw(), flag_names(service.scheduler)),
            persistence: service.persistence,
            netmask: service.persistence.map(|_| service.netmask()),
            engine: service.engine,
        }
    }
}

impl TryFrom<ServiceFields> for Service {
    type Error = String;

    fn try_from(fields: ServiceFields) -> Result<Self, String> {
        let ServiceFields { protocol, address, port, fwmark, family, scheduler, .. } = fields;
        let id = ServiceId::try_from(IdFields { protocol, address, port, fwmark, family })?;
        let mut service = Self::new(id).with_scheduler(scheduler);
        let flags =
            Flag::join(&fields.flags, flag_names(scheduler), format_args!("the scheduler {scheduler}"))?;
        service.flags = ServiceFlags::from_raw(flags);
        service.persistence = fields.persistence;
        if let Some(netmask) = fields.netmask {
            if service.persistence.is_none() {
                return Err("a netmask goes only with \"persistence\"".into());
            }
            service.set_netmask(netmask).map_err(|error| error.to_string())?;
        }
        service.engine = fields.engine;
        Ok(service)
    }
}

/// Returns the names of flags, of which the first for each flag is preferred.
fn flag_names(scheduler: Scheduler) -> impl Iterator<Item = (u32, &'static str)> + Clone {
    let one_packet = [(ServiceFlags::ONE_PACKET, "one-packet")];
    let names = one_packet.into_iter().chain(ServiceFlags::scheduler_names(scheduler));
    names.chain(ServiceFlags::SCHEDULER_NAMES).map(|(flag, name)| (flag.to_raw(), name))
}
