//! The files that distributions ship, as they are after the installation of their packages.

use super::*;

/// Rules of Debian, Ubuntu and SUSE.
const COMMENTS: &str = "# Put the rules here.\n\n   # They are written by ipvsadm-save.\n";
/// Settings of Debian and Ubuntu.
const DEBIAN: &str = "# Load the rules at boot?\nAUTO=\"false\"\n\n# none, master, backup or both\nDAEMON=\"none\"\n\n\
    # The interface for multicast\nIFACE=\"eth0\"\n\n# Used by the daemons\nSYNCID=\"1\"\n";
/// Settings of SUSE, in the file that has the rules on Red Hat.
const SUSE: &str = "## Path: Network/LVS\n## Type: string\n## Default: \"/etc/ipvsadm.rules\"\n#\n# The rules\n#\n\
    IPVSADM_CONFIG=\"/etc/ipvsadm.rules\"\n";
/// Settings of Red Hat and Fedora.
const RED_HAT: &str = "# Save the table on stop: yes|no, default no\nIPVS_SAVE_ON_STOP=\"no\"\n\n\
    # and on restart\nIPVS_SAVE_ON_RESTART=\"no\"\n\n# Show numbers\nIPVS_STATUS_NUMERIC=\"yes\"\n";

const ONE_SERVICE: &str = "-A -f 1 -s wlc\n";

fn says(sentence: &str) -> (String, i32) {
    (format!("ipvsadm.service: {sentence}\n"), 0)
}

#[test]
fn untouched_files_load_nothing_and_succeed() {
    for (files, sentence) in [
        (
            &[("ipvsadm.rules", COMMENTS), ("default/ipvsadm", DEBIAN)][..],
            "/etc/default/ipvsadm:2: AUTO=false, so nothing is loaded",
        ),
        (
            &[("ipvsadm.rules", COMMENTS), ("sysconfig/ipvsadm", SUSE)],
            "there are no rules: /etc/ipvsadm.rules says nothing",
        ),
        (
            &[("sysconfig/ipvsadm", SUSE)],
            "there are no rules: neither /etc/ipvsadm.rules nor /etc/sysconfig/ipvsadm exists",
        ),
        (
            &[("sysconfig/ipvsadm", ""), ("sysconfig/ipvsadm-config", RED_HAT)],
            "there are no rules: /etc/sysconfig/ipvsadm says nothing",
        ),
        (
            &[("ipvsadm.rules", COMMENTS), ("sysconfig/ipvsadm", "\r\n\t# nothing\r\n")],
            "there are no rules: /etc/ipvsadm.rules says nothing",
        ),
    ] {
        let machine = Machine::new(files);
        for result in [machine.start(), machine.reload()] {
            assert_eq!(result, says(sentence), "{files:?}");
        }
        assert_eq!(machine.stop(), silent_success(), "{files:?}");
    }
}

#[test]
fn files_that_say_nothing_do_not_clear_the_table() {
    let machine = Machine::new(&[("ipvsadm.rules", COMMENTS)]);
    machine.director.ok("-A -f 1");
    for (output, status) in [machine.start(), machine.reload()] {
        assert!(output.starts_with("ipvsadm: /etc/ipvsadm.rules names no service"), "{output}");
        assert_eq!((status, machine.director.saved().as_str()), (2, ONE_SERVICE));
    }
}

#[test]
fn comments_do_not_hide_the_rules_in_the_other_file() {
    let machine = Machine::new(&[("ipvsadm.rules", COMMENTS), ("sysconfig/ipvsadm", RULES)]);
    assert_eq!(machine.start(), silent_success());
    assert_eq!(machine.director.saved(), RULES);

    // The table is saved where it came from.
    machine.write("sysconfig/ipvsadm-config", &RED_HAT.replace("\"no\"", "\"yes\""));
    machine.director.ok("-D -f 7");
    assert_eq!(machine.stop(), silent_success());
    assert_eq!(machine.read("ipvsadm.rules"), COMMENTS);
    assert!(!machine.read("sysconfig/ipvsadm").contains("-A -f 7"));
    assert_eq!(machine.start(), silent_success());
    assert_eq!(machine.director.saved(), RULES.replace("-A -f 7 -s rr\n", ""));
}

