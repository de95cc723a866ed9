//! The least work that gives the same result.

use std::fs::{self, File};
use std::io::Read;

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use super::Result;

/// Performs tasks one after the other: `short FILE` and `long FILE` send encoded messages and discard the
/// answers, with small and large receive buffers; `read FILE` reads a file.
pub(crate) fn run(tasks: &[&str]) -> Result<()> {
    for task in tasks.chunks(2) {
        match task {
            ["short", file] => exchange(file, 8 * 1024)?,
            ["long", file] => exchange(file, 32 * 1024)?,
            ["read", file] => read(file)?,
            _ => return Err("no such task".into()),
        }
    }
    Ok(())
}

/// Sends each datagram and receives until its answer is complete. For each message of an answer the kernel
/// clears as much memory as the largest buffer offered so far, up to 32 KiB, and counts again from the first
/// entry.
fn exchange(file: &str, buffer_size: usize) -> Result<()> {
    let datagrams = fs::read(file)?;
    let socket = Socket::new(NETLINK_GENERIC)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let mut answer = vec![0; buffer_size];
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
