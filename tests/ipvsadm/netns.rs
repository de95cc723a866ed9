//! `--netns` and `--netns-list`: other network namespaces than the caller's.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::hostile::assert_harmless;
use crate::json::assert_valid;
use crate::programs::Stage;
use crate::support::*;

/// A process that is killed when the test ends, if not before.
struct Process(Child);

impl Process {
    fn id(&self) -> u32 {
        self.0.id()
    }

    /// Starts a command, and waits until it runs this program in another network namespace than the test.
    fn start(command: &mut Command, program: &str) -> Self {
        let process = Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let inode = |path: String| fs::metadata(path).map(|metadata| metadata.ino()).ok();
        let own = inode("/proc/thread-self/ns/net".into());
        let is_there = || {
            let name = fs::read_to_string(format!("/proc/{}/comm", process.id())).unwrap();
            name.trim_end() == program && inode(format!("/proc/{}/ns/net", process.id())) != own
        };
        assert!(wait_until(is_there), "{command:?} stays in the namespace of the test");
        process
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Killing a process that has already ended is harmless.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Creates a director beside which there is a namespace "blue". Its name is for the test's thread alone.
fn director_beside_blue() -> Director {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system(
        "mount --make-rprivate / && mount -t tmpfs none /run && mount -t tmpfs none /mnt && \
         ip netns add blue && ip -n blue link set lo up",
    );
    director
}

fn sleeper_in_blue() -> Process {
    Process::start(Command::new("ip").args(["netns", "exec", "blue", "sleep", "1000"]), "sleep")
}

#[test]
fn every_command_works_in_a_namespace_of_each_kind_of_name() {
    let director = director_beside_blue();
    let sleeper = sleeper_in_blue();
    let process = sleeper.id().to_string();
    let inode = fs::metadata("/run/netns/blue").unwrap().ino();
    director.ok("-A -f 9");
    for word in ["blue", "/run/netns/blue", "/run/netns/../netns/blue", &process] {
        let ok = |words: &str| director.ok(&format!("{words} --netns {word}"));
        ok("-A -t 192.0.2.1:80 -s rr");
        ok("-a -t 192.0.2.1:80 -r 127.0.0.1:80 -m");
        ok("-e -t 192.0.2.1:80 -r 127.0.0.1:80 -m -w 7");
        ok("-E -t 192.0.2.1:80 -s lc");
        ok("-Z -t 192.0.2.1:80");
        ok("--set 77 0 0");
        assert!(ok("-L --timeout").contains(" 77 "));
        let saved = "-A -t 192.0.2.1:80 -s lc\n-a -t 192.0.2.1:80 -r 127.0.0.1:80 -m -w 7\n";
        assert_eq!(ok("-S -n"), saved);
        assert_eq!(director.ok(&format!("-S -n --netns={word}")), saved);
        let complete = format!("--complete ipvsadm -D --netns {word} -t 1");
        assert_eq!(director.ok(&complete), "192.0.2.1:80\t\n");
        for list in ["-L -n", "-L -n --json", "-L -n --table", "-L --metrics", "-L -n --watch 1 --times 1"] {
            assert!(ok(list).contains("192.0.2.1"), "{list}");
        }
        assert!(ok("-L -n -c").starts_with("IPVS connection entries\n"));
        ok("-D -t 192.0.2.1:80");
        let run = director.feed(&format!("-R --replace --netns {word}"), saved);
        assert_eq!((run.status, run.stderr.as_str(), ok("-S -n").as_str()), (0, "", saved));
        assert!(
            fs::exists(format!("/run/ipvsadm-{inode}.lock")).unwrap(),
            "the lock is of another namespace"
        );
        ok("-d -t 192.0.2.1:80 -r 127.0.0.1:80");
        let run = director.feed(&format!("-R --netns {word}"), "-A -f 5\n-L -n\n");
        assert!(run.status == 0 && run.stdout.contains("FWM  5 wlc"), "{run:?}");
        ok("-C");
        assert_eq!(ok("-S -n"), "");
        assert_eq!(director.saved(), "-A -f 9 -s wlc\n");
    }
}

#[test]
fn names_are_looked_up_in_the_namespace() {
    let director = director_beside_blue();
    director.system(
        "cp /usr/bin/getent /mnt/real && cat >/mnt/getent <<'END'
#!/bin/sh
readlink /proc/self/ns/net >>/mnt/where
exec /mnt/real \"$@\"
END
        chmod +x /mnt/getent && mount --bind /mnt/getent /usr/bin/getent",
    );
    let inode = fs::metadata("/run/netns/blue").unwrap().ino();
    director.ok("-A -t localhost:80 --netns blue");
    assert_eq!(director.ok("-S -n --netns blue"), "-A -t 127.0.0.1:80 -s wlc\n");
    director.ok("-L --netns blue");
    let asked = fs::read_to_string("/mnt/where").unwrap();
    assert!(asked.lines().count() >= 2, "{asked}");
    assert!(asked.lines().all(|line| line == format!("net:[{inode}]")), "{asked}, not {inode}");
}

#[test]
fn a_namespace_that_was_entered_outlives_its_name_and_its_processes() {
    let director = director_beside_blue();
    let sleeper = sleeper_in_blue();
    director.ok("-A -f 7 --netns blue");
    let mut program = Process::start(Command::new(PROGRAM).args(["-R", "--netns", "blue"]), "ipvsadm");
    let process = sleeper.id();
    sleeper.kill();
    director.system("ip netns del blue");
    let mut input = program.0.stdin.take().unwrap();
    input.write_all(b"-A -f 8\n-L -n\n").unwrap();
    drop(input);
    let mut listed = String::new();
    std::io::Read::read_to_string(&mut program.0.stdout.take().unwrap(), &mut listed).unwrap();
    assert!(program.0.wait().unwrap().success());
    assert!(listed.contains("FWM  7 wlc") && listed.contains("FWM  8 wlc"), "{listed}");
    for (word, sentence) in [
        (
            "blue".to_owned(),
            "--netns \"blue\", taken for the name of a namespace (/run/netns/blue): there is none of this name: \
             'ip netns' lists the names, and a path has a /"
                .to_owned(),
        ),
        (
            process.to_string(),
            format!(
                "--netns \"{process}\", taken for a process id: there is no such process; the path of a \
                 namespace of this name is /run/netns/{process}"
            ),
        ),
    ] {
        director.refuses(&format!("-L --netns {word}"), 2, &sentence);
    }
    // A name whose namespace is not there, as after an interrupted "ip netns add".
    director.system("touch /run/netns/red");
    let place = "--netns \"red\", taken for the name of a namespace (/run/netns/red)";
    director.refuses("-L --netns red", 2, &format!("{place}: the file is no namespace"));
}

/// The kernel gives the number of a namespace to the next one.
#[test]
fn a_new_namespace_has_no_notes_of_an_old_one() {
    let director = director_beside_blue();
    let number = || fs::metadata("/run/netns/blue").unwrap().ino();
    let lines = "-A -f 7 -s rr\n-a -f 7 -r 127.0.0.1 -w 5\n";
    // Others may take the number first.
    for _ in 0..20 {
        assert_eq!(director.feed("-R --netns blue", lines).status, 0);
        assert_eq!(director.run("--drain -r 127.0.0.1 --netns blue").status, 0);
        assert_ne!(director.ok("-L --drained --netns blue"), "");
        let before = number();
        director.system("ip netns del blue && ip netns add blue && ip -n blue link set lo up");
        assert_eq!(director.feed("-R --netns blue", &lines.replace("-w 5", "-w 0")).status, 0);
        assert_eq!(director.ok("-L --drained --netns blue"), "");
        assert_eq!(director.run("--undrain -r 127.0.0.1 --netns blue").status, 1);
        if number() == before {
            return;
        }
        director.ok("-C --netns blue");
    }
    panic!("no number was used again");
}

#[test]
fn what_is_no_network_namespace_or_not_allowed_is_refused() {
    let director = director_beside_blue();
    for (words, sentence) in [
        (
            "-L --netns /proc/self/ns/mnt",
            "--netns \"/proc/self/ns/mnt\", taken for a path: it is a namespace, but not one of the network",
        ),
        ("-L --netns /etc/passwd", "--netns \"/etc/passwd\", taken for a path: the file is no namespace"),
        (
            "-L --netns ./blue",
            "--netns \"./blue\", taken for a path: there is no such file: 'ipvsadm --netns-list' shows namespaces with services",
        ),
        ("-L --netns=blue --netns blue", "--netns is given twice"),
        // A mistake in the rest of the line comes first.
        ("-L --netns nowhere --columns name", "--columns needs --table"),
    ] {
        director.refuses(words, 2, sentence);
    }
    let empty = run(Command::new(PROGRAM).args(["-L", "--netns", ""]));
    let sentence = "ipvsadm: --netns \"\": it is a name of 'ip netns', a path or a process id\n";
    assert_eq!((empty.status, empty.stderr.as_str()), (2, sentence));
    director.system("mkfifo /mnt/pipe");
    director.refuses(
        "-L --netns /mnt/pipe",
        2,
        "--netns \"/mnt/pipe\", taken for a path: the file is no namespace",
    );
    for input in ["-A -f 1\n-L --netns blue\n", "-A -f 1\n-A -f 2 --netns=blue\n"] {
        for words in ["-R", "-R --check", "-R --replace", "-R --netns blue"] {
            let run = director.feed(words, input);
            assert!(
                run.stderr.contains("<stdin>:2: --netns cannot stand in input for -R"),
                "{words}: {run:?}"
            );
            assert_eq!((run.status, director.saved().as_str()), (2, ""));
        }
    }
    let unprivileged = |words: &str| {
        let caller = "setpriv --reuid 65534 --regid 65534 --clear-groups";
        run(Command::new("sh").args(["-c", &format!("exec {caller} {PROGRAM} {words}")]))
    };
    let refused = unprivileged("-L -n --netns blue");
    let place = "ipvsadm: --netns \"blue\", taken for the name of a namespace (/run/netns/blue)";
    let expected = format!("{place}: permission denied: to enter it needs root, or CAP_SYS_ADMIN\n");
    assert_eq!((refused.status, refused.stderr), (2, expected));
    let refused = unprivileged("-L -n --netns 1");
    let expected =
        "ipvsadm: --netns \"1\", taken for a process id: permission denied: to open it needs root\n";
    assert_eq!((refused.status, refused.stderr.as_str()), (2, expected));
    assert_eq!(unprivileged("-h --netns blue").status, 0);
}

/// Returns the namespaces of a document, and the document.
fn documents(director: &Director) -> (Vec<Value>, String) {
    let text = director.ok("--netns-list --json");
    let document: Value = serde_json::from_str(&text).unwrap();
    (document["ipvs"]["namespaces"].as_array().unwrap().clone(), text)
}

#[test]
fn all_namespaces_with_services_are_listed_once() {
    let director = director_beside_blue();
    director.system(
        "ip netns add empty && ip netns add 12 && touch /run/netns/stale && mkdir -p /run/docker/netns && \
         touch /run/docker/netns/1-x && mount --bind /run/netns/blue /run/docker/netns/1-x && \
         cp /bin/sleep '/mnt/a \x1b[31mb'",
    );
    director.ok("-A -f 1");
    for line in ["-A -f 1", "-A -f 2", "-a -f 2 -r 127.0.0.1", "-a -f 2 -r 127.0.0.2"] {
        director.ok(&format!("{line} --netns blue"));
    }
    director.ok("-A -f 3 --netns /run/netns/12");
    let nameless =
        Process::start(Command::new("unshare").args(["-n", "/mnt/a \x1b[31mb", "1000"]), "a \x1b[31mb");
    director.ok(&format!("-A -f 4 --netns {}", nameless.id()));
    let sleeper = sleeper_in_blue();

    let output = Command::new(PROGRAM).arg("--netns-list").output().unwrap();
    assert_harmless("--netns-list", &output);
    let listed = Run::from(output);
    assert_eq!((listed.status, listed.stderr.as_str()), (0, ""));
    let lines = |text: &str, part: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains(part)).map(String::from).collect()
    };
    let (blue, process) = (sleeper.id(), nameless.id());
    let expected =
        format!("       2       2 blue                 {blue} (sleep), also /run/docker/netns/1-x");
    assert_eq!(lines(&listed.stdout, "blue"), [expected]);
    assert_eq!(lines(&listed.stdout, "/run/netns/12"), ["       1       0 /run/netns/12        none"]);
    let expected = format!("       1       0 {process:<20} {process} (a\\x20\\u{{1b}}[31mb)");
    assert_eq!(lines(&listed.stdout, &format!(" {process} ")), [expected]);
    let own = lines(&listed.stdout, ", this one");
    assert!(own.len() == 1 && own[0].starts_with("       1       0 "), "{}", listed.stdout);
    for absent in ["empty", "stale"] {
        assert_eq!(lines(&listed.stdout, absent), [""; 0]);
    }

