//! Two hours of random answers in a moment: no weight leaves its bounds, and no service is ever without a server.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ipvs_netlink::{Destination, DestinationId, ServiceId};

use super::{Answer, Event, Heard, Kind, Load, OnSilence, Rules, Target};

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
    /// The configured weights of the servers that are removed because of their load.
    removed: BTreeMap<(u16, u8), u32>,
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
                self.removed.retain(|(removed, _), _| *removed != service);
            }
            1 => {
                self.services.entry(service).or_default().remove(&server);
            }
            2..8 => {
                let weight = dice.roll(100) as u32;
                self.removed.remove(&(service, server));
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
            let has_removed = self.removed.keys().any(|(removed, _)| removed == service);
            assert!(
                !rules.keep_last || serves || (managed.count() == 0 && !has_removed),
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
        let present = kernel
            .services
            .iter()
            .flat_map(|(&service, servers)| servers.keys().map(move |&server| (service, server)));
        let all: BTreeSet<(u16, u8)> = present.chain(kernel.removed.keys().copied()).collect();
        conditions.retain(|server, _| all.contains(server));
        for &(service, server) in &all {
            let heard = dice.answer();
            let is_load = matches!(&heard, Heard::Answer(answer) if answer.text.starts_with("up"));
            *conditions.entry((service, server)).or_insert(false) |= !is_load;
            load.hear(target(service, server), &heard, rules);
        }
        let (changes, _) = load.changes(rules);
        for change in changes {
            let key =
                *all.iter().find(|(service, server)| target(*service, *server) == change.target).unwrap();
            let servers = kernel.services.get_mut(&key.0).unwrap();
            let before = match change.kind {
                Kind::Add(_) => servers.insert(key.1, (0, kernel.removed.remove(&key).unwrap())),
                Kind::Set | Kind::Remove => servers.get(&key.1).copied(),
            };
            let state = servers.get_mut(&key.1).unwrap();
            assert_eq!(before.is_none(), matches!(change.kind, Kind::Add(_)));
            assert_eq!(*state, (change.from, change.configured));
            state.0 = change.to;
            if change.kind == Kind::Remove {
                assert!(rules.remove && conditions[&key]);
                kernel.removed.insert(key, change.configured);
                servers.remove(&key.1);
            }
            load.made(&change, &Destination::new(change.target.1));
            made += 1;
        }
        kernel.check(rules, &conditions);
        let (again, _) = load.changes(rules);
        assert_eq!(again, [], "a change was not made");
    }
    let back = load.put_back();
    assert!(back.iter().all(|change| change.to == change.configured));
    let added = back.iter().filter(|change| matches!(change.kind, Kind::Add(_))).count();
    assert_eq!(added, kernel.removed.len());
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
                let removing = Rules { remove: true, ..rules };
                assert!(simulate(0x9e37_79b9 * seed, &rules) > 1000);
                assert!(simulate(0xc2b2_ae35 * seed, &removing) > 1000);
                assert!(simulate(0x85eb_ca6b * seed, &bounded) > 1000);
            }
        }
    }
}
