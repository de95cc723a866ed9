//! Tests of the client against a scripted kernel in trouble.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::BufMut;
use futures_util::StreamExt;
use netlink_packet_core::{
    Emitable, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR,
    NetlinkBuffer, ParseableParametrized,
};
use netlink_packet_generic::constants::{CTRL_ATTR_FAMILY_ID, GENL_ID_CTRL};
use netlink_packet_generic::{GenlFamily, GenlHeader};
use netlink_sys::{AsyncSocket, Socket, SocketAddr};
use nix::errno::Errno;

use super::connection::Connection;
use super::*;
use crate::attribute::Writer;
use crate::request::{Change, Query, Request};
use crate::socket::SocketError;
use crate::socket::tests::message;
use crate::{Destination, DestinationId, Reply, Service, ServiceId, ServiceState, Stats, Timeouts};

const FAMILY: u16 = 30;

/// An outcome of receiving.
type Next = std::result::Result<Vec<u8>, Errno>;
/// Answers a request with this sequence number.
type Kernel = Box<dyn FnMut(u32, Request) -> Vec<Next> + Send>;

thread_local! {
    /// The kernel behind the next socket of this thread.
    static KERNEL: Mutex<Option<Kernel>> = const { Mutex::new(None) };
}

/// A socket that hands every request to a function.
struct Script {
    kernel: Mutex<Kernel>,
    next: Mutex<VecDeque<Next>>,
    receiver: Mutex<Option<Waker>>,
    socket: Socket,
}

impl AsyncSocket for Script {
    fn socket_ref(&self) -> &Socket {
        &self.socket
    }

    fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    fn new(protocol: isize) -> io::Result<Self> {
        let kernel = KERNEL.with(|kernel| kernel.lock().unwrap().take()).unwrap();
        let (next, receiver) = Default::default();
        let socket = Socket::new(protocol)?;
        socket.set_non_blocking(true)?;
        Ok(Self { kernel: Mutex::new(kernel), next, receiver, socket })
    }

