//! The settings of Debian and of Red Hat, and machines without any.

use super::*;

#[test]
fn a_machine_with_debian_settings_keeps_its_rules_and_daemons() {
    let machine = Machine::new(&[("default/ipvsadm", "AUTO=true\nDAEMON=both\nIFACE=\"d0\"\nSYNCID=3\n")]);
    let director = &machine.director;
    // The original saves the table, without thresholds.
    director.feed("-R", &RULES.replace("-w 3", "-w 3 -x 100"));
    let bin = unpacked_program("ipvsadm");
    let save = bin.with_file_name("../root/sbin/ipvsadm-save");
    machine.stage.ok(&format!("{} -n >/etc/ipvsadm.rules", save.display()));
    assert_eq!(machine.read("ipvsadm.rules").replace("8080   ", "8080 "), RULES);
    director.ok("-C");
    // These rules would be next in line if Debian's did not exist.
    machine.write("sysconfig/ipvsadm", "-A -f 1\n");

    for _ in 0..2 {
        assert_eq!(machine.start(), silent_success());
        assert_eq!(director.saved(), RULES);
        assert_eq!(director.ok("-L --daemon"), DAEMONS);
    }
    director.ok("--stop-daemon backup");
    assert_eq!(machine.reload(), silent_success());
    assert_eq!(director.ok("-L --daemon"), DAEMONS);

    let before = machine.read("ipvsadm.rules");
    assert_eq!(machine.stop(), silent_success());
    assert_eq!((director.saved(), director.ok("-L --daemon")), Default::default());
    assert_eq!(machine.read("ipvsadm.rules"), before);
    assert_eq!(machine.stop(), silent_success(), "stopping again is harmless");
}

#[test]
fn a_reload_keeps_weights_if_so_configured() {
    let machine = Machine::new(&[("ipvsadm.rules", RULES)]);
    let director = &machine.director;
    let by_hand = RULES.replace("-w 3", "-w 0");
    for (setting, after) in [("no", RULES), ("yes", by_hand.as_str())] {
        machine.write("default/ipvsadm", &format!("KEEP_WEIGHTS={setting}\n"));
        assert_eq!(machine.start(), silent_success());
        assert_eq!(director.saved(), RULES, "a start has nothing to keep");
        director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 --keep -w 0");
        assert_eq!(machine.reload(), silent_success());
        assert_eq!(director.saved(), after, "KEEP_WEIGHTS={setting}");
    }
    machine.write("default/ipvsadm", "KEEP_WEIGHTS=perhaps\n");
    assert_eq!(machine.reload().1, 1);
}

#[test]
fn a_machine_with_debian_settings_can_start_daemons_only() {
    let machine = Machine::new(&[
        ("ipvsadm.rules", RULES),
        ("default/ipvsadm", "AUTO=\"false\"\nDAEMON=\"master\"\nIFACE=d0\nSAVE_ON_STOP=yes\n"),
    ]);
    machine.director.ok("-A -f 1");
    let output =
        "ipvsadm.service: /etc/default/ipvsadm:1: AUTO=false, so nothing is loaded from /etc/ipvsadm.rules\n";
    assert_eq!(machine.start(), (output.to_string(), 0));
    assert_eq!(machine.reload(), (output.to_string(), 0));
    let master = "master sync daemon (mcast=d0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n";
    assert_eq!(machine.director.ok("-L --daemon"), master);
    assert_eq!(machine.stop(), silent_success());
    assert_eq!(machine.director.ok("-L --daemon"), "");
    assert_eq!(machine.director.saved(), "-A -f 1 -s wlc\n");
    assert_eq!(machine.read("ipvsadm.rules"), RULES);
}

#[test]
fn a_machine_with_red_hat_settings_keeps_its_rules() {
    let machine = Machine::new(&[
        ("sysconfig/ipvsadm", RULES),
        ("sysconfig/ipvsadm-config", "# Red Hat's\nIPVS_SAVE_ON_STOP=\"yes\"\nIPVS_SAVE_ON_RESTART=\"no\"\n"),
    ]);
    let director = &machine.director;
    assert_eq!(machine.start(), silent_success());
    assert_eq!(director.saved(), RULES);

    director.ok("-D -f 7");
    director.ok("--set 901 0 0");
    director.ok("--start-daemon master --mcast-interface d0 --syncid 3");
    let full = director.ok("-S -n --full");
    assert_eq!(machine.stop(), silent_success());
    assert_eq!((director.saved(), director.ok("-L --daemon")), Default::default());
    assert_eq!(machine.read_commands("sysconfig/ipvsadm"), full);
    assert!(full.contains("--set 901 ") && full.contains("--start-daemon master "), "{full}");
    assert_eq!(machine.start(), silent_success());
    assert_eq!(director.ok("-S -n --full"), full);

    // Our own setting takes precedence.
    machine.write("default/ipvsadm", "SAVE_ON_STOP=no\n");
    director.ok("-C");
    director.ok("-A -f 1");
    assert_eq!(machine.stop(), silent_success());
    assert_eq!(machine.read_commands("sysconfig/ipvsadm"), full);
}

#[test]
fn the_service_starts_without_any_rules() {
    let machine = Machine::new(&[]);
    machine.director.ok("-A -f 1");
    machine.stage.ok(&format!("cp {}/etc/default/ipvsadm /etc/default/", machine.folder.0.display()));
    let output =
        "ipvsadm.service: there are no rules: neither /etc/ipvsadm.rules nor /etc/sysconfig/ipvsadm exists\n";
    assert_eq!(machine.start(), (output.to_string(), 0));
    assert_eq!(machine.reload(), (output.to_string(), 0));
    assert_eq!(machine.director.saved(), "-A -f 1 -s wlc\n");

    // The first save creates the rules.
    assert_eq!(machine.run_shell("/usr/local/lib/ipvsadm/service save"), silent_success());
    assert_eq!(machine.read_commands("ipvsadm.rules"), machine.director.ok("-S -n --full"));
    assert_eq!(machine.stage.ok("stat -c %a /etc/ipvsadm.rules"), "644\n");
}
