//! What all network namespaces of a kernel have in common, so that nothing else may run.

use super::*;
use crate::cluster::wait_until;
use crate::programs::{unpacked, unpacked_program};
use crate::support::{Director, Sysctl};

fn cluster_alone() -> (Network, Vec<TcpServer>) {
    let network = Network::with_director(Director::alone(), 1);
    network.route_answers_through_director();
    let serving = network.serve(80);
    (network, serving)
}

#[test]
fn a_helper_for_ftp_that_is_missing_or_watches_other_ports_is_named() {
    let (network, _serving) = cluster_alone();
    let director = &network.director_machine;
    network.add_service(&format!("-t {VIP}:21 -s rr"), SERVERS, 21, "-m");
    // Namespaces of earlier tests may still use it while they end.
    let unload =
        || assert!(wait_until(|| run(Command::new("modprobe").args(["-r", "ip_vs_ftp"])).status == 0));
    unload();
    for (load, expected) in [
        ("true", &["ftp-helper"][..]),
        ("modprobe ip_vs_ftp", &[]),
        ("modprobe ip_vs_ftp ports=2121,2122", &["ftp-helper"]),
        ("modprobe ip_vs_ftp ports=2121,21", &[]),
    ] {
        network.director.system(load);
        assert_eq!(found(director, ""), expected, "{load}: {}", examine(director, "").stdout);
        unload();
    }
    network.director.system("modprobe ip_vs_ftp");
}

#[test]
fn a_full_table_of_tracked_connections_is_named() {
    let (network, _serving) = cluster_alone();
    let director = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    // FTP behind NAT makes the kernel track connections.
    director.sh("modprobe ip_vs_ftp");
    network.add_service(&format!("-t {VIP}:21 -s rr"), SERVERS, 21, "-m");
    director.sysctl("ipv4/vs/conntrack=1");
    count_answers(&network.client, &endpoint(VIP, 80), 10);
    assert_eq!(found(director, ""), NOTHING);
    let _limit = Sysctl::set("netfilter/nf_conntrack_max", "10");
    assert_eq!(
        found(director, ""),
        ["conntrack-full"],
        "{}",
        director.sh("cat /proc/sys/net/netfilter/nf_conntrack_count")
    );
}

#[test]
fn rules_that_use_tracked_connections_are_named() {
    let (network, _serving) = cluster_alone();
    let director = &network.director_machine;
    network.add_service(&format!("-t {VIP}:80 -s rr"), SERVERS, 80, "-m");
    // Newer kernels may have another packet filter.
    let has_iptables = run(Command::new("modprobe").args(["-n", "ip_tables"])).status == 0;
    if has_iptables {
        let iptables = unpacked_program("iptables-legacy");
        let (iptables, libraries) = (iptables.display(), unpacked("usr/lib"));
        director.sh(&format!(
            "XTABLES_LIBDIR=$(echo {libraries}/*/xtables) {iptables} -A FORWARD -m conntrack --ctstate NEW -j ACCEPT"
        ));
    }
    assert_eq!(found(director, ""), if has_iptables { &["untracked"][..] } else { &NOTHING });
    director.sysctl("ipv4/vs/conntrack=1");
    assert_eq!(found(director, ""), NOTHING);
}
