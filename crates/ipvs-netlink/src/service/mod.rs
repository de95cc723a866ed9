//! Virtual services: their settings and counters, and `IPVS_CMD_ATTR_SERVICE`, which carries them.

#[cfg(feature = "serde")]
mod fields;
mod flags;
mod id;
mod netmask;

pub use flags::ServiceFlags;
pub use id::{Protocol, ServiceId};
pub use netmask::{Netmask, NetmaskError, PrefixLength};

use crate::attribute::{Attributes, Result, Writer};
use crate::constants::{
    IP_VS_SVC_F_HASHED, IP_VS_SVC_F_PERSISTENT, IPVS_CMD_ATTR_SERVICE, IPVS_SVC_ATTR_FLAGS,
    IPVS_SVC_ATTR_PE_NAME, IPVS_SVC_ATTR_SCHED_NAME, IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64,
    IPVS_SVC_ATTR_TIMEOUT,
};
use crate::name::{PersistenceEngine, Scheduler};
use crate::stats::Stats;

/// The settings of a virtual service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "fields::ServiceFields", into = "fields::ServiceFields"))]
#[non_exhaustive]
pub struct Service {
    id: ServiceId,
    netmask: Netmask,
    /// The scheduler, which chooses a destination for each new connection.
    pub scheduler: Scheduler,
    /// One-packet scheduling, and the flags of the scheduler.
    pub flags: ServiceFlags,
    /// The time in seconds for which a client keeps its destination (`IPVS_SVC_ATTR_TIMEOUT`); `None` if the service
    /// is not persistent. The kernel counts it in jiffies and does not check it for overflow.
    pub persistence: Option<u32>,
    /// The persistence engine, which recognises clients by something else than their address.
    pub engine: Option<PersistenceEngine>,
}

impl Service {
    /// Makes a service with the defaults of the kernel and of `ipvsadm`: scheduler `wlc`, no flags, not persistent.
    #[must_use]
    pub fn new(id: ServiceId) -> Self {
        Self {
            id,
            netmask: Netmask::host(id.family()),
            scheduler: Scheduler::default(),
            flags: ServiceFlags::default(),
            persistence: None,
            engine: None,
        }
    }

    /// Sets the scheduler.
    #[must_use]
    pub fn with_scheduler(mut self, scheduler: Scheduler) -> Self {
        self.scheduler = scheduler;
        self
    }

    /// Sets the flags, all of them.
    #[must_use]
    pub fn with_flags(mut self, flags: ServiceFlags) -> Self {
        self.flags = flags;
        self
    }

    /// Makes the service persistent: a client keeps its destination for this time in seconds.
    #[must_use]
    pub fn with_persistence(mut self, seconds: u32) -> Self {
        self.persistence = Some(seconds);
        self
    }

    /// Sets the persistence engine.
    #[must_use]
    pub fn with_engine(mut self, engine: PersistenceEngine) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Sets the part of a client's address that persistence looks at.
    ///
    /// # Errors
    /// [`NetmaskError::Family`] if the mask is for the other address family.
    pub fn with_netmask(mut self, netmask: Netmask) -> std::result::Result<Self, NetmaskError> {
        self.set_netmask(netmask)?;
        Ok(self)
    }

    /// Returns the identity of the service.
    #[must_use]
    pub fn id(&self) -> ServiceId {
        self.id
    }

    /// Returns the part of a client's address that persistence looks at.
    #[must_use]
    pub fn netmask(&self) -> Netmask {
        self.netmask
    }

