//! Servers that are removed as long as they are down.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::tcp::{Connection, PATIENCE, count_answers};
use super::traffic::network;
use super::*;
use crate::json::validator::assert_valid;
use crate::programs::unpacked_program;

/// A tunnel has the most settings.
const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -i -w 100 --tun-type gue --tun-port 6080 --tun-csum -x 20 -y 10
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 40
";
const FIRST: &str = "-t 192.0.2.1:80 -r 198.51.100.1:80";

/// A director of servers for which a program answers.
struct Remote {
    director: Director,
    folder: Folder,
    notes: NotesFile,
}

impl Remote {
    fn new() -> Self {
        let director = Director::new();
        let run = director.feed("-R", RULES);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let folder = Folder::new();
        let program = folder.0.join("load");
        fs::write(&program, "#!/bin/sh\ncat \"${0%/*}/$2\" || echo up\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let remote = Self { director, folder, notes: NotesFile::new() };
        [1, 2].iter().for_each(|&host| remote.set(host, "up\n"));
        remote
    }

    fn set(&self, host: u8, line: &str) {
        let new = self.folder.0.join("new");
        fs::write(&new, line).unwrap();
        fs::rename(new, self.folder.0.join(format!("198.51.100.{host}:80"))).unwrap();
    }

    fn start(&self, options: &str) -> Following {
        let program = self.folder.0.join("load");
        Following::start(&format!("--exec {} --remove --fall 2 --smooth 0 {options}", program.display()))
    }

    /// Starts it, and waits until the first server is removed.
    fn remove(&self) -> Following {
        self.set(1, "down\n");
        let following = self.start("");
        let place = "198.51.100.1:80 of service TCP 192.0.2.1:80: removed, weight was 100 (";
        assert!(following.wait_for_number(place, " times: down)") >= 2);
        assert_eq!(weights(&self.director), [40]);
        following
    }

    fn wait_for_weights(&self, expected: &[u32]) {
        assert!(wait_until(|| weights(&self.director) == expected), "{expected:?}: {}", self.present());
    }

    fn present(&self) -> String {
        self.director.ok("-S -n --present-weights")
    }

    /// Waits for some intervals, after which nothing must have happened.
    fn pause(&self) {
        sleep(Duration::from_secs(1));
    }
}

#[test]
fn a_removed_server_comes_back_with_its_settings_after_every_end() {
    let remote = Remote::new();
    let saved = || remote.director.saved();
    let before = saved();
    let following = remote.remove();
    assert_eq!(saved(), before);
    assert!(!remote.present().contains("198.51.100.1"));
    following.end(Signal::SIGKILL);
    assert_eq!((weights(&remote.director), saved()), (vec![40], before.clone()));
    let doctor = remote.director.run("--doctor").stdout;
    assert!(doctor.contains("198.51.100.1:80: removed") && doctor.contains("ipvsadm -a -t"), "{doctor}");

    // Whatever has removed it, it stays away until it is well.
    let following = remote.start("");
    remote.pause();
    assert_eq!((weights(&remote.director), saved()), (vec![40], before.clone()));
    remote.set(1, "50%\n");
    following.wait_for("198.51.100.1:80 of service TCP 192.0.2.1:80: added again, weight 50 of 100 (50%)");
    assert_eq!(saved(), before);
    assert_eq!(remote.present(), before.replace("-w 100", "-w 50"));
    following.end(Signal::SIGKILL);
    assert_eq!(saved(), before);

    // The end brings it back, and so does a run that does not follow its service.
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let following = remote.start("");
        remote.set(1, "down\n");
        remote.wait_for_weights(&[40]);
        following.end(signal);
        if signal == Signal::SIGKILL {
            remote.start("-t 192.0.2.1:81").wait_for("198.51.100.1:80 of service TCP 192.0.2.1:80: added");
        }
        assert_eq!(remote.present(), before);
        assert!(!fs::exists(&remote.notes.0).unwrap());
        remote.set(1, "up\n");
    }
}

