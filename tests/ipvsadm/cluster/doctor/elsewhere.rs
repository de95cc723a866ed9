//! What other machines do wrong, which only packets tell.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::cluster::directors::start_daemon;

#[test]
fn another_machine_that_answers_for_a_virtual_address_is_named() {
    let (mut network, _serving) = cluster(1);
    let second = network.second_director("second", 2);
    let director = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    // One that a server answers for, in the network that it shares with the director.
    director.ip("address add 10.0.0.100/32 dev inside\n");
    network.servers[0].ip("address add 10.0.0.100/32 dev lo\n");
    network.servers[0].sysctl("ipv4/conf/all/arp_ignore=1");
    network.director.ok("-A -t 10.0.0.100:80");
    network.director.ok("-a -t 10.0.0.100:80 -r 10.0.0.11:80 -g");
    assert_eq!(found(director, "--probe"), NOTHING);

    second.ip(&format!("address add {VIP}/32 dev outside\n"));
    assert_eq!(found(director, ""), NOTHING);
    assert_eq!(found(director, "--probe"), ["address-duplicate"]);
    let link = second.sh("ip link show outside");
    let hardware = link.split_once("link/ether ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
    let line = examine(director, "--probe").stdout;
    assert!(
        line.contains(&format!("{VIP}: another machine answers for it on outside: {}:", hardware)),
        "{line}"
    );
    second.ip(&format!("address del {VIP}/32 dev outside\n"));
    assert_eq!(found(director, "--probe"), NOTHING);

    network.servers[0].sysctl("ipv4/conf/all/arp_ignore=0");
    let line = examine(director, "--probe").stdout;
    assert!(line.starts_with("error [address-duplicate] virtual address 10.0.0.100: "), "{line}");
    // To ask has changed nothing: neither here nor there is anything learnt about the address.
    for machine in [director, &second, &network.servers[0]] {
        assert_eq!(machine.sh("ip neighbour show 10.0.0.100; ip neighbour show 192.0.2.1 nud failed"), "");
    }
}

/// The second director has an address of its own for the service, and is the active one.
#[test]
fn directors_that_do_not_belong_together_are_named() {
    let (mut network, _serving) = cluster(1);
    let second = network.second_director("second", 2);
    let (director, active) = (&network.director_machine, "192.0.2.2:80");
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    second.ipvsadm(&format!("-A -t {active} -s rr"));
    second.ipvsadm(&format!("-a -t {active} -r {SERVERS}11:80 -m"));
    // The default route of the servers still leads to the other director.
    wait_in_vain(&network.client, active);
    wait_for(&second, "", &["no-answers"]);
    network.route_answers_through(2);
    // More than wait in vain, which the kernel remembers for a minute.
    count_answers(&network.client, active, 10);
    wait_for(&second, "", &NOTHING);

    start_daemon(&second, "master", "--syncid 6");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                count_answers(&network.client, active, 1);
                sleep(Duration::from_millis(100));
            }
        });
        // Even if a test fails, so that the other thread ends.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for (daemon, options, expected) in [
                ("backup", "--syncid 5", &["sync-id"][..]),
                ("backup", "--syncid 6 --mcast-group ff02::81", &["sync-group"]),
                ("master", "--syncid 6", &["sync-masters"]),
                ("backup", "--syncid 6", &[]),
            ] {
                start_daemon(director, daemon, options);
                assert_eq!(found(director, ""), NOTHING, "{options}");
                wait_for(director, "--probe", expected);
                director.ipvsadm(&format!("--stop-daemon {daemon}"));
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert_ne!(director.ipvsadm("-L -n -c --count"), "0\n");
}
