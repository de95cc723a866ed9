//! The measured cases.

use std::fs;
use std::time::Instant;

use super::measure::{self, RUN_NUMBER};
use super::report::{HEADING, Row};
use super::table::{self, Size};
use super::{Result, traffic};

/// The folder of the files, which is in memory.
const FOLDER: &str = "/dev/shm";
/// Above this number of lines there are fewer runs, and only one of the original.
const LONG_CASE: u32 = 2_000;
/// Above this number of lines the original, which takes minutes, is not run, and the others run once. Only
/// one of them restores: after clearing such a table, a kernel takes several times as long for the next one.
const HUGE_CASE: u32 = 100_000;
/// Above these numbers of lines the system calls of our program and of the original are not counted, which
/// would take minutes.
const MAX_TRACED: [u32; 2] = [20_000, 500];
/// Above this number of servers, receiving into a large buffer is faster than into a small one.
const MANY_SERVERS: u32 = 100;
/// The file from which the plain listing takes the servers.
const TABLE_FILE: &str = "/proc/net/ip_vs";
const RESTORE: &str = "restore";
const REPLACE: &str = "replace, nothing to do";
const REPLACE_SOME: &str = "replace, 1 % differs";
const CONNECTIONS: &str = "`-Lnc`";
const PLAIN: &str = "-Ln";
const VIEWS: [&str; 3] = [PLAIN, "-Ln --stats", "-Sn"];

/// The programs and the settings of a measurement.
struct Bench {
    ours: String,
    reference: String,
    empty: String,
    floor: String,
    family: u16,
    quick: bool,
    /// The texts of which a row must contain one, unless there are none.
    wanted: Vec<String>,
    started: Instant,
}

/// Measures all cases. The words are three programs and the wanted cases.
pub(crate) fn run(words: &[&str], quick: bool) -> Result<()> {
    let bench = Bench::new(words, quick)?;
    let sizes = [Size(100, 10), Size(1000, 10), Size(10_000, 2), Size(50_000, 2), Size(1, 2000)];
    for &size in if quick { &sizes[..2] } else { &sizes[..] } {
        bench.table(size)?;
    }
    bench.single_commands()?;
    bench.connections(if quick { &[(1000, 7), (10_000, 3)] } else { &[(1000, 7), (100_000, 3)] })
}

/// Measures listings of very many connections. Before Linux 7 the time grows with the square of their number.
pub(crate) fn connections(words: &[&str]) -> Result<()> {
    Bench::new(words, false)?.connections(&[(1000, 7), (100_000, 3), (1_000_000, 3)])
}

