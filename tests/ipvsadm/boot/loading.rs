//! Loading and reloading the rules.

use std::net::UdpSocket;
use std::thread;
use std::time::Instant;

use super::*;

/// Starts the service, and sends a datagram to its UDP service on port 5000. Returns the socket of the client.
fn start_with_a_datagram(machine: &Machine) -> UdpSocket {
    machine.director.system("ip address add 192.0.2.1 dev lo; ip address add 192.0.2.2 dev lo");
    assert_eq!(machine.start(), silent_success());
    let server = UdpSocket::bind("192.0.2.2:5001").unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"hello", "192.0.2.1:5000").unwrap();
    server.recv_from(&mut [0; 16]).unwrap();
    client
}

#[test]
fn a_reload_does_not_touch_unchanged_services() {
    let rules = "-A -u 192.0.2.1:5000 -s rr\n-a -u 192.0.2.1:5000 -r 192.0.2.2:5001 -m -w 1\n";
    let machine = Machine::new(&[("ipvsadm.rules", rules)]);
    let director = &machine.director;
    start_with_a_datagram(&machine);
    // The kernel updates its counters every two seconds.
    let counted = "  -> 192.0.2.2:5001                      1        1        0       33 ";
    let stats = || director.ok("-L -n --stats -u 192.0.2.1:5000");
    assert!(wait_until(|| stats().contains(counted)), "{}", stats());

    director.ok("-A -f 8");
    machine.write("ipvsadm.rules", &format!("{rules}-A -f 7 -s rr\n"));
    assert_eq!(machine.reload(), silent_success());
    assert_eq!(director.saved(), format!("{rules}-A -f 7 -s rr\n"));
    assert!(stats().contains(counted), "{}", stats());
}

#[test]
fn a_reload_lets_connections_end_if_so_configured() {
    let rules = "-A -u 192.0.2.1:5000 -s rr\n-a -u 192.0.2.1:5000 -r 192.0.2.2:5001 -m -w 1\n";
    let machine =
        Machine::new(&[("ipvsadm.rules", rules), ("default/ipvsadm", "DRAIN_REMOVED=60 # seconds\n")]);
    let director = &machine.director;
    let client = start_with_a_datagram(&machine);
    machine.write("ipvsadm.rules", "-A -f 7 -s rr\n");
    let (output, status) = thread::scope(|scope| {
        let reload = scope.spawn(|| machine.reload());
        // The next datagram shortens the time that the connection has.
        assert!(wait_until(|| director.saved().contains("-w 0\n")));
        director.ok("--set 0 0 2");
        client.send_to(b"bye", "192.0.2.1:5000").unwrap();
        reload.join().unwrap()
    });
    let (waited, left) = output.split_once(" (").unwrap();
    assert_eq!((waited, status), ("waiting for connections to end: 1 inactive connection", 0), "{output}");
    assert!(left.ends_with(" s left)\n") && left.lines().count() == 1, "{output}");
    assert_eq!(director.saved(), "-A -f 7 -s rr\n");
}

#[test]
fn invalid_rules_and_settings_change_nothing() {
    let machine = Machine::new(&[("default/ipvsadm", "DAEMON=both\nIFACE=d0\n")]);
    let before = "-A -f 1 -s wlc\n";
    machine.director.ok("-A -f 1");
    for (rules, problem, status) in [
        ("-A -f 2\n-A -f none\n", "/etc/ipvsadm.rules:2: -f \"none\"", 2),
        ("-A -f 2\n-A -f 3 -s x\n", "/etc/ipvsadm.rules:2: cannot add service", 255),
        ("", "ipvsadm: /etc/ipvsadm.rules names no service", 2),
    ] {
        machine.write("ipvsadm.rules", rules);
        for (output, exit_status) in [machine.start(), machine.reload()] {
            assert!(output.starts_with(problem), "{output}");
            assert_eq!(exit_status, status);
        }
        assert_eq!(machine.director.saved(), before);
        assert_eq!(machine.director.ok("-L --daemon"), "");
    }

    machine.write("ipvsadm.rules", RULES);
    for (settings, problem) in [
        ("DAEMON=all", "DAEMON=all: this can be none, master, backup or both"),
        ("AUTO=ture", "AUTO=ture: this can be yes or no"),
        ("DRAIN_REMOVED=soon", "DRAIN_REMOVED=soon: this can be a number of seconds"),
    ] {
        machine.write("default/ipvsadm", &format!("{settings}\n"));
        for result in [machine.start(), machine.reload(), machine.stop()] {
            assert_eq!(result, (format!("ipvsadm.service: {problem}\n"), 1));
        }
    }
    machine.write("default/ipvsadm", "RULES=/etc/others\n");
    let missing = "ipvsadm: cannot read /etc/others: No such file or directory (os error 2)\n";
    assert_eq!(machine.start(), (missing.to_string(), 255));
    assert_eq!(machine.director.saved(), before);
}

#[test]
fn a_start_waits_for_the_interfaces_of_the_daemons() {
    let daemon = "--start-daemon backup --mcast-interface d2 --syncid 3\n";
    let machine = Machine::new(&[
        ("ipvsadm.rules", &format!("{RULES}{daemon}")),
        ("default/ipvsadm", "DAEMON=master\nIFACE=d1\nSYNCID=3\n"),
    ]);
    machine.stage.ok("(sleep 1; ip link add d1 type dummy; ip link add d2 type dummy
        ip link set d1 multicast on up; sleep 1; ip link set d2 multicast on up) >/dev/null 2>&1 &");
    assert_eq!(machine.start(), silent_success());
    assert_eq!(machine.director.saved(), RULES);
    let daemons = DAEMONS.replacen("d0", "d1", 1).replacen("d0", "d2", 1);
    assert_eq!(machine.director.ok("-L --daemon"), daemons);
    assert_eq!(machine.stop(), silent_success());
}

#[test]
fn a_start_is_not_held_up_by_a_dead_name_server() {
    let names: String = (1..=6).map(|number| format!("-A -t lvs{number}.example.com:80\n")).collect();
    let rules = names + "-A -t 192.0.2.256:80\n";
    let machine = Machine::new(&[("ipvsadm.rules", RULES)]);
    assert_eq!(machine.start(), silent_success());
    machine.director.ok("-C");
    machine.write("ipvsadm.rules", &rules);
    machine.director.system("ip route add 192.0.2.53 dev d0");
    machine.stage.ok("rm -f /etc/resolv.conf /etc/nsswitch.conf
        printf '%s\\n' 'nameserver 192.0.2.53' 'options timeout:30 attempts:5' >/etc/resolv.conf
        echo hosts: files dns >/etc/nsswitch.conf");
    let begin = Instant::now();
    let (output, status) = machine.start();
    // A single lookup that gets no answer takes two and a half minutes.
    assert!(begin.elapsed() < Duration::from_secs(100), "{:?}", begin.elapsed());
    assert!(output.contains("lvs1.example.com"), "{output}");
    assert_ne!(status, 0);
    // The copy does not depend on names.
    assert_eq!(machine.director.saved(), RULES);
}
