//! The socket below genetlink, which notes what netlink-proto does not pass on.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use ::tokio::sync::watch;
use ::tokio::time::{Sleep, sleep};
use bytes::BufMut;
use netlink_packet_core::NetlinkBuffer;
use netlink_sys::{AsyncSocket, Socket, SocketAddr, TokioSocket};
use nix::errno::Errno;

use crate::socket::{REPLY_TIMEOUT, SocketError};

/// The longest datagram in bytes; the kernel makes none above 32 KiB. netlink-proto offers as much room.
const MAX_DATAGRAM_LEN: usize = 64 * 1024;

/// A netlink socket for netlink-proto.
///
/// netlink-proto tells nobody where a datagram ends, so the number of the datagram is written into each message, in
/// place of the port number, which is always the socket's own.
pub(super) struct Carrier<S = TokioSocket> {
    socket: S,
    events: Arc<Events>,
    /// Set from a request to the next datagram.
    awaits: AtomicBool,
    watchdog: Mutex<Option<Watchdog>>,
}

/// Watches over replies. There is one for all requests: the kernel answers them one after the other, and a timer for
/// each would ask for the time more often than for anything else.
struct Watchdog {
    timer: Pin<Box<Sleep>>,
    /// The number of datagrams that had arrived when the timer was set.
    datagrams: u32,
}

/// Everything that happened on a socket and that replies do not tell.
#[derive(Debug)]
pub(super) struct Events {
    troubles: watch::Sender<Troubles>,
    /// The number of datagrams that arrived.
    datagrams: AtomicU32,
    /// The failure that ended the connection.
    failure: OnceLock<(&'static str, i32)>,
}

/// The numbers of troubles with replies.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Troubles {
    /// The number of overflows of the receive buffer, each of which lost replies.
    pub(super) overflows: u32,
    /// The number of times that the kernel did not answer in time.
    pub(super) silences: u32,
}

impl Events {
    fn new() -> Self {
        let (troubles, datagrams) = (watch::Sender::new(Troubles::default()), AtomicU32::new(0));
        Self { troubles, datagrams, failure: OnceLock::new() }
    }

    /// Returns a receiver that sees the troubles from now on.
    pub(super) fn troubles(&self) -> watch::Receiver<Troubles> {
        self.troubles.subscribe()
    }

    /// Returns the error of everybody who waits when the connection ends.
    pub(super) fn closed(&self) -> SocketError {
        match self.failure.get() {
            Some(&(action, errno)) => {
                SocketError::System { action, error: io::Error::from_raw_os_error(errno) }
            }
            None => SocketError::Closed,
        }
    }

    /// Notes the failure of a system call, after which netlink-proto ends the connection.
    fn fail(&self, action: &'static str, error: io::Error) -> io::Error {
        // Only the first one matters.
        let _ = self.failure.set((action, error.raw_os_error().unwrap_or_default()));
        error
    }
}

impl<S: AsyncSocket> Carrier<S> {
    /// Returns the events on the socket.
    pub(super) fn events(&self) -> Arc<Events> {
        Arc::clone(&self.events)
    }

    /// Notes a silence if nothing has arrived since the timer was set although a request waits for its reply.
    fn poll_watchdog(&self, context: &mut Context<'_>) {
        let mut watchdog = self.watchdog.lock().unwrap_or_else(PoisonError::into_inner);
        let datagrams = self.events.datagrams.load(Ordering::Relaxed);
        loop {
            let awaits = self.awaits.load(Ordering::Relaxed);
            match &mut *watchdog {
                None if awaits => {
                    *watchdog = Some(Watchdog { timer: Box::pin(sleep(REPLY_TIMEOUT)), datagrams });
                }
                None => return,
                Some(set) => {
                    if set.timer.as_mut().poll(context).is_pending() {
                        return;
                    }
                    if awaits && set.datagrams == datagrams {
                        self.awaits.store(false, Ordering::Relaxed);
                        self.events.troubles.send_modify(|troubles| troubles.silences += 1);
                    }
                    *watchdog = None;
                }
            }
        }
    }

