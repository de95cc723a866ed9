//! Schedulers that pick servers by their number of connections: lc, wlc, sed and nq. All connections stay
//! open.

use super::Cluster;

#[test]
fn with_lc_the_server_with_the_fewest_connections_is_picked() {
    let mut cluster = Cluster::new("lc", &[1, 1, 5]);
    cluster.set_weight(2, 0);
    cluster.set_weight(3, 0);
    assert_eq!(cluster.hold(3), "111");
    cluster.set_weight(2, 1);
    cluster.set_weight(3, 5);
    // The other servers catch up, regardless of their weights.
    assert_eq!(cluster.hold(10), "3232323213");

    // An active connection counts as 256 inactive ones. The third server has 5 inactive connections, the
    // second has 4.
    cluster.release(2);
    cluster.release(3);
    assert_eq!(cluster.hold(4), "2323");
}

#[test]
fn with_wlc_connections_are_in_proportion_to_the_weights() {
    let mut cluster = Cluster::new("wlc", &[1, 2, 3]);
    assert_eq!(cluster.hold(12), "321323321323");
    cluster.set_weight(1, 2);
    assert_eq!(cluster.hold(2), "11");
}

#[test]
fn with_sed_the_new_connection_counts_as_well() {
    let mut cluster = Cluster::new("sed", &[1, 2, 3]);
    assert_eq!(cluster.hold(12), "323321323321");
}

#[test]
fn with_nq_an_idle_server_is_picked_first() {
    let mut cluster = Cluster::new("nq", &[1, 2, 3]);
    assert_eq!(cluster.hold(12), "321332323321");
    cluster.set_weight(3, 100);
    cluster.release(1);
    assert_eq!(cluster.hold(4), "1333");
}
