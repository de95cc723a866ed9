//! Numbers, times and settings in words.

use ipvs_netlink::{Forwarding, Netmask, Service, ServiceFlags};

use super::grid::cut;
use crate::grammar::scheduler_flags;
use crate::momentary::Momentary;
use crate::output::Output;
use crate::terminal::{escape, quote};

/// Returns a number with at most three digits and a unit. Further digits are dropped, so that nothing looks like more
/// than it is.
pub(super) fn human(number: u64) -> String {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if number < 1000 {
        return number.to_string();
    }
    // Thousandths of the unit.
    let (mut scaled, mut units) = (number, UNITS.iter());
    let mut unit = units.next();
    while scaled >= 1_000_000 {
        scaled /= 1000;
        unit = units.next();
    }
    let unit = unit.unwrap_or(&"");
    let (whole, thousandths) = (scaled / 1000, scaled % 1000);
    match whole {
        0..10 => format!("{whole}.{:02}{unit}", thousandths / 10),
        10..100 => format!("{whole}.{}{unit}", thousandths / 100),
        _ => format!("{whole}{unit}"),
    }
}

/// Returns a part of a sum in percent, with one decimal.
pub(super) fn share(part: u64, sum: u64) -> String {
    if sum == 0 {
        return String::new();
    }
    let thousandths = u128::from(part) * 1000 / u128::from(sum);
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// Returns a weight, and the configured one if it is another.
pub(super) fn weight(present: u32, momentary: Option<&Momentary>) -> String {
    match momentary.map(|momentary| momentary.configured) {
        Some(configured) if configured != present => format!("{present} of {configured}"),
        _ => present.to_string(),
    }
}

/// Returns the marks of a server: whether it is drained or full, and that its weight follows its load, with the answer
/// of its agent.
pub(super) fn state(is_drained: bool, is_full: bool, momentary: Option<&Momentary>) -> String {
    const MAX_ANSWER: usize = 20;
    let load = momentary.map(|momentary| match &momentary.answer {
        Some(answer) => format!("load {}", cut(&quote(answer), Some(MAX_ANSWER))),
        None => "load".to_owned(),
    });
    let is_removed = momentary.is_some_and(|momentary| momentary.is_removed);
    let drained = if is_removed { "removed" } else { "drained" };
    let marks = [is_drained.then(|| drained.to_owned()), is_full.then(|| "full".to_owned()), load];
    marks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns a setting of seconds in the largest unit that leaves no rest.
pub(super) fn duration(seconds: u32) -> String {
    match seconds {
        0 => "0 s".to_owned(),
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

pub(super) fn forwarding(method: Forwarding) -> String {
    match method {
        Forwarding::Masquerade => "NAT".to_owned(),
        Forwarding::DirectRoute => "direct".to_owned(),
        other => other.to_string(),
    }
}

/// Returns an address and a port as numbers, and behind them their names if the output has any.
pub(super) fn endpoint(output: &mut Output, append: impl Fn(&mut Output)) -> String {
    let numbers = Output::default().text(&append);
    let names = output.text(append);
    let (address, host) = (numbers.rsplit_once(':'), names.rsplit_once(':'));
    match (address, host) {
        _ if numbers == names => numbers,
        // Only the port has a name.
        (Some((address, _)), Some((host, port))) if address == host => format!("{numbers} ({port})"),
        _ => format!("{numbers} ({names})"),
    }
}

/// Returns the settings of a service in words.
pub(super) fn settings(service: &Service) -> String {
    let foreign = |name: &[u8]| String::from_utf8_lossy(&escape(name)).into_owned();
    let mut words = format!("scheduler {}", foreign(service.scheduler.as_bytes()));
    let flags = scheduler_flags(service);
    let flags: Vec<_> = flags.split(',').filter(|flag| !flag.is_empty()).map(flag).collect();
    if !flags.is_empty() {
        words += &format!(" ({})", flags.join(", "));
    }
    if let Some(seconds) = service.persistence {
        let netmask = service.netmask();
        let clients = match netmask {
            netmask if netmask == Netmask::host(service.id().family()) => "a client stays on its".to_owned(),
            Netmask::V4(mask) => format!("the clients of a network with mask {mask} stay on one"),
            netmask => format!("the clients of a /{netmask} network stay on one"),
        };
        words += &format!("; {clients} server for {}", duration(seconds));
    }
    if let Some(engine) = service.engine {
        words += &format!("; clients are recognized by {}", foreign(engine.as_bytes()));
    }
    if service.flags.contains(ServiceFlags::ONE_PACKET) {
        words += "; each datagram is scheduled by itself";
    }
    words
}

/// Returns the meaning of a scheduler's flag.
fn flag(name: &str) -> &str {
    match name {
        "sh-fallback" | "mh-fallback" => "another server if the chosen one takes no connections",
        "sh-port" | "mh-port" => "by address and port",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_are_never_rounded_up() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.00k"),
            (1999, "1.99k"),
            (99_999, "99.9k"),
            (999_999, "999k"),
            (1_000_000, "1.00M"),
            (12_345_678_901, "12.3G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(human(number), text);
        }
    }

    #[test]
    fn shares_are_parts_of_the_sum() {
        for (part, sum, text) in [
            (1, 3, "33.3%"),
            (0, 3, "0.0%"),
            (3, 3, "100.0%"),
            (0, 0, ""),
            (u64::MAX / 2, u64::MAX - 1, "50.0%"),
        ] {
            assert_eq!(share(part, sum), text);
        }
    }

    #[test]
    fn durations_are_exact() {
        let texts = [0, 59, 60, 90, 360, 3600, 5400, 86_400].map(duration);
        assert_eq!(texts, ["0 s", "59 s", "1 min", "90 s", "6 min", "1 h", "90 min", "24 h"]);
    }
}
