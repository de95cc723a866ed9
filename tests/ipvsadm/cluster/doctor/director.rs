//! Settings of a director.

use super::*;
use crate::drain::NotesFile;

/// The name of the check, the commands that break something, and those that mend it.
const STEPS: [(&str, &str, &str); 19] = [
    ("forwarding-off", "sysctl -w net.ipv4.ip_forward=0", "sysctl -w net.ipv4.ip_forward=1"),
    (
        "forwarding-off",
        "sysctl -w net.ipv4.conf.inside.forwarding=0",
        "sysctl -w net.ipv4.conf.inside.forwarding=1",
    ),
    ("counters-frozen", "sysctl -w net.ipv4.vs.run_estimation=0", "sysctl -w net.ipv4.vs.run_estimation=1"),
    (
        "address-missing",
        "ipvsadm -A -t 192.0.2.77:80; ipvsadm -a -t 192.0.2.77:80 -r 10.0.0.11 -m",
        "ipvsadm -D -t 192.0.2.77:80",
    ),
    (
        "address-wide",
        "ip address add 198.51.100.1/24 dev lo; ipvsadm -A -t 198.51.100.1:80; \
         ipvsadm -a -t 198.51.100.1:80 -r 10.0.0.11 -m",
        "ipvsadm -D -t 198.51.100.1:80; ip address del 198.51.100.1/24 dev lo",
    ),
    ("no-servers", "ipvsadm -A -t 192.0.2.1:81", "ipvsadm -D -t 192.0.2.1:81"),
    (
        "all-drained",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m -w 0; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 -m -w 0",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 -m",
    ),
    ("full", "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m -x 1", "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m"),
    (
        "all-full",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m -x 1; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 -m -x 1",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 -m",
    ),
    (
        "reused-ports",
        "sysctl -w net.ipv4.vs.conn_reuse_mode=0; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m -w 0",
        "sysctl -w net.ipv4.vs.conn_reuse_mode=1; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 -m",
    ),
    ("persistent-sh", "ipvsadm -E -t 192.0.2.1:80 -s sh -p 300", "ipvsadm -E -t 192.0.2.1:80 -s rr"),
    ("no-route", "ipvsadm -a -t 192.0.2.1:80 -r 203.0.113.9 -m", "ipvsadm -d -t 192.0.2.1:80 -r 203.0.113.9"),
    ("no-route", "ip route add blackhole 10.0.0.12", "ip route del blackhole 10.0.0.12"),
    ("local-server", "ipvsadm -a -t 192.0.2.1:80 -r 10.0.0.1 -m", "ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.1"),
    (
        "one-packet-nat",
        "ipvsadm -A -u 192.0.2.1:53 -o; ipvsadm -a -u 192.0.2.1:53 -r 10.0.0.11 -m",
        "ipvsadm -D -u 192.0.2.1:53",
    ),
    (
        "engine-protocol",
        "ipvsadm -A -t 192.0.2.1:5060 -p 60 --pe sip; ipvsadm -a -t 192.0.2.1:5060 -r 10.0.0.11 -m",
        "ipvsadm -D -t 192.0.2.1:5060",
    ),
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    (
        "sync-interface",
        "ip link add sync0 type dummy; ip link set sync0 multicast on up; \
         ipvsadm --start-daemon master --mcast-interface sync0; sleep 0.3; ip link set sync0 down",
        "ipvsadm --stop-daemon master; ip link del sync0",
    ),
    (
        "sync-length",
        "ip link add sync0 type dummy; ip link set sync0 multicast on up; \
         ipvsadm --start-daemon master --mcast-interface sync0; sleep 0.3; ip link set sync0 mtu 1400",
        "ipvsadm --stop-daemon master; ip link del sync0",
    ),
    (
        "sync-version",
        "ip link add sync0 type dummy; ip link set sync0 multicast on up; sysctl -w net.ipv4.vs.sync_version=0; \
         ipvsadm --start-daemon master --mcast-interface sync0; sleep 0.3; \
         ipvsadm -A -t [2001:db8:1::1]:80; ipvsadm -a -t [2001:db8:1::1]:80 -r [2001:db8:2::11]:80 -m",
        "ipvsadm -D -t [2001:db8:1::1]:80; ipvsadm --stop-daemon master; ip link del sync0; \
         sysctl -w net.ipv4.vs.sync_version=1",
    ),
];

