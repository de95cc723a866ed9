//! Waiting until servers that get no new connections have lost the ones that they had.
//!
//! Whoever waits has set their weights to 0 before.

use std::fmt;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use ipvs_netlink::{DestinationId, DestinationState, Error, Ipvs, Protocol, Reason, ServiceId};
use nix::sys::signal::Signal;

use super::interruption::Interruption;
use crate::failure::Failure;

/// The time between two readings.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// The kernel's switch for clients with persistence: 0 sends them to a server of weight 0 all the same.
pub(super) const TEMPLATE_SETTING: &str = "net.ipv4.vs.expire_quiescent_template";

/// A server of a service.
pub(super) type Target = (ServiceId, DestinationId);

/// The end of a wait.
#[derive(Debug)]
pub(super) struct Waited {
    pub(super) outcome: Outcome,
    /// The servers that still have connections, or whose weight is not 0 any more.
    pub(super) remaining: Vec<Remaining>,
}

/// The reason why a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No server has connections any more, or they were deleted by somebody else.
    Empty,
    /// The time is over.
    TimeOver,
    /// Another program has given a server a weight again. More connections may come, and waiting makes no sense.
    WeightRaised,
    /// A signal asked the program to end.
    Interrupted(Signal),
}

/// A server that still has connections, or a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remaining {
    pub(super) service: ServiceId,
    pub(super) state: DestinationState,
    counts: Counts,
}

impl fmt::Display for Remaining {
    /// Writes `server 10.0.0.1:80 of service TCP 192.0.2.1:80: 3 active connections, 1 persistent client`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, state, counts } = self;
        write!(f, "server {} of service {service}: ", state.id())?;
        if state.settings.weight == 0 {
            write!(f, "{counts}")
        } else {
            write!(f, "weight {} again, {counts}", state.settings.weight)
        }
    }
}

/// Numbers of connections that are waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    active: u64,
    inactive: u64,
    persistent: u64,
}

impl Counts {
    /// Picks the numbers that matter.
    ///
    /// For TCP, inactive connections are over: those that are being set up are active. All of UDP are inactive.
    /// The connections of a firewall mark may be of any protocol. Templates bring new connections as long as the
    /// kernel keeps them.
    fn new(service: ServiceId, state: &DestinationState, templates_expire: bool) -> Self {
        let is_tcp = service.protocol() == Some(Protocol::TCP);
        Self {
            active: state.active_connections.into(),
            inactive: if is_tcp { 0 } else { state.inactive_connections.into() },
            persistent: if templates_expire { 0 } else { state.persistent_connections.into() },
        }
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn add(self, other: Self) -> Self {
        Self {
            active: self.active + other.active,
            inactive: self.inactive + other.inactive,
            persistent: self.persistent + other.persistent,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.active, "active connection"),
            (self.inactive, "inactive connection"),
            (self.persistent, "persistent client"),
        ];
        let mut separator = "";
        for (number, what) in parts.into_iter().filter(|&(number, _)| number > 0) {
            write!(f, "{separator}{number} {what}{}", if number == 1 { "" } else { "s" })?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("no connections") } else { Ok(()) }
    }
}

/// Waits until none of the servers has connections, at most for this time, and shows on standard error how many are
/// left. Without time it looks once.
///
/// # Errors
/// If the kernel cannot be asked. Servers and services that are gone are none.
pub(super) fn wait_for_connections(
    ipvs: &mut Ipvs,
    interruption: &mut Interruption,
    targets: &[Target],
    limit: Duration,
) -> Result<Waited, Failure> {
    ipvs.set_include_stats(false);
    let start = Instant::now();
    let mut progress = Progress::new();
    loop {
        let reading = Reading::take(ipvs, targets)?;
        let left = limit.saturating_sub(start.elapsed());
        let outcome = if reading.is_raised() {
            Some(Outcome::WeightRaised)
        } else if reading.is_empty() {
            Some(Outcome::Empty)
        } else if left.is_zero() {
            Some(Outcome::TimeOver)
        } else {
            progress.show(&reading, left);
            interruption.wait(INTERVAL.min(left)).map(Outcome::Interrupted)
        };
        if let Some(outcome) = outcome {
            return Ok(Waited { outcome, remaining: reading.remaining });
        }
    }
}

/// Returns whether the kernel sends clients with persistence elsewhere when their server has the weight 0.
pub(super) fn templates_expire() -> bool {
    let file = format!("/proc/sys/{}", TEMPLATE_SETTING.replace('.', "/"));
    // 0 is the kernel's default.
    std::fs::read_to_string(file).is_ok_and(|value| value.trim() != "0")
}

/// The servers at one moment.
pub(super) struct Reading {
    pub(super) remaining: Vec<Remaining>,
}

impl Reading {
    /// Sorts servers that were read by the caller.
    pub(super) fn new(states: impl IntoIterator<Item = (ServiceId, DestinationState)>) -> Self {
        let templates_expire = templates_expire();
        let mut reading = Self { remaining: Vec::new() };
        for (service, state) in states {
            reading.add(service, state, templates_expire);
        }
        reading
    }

