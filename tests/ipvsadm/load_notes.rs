//! Weights that follow the load: what commands make of the notes. Here nobody follows; the notes are written by hand.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};
use serde_json::Value;

use crate::drain::NotesFile;
use crate::json::validator::assert_valid;
use crate::support::*;

/// The configured weights.
const RULES: &str = "\
-A -t 192.0.2.1:80 -s wrr
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 100
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 50
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 7
-A -f 7 -s rr
";

const NOTES: &str = r#"{"version":1,"notes":[
{"kind":"load","service":"TCP 192.0.2.1:80","server":"198.51.100.1:80","weight":100,"set":25,"before":30,"since":"2026-11-26T22:00:00Z","reason":"25%"},
{"kind":"load","service":"TCP 192.0.2.1:80","server":"198.51.100.2:80","weight":50,"set":0,"since":"2026-11-26T22:00:00Z","reason":"drain"}
]}
"#;

const SERVICE: &str = "-t 192.0.2.1:80";
const FIRST: &str = "-t 192.0.2.1:80 -r 198.51.100.1:80";
const SECOND: &str = "-t 192.0.2.1:80 -r 198.51.100.2:80";

/// Returns the rules with these weights of the first and the second server.
fn rules(first: u32, second: u32) -> String {
    RULES.replace("-w 100", &format!("-w {first}")).replace("-w 50", &format!("-w {second}"))
}

/// Makes a director whose first server has a quarter of its weight, and whose second one nothing of it.
fn director() -> (Director, NotesFile) {
    let director = Director::new();
    assert_eq!(director.feed("-R", &rules(25, 0)).status, 0);
    let notes = NotesFile::new();
    write(&notes, NOTES);
    (director, notes)
}

