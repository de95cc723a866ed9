//! Hostile bytes in everything that the program reads: no output has a raw control character or a bidirectional
//! override, and no text adds a line that the program seems to say.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use ipvs_netlink::*;
use nix::sched::{CloneFlags, unshare};

use crate::refusals::errno_for_damaged;
use crate::support::*;

/// The start of a line that only the program itself may print.
const FORGED: &str = "ipvsadm: forged";

/// Texts that harm a terminal or mislead its reader.
const TEXTS: [&[u8]; 14] = [
    b"\x1b[2J\x1b]0;x\x07",
    b"a\nipvsadm: forged",
    b"a\r\x08\x7f",
    b"\x9b31m",
    b"\xff\xfe\x80",
    "\u{9b}31m\u{85}".as_bytes(),
    "a\u{202e}b\u{202a}\u{202b}\u{202c}\u{202d}".as_bytes(),
    "\u{2066}a\u{2067}\u{2068}\u{2069}".as_bytes(),
    "\u{200e}\u{200f}\u{61c}".as_bytes(),
    "\u{2028}\u{2029}a".as_bytes(),
    "\u{feff}-A".as_bytes(),
    "-A\u{a0}-t".as_bytes(),
    b"-\x1b[31mA",
    b"--clear\x1b=\x1b",
];

/// Command lines with a `@` in place of each argument or part of one.
const LINES: [&str; 47] = [
    "@",
    "@ -t 192.0.2.1:80",
    "-A @",
    "-A -t @",
    "-A -t @:80",
    "-A -t 192.0.2.1:@",
    "-A -t [@]:80",
    "-A -u @ -s rr",
    "-A --sctp-service=@",
    "-A -f @",
    "-A -f 1 -s @",
    "-A -f 1 -s rr@",
    "-A -f 1 -p @",
    "-A -f 1 -p 5 -M @",
    "-A -f 1 --pe @",
    "-A -f 1 -b @",
    "-A -f 1 -@",
    "-A -f 1 --@",
    "-A -f 1 --@=5",
    "-A -f 1 -s rr --ops=@",
    "-a -f 1 -r @",
    "-a -f 1 @",
    "-a -f 1 -r 192.0.2.9:@",
    "-a -f 1 -r 192.0.2.9 -w @",
    "-a -f 1 -r 192.0.2.9 -x @ -y @",
    "-a -f 1 -r 192.0.2.9 -i --tun-type @",
    "-a -f 1 -r 192.0.2.9 -i --tun-type gue --tun-port @",
    "--set @ @ @",
    "--set 1 2 3 @",
    "--start-daemon @",
    "--start-daemon master --mcast-interface @",
    "--start-daemon master --mcast-group @",
    "--start-daemon master --syncid @",
    "--stop-daemon @",
    "-L @",
    "-L -t @",
    "-L -c -t @",
    "-L -c --client @",
    "-L -c --state @",
    "-L -c --origin @ --count",
    "-L --netns @",
    "-L --netns /@",
    "-C --vip @",
    "-C --server @/8 --dry-run",
    "-R @",
    "-R --replace @",
    "-R --json @",
];

/// Fails if the output of a program could harm a terminal. Tabs and ends of lines are harmless.
pub fn assert_harmless(what: &str, output: &std::process::Output) {
    for (name, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        let text = std::str::from_utf8(bytes);
        let text = text.unwrap_or_else(|error| panic!("{what}: {name} is not UTF-8: {error}: {bytes:?}"));
        for character in text.chars() {
            let harmful = character.is_control() && !matches!(character, '\n' | '\t')
                || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || matches!(character, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}');
            assert!(!harmful, "{what}: {name} has {character:?}: {text:?}");
        }
        assert!(
            !text.lines().any(|line| line.starts_with(FORGED)),
            "{what}: {name} has a forged line: {text}"
        );
    }
}

fn output(command: &mut Command) -> std::process::Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Replaces each `@`.
fn fill(template: &str, text: &[u8]) -> Vec<u8> {
    template.as_bytes().split(|&byte| byte == b'@').collect::<Vec<_>>().join(text)
}

