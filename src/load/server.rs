//! One real server: its answers, and the weight that follows from them.

use super::answer::Condition;
use super::{Answer, OnSilence, Rules};

/// A share that is closer to the answer than this, in percent, is the answer.
const CLOSE: f64 = 0.5;

/// The outcome of asking a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Answer(Answer),
    /// There was no answer, for this reason.
    Silence(String),
}

/// The state of a server, as its answers tell it.
#[derive(Debug, Clone)]
pub(super) struct Server {
    condition: Condition,
    is_silent: bool,
    /// The part of the configured weight, in percent, smoothed.
    share: f64,
    /// The next share is taken as it is: the last one is from before the server was away.
    is_fresh: bool,
    /// The numbers of answers in a row: good ones, bad ones, and missing ones.
    good: u32,
    bad: u32,
    misses: u32,
    /// The last answer, or the reason why there was none, to be shown.
    heard: String,
}

impl Server {
    /// Makes a server of which nothing has been heard, with this part of its configured weight. One that has none of it
    /// has to answer like one that was down.
    pub(super) fn new(present: u32, configured: u32) -> Self {
        let is_away = present == 0 && configured > 0;
        let share = if is_away || configured == 0 {
            100.0
        } else {
            100.0 * f64::from(present) / f64::from(configured)
        };
        Self {
            condition: if is_away { Condition::Down } else { Condition::Up },
            is_silent: false,
            share,
            is_fresh: is_away,
            good: 0,
            bad: 0,
            misses: 0,
            heard: String::new(),
        }
    }

    /// Takes an answer in, or that there was none.
    pub(super) fn hear(&mut self, heard: &Heard, rules: &Rules) {
        match heard {
            Heard::Silence(why) => {
                self.misses = self.misses.saturating_add(1);
                self.good = 0;
                self.is_silent |= self.misses >= rules.fall;
                self.heard.clone_from(why);
            }
            Heard::Answer(answer) => {
                self.misses = 0;
                self.heard.clone_from(&answer.text);
                match answer.condition {
                    Condition::Drained => {
                        (self.good, self.bad) = (0, 0);
                        self.condition = Condition::Drained;
                    }
                    Condition::Down => {
                        self.good = 0;
                        self.bad = self.bad.saturating_add(1);
                        if self.bad >= rules.fall {
                            self.condition = Condition::Down;
                        }
                    }
                    Condition::Up => self.hear_good(answer.share, rules),
                }
            }
        }
    }

    fn hear_good(&mut self, share: Option<u32>, rules: &Rules) {
        self.bad = 0;
        self.good = self.good.saturating_add(1);
        let is_away =
            self.condition != Condition::Up || (self.is_silent && rules.on_silence != OnSilence::Keep);
        self.is_fresh |= is_away;
        // Whoever was drained was well all the time.
        if self.condition == Condition::Drained || self.good >= rules.rise {
            self.condition = Condition::Up;
        }
        self.is_silent &= self.good < rules.rise;
        let Some(wanted) = share.map(|share| f64::from(share.min(rules.max))) else { return };
        let remains = if self.is_fresh || rules.smooth <= 0.0 { 0.0 } else { (-1.0 / rules.smooth).exp() };
        self.share = wanted + (self.share - wanted) * remains;
        if (self.share - wanted).abs() < CLOSE {
            self.share = wanted;
        }
        self.is_fresh = false;
    }

    /// Returns the weight that the server should have, of which 0 is one for a reason other than load.
    pub(super) fn weight(&self, configured: u32, rules: &Rules) -> u32 {
        match self.rank(rules) {
            Rank::Serving if self.is_silent && rules.on_silence == OnSilence::Full => configured,
            Rank::Serving => self.serving_weight(configured, rules),
            _ => 0,
        }
    }

    /// Returns the weight that the server has as long as it serves.
    pub(super) fn serving_weight(&self, configured: u32, rules: &Rules) -> u32 {
        let most = u64::from(configured) * u64::from(rules.max) / 100;
        let most = u32::try_from(most).unwrap_or(u32::MAX).clamp(configured, i32::MAX as u32);
        // A weight beyond the range is limited.
        let weight = (f64::from(configured) * self.share / 100.0).round() as u32;
        weight.clamp(rules.min.min(configured), most)
    }

    /// Returns how much speaks for sending clients to the server.
    pub(super) fn rank(&self, rules: &Rules) -> Rank {
        match self.condition {
            Condition::Drained => Rank::Drained,
            Condition::Down => Rank::Down,
            Condition::Up if self.is_silent && rules.on_silence == OnSilence::Drain => Rank::Silent,
            Condition::Up => Rank::Serving,
        }
    }

    /// Returns whether it has said so often that it is down that this counts. One that was away before it was first asked
    /// has not.
    pub(super) fn has_failed(&self, rules: &Rules) -> bool {
        self.condition == Condition::Down && self.bad >= rules.fall
    }

    /// Returns whether it has not answered for so long that this counts.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Says what was heard last, to explain the weight.
    pub(super) fn why(&self) -> String {
        match (self.misses, self.condition) {
            (1.., _) if self.is_silent => format!("no answer {} times: {}", self.misses, self.heard),
            (_, Condition::Down) if self.bad > 1 => format!("{} times: {}", self.bad, self.heard),
            _ => self.heard.clone(),
        }
    }
}