fn write(notes: &NotesFile, text: &str) {
    let _ = fs::DirBuilder::new().mode(0o700).create("/run/ipvsadm");
    fs::write(&notes.0, text).unwrap();
    fs::set_permissions(&notes.0, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Returns the weights that the kernel has.
fn present(director: &Director) -> String {
    director.ok("-S -n --present-weights")
}

#[test]
fn configured_weights_are_saved_in_every_form() {
    let (director, _notes) = director();
    assert_eq!(director.saved(), RULES);
    assert_eq!(present(&director), rules(25, 0));
    let full = director.ok("-S -n --full");
    for (words, weights) in [("", ["100", "50", "7"]), (" --present-weights", ["25", "0", "7"])] {
        let full = director.ok(&format!("-S -n --full{words}"));
        assert!(weights.iter().all(|weight| full.contains(&format!("-m -w {weight}\n"))), "{full}");
        let document: Value = serde_json::from_str(&director.ok(&format!("-S --json{words}"))).unwrap();
        let servers = document["ipvs"]["services"][0]["destinations"].as_array().unwrap();
        let found: Vec<String> = servers.iter().map(|server| server["weight"].to_string()).collect();
        assert_eq!(found, weights);
    }
    let folder = Folder::new();
    let file = folder.0.join("rules").display().to_string();
    director.ok(&format!("-S -n --full -o {file}"));
    let saved = fs::read_to_string(&file).unwrap();
    let commands: String = saved.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    assert_eq!(commands, full);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ipvsadm-save");
    let program = PROGRAM.rsplit_once('/').unwrap().0;
    let save = |words: &str| {
        director
            .system(&format!("ln -sf {script} {program}/ipvsadm-save && {program}/ipvsadm-save -n {words}"))
    };
    assert_eq!(save(""), RULES);
    assert_eq!(save("--present-weights"), rules(25, 0));
}

#[test]
fn a_weight_that_is_set_by_hand_is_the_configured_one() {
    let (director, _notes) = director();
    // The kernel does not have the last weight yet.
    director.ok(&format!("-e {FIRST} --keep -w 30"));
    assert_eq!(director.saved(), RULES);
    director.ok(&format!("-e {FIRST} --keep -w 60"));
    assert_eq!(director.saved(), rules(60, 50));
    director.ok(&format!("-e {FIRST} -m -w 61"));
    assert_eq!(director.saved(), rules(61, 50));
    // Other settings are changed without the weight.
    director.ok(&format!("-e {SECOND} --keep -x 9"));
    assert_eq!(director.saved(), rules(61, 50).replace("-w 50", "-w 50 -x 9"));
}

#[test]
fn notes_that_cannot_be_used_do_not_keep_the_table_from_being_saved() {
    let (director, notes) = director();
    let sentence = format!(
        "ipvsadm: cannot tell which weights follow the load, and takes them as they are: {}: ",
        notes.0
    );
    let check = |run: Run, expected: &str| {
        assert_eq!((run.status, run.stdout.as_str()), (0, expected));
        assert!(run.stderr.starts_with(&sentence) && run.stderr.lines().count() == 1, "{}", run.stderr);
    };
    let caller = "setpriv --reuid 65534 --clear-groups --inh-caps +net_admin --ambient-caps +net_admin";
    let save = format!("exec {caller} {PROGRAM} -S -n");
    check(run(Command::new("sh").args(["-c", &save])), &rules(25, 0));
    write(&notes, "[\u{1b}[2J");
    check(director.run("-S -n"), &rules(25, 0));
    assert!(director.run("-L --table").stderr.starts_with(&sentence));
    assert!(director.run("-L --metrics").stderr.starts_with(&sentence));
    assert_eq!(director.run("-S -n --present-weights").stderr, "");
}

#[test]
fn a_drain_notes_the_configured_weight() {
    let (director, notes) = director();
    let [first, second] =
        ["1", "2"].map(|host| format!("server 198.51.100.{host}:80 of service TCP 192.0.2.1:80"));
    director.refuses(
        "--undrain -r 198.51.100.2",
        1,
        &format!(
            "{second}: its agent gives it weight 0 (drain) in place of 50; to overrule it: -w WEIGHT\n\
             ipvsadm: nothing was changed"
        ),
    );
    assert_eq!(director.ok("--drain -r 198.51.100.1"), format!("{first}: weight 0, was 25 of 100\n"));
    assert_eq!(
        director.ok("--drain -r 198.51.100.2"),
        format!("{second}: drained already, weight 50 before\n")
    );
    // They are drained by hand now, whatever their load was.
    assert_eq!(director.saved(), rules(0, 0));
    let listed = director.ok("-L --drained");
    assert!(listed.starts_with(&format!("{first}: weight 100 before, drained 2")), "{listed}");
    assert!(!fs::read_to_string(&notes.0).unwrap().contains("load"));
    assert_eq!(director.ok("--undrain -r 198.51.100.1"), format!("{first}: weight 100\n"));
    assert_eq!(director.ok("--undrain -r 198.51.100.2"), format!("{second}: weight 50\n"));
    assert_eq!((director.saved(), present(&director)), (RULES.to_owned(), RULES.to_owned()));

    // A program that was killed before it removed the note of the load leaves the drain in force.
    write(&notes, NOTES);
    director.ok(&format!("-e {SECOND} --keep -w 0"));
    let drain = NOTES.lines().nth(2).unwrap().replace("load", "drain").replace("\"set\":0,", "");
    write(&notes, &NOTES.replace("\n]}", &format!(",\n{drain}\n]}}")));
    assert_eq!(director.saved(), rules(100, 0));
}

#[test]
fn a_weight_that_overrules_the_agent_is_the_configured_one() {
    let (director, _notes) = director();
    director.ok("--undrain -r 198.51.100.2 -w 9");
    assert_eq!((director.saved(), present(&director)), (rules(100, 9), rules(25, 9)));
}

const UNTOUCHED: &str = "# 2 services untouched, 3 servers untouched\n";

#[test]
fn reloading_the_same_file_changes_nothing() {
    let (director, notes) = director();
    for words in ["", " --keep-weights", " --keep-others", " --drain-removed 5"] {
        let dry = director.feed(&format!("-R --replace --dry-run{words}"), RULES);
        assert_eq!((dry.status, dry.stdout.as_str(), dry.stderr.as_str()), (0, UNTOUCHED, ""), "{words}");
        let run = director.feed(&format!("-R --replace{words}"), RULES);
        assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""), "{words}");
        assert_eq!(present(&director), rules(25, 0), "{words}");
        assert_eq!(fs::read_to_string(&notes.0).unwrap(), NOTES, "{words}");
    }
    // Another setting is changed, and the weight of the moment stays.
    let run = director.feed("-R --replace", &RULES.replace("-w 100", "-w 100 -x 9"));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(present(&director), rules(25, 0).replace("-w 25", "-w 25 -x 9"));
    let document = director.ok("-S --json");
    let run = director.feed("-R --replace --json", &document);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(present(&director), rules(25, 0).replace("-w 25", "-w 25 -x 9"));
}

