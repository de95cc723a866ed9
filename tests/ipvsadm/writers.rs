//! Restores beside other writers: the C tool, the program itself and the library, at random moments.
//!
//! `IPVSADM_WRITERS_ROUNDS` sets the number of rounds of each test and `IPVSADM_WRITERS_SEED` the first seed; a failure
//! reports its seed. The library's writers take no lock, so that what holds here holds beside any program.

mod draining;
mod model;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ipvs_netlink::reconcile::{Desired, Unlisted, apply};
use ipvs_netlink::{Change, Ipvs};

use crate::differential::reference::Reference;
use crate::programs::unpacked_program;
use crate::random::{Random, env_or};
use crate::support::*;
use model::{Edit, Table};

/// The program that writes beside the restore.
#[derive(Debug, Clone, Copy)]
enum Writer {
    Reference,
    Program,
    Library,
}

impl Writer {
    fn random(random: &mut Random) -> Self {
        [Self::Reference, Self::Program, Self::Library][random.below(3) as usize]
    }

    /// Makes an edit, and returns whether the kernel accepted it.
    fn make(self, edit: Edit, reference: &Reference) -> bool {
        let words = edit.words();
        let command = match self {
            Self::Reference => reference.command(),
            Self::Program => Command::new(PROGRAM),
            Self::Library => return Ipvs::connect().unwrap().change(parse(&words)).is_ok(),
        };
        let mut command = command;
        run(command.args(words.split(' '))).status == 0
    }
}

fn parse(words: &str) -> Change {
    ipvsadm::stages::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
}

/// Returns a command of the program that delays each of its calls that carry messages: on a machine with few processors
/// others would hardly ever come between two of them.
pub fn slowed(words: &str) -> Command {
    let calls = "sendto,sendmsg,recvfrom,recvmsg";
    let mut command = Command::new(unpacked_program("strace"));
    command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:delay_enter=2000"), PROGRAM]).args(words.split(' '));
    command
}

fn feed_slowly(words: &str, input: &str) -> Run {
    feed(&mut slowed(words), input.as_bytes())
}

/// Replaces the table by the library, without any lock, and returns a status and a message like the program's.
fn replace_by_library(table: &Table) -> Run {
    let mut desired = Desired::default();
    for line in table.lines().lines() {
        desired.follow(&parse(line), ()).unwrap();
    }
    match apply(&mut Ipvs::connect().unwrap(), &desired, Unlisted::Delete) {
        Ok(_) => Run { status: 0, stdout: String::new(), stderr: String::new() },
        Err(error) => Run { status: 255, stdout: String::new(), stderr: error.to_string() },
    }
}

/// The rounds of a test, each with a seed and a director whose table is `before`.
struct Rounds {
    first_seed: u64,
    count: u64,
    /// The longest delay before a writer starts: about as long as a restore takes.
    max_delay: Duration,
}

impl Rounds {
    /// Measures how long a restore takes now, with an additional line.
    fn new(count: u64, line: &str) -> Self {
        let table = Table::random(&mut Random::new(0), 1..7);
        let started = Instant::now();
        for lines in [table.lines() + line, format!("-A -t 192.0.2.1:80 -s rr\n{line}")] {
            feed_slowly("-R --replace", &lines);
        }
        let max_delay = started.elapsed() / 2;
        let first_seed = env_or("IPVSADM_WRITERS_SEED", 1);
        Self { first_seed, count: env_or("IPVSADM_WRITERS_ROUNDS", count), max_delay }
    }

    fn seeds(&self) -> std::ops::Range<u64> {
        self.first_seed..self.first_seed + self.count
    }

    fn delay(&self, random: &mut Random) -> Duration {
        self.max_delay * random.below(1000) as u32 / 1000
    }
}

/// Makes the kernel's table this one.
fn reset(ipvs: &mut Ipvs, table: &Table) {
    ipvs.flush().unwrap();
    let changes: Vec<Change> = table.lines().lines().map(parse).collect();
    assert_eq!(ipvs.apply(&changes).unwrap(), []);
}

/// Runs two things at once, each after its delay.
fn race<A, B: Send>(
    (first, first_delay): (impl FnOnce() -> A, Duration),
    (second, second_delay): (impl FnOnce() -> B + Send, Duration),
) -> (A, B) {
    thread::scope(|scope| {
        let second = scope.spawn(move || {
            thread::sleep(second_delay);
            second()
        });
        thread::sleep(first_delay);
        let first = first();
        (first, second.join().unwrap())
    })
}

