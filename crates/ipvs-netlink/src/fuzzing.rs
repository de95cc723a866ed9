//! The bodies of the fuzz targets below fuzz/, which the tests replay with the corpus.
//!
//! None of this is part of the library that others build.

use std::collections::VecDeque;
use std::io;

use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};
use nix::errno::Errno;

use crate::constants::IPVS_GENL_VERSION;
use crate::exchange::head;
use crate::proc::{Connection, Connections, ProcError, ProcTable};
use crate::reply::Reply;
use crate::request::{Change, Query, Request};
use crate::service::ServiceId;
use crate::socket::{Socket, SocketError, Transport};

/// Reads a message of any command. What can be read must survive being written and read again.
pub fn netlink(data: &[u8]) {
    let Some((&cmd, payload)) = data.split_first() else { return };
    let header = GenlHeader { cmd, version: IPVS_GENL_VERSION };
    if let Ok(reply) = Reply::parse_with_param(payload, header) {
        let (header, bytes) = emit(&reply);
        assert_eq!(Reply::parse_with_param(&bytes[..], header).ok(), Some(reply));
    }
    if let Ok(request) = Request::parse_with_param(payload, header) {
        let (header, bytes) = emit(&request);
        assert_eq!(Request::parse_with_param(&bytes[..], header).ok(), Some(request));
        let _ = request.to_string();
    }
}

fn emit<M: Emitable + GenlFamily>(message: &M) -> (GenlHeader, Vec<u8>) {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    (GenlHeader { cmd: message.command(), version: message.version() }, bytes)
}

/// Reads lines of `/proc/net/ip_vs_conn`, with a heading and without.
pub fn connections(data: &[u8]) {
    let with_heading = [b"Pro FromIP\n", data].concat();
    let ignore = |_: &Connection<'_>| Ok::<_, ProcError>(());
    for source in [data, &with_heading] {
        let _ = Connections::from_reader(source).and_then(|connections| connections.for_each(ignore));
    }
    for line in data.split(|&byte| byte == b'\n') {
        if let Ok(connection) = Connection::parse(line) {
            assert_eq!(connection.line, line);
        }
    }
}

/// Reads `/proc/net/ip_vs`, with the headings and without.
pub fn table(data: &[u8]) {
    const HEADINGS: &[u8] = b"IP Virtual Server version 1.2.1 (size=4096)\nProt \n  -> RemoteAddress:Port \n";
    for source in [data, &[HEADINGS, data].concat()] {
        if let Ok(table) = ProcTable::from_reader(source) {
            let lines: usize = table.services.iter().map(|service| 1 + service.destinations.len()).sum();
            assert!(lines <= source.split(|&byte| byte == b'\n').count());
        }
    }
}

/// Lets the socket talk to a peer that answers whatever the data says; see [`Peer`]. The first byte chooses what the
/// socket is asked to do.
pub fn socket(data: &[u8]) {
    const FAMILY_ID: u16 = 30;
    let Some((&task, script)) = data.split_first() else { return };
    let mut socket = Socket::with_transport(Peer::new(script), 64 * 1024);
    let query = |query: Query| head(FAMILY_ID, &query.into());
    match task % 4 {
        0 => {
            let _ = socket.family_id("IPVS");
        }
        1 => {
            let parse = |_, payload: &[u8]| Ok::<_, SocketError>(payload.len());
            let _ = socket.get(query(Query::Timeouts), |_| {}, parse);
        }
        2 => {
            let parse = |_, payload: &[u8]| Ok::<_, SocketError>(payload.len());
            let _ = socket.dump(query(Query::Services), |_| {}, parse);
        }
        _ => {
            let changes: Vec<Change> =
                (1..=9).map(|port| Change::DeleteService(ServiceId::tcp(([192, 0, 2, 1], port)))).collect();
            let outcome = socket.batch(
                &changes,
                |&change| head(FAMILY_ID, &change.into()),
                |&change, buffer| Request::from(change).emit_attributes(buffer),
            );
            let (refusals, known, sent) = match outcome {
                Ok(refusals) => (refusals, changes.len(), changes.len()),
                Err(broken) => (broken.refusals, broken.known, broken.sent),
            };
            assert!(known <= sent && sent <= changes.len());
            assert!(refusals.iter().all(|refusal| refusal.index < sent));
        }
    }
}

