//! Many requests at the same time, futures that are dropped, and connections that end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use ::tokio::runtime::Builder;
use futures_util::StreamExt;
use futures_util::future::{join_all, select};
use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::*;

use super::runtime;
use crate::support::*;

/// Polls a future as many times at most, and drops it then. Returns whether it was finished.
async fn poll_times<F: Future>(future: F, times: u32) -> bool {
    let mut future = pin!(future);
    let mut rest = times;
    let give_up = poll_fn(|context| {
        if rest == 0 {
            return Poll::Ready(());
        }
        rest -= 1;
        // The task of the connection gets its turn between two polls.
        context.waker().wake_by_ref();
        Poll::Pending
    });
    matches!(select(&mut future, give_up).await, futures_util::future::Either::Left(_))
}

#[test]
fn a_thousand_requests_in_flight_are_answered_each_by_its_own_reply() {
    let director = Director::alone();
    let web = tcp("192.0.2.1", 80);
    let ids: Vec<ServiceId> = (1..=1000).map(|port| tcp("192.0.2.2", port)).collect();
    runtime().block_on(async {
        let ipvs = Ipvs::connect().await.unwrap();
        ipvs.add_service(Service::new(web)).await.unwrap();
        let add = |port| ipvs.add_destination(web, server("10.0.0.1", port).with_weight(port.into()));
        assert!(join_all((1..=1000).map(add)).await.iter().all(Result::is_ok));
        let again = join_all((1..=1000).map(add)).await;
        for (port, outcome) in (1..).zip(again) {
            let sentence = format!(
                "cannot add server 10.0.0.1:{port} to service TCP 192.0.2.1:80: Destination already exists"
            );
            assert_eq!(outcome.unwrap_err().to_string(), sentence);
        }
        assert!(
            join_all(ids.iter().map(|&id| ipvs.add_service(Service::new(id))))
                .await
                .iter()
                .all(Result::is_ok)
        );
        let states = join_all(ids.iter().map(|&id| ipvs.service(id))).await;
        assert!(states.iter().zip(&ids).all(|(state, &id)| state.as_ref().unwrap().id() == id));
        // Lists among single replies, and batches that together want more slots than there are.
        let lists = join_all((0..50).map(|_| async { ipvs.destinations(web).await.unwrap().len() }));
        let batches = join_all((0..4).map(|_| async {
            let changes: Vec<Change> = ids.iter().map(|&id| Change::Zero(Some(id))).collect();
            ipvs.apply(&changes).await.unwrap().len()
        }));
        let (lists, batches) = futures_util::future::join(lists, batches).await;
        assert_eq!((lists, batches), (vec![1000; 50], vec![0; 4]));
    });
    drop(director);
}

