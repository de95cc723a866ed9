//! Settings of a real server.

use super::*;
use crate::cluster::udp::UdpServer;

#[test]
fn each_wrong_setting_of_a_real_server_is_named_and_nothing_before() {
    let network = Network::new(1);
    network.route_answers_around_director();
    let server = &network.servers[0];
    let serving = network.serve(80);
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-g");
    network.add_service(&format!("-t [{VIP6}]:80 -s rr"), SERVERS6, 80, "-g");
    for vip in [VIP, VIP6] {
        count_answers(&network.client, &endpoint(vip, 80), 2);
    }
    assert_eq!(found(&network.director_machine, ""), NOTHING);
    let service = format!("--as-real-server -t {VIP}:80");
    for words in ["--as-real-server", &service, &format!("--as-real-server -t [{VIP6}]:80")] {
        assert_eq!(found(server, words), NOTHING, "{words}: {}", examine(server, words).stdout);
    }
    for (check, break_it, mend_it) in [
        (
            "arp-answered",
            "sysctl -w net.ipv4.conf.all.arp_ignore=0",
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
        ),
        (
            "arp-announced",
            "sysctl -w net.ipv4.conf.all.arp_announce=0",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
        ),
        ("address-missing", "ip address del 192.0.2.1/32 dev lo", "ip address add 192.0.2.1/32 dev lo"),
        (
            "address-wide",
            "ip address del 192.0.2.1/32 dev lo; ip address add 192.0.2.1/24 dev lo",
            "ip address del 192.0.2.1/24 dev lo; ip address add 192.0.2.1/32 dev lo",
        ),
        (
            "address-announced",
            "ip address del 192.0.2.1/32 dev lo; ip address add 192.0.2.1/32 dev inside",
            "ip address del 192.0.2.1/32 dev inside; ip address add 192.0.2.1/32 dev lo",
        ),
        (
            "interface-down",
            "ip address del 192.0.2.1/32 dev lo; ip link add quiet type dummy; \
             ip address add 192.0.2.1/32 dev quiet; ip route del local 192.0.2.1 dev quiet table local",
            "ip link del quiet; ip address add 192.0.2.1/32 dev lo",
        ),
        (
            "reverse-path",
            "modprobe ipip; ip link set tunl0 up; sysctl -w net.ipv4.conf.tunl0.rp_filter=1",
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=0",
        ),
    ] {
        run_script(server, break_it);
        assert_eq!(found(server, &service), [check], "{}", examine(server, &service).stdout);
        run_script(server, mend_it);
        assert_eq!(found(server, &service), NOTHING, "{check}");
    }
    drop(serving);
    assert_eq!(found(server, &service), ["not-listening"]);
    // The director sees that nobody answers, and sends us to the server.
    server.ip("address del 192.0.2.1/32 dev lo\n");
    wait_in_vain(&network.client, &endpoint(VIP, 80));
    let findings = examine(&network.director_machine, "").stdout;
    assert!(findings.contains("[waiting]") && findings.contains(&service), "{findings}");
}

