//! Noticing that somebody else changes the same weight again and again.

/// The number of changes that make a fight.
const MANY: u32 = 3;
/// The number of readings without a change after which it is over.
const QUIET: u64 = 60;

/// The changes that somebody else has made to weights that were set here.
#[derive(Debug, Clone, Default)]
pub(super) struct Fight {
    /// The number of the reading that showed the last one.
    last: u64,
    times: u32,
    is_told: bool,
}

impl Fight {
    /// Notes a change, and returns whether it is time to tell of a fight, which is once for each.
    pub(super) fn note(&mut self, reading: u64) -> bool {
        if reading.saturating_sub(self.last) > QUIET {
            *self = Self::default();
        }
        self.last = reading;
        self.times += 1;
        self.times >= MANY && !std::mem::replace(&mut self.is_told, self.times >= MANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fight_is_told_once() {
        let mut fight = Fight::default();
        let told: Vec<bool> = [1, 2, 3, 4, 5, 63, 200, 201, 260].map(|reading| fight.note(reading)).into();
        assert_eq!(told, [false, false, true, false, false, false, false, false, true]);
        let mut slow = Fight::default();
        assert!((1..9).all(|day| !slow.note(day * 1000)));
    }
}
