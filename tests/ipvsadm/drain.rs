//! `--drain` and `--undrain`: the weights, and the notes of those from before. The traffic is tested with clusters.

mod notes;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::programs::unpacked_program;
use crate::support::*;
use crate::writers::slowed;

const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 300
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5 -x 20 -y 10
-a -t 192.0.2.1:80 -r 198.51.100.2:8080 -m -w 1
-A -u 192.0.2.1:53 -s rr -o
-a -u 192.0.2.1:53 -r 198.51.100.1:53 -i -w 7 --tun-type gue --tun-port 6080 --tun-csum
-a -u 192.0.2.1:53 -r 198.51.100.4:53 -g -w 2
-A -f 7 -s wlc
-a -f 7 -r 198.51.100.1:0 -g -w 3
-a -f 7 -r 198.51.100.2:0 -g -w 2
";

/// The file with the notes of a namespace, which is removed with its folder's other content untouched.
pub struct NotesFile(pub String);

impl NotesFile {
    /// Names the file of the thread's namespace. A namespace of an earlier test may have had the same number.
    pub fn new() -> Self {
        let number = fs::metadata("/proc/thread-self/ns/net").unwrap().ino();
        let file = Self(format!("/run/ipvsadm/notes-{number}.json"));
        let _ = fs::remove_file(&file.0);
        file
    }

    /// Puts files in the places of all those in which a process would write new notes.
    pub fn obstruct(&self, process: u32) -> Vec<String> {
        let (folder, name) = self.0.rsplit_once('/').unwrap();
        let places = (0..10).map(|number| format!("{folder}/.{name}.{process}-{number}"));
        places.inspect(|place| fs::write(place, "").unwrap()).collect()
    }

    fn exists(&self) -> bool {
        fs::exists(&self.0).unwrap()
    }
}

impl Drop for NotesFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn director() -> (Director, NotesFile) {
    let director = Director::new();
    assert_eq!(director.feed("-R", RULES).status, 0);
    (director, NotesFile::new())
}

/// Returns the rules with these weights of the first server.
fn rules(tcp: u32, udp: u32, mark: u32) -> String {
    RULES
        .replace("-w 5 ", &format!("-w {tcp} "))
        .replace("-w 7 ", &format!("-w {udp} "))
        .replace("-w 3\n", &format!("-w {mark}\n"))
}

const NAMES: [&str; 3] = [
    "server 198.51.100.1:8080 of service TCP 192.0.2.1:80",
    "server 198.51.100.1:53 of service UDP 192.0.2.1:53",
    "server 198.51.100.1:0 of service FWM 7",
];

#[test]
fn a_server_is_drained_in_all_services_and_gets_its_weights_back() {
    let (director, notes) = director();
    let [web, dns, mark] = NAMES;
    assert_eq!(
        director.ok("--drain -r 198.51.100.1 --reason disk"),
        format!("{web}: weight 0, was 5\n{dns}: weight 0, was 7\n{mark}: weight 0, was 3\n")
    );
    assert_eq!(director.saved(), rules(0, 0, 0));
    assert_eq!(fs::metadata(&notes.0).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata("/run/ipvsadm").unwrap().permissions().mode() & 0o777, 0o700);

    let listed = director.ok("-L --drained");
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(lines[0].starts_with(&format!("{web}: weight 5 before, drained 2")), "{listed}");
    assert!(lines[2].ends_with("Z (disk)"), "{listed}");

    assert_eq!(
        director.ok("--undrain -r 198.51.100.1"),
        format!("{web}: weight 5\n{dns}: weight 7\n{mark}: weight 3\n")
    );
    assert_eq!(director.saved(), RULES);
    assert!(!notes.exists());
    assert_eq!(director.ok("-L --drained"), "");
}