#[test]
fn a_removed_server_is_left_to_whoever_decides_about_it() {
    let remote = Remote::new();
    let director = &remote.director;
    let replace = |rules: &str| {
        let run = director.feed("-R --replace", rules);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    };
    let following = remote.remove();
    // The same file is no reason to add it.
    let dry = director.feed("-R --replace --dry-run", RULES);
    assert_eq!(dry.stdout, "# 1 service untouched, 1 server untouched\n");
    for words in ["", " --keep-weights", " --keep-others", " --drain-removed 5"] {
        assert_eq!(director.feed(&format!("-R --replace{words}"), RULES).status, 0);
        assert_eq!((weights(director), director.saved()), (vec![40], RULES.to_owned()), "{words}");
    }

    director.ok(&format!("-a {FIRST} -m -w 60"));
    following.wait_for("somebody else has added it again, with weight 60; it is not removed again before");
    remote.wait_for_weights(&[0, 40]);
    assert!(director.saved().contains(&format!("-a {FIRST} -m -w 60\n")), "{}", director.saved());
    remote.set(1, "up\n");
    remote.wait_for_weights(&[60, 40]);
    remote.set(1, "down\n");
    remote.wait_for_weights(&[40]);

    // Other settings in a file are the new ones.
    let other = RULES.replace("-w 100", "-w 70");
    replace(&other);
    remote.wait_for_weights(&[0, 40]);
    assert_eq!(director.saved(), other);
    remote.set(1, "up\n");
    remote.wait_for_weights(&[70, 40]);

    // Nobody removes the last one, even if it is the next that fails.
    remote.set(1, "down\n");
    remote.wait_for_weights(&[40]);
    remote.set(2, "down\n");
    following
        .wait_for("198.51.100.2:80 of service TCP 192.0.2.1:80: goes on serving, because it is the last");
    assert_eq!(weights(director), [40]);

    // A file without the server ends it, and so does whoever deletes the service.
    let without =
        RULES.lines().filter(|line| !line.contains("198.51.100.1")).collect::<Vec<_>>().join("\n") + "\n";
    replace(&without);
    assert_eq!(director.saved(), without);
    remote.set(1, "up\n");
    remote.pause();
    assert_eq!(weights(director), [40]);
    remote.set(2, "up\n");
    director.ok(&format!("-a {FIRST} -m -w 9"));
    remote.set(1, "down\n");
    remote.wait_for_weights(&[40]);
    director.ok("-D -t 192.0.2.1:80");
    assert!(wait_until(|| !fs::exists(&remote.notes.0).unwrap()));
    assert_eq!(director.feed("-R", &without).status, 0);
    remote.set(1, "up\n");
    remote.pause();
    let (status, lines) = following.end(Signal::SIGTERM);
    assert_eq!((status, director.saved()), (Some(0), without), "{lines:#?}");
}

#[test]
fn no_server_is_removed_without_its_note() {
    let remote = Remote::new();
    let following = remote.start("");
    let obstacles = remote.notes.obstruct(following.child.id());
    remote.set(1, "down\n");
    following.wait_for("cannot note the configured weights, so the present ones stay: ");
    remote.pause();
    assert_eq!(remote.director.saved(), RULES);
    assert_eq!(weights(&remote.director), [100, 40]);
    obstacles.iter().for_each(|obstacle| fs::remove_file(obstacle).unwrap());
    remote.wait_for_weights(&[40]);
}

