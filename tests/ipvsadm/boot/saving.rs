//! Saving the rules when the service stops, and saving into a file.

use super::*;

#[test]
fn stopping_saves_and_clears_as_configured() {
    let machine = Machine::new(&[("ipvsadm.rules", RULES), ("default/ipvsadm", "CLEAR_ON_STOP=no\n")]);
    let director = &machine.director;
    let edited = RULES.replace("-w 3", "-w 5");
    let edit = || director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5");
    assert_eq!(machine.start(), silent_success());
    edit();
    assert_eq!(machine.stop(), silent_success());
    assert_eq!((director.saved(), machine.read("ipvsadm.rules")), (edited.clone(), RULES.to_string()));

    // A table that cannot be saved is not cleared.
    machine.write("default/ipvsadm", "SAVE_ON_STOP=yes\n");
    machine.stage.ok("mv /etc/ipvsadm.rules /etc/rules && mkdir /etc/ipvsadm.rules");
    let (output, status) = machine.stop();
    assert!(output.contains("/etc/ipvsadm.rules") && status != 0, "{output}");
    assert_eq!(director.saved(), edited);
    machine.stage.ok("rmdir /etc/ipvsadm.rules && mv /etc/rules /etc/ipvsadm.rules");

    assert_eq!(machine.stop(), silent_success());
    assert_eq!(director.saved(), "");
    assert_eq!(machine.start(), silent_success());
    assert_eq!(director.saved(), edited);

    // An empty table does not replace the rules.
    director.ok("-C");
    let output = "ipvsadm.service: the table is empty, which is not saved\n";
    assert_eq!(machine.stop(), (output.to_string(), 0));
    assert_eq!(machine.start(), silent_success());
    assert_eq!(director.saved(), edited);
}

#[test]
fn a_file_is_saved_completely_or_not_at_all() {
    let machine = Machine::new(&[]);
    let (director, stage) = (&machine.director, &machine.stage);
    director.feed("-R", RULES);
    let save = |words: &str| machine.run_shell(&format!("/usr/local/sbin/ipvsadm-save {words}"));
    stage.ok("mkdir /run/disk && mount -t tmpfs -o size=32k tmpfs /run/disk");
    let state = || stage.ok("cd /run/disk && stat -c '%n %a %u:%g %F' * && grep -v '^#' rules");

    stage.ok("cd /run/disk && echo old >rules && chmod 640 rules && chown 12:34 rules && ln -s rules link");
    for (words, expected) in [
        ("-n -o /run/disk/rules", RULES.to_string()),
        ("-n --full --output /run/disk/link", director.ok("-S -n --full")),
        ("--output=/run/disk/link", director.ok("-S")),
        ("-n -o /run/disk/rules", RULES.to_string()),
    ] {
        assert_eq!(save(words), silent_success());
        assert_eq!(state(), format!("link 777 0:0 symbolic link\nrules 640 12:34 regular file\n{expected}"));
    }

    // The disk has no room, the program fails, or the path cannot be written to.
    let before = state();
    let large_table: String = (1001..4000).map(|mark| format!("-A -f {mark}\n")).collect();
    assert_eq!(director.feed("-R", &large_table).status, 0);
    for command in [
        "/usr/local/sbin/ipvsadm-save -n -o /run/disk/rules",
        "setpriv --bounding-set -net_admin -- /usr/local/sbin/ipvsadm-save -o /run/disk/rules",
        "/usr/local/sbin/ipvsadm-save -o /run/disk",
        "/usr/local/sbin/ipvsadm-save -o /dev/null",
        "/usr/local/sbin/ipvsadm-save -o /run/no/rules",
        "/usr/local/sbin/ipvsadm-save -o",
    ] {
        let (output, exit_status) = machine.run_shell(command);
        assert!(exit_status != 0 && output.contains("ipvsadm"), "{command}: {output}");
        assert_eq!(state(), before, "{command}");
    }
}