    pub(super) fn take(ipvs: &mut Ipvs, targets: &[Target]) -> Result<Self, Failure> {
        let templates_expire = templates_expire();
        let mut sorted = targets.to_vec();
        sorted.sort_by_key(|(service, _)| service.sort_key());
        let mut reading = Self { remaining: Vec::new() };
        for group in sorted.chunk_by(|(a, _), (b, _)| a == b) {
            let service = group[0].0;
            let states = match ipvs.destinations(service) {
                Ok(states) => states,
                Err(Error::Refused(refused)) if refused.reason == Reason::NoSuchService => continue,
                Err(error) => return Err(error.into()),
            };
            for state in states.into_iter().filter(|state| group.iter().any(|(_, id)| *id == state.id())) {
                reading.add(service, state, templates_expire);
            }
        }
        Ok(reading)
    }

    fn add(&mut self, service: ServiceId, state: DestinationState, templates_expire: bool) {
        let counts = Counts::new(service, &state, templates_expire);
        if !counts.is_zero() || state.settings.weight > 0 {
            self.remaining.push(Remaining { service, state, counts });
        }
    }

    fn is_empty(&self) -> bool {
        self.remaining.is_empty()
    }

    pub(super) fn is_raised(&self) -> bool {
        self.remaining.iter().any(|server| server.state.settings.weight > 0)
    }

    fn sum(&self) -> Counts {
        self.remaining.iter().map(|server| server.counts).fold(Counts::default(), Counts::add)
    }
}

/// The progress on standard error: one line that changes, on a terminal, and otherwise a line for each change.
pub(super) struct Progress {
    is_terminal: bool,
    shown: Option<Counts>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_terminal: stderr().is_terminal(), shown: None }
    }

    /// Shows a reading. Nobody can be told if standard error is closed.
    pub(super) fn show(&mut self, reading: &Reading, left: Duration) {
        let sum = reading.sum();
        if self.is_terminal {
            let width = rustix::termios::tcgetwinsize(stderr()).map_or(0, |size| size.ws_col.into());
            let width = if width == 0 { 80_usize } else { width };
            // A line of the full width would begin another one.
            let line: String = sentence(sum, left).chars().take(width - 1).collect();
            let _ = write!(stderr(), "\r{line}\x1b[K");
        } else if self.shown != Some(sum) {
            let _ = writeln!(stderr(), "{}", sentence(sum, left));
        }
        self.shown = Some(sum);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.shown.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn sentence(counts: Counts, left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil();
    format!("waiting for connections to end: {counts} ({seconds} s left)")
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::Destination;

    use super::*;

    fn state(active: u32, inactive: u32, persistent: u32) -> DestinationState {
        let settings = Destination::new(DestinationId::new([10, 0, 0, 1], 80)).with_weight(0);
        let mut state = DestinationState::new(settings);
        state.active_connections = active;
        state.inactive_connections = inactive;
        state.persistent_connections = persistent;
        state
    }

    fn reading(service: &str, state: DestinationState, templates_expire: bool) -> Reading {
        let mut reading = Reading { remaining: Vec::new() };
        reading.add(service.parse().unwrap(), state, templates_expire);
        reading
    }

    #[test]
    fn inactive_connections_count_except_for_tcp() {
        let tcp = reading("TCP 192.0.2.1:80", state(0, 5, 0), false);
        assert!(tcp.is_empty());
        for service in ["UDP 192.0.2.1:53", "SCTP 192.0.2.1:5060", "FWM 7"] {
            let reading = reading(service, state(0, 5, 0), false);
            assert_eq!(reading.sum().to_string(), "5 inactive connections", "{service}");
        }
    }

    #[test]
    fn templates_count_unless_they_expire() {
        let service = "TCP 192.0.2.1:80";
        assert_eq!(reading(service, state(0, 0, 1), false).sum().to_string(), "1 persistent client");
        assert!(reading(service, state(0, 0, 1), true).is_empty());
    }

    #[test]
    fn what_remains_is_said_in_a_sentence() {
        let shown = |state| {
            let reading = reading("UDP 192.0.2.1:53", state, false);
            reading.remaining.iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!(
            shown(state(1, 2, 3)),
            "server 10.0.0.1:80 of service UDP 192.0.2.1:53: \
             1 active connection, 2 inactive connections, 3 persistent clients"
        );
        let mut raised = state(0, 0, 0);
        raised.settings.weight = 4;
        assert_eq!(
            shown(raised),
            "server 10.0.0.1:80 of service UDP 192.0.2.1:53: weight 4 again, no connections"
        );
        let counts = Counts { active: 2, ..Counts::default() };
        assert_eq!(
            sentence(counts, Duration::from_millis(1500)),
            "waiting for connections to end: 2 active connections (2 s left)"
        );
    }
}
