//! Delaying signals while something must not be left half done.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Delays all signals that would end or stop the program half-way until the work is done.
pub(super) fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    // Nothing delays SIGKILL and SIGSTOP. Faults of the program itself are not delayed.
    let mut signals = SigSet::all();
    for fault in [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL, Signal::SIGABRT] {
        signals.remove(fault);
    }
    // If signals cannot be delayed the work is done all the same.
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let result = work();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    result
}
