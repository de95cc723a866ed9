//! A failure at any one system call of a replacement: the table is the old or the new one, and the status and the
//! message say which.
//!
//! `strace` makes the calls fail. By default a sample of the places is tried; `IPVSADM_SWEEP=all` tries every place
//! with every error. `IPVSADM_SWEEP=CALL:ERROR:NUMBER` tries one place, as failures report it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ipvs_netlink::Ipvs;

use crate::programs::unpacked_program;
use crate::support::*;

const ERRORS: [&str; 4] = ["ENOBUFS", "EMSGSIZE", "EMFILE", "ENOMEM"];

/// The sample has the calls that carry messages and every such other one, with one of the errors each.
const SAMPLE_STEP: usize = 6;

/// Calls at which nothing can be made to fail: those that do not return to the program, and the clock, which on other
/// kernels is read without a system call.
const EXEMPT: [&str; 4] = ["execve", "exit_group", "rt_sigreturn", "clock_gettime"];

const OLD: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 2
-A -t 192.0.2.1:443 -s wlc
-a -t 192.0.2.1:443 -r 198.51.100.1:443 -m -w 1
-A -f 7 -s sh
";

const NEW: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 5
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1
-A -t 192.0.2.1:443 -s wrr
-a -t 192.0.2.1:443 -r 198.51.100.1:443 -m -w 1
-A -u 192.0.2.1:53 -s rr -o
";

const REFUSED: &str = "-a -u 192.0.2.1:53 -r 198.51.100.1:53 -m -x 1 -y 2\n";

/// A call of a run, and the error that it returns instead of being made.
struct Place {
    call: String,
    error: &'static str,
    /// The number of the call among those of the same name, counted from 1.
    number: usize,
}

impl Place {
    /// Returns the argument for `strace`, which is also the value of `IPVSADM_SWEEP`.
    fn name(&self) -> String {
        format!("{}:{}:{}", self.call, self.error, self.number)
    }
}

/// A replacement that is run again and again from the same table.
struct Sweep {
    /// Additional options.
    options: &'static [&'static str],
    director: Director,
    ipvs: Ipvs,
    rules: PathBuf,
    log: PathBuf,
    _folder: Folder,
}

impl Sweep {
    fn new(rules: &str) -> Self {
        Self::with_options(rules, &[])
    }

    fn with_options(rules: &str, options: &'static [&'static str]) -> Self {
        let folder = Folder::new();
        let director = Director::new();
        let ipvs = director.ipvs();
        let (rules_file, log) = (folder.0.join("rules"), folder.0.join("log"));
        let sweep = Self { options, director, ipvs, rules: rules_file, log, _folder: folder };
        fs::write(&sweep.rules, rules).unwrap();
        sweep
    }

    /// Runs the replacement under `strace` from the old table.
    fn run(&mut self, strace_options: &[&str]) -> Run {
        self.ipvs.flush().unwrap();
        assert_eq!(self.director.feed("-R", OLD).status, 0);
        let mut command = Command::new(unpacked_program("strace"));
        command.arg("-o").arg(&self.log).args(strace_options).args([PROGRAM, "-R", "--replace"]);
        command.args(self.options).arg(&self.rules);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // The standard library aborts if its own first calls fail.
        let status = output.status.code().unwrap_or(-1);
        Run { status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Returns the places of an undisturbed run: all of them with all errors, or the sample.
    fn places(&mut self) -> Vec<Place> {
        self.run(&[]);
        let log = fs::read_to_string(&self.log).unwrap();
        let mut calls: Vec<(String, usize)> = Vec::new();
        for call in log.lines().filter_map(|line| Some(line.split_once('(')?.0)) {
            if !EXEMPT.contains(&call)
                && call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                let number = 1 + calls.iter().filter(|(name, _)| name == call).count();
                calls.push((call.to_owned(), number));
            }
        }
        assert!(calls.len() > 60, "{log}");
        let wanted = env::var("IPVSADM_SWEEP").unwrap_or_default();
        let places = calls.into_iter().enumerate().flat_map(|(index, (call, number))| {
            let call = &call;
            let sampled = matches!(call.as_str(), "sendto" | "recvfrom") || index % SAMPLE_STEP == 0;
            let places: Vec<Place> = ERRORS
                .iter()
                .map(|&error| Place { call: call.clone(), error, number })
                .enumerate()
                .filter(|(error, place)| match wanted.as_str() {
                    "" => sampled && number % ERRORS.len() == *error,
                    "all" => true,
                    name => place.name() == name,
                })
                .map(|(_, place)| place)
                .collect();
            places
        });
        places.collect()
    }

    /// Lets each place fail, and hands the outcome and the table to `check`.
    fn each_place(&mut self, check: impl Fn(&Run, &str) -> Result<(), String>) {
        let places = self.places();
        let mut faults = String::new();
        for place in &places {
            let name = place.name();
            let inject = format!("inject={}:error={}:when={}", place.call, place.error, place.number);
            let outcome = self.run(&["-e", &inject]);
            let table = self.director.saved();
            if let Err(fault) = check(&outcome, &table) {
                faults += &format!("IPVSADM_SWEEP={name}: {fault}: {outcome:?}\n{table}");
            }
        }
        assert!(faults.is_empty(), "{faults}");
        println!("{} places", places.len());
    }
}

