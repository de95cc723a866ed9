//! What is measured.

use std::fs;

use super::measure;
use super::report::{HEADING, Row};
use super::table::{self, Size};
use super::{Result, traffic};

/// Where the files are: in memory.
const FOLDER: &str = "/dev/shm";
/// Beyond this number of lines the original is run once and not traced: it would take minutes.
const LONG: u32 = 20_000;
/// Beyond this number of lines the original's system calls are not counted.
const TRACED: u32 = 2_000;
const VIEWS: [&str; 3] = ["-Ln", "-Ln --stats", "-Sn"];

/// The programs, and how often they are run.
struct Bench {
    ours: String,
    reference: String,
    empty: String,
    floor: String,
    family: u16,
    quick: bool,
}

pub fn run(programs: [&str; 3], quick: bool) -> Result<()> {
    let [ours, reference, empty] = programs.map(String::from);
    let floor = format!("{} floor", std::env::current_exe()?.display());
    let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_GENERIC)?;
    let bench = Bench { ours, reference, empty, floor, family: table::family(&mut socket)?, quick };
    println!("{HEADING}");
    let sizes = [Size(100, 10), Size(1000, 10), Size(10_000, 2), Size(50_000, 2), Size(1, 2000)];
    for &size in if quick { &sizes[..2] } else { &sizes[..] } {
        bench.table(size)?;
    }
    bench.single_commands()?;
    bench.connections()
}

impl Bench {
    /// Restoring, replacing and listing a table.
    fn table(&self, size: Size) -> Result<()> {
        let Size(services, servers) = size;
        let name = format!("{services} × {servers}");
        let long = services * (servers + 1) > LONG;
        let runs = if long { 3 } else { 7 };
        let file = |name: &str, content: &[u8]| {
            let path = format!("{FOLDER}/{name}");
            fs::write(&path, content).map(|()| path)
        };
        let lines = file("lines", size.lines(false).as_bytes())?;
        let changed = file("changed", size.lines(true).as_bytes())?;
        let adding = file("adding", &table::batches(self.family, &size.changes(false)))?;
        let editing = file("editing", &table::batches(self.family, &size.edits()))?;
        let questions = file("questions", &size.questions(self.family))?;
        let restore = |file: &str| {
            measure::output(&words(&format!("{} -C", self.ours)), None)?;
            measure::output(&words(&format!("{} -R", self.ours)), Some(file))
        };

        // The three make the same table.
        let [ours, reference] = [&self.ours, &self.reference];
        let three =
            [format!("{ours} -R"), format!("{reference} -R"), format!("{} changes {adding}", self.floor)];
        let mut saved = Vec::new();
        for command in &three {
            measure::output(&words(&format!("{ours} -C")), None)?;
            measure::output(&words(command), Some(&lines))?;
            saved.push(measure::output(&words(&format!("{ours} -Sn")), None)?);
        }
        if saved.iter().any(|table| *table != saved[0])
            || saved[0].lines().count() != size.changes(false).len()
        {
            return Err(format!("{name}: the tables differ").into());
        }

        let clear = || measure::output(&words(&format!("{ours} -C")), None).map(drop);
        self.row("restore", &name, runs, three.map(Some), Some(&lines), !long, &clear)?;
        restore(&lines)?;
        let dumps = format!("{} dumps {questions}", self.floor);
        let replace = format!("{ours} -R --replace");
        let nothing = || Ok(());
        self.row(
            "replace, nothing to do",
            &name,
            runs,
            [Some(replace.clone()), None, Some(dumps.clone())],
            Some(&lines),
            !long,
            &nothing,
        )?;
        let back = || measure::output(&words(&replace), Some(&lines)).map(drop);
        let floor = format!("{dumps} changes {editing}");
        self.row(
            "replace, 1 % differs",
            &name,
            runs,
            [Some(replace.clone()), None, Some(floor)],
            Some(&changed),
            !long,
            &back,
        )?;
        back()?;
        for view in VIEWS {
            let commands = [format!("{ours} {view}"), format!("{reference} {view}"), dumps.clone()];
            self.row(&format!("`{view}`"), &name, runs, commands.map(Some), None, !long, &nothing)?;
        }
        clear()
    }

