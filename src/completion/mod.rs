//! The words that can come next on a command line: the part of completion that does not depend on the shell.
//!
//! Shells call the program with the hidden command `--complete` and the words so far. Everything follows from the table
//! of options and from the services that are there.

mod line;
mod values;

use ipvs_netlink::ProcTable;

use crate::cli::{Arity, Entry, Opt, Verb};
use crate::commands::enter_namespace;
use crate::output::Output;
use line::Line;

/// The first word by which shells ask.
pub(crate) const COMMAND: &str = "--complete";

/// The possible replacements of the last word.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// These words.
    Words(Vec<Candidate>),
    /// The name of a file.
    Files,
}

/// A word, and what it means if that is not clear from it.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    help: &'static str,
}

impl Candidate {
    fn new(word: impl Into<String>, help: &'static str) -> Self {
        Self { word: word.into(), help }
    }
}

/// A program that takes some of the options.
struct Script {
    name: &'static str,
    /// The words that it stands for.
    words: &'static [&'static str],
    options: &'static [Opt],
    /// Its own options, and what they mean.
    own: &'static [(&'static str, &'static str)],
}

const SCRIPTS: [Script; 2] = [
    Script {
        name: "ipvsadm-save",
        words: &["-S"],
        options: &[Opt::Numeric, Opt::Netns, Opt::Full, Opt::PresentWeights, Opt::Output],
        own: &[],
    },
    Script {
        name: "ipvsadm-restore",
        words: &["-R", "--replace"],
        options: &[
            Opt::Check,
            Opt::DryRun,
            Opt::KeepOthers,
            Opt::KeepWeights,
            Opt::DrainRemoved,
            Opt::AllowEmpty,
            Opt::LockWait,
            Opt::Netns,
            Opt::Numeric,
        ],
        own: &[("--flush", "check the input, clear the table, and add everything again")],
    },
];

/// Appends what can stand in place of the last of these words: one word on each line, and what it means after a tab. The
/// line `:files` stands for the names of files.
pub(crate) fn write(output: &mut Output, words: &[&str]) {
    match complete(words, read_table) {
        Answer::Files => output.push(":files\n"),
        Answer::Words(candidates) => {
            for Candidate { word, help } in candidates {
                output.push(format!("{word}\t{help}\n"));
            }
        }
    }
}

/// Reads the table, as far as the caller may, of the network namespace that a word names.
fn read_table(namespace: Option<&str>) -> Option<ProcTable> {
    namespace.map_or(Ok(()), enter_namespace).ok()?;
    ProcTable::read().ok()
}

/// Returns what can stand in place of the last of these words, of which the first is the program.
fn complete(words: &[&str], table: impl FnOnce(Option<&str>) -> Option<ProcTable>) -> Answer {
    let [program, before @ .., current] = words else { return Answer::Words(Vec::new()) };
    let program = program.rsplit('/').next().unwrap_or_default();
    let script = SCRIPTS.iter().find(|script| script.name == program);
    let implied = script.map_or(&[][..], |script| script.words);
    let line = Line::read(implied.iter().chain(before).copied());
    let (entry, start, text) = match (line.expects, current.split_once('=')) {
        // The value of an option can be left out.
        (Some(entry), _) if !(entry.is_optional() && current.starts_with('-')) => (Some(entry), "", *current),
        (_, Some((name, text))) if name.starts_with("--") => {
            (line::long_entry(&name[2..]), &current[..=name.len()], text)
        }
        _ => (None, "", *current),
    };
    let mut answer = match entry {
        Some(entry) => values::of(entry, &line, text, || table(line.value(Opt::Netns))),
        None if current.contains('=') => Answer::Words(Vec::new()),
        None if takes_file(&line) && !current.starts_with('-') => Answer::Files,
        None => Answer::Words(names(&line, script, current)),
    };
    if let Answer::Words(candidates) = &mut answer {
        candidates.iter_mut().for_each(|candidate| candidate.word.insert_str(0, start));
        candidates.retain(|candidate| candidate.word.starts_with(current));
    }
    answer
}

fn takes_file(line: &Line<'_>) -> bool {
    line.verb == Some(Verb::Restore) && line.words == 0
}

/// Returns the names of commands or, after a command, of options that it takes. Without `--` the short ones come first.
fn names(line: &Line<'_>, script: Option<&Script>, current: &str) -> Vec<Candidate> {
    let entries: Vec<Entry> = match line.verb {
        // It explains one command.
        Some(Verb::Help) if line.words > 0 => Vec::new(),
        None | Some(Verb::Help) => Verb::ALL.iter().copied().map(Entry::Verb).collect(),
        Some(verb) => {
            let fits = |option: &Opt| match script {
                Some(script) => script.options.contains(option),
                None => option.verbs().contains(&verb),
            };
            let options = Opt::ALL.iter().copied().filter(fits);
            let fits = |option: &Opt| !line.has(*option) || option.may_repeat(verb);
            options.filter(fits).map(Entry::Option).collect()
        }
    };
    let is_long = current.starts_with("--");
    let candidate = |entry: Entry| {
        let row = entry.row();
        let word = if is_long { format!("--{}", row.long) } else { row.name.to_owned() };
        Candidate::new(word, row.help)
    };
    let mut candidates: Vec<_> = entries.into_iter().map(candidate).collect();
    if let Some(script) = script {
        candidates.extend(script.own.iter().map(|(name, help)| Candidate::new(*name, help)));
        candidates.push(Candidate::new(if is_long { "--help" } else { "-h" }, "show the help"));
    }
    candidates
}

