//! Replacements that let connections end (`--drain-removed`), with real connections.

mod replacement;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::network::{Network, SERVERS, VIP, endpoint};
use super::tcp::{Connection, PATIENCE, TcpServer, count_answers, counts};
use super::udp::UdpClient;
use super::wait_until;
use replacement::{Replacement, without_progress};

/// The bytes of a download.
fn content() -> Vec<u8> {
    (0..2_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 16) as u8).collect()
}

/// Greets a client and, if it asks for it, sends the content, the second half of which has to wait.
fn greet_and_send(mut stream: TcpStream, name: &str, may_end: &AtomicBool) -> std::io::Result<()> {
    let client = stream.peer_addr()?.ip().to_canonical();
    stream.write_all(format!("{name} {client}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.try_clone()?).read_line(&mut line)?;
    if line == "send\n" {
        let content = content();
        let (first, second) = content.split_at(content.len() / 2);
        stream.write_all(first)?;
        while !may_end.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(10));
        }
        stream.write_all(second)?;
    }
    Ok(())
}

const SERVICE: &str = "-t 192.0.2.1:80";

/// Writes the lines of a service with these servers, which are given by their host numbers.
fn service(settings: &str, hosts: &[u8]) -> String {
    let (id, _) = settings.split_once(" -s ").unwrap();
    let server = |host: &u8| format!("-a {id} -r {SERVERS}{host}:80 -m -w 1\n");
    format!("-A {settings}\n{}", hosts.iter().map(server).collect::<String>())
}

/// A network with three servers, of which the service has the first two.
fn network(settings: &str) -> (Network, Vec<TcpServer>) {
    let network = Network::new(3);
    network.route_answers_through_director();
    let servers = network.serve(80);
    assert_eq!(network.director.feed("-R", &service(settings, &[11, 12])).status, 0);
    (network, servers)
}

/// Opens a connection to the second server.
fn open_to_server2(network: &Network) -> Connection {
    let open = || Connection::open(&network.client, &endpoint(VIP, 80)).unwrap();
    let connections = [open(), open()];
    let found = connections.into_iter().find(|connection| connection.server == "server2");
    found.expect("neither connection led to server2")
}

/// Waits until the director's table is this one.
fn wait_for_table(network: &Network, table: &str) {
    assert!(wait_until(|| network.director.saved() == table), "{}", network.director.saved());
}

/// Replaces the weight of a server.
fn with_weight_0(table: &str, host: u8) -> String {
    table.replace(&format!("{SERVERS}{host}:80 -m -w 1"), &format!("{SERVERS}{host}:80 -m -w 0"))
}

#[test]
fn a_download_through_a_dropped_server_ends_whole_while_new_connections_go_to_the_new_server() {
    let network = Network::new(3);
    network.route_answers_through_director();
    let may_end = Arc::new(AtomicBool::new(false));
    let serve = |machine: &super::machine::Machine| {
        let (name, may_end) = (machine.name.clone(), Arc::clone(&may_end));
        TcpServer::start_with(machine, 80, move |stream| greet_and_send(stream, &name, &may_end))
    };
    let _servers: Vec<TcpServer> = network.servers.iter().map(serve).collect();
    assert_eq!(network.director.feed("-R", &service(&format!("{SERVICE} -s rr"), &[11, 12])).status, 0);
    let mut download = open_to_server2(&network);
    download.send_line("send").unwrap();
    let download = thread::spawn(move || download.receive_all());

    let wanted = service(&format!("{SERVICE} -s rr"), &[11, 13]);
    let mut replacement = Replacement::start("--drain-removed 60", &wanted);
    let waiting = service(&format!("{SERVICE} -s rr"), &[11, 12, 13]);
    wait_for_table(&network, &with_weight_0(&waiting, 12));
    assert_eq!(
        count_answers(&network.client, &endpoint(VIP, 80), 10),
        counts([("server1", 5), ("server3", 5)])
    );
    assert!(replacement.is_running());
    assert!(!download.is_finished());
    may_end.store(true, Ordering::Relaxed);
    let received = download.join().unwrap().unwrap();
    assert!(received == content(), "{} bytes", received.len());
    assert_eq!(replacement.notes(), "");
    assert_eq!(network.director.saved(), wanted);
}

#[test]
fn connections_that_last_longer_than_the_limit_are_cut_and_counted() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let mut held = open_to_server2(&network);
    let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
    let started = Instant::now();
    let mut replacement = Replacement::start("--drain-removed 3", &wanted);
    sleep(Duration::from_secs(1));
    // On a machine that stands still the limit may be over by now.
    assert!(held.echoes() || !replacement.is_running());
    assert_eq!(
        replacement.notes(),
        "ipvsadm: cut after 3 s: server 10.0.0.12:80 of service TCP 192.0.2.1:80: 1 active connection\n"
    );
    assert!(started.elapsed() >= Duration::from_secs(3));
    assert_eq!(network.director.saved(), wanted);
    held.send_line("still there?").unwrap();
    held.receive_line(Duration::from_millis(500)).unwrap_err();
}

