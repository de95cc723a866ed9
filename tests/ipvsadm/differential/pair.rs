//! The reference in one network namespace and ours in another, given the same.

use std::fs::File;
use std::process::Command;

use ipvs::Ipvs;
use nix::sched::{CloneFlags, setns, unshare};

use super::allowed;
use super::case::{Case, State};
use super::kernel::{self, Snapshot};
use super::namespace;
use super::reference::Reference;
use super::rewrite;
use super::step::{Outcome, Step};
use crate::support::{Director, PROGRAM};

/// How many changes of the table may pass until the reference has to save both tables alike.
const SAVE_EVERY: usize = 5;

/// How many of the steps before a failure are shown.
const AFTER: usize = 15;

pub struct Pair {
    _alone: Director,
    reference: Side,
    ours: Side,
    program: Reference,
    given: (String, Snapshot),
    /// The two tables after the last step, and whether they are those that were given.
    tables: [State; 2],
    dirty: bool,
    since_reset: Vec<String>,
    changes: usize,
    steps: usize,
    failures: Vec<String>,
}

struct Side {
    namespace: File,
    ipvs: Ipvs,
}

impl Side {
    fn of_this_thread() -> Self {
        namespace::set_up();
        Self { namespace: File::open("/proc/thread-self/ns/net").unwrap(), ipvs: Ipvs::connect().unwrap() }
    }

    fn enter(&self) {
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
    }

    fn state(&mut self) -> State {
        self.enter();
        let snapshot = kernel::snapshot(&mut self.ipvs);
        let settings = kernel::settings(&mut self.ipvs, &snapshot);
        State { file: kernel::file(&snapshot), settings }
    }
}

impl Pair {
    pub fn new() -> Self {
        let program = Reference::find();
        // Many tables are large here; and the other tests had better not wait for each other's modules.
        let alone = Director::alone();
        namespace::private_names();
        let reference = Side::of_this_thread();
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let ours = Side::of_this_thread();
        let mut pair = Self {
            _alone: alone,
            reference,
            ours,
            program,
            given: Default::default(),
            tables: Default::default(),
            dirty: true,
            since_reset: Vec::new(),
            changes: 0,
            steps: 0,
            failures: Vec::new(),
        };
        pair.given("");
        pair
    }

    /// From now on a reset makes both tables what these lines of `-R` make of an empty one.
    pub fn given(&mut self, lines: &str) {
        self.reference.enter();
        kernel::restore(&mut self.reference.ipvs, &Vec::new());
        if !lines.is_empty() {
            let made = Step { words: vec!["-R".into()], input: lines.into(), connections: false }
                .run(self.program.command());
            assert_eq!((made.status, made.stderr.as_str()), (0, ""), "given: {lines}");
        }
        self.given = (lines.to_owned(), kernel::snapshot(&mut self.reference.ipvs));
        self.dirty = true;
        self.reset();
    }

    /// Makes both tables what was given, if they are not.
    pub fn reset(&mut self) {
        self.since_reset.clear();
        if self.dirty {
            let given = self.given.1.clone();
            self.make_both(&given);
            self.dirty = false;
        }
    }

    fn make_both(&mut self, snapshot: &Snapshot) {
        for side in [&mut self.reference, &mut self.ours] {
            side.enter();
            kernel::restore(&mut side.ipvs, snapshot);
        }
        self.tables = [self.reference.state(), self.ours.state()];
        assert_eq!(self.tables[0], self.tables[1], "the tables differ before a step");
    }

    /// Gives both the same invocation and notes what differs and may not.
    pub fn step(&mut self, step: &Step) {
        let mut case = self.run(step);
        if allowed::judge(&case).is_err() && case.before[0] == case.after[0] {
            // It may have shown a service twice, as another test added some at the wrong moment.
            self.reference.enter();
            case.reference = step.run(self.program.command());
        }
        if let Err(report) = allowed::judge(&case) {
            self.fail(&report);
        }
        if !step.lists() {
            self.since_reset.push(step.to_string());
        }
        if !case.same_tables() {
            let reference = kernel::snapshot(&mut self.reference.ipvs);
            self.make_both(&reference);
            self.dirty = true;
        }
    }

    /// Gives both the same invocation.
    pub fn run(&mut self, step: &Step) -> Case {
        self.steps += 1;
        self.reference.enter();
        let reference = step.run(self.program.command());
        if !step.shows_kernel_order() {
            self.ours.enter();
        }
        let ours = step.run(Command::new(PROGRAM));
        let before = self.tables.clone();
        if !step.lists() {
            self.tables = [self.reference.state(), self.ours.state()];
        }
        if before != self.tables {
            self.dirty = true;
            self.changes += 1;
            if self.changes % SAVE_EVERY == 0 {
                self.compare_saved();
            }
        }
        Case { step: step.clone(), reference, ours, before, after: self.tables.clone() }
    }

    /// The reference has to save both tables alike, unless they are known to differ.
    fn compare_saved(&mut self) {
        if self.tables[0] == self.tables[1] {
            // The reference's order is not the same for the same table if numbers in it are far apart.
            let read = || self.by_reference("-S -n").map(|outcome| rewrite::sorted(&outcome.stdout));
            let mut saved = read();
            if saved[0] != saved[1] {
                saved = read();
            }
            if saved[0] != saved[1] {
                self.fail(&format!("the reference saves ours differently:\n{}\n{}", saved[0], saved[1]));
            }
        }
    }

    /// What the reference does with a command line in its namespace and in ours.
    fn by_reference(&self, line: &str) -> [Outcome; 2] {
        [&self.reference, &self.ours].map(|side| {
            side.enter();
            Step::parse(line).run(self.program.command())
        })
    }

    /// What both programs do in the reference's namespace, and what both do in ours.
    pub fn in_each_namespace(&mut self, step: &Step) -> [Case; 2] {
        self.steps += 2;
        [&self.reference, &self.ours].map(|side| {
            side.enter();
            let reference = step.run(self.program.command());
            let ours = step.run(Command::new(PROGRAM));
            Case {
                step: step.clone(),
                reference,
                ours,
                before: Default::default(),
                after: Default::default(),
            }
        })
    }

    /// Does something in both namespaces.
    pub fn in_both(&self, mut action: impl FnMut()) {
        for side in [&self.reference, &self.ours] {
            side.enter();
            action();
        }
    }

    pub fn fail(&mut self, report: &str) {
        let mut text = String::new();
        for line in self.given.0.lines().take(AFTER) {
            text.push_str(&format!("  given {line}\n"));
        }
        for line in self.since_reset.iter().rev().take(AFTER).rev() {
            text.push_str(&format!("  after {line}\n"));
        }
        self.failures.push(format!("{text}{report}"));
    }

    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Fails the test if anything differed.
    pub fn finish(mut self) {
        self.compare_saved();
        println!("{} invocations of both programs", self.steps);
        assert!(
            self.failures.is_empty(),
            "{} of {} invocations differ:\n\n{}",
            self.failures.len(),
            self.steps,
            self.failures.join("\n")
        );
    }
}
