//! Two hours of random answers in a moment: no weight leaves its bounds, and no service is ever without a server.

use std::collections::{BTreeMap, HashMap};

use ipvs_netlink::{DestinationId, ServiceId};

use super::{Answer, Event, Heard, Load, OnSilence, Rules, Target};

/// Two hours at five seconds each.
const INTERVALS: usize = 2 * 60 * 60 / 5;

/// Numbers that only look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn answer(&mut self) -> Heard {
        let line = match self.roll(14) {
            0 => "down".to_owned(),
            1 => "stopped # by hand".to_owned(),
            2 => "drain".to_owned(),
            3 => "maint,50%".to_owned(),
            4 => "up".to_owned(),
            5 | 6 => return Heard::Silence("no route".into()),
            _ => format!("up {}%", self.roll(260)),
        };
        Heard::Answer(Answer::parse(line.as_bytes()).unwrap())
    }
}

/// A kernel's table, with what an administrator wants.
#[derive(Default)]
struct Kernel {
    /// The present and the configured weight of each server. One that is configured with 0 is drained by hand.
    services: BTreeMap<u16, BTreeMap<u8, (u32, u32)>>,
}

fn target(service: u16, server: u8) -> Target {
    (ServiceId::tcp(([192, 0, 2, 1], service)), DestinationId::new([10, 0, 0, server], 80))
}

impl Kernel {
    fn read(&self, load: &mut Load) -> Vec<Event> {
        let table = self.services.iter().map(|(&service, servers)| {
            let servers = servers.iter().map(|(&server, &(present, _))| (target(service, server).1, present));
            (target(service, 0).0, servers.collect())
        });
        load.read_all(table.collect::<Vec<_>>(), |_, present| present)
    }

    /// Lets somebody change the table.
    fn disturb(&mut self, dice: &mut Dice) {
        let (service, server) = (dice.roll(4) as u16 + 1, dice.roll(6) as u8 + 1);
        match dice.roll(40) {
            0 => {
                self.services.remove(&service);
            }
            1 => {
                self.services.entry(service).or_default().remove(&server);
            }
            2..8 => {
                let weight = dice.roll(100) as u32;
                let place = self.services.entry(service).or_default().entry(server).or_insert((0, 0));
                // Nobody can tell that somebody has set the weight that was there.
                if place.0 != weight {
                    *place = (weight, weight);
                }
            }
            _ => {}
        }
    }

    fn check(&self, rules: &Rules, conditions: &HashMap<(u16, u8), bool>) {
        for (service, servers) in &self.services {
            let managed = servers.iter().filter(|(_, (_, configured))| *configured > 0);
            for (server, &(present, configured)) in managed.clone() {
                let most = u64::from(configured) * u64::from(rules.max) / 100;
                let least = rules.min.min(configured);
                let may_be_out = conditions.get(&(*service, *server)).copied().unwrap_or_default();
                assert!(u64::from(present) <= most, "{present} of {configured}");
                assert!(present >= least || (present == 0 && may_be_out), "{present} of {configured}");
            }
            let serves = servers.values().any(|(present, _)| *present > 0);
            assert!(
                !rules.keep_last || serves || managed.count() == 0,
                "service {service} is empty: {servers:?}"
            );
        }
    }
}

fn simulate(seed: u64, rules: &Rules) -> usize {
    let (mut dice, mut kernel, mut load) = (Dice(seed), Kernel::default(), Load::default());
    // Whether an agent has ever said something by which its server may be taken out.
    let mut conditions = HashMap::new();
    let mut made = 0;
    for _ in 0..INTERVALS {
        kernel.disturb(&mut dice);
        kernel.read(&mut load);
        conditions.retain(|(service, server), _| {
            kernel.services.get(service).is_some_and(|servers| servers.contains_key(server))
        });
        for (&service, servers) in &kernel.services {
            for &server in servers.keys() {
                let heard = dice.answer();
                let is_load = matches!(&heard, Heard::Answer(answer) if answer.text.starts_with("up"));
                *conditions.entry((service, server)).or_insert(false) |= !is_load;
                load.hear(target(service, server), &heard, rules);
            }
        }
        let (changes, _) = load.changes(rules);
        for change in changes {
            let (service, server) = (change.target.0, change.target.1);
            let place = kernel.services.iter_mut().find_map(|(&number, servers)| {
                let mut servers = servers.iter_mut();
                servers.find(|(host, _)| target(number, **host) == (service, server)).map(|(_, state)| state)
            });
            let (present, configured) = place.unwrap();
            assert_eq!((*present, *configured), (change.from, change.configured));
            *present = change.to;
            load.made(&change);
            made += 1;
        }
        kernel.check(rules, &conditions);
        let (again, _) = load.changes(rules);
        assert_eq!(again, [], "a change was not made");
    }
    for change in load.put_back() {
        assert_eq!(change.to, change.configured);
    }
    made
}

#[test]
fn two_hours_of_random_answers_leave_every_weight_within_its_bounds() {
    for seed in 1..=6 {
        for on_silence in [OnSilence::Keep, OnSilence::Full, OnSilence::Drain] {
            for keep_last in [true, false] {
                let (rise, fall) = (1 + seed as u32 % 3, 1 + seed as u32 % 4);
                let rules = Rules { on_silence, keep_last, rise, fall, ..Rules::default() };
                let bounded = Rules { min: 5, max: 150, smooth: 2.0, ..rules };
                assert!(simulate(0x9e37_79b9 * seed, &rules) > 1000);
                assert!(simulate(0x85eb_ca6b * seed, &bounded) > 1000);
            }
        }
    }
}
