//! The copy of the table that is loaded if the rules are refused at boot.

use super::*;

const KEPT: &str = "/var/lib/ipvsadm/rules";
const LOADED: &str = "so the table is the one that was loaded last, from /var/lib/ipvsadm/rules\n";

#[test]
fn the_last_good_table_is_loaded_if_the_rules_are_refused_at_boot() {
    let machine = Machine::new(&[("ipvsadm.rules", RULES), ("default/ipvsadm", "DAEMON=backup\nIFACE=d0\n")]);
    let director = &machine.director;
    assert_eq!(machine.start(), silent_success());
    assert_eq!(machine.stage.ok(&format!("stat -c '%a %U' /var/lib/ipvsadm {KEPT}")), "700 root\n600 root\n");
    assert!(machine.stage.ok(&format!("cat {KEPT}")).contains(RULES));

    for (rules, problem, status) in [
        ("-A -f 2\n-A -f none\n", "/etc/ipvsadm.rules:2: -f \"none\"", 2),
        ("-A -f 2\n-A -f 3 -s x\n", "/etc/ipvsadm.rules:2: cannot add service", 255),
    ] {
        machine.write("ipvsadm.rules", rules);
        // As after a boot. A reload does not load the copy.
        director.ok("-C");
        assert_eq!(machine.stop(), silent_success());
        assert_eq!(machine.reload().1, status);
        assert_eq!(director.saved(), "");

        let (output, exit_status) = machine.start();
        assert!(output.starts_with(problem) && output.ends_with(LOADED), "{output}");
        assert_eq!((exit_status, director.saved().as_str()), (status, RULES), "{output}");
        assert!(director.ok("-L --daemon").starts_with("backup sync daemon (mcast=d0, "));
    }

    // Services that are there are left alone.
    director.ok("-C");
    director.ok("-A -f 9");
    let (output, status) = machine.start();
    assert!(!output.contains(KEPT), "{output}");
    assert_eq!((status, director.saved().as_str()), (255, "-A -f 9 -s wlc\n"));

    // A successful reload replaces the copy.
    machine.write("ipvsadm.rules", "-A -f 2\n");
    assert_eq!(machine.reload(), silent_success());
    assert!(machine.stage.ok(&format!("cat {KEPT}")).contains("-A -f 2 -s wlc\n"));
    assert_eq!(machine.stage.ok("ls -A /var/lib/ipvsadm"), "rules\n");
}

#[test]
fn a_copy_that_cannot_be_kept_or_loaded_is_reported() {
    let machine = Machine::new(&[("ipvsadm.rules", RULES)]);
    machine.stage.ok("mount -o remount,ro /var/lib");
    let (output, status) = machine.start();
    let ending = "ipvsadm.service: the rules are loaded, but no copy is kept in /var/lib/ipvsadm/rules\n";
    assert!(output.ends_with(ending), "{output}");
    assert_eq!((status, machine.director.saved().as_str()), (0, RULES));

    // A file that disappears is reported as well, and so is a copy that is refused.
    machine.stage.ok("mount -o remount,rw /var/lib && mkdir /var/lib/ipvsadm && rm /etc/ipvsadm.rules");
    machine.stage.ok(&format!("echo broken >{KEPT} && ln -s /nowhere /etc/ipvsadm.rules"));
    machine.director.ok("-C");
    let (output, status) = machine.start();
    assert!(output.contains("cannot read /etc/ipvsadm.rules") && output.contains(KEPT), "{output}");
    assert!(!output.contains(LOADED), "{output}");
    assert_eq!((status, machine.director.saved().as_str()), (255, ""));
}
