//! The least work that gives the same result.

use std::fs::{self, File};
use std::io::Read;

use netlink_packet_core::{NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use super::Result;

/// Does one piece of work after the other: `changes FILE` sends encoded changes, `dumps FILE` asks
/// encoded questions and throws the answers away, `read FILE` reads a file.
pub fn run(work: &[&str]) -> Result<()> {
    for pair in work.chunks(2) {
        match pair {
            ["changes", file] => exchange(file)?,
            ["dumps", file] => exchange(file)?,
            ["read", file] => read(file)?,
            _ => return Err("no such work".into()),
        }
    }
    Ok(())
}

/// Sends each datagram and receives until its answer is complete.
fn exchange(file: &str) -> Result<()> {
    let datagrams = fs::read(file)?;
    let socket = Socket::new(NETLINK_GENERIC)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    // More costs the kernel more: it clears as much memory for each answer.
    let mut answer = vec![0; 8 * 1024];
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
