//! The install script.

use super::*;

#[test]
fn what_is_installed_can_be_removed() {
    let folder = Folder::new();
    let expected: BTreeSet<String> = [
        "etc/default/ipvsadm",
        "usr/lib/ipvsadm/service",
        "usr/lib/systemd/system/ipvsadm.service",
        "usr/sbin/ipvsadm",
        "usr/sbin/ipvsadm-restore",
        "usr/sbin/ipvsadm-save",
        "usr/share/bash-completion/completions/ipvsadm",
        "usr/share/fish/vendor_completions.d/ipvsadm.fish",
        "usr/share/man/man8/ipvsadm-restore.8",
        "usr/share/man/man8/ipvsadm-save.8",
        "usr/share/man/man8/ipvsadm.8",
        "usr/share/zsh/site-functions/_ipvsadm",
    ]
    .map(String::from)
    .into();
    let said = folder.install("--prefix /usr/");
    assert!(said.contains("systemctl enable --now /usr/lib/systemd/system/ipvsadm.service"), "{said}");
    assert_eq!(folder.files(), expected);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let unit = read("usr/lib/systemd/system/ipvsadm.service");
    assert!(unit.contains("ExecStart=/usr/lib/ipvsadm/service start\n") && !unit.contains('@'), "{unit}");

    // Again, in place of what is there; but settings are the administrator's.
    fs::write(folder.0.join("etc/default/ipvsadm"), "AUTO=false\n").unwrap();
    fs::write(folder.0.join("etc/ipvsadm.rules"), RULES).unwrap();
    fs::write(folder.0.join("usr/sbin/other"), "").unwrap();
    let said = folder.install("--prefix /usr");
    assert!(said.contains("etc/default/ipvsadm was there already and stays.\n"), "{said}");
    assert_eq!(read("etc/default/ipvsadm"), "AUTO=false\n");

    for _ in 0..2 {
        let said = folder.install("--prefix /usr --uninstall");
        let place = folder.0.display();
        let stays = format!("{place}/etc/default/ipvsadm stays.\n{place}/etc/ipvsadm.rules stays.\n");
        assert_eq!(said, format!("Removed ipvsadm from {place}/usr.\n{stays}"));
        let rest = ["etc/default/ipvsadm", "etc/ipvsadm.rules", "usr/sbin/other"].map(String::from);
        assert_eq!(folder.files(), rest.into());
        assert!(!folder.0.join("usr/lib/ipvsadm").exists());
    }

    for (words, what) in [
        ("--prefix usr", "--prefix takes an absolute path, not usr"),
        ("--prefix /a|b", "--prefix takes letters, digits and any of ._/+-, not /a|b"),
        ("--prefix", "--prefix needs a value"),
        ("--help-me", "unknown option --help-me (see scripts/install -h)"),
    ] {
        let run = run(Command::new(INSTALL).args(words.split(' ')));
        assert_eq!((run.status, run.stderr), (1, format!("scripts/install: {what}\n")));
    }
}
