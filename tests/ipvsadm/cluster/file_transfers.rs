//! FTP, whose data connections must reach the server of their control connection.

use super::ftp::{self, Transfer};
use super::network::{Network, SERVERS, SERVERS6, VIP, VIP6, endpoint};

/// The virtual address, the servers and the FTP commands for IPv4 and for IPv6.
const COMMANDS: [(&str, &str, &[&str]); 2] =
    [(VIP, SERVERS, &["PORT", "PASV", "EPRT", "EPSV"]), (VIP6, SERVERS6, &["EPRT", "EPSV"])];

/// Downloads the files of two servers in turn with every command, and checks that the data connections use
/// the virtual address.
fn check_transfers(network: &Network, flags: &str, method: &str) {
    let _servers: Vec<_> = network.servers.iter().map(ftp::start).collect();
    for (vip, servers, commands) in COMMANDS {
        let service = endpoint(vip, 21);
        network.add_service(&format!("-t {service} -s rr {flags}"), servers, 21, method);
        for command in commands {
            let [one, other] = [(); 2].map(|()| -> Transfer {
                ftp::download(&network.client, &service, command)
                    .unwrap_or_else(|error| panic!("{command} {vip}: {error}"))
            });
            for transfer in [&one, &other] {
                assert_eq!(transfer.peer.ip().to_string(), vip, "{command}");
                assert!(
                    transfer.file == ftp::file_content(&transfer.server),
                    "{command} {vip}: the file has changed"
                );
            }
            assert_eq!(one.server == other.server, flags.contains("-p"), "{command} {vip}");
        }
    }
}

#[test]
fn masquerading_passes_active_and_passive_transfers() {
    let network = Network::new(2);
    network.route_answers_through_director();
    network.director.system("modprobe ip_vs_ftp");
    check_transfers(&network, "", "-m");
}

#[test]
fn persistence_keeps_transfers_on_one_server_when_answers_bypass_the_director() {
    let network = Network::new(2);
    network.route_answers_around_director();
    check_transfers(&network, "-p 600", "-g");
}