/// A hostile peer. Each of its acts is a byte that chooses one, a length, and as many bytes:
///
/// - 0: the bytes are a datagram;
/// - 1: a call fails with the error of that number; from the first byte, if there is one, else the length;
/// - 2: a datagram is longer than its buffer;
/// - 3: the bytes are the payload of a well-formed message; the first two choose its type, its flags and which of the
///   requests it answers;
/// - 4: like 3, and another message follows in the same datagram.
///
/// At the end of the script all calls fail.
#[derive(Debug)]
struct Peer<'a> {
    script: &'a [u8],
    /// Acts that were read and not yet played.
    failures: VecDeque<Errno>,
    /// The sequence numbers of the first and the last request of the last datagram.
    sequences: (u32, u32),
}

const MESSAGE_TYPES: [u16; 6] = [30, 16, 1, 2, 3, 4];

impl<'a> Peer<'a> {
    fn new(script: &'a [u8]) -> Self {
        Self { script, failures: VecDeque::new(), sequences: (0, 0) }
    }

    /// Takes the next act off the script: its kind and its bytes.
    fn next_act(&mut self) -> io::Result<(u8, &'a [u8])> {
        let Some((&[kind, length], rest)) = self.script.split_first_chunk() else {
            return Err(Errno::EBADF.into());
        };
        let (bytes, rest) = rest.split_at(rest.len().min(length.into()));
        self.script = rest;
        Ok((kind % 5, bytes))
    }

    /// Makes a message with a well-formed header.
    fn message(&self, bytes: &[u8]) -> Vec<u8> {
        let (&[kind, place], payload) = bytes.split_first_chunk().unwrap_or((&[0, 0], bytes));
        let (first, last) = self.sequences;
        let sequence = if place & 1 == 0 { last } else { first.wrapping_add(u32::from(place) >> 4) };
        let kind_number = MESSAGE_TYPES[usize::from(kind) % MESSAGE_TYPES.len()];
        let mut message = (16 + payload.len() as u32).to_ne_bytes().to_vec();
        message.extend(kind_number.to_ne_bytes());
        message.extend((u16::from(place & 14) << 4 | u16::from(kind >> 4)).to_ne_bytes());
        message.extend(sequence.to_ne_bytes());
        message.extend([0; 4]);
        message.extend(payload);
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }
}

impl Transport for Peer<'_> {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if let Some(errno) = self.failures.pop_front() {
            return Err(errno.into());
        }
        let sequence_at = |start: usize| {
            let bytes = datagram.get(start + 8..start + 12)?;
            Some(u32::from_ne_bytes(bytes.try_into().ok()?))
        };
        let (mut start, mut last) = (0, 0);
        while let Some(sequence) = sequence_at(start) {
            let length = datagram[start..start + 4].try_into().map_or(0, u32::from_ne_bytes) as usize;
            assert!(length >= 16 && start + length <= datagram.len(), "a request has a wrong length");
            (start, last) = (start + length.next_multiple_of(4), sequence);
        }
        self.sequences = (sequence_at(0).unwrap_or_default(), last);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut datagram = Vec::new();
        loop {
            let (kind, bytes) = self.next_act()?;
            match kind {
                0 => datagram.extend(bytes),
                1 => {
                    let errno = Errno::from_raw(bytes.first().copied().unwrap_or_default().into());
                    // Every other failure hits the next send.
                    if bytes.len() % 2 == 0 {
                        return Err(errno.into());
                    }
                    self.failures.push_back(errno);
                    continue;
                }
                2 => return Ok(buffer.len() + 1),
                _ => datagram.extend(self.message(bytes)),
            }
            if kind != 4 {
                let length = datagram.len().min(buffer.len());
                buffer[..length].copy_from_slice(&datagram[..length]);
                return Ok(datagram.len());
            }
        }
    }

    fn receive_buffer_size(&self) -> io::Result<usize> {
        Ok(4 * 1024)
    }

    fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(4 * 1024)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Hands each file of a target's corpus to its body. A package of this library has no corpus.
    fn replay(target: &str, body: fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        if !fuzz.exists() {
            return;
        }
        let files: Vec<_> = fs::read_dir(fuzz.join("corpus").join(target)).unwrap().collect();
        assert!(files.len() >= 3, "the corpus of {target} has {} files", files.len());
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            body(&fs::read(path).unwrap());
        }
    }

    #[test]
    fn the_corpus_of_netlink_messages_passes() {
        replay("netlink", super::netlink);
    }

    #[test]
    fn the_corpus_of_connections_passes() {
        replay("connections", super::connections);
    }

    #[test]
    fn the_corpus_of_tables_passes() {
        replay("table", super::table);
    }

    #[test]
    fn the_corpus_of_hostile_peers_passes() {
        replay("socket", super::socket);
    }
}