#[test]
fn another_weight_in_the_file_is_the_new_configured_one() {
    let (director, notes) = director();
    let dry = director.feed("-R --replace --dry-run", &rules(200, 50));
    let edit = format!("ipvsadm -e {FIRST} -m -w 200\n");
    assert_eq!(dry.stdout, format!("{edit}# 2 services untouched, 1 server changed, 2 untouched\n"));
    assert_eq!(director.feed("-R --replace", &rules(200, 50)).status, 0);
    assert_eq!((director.saved(), present(&director)), (rules(200, 50), rules(200, 0)));
    assert_eq!(fs::read_to_string(&notes.0).unwrap().lines().count(), 3);

    // The same weight by chance is no weight of the moment any more.
    director.ok(&format!("-e {FIRST} --keep -w 25"));
    write(&notes, NOTES);
    let dry = director.feed("-R --replace --dry-run", &rules(25, 50));
    let sentence = "# server 198.51.100.1:80 of service TCP 192.0.2.1:80: 25 becomes its configured weight\n";
    assert_eq!(dry.stdout, format!("{sentence}{UNTOUCHED}"));
    assert_eq!(director.saved(), RULES);
    assert_eq!(director.feed("-R --replace", &rules(25, 50)).status, 0);
    assert_eq!((director.saved(), present(&director)), (rules(25, 50), rules(25, 0)));

    // Kept weights are not looked at.
    write(&notes, NOTES);
    assert_eq!(director.feed("-R --replace --keep-weights", &rules(200, 60)).status, 0);
    assert_eq!((director.saved(), present(&director)), (RULES.to_owned(), rules(25, 0)));
}

