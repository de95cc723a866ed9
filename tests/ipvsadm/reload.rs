//! Reloads while connections pass through the director, and reloads whose program is killed.

mod draining;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::differential::reference::Reference;
use crate::support::*;

/// Starts a server that answers every byte with the last octet of its address.
fn serve(address: &str) {
    let listener = TcpListener::bind((address, 8080)).unwrap();
    let number = address.rsplit('.').next().unwrap().parse::<u8>().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&[number]).is_ok() {}
            });
        }
    });
}

/// Connects through the director, and returns the connection and the number of the server that answers.
fn connect() -> std::io::Result<(TcpStream, u8)> {
    let mut stream = TcpStream::connect("192.0.2.1:80")?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let number = ask(&mut stream)?;
    Ok((stream, number))
}

/// Asks the server for its number.
fn ask(stream: &mut TcpStream) -> std::io::Result<u8> {
    stream.write_all(b"?")?;
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

const BEFORE: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 192.0.2.11:8080 -m -w 1
-a -t 192.0.2.1:80 -r 192.0.2.12:8080 -m -w 1
-A -t 192.0.2.1:81 -s rr
-a -t 192.0.2.1:81 -r 192.0.2.11:8080 -m -w 1
";

const AFTER: &str = "\
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 192.0.2.11:8080 -m -w 7
-a -t 192.0.2.1:80 -r 192.0.2.13:8080 -m -w 1
-A -f 5 -s wlc
-a -f 5 -r 192.0.2.13:0 -m -w 1
";

#[test]
fn a_reload_keeps_connections_and_counters_of_remaining_servers() {
    let director = Director::new();
    for number in [1, 11, 12, 13] {
        director.system(&format!("ip addr add 192.0.2.{number}/32 dev lo"));
    }
    for number in [11, 12, 13] {
        serve(&format!("192.0.2.{number}"));
    }
    assert_eq!(director.feed("-R", BEFORE).status, 0);
    let mut held: Vec<(TcpStream, u8)> = (0..8).map(|_| connect().unwrap()).collect();
    held.retain(|(_, number)| *number == 11);
    assert_eq!(held.len(), 4);

    // A client opens short connections throughout, one after the other.
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let namespace = File::open("/proc/thread-self/ns/net").unwrap();
    let client = {
        let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
        thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            while !stop.load(Ordering::Relaxed) {
                connect().expect("a connection failed during a reload");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let counted_connections = || {
        let listing = director.ok("-L -n --stats --exact -t 192.0.2.1:80");
        let line = listing.lines().find(|line| line.contains("-> 192.0.2.11:8080 ")).unwrap();
        line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap()
    };
    let mut last = counted_connections();
    for round in 0..10 {
        let wanted = if round % 2 == 0 { AFTER } else { BEFORE };
        let run = director.feed("-R --replace", wanted);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        assert_eq!(director.saved(), wanted);
        for (stream, number) in &mut held {
            assert_eq!(ask(stream).expect("a held connection was lost"), *number);
        }
        thread::sleep(Duration::from_millis(100));
        let now = counted_connections();
        assert!(now >= last, "the counter dropped from {last} to {now}");
        last = now;
    }
    assert!(wait_until(|| answered.load(Ordering::Relaxed) > 10 || client.is_finished()));
    stop.store(true, Ordering::Relaxed);
    client.join().unwrap();
    assert!(wait_until(|| counted_connections() > 4));
}

/// Calls `reload` three times while a client opens one connection after the other, and returns the numbers of
/// connections that were answered and refused.
fn connections_during(mut reload: impl FnMut()) -> (usize, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let namespace = File::open("/proc/thread-self/ns/net").unwrap();
    let client = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
            let (mut answered, mut refused) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                match connect() {
                    Ok(_) => answered += 1,
                    Err(_) => refused += 1,
                }
            }
            (answered, refused)
        })
    };
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(100));
        reload();
    }
    stop.store(true, Ordering::Relaxed);
    client.join().unwrap()
}

#[test]
fn clearing_and_loading_resets_the_counters_and_replacing_does_not() {
    let director = Director::alone();
    for number in [1, 11] {
        director.system(&format!("ip addr add 192.0.2.{number}/32 dev lo"));
    }
    serve("192.0.2.11");
    let service = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 192.0.2.11:8080 -m -w 1\n";
    let file = format!("{}{service}", rules(300, 1).replace("192.0.2.", "192.0.9."));
    assert_eq!(director.feed("-R", &file).status, 0);
    let counted_connections = || {
        let listing = director.ok("-L -n --stats --exact -t 192.0.2.1:80");
        let line = listing.lines().find(|line| line.starts_with("TCP ")).unwrap();
        line.split_whitespace().nth(2).unwrap().parse::<usize>().unwrap()
    };
    let reference = Reference::locate();
    let (answered, lost) = connections_during(|| {
        assert_eq!(run(reference.command().arg("-C")).status, 0);
        assert_eq!(feed(reference.command().arg("-R"), file.as_bytes()).status, 0);
    });
    println!("clearing and loading: {answered} answered, {lost} lost");
    // The kernel updates its counters every two seconds, and may be late on a busy machine.
    thread::sleep(Duration::from_millis(4500));
    let before = counted_connections();
    assert!(before < answered, "{before} of {answered} connections were counted");
    let (answered, lost) = connections_during(|| assert_eq!(director.feed("-R --replace", &file).status, 0));
    println!("replacing: {answered} answered, {lost} lost");
    assert_eq!(lost, 0);
    let expected = before + answered;
    assert!(wait_until(|| counted_connections() >= expected));
    assert_eq!(counted_connections(), expected);
}

/// Writes the rules of a table with `count` services of two servers each.
fn rules(count: u32, weight: u32) -> String {
    (0..count)
        .map(|number| {
            let service = format!("-t 192.0.{}.{}:80", 2 + number / 250, 1 + number % 250);
            format!(
                "-A {service} -s rr\n-a {service} -r 198.51.100.1:80 -m -w {weight}\n\
                 -a {service} -r 198.51.100.2:80 -m -w {weight}\n"
            )
        })
        .collect()
}

#[test]
fn a_killed_replacement_is_completed_by_the_next_run() {
    let director = Director::alone();
    let folder = Folder::new();
    let path = folder.0.join("rules");
    let tables = [rules(400, 1), rules(500, 2)];
    assert_eq!(director.feed("-R", &tables[0]).status, 0);
    let mut before = director.saved();
    for round in 0..16 {
        let wanted = &tables[(round + 1) % 2];
        fs::write(&path, wanted).unwrap();
        let mut program = Command::new(PROGRAM)
            .args(["-R", "--replace"])
            .stdin(File::open(&path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(7 * round as u64));
        let signal = if round % 4 < 2 { Signal::SIGTERM } else { Signal::SIGKILL };
        kill(Pid::from_raw(program.id() as i32), signal).unwrap();
        let status = program.wait().unwrap();
        assert!(status.success() || status.signal() == Some(signal as i32), "{status}");
        let after = director.saved();
        if signal == Signal::SIGTERM {
            assert!(
                after == before || after == *wanted,
                "round {round}: the table is neither the old nor the new one"
            );
        }
        assert_eq!(director.feed("-R --replace", wanted).status, 0);
        assert_eq!(director.saved(), *wanted, "round {round}");
        before.clone_from(wanted);
    }
}
