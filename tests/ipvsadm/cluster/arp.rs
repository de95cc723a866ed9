//! Direct routing with the client in the servers' network, where servers may claim the virtual address by
//! ARP.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::machine::Machine;
use super::network::{Network, SERVERS, SERVERS6, endpoint};
use super::tcp::{count_answers, counts};

/// The virtual addresses, which belong to the inside network.
const VIP: &str = "10.0.0.100";
const VIP6: &str = "2001:db8:2::100";

/// Returns the hardware addresses that claim the virtual address while the client connects. All neighbour
/// tables are flushed first.
fn claimants(network: &Network, client: &Machine) -> BTreeSet<String> {
    for machine in network.servers.iter().chain([&network.director_machine]) {
        machine.ip("neigh flush all\n");
    }
    let capture = Capture::start(client);
    count_answers(client, &endpoint(VIP, 80), 4);
    capture.claimants(VIP)
}

#[test]
fn servers_claim_the_virtual_address_unless_both_settings_prevent_it() {
    let network = Network::new(3);
    let [servers @ .., client] = &network.servers[..] else { panic!("the network has no servers") };
    for (machine, device) in [(&network.director_machine, "inside"), (&servers[0], "lo"), (&servers[1], "lo")]
    {
        machine
            .ip(&format!("address add {VIP}/32 dev {device}\naddress add {VIP6}/128 dev {device} nodad\n"));
    }
    for (vip, servers) in [(VIP, SERVERS), (VIP6, SERVERS6)] {
        network.director.ok(&format!("-A -t {} -s rr", endpoint(vip, 80)));
        for host in [11, 12] {
            network.director.ok(&format!(
                "-a -t {} -r {} -g",
                endpoint(vip, 80),
                endpoint(&format!("{servers}{host}"), 80)
            ));
        }
    }
    let _servers = network.serve(80);
    let link = network.director_machine.sh("ip link show inside");
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
    // The last settings are the correct ones. IPv6 needs no settings: a machine only answers for addresses of
    // the link.
    for vip in [VIP, VIP6] {
        assert_eq!(count_answers(client, &endpoint(vip, 80), 6), counts([("server1", 3), ("server2", 3)]));
        let neighbour = client.sh(&format!("ip neigh show {vip}"));
        assert!(neighbour.contains(director), "{director}: {neighbour}");
    }
}