#[test]
fn one_service_or_one_port_is_enough() {
    let (director, _notes) = director();
    director.ok("--drain -r 198.51.100.1 -u 192.0.2.1:53");
    assert_eq!(director.saved(), rules(5, 0, 3));
    director.ok("--drain -r 198.51.100.1:8080");
    assert_eq!(director.saved(), rules(0, 0, 3));
    director.ok("--undrain -r 198.51.100.1 -t 192.0.2.1:80");
    assert_eq!(director.saved(), rules(5, 0, 3));
    director.ok("--drain -r 198.51.100.1 -t 192.0.2.1:80 -f 7");
    assert_eq!(director.saved(), rules(0, 0, 0));
    director.ok("--undrain -r 198.51.100.1 -f 7 -t 192.0.2.1:80");
    assert_eq!(director.saved(), rules(5, 0, 3));
    director.refuses(
        "--drain -r 198.51.100.2 -t 192.0.2.1:80 -u 192.0.2.1:53",
        255,
        "service UDP 192.0.2.1:53 has no server 198.51.100.2",
    );
    for verb in ["--drain", "--undrain"] {
        let others = "198.51.100.1:0, 198.51.100.1:53, 198.51.100.1:8080";
        let sentence = format!("no service has the server 198.51.100.1:80, but {others}");
        director.refuses(&format!("{verb} -r 198.51.100.1:80"), 255, &sentence);
        director.refuses(
            &format!("{verb} -r 198.51.100.2:80 -t 192.0.2.1:80"),
            255,
            "service TCP 192.0.2.1:80 has no server 198.51.100.2:80, but 198.51.100.2:8080",
        );
    }
    let run = director.feed("-R", "--drain -r 198.51.100.1\n");
    assert!(run.stderr.starts_with("<stdin>:1: --drain cannot stand in input for -R\n"), "{run:?}");
}

#[test]
fn draining_twice_keeps_the_weight_from_before() {
    let (director, _notes) = director();
    let web = NAMES[0];
    director.ok("--drain -r 198.51.100.1:8080");
    assert_eq!(
        director.ok("--drain -r 198.51.100.1:8080 --reason again"),
        format!("{web}: drained already, weight 5 before\n")
    );
    assert!(director.ok("-L --drained").ends_with("(again)\n"));
    director.ok("--undrain -r 198.51.100.1");
    assert_eq!(director.saved(), RULES);

    // Of a weight that was 0 before there is nothing to note.
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 0");
    assert_eq!(
        director.ok("--drain -r 198.51.100.1:8080"),
        format!("{web}: weight 0 already, and no note of another: --undrain will need -w WEIGHT\n")
    );
    assert_eq!(director.ok("-L --drained"), "");
}

#[test]
fn services_without_another_server_are_named() {
    let (director, _notes) = director();
    let last = |service: &str| {
        format!("ipvsadm: service {service}: no server is left for new clients, who are refused\n")
    };
    director.ok("--drain -r 198.51.100.1");
    let run = director.run("--drain -r 198.51.100.2");
    assert_eq!((run.status, run.stderr), (0, last("TCP 192.0.2.1:80") + &last("FWM 7")));
    // Also if it was drained already.
    let run = director.run("--drain -r 198.51.100.1 -t 192.0.2.1:80");
    assert_eq!((run.status, run.stderr), (0, last("TCP 192.0.2.1:80")));
    director.ok("--undrain -r 198.51.100.2");
    director.ok("--drain -r 198.51.100.1 -t 192.0.2.1:80");
}

#[test]
fn a_lost_note_is_replaced_by_a_weight() {
    let (director, notes) = director();
    director.ok("--drain -r 198.51.100.1");
    fs::remove_file(&notes.0).unwrap();
    let run = director.run("--undrain -r 198.51.100.1");
    let missing = "there is no note of its weight before: name it with -w WEIGHT";
    let lines = NAMES.map(|name| format!("ipvsadm: {name}: {missing}\n")).concat();
    assert_eq!((run.status, run.stderr), (1, format!("{lines}ipvsadm: nothing was changed\n")));
    assert_eq!(director.saved(), rules(0, 0, 0));
    director.ok("--undrain -r 198.51.100.1 -w 4");
    assert_eq!(director.saved(), rules(4, 4, 4));
}

