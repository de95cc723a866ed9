//! Schedulers that pick servers by the client's address: sh and mh.

use super::Cluster;

#[test]
fn with_sh_and_mh_a_client_stays_on_its_server() {
    for scheduler in ["sh", "mh"] {
        let cluster = Cluster::new(scheduler, &[1, 1, 1]);
        let first = cluster.record_picks_by_source(40);
        assert_eq!(cluster.record_picks_by_source(40), first, "{scheduler}");
        for server in ['1', '2', '3'] {
            assert!(first.contains(server), "{scheduler}: no client for server {server}: {first}");
        }
    }
}

#[test]
fn with_sh_port_and_mh_port_the_connections_of_a_client_are_spread() {
    let cluster = Cluster::new("sh", &[1, 1, 1]);
    for scheduler in ["sh", "mh"] {
        cluster.set_scheduler(scheduler);
        let picks = cluster.record_picks(30);
        assert_eq!(picks, picks[..1].repeat(30), "{scheduler}");
        cluster.set_scheduler(&format!("{scheduler} -b {scheduler}-port"));
        let picks = cluster.record_picks(30);
        for server in ['1', '2', '3'] {
            assert!(picks.contains(server), "{scheduler}: no connection to server {server}: {picks}");
        }
    }
}

#[test]
fn clients_of_a_server_of_weight_0_are_refused_or_use_others_with_fallback() {
    for scheduler in ["sh", "mh"] {
        let cluster = Cluster::new(scheduler, &[1, 1, 1]);
        let before = cluster.record_picks_by_source(11);
        assert!(before.contains('2'), "{scheduler}: {before}");
        cluster.set_weight(2, 0);
        assert_eq!(cluster.record_picks_by_source(11), before.replace('2', "-"), "{scheduler}");

        cluster.set_scheduler(&format!("{scheduler} -b {scheduler}-fallback"));
        let after = cluster.record_picks_by_source(11);
        let mut clients = before.chars().zip(after.chars());
        let is_expected =
            |(before, after)| if before == '2' { "13".contains(after) } else { after == before };
        assert!(clients.all(is_expected), "{scheduler}: {before} {after}");

        cluster.set_weight(2, 1);
        assert_eq!(cluster.record_picks_by_source(11), before, "{scheduler}");
    }
}

#[test]
fn when_a_server_is_removed_mh_moves_few_other_clients_and_sh_moves_most() {
    let cluster = Cluster::new("mh", &[1; 5]);
    let clients = 150;
    let moved = ["mh", "sh"].map(|scheduler| {
        cluster.set_scheduler(scheduler);
        let before = cluster.record_picks_by_source(clients);
        cluster.delete(3);
        let after = cluster.record_picks_by_source(clients);
        cluster.add(3, 1);
        assert!(!after.contains('3') && !after.contains('-'), "{scheduler}: {after}");
        let others = before.chars().zip(after.chars()).filter(|(before, _)| *before != '3');
        let moved = others.clone().filter(|(before, after)| before != after).count();
        let share = 100 * moved / others.count();
        println!("{scheduler}: {share}% of the clients of other servers have moved");
        share
    });
    assert!(moved[0] <= 5 && moved[1] >= 50, "{moved:?}");
}
