//! Tests of the socket against a scripted kernel in trouble.

use std::collections::VecDeque;

use netlink_packet_core::{NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN};

use nix::errno::Errno;

use super::batch::{BYTES_PER_ERROR, BrokenBatch};
use super::*;

/// The next outcome of receiving.
enum Next {
    Datagram(Vec<u8>),
    /// A datagram of this real length, of which only a part fits.
    Cut(usize),
    Fails(Errno),
}

#[derive(Default)]
struct Script {
    next: VecDeque<Next>,
    sent: Vec<Vec<u8>>,
    send_failures: Vec<Errno>,
    receive_buffer: usize,
    send_buffer: usize,
}

impl Transport for Script {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if let Some(errno) = self.send_failures.pop() {
            return Err(errno.into());
        }
        self.sent.push(datagram.to_vec());
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.next.pop_front().expect("the socket waits for more than it should") {
            Next::Datagram(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Next::Cut(length) => Ok(length),
            Next::Fails(errno) => Err(errno.into()),
        }
    }

    fn receive_buffer_size(&self) -> io::Result<usize> {
        Ok(self.receive_buffer)
    }

    fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(self.send_buffer)
    }
}

const HEAD: Head = Head { family_id: 30, command: 4, version: 1 };

fn socket(next: impl IntoIterator<Item = Next>) -> Socket<Script> {
    let next = next.into_iter().collect();
    let script =
        Script { next, receive_buffer: 4 * BYTES_PER_ERROR, send_buffer: 200 * 1024, ..Script::default() };
    Socket::with_transport(script, 64 * 1024)
}

pub(crate) fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; NETLINK_HEADER_LEN];
    let mut header = NetlinkBuffer::new(&mut bytes);
    header.set_length((NETLINK_HEADER_LEN + payload.len()) as u32);
    header.set_message_type(kind);
    header.set_flags(flags);
    header.set_sequence_number(sequence);
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn data(sequence: u32, value: u8) -> Vec<u8> {
    message(30, 2, sequence, &[1, 1, 0, 0, value])
}

fn done(sequence: u32, errno: i32) -> Vec<u8> {
    message(NLMSG_DONE, 2, sequence, &errno.to_ne_bytes())
}

fn error(sequence: u32, errno: i32) -> Vec<u8> {
    let copy = message(30, 1, sequence, &[]);
    message(NLMSG_ERROR, NLM_F_CAPPED, sequence, &[&errno.to_ne_bytes()[..], &copy].concat())
}

fn with_text(mut payload: Vec<u8>) -> Vec<u8> {
    payload.extend([12, 0, 1, 0]);
    payload.extend(b"too bad\0");
    payload
}

/// Dumps the values of `data`.
fn dump(socket: &mut Socket<Script>) -> std::result::Result<Vec<u8>, SocketError> {
    socket.dump(HEAD, |_| {}, |_, payload| Ok::<_, SocketError>(payload[0])).map(|dump| dump.elements)
}

/// Sends a batch of as many requests as there are values.
fn batch(socket: &mut Socket<Script>, values: &[u8]) -> std::result::Result<Vec<Refusal>, BrokenBatch> {
    socket.batch(values, |_| HEAD, |value, buffer| buffer.extend([*value, 0, 0, 0]))
}

fn refused(index: usize, errno: Errno) -> Refusal {
    Refusal { index, errno: errno as i32, text: None }
}

#[test]
fn a_dump_may_come_in_any_number_of_pieces() {
    let next = [
        Next::Datagram([data(1, 1), data(1, 2)].concat()),
        Next::Datagram(data(1, 3)),
        Next::Datagram(done(1, 0)),
    ];
    assert_eq!(dump(&mut socket(next)).unwrap(), [1, 2, 3]);
}

#[test]
fn it_is_known_whether_a_dump_came_atomic() {
    let atomic =
        |next: Vec<Next>| socket(next).dump(HEAD, |_| {}, |_, _| Ok::<_, SocketError>(())).unwrap().atomic;
    assert!(atomic(vec![Next::Datagram(done(1, 0))]));
    assert!(atomic(vec![Next::Datagram([data(1, 1), data(1, 2)].concat()), Next::Datagram(done(1, 0))]));
    assert!(!atomic(vec![Next::Datagram(data(1, 1)), Next::Datagram([data(1, 2), done(1, 0)].concat())]));
}