    let (namespaces, text) = documents(&director);
    assert_valid(&[text]);
    let find = |word: &str| namespaces.iter().find(|namespace| namespace["netns"] == word).unwrap().clone();
    let found = find("blue");
    assert_eq!((&found["services"], &found["servers"]), (&2.into(), &2.into()));
    assert_eq!(found["names"], serde_json::json!(["blue", "/run/docker/netns/1-x"]));
    assert_eq!(found["process"], serde_json::json!({"id": blue, "name": "sleep"}));
    assert_eq!(found["inode"], fs::metadata("/run/netns/blue").unwrap().ino());
    assert_eq!(find(&process.to_string())["process"]["name"], "a \x1b[31mb");
    assert_eq!(namespaces.iter().filter(|namespace| namespace["current"] == true).count(), 1);

    // From elsewhere the same is found, and it stays where it was, which has a connection.
    director.system(
        "ip -n blue addr add 192.0.2.1/32 dev lo && ip -n blue addr add 192.0.2.2/32 dev lo && \
         for line in '-A -u 192.0.2.1:53' '-a -u 192.0.2.1:53 -r 192.0.2.2:53 -m'; do \
             ip netns exec blue $PROGRAM $line; done && \
         ip netns exec blue bash -c 'echo ? >/dev/udp/192.0.2.1/53'"
            .replace("$PROGRAM", PROGRAM)
            .as_str(),
    );
    let run = director.feed("-R --netns blue", "-L -c --count\n--netns-list\n-L -c --count\n");
    assert!(run.status == 0 && run.stdout.starts_with("1\n") && run.stdout.ends_with("\n1\n"), "{run:?}");
    assert_eq!(director.ok("-L -c --count"), "0\n");
    assert_eq!(lines(&run.stdout, ", this one").len(), 1);
    assert!(lines(&run.stdout, ", this one")[0].contains("blue"), "{}", run.stdout);
    let run = director.feed("-R --replace", "--netns-list\n");
    assert!(run.status == 2 && run.stderr.contains("--netns-list says nothing of the table"), "{run:?}");
}

