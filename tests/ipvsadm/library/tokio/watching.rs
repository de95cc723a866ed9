//! Lists as streams, and the stream of differences between readings.

use std::time::Duration;

use futures_util::StreamExt;
use ipvs_netlink::tokio::{Ipvs, Watch};
use ipvs_netlink::*;

use super::runtime;
use crate::support::*;

/// Reads the next differences as lines.
async fn next_lines(watch: &mut Watch) -> Vec<String> {
    watch.next().await.unwrap().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn a_watcher_sees_what_comes_what_changes_and_what_goes() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    director.ok("-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m");
    runtime().block_on(async {
        let ipvs = Ipvs::connect().await.unwrap();
        let mut watch = ipvs.watch(Duration::from_millis(20));
        assert_eq!(
            next_lines(&mut watch).await,
            ["TCP 192.0.2.1:80: added", "TCP 192.0.2.1:80: 10.0.0.11:8080 added, weight 1"]
        );
        let web = tcp("192.0.2.1", 80);
        let servers = [server("10.0.0.11", 8080), server("10.0.0.12", 8080)];
        ipvs.add_destination(web, servers[1]).await.unwrap();
        assert_eq!(next_lines(&mut watch).await, ["TCP 192.0.2.1:80: 10.0.0.12:8080 added, weight 1"]);
        ipvs.update_destination(web, servers[0].id, |server| server.weight = 0).await.unwrap();
        assert_eq!(next_lines(&mut watch).await, ["TCP 192.0.2.1:80: 10.0.0.11:8080 weight 0 instead of 1"]);
        ipvs.delete_destination(web, servers[0].id).await.unwrap();
        assert_eq!(next_lines(&mut watch).await, ["TCP 192.0.2.1:80: 10.0.0.11:8080 removed"]);
        ipvs.update_service(web, |service| service.scheduler = Scheduler::SED).await.unwrap();
        assert_eq!(next_lines(&mut watch).await, ["TCP 192.0.2.1:80: scheduler sed instead of wlc"]);
        ipvs.flush().await.unwrap();
        assert_eq!(next_lines(&mut watch).await, ["TCP 192.0.2.1:80: removed"]);
    });
}

#[test]
fn a_watcher_sees_connections_and_counters() {
    let director = Director::new();
    director.system("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    director.ok("-A -u 192.0.2.1:1001");
    director.ok("-a -u 192.0.2.1:1001 -r 192.0.2.2:1000 -m");
    let receiver = std::net::UdpSocket::bind("192.0.2.2:1000").unwrap();
    runtime().block_on(async {
        let mut watch = Ipvs::connect().await.unwrap().watch(Duration::from_millis(100));
        assert_eq!(next_lines(&mut watch).await.len(), 2);
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"hello", "192.0.2.1:1001").unwrap();
        receiver.recv_from(&mut [0; 16]).unwrap();
        // The connection is seen at once, and the counters some time later.
        let mut lines = Vec::new();
        while !lines.contains(&"UDP 192.0.2.1:1001: 1 connections so far".to_owned()) {
            lines.extend(next_lines(&mut watch).await);
        }
        let counted = "UDP 192.0.2.1:1001: 192.0.2.2:1000 0 active, 1 inactive connections".to_owned();
        assert!(lines.contains(&counted), "{lines:?}");
    });
}

#[test]
fn lists_are_streams_of_the_same_elements() {
    let director = Director::alone();
    let mut blocking = director.ipvs();
    let ids: Vec<ServiceId> = (1..=1000).map(|port| tcp("192.0.2.1", port)).collect();
    let mut changes: Vec<Change> = ids.iter().map(|&id| Change::AddService(Service::new(id))).collect();
    changes.extend((1..=1000).map(|port| Change::AddDestination(ids[0], server("10.0.0.1", port))));
    assert_eq!(blocking.apply(&changes).unwrap(), []);
    runtime().block_on(async {
        let ipvs = Ipvs::connect().await.unwrap();
        let services: Vec<_> = ipvs.services().map(Result::unwrap).collect().await;
        assert_eq!(services, blocking.services().unwrap());
        let servers: Vec<_> = ipvs.destinations(ids[0]).map(Result::unwrap).collect().await;
        assert_eq!(servers, blocking.destinations(ids[0]).unwrap());
        assert_eq!(ipvs.destinations(ids[1]).count().await, 0);
        let mut missing = ipvs.destinations(tcp("192.0.2.2", 80));
        let sentence = "cannot show service TCP 192.0.2.2:80: No such service";
        assert_eq!(missing.next().await.unwrap().unwrap_err().to_string(), sentence);
        assert!(missing.next().await.is_none());
        // A stream that is dropped half-way disturbs nobody.
        for _ in 0..20 {
            let mut stream = ipvs.services();
            stream.next().await.unwrap().unwrap();
            drop(stream);
            assert_eq!(ipvs.destinations(ids[0]).await.unwrap().len(), 1000);
        }
    });
}
