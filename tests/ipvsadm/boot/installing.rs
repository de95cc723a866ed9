//! The install script.

use super::*;

#[test]
fn an_installation_can_be_repeated_and_removed() {
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
    let output = folder.install("--prefix /usr/");
    assert!(output.contains("systemctl enable --now /usr/lib/systemd/system/ipvsadm.service"), "{output}");
    assert_eq!(folder.files(), expected);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let unit = read("usr/lib/systemd/system/ipvsadm.service");
    assert!(unit.contains("ExecStart=/usr/lib/ipvsadm/service start\n") && !unit.contains('@'), "{unit}");

    // Installing again replaces everything but the administrator's settings.
    fs::write(folder.0.join("etc/default/ipvsadm"), "AUTO=false\n").unwrap();
    fs::write(folder.0.join("etc/ipvsadm.rules"), RULES).unwrap();
    fs::write(folder.0.join("usr/sbin/other"), "").unwrap();
    let output = folder.install("--prefix /usr");
    assert!(output.contains("etc/default/ipvsadm was there already and stays.\n"), "{output}");
    assert_eq!(read("etc/default/ipvsadm"), "AUTO=false\n");

    for _ in 0..2 {
        let output = folder.install("--prefix /usr --uninstall");
        let root = folder.0.display();
        let stays = format!("{root}/etc/default/ipvsadm stays.\n{root}/etc/ipvsadm.rules stays.\n");
        assert_eq!(output, format!("Removed ipvsadm from {root}/usr.\n{stays}"));
        let kept = ["etc/default/ipvsadm", "etc/ipvsadm.rules", "usr/sbin/other"].map(String::from);
        assert_eq!(folder.files(), kept.into());
        assert!(!folder.0.join("usr/lib/ipvsadm").exists());
    }

    for (words, problem) in [
        ("--prefix usr", "--prefix takes an absolute path, not usr"),
        ("--prefix /a|b", "--prefix takes letters, digits and any of ._/+-, not /a|b"),
        ("--prefix", "--prefix needs a value"),
        ("--help-me", "unknown option --help-me (see scripts/install -h)"),
    ] {
        let run = run(Command::new(INSTALL).args(words.split(' ')));
        assert_eq!((run.status, run.stderr), (1, format!("scripts/install: {problem}\n")));
    }
}
