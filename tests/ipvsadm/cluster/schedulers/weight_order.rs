//! Schedulers that pick servers in the order of their weights: fo and ovf.

use super::Cluster;

#[test]
fn with_fo_the_available_server_with_the_highest_weight_gets_all_connections() {
    let mut cluster = Cluster::new("fo", &[1, 3, 2]);
    assert_eq!(cluster.hold(6), "222222");
    cluster.set_weight(2, 0);
    assert_eq!(cluster.hold(4), "3333");
    cluster.delete(3);
    assert_eq!(cluster.hold(3), "111");
    cluster.set_weight(2, 4);
    assert_eq!(cluster.hold(3), "222");
}

/// The kernel moves on to the next server when the number of connections exceeds the weight.
#[test]
fn with_ovf_connections_above_the_weight_overflow_to_the_next_server() {
    let mut cluster = Cluster::new("ovf", &[1, 3, 2]);
    assert_eq!(cluster.hold(10), "222233311-");
    cluster.release(3);
    assert_eq!(cluster.hold(2), "33");
    cluster.release(2);
    assert_eq!(cluster.hold(2), "22");
}