#[test]
fn drains_at_the_same_time_keep_each_others_notes() {
    let (director, _notes) = director();
    let addresses: Vec<String> = (1..=8).map(|host| format!("203.0.113.{host}")).collect();
    let mut lines = String::from("-A -t 192.0.2.2:80 -s rr\n");
    for (weight, address) in (1..).zip(&addresses) {
        lines += &format!("-a -t 192.0.2.2:80 -r {address}:80 -m -w {weight}\n");
    }
    assert_eq!(director.feed("-R", &lines).status, 0);
    let before = director.saved();
    for verb in ["--drain", "--undrain"] {
        let children =
            addresses.iter().map(|address| Command::new(PROGRAM).args([verb, "-r", address]).spawn());
        for child in children.collect::<Vec<_>>() {
            assert!(child.unwrap().wait().unwrap().success());
        }
        if verb == "--drain" {
            assert_eq!(director.ok("-L --drained").lines().count(), addresses.len());
        }
    }
    assert_eq!(director.saved(), before);

    // The same server, twice at once: one of them finds it drained.
    let children = [0, 1].map(|_| Command::new(PROGRAM).args(["--drain", "-r", "203.0.113.7"]).spawn());
    assert!(children.into_iter().all(|child| child.unwrap().wait().unwrap().success()));
    director.ok("--undrain -r 203.0.113.7");
    assert_eq!(director.saved(), before);
}

#[test]
fn a_server_that_another_program_deletes_meanwhile_is_named() {
    let (director, _notes) = director();
    let service = service_on(ipvs_netlink::Protocol::UDP, "192.0.2.1", 53);
    // The one that was added last comes first.
    let settings = director.ipvs().destinations(service).unwrap()[1].settings;
    let [_, dns, _] = NAMES;
    // The writer deletes the server as soon as there is a note of it, which is before the weights change.
    let path = NotesFile::new();
    let mut refusals = 0;
    for _ in 0..20 {
        let outcome = thread::scope(|scope| {
            let mut other = director.ipvs();
            let path = &path;
            scope.spawn(move || {
                let deadline = Instant::now() + Duration::from_secs(60);
                while !path.exists() && Instant::now() < deadline {
                    thread::yield_now();
                }
                // It may have been drained already.
                let _ = other.delete_destination(service, settings.id);
            });
            run(&mut slowed("--drain -r 198.51.100.1"))
        });
        if outcome.status != 0 {
            refusals += 1;
            assert_eq!((outcome.status, outcome.stdout.lines().count()), (1, 2), "{outcome:?}");
            let [first, second] = outcome.stderr.lines().collect::<Vec<_>>()[..] else {
                panic!("{outcome:?}")
            };
            assert!(first.contains("198.51.100.1:53") && first.contains("UDP 192.0.2.1:53"), "{outcome:?}");
            assert_eq!(second, "ipvsadm: the others were drained");
            let listed = director.ok("-L --drained");
            assert!(listed.lines().count() == 2 && !listed.contains(dns), "{listed}");
        }
        director.run("--undrain -r 198.51.100.1");
        let mut ipvs = director.ipvs();
        let _ = ipvs.add_destination(service, settings);
        assert_eq!(director.saved(), RULES);
    }
    assert!(refusals > 0, "the other program was never in time");
}

