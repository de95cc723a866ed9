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
    let sentence = "ipvsadm-save: cannot write /etc/ipvsadm.rules: it is not a regular file\n";
    assert_eq!((output.as_str(), status), (sentence, 1));
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
    let state = |command: &str| stage.ok(&format!("cd /run/disk && stat -c '%n %a %u:%g %F' * && {command}"));

    stage.ok("cd /run/disk && echo old >rules && chmod 640 rules && chown 12:34 rules && ln -s rules link");
    for (words, expected) in [
        ("-n -o /run/disk/rules", RULES.to_string()),
        ("-n --full --output /run/disk/link", director.ok("-S -n --full")),
        ("--output=/run/disk/link", director.ok("-S")),
        ("-n -o /run/disk/rules", RULES.to_string()),
    ] {
        assert_eq!(save(words), silent_success());
        assert_eq!(
            state("cat rules"),
            format!("link 777 0:0 symbolic link\nrules 640 12:34 regular file\n{expected}")
        );
    }
    assert_eq!(save("-n -o /run/disk/new"), silent_success());
    assert_eq!(stage.ok("cd /run/disk && stat -c %a new && cat new && rm new"), format!("644\n{RULES}"));
    assert_eq!(
        machine.run_shell("umask 077; /usr/local/sbin/ipvsadm-save -o /run/disk/new"),
        silent_success()
    );
    assert_eq!(stage.ok("cd /run/disk && stat -c %a new && rm new"), "600\n");

    // The disk has room for a copy of the old file, but not for the new one.
    let before = state("cat rules");
    let large_table: String = (1001..4000).map(|mark| format!("-A -f {mark}\n")).collect();
    assert_eq!(director.feed("-R", &large_table).status, 0);
    let (output, status) = save("-n -o /run/disk/rules");
    let ending = "\nipvsadm-save: /run/disk/rules was not written, and is as it was\n";
    assert!(output.contains("No space left on device") && output.ends_with(ending), "{output}");
    assert_eq!((status, state("cat rules")), (1, before.clone()));

    // The disk is full.
    machine.run_shell("cat /dev/zero >/run/disk/zeros");
    let (output, status) = save("-n -o /run/disk/link");
    assert!(output.contains("No space left on device"), "{output}");
    assert!(
        output.ends_with("\nipvsadm-save: /run/disk/link was not written, and is as it was\n"),
        "{output}"
    );
    stage.ok("rm /run/disk/zeros");
    assert_eq!((status, state("cat rules")), (1, before.clone()));

    // The program fails, or the path cannot be written to.
    for (command, status, ending) in [
        (
            "setpriv --bounding-set -net_admin -- /usr/local/sbin/ipvsadm-save -o /run/disk/rules",
            2,
            "ipvsadm-save: /run/disk/rules was not written, and is as it was\n",
        ),
        (
            "/usr/local/sbin/ipvsadm-save -o /run/disk",
            1,
            "cannot write /run/disk: it is not a regular file\n",
        ),
        (
            "/usr/local/sbin/ipvsadm-save -o /dev/null",
            1,
            "cannot write /dev/null: it is not a regular file\n",
        ),
        ("/usr/local/sbin/ipvsadm-save -o /run/no/rules", 1, "/run/no/rules: its folder does not exist\n"),
        ("/usr/local/sbin/ipvsadm-save -o", 1, "ipvsadm-save: -o needs the name of a file\n"),
    ] {
        let (output, exit_status) = machine.run_shell(command);
        assert!(output.ends_with(ending), "{command}: {output}");
        assert_eq!((exit_status, state("cat rules")), (status, before.clone()), "{command}");
    }
}