/// Creates a director with an empty /mnt and names of its own from files, for the test's thread alone.
fn director_with_private_files() -> Director {
    let director = Director::new();
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    director.system(
        "mount --make-rprivate / && mount -t tmpfs none /mnt && touch /mnt/hosts /mnt/services && \
         echo hosts: files >/mnt/nsswitch && mount --bind /mnt/nsswitch /etc/nsswitch.conf && \
         mount --bind /mnt/hosts /etc/hosts && mount --bind /mnt/services /etc/services",
    );
    director
}

#[test]
fn hostile_arguments_are_harmless_in_every_message() {
    let director = director_with_private_files();
    director.ok("-A -f 1");
    for text in TEXTS {
        for template in LINES {
            let words = template.split(' ').map(|word| fill(word, text));
            let mut command = Command::new(PROGRAM);
            command.args(words.map(|word| OsStr::from_bytes(&word).to_owned()));
            let output = output(&mut command);
            assert_harmless(&format!("{template} {}", text.escape_ascii()), &output);
            // A failure of a single command is a single line, whatever is in its words.
            let lines = output.stderr.iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(lines, usize::from(!output.status.success()), "{template} {}", text.escape_ascii());
        }
    }
}

#[test]
fn hostile_lines_and_file_names_are_harmless_in_every_message() {
    let director = director_with_private_files();
    let contents: Vec<Vec<u8>> = TEXTS
        .iter()
        .map(|text| LINES.iter().flat_map(|line| [fill(line, text), b"\n".to_vec()].concat()).collect())
        .chain([b"-D -f 9\n-Z -f 9\n-x\n".to_vec(), b"-D -f 9\n".to_vec(), Vec::new()])
        .collect();
    // Names that are not UTF-8 cannot be given.
    let names = || TEXTS.iter().filter(|text| std::str::from_utf8(text).is_ok());
    for (index, (content, name)) in contents.iter().zip(names().cycle()).enumerate() {
        let path = [b"/mnt/rules", *name].concat();
        let path = OsStr::from_bytes(&path);
        fs::write(path, content).unwrap();
        for options in
            [&["-R"][..], &["-R", "--replace"], &["-R", "--replace", "--dry-run"], &["-R", "--check"]]
        {
            let output = output(Command::new(PROGRAM).args(options).arg(path));
            assert_harmless(&format!("{options:?} {path:?} content {index}"), &output);
            director.ok("-C");
        }
    }
}

#[test]
fn hostile_names_of_hosts_are_escaped_and_those_of_ports_are_numbers() {
    let director = director_with_private_files();
    let table = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1:81 -m -w 1\n";
    assert_eq!(director.feed("-R", table).status, 0);
    for text in TEXTS {
        // Blanks and ends of lines end a name.
        let name: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let line = |start: &str, end: &str| [start.as_bytes(), &name, end.as_bytes(), b"\n"].concat();
        fs::write("/mnt/hosts", [line("192.0.2.1 x", ""), line("198.51.100.1 ", "y")].concat()).unwrap();
        fs::write("/mnt/services", [line("x", " 80/tcp"), line("", "y 81/tcp")].concat()).unwrap();
        for words in [
            &["-L"][..],
            &["-S"],
            &["-L", "--stats"],
            &["-L", "--nosort", "-t", "192.0.2.1:80"],
            &["-L", "--table"],
        ] {
            let output = output(Command::new(PROGRAM).args(words));
            assert_harmless(&format!("{words:?} {}", text.escape_ascii()), &output);
        }
        let output = output(Command::new(PROGRAM).args(["-L", "--json", "--names"]));
        assert_harmless(&format!("--names {}", text.escape_ascii()), &output);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let service = &document["ipvs"]["services"][0];
        assert_eq!((&service["address"], &service["port"]), (&"192.0.2.1".into(), &80.into()));
        // A number can always be read again.
        if text.contains(&0x1b) || std::str::from_utf8(text).is_err() {
            let saved = director.ok("-S");
            let ports: Vec<&str> = saved
                .split_whitespace()
                .filter(|word| word.ends_with(":80") || word.ends_with(":81"))
                .collect();
            assert_eq!(ports.len(), 3, "{}: {saved}", text.escape_ascii());
        }
    }
}

