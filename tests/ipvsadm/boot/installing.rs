//! The install script.

use super::*;

#[test]
fn an_installation_can_be_repeated_and_removed() {
    let folder = Folder::new();
    let expected: BTreeSet<String> = [
        "etc/default/ipvsadm",
        "usr/lib/ipvsadm/metrics",
        "usr/lib/ipvsadm/service",
        "usr/lib/systemd/system/ipvsadm-follow-load.service",
        "usr/lib/systemd/system/ipvsadm-metrics.service",
        "usr/lib/systemd/system/ipvsadm-metrics.timer",
        "usr/lib/systemd/system/ipvsadm.service",
        "usr/sbin/ipvsadm",
        "usr/sbin/ipvsadm-restore",
        "usr/sbin/ipvsadm-save",
        "usr/share/bash-completion/completions/ipvsadm",
        "usr/share/bash-completion/completions/ipvsadm-restore",
        "usr/share/bash-completion/completions/ipvsadm-save",
        "usr/share/fish/vendor_completions.d/ipvsadm-restore.fish",
        "usr/share/fish/vendor_completions.d/ipvsadm-save.fish",
        "usr/share/fish/vendor_completions.d/ipvsadm.fish",
        "usr/share/ipvsadm/schema/ipvs-1.json",
        "usr/share/man/man8/ipvsadm-restore.8",
        "usr/share/man/man8/ipvsadm-save.8",
        "usr/share/man/man8/ipvsadm.8",
        "usr/share/man/zh_CN/man8/ipvsadm-restore.8",
        "usr/share/man/zh_CN/man8/ipvsadm-save.8",
        "usr/share/man/zh_CN/man8/ipvsadm.8",
        "usr/share/zsh/site-functions/_ipvsadm",
    ]
    .map(String::from)
    .into();
    let output = folder.install("--prefix /usr/");
    assert!(output.contains("systemctl enable --now /usr/lib/systemd/system/ipvsadm.service"), "{output}");
    assert_eq!(folder.files(), expected);
    let read = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
    let unit = read("usr/lib/systemd/system/ipvsadm.service");
    assert!(
        unit.contains("ExecStart=/usr/lib/ipvsadm/service start\n") && !unit.contains("@PREFIX@"),
        "{unit}"
    );

    let metrics = read("usr/lib/systemd/system/ipvsadm-metrics.service");
    assert!(metrics.contains("=/usr/sbin/ipvsadm\nExecStart=/usr/lib/ipvsadm/metrics "), "{metrics}");
    assert!(!metrics.contains("@PREFIX@"), "{metrics}");

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
        assert!(!folder.0.join("usr/lib/ipvsadm").exists() && !folder.0.join("usr/share/ipvsadm").exists());
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

/// A machine on which the package `lvs` has /run/p/sbin/ipvsadm and /sbin/ipvsadm, and on which somebody has put
/// /run/p/sbin/ipvsadm-save by hand.
fn machine_with_a_package() -> Machine {
    let machine = Machine::new(&[("default/ipvsadm", "AUTO=\"false\"\n")]);
    machine.stage.ok("mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /run/p/sbin
        cat >/var/lib/dpkg/status <<'END'
Package: lvs
Status: install ok installed
Maintainer: nobody
Architecture: all
Version: 1
Description: test
END
        printf '%s\\n' /. /run /run/p /run/p/sbin /run/p/sbin/ipvsadm /sbin /sbin/ipvsadm >/var/lib/dpkg/info/lvs.list
        echo packaged >/run/p/sbin/ipvsadm
        echo by hand >/run/p/sbin/ipvsadm-save
        ln -s ipvsadm-save /run/p/sbin/ipvsadm-restore
        mount --rbind /usr /usr && mount -o remount,bind,ro /usr");
    machine
}

const BEFORE: &str = "\
/run/p/sbin/ipvsadm packaged
/run/p/sbin/ipvsadm-restore by hand
/run/p/sbin/ipvsadm-save by hand
";

/// Returns the names and the contents of all files below the prefix.
fn below_prefix(machine: &Machine) -> String {
    machine.stage.ok("for file in $(find /run/p ! -type d | sort); do echo $file $(cat $file); done")
}

fn install(machine: &Machine, options: &str) -> (String, i32) {
    machine.run_shell(&format!("{INSTALL} --prefix /run/p --program {PROGRAM} {options}"))
}

#[test]
fn files_of_packages_are_not_replaced() {
    let machine = machine_with_a_package();
    let (output, status) = install(&machine, "");
    let problem = "scripts/install: nothing is installed, because these files belong to packages:\n  \
        /run/p/sbin/ipvsadm (lvs)\nChoose another place with --prefix /usr/local, ";
    assert!(output.starts_with(problem) && output.contains("--force"), "{output}");
    assert_eq!((status, below_prefix(&machine).as_str()), (1, BEFORE));

    // The package uses the name from before /sbin became a link.
    let (output, status) = install(&machine, "--prefix /usr");
    assert!(output.contains("belong to packages:\n  /sbin/ipvsadm (lvs)\n"), "{output}");
    assert_eq!(status, 1);

    machine
        .stage
        .write("/run/rpm", "#!/bin/sh\n[ \"$*\" = '-qf /run/p/sbin/ipvsadm-save' ] && echo lvs-1.31-1\n");
    machine.stage.ok("chmod +x /run/rpm && ln -s /run/rpm /mnt/bin");
    let (output, status) = install(&machine, "");
    assert!(
        output.contains("/run/p/sbin/ipvsadm (lvs)\n  /run/p/sbin/ipvsadm-save (lvs-1.31-1)\n"),
        "{output}"
    );
    assert_eq!((status, below_prefix(&machine).as_str()), (1, BEFORE));
    machine.stage.ok("rm /mnt/bin/rpm");

    // A diverted file is out of the way.
    machine.stage.ok("dpkg-divert --quiet --local --rename --add /run/p/sbin/ipvsadm");
    let (output, status) = install(&machine, "");
    assert_eq!(status, 0, "{output}");
    let (output, status) = install(&machine, "--uninstall");
    assert_eq!(status, 0, "{output}");
    machine.stage.ok("dpkg-divert --quiet --rename --remove /run/p/sbin/ipvsadm");
    assert_eq!(below_prefix(&machine), BEFORE);
}

#[test]
fn replaced_files_are_put_back() {
    let machine = machine_with_a_package();
    let (output, status) = install(&machine, "--uninstall");
    assert!(
        output.starts_with("scripts/install: nothing is removed: /run/p/lib/ipvsadm/installed "),
        "{output}"
    );
    assert_eq!((status, below_prefix(&machine).as_str()), (1, BEFORE));

    for _ in 0..2 {
        let (output, status) = install(&machine, "--force");
        assert_eq!(status, 0, "{output}");
        assert!(
            output.contains("/etc/default/ipvsadm was there already and stays.\nIt says AUTO=false, "),
            "{output}"
        );
        assert_eq!(
            machine.stage.ok("cd /run/p/sbin && ls && cat ipvsadm.replaced ipvsadm-save.replaced"),
            "\
            ipvsadm\nipvsadm-restore\nipvsadm-restore.replaced\nipvsadm-save\nipvsadm-save.replaced\n\
            ipvsadm.replaced\npackaged\nby hand\n"
        );
        assert!(machine.stage.ok("/run/p/sbin/ipvsadm -v").starts_with("ipvsadm v"));
    }
    let (output, status) = install(&machine, "--uninstall");
    assert!(output.starts_with("/run/p/sbin/ipvsadm is the file from before again.\n"), "{output}");
    assert_eq!((status, below_prefix(&machine).as_str()), (0, BEFORE));

    // An upgrade of the package replaces the program, which then stays.
    assert_eq!(install(&machine, "--force").1, 0);
    machine
        .stage
        .ok("echo upgraded >/run/p/sbin/ipvsadm.dpkg-new && cd /run/p/sbin && mv ipvsadm.dpkg-new ipvsadm");
    let (output, status) = install(&machine, "--uninstall");
    assert!(output.starts_with("/run/p/sbin/ipvsadm has been replaced since, and stays.\n"), "{output}");
    assert_eq!((status, below_prefix(&machine)), (0, BEFORE.replace("packaged", "upgraded")));
}
