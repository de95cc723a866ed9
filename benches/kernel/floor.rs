//! The least work that gives the same result.

use std::fs::{self, File};
use std::io::Read;

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use super::Result;

/// Does one piece of work after the other: `short FILE` and `long FILE` send encoded messages and throw the
/// answers away, with short and long receives; `read FILE` reads a file.
pub fn run(work: &[&str]) -> Result<()> {
    for pair in work.chunks(2) {
        match pair {
            ["short", file] => exchange(file, 8 * 1024)?,
            ["long", file] => exchange(file, 32 * 1024)?,
            ["read", file] => read(file)?,
            _ => return Err("no such work".into()),
        }
    }
    Ok(())
}

/// Sends each datagram and receives until its answer is complete. For each piece of an answer the kernel clears
/// as much memory as was ever offered room for, up to 32 KiB; for each it starts to count from the first entry.
fn exchange(file: &str, receive: usize) -> Result<()> {
    let datagrams = fs::read(file)?;
    let socket = Socket::new(NETLINK_GENERIC)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut answer = vec![0; receive];
    let mut rest = &datagrams[..];
    while let Some((length, after)) = rest.split_first_chunk() {
        let (datagram, after) = after.split_at(u32::from_ne_bytes(*length) as usize);
        rest = after;
        socket.send(datagram, 0)?;
        loop {
            let length = socket.recv(&mut &mut answer[..], 0)?;
            let header = NetlinkBuffer::new(&answer[..length]);
            match header.message_type() {
                NLMSG_DONE => break,
                NLMSG_ERROR if answer[16..20] == [0; 4] => break,
                NLMSG_ERROR => return Err("the kernel refused something".into()),
                _ => {}
            }
        }
    }
    Ok(())
}

fn read(file: &str) -> Result<()> {
    let mut file = File::open(file)?;
    let mut buffer = vec![0; 64 * 1024];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}
