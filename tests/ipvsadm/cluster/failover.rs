//! A director fails, and another takes over its addresses and connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::directors::{Directors, connections};
use super::machine::Machine;
use super::tcp::{Connection, answering_servers};
use super::wait_until;
use crate::programs::{Process, Stage, unpacked_program};

/// The virtual addresses of the service, which move to the second director.
const VIP: &str = "192.0.2.10";
const VIP6: &str = "2001:db8:1::10";

/// The host number of the servers' gateway, which moves as well.
const GATEWAY: u8 = 10;

/// Starts keepalived on a machine. The live instance with the highest priority gets the addresses. It runs
/// with real-time priority because a late advertisement makes it count as dead.
fn keepalived(stage: &Stage, machine: &Machine, priority: u8) -> Process {
    let name = &machine.name;
    let configuration = format!(
        "global_defs {{
            vrrp_rt_priority 50
        }}
        vrrp_instance cluster {{
            interface inside
            virtual_router_id 51
            priority {priority}
            garp_master_refresh 1
            virtual_ipaddress {{
                {VIP}/24 dev outside
                10.0.0.{GATEWAY}/24 dev inside
            }}
            virtual_ipaddress_excluded {{
                {VIP6}/64 dev outside
                2001:db8:2::{GATEWAY}/64 dev inside
            }}
        }}"
    );
    stage.write(&format!("/run/{name}.conf"), &configuration);
    let mut command =
        stage.nsenter(&[format!("--net={}", machine.namespace_path())], unpacked_program("keepalived"));
    command.args(["--dont-fork", "--log-console", "--vrrp", &format!("--use-file=/run/{name}.conf")]);
    command.args([format!("--pid=/run/{name}.pid"), format!("--vrrp_pid=/run/{name}.vrrp")]);
    stage.start(&mut command)
}

fn has_addresses(machine: &Machine) -> bool {
    let addresses = machine.sh("ip -o address show");
    [VIP, VIP6].iter().all(|address| addresses.contains(&format!(" {address}/")))
}

/// A continuous transfer of bytes to a server and back, which checks that they are unchanged.
struct Transfer {
    bytes: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Transfer {
    fn start(client: &Machine, address: &str) -> Self {
        let mut connection = Connection::open(client, address).unwrap();
        let (bytes, stop) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, stopped) = (Arc::clone(&bytes), Arc::clone(&stop));
        let address = address.to_string();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let payload = payload_at(count.load(Ordering::Relaxed));
                let answer =
                    connection.exchange(&payload).unwrap_or_else(|error| panic!("{address}: {error}"));
                assert!(answer == payload, "{address}: other bytes came back");
                count.fetch_add(payload.len(), Ordering::Relaxed);
            }
        });
        Self { bytes, stop, thread }
    }

    /// Waits until this number of further bytes has been transferred.
    fn wait_for_progress(&self, bytes: usize) {
        let wanted = self.bytes.load(Ordering::Relaxed) + bytes;
        let is_done = || self.bytes.load(Ordering::Relaxed) >= wanted;
        assert!(
            wait_until(|| is_done() || self.thread.is_finished()) && is_done(),
            "the transfer has stopped"
        );
    }

    fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// Returns the bytes of a transfer from this offset on. No other offset has the same bytes.
fn payload_at(start: usize) -> Vec<u8> {
    (start / 8..start / 8 + 2048).flat_map(|number| (number as u64).to_be_bytes()).collect()
}

/// Transfers data through both virtual addresses while the first director fails.
fn assert_transfers_survive_failover(directors: &Directors) {
    let (first, second, client) =
        (&directors.network.director_machine, &directors.second, &directors.network.client);
    directors.start_backup("");
    directors.start_master("");
    let stage = Stage::new();
    let _master = keepalived(&stage, first, 150);
    assert!(wait_until(|| has_addresses(first)), "the first director has no addresses");

    let addresses = [format!("{VIP}:80"), format!("[{VIP6}]:80")];
    // A director picks the second server first. Another client uses it up.
    for (address, other) in addresses.iter().zip(["198.18.0.1", "2001:db8:99::1"]) {
        assert_eq!(Connection::open_from(client, other.parse().unwrap(), address).unwrap().server, "server2");
    }
    let transfers = addresses.each_ref().map(|address| Transfer::start(client, address));
    let synchronised = directors.wait_for_synchronisation(2);
    // The backup starts only now: on a slow machine it may take over too early, and more than once, which is
    // harmless once the connections are synchronised.
    let _backup = keepalived(&stage, second, 100);
    for transfer in &transfers {
        transfer.wait_for_progress(1_000_000);
    }

    first.ip("link set inside down\nlink set outside down\n");
    assert!(wait_until(|| has_addresses(second)), "the second director has no addresses");
    for transfer in &transfers {
        transfer.wait_for_progress(1_000_000);
    }
    assert_eq!(connections(second), synchronised);
    for transfer in transfers {
        transfer.finish();
    }
    for address in &addresses {
        assert_eq!(answering_servers(client, address, 3), ["server1"; 3], "persistence is synchronised, too");
    }
}

/// Returns the rules of persistent services with two servers each.
fn rules(method: &str) -> String {
    [
        (VIP.to_string(), ["10.0.0.11", "10.0.0.12"]),
        (format!("[{VIP6}]"), ["[2001:db8:2::11]", "[2001:db8:2::12]"]),
    ]
    .map(|(vip, servers)| {
        let server = |server| format!("-a -t {vip}:80 -r {server}:80 {method} -w 1\n");
        format!("-A -t {vip}:80 -s rr -p 300\n{}", servers.map(server).concat())
    })
    .concat()
}

#[test]
fn a_masqueraded_transfer_survives_the_failure_of_its_director() {
    let directors = Directors::with_table(&rules("-m"));
    directors.network.route_answers_through(GATEWAY);
    assert_transfers_survive_failover(&directors);
}

#[test]
fn a_directly_routed_transfer_survives_the_failure_of_its_director() {
    let directors = Directors::with_table(&rules("-g"));
    directors.network.route_answers_around_director();
    for server in &directors.network.servers {
        server.ip(&format!("address add {VIP}/32 dev lo\naddress add {VIP6}/128 dev lo nodad\n"));
    }
    assert_transfers_survive_failover(&directors);
}
