//! Each scheduler, by whom it picks. Picks are written as the servers' numbers, one after the other, with
//! `-` for a connection that is refused. The kernel looks at the server first that was added last.

mod destinations;
mod hashing;
mod load;
mod ordered;
mod turns;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use super::network::{Network, VIP};
use super::soon;
use super::tcp::{Connection, TcpServer};

/// A service and its servers, of which each answers.
struct Cluster {
    network: Network,
    /// The service, as options name it.
    service: String,
    /// How packets get to the servers, as an option.
    method: &'static str,
    /// Whom the client asks.
    address: String,
    held: Vec<Connection>,
    _answering: Vec<TcpServer>,
}

impl Cluster {
    /// A service of this scheduler, and for each weight a server behind masquerading.
    fn new(scheduler: &str, weights: &[u32]) -> Self {
        let network = Network::new(weights.len());
        network.answers_through_director();
        Self::of(network, &format!("-t {VIP}:80"), "-m", scheduler, weights)
    }

    fn of(network: Network, service: &str, method: &'static str, scheduler: &str, weights: &[u32]) -> Self {
        let _answering = network.serve(80);
        let (service, address) = (service.to_string(), format!("{VIP}:80"));
        let cluster = Self { network, service, method, address, held: Vec::new(), _answering };
        let servers = (1..).zip(weights).map(|(number, weight)| cluster.server("-a", number, *weight));
        let lines: String = servers.map(|line| line + "\n").collect();
        let run =
            cluster.network.director.feed("-R", &format!("-A {} -s {scheduler}\n{lines}", cluster.service));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{scheduler}");
        cluster
    }

    /// The command for one server.
    fn server(&self, verb: &str, number: usize, weight: u32) -> String {
        format!("{verb} {} -r 10.0.0.{}:80 {} -w {weight}", self.service, 10 + number, self.method)
    }

    fn add(&self, number: usize, weight: u32) {
        self.network.director.ok(&self.server("-a", number, weight));
    }

    fn set_weight(&self, number: usize, weight: u32) {
        self.network.director.ok(&self.server("-e", number, weight));
    }

    fn delete(&self, number: usize) {
        self.network.director.ok(&format!("-d {} -r 10.0.0.{}:80", self.service, 10 + number));
    }

    /// Gives the service another scheduler, or other flags of it.
    fn edit(&self, scheduler: &str) {
        self.network.director.ok(&format!("-E {} -s {scheduler}", self.service));
    }

    /// Makes so many connections and closes each before the next.
    fn picks(&self, connections: usize) -> String {
        let connect = |_| name(&Connection::from_here(None, &self.address));
        self.network.client.within(|| (0..connections).map(connect).collect())
    }

    /// Makes so many connections and keeps them.
    fn hold(&mut self, connections: usize) -> String {
        let connect = |_| Connection::from_here(None, &self.address);
        let new: Vec<_> = self.network.client.within(|| (0..connections).map(connect).collect());
        let names = new.iter().map(name).collect();
        self.held.extend(new.into_iter().flatten());
        names
    }

    /// Closes the connections to this server that were kept, and waits until they count as inactive.
    fn release(&mut self, number: usize) {
        let server = format!("server{number}");
        self.held.retain(|connection| connection.server != server);
        assert!(soon(|| self.active(number) == 0), "{}", self.network.director.ok("-L -n -c"));
    }

    fn active(&self, number: usize) -> u32 {
        let address = IpAddr::from([10, 0, 0, 10 + u8::try_from(number).unwrap()]);
        let mut ipvs = self.network.director.ipvs();
        let services = ipvs.services().unwrap();
        let servers = ipvs.destinations(services[0].service.id()).unwrap();
        servers.iter().find(|server| server.destination.id.address == address).unwrap().active_connections
    }

    /// Connects once from each of so many addresses.
    fn picks_by_source(&self, clients: u32) -> String {
        let first = Ipv4Addr::new(198, 18, 0, 1).to_bits();
        let sources = (first..first + clients).map(|bits| Ipv4Addr::from_bits(bits).into());
        let connect = |source| name(&Connection::from_here(Some(source), &self.address));
        self.network.client.within(|| sources.map(connect).collect())
    }
}

/// The number of the server that has answered.
fn name(connection: &io::Result<Connection>) -> char {
    match connection {
        Ok(connection) => connection.server.chars().next_back().unwrap(),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => '-',
        Err(error) => panic!("{error}"),
    }
}