#[test]
fn a_new_table_ends_drains_or_keeps_weights() {
    let (director, notes) = director();
    let [web, dns, mark] = NAMES;
    director.ok("--drain -r 198.51.100.1 --reason disk");
    let run = director.feed("-R --replace --keep-weights", RULES);
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    assert_eq!(director.saved(), rules(0, 0, 0));
    assert_eq!(director.ok("-L --drained").lines().count(), 3);

    // Other settings change, and new servers have the weight of the file.
    let new = RULES.replace("-x 20 -y 10", "-x 30") + "-a -f 7 -r 198.51.100.3:0 -g -w 8\n";
    let plan = director.feed("-R --replace --keep-weights --dry-run", &new).stdout;
    assert!(plan.starts_with("ipvsadm -e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 0 -x 30\n"), "{plan}");
    assert_eq!(director.feed("-R --replace --keep-weights", &new).status, 0);
    let expected = rules(0, 0, 0).replace("-x 20 -y 10", "-x 30") + "-a -f 7 -r 198.51.100.3:0 -g -w 8\n";
    assert_eq!(director.saved(), expected);

    // The file says 0 for one of them, and the mark is gone: only one drain lives on.
    let file = rules(0, 7, 3);
    let (file, _) = file.split_once("-A -f").unwrap();
    let plan = director.feed("-R --replace --dry-run", file).stdout;
    let comments: Vec<&str> =
        plan.lines().filter(|line| line.ends_with(" is not drained any more")).collect();
    assert_eq!(comments, [dns, mark].map(|server| format!("# {server} is not drained any more")));
    assert_eq!(director.ok("-L --drained").lines().count(), 3);
    let run = director.feed("-R --replace", file);
    assert_eq!(
        (run.status, run.stderr),
        (
            0,
            format!(
                "ipvsadm: {dns} is not drained any more (disk): its weight is 7\n\
                 ipvsadm: {mark} is not drained any more (disk): it is gone\n"
            )
        )
    );
    let listed = director.ok("-L --drained");
    assert!(listed.starts_with(web) && listed.lines().count() == 1, "{listed}");
    let run = director.feed("-R --replace", RULES);
    assert_eq!(run.stderr, format!("ipvsadm: {web} is not drained any more (disk): its weight is 5\n"));
    assert!(!notes.exists());
    assert_eq!(director.saved(), RULES);
    director.refuses("-R --keep-weights /dev/null", 2, "--keep-weights needs --replace");
}

/// Runs the program under `strace` with these options.
fn traced(options: &[&str], words: &str) {
    let mut command = Command::new(unpacked_program("strace"));
    command.args(options).arg(PROGRAM).args(words.split(' '));
    let output = command.output().unwrap();
    // One that is killed has nothing to say.
    assert!(output.status.code().is_none_or(|status| status == 0), "{words}: {output:?}");
}

#[test]
fn nothing_is_lost_whenever_the_program_is_killed() {
    let (director, notes) = director();
    let folder = Folder::new();
    let log = folder.0.join("log");
    let mut places = 0;
    for (words, is_drained) in [("--drain -r 198.51.100.1", false), ("--undrain -r 198.51.100.1", true)] {
        let prepare = || {
            if is_drained {
                director.ok("--drain -r 198.51.100.1");
            }
        };
        prepare();
        traced(&["-o", log.to_str().unwrap()], words);
        director.run("--undrain -r 198.51.100.1");
        let mut calls: Vec<(String, usize)> = Vec::new();
        for line in fs::read_to_string(&log).unwrap().lines() {
            let Some((call, _)) = line.split_once('(') else { continue };
            let changes =
                ["sendto", "recvfrom", "write", "openat", "rename", "sync", "unlink", "mkdir", "flock"];
            if changes.iter().any(|name| call.contains(name)) {
                let number = 1 + calls.iter().filter(|(name, _)| name == call).count();
                calls.push((call.to_owned(), number));
            }
        }
        for (call, number) in &calls {
            prepare();
            let inject = format!("inject={call}:signal=KILL:when={number}");
            traced(&["-o", "/dev/null", "-e", &inject], words);
            let left = director.saved();
            let run = director.run("--undrain -r 198.51.100.1");
            assert_eq!(run.status, 0, "{words}, {call} {number}: {run:?}\n{left}");
            assert_eq!(director.saved(), RULES, "{words}, {call} {number}");
            assert!(!notes.exists(), "{words}, {call} {number}");
        }
        places += calls.len();
    }
    assert!(places > 20, "only {places} places");
}