#[test]
fn requests_of_many_threads_share_a_connection() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    let web = tcp("192.0.2.1", 80);
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    // The socket is opened by this thread, which is in the director's namespace.
    let ipvs = runtime.block_on(Ipvs::connect()).unwrap();
    let tasks: Vec<_> = (1..=200)
        .map(|port| {
            let ipvs = ipvs.clone();
            runtime.spawn(async move {
                ipvs.add_destination(web, server("10.0.0.1", port)).await?;
                ipvs.update_destination(web, server("10.0.0.1", port).id, |server| server.weight = 7).await?;
                ipvs.service(web).await.map(drop)
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap().unwrap();
    }
    let servers = director.ipvs().destinations(web).unwrap();
    assert_eq!(servers.len(), 200);
    assert!(servers.iter().all(|state| state.settings.weight == 7));
}

#[test]
fn futures_that_are_dropped_leave_whole_changes_and_a_client_that_answers() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    let web = tcp("192.0.2.1", 80);
    let mut random = 1_u64;
    let mut random = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    runtime().block_on(async {
        let ipvs = Ipvs::connect().await.unwrap();
        let (mut finished, mut dropped) = (0, 0);
        for round in 1..=2000 {
            let id = server("10.0.0.1", 1 + random(8) as u16).id;
            let number = round % 1000;
            let set = move |server: &mut Destination| {
                (server.weight, server.upper_threshold, server.lower_threshold) = (number, number, number);
            };
            let mut new = Destination::new(id);
            set(&mut new);
            let batch = [Change::AddDestination(web, new), Change::SetDestination(web, new)];
            let polls = random(8) as u32;
            let done = match random(6) {
                0 => poll_times(ipvs.add_destination(web, new), polls).await,
                1 => poll_times(ipvs.delete_destination(web, id), polls).await,
                2 => poll_times(ipvs.apply(&batch), polls).await,
                3 => poll_times(ipvs.table(), polls).await,
                4 => poll_times(ipvs.services().count(), polls).await,
                _ => poll_times(ipvs.update_destination(web, id, set), polls).await,
            };
            if done {
                finished += 1;
            } else {
                dropped += 1;
            }
            if round % 100 == 0 {
                assert_eq!(ipvs.service(web).await.unwrap().id(), web);
                for state in ipvs.destinations(web).await.unwrap() {
                    let Destination { weight, upper_threshold, lower_threshold, .. } = state.settings;
                    assert!((weight, weight) == (upper_threshold, lower_threshold), "{state:?}");
                }
            }
        }
        assert!(finished > 100 && dropped > 100, "{finished} finished, {dropped} dropped");
        // What is dropped before it is polled is not sent.
        let before = ipvs.table().await.unwrap();
        drop(ipvs.flush());
        assert_eq!(ipvs.table().await.unwrap(), before);
    });
}

#[test]
fn lists_that_change_while_they_are_read_have_everything_that_stays() {
    let director = Director::alone();
    let mut writer = director.ipvs();
    let kept: Vec<ServiceId> = (1..=500).map(|port| tcp("192.0.2.1", port)).collect();
    let add = |&id: &ServiceId| Change::AddService(Service::new(id));
    assert_eq!(writer.apply(&kept.iter().map(add).collect::<Vec<_>>()).unwrap(), []);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let churn = std::thread::spawn(move || {
        let passing: Vec<ServiceId> = (1..=20).map(|port| tcp("192.0.2.9", port)).collect();
        let delete = |&id: &ServiceId| Change::DeleteService(id);
        while !stopped.load(Ordering::Relaxed) {
            writer.apply(&passing.iter().map(add).collect::<Vec<_>>()).unwrap();
            writer.apply(&passing.iter().map(delete).collect::<Vec<_>>()).unwrap();
        }
    });
    runtime().block_on(async {
        let ipvs = Ipvs::connect().await.unwrap();
        for _ in 0..20 {
            let listed: Vec<ServiceId> =
                ipvs.services().await.unwrap().iter().map(ServiceState::id).collect();
            let mut distinct = listed.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(listed.len(), distinct.len(), "a service was listed twice");
            assert!(listed.len() <= 520);
            if let Some(table) = ipvs.consistent_table().await.unwrap() {
                let listed: Vec<_> = table.entries.iter().map(|entry| entry.service.id()).collect();
                assert!(kept.iter().all(|id| listed.contains(id)));
            }
        }
        let mut watch = ipvs.watch(Duration::from_millis(1));
        for _ in 0..20 {
            // A reading may be given up, but none is wrong.
            for difference in watch.next().await.unwrap().unwrap_or_default() {
                if let Difference::ServiceRemoved(state) = difference {
                    assert!(!kept.contains(&state.id()), "{} is still there", state.id());
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    churn.join().unwrap();
}

#[test]
fn a_small_receive_buffer_loses_no_reply() {
    let director = Director::alone();
    let _receive = Sysctl::set("core/rmem_default", "2304");
    let web = tcp("192.0.2.1", 80);
    let changes: Vec<Change> =
        (1..=1000).map(|port| Change::AddDestination(web, server("10.0.0.1", port))).collect();
    let outcome = runtime().block_on(async {
        let ipvs = Ipvs::connect().await?;
        ipvs.add_service(Service::new(web)).await?;
        let added = ipvs.apply(&changes).await.map_err(|error| error.error)?;
        let refused = ipvs.apply(&changes).await.map_err(|error| error.error)?;
        Ok::<_, Error>((added.len(), refused.len(), ipvs.destinations(web).await?.len()))
    });
    assert_eq!(outcome.unwrap(), (0, 1000, 1000));
    drop(director);
}

#[test]
fn a_client_whose_runtime_has_ended_says_so() {
    let director = Director::new();
    let first = runtime();
    let ipvs = first.block_on(Ipvs::connect()).unwrap();
    drop(first);
    runtime().block_on(async {
        let sentence = "cannot ask for the version of IPVS: the connection was closed";
        assert_eq!(ipvs.info().await.unwrap_err().to_string(), sentence);
        let error = ipvs.apply(&[Change::Flush]).await.unwrap_err();
        assert!(matches!(error.error, Error::Exchange(_, SocketError::Closed)), "{error}");
        assert_eq!(ipvs.services().count().await, 1);
        let mut watch = ipvs.watch(Duration::from_millis(1));
        assert!(watch.next().await.unwrap().is_err());
        assert!(watch.next().await.is_none());
    });
    drop(director);
}

#[test]
fn the_socket_is_closed_when_the_last_handle_is_dropped() {
    let director = Director::new();
    runtime().block_on(async {
        let first = Ipvs::connect().await.unwrap();
        let (second, stream) = (first.clone(), first.services());
        let metrics = ::tokio::runtime::Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), 1);
        drop((first, stream));
        second.info().await.unwrap();
        assert_eq!(metrics.num_alive_tasks(), 1);
        drop(second);
        while metrics.num_alive_tasks() > 0 {
            ::tokio::task::yield_now().await;
        }
    });
    drop(director);
}
