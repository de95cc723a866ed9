//! Draining servers with real connections.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::network::{Network, SERVERS, VIP, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers, counts};
use super::udp::{UdpClient, UdpServer};
use super::wait_until;
use crate::drain::NotesFile;
use crate::support::{PROGRAM, signal_when_handled};

fn network() -> (Network, NotesFile) {
    let network = Network::new(2);
    network.route_answers_through_director();
    (network, NotesFile::new())
}

/// Starts to drain the second server and to wait for its connections, and returns the first line about them.
fn start_waiting() -> (Child, String) {
    let mut command = Command::new(PROGRAM);
    command.args(["--drain", "-r", "10.0.0.12", "--wait", "60"]).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // Without a buffer, so that the rest stays in the pipe.
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\n") && child.stderr.as_mut().unwrap().read(&mut byte).unwrap() > 0 {
        line.push(byte[0]);
    }
    (child, String::from_utf8(line).unwrap())
}

/// The chunks of a download, none of which is like another.
fn chunks() -> impl Iterator<Item = Vec<u8>> {
    (0..200_u32).map(|number| number.to_be_bytes().repeat(1024))
}

#[test]
fn a_download_through_a_drained_server_ends_complete_before_the_wait_does() {
    let (network, _notes) = network();
    let is_waited_for = Arc::new(AtomicBool::new(false));
    let _servers: Vec<TcpServer> = network
        .servers
        .iter()
        .map(|server| {
            let name = server.name.clone();
            let is_waited_for = Arc::clone(&is_waited_for);
            TcpServer::start_with(server, 80, move |mut stream| {
                let client = stream.peer_addr()?.ip().to_canonical();
                stream.write_all(format!("{name} {client}\n").as_bytes())?;
                // Whoever asks gets a download, the second half of it when the wait has begun.
                if stream.read(&mut [0])? > 0 {
                    for (number, chunk) in chunks().enumerate() {
                        while number >= 100 && !is_waited_for.load(Ordering::Relaxed) {
                            sleep(Duration::from_millis(10));
                        }
                        stream.write_all(&chunk)?;
                    }
                }
                Ok(())
            })
        })
        .collect();
    let address = endpoint(VIP, 80);
    let director = &network.director;
    director.ok(&format!("-A -t {address} -s wrr"));
    director.ok(&format!("-a -t {address} -r 10.0.0.12:80 -m -w 7"));
    thread::scope(|scope| {
        let (client, address) = (&network.client, &address);
        let (started, is_started) = std::sync::mpsc::channel();
        let download = scope.spawn(move || {
            client.run_inside(|| {
                let mut stream =
                    TcpStream::connect(address.to_socket_addrs().unwrap().next().unwrap()).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.write_all(b"x").unwrap();
                let mut bytes = vec![0; 4096];
                stream.read_exact(&mut bytes).unwrap();
                started.send(()).unwrap();
                stream.read_to_end(&mut bytes).unwrap();
                bytes
            })
        });
        is_started.recv().unwrap();
        director.ok(&format!("-a -t {address} -r 10.0.0.11:80 -m -w 1"));
        director.ok("--drain -r 10.0.0.12");
        assert_eq!(count_answers(&network.client, address, 10), counts([("server1", 10)]));
        let (mut waiting, progress) = start_waiting();
        assert!(progress.starts_with("waiting for connections to end: 1 active connection ("), "{progress}");
        assert!(waiting.try_wait().unwrap().is_none() && !download.is_finished());
        is_waited_for.store(true, Ordering::Relaxed);
        let output = waiting.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(output.stdout.ends_with(b"no connections are left\n"), "{output:?}");
        let bytes = download.join().unwrap();
        let expected = [b"server2 192.0.2.100\n".to_vec()].into_iter().chain(chunks()).flatten();
        assert!(bytes.into_iter().eq(expected), "the download is damaged");
    });
    director.ok("--undrain -r 10.0.0.12");
    assert!(director.saved().contains("-r 10.0.0.12:80 -m -w 7\n"));
    assert!(count_answers(&network.client, &address, 16)["server2"] >= 12);
}