#[test]
fn a_dropped_service_refuses_new_connections_and_goes_with_its_last_one() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let mut held = open_to_server2(&network);
    let wanted = "-A -f 1 -s rr\n";
    let replacement = Replacement::start("--drain-removed 60", wanted);
    let before = service(&format!("{SERVICE} -s rr"), &[11, 12]);
    wait_for_table(&network, &format!("{}{wanted}", with_weight_0(&with_weight_0(&before, 11), 12)));
    assert!(Connection::open(&network.client, &endpoint(VIP, 80)).is_err());
    sleep(Duration::from_secs(2));
    assert!(held.echoes());
    // A service is deleted as a whole.
    assert_eq!(network.director.saved().lines().count(), 4);
    drop(held);
    assert_eq!(replacement.notes(), "");
    assert_eq!(network.director.saved(), wanted);
}

#[test]
fn each_server_is_deleted_when_its_own_connections_have_ended() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let _held = open_to_server2(&network);
    let wanted = service(&format!("{SERVICE} -s rr"), &[13]);
    let mut replacement = Replacement::start("--drain-removed 60", &wanted);
    wait_for_table(&network, &with_weight_0(&service(&format!("{SERVICE} -s rr"), &[12, 13]), 12));
    assert!(replacement.is_running());
}

#[test]
fn clients_of_a_persistent_service_keep_their_server_until_the_limit_unless_templates_expire() {
    // On a machine that stands still the limit may be over before a client has asked.
    assert!((0..20).any(|_| clients_of_a_persistent_service_keep_their_server()));
}

/// Returns whether everything happened in time.
fn clients_of_a_persistent_service_keep_their_server() -> bool {
    let settings = format!("{SERVICE} -s rr -p 600");
    let (network, _servers) = network(&settings);
    let address = endpoint(VIP, 80);
    let server_for = |client: &str| {
        Connection::open_from(&network.client, client.parse().unwrap(), &address).unwrap().server
    };
    let clients = ["198.18.0.1", "198.18.0.2"];
    let old = clients.into_iter().find(|client| server_for(client) == "server2").unwrap();
    let wanted = service(&settings, &[11, 13]);
    let mut replacement = Replacement::start("--drain-removed 4", &wanted);
    let waiting = with_weight_0(&service(&settings, &[11, 12, 13]), 12);
    assert!(wait_until(|| [&waiting, &wanted].contains(&&network.director.saved())));
    let [bound, free] = [old, "198.18.0.3"].map(server_for);
    if network.director.saved() != waiting {
        return false;
    }
    assert!(replacement.is_running());
    assert_eq!(bound, "server2");
    assert_ne!(free, "server2");
    let notes = replacement.notes();
    assert!(
        notes.starts_with("ipvsadm: cut after 4 s: server 10.0.0.12:80 of service TCP 192.0.2.1:80: ")
            && notes.ends_with("1 persistent client\n"),
        "{notes}"
    );
    assert_eq!(network.director.saved(), wanted);
    assert_ne!(server_for(old), "server2");

    // With the setting, the template binds nobody any more.
    let bound = ["198.18.0.4", "198.18.0.5"].into_iter().find(|client| server_for(client) == "server3");
    network.director_machine.sysctl("ipv4/vs/expire_quiescent_template=1");
    let wanted = service(&settings, &[11]);
    assert_eq!(Replacement::start("--drain-removed 60", &wanted).notes(), "");
    assert_eq!(network.director.saved(), wanted);
    assert_eq!(server_for(bound.unwrap()), "server1");
    true
}

#[test]
fn datagrams_are_waited_for_until_their_connection_has_timed_out() {
    // On a machine that stands still the connection may time out between two datagrams.
    assert!((0..20).any(|_| datagrams_are_waited_for()));
}

