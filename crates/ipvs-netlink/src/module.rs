//! Loading the kernel's module.

use std::process::{Command, Stdio};

/// Runs the system's module loader for IPVS and describes the outcome.
pub(crate) fn load() -> String {
    let loader = std::fs::read_to_string("/proc/sys/kernel/modprobe").unwrap_or_default();
    let loader = match loader.trim() {
        "" => "/sbin/modprobe",
        loader => loader,
    };
    let outcome = Command::new(loader)
        .args(["-q", "--", "ip_vs"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match outcome {
        Ok(status) if status.success() => "loading it did not help".into(),
        Ok(status) => format!("{loader} could not load it ({status})"),
        Err(error) => format!("{loader} could not be run ({error})"),
    }
}