    fn poll_send(&self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let header = NetlinkBuffer::new(bytes);
        let sequence = header.sequence_number();
        let next = if header.message_type() == GENL_ID_CTRL {
            let mut payload = vec![1, 2, 0, 0];
            Writer(&mut payload).u16(CTRL_ATTR_FAMILY_ID, FAMILY);
            vec![Ok(message(GENL_ID_CTRL, 0, sequence, &payload))]
        } else {
            let header = GenlHeader { cmd: bytes[16], version: 1 };
            let request = Request::parse_with_param(&bytes[20..], header).unwrap();
            self.kernel.lock().unwrap()(sequence, request)
        };
        self.next.lock().unwrap().extend(next);
        if let Some(waker) = self.receiver.lock().unwrap().take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_recv_from<B: BufMut>(
        &self,
        context: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<SocketAddr>> {
        match self.next.lock().unwrap().pop_front() {
            Some(Ok(datagram)) => {
                buffer.put_slice(&datagram);
                Poll::Ready(Ok(SocketAddr::new(0, 0)))
            }
            Some(Err(errno)) => Poll::Ready(Err(errno.into())),
            None => {
                *self.receiver.lock().unwrap() = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_send_to(&self, _: &mut Context<'_>, _: &[u8], _: &SocketAddr) -> Poll<io::Result<usize>> {
        unreachable!("netlink-proto does not call this")
    }

    fn poll_recv<B: BufMut>(&self, _: &mut Context<'_>, _: &mut B) -> Poll<io::Result<()>> {
        unreachable!("netlink-proto does not call this")
    }

    fn poll_recv_from_full(&self, _: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        unreachable!("netlink-proto does not call this")
    }
}

fn data(sequence: u32, flags: u16, reply: Reply) -> Vec<u8> {
    let mut payload = vec![0; 4 + reply.buffer_len()];
    payload[..2].copy_from_slice(&[reply.command(), 1]);
    reply.emit(&mut payload[4..]);
    message(FAMILY, flags, sequence, &payload)
}

/// An element of the list of services.
fn listed(sequence: u32, flags: u16, port: u16) -> Vec<u8> {
    let state = ServiceState::new(Service::new(service(port)), Stats::default());
    data(sequence, flags | NLM_F_MULTIPART, Reply::Service(state))
}

fn done(sequence: u32) -> Vec<u8> {
    message(NLMSG_DONE, NLM_F_MULTIPART, sequence, &[0; 4])
}

fn error(sequence: u32, errno: i32) -> Vec<u8> {
    let copy = message(FAMILY, 1, sequence, &[]);
    message(NLMSG_ERROR, NLM_F_CAPPED, sequence, &[&(-errno).to_ne_bytes()[..], &copy].concat())
}

const TIMEOUTS: Timeouts = Timeouts::new(1, 2, 3);

fn timeouts(sequence: u32) -> Vec<u8> {
    data(sequence, 0, Reply::Timeouts(TIMEOUTS))
}

fn service(port: u16) -> ServiceId {
    ServiceId::tcp(([192, 0, 2, 1], port))
}

/// Runs a test with a client of this kernel. Time passes only while nothing else happens.
fn run<T>(
    kernel: impl FnMut(u32, Request) -> Vec<Next> + Send + 'static,
    test: impl AsyncFnOnce(Ipvs) -> T,
) -> T {
    KERNEL.with(|slot| *slot.lock().unwrap() = Some(Box::new(kernel)));
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let connection = Arc::new(Connection::open::<Script>().await.unwrap());
        test(Ipvs { connection, include_stats: true }).await
    })
}

/// Lists the services of a kernel that answers the first, second, ... time with the next of these replies.
fn list(answers: impl IntoIterator<Item = fn(u32) -> Vec<Next>>) -> Result<Vec<u16>> {
    let mut answers: VecDeque<_> = answers.into_iter().collect();
    run(
        move |sequence, _| answers.pop_front().expect("the client asks too often")(sequence),
        async |ipvs| {
            let services = ipvs.services().await?;
            Ok(services.iter().map(|state| port(state.id())).collect())
        },
    )
}

fn port(id: ServiceId) -> u16 {
    match id {
        ServiceId::Address { port, .. } => port,
        id => panic!("{id}"),
    }
}

#[test]
fn a_list_in_one_datagram_is_read_once_and_others_until_they_are_the_same_twice() {
    let whole: fn(u32) -> Vec<Next> = |n| vec![Ok([listed(n, 0, 1), listed(n, 0, 2)].concat()), Ok(done(n))];
    assert_eq!(list([whole]).unwrap(), [1, 2]);
    let first: fn(u32) -> Vec<Next> = |n| vec![Ok(listed(n, 0, 1)), Ok([listed(n, 0, 2), done(n)].concat())];
    let second: fn(u32) -> Vec<Next> =
        |n| vec![Ok(listed(n, 0, 1)), Ok(listed(n, 0, 1)), Ok([listed(n, 0, 3), done(n)].concat())];
    assert_eq!(list([first, second, second]).unwrap(), [1, 3]);
}

#[test]
fn a_disturbed_list_is_read_again() {
    let good: fn(u32) -> Vec<Next> = |n| vec![Ok([listed(n, 0, 1), done(n)].concat())];
    let interrupted: fn(u32) -> Vec<Next> = |n| vec![Ok([listed(n, NLM_F_DUMP_INTR, 2), done(n)].concat())];
    let busy: fn(u32) -> Vec<Next> = |n| vec![Ok(error(n, Errno::EBUSY as i32))];
    let cut_short: fn(u32) -> Vec<Next> = |n| vec![Ok(listed(n, 0, 2)), Err(Errno::ENOBUFS)];
    let gap: fn(u32) -> Vec<Next> = |n| vec![Ok(listed(n, 0, 2)), Err(Errno::ENOBUFS), Ok(done(n))];
    for trouble in [interrupted, busy, cut_short, gap] {
        assert_eq!(list([trouble, trouble, good]).unwrap(), [1]);
        let error = list([trouble; 8]).unwrap_err();
        assert_eq!(error.to_string(), "cannot list the services: the table changed each time it was read");
    }
}

#[test]
fn a_stream_of_a_disturbed_list_ends_with_an_error() {
    for flags in [0, NLM_F_DUMP_INTR] {
        let kernel = move |n, _| vec![Ok([listed(n, flags, 1), listed(n, 0, 1), done(n)].concat())];
        let items: Vec<_> = run(kernel, async |ipvs| ipvs.services().collect().await);
        assert!(items[0].is_ok());
        assert_eq!(items[1..].iter().filter(|item| item.is_err()).count(), usize::from(flags != 0));
        assert_eq!(items.len(), if flags == 0 { 1 } else { 2 });
    }
}

#[test]
fn a_query_whose_reply_is_lost_is_made_again() {
    let mut count = 0;
    let kernel = move |n, _| {
        count += 1;
        if count < 9 { vec![Err(Errno::ENOBUFS)] } else { vec![Err(Errno::EINTR), Ok(timeouts(n))] }
    };
    assert_eq!(run(kernel, async |ipvs| ipvs.timeouts().await).unwrap(), TIMEOUTS);
    let error = run(|_, _| vec![Err(Errno::ENOBUFS)], async |ipvs| ipvs.timeouts().await).unwrap_err();
    assert!(matches!(error, Error::Exchange(_, SocketError::RepliesLost)), "{error}");
    // An overflow that lost the reply to another request.
    let kernel = |n, _| vec![Err(Errno::ENOBUFS), Ok(timeouts(n))];
    assert!(run(kernel, async |ipvs| ipvs.timeouts().await).is_ok());
}

#[test]
fn silence_and_failures_end_the_waiting() {
    let (error, seconds) = run(
        |_, _| Vec::new(),
        async |ipvs| {
            let started = ::tokio::time::Instant::now();
            (ipvs.timeouts().await.unwrap_err(), started.elapsed().as_secs())
        },
    );
    assert!((10..=20).contains(&seconds), "{seconds}");
    assert!(error.to_string().ends_with("the kernel did not answer within 10 seconds"), "{error}");
    let (first, second) = run(
        |_, _| vec![Err(Errno::EIO)],
        async |ipvs| (ipvs.timeouts().await.unwrap_err(), ipvs.change(Change::Flush).await.unwrap_err()),
    );
    let cause = "the netlink socket failed to receive: Input/output error (os error 5)";
    assert_eq!(first.to_string(), format!("cannot show the timeouts: {cause}"));
    assert_eq!(second.to_string(), format!("cannot clear the table: {cause}"));
}

#[test]
fn malformed_replies_and_the_kernels_own_words_are_reported() {
    let wrong = |n, _| vec![Ok(listed(n, 0, 1))];
    let error = run(wrong, async |ipvs| ipvs.timeouts().await).unwrap_err();
    assert!(matches!(error, Error::Reply(..)), "{error}");
    let refused = |n, _| {
        let mut bytes = error_with_text(n);
        // What follows in the datagram is another message.
        bytes.extend(done(77));
        vec![Ok(bytes)]
    };
    let error = run(refused, async |ipvs| ipvs.change(Change::Flush).await).unwrap_err();
    assert_eq!(error.to_string(), "cannot clear the table: Invalid argument (os error 22) (too bad)");
}

fn error_with_text(sequence: u32) -> Vec<u8> {
    let mut payload = [&(-22_i32).to_ne_bytes()[..], &message(FAMILY, 1, sequence, &[])].concat();
    payload.extend([12, 0, 1, 0]);
    payload.extend(b"too bad\0");
    message(NLMSG_ERROR, NLM_F_CAPPED | NLM_F_ACK_TLVS, sequence, &payload)
}

/// Makes a batch of changes on a kernel with a table of destinations that loses the replies with these numbers, and
/// returns the indices of the refused changes and the table. The batch has to succeed.
fn apply(changes: &[Change], lost: &'static [usize]) -> (Vec<usize>, BTreeSet<u16>) {
    let table = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = Arc::clone(&table);
    let mut count = 0;
    let kernel = move |n, request| {
        let mut table = table.lock().unwrap();
        let errno = match request {
            Request::Change(Change::AddDestination(_, server)) => {
                if table.insert(server.id.port) {
                    0
                } else {
                    Errno::EEXIST as i32
                }
            }
            Request::Change(Change::DeleteDestination(_, id)) => {
                if table.remove(&id.port) {
                    0
                } else {
                    Errno::ENOENT as i32
                }
            }
            Request::Query(Query::Destinations(_)) => {
                let state = |&port| crate::DestinationState::new(destination(port));
                let list = table.iter().map(|port| data(n, NLM_F_MULTIPART, Reply::Destination(state(port))));
                return vec![Ok(list.chain([done(n)]).collect::<Vec<_>>().concat())];
            }
            request => panic!("{request:?}"),
        };
        count += 1;
        if lost.contains(&count) { vec![Err(Errno::ENOBUFS)] } else { vec![Ok(error(n, errno))] }
    };
    let refused = run(kernel, async |ipvs| ipvs.apply(changes).await).unwrap();
    let table = kept.lock().unwrap().clone();
    (refused.iter().map(|change| change.index).collect(), table)
}

fn destination(port: u16) -> Destination {
    Destination::new(DestinationId::new([10, 0, 0, 1], port))
}

#[test]
fn a_batch_whose_replies_are_lost_ends_as_if_none_were() {
    let add = |port| Change::AddDestination(service(80), destination(port));
    let delete = |port| Change::DeleteDestination(service(80), destination(port).id);
    let changes = [add(1), add(2), delete(1), add(2), delete(3), add(4)];
    let expected = apply(&changes, &[]);
    assert_eq!(expected, (vec![3, 4], BTreeSet::from([2, 4])));
    for lost in [&[1][..], &[2], &[3], &[6], &[1, 2, 3], &[2, 9], &[6, 7]] {
        let (refused, table) = apply(&changes, Box::leak(lost.to_vec().into_boxed_slice()));
        assert_eq!(table, expected.1, "{lost:?}");
        // A change that only repeats what an earlier one did may count as made.
        assert!(refused.iter().all(|index| expected.0.contains(index)), "{lost:?}: {refused:?}");
    }
}

#[test]
fn a_batch_whose_replies_are_lost_again_and_again_says_what_is_known() {
    let mut count = 0;
    let kernel = move |n, _| {
        count += 1;
        if count == 1 { vec![Ok(error(n, 0))] } else { vec![Err(Errno::ENOBUFS)] }
    };
    let changes = [Change::Flush, Change::Zero(None), Change::Flush];
    let error = run(kernel, async |ipvs| ipvs.apply(&changes).await).unwrap_err();
    assert_eq!((error.known, error.sent, error.refused.len()), (1, 3, 0));
    assert!(matches!(error.error, Error::Exchange(_, SocketError::RepliesLost)), "{error}");
}

#[test]
fn a_watcher_goes_on_after_an_error_and_ends_with_the_connection() {
    let mut count = 0;
    let kernel = move |n, request| {
        count += 1;
        match (count, request) {
            (1, _) => vec![Ok(error(n, Errno::EPERM as i32))],
            (9.., _) => vec![Err(Errno::EIO)],
            (_, Request::Query(Query::Services)) => vec![Ok([listed(n, 0, 80), done(n)].concat())],
            _ => vec![Ok(done(n))],
        }
    };
    let items: Vec<String> = run(kernel, async |ipvs| {
        let item = |item: Result<Vec<crate::Difference>>| match item {
            Ok(differences) => format!("{} differences", differences.len()),
            Err(error) => error.to_string(),
        };
        ipvs.watch(std::time::Duration::from_secs(1)).map(item).collect().await
    });
    assert_eq!(items.len(), 3, "{items:?}");
    assert!(items[0].starts_with("cannot list the services: permission denied"), "{items:?}");
    assert_eq!(items[1], "1 differences");
    assert!(items[2].ends_with("failed to receive: Input/output error (os error 5)"), "{items:?}");
}

#[test]
fn futures_and_streams_can_be_spawned() {
    fn check<T: Send>(_: impl FnOnce(Ipvs) -> T) {}
    check(|ipvs| async move { ipvs.snapshot().await });
    check(|ipvs| async move { ipvs.consistent_table().await });
    check(|ipvs| async move { ipvs.services().await });
    check(|ipvs| async move { ipvs.apply(&[]).await.map(drop) });
    check(|ipvs| ipvs.destinations(service(80)));
    check(|ipvs| ipvs.watch(std::time::Duration::ZERO));
}