/// Returns whether everything happened in time.
fn datagrams_are_waited_for() -> bool {
    let network = Network::new(2);
    network.route_answers_through_director();
    let _servers = network.serve_datagrams("0.0.0.0:53");
    let director = &network.director;
    let servers = |hosts: &[u8]| -> String {
        let server = |host| format!("-a -u 192.0.2.1:53 -r 10.0.0.{host}:53 -m -w 1\n");
        "-A -u 192.0.2.1:53 -s rr\n".to_owned() + &hosts.iter().map(server).collect::<String>()
    };
    assert_eq!(director.feed("-R", &servers(&[11])).status, 0);
    let client = UdpClient::open(&network.client, "192.0.2.100", &endpoint(VIP, 53));
    assert_eq!(client.ask("?").unwrap(), "server1");
    let mut replacement = Replacement::start("--drain-removed 60", &servers(&[12]));
    wait_for_table(&network, &servers(&[11, 12]).replace("11:53 -m -w 1", "11:53 -m -w 0"));
    director.ok("--set 0 0 3");
    let timeout = Duration::from_secs(3);
    let Some(last) = client.keep_asking("server1", timeout) else { return false };
    let other = UdpClient::open(&network.client, "192.0.2.100", &endpoint(VIP, 53));
    assert_eq!(other.ask("?").unwrap(), "server2");
    let is_running = replacement.is_running();
    if last.elapsed() >= timeout {
        return false;
    }
    assert!(is_running);
    assert_eq!(replacement.notes(), "");
    assert_eq!(director.saved(), servers(&[12]));
    assert_eq!(client.ask_within("?", PATIENCE).unwrap(), "server2");
    true
}

#[test]
fn a_signal_ends_the_wait_with_a_statement_and_the_same_command_completes_it() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let mut held = open_to_server2(&network);
    let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
    let waiting = with_weight_0(&service(&format!("{SERVICE} -s rr"), &[11, 12]), 12);
    for (signal, name) in [(Signal::SIGTERM, "SIGTERM"), (Signal::SIGINT, "SIGINT")] {
        let replacement = Replacement::start("--drain-removed 60", &wanted);
        wait_for_table(&network, &waiting);
        replacement.signal(signal);
        let run = replacement.end();
        assert_eq!(
            without_progress(&run.stderr),
            format!(
                "ipvsadm: server 10.0.0.12:80 of service TCP 192.0.2.1:80: 1 active connection\n\
                 ipvsadm: ended by {name} before all connections were: the table is as the input says, but what \
                 the input drops is still there, with weight 0; the same command completes it\n"
            )
        );
        assert_eq!(run.status, 128 + signal as i32);
        assert_eq!(network.director.saved(), waiting);
        assert!(held.echoes());
    }
    let mut replacement = Replacement::start("--drain-removed 60", &wanted);
    sleep(Duration::from_secs(2));
    assert!(replacement.is_running());
    assert_eq!(network.director.saved(), waiting);
    drop(held);
    assert_eq!(replacement.notes(), "");
    assert_eq!(network.director.saved(), wanted);
}

#[test]
fn what_another_program_takes_back_meanwhile_stays_and_is_named() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let director = &network.director;
    let _held = open_to_server2(&network);
    let other = "-A -t 192.0.2.1:81 -s rr\n-a -t 192.0.2.1:81 -r 10.0.0.12:80 -m -w 1\n";
    assert_eq!(director.feed("-R", other).status, 0);
    let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
    let taken_back = service(&format!("{SERVICE} -s rr"), &[11, 12]);
    let mut replacement = Replacement::start("--drain-removed 60", &wanted);
    // The other service has no connections.
    wait_for_table(&network, &with_weight_0(&taken_back, 12));
    assert!(replacement.is_running());
    director.ok(&format!("-e {SERVICE} -r 10.0.0.12:80 -m -w 1"));
    let run = replacement.end();
    assert_eq!(
        without_progress(&run.stderr),
        "ipvsadm: server 10.0.0.12:80 of service TCP 192.0.2.1:80\n\
         ipvsadm: another program has changed this meanwhile, and it stays\n"
    );
    assert_eq!((run.status, director.saved()), (255, taken_back));
}

#[test]
fn what_another_program_deletes_or_adds_meanwhile_is_its_own_matter() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let director = &network.director;
    let _held = open_to_server2(&network);
    let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
    let replacement = Replacement::start("--drain-removed 60", &wanted);
    wait_for_table(&network, &with_weight_0(&service(&format!("{SERVICE} -s rr"), &[11, 12]), 12));
    director.ok(&format!("-a {SERVICE} -r 10.0.0.13:80 -m"));
    director.ok(&format!("-e {SERVICE} -r 10.0.0.11:80 -m -w 5"));
    director.ok(&format!("-d {SERVICE} -r 10.0.0.12:80"));
    assert_eq!(replacement.notes(), "");
    let after = service(&format!("{SERVICE} -s rr"), &[11, 13]).replace("11:80 -m -w 1", "11:80 -m -w 5");
    assert_eq!(director.saved(), after);
}