#[test]
fn a_server_leaves_three_services_at_once_and_comes_back_with_its_weights() {
    let (network, _notes) = network();
    let director = &network.director;
    let _servers = [80, 443].map(|port| network.serve(port));
    let _datagram_servers: [UdpServer; 2] =
        [11, 12].map(|host| UdpServer::start(&network.servers[host - 11], &format!("10.0.0.{host}:53")));
    let [web, persistent, dns] = [80, 443, 53].map(|port| endpoint(VIP, port));
    network.add_service(&format!("-t {web} -s wrr"), SERVERS, 80, "-m -w 3");
    network.add_service(&format!("-t {persistent} -s wrr -p 600"), SERVERS, 443, "-m -w 5");
    network.add_service(&format!("-u {dns} -s wrr"), SERVERS, 53, "-m -w 9");
    let before = director.saved();
    // One of these clients is bound to each server.
    let clients = ["198.18.0.1", "198.18.0.2"];
    let server_for = |client: &str| {
        Connection::open_from(&network.client, client.parse().unwrap(), &persistent).unwrap().server
    };
    let bound =
        clients.into_iter().find(|client| server_for(client) == "server2").expect("a client of server2");

    let run = director.run("--drain -r 10.0.0.12");
    assert_eq!((run.status, run.stdout.lines().count()), (0, 3), "{run:?}");
    assert_eq!(
        run.stderr,
        "ipvsadm: clients that are bound to the server by persistence (1) are still sent to it; \
         to send them elsewhere: sysctl -w net.ipv4.vs.expire_quiescent_template=1\n"
    );
    assert_eq!(count_answers(&network.client, &web, 8), counts([("server1", 8)]));
    for _ in 0..8 {
        assert_eq!(UdpClient::open(&network.client, "192.0.2.100", &dns).ask("?").unwrap(), "server1");
    }
    for client in 10..18 {
        assert_eq!(server_for(&format!("198.18.0.{client}")), "server1");
    }
    assert_eq!(server_for(bound), "server2", "templates do not expire yet");
    // The client that is bound is waited for, although it has no connection.
    let run = director.run(&format!("--drain -r 10.0.0.12:443 -t {persistent} --wait 1"));
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("1 persistent client"), "{run:?}");
    network.director_machine.sysctl("ipv4/vs/expire_quiescent_template=1");
    let run = director.run(&format!("--drain -r 10.0.0.12:443 -t {persistent} --wait 60"));
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(server_for(bound), "server1");

    director.ok("--undrain -r 10.0.0.12");
    assert_eq!(director.saved(), before);
    assert_eq!(count_answers(&network.client, &web, 8), counts([("server1", 4), ("server2", 4)]));
}