#[test]
fn printed_commands_mend() {
    let network = Network::new(1);
    network.route_answers_around_director();
    let (_serving, server) = (network.serve(80), &network.servers[0]);
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-g");
    let service = format!("--as-real-server -t {VIP}:80");
    let away = "ip address del 192.0.2.1/32 dev lo";
    let seen = "sysctl -w net.ipv4.conf.all.arp_ignore=0; sysctl -w net.ipv4.conf.all.arp_announce=0";
    for (break_it, options, checks) in [
        (seen, "", &["arp-answered", "arp-announced"][..]),
        ("sysctl -w net.ipv4.conf.inside.arp_ignore=3", "", &["arp-answered"]),
        (&format!("{away}; {seen}"), "", &["address-missing"]),
        (&format!("{away}; ip address add 192.0.2.1/24 dev lo"), "", &["address-wide"]),
        (&format!("{away}; {seen}; ip address add 192.0.2.1/32 dev inside"), "", &["address-announced"]),
        (
            &format!(
                "{away}; ip link add quiet type dummy; ip address add 192.0.2.1/32 dev quiet; \
                 ip route del local 192.0.2.1 dev quiet table local"
            ),
            "",
            &["interface-down"],
        ),
        ("ip link del quiet; ip address add 192.0.2.1/32 dev lo", " -i", &["no-tunnel"]),
        ("sysctl -w net.ipv4.conf.tunl0.rp_filter=1", " -i", &["reverse-path"]),
        ("true", " -i --tun-type gue --tun-port 6080", &["no-gue-port"]),
        ("true", " -i --tun-type gre", &["no-tunnel"]),
    ] {
        let words = format!("{service}{options}");
        run_script(server, break_it);
        assert_eq!(found(server, &words), checks, "{break_it}: {}", examine(server, &words).stdout);
        mend_as_printed(server, &words, &[]);
        assert_eq!(server.sh("ip -oneline address show to 192.0.2.1/32").lines().count(), 1, "{break_it}");
        count_answers(&network.client, &endpoint(VIP, 80), 2);
    }
    // Alone it does no harm that the interface of the address is down.
    run_script(
        server,
        &format!("{away}; ip link add quiet type dummy; ip address add 192.0.2.1/32 dev quiet"),
    );
    assert_eq!(found(server, &service), NOTHING);
    count_answers(&network.client, &endpoint(VIP, 80), 2);
}

#[test]
fn a_missing_end_of_a_tunnel_is_named() {
    let network = Network::new(1);
    network.route_answers_around_director();
    let server = &network.servers[0];
    let _serving = network.serve(80);
    for (tunnel, missing, command) in [
        ("-i", "no-tunnel", "link add tunnel type ipip local 10.0.0.11\nlink set tunnel up\n"),
        ("-i --tun-type gue --tun-port 6080", "no-gue-port", "fou add port 6080 gue\n"),
        ("-i --tun-type gre", "no-tunnel", "link add gre type gre local 10.0.0.11\nlink set gre up\n"),
    ] {
        let words = format!("--as-real-server -t {VIP}:80 {tunnel}");
        assert_eq!(found(server, &words), [missing], "{words}");
        server.ip(command);
        assert_eq!(found(server, &words), NOTHING, "{words}: {}", examine(server, &words).stdout);
        network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, tunnel);
        count_answers(&network.client, &endpoint(VIP, 80), 2);
        network.director.ok(&format!("-D -t {VIP}:80"));
    }
    // Now with checksums, which the tunnel does not accept. The director says how to examine the server.
    let (tunnel, service) = ("-i --tun-type gre --tun-csum", endpoint(VIP, 81));
    let _other = network.serve(81);
    network.add_service(&format!("-t {service} -s rr"), SERVERS, 81, tunnel);
    wait_in_vain(&network.client, &service);
    let finding = examine(&network.director_machine, "").stdout;
    let words = format!("--as-real-server -t {service} {tunnel}");
    assert!(finding.contains("[waiting]") && finding.ends_with(&format!("{words}\n")), "{finding}");
    assert_eq!(found(server, &words), ["gre-checksum"]);
    server.ip("link add checked type gre local 10.0.0.11 remote 10.0.0.1 csum\nlink set checked up\n");
    assert_eq!(found(server, &words), NOTHING);
    count_answers(&network.client, &service, 2);
}

#[test]
fn answers_of_datagrams_and_ipv6_addresses_belong_to_the_right_place() {
    let network = Network::new(1);
    network.route_answers_around_director();
    let server = &network.servers[0];
    let _servers = [UdpServer::start(server, "0.0.0.0:53"), UdpServer::start(server, &endpoint(VIP, 54))];
    assert_eq!(found(server, &format!("--as-real-server -u {VIP}:53")), ["any-address"]);
    assert_eq!(found(server, &format!("--as-real-server -u {VIP}:54")), NOTHING);

    let _serving = network.serve(80);
    let words = format!("--as-real-server -t {}", endpoint(VIP6, 80));
    assert_eq!(found(server, &words), NOTHING);
    server.ip(&format!("address del {VIP6}/128 dev lo\naddress add {VIP6}/128 dev inside nodad\n"));
    assert_eq!(found(server, &words), ["address-announced"]);
}