#[test]
fn clients_of_a_removed_server_wait_and_every_listing_shows_it() {
    let (network, answers, _running, address) = network("wrr");
    let _notes = NotesFile::new();
    let director = &network.director;
    let before = director.saved();
    let mut held: Vec<Connection> =
        (0..4).map(|_| Connection::open(&network.client, &address).unwrap()).collect();
    let following = Following::start("--remove --fall 2");
    answers.set("10.0.0.12", "down # disk\n");
    let place = "10.0.0.12:80 of service TCP 192.0.2.1:80: removed, weight was 100 (";
    let times = following.wait_for_number(place, " times: down # disk)");
    assert!(times >= 2);
    assert_eq!(count_answers(&network.client, &address, 10).get("server2"), None);
    assert_eq!(director.saved(), before);
    // The kernel drops the packets of its connections without a word.
    let lost = held.iter_mut().find(|connection| connection.server == "server2").unwrap();
    lost.send_line("anybody there?").unwrap();
    assert!(lost.receive_line(Duration::from_secs(1)).is_err());

    for words in ["-L -n --table", "-L -n --table --watch=1 --times 1"] {
        let table = director.ok(words);
        let state = format!("10.0.0.12:80    removed, load {times} times: down # disk  ");
        assert!(table.contains(&state), "{table}");
        assert!(table.contains("0 of 100"), "{table}");
    }
    assert!(!director.ok("-L -n").contains("10.0.0.12"));
    let metrics = director.ok("-L --metrics");
    let labels = "{protocol=\"TCP\",service=\"192.0.2.1:80\",server=\"10.0.0.12:80\"}";
    for line in
        [format!("ipvs_server_weight{labels} 0"), format!("ipvs_server_configured_weight{labels} 100")]
    {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
    let document = director.ok("-L --json");
    assert_valid(std::slice::from_ref(&document));
    let parsed: serde_json::Value = serde_json::from_str(&document).unwrap();
    let service = &parsed["ipvs"]["services"][0];
    assert_eq!(service["destinations"].as_array().unwrap().len(), 1);
    let removed = &service["removed_destinations"][0];
    assert_eq!((&removed["address"], &removed["weight"]), (&"10.0.0.12".into(), &100.into()));

    answers.set("10.0.0.12", "up 100%\n");
    following.wait_for("10.0.0.12:80 of service TCP 192.0.2.1:80: added again, weight 100 (up 100%)");
    assert_eq!(count_answers(&network.client, &address, 10).get("server2"), Some(&5));
    // What was sent again meanwhile arrives, and the connection goes on.
    let lost = held.iter_mut().find(|connection| connection.server == "server2").unwrap();
    assert_eq!(lost.receive_line(PATIENCE).unwrap(), "anybody there?");
    let (status, _) = following.end(Signal::SIGTERM);
    assert_eq!((status, director.saved()), (Some(0), before));
}

#[test]
fn no_kill_loses_a_removed_server() {
    let remote = Remote::new();
    let program = remote.folder.0.join("load").display().to_string();
    let lock = remote.notes.0.replace("notes-", "follow-load-").replace(".json", ".lock");
    let mut removed = 0;
    // On a slow machine more rounds, and so more messages, come before the removal.
    for number in (6..).step_by(4) {
        remote.set(1, "down\n");
        let mut command = Command::new(unpacked_program("strace"));
        command.args(["-o", "/dev/null", "-e", &format!("inject=sendto:signal=KILL:when={number}")]);
        command.arg(PROGRAM).args(words(&format!("--exec {program} --remove --fall 1")));
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        // It is killed, or the place is behind what there is to do.
        let deadline = Instant::now() + Duration::from_secs(180);
        while child.try_wait().unwrap().is_none() && weights(&remote.director) != [40] {
            assert!(Instant::now() < deadline, "{number}");
            sleep(Duration::from_millis(20));
        }
        sleep(Duration::from_millis(200));
        // strace lets go of a program that goes on.
        let _ = child.kill();
        let _ = child.wait();
        remote.director.system(&format!("fuser -s -k {lock} || true"));
        removed += usize::from(weights(&remote.director) == [40]);
        assert_eq!(remote.director.saved(), RULES, "{number}");
        remote.set(1, "up\n");
        let (status, lines) = remote.start("").end(Signal::SIGTERM);
        assert_eq!((status, remote.present()), (Some(0), RULES.to_owned()), "{number}: {lines:#?}");
        if number >= 18 && removed > 0 {
            break;
        }
        assert!(number < 200, "never killed after the removal");
    }
}