#[test]
fn servers_that_do_not_answer_are_named_if_they_are_probed() {
    let (network, mut serving) = cluster(2);
    let machine = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    assert_eq!(found(machine, "--probe"), NOTHING);
    network.servers[0].sh("ip route add blackhole 10.0.0.1");
    assert_eq!(found(machine, ""), NOTHING);
    assert_eq!(found(machine, "--probe"), ["no-connection"]);
    network.servers[0].sh("ip route del blackhole 10.0.0.1");
    assert_eq!(found(machine, "--probe"), NOTHING);
    drop(serving.pop());
    let findings = examine(machine, "--probe").stdout;
    let expected =
        "error [no-connection] TCP 192.0.2.1:80 -> 10.0.0.12:80: 10.0.0.12:80 refuses connections from here";
    assert!(findings.starts_with(expected) && findings.lines().count() == 1, "{findings}");
}

#[test]
fn each_wrong_setting_of_a_director_is_named_and_nothing_before() {
    let (network, _serving) = cluster(2);
    let machine = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    count_answers(&network.client, &endpoint(VIP, 80), 4);
    assert_eq!(found(machine, ""), NOTHING);
    // Linux 5.10 does not have this setting.
    let can_freeze = std::fs::exists("/proc/sys/net/ipv4/vs/run_estimation").unwrap();
    for (check, break_it, mend_it) in STEPS {
        if check == "counters-frozen" && !can_freeze {
            continue;
        }
        run_script(machine, break_it);
        assert_eq!(found(machine, ""), [check], "{}", examine(machine, "").stdout);
        run_script(machine, mend_it);
        assert_eq!(found(machine, ""), NOTHING, "{check}: {}", examine(machine, "").stdout);
    }
    count_answers(&network.client, &endpoint(VIP, 80), 4);
}

/// A failed request for a hardware address takes long, so the kernel is told of one.
#[test]
fn a_server_that_answers_no_request_for_its_hardware_address_is_named() {
    let (network, _serving) = cluster(1);
    let machine = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    assert_eq!(found(machine, ""), NOTHING);
    network.servers[0].ip("link set inside down\n");
    machine.sysctl("ipv4/neigh/inside/mcast_solicit=1 ipv4/neigh/inside/retrans_time_ms=100");
    assert!(Connection::open(&network.client, &endpoint(VIP, 80)).is_err());
    assert_eq!(found(machine, ""), ["no-neighbour"]);
    machine.sysctl("ipv4/neigh/inside/mcast_solicit=20 ipv4/neigh/inside/retrans_time_ms=1000");
    network.servers[0].ip("link set inside up\nroute add default via 10.0.0.1\n");
    count_answers(&network.client, &endpoint(VIP, 80), 1);
    wait_for(machine, "", &NOTHING);
}

#[test]
fn ipv6_addresses_that_another_machine_has_are_named() {
    let (network, _serving) = cluster(1);
    let machine = &network.director_machine;
    network.director.ok("-A -t [2001:db8:1::7]:80");
    network.director.ok("-a -t [2001:db8:1::7]:80 -r [2001:db8:2::11]:80 -m");
    network.client.ip("address add 2001:db8:1::7/64 dev outside nodad\n");
    machine.sysctl("ipv6/conf/all/accept_dad=1 ipv6/conf/outside/accept_dad=1");
    machine.ip("address add 2001:db8:1::7/64 dev outside\n");
    let deadline = Instant::now() + PATIENCE;
    while !found(machine, "").contains(&"address-duplicate".into()) {
        assert!(Instant::now() < deadline, "{}", machine.sh("ip -6 address"));
        sleep(Duration::from_millis(100));
    }
}

/// The commands that break something, the words in the printed ones that only people know, a part of the saved table
/// that has to be there afterwards, and the commands that clean up.
type Printed = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

