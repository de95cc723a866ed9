//! Weights, those who change them, and what is left at the end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::programs::unpacked_program;

const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 127.0.0.11:80 -m -w 100 -x 20 -y 10
-a -t 192.0.2.1:80 -r 127.0.0.12:80 -m -w 40
-A -f 7 -s rr
-a -f 7 -r 127.0.0.11:0 -g -w 7
";

fn local() -> Local {
    let local = Local::new(RULES);
    for address in ["127.0.0.11", "127.0.0.12"] {
        local.answers.set(address, "100%\n");
    }
    local
}

#[test]
fn silence_means_what_the_option_says() {
    for (what, silent) in [("keep", [50, 40, 4]), ("full", [100, 40, 7]), ("drain", [100, 0, 7])] {
        let mut local = local();
        local.answers.set("127.0.0.11", "50%\n");
        let following = Following::start(&format!("--on-silence {what} --fall 2 --smooth 0"));
        local.wait_for_weights(&[50, 40, 4]);
        local.agents = None;
        following.wait_for("127.0.0.12:80 of service TCP 192.0.2.1:80: no answer 2 times: ");
        // All are silent, so with "drain" one server of each service goes on.
        let expected = if what == "drain" { [50, 0, 4] } else { silent };
        local.wait_for_weights(&expected);
        local.agents = Some(local.answers.serve(&Machine::current("director")));
        following.wait_for("answers again");
        local.wait_for_weights(&[50, 40, 4]);
    }
}

#[test]
fn down_and_back_take_several_answers_and_the_last_one_stays() {
    let local = local();
    let following = Following::start("--fall 3 --rise 2");
    local.answers.set("127.0.0.11", "down # disk\n");
    // The mark has no other server.
    local.wait_for_weights(&[0, 40, 7]);
    for place in
        ["weight 0 of 100, was 100 (", "FWM 7: goes on serving, because it is the last one of its service ("]
    {
        assert!(following.wait_for_number(place, " times: down # disk)") >= 3);
    }
    local.answers.set("127.0.0.12", "stopped\n");
    following.wait_for("127.0.0.12:80 of service TCP 192.0.2.1:80: goes on serving");
    local.answers.set("127.0.0.11", "up\n");
    local.wait_for_weights(&[100, 0, 7]);
    local.answers.set("127.0.0.12", "up 50%\n");
    local.wait_for_weights(&[100, 20, 7]);
    drop(following);
    let _following = Following::start("--fall 1 --keep-last no");
    local.answers.set("127.0.0.11", "fail\n");
    local.answers.set("127.0.0.12", "maint\n");
    local.wait_for_weights(&[0, 0, 0]);
}

