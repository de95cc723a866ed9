//! The network that the clusters stand in:
//!
//! ```text
//!              outside                        inside
//!     client -----+----- director ------------+----- server1
//!      .100       |   .1           .1         |      .11
//!                 |                           +----- server2
//!                 '------ router -------------'      .12 ...
//!                  .254           .254
//! ```
//!
//! Outside is 192.0.2.0/24 and 2001:db8:1::/64, inside 10.0.0.0/24 and 2001:db8:2::/64. Answers go back
//! through the director or through the router, whichever is the servers' default route. The client owns
//! all of 198.18.0.0/15 and 2001:db8:99::/64 besides, for requests from many addresses.

use std::mem::take;
use std::net::SocketAddr;

use super::machine::Machine;
use super::tcp::TcpServer;
use super::udp::UdpServer;
use crate::support::Director;

/// The virtual address, which the director has outside.
pub const VIP: &str = "192.0.2.1";
pub const VIP6: &str = "2001:db8:1::1";

/// What the servers' addresses begin with. They end with their hosts: 11, 12 and so on.
pub const SERVERS: &str = "10.0.0.";
pub const SERVERS6: &str = "2001:db8:2::";

/// An address and a port, as ipvsadm takes them.
pub fn at(address: &str, port: u16) -> String {
    SocketAddr::new(address.parse().unwrap(), port).to_string()
}

/// All machines. The calling thread is on the director.
pub struct Network {
    pub director: Director,
    /// The director as a machine like the others.
    pub links: Machine,
    pub client: Machine,
    pub servers: Vec<Machine>,
    router: Router,
}

impl Network {
    /// A network with so many servers, which do not serve anything yet.
    pub fn new(servers: usize) -> Self {
        Self::around(Director::new(), servers)
    }

    /// The network around a director that has been made before.
    pub fn around(director: Director, servers: usize) -> Self {
        let mut router = Router::new();
        let links = Machine::here("director");
        let client = Machine::new("client");
        router.plug_director(&links, 1);
        router.plug(&client, "outside", 100);
        let servers = (1..=servers).zip(11..).map(|(number, host)| {
            let server = Machine::new(&format!("server{number}"));
            router.plug(&server, "inside", host);
            server
        });
        let servers = servers.collect();
        router.connect();
        client.sysctl("ipv4/tcp_syn_retries=2 ipv6/ip_nonlocal_bind=1");
        client.ip("route add local 198.18.0.0/15 dev lo\nroute add local 2001:db8:99::/64 dev lo\n");
        Self { director, links, client, servers, router }
    }

    /// Another director, which has this host's addresses.
    pub fn second_director(&mut self, name: &str, host: u8) -> Machine {
        let machine = Machine::new(name);
        self.router.plug_director(&machine, host);
        self.router.connect();
        machine
    }

    /// Answers go back through the director, as masquerading needs it.
    pub fn answers_through_director(&self) {
        self.answers_through(1);
    }

    /// Answers go back through the router, and the servers take the virtual addresses for their own.
    pub fn answers_past_director(&self) {
        self.answers_through(254);
        for server in &self.servers {
            server.sysctl("ipv4/conf/all/arp_ignore=1 ipv4/conf/all/arp_announce=2");
            server.ip(&format!("address add {VIP}/32 dev lo\naddress add {VIP6}/128 dev lo nodad\n"));
        }
    }

    /// The servers' default route leads to this host.
    pub fn answers_through(&self, host: u8) {
        for server in &self.servers {
            server.ip(&format!(
                "route replace default via 10.0.0.{host}\nroute replace default via 2001:db8:2::{host}\n"
            ));
        }
    }

    /// Adds a service, such as `-t 192.0.2.1:80 -s rr`, and every server to it with this port and method.
    pub fn balance(&self, service: &str, servers: &str, port: u16, method: &str) {
        self.director.ok(&format!("-A {service}"));
        let (id, _) = service.split_once(" -s ").unwrap();
        for host in (11..).take(self.servers.len()) {
            let server = at(&format!("{servers}{host}"), port);
            self.director.ok(&format!("-a {id} -r {server} {method}"));
        }
    }

    /// Every server answers datagrams to this address, which is one that all have.
    pub fn serve_datagrams(&self, address: &str) -> Vec<UdpServer> {
        self.servers.iter().map(|server| UdpServer::start(server, address)).collect()
    }

    /// Every server answers on this TCP port, until what is returned is dropped.
    pub fn serve(&self, port: u16) -> Vec<TcpServer> {
        self.servers.iter().map(|server| TcpServer::start(server, port)).collect()
    }
}

/// The way to the client's many addresses.
const TO_CLIENT: &str = "route add 198.18.0.0/15 via 192.0.2.100\n\
    route add 2001:db8:99::/64 via 2001:db8:1::100\n";

/// The router, which is the switch of both networks as well: each is a bridge.
struct Router {
    machine: Machine,
    /// Commands that connect what was plugged in.
    ports: String,
}

impl Router {
    fn new() -> Self {
        let machine = Machine::new("router");
        machine.sysctl(SETTINGS);
        machine.sysctl("ipv4/ip_forward=1 ipv6/conf/all/forwarding=1");
        machine.ip(
            "link add outside type bridge mcast_snooping 0\nlink add inside type bridge mcast_snooping 0\n",
        );
        machine.ip(&(addresses("outside", 254) + &addresses("inside", 254) + TO_CLIENT));
        Self { machine, ports: String::new() }
    }

    /// Plugs a machine into a network, as this host.
    fn plug(&mut self, machine: &Machine, interface: &str, host: u8) {
        let port = format!("{}.{}", machine.name, &interface[..3]);
        machine.sysctl(SETTINGS);
        machine.ip(&format!(
            "link set lo up\nlink add {interface} type veth peer name {port} netns {}\n{}",
            self.machine.path(),
            addresses(interface, host)
        ));
        // Three unanswered questions in three seconds are the rule, which is little on a slow machine.
        machine.sysctl(&format!(
            "ipv4/neigh/{interface}/mcast_solicit=20 ipv6/neigh/{interface}/mcast_solicit=20"
        ));
        self.ports += &format!("link set {port} master {interface} up\n");
    }

    /// Plugs a machine that forwards into both networks.
    fn plug_director(&mut self, machine: &Machine, host: u8) {
        self.plug(machine, "outside", host);
        self.plug(machine, "inside", host);
        machine.sysctl("ipv4/ip_forward=1 ipv6/conf/all/forwarding=1");
        machine.ip(TO_CLIENT);
    }

    fn connect(&mut self) {
        self.machine.ip(&take(&mut self.ports));
    }
}

/// Interfaces are usable at once, and routes need not be symmetric.
const SETTINGS: &str = "ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0 \
    ipv4/conf/all/send_redirects=0 ipv4/conf/default/send_redirects=0 \
    ipv6/conf/all/accept_dad=0 ipv6/conf/default/accept_dad=0";

fn addresses(interface: &str, host: u8) -> String {
    let (v4, v6) = match interface {
        "outside" => ("192.0.2", "2001:db8:1:"),
        _ => ("10.0.0", "2001:db8:2:"),
    };
    format!(
        "link set {interface} up\naddress add {v4}.{host}/24 dev {interface}\n\
        address add {v6}:{host}/64 dev {interface} nodad\n"
    )
}