impl Entry {
    fn is_optional(self) -> bool {
        matches!(self.row().arity, Arity::Optional(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0000201:0050 wlc  
  -> 0A00000B:1F90      Masq    1      0          0         
  -> 0A00000C:1F90      Masq    1      0          0         
UDP  C0000201:0035 rr  
  -> 0A00000B:0035      Masq    1      0          0         
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:01BB sh  
FWM  00000007 wlc  
";

    /// Returns the words of an answer to a line, in which `_` is an empty word.
    fn answer(line: &str) -> String {
        let words: Vec<&str> = line.split(' ').map(|word| if word == "_" { "" } else { word }).collect();
        match complete(&words, |namespace| {
            namespace.is_none().then(|| ProcTable::from_reader(TABLE).unwrap())
        }) {
            Answer::Files => "FILES".into(),
            Answer::Words(candidates) => {
                candidates.into_iter().map(|candidate| candidate.word).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn the_first_word_is_a_command() {
        assert!(answer("ipvsadm _").starts_with("-A -E -D -C -R -S -a -e -d -L -Z --set "));
        assert_eq!(answer("ipvsadm -A"), "-A");
        assert_eq!(answer("ipvsadm --add"), "--add-service --add-server");
        assert_eq!(answer("ipvsadm x"), "");
        assert_eq!(answer("ipvsadm -h _"), answer("ipvsadm _"));
        assert_eq!(answer("ipvsadm -h -A -"), "");
    }

    #[test]
    fn after_the_command_come_its_options_that_are_not_there_yet() {
        assert!(answer("ipvsadm -D _").starts_with("-t -u --sctp-service -f -6 "));
        assert_eq!(answer("ipvsadm -A -t 192.0.2.1:80 --sch"), "--scheduler --sched-flags");
        assert_eq!(answer("ipvsadm -A -t 192.0.2.1:80 -s rr --sch"), "--sched-flags");
        assert_eq!(answer("ipvsadm -At 192.0.2.1:80 --scheduler=rr --sched"), "--sched-flags");
        assert_eq!(answer("ipvsadm --add-server --weig"), "--weight");
        assert_eq!(answer("ipvsadm -S --weig"), "");
        assert!(answer("ipvsadm -A -p -").starts_with("-t "));
    }

    #[test]
    fn values_are_completed() {
        for (line, expected) in [
            ("-A -t 192.0.2.1:80 -s w", "wrr wlc"),
            ("-A -t 192.0.2.1:80 -s sh -b _", "sh-fallback sh-port flag-3"),
            ("-A -t 192.0.2.1:80 -s mh -b mh-port,", "mh-port,mh-fallback mh-port,flag-3"),
            ("-A -t 192.0.2.1:80 --scheduler=l", "--scheduler=lc --scheduler=lblc --scheduler=lblcr"),
            ("-a --tun-type g", "gue gre"),
            ("-L --columns name,we", "name,weight"),
            ("-L -c --columns sta", "state"),
            ("-L --color a", "auto always"),
            ("-L -c --state ESTABLISHED,SYN", "ESTABLISHED,SYN_SENT ESTABLISHED,SYN_RECV ESTABLISHED,SYNACK"),
            ("-L -c --proto tcp,", "tcp,udp tcp,sctp"),
            ("-L -c --origin _", "local sync"),
            ("-L -c --count-by s", "service server state"),
            ("-C --vip 10.0.0.1 --vi", "--vip"),
            ("-L -c --client 10.0.0.1 --cli", ""),
            ("--start-daemon _", "master backup"),
            ("-L --bogus=", ""),
            ("-a -w _", ""),
        ] {
            assert_eq!(answer(&format!("ipvsadm {line}")), expected, "{line}");
        }
    }

    #[test]
    fn services_and_servers_come_from_the_table() {
        for (line, expected) in [
            ("-D -t _", "192.0.2.1:80 [2001:db8::1]:443"),
            ("-D -t [", "[2001:db8::1]:443"),
            ("-D --tcp-service=1", "--tcp-service=192.0.2.1:80"),
            ("-Z -u _", "192.0.2.1:53"),
            ("-L -f _", "7"),
            ("-e -t 192.0.2.1:80 -r _", "10.0.0.11:8080 10.0.0.12:8080"),
            ("-d -u 192.0.2.1:53 -r _", "10.0.0.11:53"),
            ("-d -f 7 -r _", ""),
            ("-d -r 10.0.0.11", "10.0.0.11:53 10.0.0.11:8080"),
            ("-A -t _", ""),
            ("-D --netns blue -t _", ""),
        ] {
            assert_eq!(answer(&format!("ipvsadm {line}")), expected, "{line}");
        }
    }

    #[test]
    fn files_go_where_files_are_read_and_written() {
        assert_eq!(answer("ipvsadm -R _"), "FILES");
        assert_eq!(answer("ipvsadm -R --replace /etc/i"), "FILES");
        assert_eq!(answer("ipvsadm -R FILE _"), answer("ipvsadm -R FILE -"));
        assert_eq!(answer("ipvsadm -S -o _"), "FILES");
        assert_eq!(answer("ipvsadm -S --output=/etc/i"), "FILES");
        assert_eq!(answer("ipvsadm -L --netns /run/docker/"), "FILES");
        assert_eq!(answer("ipvsadm-restore _"), "FILES");
    }

    #[test]
    fn the_scripts_have_options_of_their_own() {
        assert_eq!(answer("ipvsadm-save _"), "-n --netns --full --present-weights --output -h");
        assert_eq!(answer("/usr/sbin/ipvsadm-save -n --full --present-weights --output=x --netns 1 -"), "-h");
        assert_eq!(answer("ipvsadm-restore --dry"), "--dry-run");
        assert_eq!(answer("ipvsadm-restore --netns blue --f"), "--flush");
    }
}
