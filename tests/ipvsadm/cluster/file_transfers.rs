//! FTP, whose data connections have to find the server of the control connection.

use super::ftp::{self, Transfer};
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, at};

/// What can be asked for over IPv4 and over IPv6, and what a service needs for it.
const WAYS: [(&str, &str, &[&str]); 2] =
    [(VIP, SERVERS, &["PORT", "PASV", "EPRT", "EPSV"]), (VIP6, SERVERS6, &["EPRT", "EPSV"])];

/// Two servers in turn transfer their files in every way, and always by the virtual address.
fn transfers(network: &Network, flags: &str, method: &str) {
    let _servers: Vec<_> = network.servers.iter().map(ftp::start).collect();
    for (vip, servers, ways) in WAYS {
        let service = at(vip, 21);
        network.balance(&format!("-t {service} -s rr {flags}"), servers, 21, method);
        for way in ways {
            let [one, other] = [(); 2].map(|()| -> Transfer {
                ftp::get(&network.client, &service, way)
                    .unwrap_or_else(|error| panic!("{way} {vip}: {error}"))
            });
            for transfer in [&one, &other] {
                assert_eq!(transfer.from.ip().to_string(), vip, "{way}");
                assert!(
                    transfer.file == ftp::file(&transfer.server),
                    "{way} {vip}: the file is not the same"
                );
            }
            assert_eq!(one.server == other.server, flags.contains("-p"), "{way} {vip}");
        }
    }
}

#[test]
fn masquerading_lets_active_and_passive_transfers_through() {
    let network = Network::new(2);
    network.answers_through_director();
    network.director.system("modprobe ip_vs_ftp");
    transfers(&network, "", "-m");
}

#[test]
fn persistence_keeps_transfers_together_that_go_past_the_director() {
    let network = Network::new(2);
    network.answers_past_director();
    transfers(&network, "-p 600", "-g");
}
