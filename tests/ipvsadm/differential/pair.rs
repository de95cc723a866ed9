//! The reference in one network namespace and ours in another, with the same table.

use std::fs::File;
use std::process::Command;

use ipvs_netlink::Ipvs;
use nix::sched::{CloneFlags, setns, unshare};

use super::allowed;
use super::case::{Case, State};
use super::kernel::{self, Snapshot};
use super::namespace;
use super::reference::Reference;
use super::rewrite;
use super::step::{Outcome, Step};
use crate::support::{Director, PROGRAM};

/// The number of table changes after which the reference must save both tables identically.
const SAVE_EVERY: usize = 5;

/// The number of preceding steps that a failure report shows.
const STEPS_SHOWN: usize = 15;

/// Both programs, and the differences found so far.
pub struct Pair {
    _director: Director,
    reference: Side,
    ours: Side,
    program: Reference,
    baseline: (String, Snapshot),
    /// The two tables after the last step.
    tables: [State; 2],
    /// Set when the tables may differ from the baseline.
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
    fn from_current_namespace() -> Self {
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
        State { file: kernel::proc_file(&snapshot), settings }
    }
}

impl Pair {
    pub fn new() -> Self {
        let program = Reference::locate();
        // Many tables are large here, and tests running in parallel would wait for each other's kernel
        // modules.
        let director = Director::alone();
        namespace::mount_private_hosts();
        let reference = Side::from_current_namespace();
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let ours = Side::from_current_namespace();
        let mut pair = Self {
            _director: director,
            reference,
            ours,
            program,
            baseline: Default::default(),
            tables: Default::default(),
            dirty: true,
            since_reset: Vec::new(),
            changes: 0,
            steps: 0,
            failures: Vec::new(),
        };
        pair.set_baseline("");
        pair
    }

    /// Sets the table that a reset establishes on both sides, as lines for `-R`, and resets.
    pub fn set_baseline(&mut self, lines: &str) {
        self.reference.enter();
        kernel::restore(&mut self.reference.ipvs, &Vec::new());
        if !lines.is_empty() {
            let restored = Step { words: vec!["-R".into()], input: lines.into(), connections: false }
                .run(self.program.command());
            assert_eq!((restored.status, restored.stderr.as_str()), (0, ""), "baseline: {lines}");
        }
        self.baseline = (lines.to_owned(), kernel::snapshot(&mut self.reference.ipvs));
        self.dirty = true;
        self.reset();
    }

    /// Restores the baseline in both tables unless they already match it.
    pub fn reset(&mut self) {
        self.since_reset.clear();
        if self.dirty {
            let baseline = self.baseline.1.clone();
            self.restore_both(&baseline);
            self.dirty = false;
        }
    }

    fn restore_both(&mut self, snapshot: &Snapshot) {
        for side in [&mut self.reference, &mut self.ours] {
            side.enter();
            kernel::restore(&mut side.ipvs, snapshot);
        }
        self.tables = [self.reference.state(), self.ours.state()];
        assert_eq!(self.tables[0], self.tables[1], "the tables differ before a step");
    }

    /// Runs the same invocation with both programs and records a failure if they differ in an unexpected way.
    pub fn step(&mut self, step: &Step) {
        let mut case = self.run(step);
        if allowed::judge(&case).is_err() && case.before[0] == case.after[0] {
            // The reference lists a service twice if another test adds services at the wrong moment.
            self.reference.enter();
            case.reference = step.run(self.program.command());
        }
        if let Err(report) = allowed::judge(&case) {
            self.record_failure(&report);
        }
        if !step.is_listing() {
            self.since_reset.push(step.to_string());
        }
        if !case.same_tables() {
            let reference = kernel::snapshot(&mut self.reference.ipvs);
            self.restore_both(&reference);
            self.dirty = true;
        }
    }

    /// Runs the same invocation with both programs.
    pub fn run(&mut self, step: &Step) -> Case {
        self.steps += 1;
        self.reference.enter();
        let reference = step.run(self.program.command());
        if !step.shows_kernel_order() {
            self.ours.enter();
        }
        let ours = step.run(Command::new(PROGRAM));
        let before = self.tables.clone();
        if !step.is_listing() {
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

    /// Checks that the reference saves both tables identically, unless they are known to differ.
    fn compare_saved(&mut self) {
        if self.tables[0] == self.tables[1] {
            // The reference may order the same table differently if numbers in it are far apart.
            let save =
                || self.run_reference_in_both("-S -n").map(|outcome| rewrite::sort_lines(&outcome.stdout));
            let mut saved = save();
            if saved[0] != saved[1] {
                saved = save();
            }
            if saved[0] != saved[1] {
                self.record_failure(&format!(
                    "the reference saves ours differently:\n{}\n{}",
                    saved[0], saved[1]
                ));
            }
        }
    }

    /// Runs a command line with the reference in its namespace and in ours.
    fn run_reference_in_both(&self, line: &str) -> [Outcome; 2] {
        [&self.reference, &self.ours].map(|side| {
            side.enter();
            Step::parse(line).run(self.program.command())
        })
    }

    /// Runs both programs in the reference's namespace, and both in ours.
    pub fn run_in_each_namespace(&mut self, step: &Step) -> [Case; 2] {
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

    /// Performs an action in both namespaces.
    pub fn run_in_both_namespaces(&self, mut action: impl FnMut()) {
        for side in [&self.reference, &self.ours] {
            side.enter();
            action();
        }
    }

    /// Records a failure, with the steps that led to it.
    pub fn record_failure(&mut self, report: &str) {
        let mut text = String::new();
        for line in self.baseline.0.lines().take(STEPS_SHOWN) {
            text.push_str(&format!("  given {line}\n"));
        }
        for line in self.since_reset.iter().rev().take(STEPS_SHOWN).rev() {
            text.push_str(&format!("  after {line}\n"));
        }
        self.failures.push(format!("{text}{report}"));
    }

    pub fn failures(&self) -> usize {
        self.failures.len()
    }

    /// Fails the test if any failure was recorded.
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
