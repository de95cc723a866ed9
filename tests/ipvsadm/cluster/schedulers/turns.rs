//! Servers that take turns: rr and wrr.

use super::Cluster;

#[test]
fn with_rr_each_server_has_its_turn_whatever_its_weight() {
    let cluster = Cluster::new("rr", &[1, 5, 2]);
    assert_eq!(cluster.picks(9), "321321321");
    cluster.set_weight(2, 0);
    assert_eq!(cluster.picks(6), "313131");
    cluster.set_weight(2, 1);
    assert_eq!(cluster.picks(7), "3213213");

    cluster.delete(3);
    assert_eq!(cluster.picks(5), "21212");
    cluster.add(3, 1);
    assert_eq!(cluster.picks(7), "1321321");
}

#[test]
fn with_wrr_turns_are_as_many_as_the_weight_and_interleaved() {
    let cluster = Cluster::new("wrr", &[4, 3, 2]);
    assert_eq!(cluster.picks(18), "321121321".repeat(2));
    cluster.set_weight(2, 0);
    cluster.set_weight(3, 8);
    assert_eq!(cluster.picks(12), "313".repeat(4));
}
