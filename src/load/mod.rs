//! Weights that follow the load: what the answers of agents mean for the weights of real servers.
//!
//! Nothing here reads or writes: [`Load`] is told what the table is and what the agents answer, and says which weights
//! have to change. So hours of answers can be tested in a moment.

mod answer;
mod change;
mod fight;
#[cfg(test)]
mod removal;
mod server;
mod service;
#[cfg(test)]
mod simulation;
mod table;

pub(crate) use answer::Answer;
pub(crate) use change::{Event, Kind, Target, WeightChange};
pub(crate) use server::Heard;
pub(crate) use table::{Load, Present};

/// The rules by which answers become weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rules {
    /// The number of good answers in a row after which a server is back.
    pub(crate) rise: u32,
    /// The number of bad answers in a row after which a server is down, and of missing ones after which it is silent.
    pub(crate) fall: u32,
    /// The smallest weight of a server that serves.
    pub(crate) min: u32,
    /// The largest weight, in percent of the configured one.
    pub(crate) max: u32,
    /// The time constant by which weights follow answers, in intervals.
    pub(crate) smooth: f64,
    pub(crate) on_silence: OnSilence,
    /// The last server of a service keeps its weight.
    pub(crate) keep_last: bool,
    /// A server that is down is removed from its service.
    pub(crate) remove: bool,
}

/// The weight of a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnSilence {
    /// It keeps its weight.
    Keep,
    /// It gets its configured weight.
    Full,
    /// It gets the weight 0.
    Drain,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rise: 2,
            fall: 3,
            min: 1,
            max: 100,
            smooth: 0.3,
            on_silence: OnSilence::Keep,
            keep_last: true,
            remove: false,
        }
    }
}