#[test]
fn two_restores_of_the_same_file_make_its_table() {
    let director = Director::new();
    let rounds = Rounds::new(60, "");
    let mut ipvs = director.ipvs();
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        let wanted = Table::random(random, 1..7);
        let before = if random.one_in(2) { Table::default() } else { Table::random(random, 1..7) };
        reset(&mut ipvs, &before);
        let restores = [random.one_in(2), random.one_in(2)].map(|by_program| {
            let wanted = &wanted;
            move || match by_program {
                true => feed_slowly("-R --replace", &wanted.lines()),
                false => replace_by_library(wanted),
            }
        });
        let [first, second] = restores.map(|restore| (restore, rounds.delay(random)));
        let (first, second) = race(first, second);
        let statuses = (first.status, second.status);
        assert_eq!(statuses, (0, 0), "seed {seed}: {} {}", first.stderr, second.stderr);
        assert_eq!(Table::read(&mut ipvs), wanted, "seed {seed}");
    }
}

#[test]
fn of_two_restores_of_different_files_one_wins_or_the_statuses_say_otherwise() {
    let director = Director::new();
    let rounds = Rounds::new(40, "");
    let mut ipvs = director.ipvs();
    let mut failed = 0;
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        let (first, second) = (Table::random(random, 1..7), Table::random(random, 1..7));
        reset(&mut ipvs, &Table::random(random, 1..7));
        let by_program = random.one_in(2);
        let restore_first = || match by_program {
            true => feed_slowly("-R --replace", &first.lines()),
            false => replace_by_library(&first),
        };
        let restore_second = || replace_by_library(&second);
        let (run_first, run_second) =
            race((restore_first, rounds.delay(random)), (restore_second, rounds.delay(random)));
        let table = Table::read(&mut ipvs);
        match (run_first.status, run_second.status) {
            (0, 0) => assert!(table == first || table == second, "seed {seed}: {table:?}"),
            // The one that failed says so, and whatever it did came before the other's last look.
            (0, _) => assert_eq!(table, first, "seed {seed}: {}", run_second.stderr),
            (_, 0) => assert_eq!(table, second, "seed {seed}: {}", run_first.stderr),
            _ => failed += 1,
        }
    }
    println!("{failed} rounds in which both restores gave up");
}

#[test]
fn an_accepted_restore_ends_with_its_table_whatever_others_do_meanwhile() {
    let director = Director::new();
    let rounds = Rounds::new(70, "");
    let mut ipvs = director.ipvs();
    let reference = Reference::locate();
    let mut late = 0;
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        // Services from 7 on are others'.
        let (before, wanted) = (Table::random(random, 1..10), Table::random(random, 1..7));
        let keep = random.one_in(2);
        let edit = Edit::random(random, &[&before, &wanted]);
        let writer = Writer::random(random);
        reset(&mut ipvs, &before);
        let words = if keep { "-R --replace --keep-others" } else { "-R --replace" };
        let restore = (|| feed_slowly(words, &wanted.lines()), rounds.delay(random));
        let (restored, _) = race(restore, (|| writer.make(edit, &reference), rounds.delay(random)));
        let after = Table::read(&mut ipvs);
        let context = format!("seed {seed}: {words}, {writer:?}: {}", edit.words());
        assert_eq!((restored.status, restored.stderr.as_str()), (0, ""), "{context}");
        // The edit came either before the restore's last look or after it.
        let possible = [&before, &edit.applied_to(&before)].map(|before| match keep {
            true => wanted.with_others_of(before),
            false => wanted.clone(),
        });
        let [plain, edited] = &possible;
        let is_listed = wanted.0.contains_key(&edit.service());
        let outcomes = match (keep, is_listed) {
            (true, false) => vec![edited.clone()],
            _ => vec![plain.clone(), edit.applied_to(plain)],
        };
        assert!(outcomes.contains(&after), "{context}\n{after:?}\nis none of\n{outcomes:?}");
        late += usize::from(after != outcomes[0]);
    }
    println!("{late} edits came after the restore");
}