#[test]
fn a_list_that_lacks_something_says_so() {
    let director = director_beside_blue();
    director.ok("-A -f 1");
    director.ok("-A -f 2 --netns blue");
    director.system("mkdir -p -m 700 /run/docker/netns && chmod 700 /run/docker");
    let unprivileged = |words: &str| {
        // No other test has processes of this user, into whose namespaces it could look.
        let caller = "setpriv --reuid 64017 --regid 64017 --clear-groups";
        run(Command::new("sh").args(["-c", &format!("exec {caller} {PROGRAM} {words}")]))
    };
    let listed = unprivileged("--netns-list");
    assert_eq!(listed.status, 1, "{listed:?}");
    assert!(
        listed.stdout.ends_with(", this one\n") && listed.stdout.lines().count() == 2,
        "{}",
        listed.stdout
    );
    let parts: Vec<&str> = listed.stderr.trim_end().split("; ").collect();
    assert_eq!(
        parts[..2],
        [
            "ipvsadm: this is not all: no look into blue: permission denied: to enter it needs root, or CAP_SYS_ADMIN",
            "no look into /run/docker/netns: permission denied"
        ]
    );
    assert!(parts[2].starts_with("the namespaces of ") && parts[2].ends_with(" cannot be seen without root"));
    let document = unprivileged("--netns-list --json");
    assert!(document.status == 1 && document.stderr.contains(parts[1]), "{document:?}");
    assert!(document.stdout.contains("\"netns\":\"blue\"") && document.stdout.contains("\"error\":\"perm"));
    assert_valid(&[document.stdout]);
}

