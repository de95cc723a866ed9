//! Direct routing with the client in the servers' own network: to whom the virtual address leads there.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::machine::Machine;
use super::network::{Network, SERVERS, SERVERS6, at};
use super::tcp::{expected, spread};

/// The virtual addresses, inside.
const VIP: &str = "10.0.0.100";
const VIP6: &str = "2001:db8:2::100";

/// Which hardware addresses are said to have the virtual one, as the client hears it while it connects and
/// nobody knows the others before.
fn claimants(network: &Network, client: &Machine) -> BTreeSet<String> {
    for machine in network.servers.iter().chain([&network.links]) {
        machine.ip("neigh flush all\n");
    }
    let capture = Capture::start(client);
    spread(client, &at(VIP, 80), 4);
    capture.claimants(VIP)
}

#[test]
fn servers_claim_the_virtual_address_unless_both_settings_keep_them_from_it() {
    let network = Network::new(3);
    let [servers @ .., client] = &network.servers[..] else { panic!("there are no servers") };
    for (machine, device) in [(&network.links, "inside"), (&servers[0], "lo"), (&servers[1], "lo")] {
        machine
            .ip(&format!("address add {VIP}/32 dev {device}\naddress add {VIP6}/128 dev {device} nodad\n"));
    }
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        network.director.ok(&format!("-A -t {} -s rr", at(vip, 80)));
        for host in [11, 12] {
            network.director.ok(&format!(
                "-a -t {} -r {} -g",
                at(vip, 80),
                at(&format!("{servers}{host}"), 80)
            ));
        }
    }
    let _servers = network.serve(80);
    let link = network.links.sh("ip link show inside");
    let director = link.split_once("link/ether ").and_then(|(_, rest)| rest.split(' ').next()).unwrap();
    for (ignore, announce) in [(0, 0), (0, 2), (1, 0), (1, 2)] {
        let settings = format!("ipv4/conf/all/arp_ignore={ignore} ipv4/conf/all/arp_announce={announce}");
        for server in servers {
            server.sysctl(&settings);
        }
        let claimants = claimants(&network, client);
        assert!(claimants.contains(director), "{settings}: {claimants:?}");
        assert_eq!(claimants.len() == 1, (ignore, announce) == (1, 2), "{settings}: {claimants:?}");
    }
    // The last settings are the right ones. IPv6 needs none: only addresses of the link are answered for.
    for vip in [VIP, VIP6] {
        assert_eq!(spread(client, &at(vip, 80), 6), expected([("server1", 3), ("server2", 3)]));
        let neighbour = client.sh(&format!("ip neigh show {vip}"));
        assert!(neighbour.contains(director), "{director}: {neighbour}");
    }
}