#[test]
fn notes_of_what_is_gone_do_no_harm() {
    let (director, notes) = director();
    let without = RULES.replace(&format!("-a {FIRST} -m -w 100\n"), "");
    director.ok(&format!("-d {FIRST}"));
    assert_eq!(director.saved(), without);
    assert!(director.ok("-L --table").contains("0 of 50"));
    let run = director.feed("-R --replace", &without);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(!fs::read_to_string(&notes.0).unwrap().contains("198.51.100.1"));
    write(&notes, NOTES);
    director.ok(&format!("-D {SERVICE}"));
    let others = director.feed("-R --replace --keep-others", "-A -f 7 -s rr\n");
    assert_eq!((others.status, others.stderr.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(&notes.0).unwrap(), NOTES);
    director.ok("-C");
    assert_eq!(director.saved(), "");
    assert_eq!(director.ok("--doctor"), "");
    assert_eq!(director.feed("-R", &rules(100, 49)).status, 0);
    assert_eq!(director.saved(), rules(100, 49));
}

#[test]
fn listings_show_both_weights() {
    let (director, notes) = director();
    let rows = ["198.51.100.1:80  load 25%", "25 of 100", "198.51.100.2:80  drained, load drain", "0 of 50"];
    for words in ["-L -n --table", "-L -n --table --watch=1 --times 1"] {
        let table = director.ok(words);
        assert!(rows.iter().all(|row| table.contains(row)), "{table}");
        let third = table.lines().find(|line| line.contains("198.51.100.3")).unwrap();
        assert_eq!(third.split_whitespace().take(3).collect::<Vec<_>>(), ["198.51.100.3:80", "NAT", "7"]);
    }
    let plain = director.ok("-L -n");
    assert!(plain.contains("  -> 198.51.100.1:80              Masq    25 "), "{plain}");

    let metrics = director.ok("-L --metrics");
    let labels =
        |host| format!("{{protocol=\"TCP\",service=\"192.0.2.1:80\",server=\"198.51.100.{host}:80\"}}");
    for (host, present, configured) in [(1, 25, 100), (2, 0, 50), (3, 7, 7)] {
        let labels = labels(host);
        assert!(metrics.contains(&format!("\nipvs_server_weight{labels} {present}\n")), "{metrics}");
        assert!(
            metrics.contains(&format!("\nipvs_server_configured_weight{labels} {configured}\n")),
            "{metrics}"
        );
    }
    let sums = director.ok("-L --metrics --sum-by service");
    assert!(
        sums.contains("\nipvs_service_configured_weight{protocol=\"TCP\",service=\"192.0.2.1:80\"} 157\n")
    );

    let document = director.ok("-L --json");
    assert_valid(std::slice::from_ref(&document));
    let parsed: Value = serde_json::from_str(&document).unwrap();
    let services = parsed["ipvs"]["services"].as_array().unwrap();
    let web = services.iter().find(|service| service["protocol"] == "TCP").unwrap();
    let servers = web["destinations"].as_array().unwrap();
    let configured = |host: &str| {
        let server = servers.iter().find(|server| server["address"] == host).unwrap();
        server.get("configured_weight").and_then(Value::as_u64)
    };
    let found = ["198.51.100.1", "198.51.100.2", "198.51.100.3"].map(configured);
    assert_eq!(found, [Some(100), Some(50), None], "{document}");
    let input =
        director.ok("-S --json").replace("\"weight\":100", "\"weight\":100,\"configured_weight\":100");
    let run = director.feed("-R --replace --json", &input);
    assert!(run.status != 0 && run.stderr.contains("only listings have it"), "{}", run.stderr);

    let hostile = NOTES.replace("25%", r"\u001b[2J\u202e").replace("drain", &"x".repeat(99));
    write(&notes, &hostile);
    let table = director.ok("-L -n --table");
    assert!(
        table.contains(r"load \u{1b}[2J\u{202e} ") && table.contains("load xxxxxxxxxxxxxxxxxxx… "),
        "{table}"
    );
}

#[test]
fn the_doctor_misses_whoever_set_the_weights() {
    let (director, notes) = director();
    let found = |words: &str| {
        director.run(words).stdout.lines().any(|line| {
            line.starts_with(
            "warning [load-not-followed] TCP 192.0.2.1:80: weights were set because of the load of servers \
             (198.51.100.1:80: 25 of 100, 198.51.100.2:80: 0 of 50), and nothing follows it any more: ",
        ) && line.ends_with("ipvsadm -e -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 100")
        })
    };
    assert!(found("--doctor") && found("--doctor -t 192.0.2.1:80"));
    let lock = notes.0.replace("notes", "follow-load").replace("json", "lock");
    fs::write(&lock, "").unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(found("--doctor"));
    let held = Flock::lock(fs::File::open(&lock).unwrap(), FlockArg::LockExclusive).unwrap();
    assert!(!director.run("--doctor").stdout.contains("load-not-followed"));
    drop(held);
    assert!(found("--doctor"));
    fs::remove_file(&lock).unwrap();

    // The rules file has the configured weights, and so the next boot makes the same table.
    let folder = Folder::new();
    let compare = |rules: &str| {
        fs::write(folder.0.join("ipvsadm.rules"), rules).unwrap();
        let script = format!("mount --bind {} /etc && exec {PROGRAM} --doctor", folder.0.display());
        let run = run(Command::new("unshare").args(["--mount", "sh", "-c", &script]));
        assert_eq!(run.stderr, "");
        run.stdout.contains("rules-differ")
    };
    assert!(!compare(RULES) && compare(&rules(25, 0)));
}