/// Lines of the kernel's list of connections: a newline in the data of an engine cuts the second in two.
const CONNECTIONS: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
UDP C0000263 0000 C0000201 13C4 C6336401 13C4 NONE            59 sip first
UDP C0000263 0001 C0000201 13C4 C6336401 13C4 NONE            59 sip cut
\x1b[2J in two
UDP C0000263 0002 C0000201 13C4 C6336401 13C4 NONE            59 sip \u{202e}last

TCP C0000263 0003 C0000201 0050 C6336401 0050 ESTABLISHED    899
";

#[test]
fn a_malformed_connection_is_marked_and_the_others_are_listed() {
    let _director = director_with_private_files();
    let list = |words: &str, connections: &str| {
        fs::write("/mnt/connections", connections).unwrap();
        let output = output(Command::new("unshare").args([
            "-m",
            "sh",
            "-c",
            &format!(
                "mount -t tmpfs none /proc && mkdir -p /proc/thread-self/net && \
                 cp /mnt/connections /proc/thread-self/net/ip_vs_conn && exec {PROGRAM} {words}"
            ),
        ]));
        assert_harmless(words, &output);
        Run::from(output)
    };
    let sentence = "ipvsadm: malformed lines in the kernel's list of connections: 2, marked with ???\n";
    for words in ["-L -c -n", "-L -c"] {
        let run = list(&format!("{words} --persistent-conn"), CONNECTIONS);
        assert_eq!((run.status, run.stderr.as_str()), (1, sentence), "{}", run.stdout);
        let lines: Vec<&str> = run.stdout.lines().skip(2).collect();
        assert_eq!(lines.len(), 6, "{}", run.stdout);
        let ends = [" sip                first", " sip                cut"];
        assert!(lines[0].ends_with(ends[0]) && lines[1].ends_with(ends[1]), "{}", run.stdout);
        assert_eq!(lines[2], "??? \\u{1b}[2J\\x20in\\x20two");
        assert!(lines[3].ends_with(" sip                \\u{202e}last"), "{}", run.stdout);
        assert_eq!(lines[4], "??? ");
        assert!(lines[5].starts_with("TCP 14:59  ESTABLISHED 192.0.2.99:3"), "{}", run.stdout);
    }
    let run = list("-L -c --table --persistent-conn", CONNECTIONS);
    assert_eq!((run.status, run.stderr.as_str()), (1, sentence), "{}", run.stdout);
    assert!(run.stdout.contains("\n??? \\u{1b}[2J\\x20in\\x20two\nUDP "), "{}", run.stdout);
    assert!(run.stdout.contains(" sip     \\u{202e}last\n???\nTCP "), "{}", run.stdout);
    // Beyond the lines whose names are looked up together.
    let many = CONNECTIONS.repeat(700).replace("Pro ", "UDP ").replacen("UDP ", "Pro ", 1);
    let run = list("-L -c", &many);
    assert_eq!((run.status, run.stdout.lines().count()), (1, 1 + 700 * 7));
    let run = list("-L -c --table", &many);
    // Five headings with the lines below them, and four blank lines between the tables.
    assert_eq!((run.status, run.stdout.lines().count()), (1, 700 * 7 - 1 + 5 * 2 + 4));
    let whole = CONNECTIONS.replace("\n\x1b[2J in two", "").replace("last\n\n", "last\n");
    let run = list("-L -c -n", &whole);
    assert_eq!((run.status, run.stderr.as_str(), run.stdout.lines().count()), (0, "", 6));
}

#[test]
fn hostile_interface_names_of_the_kernel_are_escaped_and_not_saved() {
    let director = director_with_private_files();
    let hostile: &[u8; 15] = b"\x1b[31m\xe2\x80\xae\xffabcdef";
    let name =
        String::from_utf8(hostile.iter().flat_map(|byte| format!("\\{byte:03o}").into_bytes()).collect());
    director.system(&format!(
        "name=$(printf '{}'); ip link add \"$name\" type dummy && ip link set \"$name\" multicast on up && \
         ip address add 192.0.2.1/24 dev \"$name\"",
        name.unwrap()
    ));
    let daemon = SyncDaemon::new(DaemonState::Backup, "abcdefghijklmno".parse().unwrap());
    assert_eq!(errno_for_damaged(Change::StartDaemon(daemon), b"abcdefghijklmno", hostile), 0);
    let shown = "\\u{1b}[31m\\u{202e}\\xffabcdef";
    let listed = output(Command::new(PROGRAM).args(["-L", "--daemon"]));
    assert_harmless("-L --daemon", &listed);
    let listed = Run::from(listed);
    assert_eq!(listed.status, 0);
    assert!(
        listed.stdout.starts_with(&format!("backup sync daemon (mcast={shown}, syncid=0, ")),
        "{}",
        listed.stdout
    );
    let listed = output(Command::new(PROGRAM).args(["-L", "--daemon", "--json"]));
    assert_harmless("-L --daemon --json", &listed);
    let document: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(document["ipvs"]["daemons"][0]["interface"], "\x1b[31m\u{202e}\u{fffd}abcdef");
    director.ok("-A -f 1");
    let saved = output(Command::new(PROGRAM).args(["-S", "--full", "--json"]));
    assert_harmless("-S --full --json", &saved);
    let sentence = format!("ipvsadm: cannot save the name \"{shown}\": no command line can have it\n");
    let saved = Run::from(saved);
    assert_eq!((saved.status, saved.stderr), (255, sentence));
    let saved = output(Command::new(PROGRAM).args(["-S", "--full"]));
    assert_harmless("-S --full", &saved);
    let saved = Run::from(saved);
    let sentence = format!("ipvsadm: cannot save the name \"{shown}\": no command line can have it\n");
    assert_eq!((saved.status, saved.stderr), (255, sentence));
    assert_eq!(saved.stdout, "--set 900 120 300\n-A -f 1 -s wlc\n");
}

#[test]
fn refused_lines_beyond_the_first_twenty_are_only_counted() {
    let director = Director::new();
    let deletions: String = (1..=200).map(|mark| format!("-D -f {mark}\n")).collect();
    let multicast: String = (1..=200).map(|host| format!("-a -f 1 -r 224.0.0.{host}\n")).collect();
    for (words, lines) in [("-R", deletions), ("-R --replace", format!("-A -f 1\n{multicast}"))] {
        let run = director.feed(words, &lines);
        assert_eq!(run.status, 255, "{words}");
        assert_eq!(run.stderr.matches("<stdin>:").count(), 20, "{}", run.stderr);
        assert!(run.stderr.lines().count() <= 22, "{}", run.stderr);
        assert!(run.stderr.contains("\n... and 180 more\n"), "{}", run.stderr);
    }
}

#[test]
fn hostile_words_are_harmless_in_messages_of_the_scripts() {
    let director = director_with_private_files();
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let folder = std::path::Path::new(PROGRAM).parent().unwrap().display();
    for text in TEXTS.into_iter().chain([&br"\033[2J\0033\x1b"[..]]) {
        let script = |name: &str, words: &[&OsStr]| {
            let mut command = Command::new("sh");
            command.arg(format!("{scripts}/{name}")).args(words);
            command.env("PATH", format!("{folder}:/usr/sbin:/usr/bin:/sbin:/bin"));
            assert_harmless(&format!("{name} {words:?}"), &output(&mut command));
        };
        let word = OsStr::from_bytes(text);
        let path = [b"/nonexistent/", text].concat();
        let option = [b"--", text].concat();
        let (path, option) = (OsStr::from_bytes(&path), OsStr::from_bytes(&option));
        script("ipvsadm-save", &[option]);
        script("ipvsadm-save", &["-o".as_ref(), path]);
        script("ipvsadm-restore", &[option]);
        script("ipvsadm-restore", &[word, path]);
        script("ipvsadm-restore", &[path]);
    }
    director.ok("-L");
}