/// The claim of a server to get clients, from the least on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Drained,
    Down,
    Silent,
    Serving,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server::new(100, 100)
    }

    /// Returns the weight of 100 after each of these answers, of which `-` is none.
    fn weights(server: &mut Server, answers: &str, rules: &Rules) -> Vec<u32> {
        let hear = |line: &str| {
            let heard = match line {
                "-" => Heard::Silence("timed out".into()),
                line => Heard::Answer(Answer::parse(line.as_bytes()).unwrap()),
            };
            server.hear(&heard, rules);
            server.weight(100, rules)
        };
        answers.split(' ').map(hear).collect()
    }

    #[test]
    fn a_quarter_is_a_quarter_within_two_intervals() {
        assert_eq!(weights(&mut server(), "25% 25% 25%", &Rules::default()), [28, 25, 25]);
        for (configured, quarter) in [(4, 1), (10, 3), (1000, 250), (65535, 16384)] {
            let (mut server, rules) = (Server::new(configured, configured), Rules::default());
            weights(&mut server, "25% 25%", &rules);
            assert_eq!(server.weight(configured, &rules), quarter);
        }
    }

    #[test]
    fn smoothing_is_a_time_constant() {
        let rules = |smooth| Rules { smooth, ..Rules::default() };
        assert_eq!(weights(&mut server(), "0% 100%", &rules(0.0)), [1, 100]);
        // After this time 37 % of the change is left, after twice the time 14 %.
        assert_eq!(weights(&mut server(), "0% 0%", &rules(1.0)), [37, 14]);
        assert_eq!(weights(&mut server(), "0% 0% 0%", &rules(3.0)), [72, 51, 37]);
    }

    #[test]
    fn load_alone_never_takes_a_server_out_or_above_its_limit() {
        let rules = Rules { smooth: 0.0, ..Rules::default() };
        assert_eq!(weights(&mut server(), "0% 250% 99999999999%", &rules), [1, 100, 100]);
        let rules = Rules { min: 20, max: 150, ..rules };
        assert_eq!(weights(&mut server(), "0% 120% 250%", &rules), [20, 120, 150]);
        // The smallest weight is not above the configured one.
        assert_eq!(Server::new(5, 5).serving_weight(5, &rules), 5);
        let huge = i32::MAX as u32;
        let mut server = Server::new(huge, huge);
        weights(&mut server, "250%", &Rules { max: 1000, ..rules });
        assert_eq!(server.serving_weight(huge, &Rules { max: 1000, ..rules }), huge);
    }

    #[test]
    fn a_drain_counts_at_once_and_ends_at_once() {
        let rules = Rules::default();
        assert_eq!(weights(&mut server(), "drain drain ready 40% 40%", &rules), [0, 0, 100, 40, 40]);
        assert_eq!(weights(&mut server(), "maint,30% 40%", &rules), [0, 40]);
    }

    #[test]
    fn down_and_back_take_several_answers_in_a_row() {
        let rules = Rules::default();
        assert_eq!(
            weights(&mut server(), "down down up down down down up 60% down 60% 50% 50%", &rules),
            [100, 100, 100, 100, 100, 0, 0, 60, 60, 60, 50, 50]
        );
        assert_eq!(
            weights(&mut server(), "fail stopped down up down up up", &rules),
            [100, 100, 0, 0, 0, 0, 100]
        );
        let quick = Rules { rise: 1, fall: 1, ..rules };
        assert_eq!(weights(&mut server(), "down up", &quick), [0, 100]);
    }

    #[test]
    fn silence_is_not_load() {
        let silence = |on_silence| Rules { on_silence, smooth: 0.0, ..Rules::default() };
        let line = "50% - - - - 40% 30%";
        assert_eq!(weights(&mut server(), line, &silence(OnSilence::Keep)), [50, 50, 50, 50, 50, 40, 30]);
        assert_eq!(weights(&mut server(), line, &silence(OnSilence::Full)), [50, 50, 50, 100, 100, 100, 30]);
        assert_eq!(weights(&mut server(), line, &silence(OnSilence::Drain)), [50, 50, 50, 0, 0, 0, 30]);
        // A machine that is switched off after it was drained gets no clients.
        assert_eq!(weights(&mut server(), "drain - - - -", &silence(OnSilence::Full)), [0; 5]);
        assert_eq!(weights(&mut server(), "down down - - down -", &silence(OnSilence::Keep))[4..], [0, 0]);
        // One that is silent and then down does not come back in between.
        assert_eq!(weights(&mut server(), "- - - down down down", &silence(OnSilence::Drain))[2..], [0; 4]);
    }

    #[test]
    fn a_server_that_was_away_before_the_start_comes_back_like_one_that_was_down() {
        let mut server = Server::new(0, 100);
        assert_eq!(server.weight(100, &Rules::default()), 0);
        assert_eq!(weights(&mut server, "70% 70%", &Rules::default()), [0, 70]);
        let server = Server::new(30, 100);
        assert_eq!(server.weight(100, &Rules::default()), 30);
    }

    #[test]
    fn the_reason_is_what_was_heard() {
        let (mut server, rules) = (server(), Rules::default());
        weights(&mut server, "30%", &rules);
        assert_eq!(server.why(), "30%");
        weights(&mut server, "down down down", &rules);
        assert_eq!(server.why(), "3 times: down");
        weights(&mut server, "- - - -", &rules);
        assert_eq!(server.why(), "no answer 4 times: timed out");
    }
}
