//! Messages to systemd, which waits for them if the unit is of the type "notify".

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The environment variable that names the socket.
pub(super) const SOCKET: &str = "NOTIFY_SOCKET";

/// The connection to systemd, if it has started the program.
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
    /// The status that was told last.
    status: String,
}

impl Systemd {
    pub(super) fn connect() -> Self {
        Self { socket: std::env::var(SOCKET).ok().and_then(|name| connect(&name)), status: String::new() }
    }

    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    pub(super) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Tells what "systemctl status" shows, if that has changed.
    pub(super) fn status(&mut self, status: String) {
        if self.status != status {
            self.send(&format!("STATUS={status}"));
            self.status = status;
        }
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // Without systemd's ear the work goes on.
            let _ = socket.send(message.as_bytes());
        }
    }
}

/// Connects to a path, or to an abstract name, which begins with `@`.
fn connect(name: &str) -> Option<UnixDatagram> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name).ok()?,
        None => SocketAddr::from_pathname(name).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect_addr(&address).ok()?;
    // Whoever does not read must not stop the work.
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_sockets_are_found() {
        let name = format!("ipvsadm-test-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let listeners = [
            UnixDatagram::bind(&path).unwrap(),
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
        ];
        for (listener, address) in listeners.iter().zip([path.to_str().unwrap(), &format!("@{name}")]) {
            let mut systemd = Systemd { socket: connect(address), status: String::new() };
            systemd.ready();
            systemd.status("following".into());
            systemd.status("following".into());
            systemd.stopping();
            let receive = || {
                let mut bytes = [0; 64];
                let length = listener.recv(&mut bytes).unwrap();
                String::from_utf8_lossy(&bytes[..length]).into_owned()
            };
            assert_eq!([receive(), receive(), receive()], ["READY=1", "STATUS=following", "STOPPING=1"]);
        }
        std::fs::remove_file(path).unwrap();
        assert!(connect("/nonexistent/socket").is_none());
    }
}