#[test]
fn interrupted_system_calls_are_tried_again() {
    let next = [Next::Fails(Errno::EINTR), Next::Datagram(data(1, 7)), Next::Datagram(done(1, 0))];
    let mut socket = socket(next);
    socket.transport.send_failures = vec![Errno::EINTR];
    assert_eq!(dump(&mut socket).unwrap(), [7]);
    assert_eq!(socket.transport.sent.len(), 1);
}

#[test]
fn answers_to_other_requests_are_passed_over() {
    let stale = [data(77, 9), error(u32::MAX, -1), done(0, 0)].concat();
    let next = [Next::Datagram(stale), Next::Datagram([data(1, 7), done(1, 0)].concat())];
    assert_eq!(dump(&mut socket(next)).unwrap(), [7]);
}

#[test]
fn the_errno_in_done_is_an_error() {
    let next = [Next::Datagram(data(1, 7)), Next::Datagram(done(1, -12))];
    assert!(
        matches!(dump(&mut socket(next)), Err(SocketError::Refused { errno, text: None }) if errno == Errno::ENOMEM as i32)
    );
}

#[test]
fn a_dump_that_others_changed_is_read_again_and_at_last_given_up() {
    let changed = |sequence| {
        Next::Datagram(
            [message(30, 2 | NLM_F_DUMP_INTR, sequence, &[1, 1, 0, 0, 1]), done(sequence, 0)].concat(),
        )
    };
    let whole = Next::Datagram([data(3, 2), done(3, 0)].concat());
    assert_eq!(dump(&mut socket([changed(1), changed(2), whole])).unwrap(), [2]);
    let mut socket = socket((1..=MAX_DUMP_ATTEMPTS as u32).map(changed));
    assert!(matches!(dump(&mut socket), Err(SocketError::Interrupted)));
    assert!(socket.transport.next.is_empty());
}

#[test]
fn lost_late_and_cut_answers_are_reported_as_such() {
    let fails = |next| dump(&mut socket([next])).unwrap_err();
    let always = |errno| {
        let get = &mut socket((0..9).map(|_| Next::Fails(errno)));
        get.get(HEAD, |_| {}, |_, _| Ok::<_, SocketError>(())).unwrap_err()
    };
    assert!(matches!(always(Errno::ENOBUFS), SocketError::RepliesLost));
    assert!(matches!(always(Errno::EAGAIN), SocketError::TimedOut));
    assert!(matches!(always(Errno::ENOMEM), SocketError::System { action: "receive", .. }));
    assert!(matches!(fails(Next::Cut(100_000)), SocketError::Truncated(100_000)));
}

#[test]
fn what_is_not_netlink_is_an_error_and_no_panic() {
    let mut too_long = data(1, 1);
    too_long[0] = 200;
    let mut too_short = data(1, 1);
    too_short[0] = 15;
    for bytes in [
        vec![1],
        too_long,
        too_short,
        message(30, 2, 1, &[1]),
        message(NLMSG_ERROR, 0, 1, &[]),
        message(NLMSG_ERROR, 0, 1, &5_i32.to_ne_bytes()),
        message(NLMSG_ERROR, 0, 1, &i32::MIN.to_ne_bytes()),
        message(NLMSG_DONE, 0, 1, &[1]),
    ] {
        let answer = dump(&mut socket([Next::Datagram(bytes.clone())]));
        assert!(matches!(answer, Err(SocketError::Malformed(_))), "{bytes:?}");
    }
}

#[test]
fn the_kernels_own_words_are_kept() {
    let errno = (-22_i32).to_ne_bytes();
    let copy = message(30, 1, 1, &[1, 2, 3, 4, 5]);
    let whole = message(NLMSG_ERROR, NLM_F_ACK_TLVS, 1, &with_text([&errno[..], &copy].concat()));
    let capped = [&errno[..], &copy[..NETLINK_HEADER_LEN]].concat();
    let capped = message(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, 1, &with_text(capped));
    let done = message(NLMSG_DONE, NLM_F_ACK_TLVS, 1, &with_text(errno.to_vec()));
    for answer in [whole, capped, done] {
        match dump(&mut socket([Next::Datagram(answer.clone())])) {
            Err(SocketError::Refused { errno, text: Some(text) }) if errno == Errno::EINVAL as i32 => {
                assert_eq!(text, "too bad");
            }
            other => panic!("{other:?} for {answer:?}"),
        }
    }
}