    /// One command, with a small table.
    fn single_commands(&self) -> Result<()> {
        let lines = format!("{FOLDER}/small");
        fs::write(&lines, Size(2, 4).lines(false))?;
        let fresh = || {
            measure::output(&words(&format!("{} -C", self.ours)), None)?;
            measure::output(&words(&format!("{} -R", self.ours)), Some(&lines)).map(drop)
        };
        let service = "-t 10.64.0.0:80";
        for command in
            ["-A -t 192.0.2.1:{} -s rr", &format!("-a {service} -r 192.0.2.2:{{}} -m"), "-Z", "-L -n"]
        {
            let name = command.split(" 192").next().unwrap_or(command).replace(" -t 10.64.0.0:80", "");
            let name = format!("`{}`", name.trim_end_matches(" -t").trim_end_matches(" -r"));
            let three = [&self.ours, &self.reference].map(|program| Some(format!("{program} {command}")));
            let [ours, reference] = three;
            let empty = Some(self.empty.clone());
            self.repeated(&name, 25, [ours, reference, empty], &fresh)?;
        }
        let script = format!("{FOLDER}/loop");
        let text = "n=0\nwhile [ $n -lt 500 ]; do n=$((n + 1)); \"$1\" -a -t 10.64.0.0:80 -r 192.0.2.3:$n -m; done\n";
        fs::write(&script, text)?;
        let [ours, reference, floor] =
            [&self.ours, &self.reference, &self.empty].map(|program| Some(format!("sh {script} {program}")));
        self.row("500 `-a` in a shell loop", "", 3, [ours, reference, floor], None, false, &fresh)?;
        measure::output(&words(&format!("{} -C", self.ours)), None).map(drop)
    }

    /// Listing connections.
    fn connections(&self) -> Result<()> {
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
        let mut made = 0;
        let counts: &[(u32, u32)] = match self.quick {
            true => &[(1000, 7), (10_000, 3)],
            false => &[(1000, 7), (100_000, 3), (1_000_000, 1)],
        };
        for &(count, runs) in counts {
            traffic::send("192.0.2.1:53", made, count)?;
            made = count;
            let floor = format!("{} read {file}", self.floor);
            let ours = format!("{} -Lnc", self.ours);
            let reference = (count <= 100_000).then(|| format!("{} -Lnc", self.reference));
            if count <= 100_000 {
                let lines = measure::output(&words(&ours), None)?.lines().count();
                if lines != count as usize + 2 {
                    return Err(format!("{lines} lines for {count} connections").into());
                }
            }
            self.row(
                "`-Lnc`",
                &count.to_string(),
                runs,
                [Some(ours), reference, Some(floor)],
                None,
                count <= 10_000,
                &|| Ok(()),
            )?;
        }
        Ok(())
    }

    /// Measures and prints a row. What a run needs is prepared before each.
    #[allow(clippy::too_many_arguments, reason = "the columns of a row")]
    fn row(
        &self,
        case: &str,
        size: &str,
        runs: u32,
        commands: [Option<String>; 3],
        input: Option<&str>,
        trace: bool,
        prepare: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let commands = commands.map(|command| command.map(|command| words(&command)));
        let mut row =
            Row { case: case.into(), size: size.into(), runs: Default::default(), calls: [None; 2] };
        for number in 0..if self.quick { runs.div_ceil(2) } else { runs } {
            for (place, command) in commands.iter().enumerate() {
                let Some(command) = command else { continue };
                // The original takes minutes for what takes it long.
                if place == 1 && number > 0 && !trace && !size.is_empty() {
                    continue;
                }
                prepare()?;
                row.runs[place].add(1, command, input)?;
            }
        }
        for (place, command) in commands.iter().enumerate().take(2) {
            if let Some(command) = command.as_ref().filter(|_| place == 0 || trace) {
                prepare()?;
                row.calls[place] = Some(measure::system_calls(command, input)?);
            }
        }
        row.print();
        Ok(())
    }

    /// Measures a command that takes so little that it is run many times in a row.
    fn repeated(
        &self,
        case: &str,
        count: u32,
        commands: [Option<String>; 3],
        prepare: &dyn Fn() -> Result<()>,
    ) -> Result<()> {
        let mut row =
            Row { case: case.into(), size: String::new(), runs: Default::default(), calls: [None; 2] };
        for _ in 0..if self.quick { 2 } else { 4 } {
            for (runs, command) in row.runs.iter_mut().zip(&commands) {
                let Some(command) = command else { continue };
                prepare()?;
                runs.add(count, &words(command), None)?;
            }
        }
        for (place, command) in commands.iter().enumerate().take(2) {
            if let Some(command) = command {
                prepare()?;
                row.calls[place] = Some(measure::system_calls(&words(&command.replace("{}", "99")), None)?);
            }
        }
        row.print();
        Ok(())
    }
}

fn words(command: &str) -> Vec<String> {
    command.split(' ').map(String::from).collect()
}
