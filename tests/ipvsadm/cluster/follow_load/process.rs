//! The program as a process: its output, its signals, and the programs that it starts.

use std::fs::{self, File};
use std::io::{Read, Write as _, pipe};
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::Duration;

use super::*;

const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 127.0.0.11:80 -m -w 100
-a -t 192.0.2.1:80 -r 127.0.0.12:80 -m -w 40
";

fn local() -> Local {
    let local = Local::new(RULES);
    ["127.0.0.11", "127.0.0.12"].iter().for_each(|address| local.answers.set(address, "100%\n"));
    local
}

/// Returns whether a process runs. One that nobody has waited for does not.
fn is_running(id: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn a_pipe_that_nobody_reads_stops_nothing() {
    let local = local();
    local.answers.set("127.0.0.11", "50%\n");
    let (mut reader, mut writer) = pipe().unwrap();
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    writer.write_all(&[b'\n'; 4096]).unwrap();
    let start = |stdout| {
        let mut command = Command::new(PROGRAM);
        command.args(words("--smooth 0")).stdin(Stdio::null()).stdout(stdout).spawn().unwrap()
    };
    let mut child = start(Stdio::from(writer.try_clone().unwrap()));
    local.wait_for_weights(&[50, 40]);
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(local.weights(), [100, 40]);

    let following = Following { child: start(Stdio::from(writer)), lines: Arc::default() };
    local.wait_for_weights(&[50, 40]);
    local.answers.set("127.0.0.11", "20%\n");
    local.wait_for_weights(&[20, 40]);
    reader.read_exact(&mut [0; 4096]).unwrap();
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    // The start and two weights. There may be more if something took long.
    let dropped = lines.next().unwrap();
    let count = dropped.strip_prefix("lines that were dropped because nobody read them: ").unwrap();
    assert!(count.parse::<u32>().unwrap() >= 3, "{dropped}");
    local.answers.set("127.0.0.11", "30%\n");
    assert!(lines.next().unwrap().ends_with(": weight 30 of 100, was 20 (30%)"));
    drop(following);
}

#[test]
fn signals_that_are_ignored_do_not_end_it() {
    let local = local();
    let script = format!("trap '' HUP INT; exec {PROGRAM} {}", words("--smooth 0").join(" "));
    let following = Following::start_command(Command::new("sh").args(["-c", &script]));
    for (signal, share) in [(Signal::SIGHUP, 50), (Signal::SIGINT, 30)] {
        kill(Pid::from_raw(following.child.id() as i32), signal).unwrap();
        local.answers.set("127.0.0.11", &format!("{share}%\n"));
        local.wait_for_weights(&[share, 40]);
    }
    let (status, _) = following.end(Signal::SIGTERM);
    assert_eq!((status, local.weights()), (Some(0), vec![100, 40]));
}

#[test]
fn a_start_that_waits_for_another_instance_can_be_ended() {
    let local = local();
    let lock = local.notes.0.replace("/run/ipvsadm/notes", "/run/ipvsadm").replace(".json", ".lock");
    let file = File::create(&lock).unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
    let held = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive).unwrap();
    let mut child = Command::new(PROGRAM).args(words("")).stdout(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none());
    signal_when_handled(child.id(), Signal::SIGTERM);
    // Without the signal it would end after a minute, and fail.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(held);
}

#[test]
fn what_a_program_has_started_ends_with_it() {
    let local = local();
    let folder = Folder::new();
    let program = folder.0.join("load");
    let script = "#!/bin/sh\nsleep 1000 &\necho $! >>\"$0.list\"\nwait\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let list = folder.0.join("load.list");
    let started = || -> Vec<String> {
        let list = fs::read_to_string(&list).unwrap_or_default();
        list.split_inclusive('\n').map(String::from).collect()
    };
    let following = Following::start(&format!("--exec {} --interval 1 --fall 1", program.display()));
    following.wait_for("no answer 1 times: no answer within 1 s");
    // One that is slow is ended before it has started anything.
    assert!(wait_until(|| !started().is_empty()));
    let first = started()[0].clone();
    assert!(wait_until(|| !is_running(&first)));
    following.end(Signal::SIGTERM);
    assert!(wait_until(|| !started().iter().any(|id| is_running(id))));

    // Now they have ten seconds. On a machine that stands still even that may be over too soon.
    let all_run = (0..20).any(|_| {
        fs::remove_file(&list).unwrap();
        let following = Following::start(&format!("--exec {} --interval 3600", program.display()));
        assert!(wait_until(|| started().len() == 2));
        let all_run = started().iter().all(|id| is_running(id));
        following.end(Signal::SIGTERM);
        assert!(wait_until(|| !started().iter().any(|id| is_running(id))));
        all_run
    });
    assert!(all_run);
    drop(local);
}