    /// Sets the part of a client's address that persistence looks at.
    ///
    /// # Errors
    /// [`NetmaskError::Family`] if the mask is for the other address family.
    pub fn set_netmask(&mut self, netmask: Netmask) -> std::result::Result<(), NetmaskError> {
        if netmask.family() != self.id.family() {
            return Err(NetmaskError::Family(netmask));
        }
        self.netmask = netmask;
        Ok(())
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_SERVICE` of a request.
    pub(crate) fn parse(attributes: &mut Attributes<'_>) -> Result<Self> {
        let mut service = Self::parse_settings(attributes)?;
        service.parse_engine(attributes)?;
        Ok(service)
    }

    /// Reads all settings but the persistence engine.
    fn parse_settings(attributes: &mut Attributes<'_>) -> Result<Self> {
        let id = ServiceId::parse(attributes)?;
        let scheduler = attributes.required(IPVS_SVC_ATTR_SCHED_NAME)?.name(Scheduler::from_kernel)?;
        // The mask that follows the flags says which of them a request changes.
        let [a, b, c, d, _mask @ ..] = attributes.array::<8>(IPVS_SVC_ATTR_FLAGS)?;
        let flags = u32::from_ne_bytes([a, b, c, d]);
        let timeout = attributes.u32(IPVS_SVC_ATTR_TIMEOUT)?;
        let netmask = Netmask::parse(attributes, id.family())?;
        Ok(Self {
            id,
            netmask,
            scheduler: scheduler.ok_or_else(|| attributes.missing(IPVS_SVC_ATTR_SCHED_NAME))?,
            flags: ServiceFlags::from_raw(flags),
            persistence: (flags & IP_VS_SVC_F_PERSISTENT != 0).then_some(timeout),
            engine: None,
        })
    }

    /// Reads the persistence engine. Its attribute follows the scheduler, but few services have one: it is asked for
    /// last, when the others are taken, because then nothing is searched.
    fn parse_engine(&mut self, attributes: &mut Attributes<'_>) -> Result<()> {
        if let Some(engine) = attributes.optional(IPVS_SVC_ATTR_PE_NAME)? {
            self.engine = engine.name(PersistenceEngine::from_kernel)?;
        }
        Ok(())
    }

    /// Writes `IPVS_CMD_ATTR_SERVICE` for a request.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| self.emit(writer, 0));
    }

    /// Writes all settings: a request resets those that it lacks.
    fn emit(&self, writer: &mut Writer<'_>, kernel_flags: u32) {
        self.id.emit(writer);
        writer.string(IPVS_SVC_ATTR_SCHED_NAME, self.scheduler.as_bytes());
        if let Some(engine) = &self.engine {
            writer.string(IPVS_SVC_ATTR_PE_NAME, engine.as_bytes());
        }
        let persistent = if self.persistence.is_some() { IP_VS_SVC_F_PERSISTENT } else { 0 };
        let flags = self.flags.to_raw() | persistent | kernel_flags;
        let mask = u32::MAX;
        writer.bytes(IPVS_SVC_ATTR_FLAGS, [flags.to_ne_bytes(), mask.to_ne_bytes()].as_flattened());
        writer.u32(IPVS_SVC_ATTR_TIMEOUT, self.persistence.unwrap_or(0));
        self.netmask.emit(writer);
    }
}

/// A service as the kernel reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ServiceState {
    /// The settings.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub settings: Service,
    /// The counters and rates of the service, which are the sums over its destinations, past ones included.
    pub stats: Stats,
}

impl ServiceState {
    /// Puts settings and counters together.
    #[must_use]
    pub fn new(settings: Service, stats: Stats) -> Self {
        Self { settings, stats }
    }

    /// Returns the identity of the service.
    #[must_use]
    pub fn id(&self) -> ServiceId {
        self.settings.id
    }

    /// Reads the attributes inside `IPVS_CMD_ATTR_SERVICE`. Without `include_stats` all counters are 0.
    pub(crate) fn parse(attributes: &mut Attributes<'_>, include_stats: bool) -> Result<Self> {
        let mut settings = Service::parse_settings(attributes)?;
        let stats = Stats::parse(attributes, IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64, include_stats)?;
        settings.parse_engine(attributes)?;
        Ok(Self { settings, stats })
    }

    /// Writes `IPVS_CMD_ATTR_SERVICE` as the kernel does.
    pub(crate) fn emit_nested(&self, writer: &mut Writer<'_>) {
        writer.nest(IPVS_CMD_ATTR_SERVICE, |writer| {
            self.settings.emit(writer, IP_VS_SVC_F_HASHED);
            self.stats.emit(writer, IPVS_SVC_ATTR_STATS, IPVS_SVC_ATTR_STATS64);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attributes, Writer};
    use crate::constants::SERVICE_ATTRIBUTES;

    #[test]
    fn a_netmask_belongs_to_the_address_family_of_its_service() {
        let service = Service::new(ServiceId::tcp(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 80)));
        assert_eq!(service.netmask().to_string(), "128");
        let service = service.with_netmask(Netmask::prefix(64).unwrap()).unwrap();
        assert_eq!(service.netmask().to_string(), "64");
        let v4 = Netmask::V4([255, 255, 255, 0].into());
        assert_eq!(service.with_netmask(v4), Err(NetmaskError::Family(v4)));
    }

    fn read<T>(bytes: &[u8], read: impl FnOnce(&mut Attributes<'_>) -> Result<T>) -> Result<T> {
        Attributes::read_message(0, bytes, |found| {
            found.nested(IPVS_CMD_ATTR_SERVICE, SERVICE_ATTRIBUTES, read)
        })
    }

    #[test]
    fn services_survive_the_way_through_attributes() {
        for id in ["TCP 192.0.2.1:80", "UDP [2001:db8::1]:0", "FWM 4294967295", "FWM 1 IPv6"] {
            let service = Service::new(id.parse().unwrap());
            for service in [
                service,
                service
                    .with_scheduler(Scheduler::MH)
                    .with_flags(ServiceFlags::ONE_PACKET | ServiceFlags::from_raw(0x8000_0030))
                    .with_persistence(300)
                    .with_engine(PersistenceEngine::SIP),
            ] {
                let state = ServiceState { settings: service, stats: Stats::counting_from(1) };
                let mut bytes = Vec::new();
                state.emit_nested(&mut Writer(&mut bytes));
                assert_eq!(read(&bytes, |found| ServiceState::parse(found, true)), Ok(state));
                assert_eq!(read(&bytes, Service::parse), Ok(service));
                assert_eq!(read(&bytes, ServiceId::parse), Ok(service.id()));
            }
        }
    }
}
