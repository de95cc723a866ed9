//! Each scheduler and the servers that it picks. Picks are written as the numbers of the servers in order,
//! with `-` for a refused connection. The kernel considers the most recently added server first.

mod destinations;
mod hashing;
mod load;
mod round_robin;
mod weight_order;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use super::network::{Network, VIP};
use super::tcp::{Connection, TcpServer};
use super::wait_until;

/// A service with servers that all answer.
struct Cluster {
    network: Network,
    /// The option that names the service.
    service: String,
    /// The option for the forwarding method.
    method: &'static str,
    /// The address that the client connects to.
    address: String,
    held: Vec<Connection>,
    _answering: Vec<TcpServer>,
}

impl Cluster {
    /// Creates a service with this scheduler and a masqueraded server for each weight.
    fn new(scheduler: &str, weights: &[u32]) -> Self {
        let network = Network::new(weights.len());
        network.route_answers_through_director();
        Self::with_network(network, &format!("-t {VIP}:80"), "-m", scheduler, weights)
    }

    /// Creates a service in this network with a server for each weight.
    fn with_network(
        network: Network,
        service: &str,
        method: &'static str,
        scheduler: &str,
        weights: &[u32],
    ) -> Self {
        let _answering = network.serve(80);
        let (service, address) = (service.to_string(), format!("{VIP}:80"));
        let cluster = Self { network, service, method, address, held: Vec::new(), _answering };
        let servers =
            (1..).zip(weights).map(|(number, weight)| cluster.server_command("-a", number, *weight));
        let lines: String = servers.map(|line| line + "\n").collect();
        let run =
            cluster.network.director.feed("-R", &format!("-A {} -s {scheduler}\n{lines}", cluster.service));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{scheduler}");
        cluster
    }

    /// Returns the command that adds or edits a server.
    fn server_command(&self, verb: &str, number: usize, weight: u32) -> String {
        format!("{verb} {} -r 10.0.0.{}:80 {} -w {weight}", self.service, 10 + number, self.method)
    }

    fn add(&self, number: usize, weight: u32) {
        self.network.director.ok(&self.server_command("-a", number, weight));
    }

    fn set_weight(&self, number: usize, weight: u32) {
        self.network.director.ok(&self.server_command("-e", number, weight));
    }

    fn delete(&self, number: usize) {
        self.network.director.ok(&format!("-d {} -r 10.0.0.{}:80", self.service, 10 + number));
    }

    /// Sets the scheduler of the service, optionally followed by its flags.
    fn set_scheduler(&self, scheduler: &str) {
        self.network.director.ok(&format!("-E {} -s {scheduler}", self.service));
    }

    /// Makes this number of connections, closing each before the next, and returns the picks.
    fn record_picks(&self, connections: usize) -> String {
        let connect = |_| pick(&Connection::connect(None, &self.address));
        self.network.client.run_inside(|| (0..connections).map(connect).collect())
    }

    /// Makes this number of connections, keeps them open, and returns the picks.
    fn hold(&mut self, connections: usize) -> String {
        let connect = |_| Connection::connect(None, &self.address);
        let new: Vec<_> = self.network.client.run_inside(|| (0..connections).map(connect).collect());
        let picks = new.iter().map(pick).collect();
        self.held.extend(new.into_iter().flatten());
        picks
    }

    /// Closes the held connections to this server, and waits until they count as inactive.
    fn release(&mut self, number: usize) {
        let server = format!("server{number}");
        self.held.retain(|connection| connection.server != server);
        assert!(
            wait_until(|| self.active_connections(number) == 0),
            "{}",
            self.network.director.ok("-L -n -c")
        );
    }

    fn active_connections(&self, number: usize) -> u32 {
        let address = IpAddr::from([10, 0, 0, 10 + u8::try_from(number).unwrap()]);
        let mut ipvs = self.network.director.ipvs();
        let services = ipvs.services().unwrap();
        let servers = ipvs.destinations(services[0].id()).unwrap();
        servers.iter().find(|server| server.id().address == address).unwrap().active_connections
    }

    /// Connects once from each of this number of addresses, and returns the picks.
    fn record_picks_by_source(&self, clients: u32) -> String {
        let first = Ipv4Addr::new(198, 18, 0, 1).to_bits();
        let sources = (first..first + clients).map(|bits| Ipv4Addr::from_bits(bits).into());
        let connect = |source| pick(&Connection::connect(Some(source), &self.address));
        self.network.client.run_inside(|| sources.map(connect).collect())
    }
}

/// Returns the number of the server that answered, as a digit, or `-` for a refused connection.
fn pick(connection: &io::Result<Connection>) -> char {
    match connection {
        Ok(connection) => connection.server.chars().next_back().unwrap(),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => '-',
        Err(error) => panic!("{error}"),
    }
}
