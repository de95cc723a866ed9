//! A director that dies, and another that takes its addresses and its connections over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::directors::{Directors, connections};
use super::machine::Machine;
use super::soon;
use super::tcp::{Connection, in_turn};
use crate::programs::{Process, Stage, unpacked_program};

/// The virtual addresses of the service, which move.
const VIP: &str = "192.0.2.10";
const VIP6: &str = "2001:db8:1::10";

/// The host of the servers' gateway, which moves as well.
const GATEWAY: u8 = 10;

/// Starts keepalived on a machine. Of those that live, the one of the highest priority gets the addresses.
/// It must not be late, or it counts as dead, so it has the processor before others.
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
    let mut command = stage.nsenter(&[format!("--net={}", machine.path())], unpacked_program("keepalived"));
    command.args(["--dont-fork", "--log-console", "--vrrp", &format!("--use-file=/run/{name}.conf")]);
    command.args([format!("--pid=/run/{name}.pid"), format!("--vrrp_pid=/run/{name}.vrrp")]);
    stage.start(&mut command)
}

fn has_addresses(machine: &Machine) -> bool {
    let addresses = machine.sh("ip -o address show");
    [VIP, VIP6].iter().all(|address| addresses.contains(&format!(" {address}/")))
}

/// Bytes that go to a server and back, and are the same, until the end.
struct Transfer {
    bytes: Arc<AtomicUsize>,
    end: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Transfer {
    fn start(client: &Machine, address: &str) -> Self {
        let mut connection = Connection::open(client, address).unwrap();
        let (bytes, end) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, ended) = (Arc::clone(&bytes), Arc::clone(&end));
        let address = address.to_string();
        let thread = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                let piece = piece(count.load(Ordering::Relaxed));
                let answer = connection.exchange(&piece).unwrap_or_else(|error| panic!("{address}: {error}"));
                assert!(answer == piece, "{address}: other bytes came back");
                count.fetch_add(piece.len(), Ordering::Relaxed);
            }
        });
        Self { bytes, end, thread }
    }

    /// Waits until so much more has been transferred.
    fn goes_on(&self, bytes: usize) {
        let wanted = self.bytes.load(Ordering::Relaxed) + bytes;
        let is_there = || self.bytes.load(Ordering::Relaxed) >= wanted;
        assert!(soon(|| is_there() || self.thread.is_finished()) && is_there(), "the transfer has ended");
    }

    fn finish(self) {
        self.end.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// The bytes of a transfer from this one on, which are not the same anywhere else.
fn piece(start: usize) -> Vec<u8> {
    (start / 8..start / 8 + 2048).flat_map(|number| (number as u64).to_be_bytes()).collect()
}

/// Transfers through both virtual addresses while the first director dies.
fn fail_over(directors: &Directors) {
    let (first, second, client) = (&directors.network.links, &directors.second, &directors.network.client);
    directors.start_backup("");
    directors.start_master("");
    let stage = Stage::new();
    let _master = keepalived(&stage, first, 150);
    assert!(soon(|| has_addresses(first)), "the first has no addresses");

    let addresses = [format!("{VIP}:80"), format!("[{VIP6}]:80")];
    // The second server is the first that a director takes. It gets another client.
    for (address, other) in addresses.iter().zip(["198.18.0.1", "2001:db8:99::1"]) {
        assert_eq!(Connection::open_from(client, other.parse().unwrap(), address).unwrap().server, "server2");
    }
    let transfers = addresses.each_ref().map(|address| Transfer::start(client, address));
    let known = directors.wait_for_synchronisation(2);
    // Not before: on a slow machine it may take over too early, and again, which is no harm now.
    let _backup = keepalived(&stage, second, 100);
    for transfer in &transfers {
        transfer.goes_on(1_000_000);
    }

    first.ip("link set inside down\nlink set outside down\n");
    assert!(soon(|| has_addresses(second)), "the second has no addresses");
    for transfer in &transfers {
        transfer.goes_on(1_000_000);
    }
    assert_eq!(connections(second), known);
    for transfer in transfers {
        transfer.finish();
    }
    for address in &addresses {
        assert_eq!(in_turn(client, address, 3), ["server1"; 3], "what has persisted is synchronised, too");
    }
}

/// Persistent services with two servers each.
fn table(method: &str) -> String {
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
fn a_transfer_with_masquerading_outlives_its_director() {
    let directors = Directors::with_table(&table("-m"));
    directors.network.answers_through(GATEWAY);
    fail_over(&directors);
}

#[test]
fn a_transfer_with_direct_routing_outlives_its_director() {
    let directors = Directors::with_table(&table("-g"));
    directors.network.answers_past_director();
    for server in &directors.network.servers {
        server.ip(&format!("address add {VIP}/32 dev lo\naddress add {VIP6}/128 dev lo nodad\n"));
    }
    fail_over(&directors);
}