#[test]
fn a_refused_restore_leaves_exactly_the_work_of_others() {
    let director = Director::new();
    let rounds = Rounds::new(80, model::UNKNOWN_SCHEDULER);
    let mut ipvs = director.ipvs();
    let reference = Reference::locate();
    let mut contested = 0;
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        let (before, wanted) = (Table::random(random, 1..10), Table::random(random, 1..7));
        let keep = random.one_in(2);
        let mut edit = Edit::random(random, &[&before, &wanted]);
        while random.one_in(2) && !wanted.touches(&before, edit) {
            edit = Edit::random(random, &[&before, &wanted]);
        }
        let writer = Writer::random(random);
        let lines = wanted.lines_with_refused(random);
        reset(&mut ipvs, &before);
        let words = if keep { "-R --replace --keep-others" } else { "-R --replace" };
        let restore = (|| feed_slowly(words, &lines), rounds.delay(random));
        let (restored, accepted) = race(restore, (|| writer.make(edit, &reference), rounds.delay(random)));
        let after = Table::read(&mut ipvs);
        let context =
            format!("seed {seed}: {words}, {writer:?}: {}\n{}{after:?}", edit.words(), restored.stderr);
        assert_eq!(restored.status, 255, "{context}");
        let edited = edit.applied_to(&before);
        let clean = restored.stderr.ends_with("ipvsadm: nothing was changed\n");
        if !wanted.touches(&before, edit) {
            // Nobody else has reason to touch what the edit is about.
            assert!(clean, "{context}");
            assert_eq!(accepted, edited != before, "{context}");
            assert_eq!(after, edited, "{context}");
        } else if clean {
            assert!(after == before || after == edited, "{context}");
        } else {
            contested += 1;
            let named = named_objects(&restored.stderr);
            assert!(!named.is_empty(), "{context}");
            let mut others = edited.differences(&before);
            if let Edit::AddServer(service, server, _) = edit {
                others.insert(model::server_name(service, server));
            }
            for object in after.differences(&before).difference(&others) {
                assert!(named.contains(object), "{object} is not named\n{context}");
            }
            // Whatever the other writer set last is still so.
            let weight = |service, server| after.0.get(&service).and_then(|servers| servers.get(&server));
            if let (true, Edit::SetWeight(service, server, set)) = (accepted, edit) {
                assert_eq!(weight(service, server), Some(&set), "{context}");
            }
        }
    }
    println!("{contested} rounds with contested objects");
}

#[test]
fn an_edit_of_what_a_refused_restore_has_changed_survives_and_is_named() {
    const ROUNDS: usize = 25;
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let table = |weight| Table([(1, [(1, weight), (2, 1)].into())].into());
    let lines = table(2).lines() + model::UNKNOWN_SCHEDULER;
    let edit = Edit::SetWeight(1, 1, 9);
    let (mut contested, mut lost) = (0, 0);
    for _ in 0..ROUNDS {
        reset(&mut ipvs, &table(1));
        let done = AtomicBool::new(false);
        // The writer acts as soon as it sees what the restore has set.
        let write = || {
            let mut ipvs = Ipvs::connect().unwrap();
            while !done.load(Ordering::Relaxed) {
                if Table::read(&mut ipvs) == table(2) {
                    ipvs.change(parse(&edit.words())).unwrap();
                    return true;
                }
            }
            false
        };
        let restore = || {
            let run = feed_slowly("-R --replace", &lines);
            done.store(true, Ordering::Relaxed);
            run
        };
        let (restored, written) = race((restore, Duration::ZERO), (write, Duration::ZERO));
        let after = Table::read(&mut ipvs);
        let clean = restored.stderr.ends_with("ipvsadm: nothing was changed\n");
        assert_eq!(restored.status, 255, "{}", restored.stderr);
        if !clean {
            assert_eq!(named_objects(&restored.stderr), [model::server_name(1, 1)].into());
            assert_eq!(after, table(9));
            contested += 1;
        } else if written && after == table(1) {
            // The kernel has no way to set a value only if it is still the one that was read.
            lost += 1;
        } else {
            assert_eq!(after, table(if written { 9 } else { 1 }));
        }
    }
    println!("{contested} edits came in between, {lost} were lost between reading and writing");
    assert!(contested > 1, "{contested} contested, {lost} lost");
}

/// Returns the objects that the last line of a message names.
fn named_objects(message: &str) -> BTreeSet<String> {
    let line = message.lines().last().unwrap();
    let (_, names) = line.split_once("changed meanwhile: ").unwrap_or_else(|| panic!("{message}"));
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn steps_that_another_writer_made_first_count_as_done() {
    let director = Director::new();
    let mut ipvs = director.ipvs();
    let rounds = Rounds::new(40, "");
    let reference = Reference::locate();
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        let (before, wanted) = (Table::random(random, 1..7), Table::random(random, 1..7));
        let edits = before.edits_towards(&wanted);
        if edits.is_empty() {
            continue;
        }
        let edit = edits[random.below(edits.len() as u64) as usize];
        let writer = Writer::random(random);
        reset(&mut ipvs, &before);
        let restore = (|| feed_slowly("-R --replace", &wanted.lines()), rounds.delay(random));
        let (restored, _) = race(restore, (|| writer.make(edit, &reference), rounds.delay(random)));
        let context = format!("seed {seed}: {writer:?}: {}", edit.words());
        assert_eq!((restored.status, restored.stderr.as_str()), (0, ""), "{context}");
        assert_eq!(Table::read(&mut ipvs), wanted, "{context}");
    }
}