    /// Receives a datagram and numbers its messages. One that was cut counts as lost.
    fn poll_datagram(&self, context: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        loop {
            let mut datagram = Vec::with_capacity(MAX_DATAGRAM_LEN);
            let Poll::Ready(received) = self.poll_receive(context, &mut datagram) else {
                self.poll_watchdog(context);
                return Poll::Pending;
            };
            self.awaits.store(false, Ordering::Relaxed);
            // A lost datagram counts too: the kernel is not silent.
            let number = self.events.datagrams.fetch_add(1, Ordering::Relaxed);
            match received {
                Ok(sender) if datagram.len() < MAX_DATAGRAM_LEN => {
                    number_messages(&mut datagram, number);
                    return Poll::Ready(Ok((datagram, sender)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() != Some(Errno::ENOBUFS as i32) => {
                    return Poll::Ready(Err(self.events.fail("receive", error)));
                }
                _ => self.events.troubles.send_modify(|troubles| troubles.overflows += 1),
            }
        }
    }

    /// Receives a datagram, of which there may be one before the runtime has heard of it.
    fn poll_receive(
        &self,
        context: &mut Context<'_>,
        datagram: &mut Vec<u8>,
    ) -> Poll<io::Result<SocketAddr>> {
        match self.socket.socket_ref().recv_from(datagram, 0) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket.poll_recv_from(context, datagram)
            }
            received => Poll::Ready(received.map(|(_, sender)| sender)),
        }
    }
}

/// Writes the number of a datagram into each of its messages.
fn number_messages(mut rest: &mut [u8], number: u32) {
    while let Ok(mut message) = NetlinkBuffer::new_checked(&mut rest[..]) {
        message.set_port_number(number);
        let next = (message.length() as usize).next_multiple_of(4).min(rest.len());
        rest = &mut rest[next..];
    }
}

impl<S: AsyncSocket> AsyncSocket for Carrier<S> {
    fn socket_ref(&self) -> &Socket {
        self.socket.socket_ref()
    }

    fn socket_mut(&mut self) -> &mut Socket {
        self.socket.socket_mut()
    }

    fn new(protocol: isize) -> io::Result<Self> {
        let socket = S::new(protocol)?;
        // Both are refinements; kernels before 4.12 and 4.3 do without.
        let _ = socket.socket_ref().set_ext_ack(true);
        let _ = socket.socket_ref().set_cap_ack(true);
        // From then on nobody but the kernel can send to the socket.
        socket.socket_ref().connect(&SocketAddr::new(0, 0))?;
        let (awaits, watchdog) = Default::default();
        Ok(Self { socket, events: Arc::new(Events::new()), awaits, watchdog })
    }

    fn poll_send(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match ready!(self.socket.poll_send(context, bytes)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => {
                    self.awaits.store(true, Ordering::Relaxed);
                    self.poll_watchdog(context);
                    // The kernel has replied already. To wait until the runtime hears of it took twice as long.
                    context.waker().wake_by_ref();
                    return Poll::Ready(sent.map_err(|error| self.events.fail("send", error)));
                }
            }
        }
    }

    fn poll_send_to(
        &self,
        context: &mut Context<'_>,
        bytes: &[u8],
        _: &SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, bytes)
    }

    fn poll_recv<B: BufMut>(&self, context: &mut Context<'_>, buffer: &mut B) -> Poll<io::Result<()>> {
        self.poll_recv_from(context, buffer).map_ok(drop)
    }

    fn poll_recv_from<B: BufMut>(
        &self,
        context: &mut Context<'_>,
        buffer: &mut B,
    ) -> Poll<io::Result<SocketAddr>> {
        let (datagram, sender) = ready!(self.poll_datagram(context))?;
        buffer.put_slice(&datagram);
        Poll::Ready(Ok(sender))
    }

    fn poll_recv_from_full(&self, context: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, SocketAddr)>> {
        self.poll_datagram(context)
    }
}