#[test]
fn configured_weights_survive_every_end() {
    let local = local();
    for line in ["30%\n", "drain\n"] {
        local.answers.set("127.0.0.11", line);
        let expected = if line == "drain\n" { [0, 40, 7] } else { [30, 40, 2] };
        for options in ["", "-t 192.0.2.1:80"] {
            // Killed while everything is followed, and then while a part of it is: the rest is put back by the next one.
            let following = Following::start(options);
            let mark = if options.is_empty() { expected[2] } else { 7 };
            local.wait_for_weights(&[expected[0], expected[1], mark]);
            let notes = fs::read_to_string(&local.notes.0).unwrap();
            assert!(notes.contains(r#""server":"127.0.0.11:80","weight":100"#), "{notes}");
            following.end(Signal::SIGKILL);
            assert_eq!(local.weights(), [expected[0], expected[1], mark]);
        }
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            let following = Following::start("");
            local.wait_for_weights(&expected);
            let (status, lines) = following.end(signal);
            assert_eq!(status, Some(0), "{lines:#?}");
            assert_eq!((local.weights(), local.director.saved()), (vec![100, 40, 7], RULES.into()));
            assert!(!fs::exists(&local.notes.0).unwrap());
        }
    }
}

#[test]
fn weights_that_somebody_else_sets_are_respected() {
    let local = local();
    let director = &local.director;
    local.answers.set("127.0.0.11", "50%\n");
    let following = Following::start("--smooth 0");
    local.wait_for_weights(&[50, 40, 4]);
    director.ok("-e -t 192.0.2.1:80 -r 127.0.0.11:80 --keep -w 60 -x 30");
    local.wait_for_weights(&[30, 40, 4]);
    following.wait_for("somebody else has set weight 60, was 50");
    // Settings other than the weight are never touched.
    assert!(director.saved().contains("-w 60 -x 30 -y 10\n"), "{}", director.saved());

    // Drains by hand, of a server that serves and of one that has the weight 0 already.
    director.ok("--drain -r 127.0.0.12");
    following.wait_for(
        "127.0.0.12:80 of service TCP 192.0.2.1:80: somebody else has drained it; it is left alone",
    );
    local.answers.set("127.0.0.12", "25%\n");
    director.ok("--undrain -r 127.0.0.12");
    local.wait_for_weights(&[30, 10, 4]);
    local.answers.set("127.0.0.11", "drain\n");
    local.wait_for_weights(&[0, 10, 4]);
    director.ok("--drain -r 127.0.0.11 -t 192.0.2.1:80");
    local.answers.set("127.0.0.11", "100%\n");
    local.wait_for_weights(&[0, 10, 7]);

    // Servers and services come and go.
    director.ok("-d -t 192.0.2.1:80 -r 127.0.0.12:80");
    director.ok("-D -f 7");
    director.ok("-A -u 192.0.2.1:53");
    director.ok("-a -u 192.0.2.1:53 -r 127.0.0.12:53 -m -w 80");
    local.wait_for_weights(&[0, 20]);
    let notes = fs::read_to_string(&local.notes.0).unwrap();
    assert!(!notes.contains("FWM") && !notes.contains("127.0.0.12:80"), "{notes}");

    // A fight.
    for _ in 0..3 {
        director.ok("-e -u 192.0.2.1:53 -r 127.0.0.12:53 --keep -w 80");
        local.wait_for_weights(&[0, 20]);
    }
    following.wait_for("somebody else changes the weight again and again; no known program");
}

#[test]
fn what_was_wanted_of_weights_of_the_moment_is_respected_at_the_end() {
    let local = local();
    let director = &local.director;
    local.answers.set("127.0.0.11", "50%\n");
    local.answers.set("127.0.0.12", "drain\n");
    let following = Following::start("--smooth 0");
    local.wait_for_weights(&[50, 0, 4]);
    // Nothing that happens to these weights shows that somebody wants them.
    director.ok("--drain -r 127.0.0.12");
    let rules = RULES.replace("-w 100", "-w 50").replace("-w 40", "-w 0");
    assert_eq!(director.feed("-R --replace", &rules).status, 0);
    following.end(Signal::SIGTERM);
    assert_eq!(local.weights(), [50, 0, 7]);
}

#[test]
fn no_weight_changes_without_its_note() {
    let local = local();
    local.answers.set("127.0.0.11", "50%\n");
    let following = Following::start("--smooth 0");
    local.wait_for_weights(&[50, 40, 4]);
    let obstacles = local.notes.obstruct(following.child.id());
    local.answers.set("127.0.0.11", "20%\n");
    following.wait_for("cannot note the configured weights, so the present ones stay: ");
    assert_eq!(local.weights(), [50, 40, 4]);
    obstacles.iter().for_each(|obstacle| fs::remove_file(obstacle).unwrap());
    local.wait_for_weights(&[20, 40, 1]);
    // Notes that others have spoilt are no reason to leave weights behind.
    fs::write(&local.notes.0, "spoilt").unwrap();
    let (status, lines) = following.end(Signal::SIGTERM);
    assert_ne!(status, Some(0), "{lines:#?}");
    assert_eq!(local.weights(), [100, 40, 7], "{lines:#?}");
}

#[test]
fn a_drain_that_was_ended_does_not_count_for_an_agent() {
    let local = local();
    let director = &local.director;
    director.ok("--drain -r 127.0.0.12");
    // The note of the drain stays.
    director.ok("-e -t 192.0.2.1:80 -r 127.0.0.12:80 --keep -w 40");
    local.answers.set("127.0.0.12", "drain\n");
    let _following = Following::start("--smooth 0");
    local.wait_for_weights(&[100, 0, 7]);
    local.answers.set("127.0.0.12", "ready 50%\n");
    local.wait_for_weights(&[100, 20, 7]);
}

#[test]
fn a_program_can_be_asked_instead() {
    let local = local();
    let folder = Folder::new();
    let program = folder.0.join("load");
    fs::write(
        &program,
        "#!/bin/sh\necho \"$#:$1:$2:$NOTIFY_SOCKET\" >>\"$0.log\"\ncase $2 in *.11:80) echo 20% ;; *.11:0) exit 3 ;; *) echo \"maint  # $1\" ;; esac\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    // On a machine that stands still a program may need some of the ten seconds that it has then.
    let following =
        Following::start(&format!("--exec {} --smooth 0 --fall 1 --interval 10", program.display()));
    local.wait_for_weights(&[20, 0, 7]);
    following.wait_for("(maint  # TCP 192.0.2.1:80)");
    following.wait_for("no answer 1 times: the program failed (exit status: 3); the weight stays");
    let log = fs::read_to_string(folder.0.join("load.log")).unwrap();
    assert!(log.contains("2:TCP 192.0.2.1:80:127.0.0.11:80:\n"), "{log}");
    assert!(log.contains("2:FWM 7:127.0.0.11:0:\n"), "{log}");
    drop(following);
    let following = Following::start("--exec /nonexistent/load");
    following.wait_for("cannot run /nonexistent/load: No such file or directory");
    local.wait_for_weights(&[20, 0, 7]);
}

#[test]
fn programs_get_objects_and_ipv6_is_no_different() {
    let local = local();
    let rules = "-A -t [2001:db8::1]:80 -s wrr\n-a -t [2001:db8::1]:80 -r [2001:db8::11]:80 -m -w 10\n\
                 -a -t [2001:db8::1]:80 -r [::1]:80 -m -w 10\n";
    assert_eq!(local.director.feed("-R", rules).status, 0);
    local.answers.set("2001:db8::11", "20% # \u{202e}\u{1b}[2J\n");
    local.answers.set("::1", "100%\n");
    local.answers.set("127.0.0.11", "9% # \u{1b}[2J\n");
    let following = Following::start("--json -t [2001:db8::1]:80 --smooth 0 --min 3");
    following.wait_for("\"event\":\"weight\"");
    let lines = following.lines();
    let object: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
    assert!(lines[1].is_ascii(), "{}", lines[1]);
    assert!(object["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(object["service"], "TCP [2001:db8::1]:80");
    assert_eq!(object["server"], "[2001:db8::11]:80");
    assert_eq!((&object["from"], &object["to"], &object["configured"]), (&10.into(), &3.into(), &10.into()));
    assert_eq!(object["reason"], "20% # \u{202e}\u{1b}[2J");
    local.wait_for_weights(&[100, 40, 10, 3, 7]);
    local.director.refuses(
        "--follow-load --agent 1",
        255,
        "another ipvsadm --follow-load runs in this network namespace: end it first; one can follow several services",
    );
    let (_, lines) = following.end(Signal::SIGTERM);
    assert!(lines.last().unwrap().contains(r#""event":"end","reason":"ended by SIGTERM"#), "{lines:#?}");

    // People get harmless text.
    let following = Following::start("-t 192.0.2.1:80 --smooth 0");
    following.wait_for("weight 9 of 100, was 100 (9% # \\u{1b}[2J)");
}

#[test]
fn whoever_reads_no_more_ends_it_and_systemd_is_told() {
    let local = local();
    local.answers.set("127.0.0.11", "50%\n");
    // The socket is there before the program, which cannot be said with its standard output alone.
    let folder = Folder::new();
    let socket = std::os::unix::net::UnixDatagram::bind(folder.0.join("notify")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(words("--smooth 0")).env("NOTIFY_SOCKET", folder.0.join("notify"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "following the load: services 2, servers 3\n");
    local.wait_for_weights(&[50, 40, 4]);
    drop(stdout);
    local.answers.set("127.0.0.11", "70%\n");
    assert_eq!(child.wait().unwrap().code(), Some(128 + 13));
    assert_eq!(local.weights(), [100, 40, 7]);
    let receive = || {
        let mut bytes = [0; 200];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(
        [receive(), receive(), receive()],
        ["READY=1", "STATUS=following the load: services 2, servers 3", "STOPPING=1"]
    );
}

#[test]
fn nothing_is_lost_whenever_it_is_killed() {
    let local = local();
    let (mut kills, mut states) = (0, std::collections::BTreeSet::new());
    // The messages to the kernel and the changes of files, of two changes of weights and some before.
    let places = (1..=3)
        .map(|number| ("renameat", number))
        .chain((7..=22).step_by(3).map(|number| ("sendto", number)));
    for (call, number) in places {
        local.answers.set("127.0.0.11", "25%\n");
        let mut command = Command::new(unpacked_program("strace"));
        command.args(["-o", "/dev/null", "-e", &format!("inject={call}:signal=KILL:when={number}")]);
        let mut child = command.arg(PROGRAM).args(words("")).stdout(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(180);
        // It is killed, or the place is behind what there is to do.
        while child.try_wait().unwrap().is_none() && local.weights()[0] != 25 {
            assert!(Instant::now() < deadline, "{call} {number}");
            sleep(Duration::from_millis(20));
        }
        sleep(Duration::from_millis(200));
        kills += usize::from(child.try_wait().unwrap().is_some());
        // strace lets go of a program that goes on.
        let _ = child.kill();
        let _ = child.wait();
        let lock = local.notes.0.replace("notes-", "follow-load-").replace(".json", ".lock");
        local.director.system(&format!("fuser -s -k {lock} || true"));
        states.insert(local.weights()[0]);
        // The next one takes the configured weight up and puts it back.
        local.answers.set("127.0.0.11", "100%\n");
        let (status, lines) = Following::start("").end(Signal::SIGTERM);
        assert_eq!(status, Some(0), "{lines:#?}");
        assert_eq!(local.weights(), [100, 40, 7], "{call} {number}: {lines:#?}");
    }
    assert!(kills > 4 && states.len() > 1, "{kills} kills, {states:?}");
}