/// Checks a message that comes with a table which is not as the file says.
fn check_failure(outcome: &Run) -> Result<(), String> {
    match outcome.status {
        0 => Err("the status is 0, but the table is the old one".into()),
        _ if outcome.stderr.contains("not undone") => {
            Err("the message says that something was changed".into())
        }
        _ => Ok(()),
    }
}

#[test]
fn a_replacement_is_made_or_not_made_whichever_call_fails() {
    let mut sweep = Sweep::new(NEW);
    sweep.each_place(|outcome, table| match table {
        // A closing call may fail without harm, and so may the message about it.
        NEW if outcome.status == 0 && outcome.stderr.is_empty() => Ok(()),
        NEW => Err("the table is the new one, and the status or the message denies it".into()),
        OLD => check_failure(outcome),
        _ => Err("the table is neither the old nor the new one".into()),
    });
}

#[test]
fn a_draining_replacement_is_made_or_says_what_is_left_whichever_call_fails() {
    let mut sweep = Sweep::with_options(NEW, &["--drain-removed", "60"]);
    sweep.each_place(|outcome, table| match table {
        NEW if outcome.status == 0 => Ok(()),
        NEW => Err("the table is the new one, and the status denies it".into()),
        OLD => check_failure(outcome),
        _ if outcome.status != 0 && outcome.stderr.contains("still there, with weight 0") => Ok(()),
        _ => Err("the table is neither the old nor the new one, and the message does not say so".into()),
    });
}

#[test]
fn a_refused_replacement_changes_nothing_whichever_call_fails() {
    let mut sweep = Sweep::new(&format!("{NEW}{REFUSED}"));
    sweep.each_place(|outcome, table| match table {
        OLD => check_failure(outcome),
        _ => Err("the table is not the old one".into()),
    });
}

#[test]
fn small_socket_buffers_make_batches_smaller() {
    let director = Director::alone();
    let rules: String = (1..=250)
        .flat_map(|host| {
            let service = format!("-t 192.0.2.{host}:80");
            [format!("-A {service} -s rr\n"), format!("-a {service} -r 198.51.100.1:80 -m -w 1\n")]
        })
        .collect();
    for [send, receive] in [["16384", "212992"], ["4608", "212992"], ["4608", "2304"], ["212992", "2304"]] {
        let _send = Sysctl::set("core/wmem_default", send);
        let _receive = Sysctl::set("core/rmem_default", receive);
        for words in ["-R", "-R --replace"] {
            director.ok("-C");
            let run = director.feed(words, &rules);
            assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{words} with buffers {send}, {receive}");
            assert_eq!(director.saved(), rules, "{words} with buffers {send}, {receive}");
        }
        let run = director.feed("-R --replace", &format!("{OLD}-A -f 99 -s nosuch\n"));
        assert_eq!(run.status, 255);
        assert!(run.stderr.ends_with("ipvsadm: nothing was changed\n"), "{}", run.stderr);
        assert_eq!(director.saved(), rules, "buffers {send}, {receive}");
    }
}

#[test]
fn four_descriptors_are_enough() {
    let sweep = Sweep::new(&format!("{NEW}{REFUSED}"));
    let director = &sweep.director;
    assert_eq!(director.feed("-R", OLD).status, 0);
    let replace = |rules: &str| {
        fs::write(&sweep.rules, rules).unwrap();
        let script = r#"ulimit -n 4; exec "$1" -R --replace "$2""#;
        run(Command::new("sh").args(["-c", script, "sh", PROGRAM]).arg(&sweep.rules))
    };
    let refused = replace(&format!("{NEW}{REFUSED}"));
    assert_eq!(refused.status, 255);
    assert!(refused.stderr.ends_with("ipvsadm: nothing was changed\n"), "{}", refused.stderr);
    assert_eq!(director.saved(), OLD);
    let accepted = replace(NEW);
    assert_eq!((accepted.status, accepted.stderr.as_str()), (0, ""));
    assert_eq!(director.saved(), NEW);
    // From 100 services on, lists are read on a second socket, if there can be one.
    let many = |weight| -> String {
        let line = |host| {
            format!(
                "-A -t 192.0.2.{host}:80 -s rr\n-a -t 192.0.2.{host}:80 -r 198.51.100.1:80 -m -w {weight}\n"
            )
        };
        (1..=150).map(line).collect()
    };
    for rules in [many(1), many(2)] {
        let run = replace(&rules);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert_eq!(director.saved(), rules);
    }
    let refused = replace(&format!("{}-A -f 99 -s nosuch\n", many(3)));
    assert!(refused.stderr.ends_with("ipvsadm: nothing was changed\n"), "{}", refused.stderr);
    assert_eq!(director.saved(), many(2));
}