#[test]
fn a_later_replacement_does_not_wait_and_takes_over() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let director = &network.director;
    let _held = open_to_server2(&network);
    let dropping = service(&format!("{SERVICE} -s rr"), &[11]);
    let both = service(&format!("{SERVICE} -s rr"), &[11, 12]);
    let drained = with_weight_0(&both, 12);
    // The later file has the server with the weight that the first has left it with, or with its own.
    for (later, status) in [(&drained, 255), (&both, 255)] {
        let first = Replacement::start("--drain-removed 120", &dropping);
        wait_for_table(&network, &drained);
        sleep(Duration::from_millis(500));
        assert_eq!(director.feed("-R --replace --lock-wait 60", later).status, 0);
        let run = first.end();
        assert_eq!(
            without_progress(&run.stderr),
            "ipvsadm: another ipvsadm has replaced the table meanwhile, and what this one was draining is left to \
             it\n"
        );
        assert_eq!((run.status, &director.saved()), (status, later));
    }
}

#[test]
fn hashing_schedulers_without_fallback_refuse_clients_meanwhile_which_is_noted() {
    for (scheduler, has_fallback) in [("sh", false), ("sh -b sh-fallback", true)] {
        let settings = format!("{SERVICE} -s {scheduler}");
        let (network, _servers) = network(&settings);
        let connect = |client: u8| {
            let client = format!("198.18.0.{client}").parse().unwrap();
            Connection::open_from(&network.client, client, &endpoint(VIP, 80))
        };
        let found = (1..=20).find_map(|client| {
            let connection = connect(client).unwrap();
            (connection.server == "server2").then_some((client, connection))
        });
        let (client, held) = found.unwrap();
        let wanted = service(&settings, &[11]);
        let replacement = Replacement::start("--drain-removed 60", &wanted);
        wait_for_table(&network, &with_weight_0(&service(&settings, &[11, 12]), 12));
        assert_eq!(connect(client).is_ok(), has_fallback, "{scheduler}");
        drop(held);
        let note = "ipvsadm: service TCP 192.0.2.1:80: until its drained servers are deleted, the scheduler sh \
                    refuses their new clients, because it has no fallback flag\n";
        assert_eq!(replacement.notes(), if has_fallback { "" } else { note });
        assert_eq!(network.director.saved(), wanted);
        assert_eq!(connect(client).unwrap().server, "server1");
    }
}

#[test]
fn the_note_of_a_server_that_was_drained_by_hand_goes_with_it() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let director = &network.director;
    let held = open_to_server2(&network);
    assert_eq!(director.run("--drain -r 10.0.0.12 --reason disk").status, 0);
    assert!(director.ok("-L --drained").contains("10.0.0.12"));
    let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
    let mut replacement = Replacement::start("--drain-removed 60", &wanted);
    sleep(Duration::from_secs(2));
    assert!(replacement.is_running());
    assert!(director.ok("-L --drained").contains("10.0.0.12"));
    drop(held);
    assert_eq!(
        replacement.notes(),
        "ipvsadm: server 10.0.0.12:80 of service TCP 192.0.2.1:80 is not drained any more (disk): it is gone\n"
    );
    assert_eq!(director.saved(), wanted);
    assert!(!director.ok("-L --drained").contains("10.0.0.12"));
}

#[test]
fn connections_that_are_being_set_up_are_waited_for() {
    let (network, _servers) = network(&format!("{SERVICE} -s rr"));
    let is_half_open = || {
        let list = network.director.ok("-L -n -c");
        list.lines().any(|line| line.contains("SYN_RECV") && line.contains("10.0.0.12:80"))
    };
    // For the moment the server cannot answer, so that its client sends its first packet again, for a minute.
    network.client.sysctl("ipv4/tcp_syn_retries=5");
    network.servers[1].ip("route add blackhole 192.0.2.0/24\n");
    thread::scope(|scope| {
        let open = || Connection::open(&network.client, &endpoint(VIP, 80));
        let clients = [scope.spawn(open), scope.spawn(open)];
        assert!(wait_until(is_half_open));
        let wanted = service(&format!("{SERVICE} -s rr"), &[11]);
        let mut replacement = Replacement::start("--drain-removed 60", &wanted);
        wait_for_table(&network, &with_weight_0(&service(&format!("{SERVICE} -s rr"), &[11, 12]), 12));
        sleep(Duration::from_millis(500));
        network.servers[1].ip("route del blackhole 192.0.2.0/24\n");
        let connections = clients.map(|client| client.join().unwrap().unwrap());
        let mut held = connections.into_iter().find(|connection| connection.server == "server2").unwrap();
        assert!(replacement.is_running());
        assert!(held.echoes());
        drop(held);
        assert_eq!(replacement.notes(), "");
        assert_eq!(network.director.saved(), wanted);
    });
}
