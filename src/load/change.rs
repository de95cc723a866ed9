//! Changes of weights, and events that are none.

use ipvs_netlink::{Destination, DestinationId, ServiceId};

/// A server of a service.
pub(crate) type Target = (ServiceId, DestinationId);

/// A weight that has to change. A server that is removed has the weight 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WeightChange {
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    pub(crate) configured: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
    /// The answer that is the reason.
    pub(crate) why: String,
}

/// The way in which a weight changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Set,
    /// The server is removed from its service.
    Remove,
    /// The server, which was removed, is added again with these settings.
    Add(Destination),
}

/// Something that happened to a server and changes no weight by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody else has given it a weight, which is the configured one from now on.
    SetByOthers { target: Target, from: u32, to: u32 },
    /// It was removed, and somebody else has added it again, with this weight as the configured one.
    AddedByOthers(Target, u32),
    /// Somebody else gives it other weights again and again.
    Fight(Target),
    /// It does not answer any more, for this reason.
    Silent(Target, String),
    /// It answers again.
    Answers(Target, String),
    /// It should stop, but it is the last one of its service.
    Kept(Target, String),
}
