//! Schedulers that pick servers in turn: rr and wrr.

use super::Cluster;

#[test]
fn with_rr_servers_take_turns_regardless_of_their_weights() {
    let cluster = Cluster::new("rr", &[1, 5, 2]);
    assert_eq!(cluster.record_picks(9), "321321321");
    cluster.set_weight(2, 0);
    assert_eq!(cluster.record_picks(6), "313131");
    cluster.set_weight(2, 1);
    assert_eq!(cluster.record_picks(7), "3213213");

    cluster.delete(3);
    assert_eq!(cluster.record_picks(5), "21212");
    cluster.add(3, 1);
    assert_eq!(cluster.record_picks(7), "1321321");
}

#[test]
fn with_wrr_servers_get_interleaved_turns_in_proportion_to_their_weights() {
    let cluster = Cluster::new("wrr", &[4, 3, 2]);
    assert_eq!(cluster.record_picks(18), "321121321".repeat(2));
    cluster.set_weight(2, 0);
    cluster.set_weight(3, 8);
    assert_eq!(cluster.record_picks(12), "313".repeat(4));
}
