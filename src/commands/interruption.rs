//! Signals that end waiting, so that the program can still say what it has done.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The signals by which people and service managers end a program.
const SIGNALS: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// Holds back the signals that would end the program, until it is dropped.
pub(super) struct Interruption {
    /// `None` if signals cannot be read, for want of descriptors: then they end the program as ever.
    held: Option<(SignalFd, SigSet)>,
}

impl Interruption {
    /// Begins to hold signals back, except for those that the caller of the program has it ignore, as `nohup` does.
    pub(super) fn hold() -> Self {
        let ignored = ignored_signals();
        let set: SigSet = SIGNALS.into_iter().filter(|&signal| !is_in(ignored, signal)).collect();
        let hold = || {
            let signals = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
            Ok::<_, Errno>((signals, set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?))
        };
        Self { held: hold().ok() }
    }

    /// Waits for this time, or until a signal comes, which is returned.
    pub(super) fn wait(&mut self, time: Duration) -> Option<Signal> {
        let Some((signals, _)) = &mut self.held else {
            sleep(time);
            return None;
        };
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Rounded up, so that the time is over afterwards.
            let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
            let outcome = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], timeout);
            if let Ok(Some(signal)) = signals.read_signal() {
                return Signal::try_from(signal.ssi_signo as i32).ok();
            }
            match outcome {
                Err(Errno::EINTR) | Ok(1..) => {}
                Ok(_) => return None,
                Err(_) => {
                    sleep(left);
                    return None;
                }
            }
        }
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        if let Some((_, before)) = &self.held {
            let _ = before.thread_set_mask();
        }
    }
}

/// Returns whether a signal is ignored, as whoever has started this program may want it.
pub(super) fn is_ignored(signal: Signal) -> bool {
    is_in(ignored_signals(), signal)
}

/// Returns the set of ignored signals as the kernel shows it. If there is no `/proc`, none is known to be ignored.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let set = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(set: u64, signal: Signal) -> bool {
    set >> (signal as i32 - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::raise;

    use super::*;

    #[test]
    fn a_signal_ends_the_wait_at_once() {
        let mut interruption = Interruption::hold();
        let start = Instant::now();
        assert_eq!(interruption.wait(Duration::from_millis(30)), None);
        assert!(start.elapsed() >= Duration::from_millis(30));
        raise(Signal::SIGTERM).unwrap();
        assert_eq!(interruption.wait(Duration::from_secs(60)), Some(Signal::SIGTERM));
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn sets_of_signals_are_read() {
        // SIGHUP and SIGTERM.
        let set = 0x4001;
        let found = SIGNALS.map(|signal| is_in(set, signal));
        assert_eq!(found, [true, false, false, true]);
        // Test programs ignore SIGPIPE, as all programs in Rust do.
        assert!(is_in(ignored_signals(), Signal::SIGPIPE));
    }
}