#[test]
fn an_element_that_cannot_be_read_does_not_leave_the_rest_behind() {
    let next = [Next::Datagram([data(1, 1), data(1, 2)].concat()), Next::Datagram(done(1, 0))];
    let mut socket = socket(next);
    let outcome: std::result::Result<Dump<()>, _> =
        socket.dump(HEAD, |_| {}, |_, payload| Err(SocketError::Malformed(payload[0].to_string())));
    assert!(matches!(outcome, Err(SocketError::Malformed(text)) if text == "1"));
    assert!(socket.transport.next.is_empty());
}

#[test]
fn a_single_answer_or_refusal_ends_a_get() {
    let get = |next| socket([next]).get(HEAD, |_| {}, |_, payload| Ok::<_, SocketError>(payload[0]));
    assert_eq!(get(Next::Datagram(data(1, 5))).unwrap(), 5);
    assert!(
        matches!(get(Next::Datagram(error(1, -3))), Err(SocketError::Refused { errno, text: None }) if errno == Errno::ESRCH as i32)
    );
    assert!(matches!(get(Next::Datagram(error(1, 0))), Err(SocketError::Malformed(_))));
}

#[test]
fn a_batch_is_cut_to_the_receive_buffer_and_refusals_keep_their_places() {
    let next = [
        Next::Datagram(error(2, -17)),
        Next::Datagram(error(4, 0)),
        Next::Datagram(error(5, -2)),
        Next::Datagram(error(8, -3)),
        Next::Datagram(error(9, 0)),
    ];
    let mut socket = socket(next);
    let refusals = batch(&mut socket, &[0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    assert_eq!(refusals, [refused(1, Errno::EEXIST), refused(4, Errno::ENOENT), refused(7, Errno::ESRCH)]);

    let lengths: Vec<usize> = socket.transport.sent.iter().map(|bytes| bytes.len() / 24).collect();
    assert_eq!(lengths, [4, 4, 1]);
    for sent in &socket.transport.sent {
        let messages: Vec<&[u8]> = sent.chunks(24).collect();
        for (place, message) in messages.iter().enumerate() {
            let acknowledged = NetlinkBuffer::new(message).flags() & NLM_F_ACK != 0;
            assert_eq!(acknowledged, place + 1 == messages.len());
        }
    }
}

#[test]
fn a_batch_whose_answers_are_lost_says_what_is_known() {
    let next = [Next::Datagram(error(1, -17)), Next::Datagram(error(4, 0)), Next::Fails(Errno::ENOBUFS)];
    let broken = batch(&mut socket(next), &[0; 9]).unwrap_err();
    assert!(matches!(broken.error, SocketError::RepliesLost));
    assert_eq!(broken.refusals, [refused(0, Errno::EEXIST)]);
    assert_eq!(broken.known, 4);
}

#[test]
fn sequence_numbers_may_wrap_around_within_a_batch() {
    let mut socket = socket([Next::Datagram([error(0, -17), error(1, 0)].concat())]);
    socket.sequence = u32::MAX - 1;
    assert_eq!(batch(&mut socket, &[1, 2, 3]).unwrap(), [refused(1, Errno::EEXIST)]);
}

#[test]
fn an_empty_batch_asks_nothing() {
    assert_eq!(batch(&mut socket([]), &[]).unwrap(), []);
}

#[test]
fn failures_that_pass_are_outlasted() {
    let next = [
        Next::Fails(Errno::ENOMEM),
        Next::Fails(Errno::EAGAIN),
        Next::Datagram([data(1, 7), done(1, 0)].concat()),
    ];
    let mut socket = socket(next);
    socket.transport.send_failures = vec![Errno::ENOBUFS, Errno::ENOMEM, Errno::EAGAIN];
    assert_eq!(dump(&mut socket).unwrap(), [7]);
}

#[test]
fn a_failure_that_should_last_is_tried_again_as_well() {
    for errno in [Errno::EMFILE, Errno::EMSGSIZE] {
        let mut socket = socket([Next::Fails(errno), Next::Datagram([data(1, 7), done(1, 0)].concat())]);
        socket.transport.send_failures = vec![errno];
        assert_eq!(dump(&mut socket).unwrap(), [7]);
    }
    let mut socket = socket([Next::Fails(Errno::EMFILE), Next::Datagram(error(1, 0))]);
    socket.transport.send_failures = vec![Errno::EMSGSIZE];
    assert_eq!(batch(&mut socket, &[0]).unwrap(), []);
}

#[test]
fn a_connection_that_stays_broken_is_given_up() {
    let mut socket = socket((0..9).map(|_| Next::Fails(Errno::EBADF)));
    assert!(matches!(dump(&mut socket), Err(SocketError::System { action: "receive", .. })));
    socket.transport.send_failures = vec![Errno::EBADF; 9];
    assert!(matches!(dump(&mut socket), Err(SocketError::System { action: "send", .. })));
}

#[test]
fn a_dump_whose_replies_are_lost_is_read_to_its_end_and_again() {
    let next = [
        Next::Datagram(data(1, 1)),
        Next::Fails(Errno::ENOBUFS),
        Next::Datagram([data(1, 3), done(1, 0)].concat()),
        Next::Datagram([data(2, 1), data(2, 2), data(2, 3), done(2, 0)].concat()),
    ];
    assert_eq!(dump(&mut socket(next)).unwrap(), [1, 2, 3]);
    let overrun = [
        Next::Datagram(message(NLMSG_OVERRUN, 0, 1, &[])),
        Next::Datagram(done(1, 0)),
        Next::Datagram([data(2, 1), done(2, 0)].concat()),
    ];
    assert_eq!(dump(&mut socket(overrun)).unwrap(), [1]);
}

#[test]
fn a_dump_that_was_given_up_is_read_to_its_end_before_the_next() {
    let mut next: Vec<Next> = vec![Next::Datagram(data(1, 1))];
    next.extend((0..9).map(|_| Next::Fails(Errno::EMFILE)));
    next.extend([
        Next::Datagram(error(2, -16)),
        Next::Datagram([data(1, 2), done(1, 0)].concat()),
        Next::Datagram([data(3, 5), done(3, 0)].concat()),
        Next::Datagram(error(4, -16)),
    ]);
    let mut socket = socket(next);
    assert!(matches!(dump(&mut socket), Err(SocketError::System { .. })));
    assert_eq!(dump(&mut socket).unwrap(), [5]);
    assert!(matches!(dump(&mut socket), Err(SocketError::Refused { errno: 16, .. })));
}

#[test]
fn a_question_whose_reply_is_lost_is_asked_again() {
    let next = [Next::Fails(Errno::ENOBUFS), Next::Datagram(data(2, 5))];
    let mut socket = socket(next);
    let value = socket.get(HEAD, |_| {}, |_, payload| Ok::<_, SocketError>(payload[0]));
    assert_eq!(value.unwrap(), 5);
}

#[test]
fn a_batch_that_is_too_long_for_the_kernel_is_halved() {
    let mut socket = socket([
        Next::Datagram(error(6, 0)),
        Next::Datagram(error(8, 0)),
        Next::Datagram(error(10, 0)),
        Next::Datagram(error(11, 0)),
    ]);
    socket.transport.send_failures = vec![Errno::EMSGSIZE];
    assert_eq!(batch(&mut socket, &[0; 7]).unwrap(), []);
    let lengths: Vec<usize> = socket.transport.sent.iter().map(|bytes| bytes.len() / 24).collect();
    assert_eq!(lengths, [2, 2, 2, 1]);
}

#[test]
fn a_batch_is_cut_to_the_send_buffer() {
    let mut socket = socket((1..=3).map(|sequence| Next::Datagram(error(sequence, 0))));
    socket.transport.send_buffer = 600;
    assert_eq!(batch(&mut socket, &[0; 3]).unwrap(), []);
    assert_eq!(socket.transport.sent.len(), 3);
}