#[test]
fn the_scripts_pass_the_namespace_on() {
    let director = Director::new();
    let stage = Stage::new();
    let process = Process::start(
        Command::new("unshare").args(["-n", "sh", "-c", "ip link set lo up; exec sleep 1000"]),
        "sleep",
    );
    let process = process.id();
    director.ok("-A -f 9");
    let table = "-A -f 1 -s rr\n-A -f 2 -s lc\n";
    stage.write("/run/rules", table);
    for options in [format!("--netns {process}"), format!("--netns=/proc/{process}/ns/net")] {
        for flush in ["", "--flush", "--keep-others --lock-wait 5"] {
            stage.ok(&format!("/mnt/bin/ipvsadm-restore {flush} {options} /run/rules"));
            assert_eq!(stage.ok(&format!("/mnt/bin/ipvsadm-save -n {options}")), table);
            director.ok(&format!("-C --netns {process}"));
        }
        stage.ok(&format!("/mnt/bin/ipvsadm-restore --flush {options} </run/rules"));
        stage.ok(&format!("/mnt/bin/ipvsadm-save {options} -n -o /run/saved"));
        assert!(stage.ok("cat /run/saved").contains(table));
        director.ok(&format!("-C --netns {process}"));
    }
    assert_eq!(director.saved(), "-A -f 9 -s wlc\n");
    for (script, status) in [("save", 1), ("restore", 2)] {
        let run = run(stage.command(format!("/mnt/bin/ipvsadm-{script}")).arg("--netns"));
        assert!(run.stderr.contains("--netns needs a name, a path or a process id"), "{}", run.stderr);
        assert_eq!(run.status, status);
    }
}