impl Bench {
    fn new(words: &[&str], quick: bool) -> Result<Self> {
        let words: Vec<String> = words.iter().copied().map(String::from).collect();
        let [ours, reference, empty, wanted @ ..] = &words[..] else {
            return Err("three programs are needed".into());
        };
        let floor = format!("{} floor", std::env::current_exe()?.display());
        let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_GENERIC)?;
        let family = table::family(&mut socket)?;
        println!("{HEADING}");
        Ok(Self {
            ours: ours.clone(),
            reference: reference.clone(),
            empty: empty.clone(),
            floor,
            family,
            quick,
            wanted: wanted.to_vec(),
            started: Instant::now(),
        })
    }

    /// Returns whether a row is to be measured.
    fn wants(&self, name: &str, size: &str) -> bool {
        let title = format!("{name}, {size}").replace('`', "").replace('×', "x");
        self.wanted.is_empty() || self.wanted.iter().any(|part| title.contains(part))
    }

    /// Measures restoring, replacing and listing a table.
    fn table(&self, size: Size) -> Result<()> {
        let Size(services, servers) = size;
        let name = format!("{services} × {servers}");
        if ![RESTORE, REPLACE, REPLACE_SOME].iter().chain(&VIEWS).any(|case| self.wants(case, &name)) {
            return Ok(());
        }
        let count = services * (servers + 1);
        let is_small = count <= HUGE_CASE;
        let rounds = match count {
            ..=LONG_CASE => 7,
            _ if is_small => 3,
            _ => 1,
        };
        let [ours_traced, reference_traced] = MAX_TRACED.map(|max| count <= max);
        let (long, traced) =
            (count > LONG_CASE, [ours_traced && !(self.quick && count > LONG_CASE), reference_traced]);
        let file = |name: &str, content: &[u8]| {
            let path = format!("{FOLDER}/{name}");
            fs::write(&path, content).map(|()| path)
        };
        let lines = file("lines", size.lines(false).as_bytes())?;
        let changed = file("changed", size.lines(true).as_bytes())?;
        let adding = file("adding", &table::batches(self.family, &size.changes(false)))?;
        let editing = file("editing", &table::batches(self.family, &size.edits()))?;

        let [ours, reference] = [&self.ours, &self.reference];
        let restore = [
            Some(format!("{ours} -R")),
            is_small.then(|| format!("{reference} -R")),
            is_small.then(|| format!("{} short {adding}", self.floor)),
        ];
        let clear = || measure::output(&words(&format!("{ours} -C")), None).map(drop);
        let case = Case {
            name: RESTORE,
            size: &name,
            commands: restore,
            entries: Some(count),
            input: Some(&lines),
            rounds,
            times: 1,
            long,
            traced,
        };
        self.row(&case, &clear)?;

        let case = Case { entries: None, ..case };
        let replace = format!("{ours} -R --replace");
        let restore_table = || measure::output(&words(&replace), Some(&lines)).map(drop);
        restore_table()?;
        let [service_questions, server_questions] = table::questions(self.family)?;
        let services = format!("{} long {}", self.floor, file("services", &service_questions)?);
        let dumps = format!(
            "{services} {} {}",
            if servers > MANY_SERVERS { "long" } else { "short" },
            file("servers", &server_questions)?
        );
        let commands = [Some(replace.clone()), None, Some(dumps.clone())];
        self.row(&Case { name: REPLACE, commands, ..case }, &|| Ok(()))?;
        let commands = [Some(replace.clone()), None, Some(format!("{dumps} short {editing}"))];
        self.row(&Case { name: REPLACE_SOME, commands, input: Some(&changed), ..case }, &restore_table)?;
        restore_table()?;
        for view in VIEWS {
            let original = is_small.then(|| format!("{reference} {view}"));
            let floor = if view == PLAIN { format!("{services} read {TABLE_FILE}") } else { dumps.clone() };
            let commands = [Some(format!("{ours} {view}")), original, Some(floor)];
            self.row(&Case { name: &format!("`{view}`"), commands, input: None, ..case }, &|| Ok(()))?;
        }
        clear()
    }

    /// Measures single commands on a small table.
    fn single_commands(&self) -> Result<()> {
        let lines = format!("{FOLDER}/small");
        fs::write(&lines, Size(2, 4).lines(false))?;
        let restore_small_table = || {
            measure::output(&words(&format!("{} -C", self.ours)), None)?;
            measure::output(&words(&format!("{} -R", self.ours)), Some(&lines)).map(drop)
        };
        let add = format!("-a -t 10.64.0.0:80 -r 192.0.2.2:{RUN_NUMBER} -m");
        let all_three = |command: &str| {
            let [ours, reference] =
                [&self.ours, &self.reference].map(|program| format!("{program} {command}"));
            [ours, reference, self.empty.clone()].map(Some)
        };
        let case = Case {
            name: "",
            size: "",
            commands: [const { None }; 3],
            entries: None,
            input: None,
            rounds: 4,
            times: 25,
            long: false,
            traced: [true; 2],
        };
        for (name, command) in [
            ("`-A`", &*format!("-A -t 192.0.2.1:{RUN_NUMBER} -s rr")),
            ("`-a`", &add),
            ("`-Z`", "-Z"),
            ("`-L -n`", "-L -n"),
        ] {
            self.row(
                &Case { name, size: "10 lines", commands: all_three(command), ..case },
                &restore_small_table,
            )?;
        }
        let script = format!("{FOLDER}/loop");
        let iterations = if self.quick { 100 } else { 500 };
        let text = format!(
            "n=0\nwhile [ $n -lt {iterations} ]; do n=$((n + 1)); \"$@\" -a -t 10.64.0.0:80 -r 192.0.2.3:$n -m; done\n"
        );
        fs::write(&script, text)?;
        let commands = [&self.ours, &self.reference, &self.empty];
        let commands = commands.map(|program| Some(format!("sh {script} {program}")));
        let case = Case {
            name: &format!("{iterations} `-a` in a shell"),
            size: "10 lines",
            commands,
            times: 1,
            long: false,
            traced: [false; 2],
            ..case
        };
        self.row(&case, &restore_small_table)?;
        measure::output(&words(&format!("{} -C", self.ours)), None).map(drop)
    }

    /// Measures listings of connections, for pairs of a number of connections and a number of rounds.
    fn connections(&self, counts: &[(u32, u32)]) -> Result<()> {
        for command in [
            "ip link add bench0 type dummy",
            "ip link set bench0 up",
            "ip addr add 192.0.2.1/24 dev bench0",
            "ip route add local 11.0.0.0/8 dev lo",
        ] {
            measure::output(&words(command), None)?;
        }
        for command in
            ["-A -u 192.0.2.1:53 -s rr", "-a -u 192.0.2.1:53 -r 192.0.2.2:53 -g", "--set 0 0 86400"]
        {
            measure::output(&words(&format!("{} {command}", self.ours)), None)?;
        }
        let file = "/proc/net/ip_vs_conn";
        let mut sent = 0;
        for &(count, rounds) in counts {
            if !self.wants(CONNECTIONS, &count.to_string()) {
                continue;
            }
            self.progress(&format!("making {count} connections"));
            traffic::send("192.0.2.1:53", sent, count)?;
            sent = count;
            let floor = format!("{} read {file}", self.floor);
            let ours = format!("{} -Lnc", self.ours);
            let reference = (count <= 100_000).then(|| format!("{} -Lnc", self.reference));
            if count <= 100_000 {
                let lines = measure::output(&words(&ours), None)?.lines().count();
                if lines != count as usize + 2 {
                    return Err(format!("{lines} lines for {count} connections").into());
                }
            }
            let size = &count.to_string();
            let commands = [Some(ours), reference, Some(floor)];
            let (long, traced) = (count > 10_000, [count <= 100_000, count <= 1_000]);
            self.row(
                &Case {
                    name: CONNECTIONS,
                    size,
                    commands,
                    entries: None,
                    input: None,
                    rounds,
                    times: 1,
                    long,
                    traced,
                },
                &|| Ok(()),
            )?;
        }
        Ok(())
    }

    /// Measures and prints a row. `prepare` is called before each run.
    fn row(&self, case: &Case<'_>, prepare: &dyn Fn() -> Result<()>) -> Result<()> {
        if !self.wants(case.name, case.size) {
            return Ok(());
        }
        self.progress(&format!("{}, {}", case.name, case.size));
        let mut row = Row::new(case.name, case.size);
        let [ours, _, floor] = &case.commands;
        for command in [ours, floor].into_iter().flatten().filter(|_| case.rounds > 1) {
            // The first run loads the program, and in QEMU translates it.
            prepare()?;
            measure::output(&words(&command.replace(RUN_NUMBER, "98")), case.input)?;
        }
        let mut tables = Vec::new();
        for round in 0..if self.quick { case.rounds.div_ceil(2) } else { case.rounds } {
            for (index, command) in case.commands.iter().enumerate() {
                // A long case takes the original minutes.
                let Some(command) = command.as_ref().filter(|_| index != 1 || round == 0 || !case.long)
                else {
                    continue;
                };
                prepare()?;
                row.runs[index].add(case.times, &words(command), case.input)?;
                if case.entries.is_some() && round == 0 {
                    tables.push(measure::output(&words(&format!("{} -Sn", self.ours)), None)?);
                }
            }
        }
        let differs = |table: &String| {
            *table != tables[0] || case.entries.is_some_and(|count| table.lines().count() != count as usize)
        };
        if tables.iter().any(differs) {
            return Err(format!("{}, {}: the tables differ", case.name, case.size).into());
        }
        for (index, calls) in row.calls.iter_mut().enumerate() {
            let Some(command) = case.commands[index].as_ref().filter(|_| case.traced[index]) else {
                continue;
            };
            prepare()?;
            *calls = Some(measure::system_calls(&words(&command.replace(RUN_NUMBER, "99")), case.input)?);
        }
        row.print();
        Ok(())
    }

    /// Reports the current activity and the elapsed seconds on standard error.
    fn progress(&self, activity: &str) {
        eprintln!("{:>5} s: {activity}", self.started.elapsed().as_secs());
    }
}

/// A row of the report: commands that are measured in the same way.
struct Case<'a> {
    name: &'a str,
    size: &'a str,
    /// The commands of our program, the original and the floor.
    commands: [Option<String>; 3],
    /// The number of lines that the table must have after each command. All commands must produce the same
    /// table.
    entries: Option<u32>,
    input: Option<&'a str>,
    rounds: u32,
    /// The number of runs of a command in each round.
    times: u32,
    /// Makes the original run only once.
    long: bool,
    /// Enables counting the system calls of our program and of the original.
    traced: [bool; 2],
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(String::from).collect()
}
