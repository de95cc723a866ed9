//! `ipvsadm`: administer the IPVS load balancer of the Linux kernel.

use std::process::ExitCode;

fn main() -> ExitCode {
    ipvsadm::run(std::env::args_os().skip(1))
}
