//! The program on a kernel without IPVS (`scripts/kernel --no-modules`).

use std::process::Command;

use crate::support::{PROGRAM, run};
use crate::users::built;

#[test]
fn a_missing_module_is_reported_with_the_next_step() {
    for words in ["-L -n", "-C", "-A -t 192.0.2.1:80", "-S"] {
        let run = run(Command::new(PROGRAM).args(words.split(' ')));
        assert!(
            run.stderr.starts_with("ipvsadm: the kernel has no IPVS: the module ip_vs is not loaded and ")
                && run.stderr.ends_with(
                    "; install it with the kernel's modules, or run 'modprobe ip_vs' as root to see why\n"
                ),
            "{}",
            run.stderr
        );
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    }
}

#[test]
fn a_missing_module_is_reported_by_both_clients_of_the_library() {
    for name in ["list_table", "watch_table"] {
        let run = run(&mut Command::new(built(&format!("examples/{name}"))));
        let sentence = "the kernel has no IPVS: the module ip_vs is not loaded and the library was not asked to \
                        load it; install it with the kernel's modules, or run 'modprobe ip_vs' as root to see why\n";
        assert_eq!((run.status, run.stderr.as_str(), run.stdout.as_str()), (1, sentence, ""), "{name}");
    }
}

#[test]
fn the_doctor_loads_nothing_and_examines_real_servers_all_the_same() {
    let doctor = run(Command::new(PROGRAM).arg("--doctor"));
    let start = "ipvsadm: cannot look: the kernel has no IPVS: the module ip_vs is not loaded and nothing is loaded for an \
                 examination; ";
    assert!(doctor.stderr.starts_with(start), "{}", doctor.stderr);
    assert_eq!((doctor.status, doctor.stdout.as_str()), (2, ""));
    let doctor = run(Command::new(PROGRAM).args(["--doctor", "--as-real-server"]));
    assert_eq!((doctor.status, doctor.stdout.as_str(), doctor.stderr.as_str()), (0, "", ""));
}

#[test]
fn help_and_version_work_without_ipvs() {
    for words in ["-h", "-v"] {
        let run = run(Command::new(PROGRAM).arg(words));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    }
}