#[test]
fn a_wait_ends_with_the_last_connection_or_with_the_time() {
    let (network, _notes) = network();
    let _servers = network.serve(80);
    let address = endpoint(VIP, 80);
    network.add_service(&format!("-t {address} -s rr"), SERVERS, 80, "-m");
    let director = &network.director;
    let mut held: Vec<_> = (0..2).map(|_| Connection::open(&network.client, &address).unwrap()).collect();

    let start = Instant::now();
    let run = director.run("--drain -r 10.0.0.12 --wait 2");
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!((run.status, run.stdout.lines().count()), (1, 1), "{run:?}");
    // On a machine that stood still the time may have been over before the first look.
    let (progress, rest) = run.stderr.split_once("ipvsadm: ").unwrap();
    let is_progress = ["", "waiting for connections to end: 1 active connection (2 s left)\n"]
        .contains(&progress.replace("(1 s", "(2 s").as_str());
    assert!(is_progress, "{run:?}");
    let [server, end] = rest.lines().collect::<Vec<_>>()[..] else { panic!("{run:?}") };
    assert_eq!(server, format!("server 10.0.0.12:80 of service TCP {address}: 1 active connection"));
    assert_eq!(end, "ipvsadm: connections are left after 2 s; the weights stay 0");
    assert!(held.iter_mut().all(Connection::echoes));

    let ends_when = |action: &mut dyn FnMut(u32)| {
        let (child, _) = start_waiting();
        action(child.id());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, said) = ends_when(&mut |program| signal_when_handled(program, Signal::SIGTERM));
    assert_eq!(status, Some(128 + 15), "{said}");
    assert!(
        said.ends_with("ipvsadm: ended by SIGTERM before all connections were; the weights stay 0\n"),
        "{said}"
    );
    let (status, said) = ends_when(&mut |_| {
        director.ok("--undrain -r 10.0.0.12");
    });
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("weight 1 again, 1 active connection\n"), "{said}");
    let (status, said) = ends_when(&mut |_| held.clear());
    assert_eq!(status, Some(0), "{said}");

    // Somebody who deletes the server has ended its connections, too.
    director.ok("--undrain -r 10.0.0.12");
    let _held: Vec<_> = (0..2).map(|_| Connection::open(&network.client, &address).unwrap()).collect();
    let (status, said) = ends_when(&mut |_| {
        director.ok(&format!("-d -t {address} -r 10.0.0.12:80"));
    });
    assert_eq!(status, Some(0), "{said}");
}

#[test]
fn datagrams_are_waited_for_although_they_are_never_active() {
    let (network, _notes) = network();
    let _servers =
        [11, 12].map(|host| UdpServer::start(&network.servers[host - 11], &format!("10.0.0.{host}:53")));
    let address = endpoint(VIP, 53);
    network.add_service(&format!("-u {address} -s rr"), SERVERS, 53, "-m");
    let director = &network.director;
    let clients = [(); 2].map(|()| UdpClient::open(&network.client, "192.0.2.100", &address));
    clients.iter().for_each(|client| drop(client.ask("?").unwrap()));
    let run = director.run("--drain -r 10.0.0.12 --wait 0");
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains(": 1 inactive connection\n"), "{run:?}");
    // A connection lives for the timeout that was set when its last datagram arrived.
    director.ok("--set 0 0 2");
    clients.iter().for_each(|client| drop(client.ask("?").unwrap()));
    let run = director.run("--drain -r 10.0.0.12 --wait 60");
    assert_eq!(run.status, 0, "{run:?}");
}

#[test]
fn people_see_the_progress_on_one_line() {
    let (network, _notes) = network();
    let _servers = network.serve(80);
    let address = endpoint(VIP, 80);
    network.add_service(&format!("-t {address} -s rr"), SERVERS, 80, "-m");
    let _held: Vec<_> = (0..2).map(|_| Connection::open(&network.client, &address).unwrap()).collect();
    let line = format!("stty cols 60; {PROGRAM} --drain -r 10.0.0.12 --wait 3");
    let mut script = Command::new("script");
    script.args(["-q", "-e", "-c", &line, "/dev/null"]).env("SHELL", "/bin/sh").stdin(Stdio::null());
    // A machine that stands still may miss the times to look.
    let mut attempts = (0..20).map(|_| {
        let output = script.output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        shown
    });
    let progress = |shown: &str| -> Vec<String> {
        shown.split('\r').filter(|line| line.starts_with("waiting for")).map(str::to_owned).collect()
    };
    let shown = attempts.find(|shown| progress(shown).len() >= 2).expect("the progress never changed");
    let progress = progress(&shown);
    assert!(progress.iter().all(|line| line.trim_end_matches("\x1b[K").len() < 60), "{shown:?}");
    assert!(shown.contains("\r\x1b[Kipvsadm: server 10.0.0.12:80"), "{shown:?}");
    assert!(wait_until(|| network.director.ok("-L --drained").lines().count() == 1));
}