#[test]
fn suse_settings_name_the_rules_file() {
    let machine = Machine::new(&[
        ("sysconfig/ipvsadm", &SUSE.replace("ipvsadm.rules\"\n", "lvs rules\" # ours\n")),
        ("ipvsadm.rules", "-A -f 2\n"),
        ("lvs rules", RULES),
    ]);
    assert_eq!(machine.start(), silent_success());
    assert_eq!(machine.director.saved(), RULES);
    machine.write("default/ipvsadm", "export RULES='/etc/ipvsadm.rules'\n");
    assert_eq!(machine.reload(), silent_success());
    assert_eq!(machine.director.saved(), "-A -f 2 -s wlc\n");
}

#[test]
fn the_commands_of_red_hats_unit_work() {
    let machine = Machine::new(&[("sysconfig/ipvsadm", "")]);
    machine.stage.ok("ln -sf /usr/local/sbin/ipvsadm-save /usr/local/sbin/ipvsadm-restore /sbin");
    let restore = "/bin/bash -c 'exec /sbin/ipvsadm-restore < /etc/sysconfig/ipvsadm'";
    assert_eq!(machine.run_shell(restore), silent_success());
    machine.write("sysconfig/ipvsadm", RULES);
    assert_eq!(machine.run_shell(restore), silent_success());
    assert_eq!(machine.director.saved(), RULES);
    machine.director.ok("-D -f 7");
    let save = "/bin/bash -c 'exec /sbin/ipvsadm-save -n > /etc/sysconfig/ipvsadm'";
    assert_eq!(machine.run_shell(save), silent_success());
    assert_eq!(machine.run_shell("/bin/bash -c 'exec /sbin/ipvsadm -C'"), silent_success());
    assert_eq!(machine.run_shell(restore), silent_success());
    assert_eq!(machine.director.saved(), RULES.replace("-A -f 7 -s rr\n", ""));
}

#[test]
fn rules_among_settings_are_reported_and_not_run() {
    let tutorial = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1 -m $(touch /etc/executed)\n";
    let problem = "ipvsadm.service: /etc/sysconfig/ipvsadm-config:1: rules in this file are not loaded, because it \
        is for settings: move them to /etc/sysconfig/ipvsadm\n";
    let machine = Machine::new(&[("sysconfig/ipvsadm-config", tutorial), ("sysconfig/ipvsadm", "")]);
    assert_eq!(machine.start(), (problem.to_string(), 1));
    machine.write("sysconfig/ipvsadm", ONE_SERVICE);
    assert_eq!(machine.start(), (problem.to_string(), 0));
    assert_eq!(machine.director.saved(), ONE_SERVICE);
    machine.stage.ok("[ ! -e /etc/executed ] && rm /etc/sysconfig/ipvsadm-config");

    machine.write("sysconfig/ipvsadm", &format!("{SUSE}ipvsadm -A -f 2\n"));
    let (output, status) = machine.start();
    assert!(
        output.contains("/etc/sysconfig/ipvsadm:8: ") && output.contains("to /etc/ipvsadm.rules\n"),
        "{output}"
    );
    assert_eq!(status, 1);
}

#[test]
fn settings_are_read_and_not_executed() {
    let machine = Machine::new(&[("sysconfig/ipvsadm", RULES)]);
    for line in [
        "IFACE=$(touch /etc/executed)",
        "IFACE=\"`touch /etc/executed`\"",
        "IFACE=d0; touch /etc/executed",
        "IFACE=d0 touch /etc/executed",
        "IFACE='d0'touch",
        "IFACE=\"d0",
        "IFACE=d0\\",
    ] {
        machine.write("default/ipvsadm", &format!("# first\n{line}\n"));
        let (output, status) = machine.start();
        let problem = format!("ipvsadm.service: /etc/default/ipvsadm:2: {line}: this is not a plain value");
        assert!(output.starts_with(&problem), "{output}");
        assert_eq!(status, 1, "{line}");
    }
    machine.write(
        "default/ipvsadm",
        "touch /etc/executed \x1b[1m\nOTHER=$(touch /etc/executed)\nSYNCID= # none\n",
    );
    let ignored = "ipvsadm.service: /etc/default/ipvsadm:1: ignored: it is not an assignment, and this file is not \
        executed\n";
    assert_eq!(machine.start(), (ignored.to_string(), 0));
    assert_eq!(machine.director.saved(), RULES);
    machine.stage.ok("[ ! -e /etc/executed ]");

    machine.write("default/ipvsadm", "DAEMON='\u{202e}\x1b]0;x\u{7}'\n");
    let problem = "ipvsadm.service: DAEMON=????]0;x?: this can be none, master, backup or both\n";
    assert_eq!(machine.start(), (problem.to_string(), 1));
}