const PRINTED: [Printed; 13] = [
    ("sysctl -w net.ipv4.ip_forward=0", &[], "", "true"),
    (
        "ipvsadm -A -t [2001:db8:1::1]:80; ipvsadm -a -t [2001:db8:1::1]:80 -r [2001:db8:2::11]:80 -m; \
         sysctl -w net.ipv6.conf.all.forwarding=0",
        &[],
        "",
        "ipvsadm -D -t [2001:db8:1::1]:80",
    ),
    // The weights from before come back.
    (
        "ipvsadm --drain -r 10.0.0.11; ipvsadm --drain -r 10.0.0.12",
        &[],
        " -m -w 7\n",
        "ipvsadm --undrain -r 10.0.0.11; ipvsadm --undrain -r 10.0.0.12",
    ),
    (
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -w 0; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 --keep -w 0",
        &[],
        " -m -w 1\n",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -w 7; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 --keep -w 7",
    ),
    // All but the threshold stays.
    (
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -x 1",
        &[("CONNECTIONS", "1000")],
        "-r 10.0.0.11:80 -m -w 7 -x 1000\n",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -x 0",
    ),
    (
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -x 1; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 --keep -x 1",
        &[("CONNECTIONS", "1000")],
        "-r 10.0.0.12:80 -m -w 7 -x 1000\n",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -x 0; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.12 --keep -x 0",
    ),
    (
        "ipvsadm -A -t 192.0.2.77:80; ipvsadm -a -t 192.0.2.77:80 -r 10.0.0.11 -m",
        &[("INTERFACE", "outside")],
        "",
        "ipvsadm -D -t 192.0.2.77:80",
    ),
    (
        "ip address add 198.51.100.1/24 dev lo; ipvsadm -A -t 198.51.100.1:80; \
         ipvsadm -a -t 198.51.100.1:80 -r 10.0.0.11 -m",
        &[],
        "",
        "ipvsadm -D -t 198.51.100.1:80",
    ),
    (
        "ipvsadm -A -t 192.0.2.1:81",
        &[("ADDRESS", "10.0.0.11")],
        "-a -t 192.0.2.1:81 -r 10.0.0.11:81 ",
        "ipvsadm -D -t 192.0.2.1:81",
    ),
    (
        "ipvsadm -a -t 192.0.2.1:80 -r 203.0.113.9 -m",
        &[("GATEWAY", "10.0.0.254")],
        "",
        "ipvsadm -d -t 192.0.2.1:80 -r 203.0.113.9",
    ),
    (
        "sysctl -w net.ipv4.vs.conn_reuse_mode=0; ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -w 0",
        &[],
        "",
        "ipvsadm -e -t 192.0.2.1:80 -r 10.0.0.11 --keep -w 7",
    ),
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    (
        "ip link add sync0 type dummy; ip link set sync0 multicast on up; \
         ipvsadm --start-daemon master --mcast-interface sync0; sleep 0.3; ip link set sync0 down",
        &[],
        "",
        "true",
    ),
    ("ip link del sync0", &[], "", "true"),
];

/// The mends that findings print are commands that mend, as a shell reads them, and do no more than that.
#[test]
fn printed_commands_mend() {
    let (network, _serving) = cluster(2);
    let _notes = NotesFile::new();
    let machine = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s wrr"), SERVERS, 80, "-m -w 7");
    assert_eq!(found(machine, ""), NOTHING);
    for (break_it, known, kept, clean_up) in PRINTED {
        // Each server has connections, which the kernel forgets two minutes after their end.
        count_answers(&network.client, &endpoint(VIP, 80), 4);
        run_script(machine, break_it);
        assert_ne!(found(machine, ""), NOTHING, "{break_it}");
        mend_as_printed(machine, "", known);
        let saved = network.director.saved();
        assert!(saved.contains(kept), "{break_it}: {saved}");
        run_script(machine, clean_up);
    }
    assert_eq!(found(machine, ""), NOTHING);
    count_answers(&network.client, &endpoint(VIP, 80), 4);
}

/// A VPN or a tunnel leads to its network, and nobody may be told to take that away.
#[test]
fn the_network_behind_a_line_to_one_machine_is_no_fault() {
    let (network, _serving) = cluster(1);
    let machine = &network.director_machine;
    machine.sh("modprobe ipip; modprobe tun; ip link add far type ipip local 10.0.0.1 remote 10.0.0.254");
    machine.sh("[ -c /dev/net/tun ] || { mkdir -p /dev/net; mknod /dev/net/tun c 10 200; }");
    machine.sh("ip tuntap add dev vpn mode tun");
    for (device, vip) in [("far", "198.51.100.1"), ("vpn", "203.0.113.1")] {
        machine.ip(&format!("link set {device} up\naddress add {vip}/24 dev {device}\n"));
        network.add_service(&format!("-t {vip}:80 -s rr"), SERVERS, 80, "-m");
    }
    for words in ["", "--as-real-server"] {
        assert_eq!(found(machine, words), NOTHING, "{words}: {}", examine(machine, words).stdout);
    }
}
