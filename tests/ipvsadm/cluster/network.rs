//! The network of the clusters:
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
//! Outside is 192.0.2.0/24 and 2001:db8:1::/64, inside 10.0.0.0/24 and 2001:db8:2::/64. Answers return
//! through the director or through the router, depending on the servers' default route. The client also
//! owns all of 198.18.0.0/15 and 2001:db8:99::/64, for requests from many addresses.

use std::mem::take;
use std::net::SocketAddr;

use super::machine::Machine;
use super::tcp::TcpServer;
use super::udp::UdpServer;
use crate::support::Director;

/// The virtual address, which is the director's outside address.
pub const VIP: &str = "192.0.2.1";
pub const VIP6: &str = "2001:db8:1::1";

/// The prefix of the servers' addresses. The host numbers 11, 12 and so on complete them.
pub const SERVERS: &str = "10.0.0.";
pub const SERVERS6: &str = "2001:db8:2::";

/// Formats an address and a port for ipvsadm.
pub fn endpoint(address: &str, port: u16) -> String {
    SocketAddr::new(address.parse().unwrap(), port).to_string()
}

/// All machines of the network. The thread that creates it is on the director.
pub struct Network {
    pub director: Director,
    /// The director's namespace, with the same methods as the other machines.
    pub director_machine: Machine,
    pub client: Machine,
    pub servers: Vec<Machine>,
    router: Router,
}

impl Network {
    /// Creates a network with this number of servers, which do not serve anything yet.
    pub fn new(servers: usize) -> Self {
        Self::with_director(Director::new(), servers)
    }

    /// Creates the network around an existing director.
    pub fn with_director(director: Director, servers: usize) -> Self {
        let mut router = Router::new();
        let director_machine = Machine::current("director");
        let client = Machine::new("client");
        router.attach_director(&director_machine, 1);
        router.attach(&client, "outside", 100);
        let servers = (1..=servers).zip(11..).map(|(number, host)| {
            let server = Machine::new(&format!("server{number}"));
            router.attach(&server, "inside", host);
            server
        });
        let servers = servers.collect();
        router.connect_ports();
        client.sysctl("ipv4/tcp_syn_retries=2 ipv6/ip_nonlocal_bind=1");
        client.ip("route add local 198.18.0.0/15 dev lo\nroute add local 2001:db8:99::/64 dev lo\n");
        Self { director, director_machine, client, servers, router }
    }

    /// Adds another director with this host number.
    pub fn second_director(&mut self, name: &str, host: u8) -> Machine {
        let machine = Machine::new(name);
        self.router.attach_director(&machine, host);
        self.router.connect_ports();
        machine
    }

    /// Routes answers back through the director, as masquerading requires.
    pub fn route_answers_through_director(&self) {
        self.route_answers_through(1);
    }

    /// Routes answers back through the router, and gives the servers the virtual addresses.
    pub fn route_answers_around_director(&self) {
        self.route_answers_through(254);
        for server in &self.servers {
            server.sysctl("ipv4/conf/all/arp_ignore=1 ipv4/conf/all/arp_announce=2");
            server.ip(&format!("address add {VIP}/32 dev lo\naddress add {VIP6}/128 dev lo nodad\n"));
        }
    }

    /// Makes this host the gateway of the servers.
    pub fn route_answers_through(&self, host: u8) {
        for server in &self.servers {
            server.ip(&format!(
                "route replace default via 10.0.0.{host}\nroute replace default via 2001:db8:2::{host}\n"
            ));
        }
    }

    /// Adds a service, such as `-t 192.0.2.1:80 -s rr`, with every server at this port and by this method.
    pub fn add_service(&self, service: &str, servers: &str, port: u16, method: &str) {
        self.director.ok(&format!("-A {service}"));
        let (id, _) = service.split_once(" -s ").unwrap();
        for host in (11..).take(self.servers.len()) {
            let server = endpoint(&format!("{servers}{host}"), port);
            self.director.ok(&format!("-a {id} -r {server} {method}"));
        }
    }

    /// Starts a UDP server on every server, at an address that all of them have.
    pub fn serve_datagrams(&self, address: &str) -> Vec<UdpServer> {
        self.servers.iter().map(|server| UdpServer::start(server, address)).collect()
    }

    /// Starts a TCP server on every server. They run until the returned values are dropped.
    pub fn serve(&self, port: u16) -> Vec<TcpServer> {
        self.servers.iter().map(|server| TcpServer::start(server, port)).collect()
    }
}

/// The routes to the client's many addresses.
const TO_CLIENT: &str = "route add 198.18.0.0/15 via 192.0.2.100\n\
    route add 2001:db8:99::/64 via 2001:db8:1::100\n";

/// The router, which is also the switch of both networks: each network is a bridge.
struct Router {
    machine: Machine,
    /// Commands that connect the ports of attached machines.
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

    /// Attaches a machine to a network with this host number.
    fn attach(&mut self, machine: &Machine, interface: &str, host: u8) {
        let port = format!("{}.{}", machine.name, &interface[..3]);
        machine.sysctl(SETTINGS);
        machine.ip(&format!(
            "link set lo up\nlink add {interface} type veth peer name {port} netns {}\n{}",
            self.machine.namespace_path(),
            addresses(interface, host)
        ));
        // By default, resolution fails after three unanswered requests in three seconds, too few on a slow
        // machine.
        machine.sysctl(&format!(
            "ipv4/neigh/{interface}/mcast_solicit=20 ipv6/neigh/{interface}/mcast_solicit=20"
        ));
        self.ports += &format!("link set {port} master {interface} up\n");
    }

    /// Attaches a machine to both networks and enables forwarding on it.
    fn attach_director(&mut self, machine: &Machine, host: u8) {
        self.attach(machine, "outside", host);
        self.attach(machine, "inside", host);
        machine.sysctl("ipv4/ip_forward=1 ipv6/conf/all/forwarding=1");
        machine.ip(TO_CLIENT);
    }

    /// Connects the attached machines to the bridges.
    fn connect_ports(&mut self) {
        self.machine.ip(&take(&mut self.ports));
    }
}

/// Makes interfaces usable immediately and permits asymmetric routes.
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
