//! `--follow-load` with real agents: weights that follow their answers, whoever they are.

mod hostile;
mod process;
mod removal;
mod scale;
mod traffic;
mod weights;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine::Machine;
use super::tcp::TcpServer;
use super::wait_until;
use crate::drain::NotesFile;
use crate::support::*;

/// The port of agents.
const PORT: u16 = 9777;

/// A running `--follow-load`, which is killed when it is dropped.
struct Following {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Following {
    /// Starts it in the thread's namespace, with these options and an interval that tests can wait for.
    fn start(options: &str) -> Self {
        Self::start_command(Command::new(PROGRAM).args(words(options)))
    }

    fn start_command(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdout, lines) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                seen.lock().unwrap().push(line.unwrap());
            }
        });
        let following = Self { child, lines };
        assert!(wait_until(|| !following.lines().is_empty()), "it did not start");
        following
    }

    /// Returns the lines that it has printed so far.
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until it has printed a line with this text.
    fn wait_for(&self, text: &str) {
        let is_there = || self.lines().iter().any(|line| line.contains(text));
        assert!(wait_until(is_there), "no \"{text}\": {:#?}", self.lines());
    }

    /// Waits until it has printed a line that begins and ends so, with a number between, and returns the number.
    fn wait_for_number(&self, start: &str, end: &str) -> u32 {
        let number = || {
            let lines = self.lines();
            let (_, rest) = lines
                .iter()
                .find_map(|line| line.split_once(start).filter(|(_, rest)| rest.ends_with(end)))?;
            rest.strip_suffix(end)?.parse().ok()
        };
        assert!(wait_until(|| number().is_some()), "no \"{start}...{end}\": {:#?}", self.lines());
        number().unwrap()
    }

    /// Ends it by a signal, and returns its status and what it has printed.
    fn end(mut self, signal: Signal) -> (Option<i32>, Vec<String>) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
        let status = self.child.wait().unwrap().code();
        if signal != Signal::SIGKILL {
            self.wait_for("put back: ");
        }
        (status, self.lines())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(options: &str) -> Vec<String> {
    let usual = if options.contains("--exec") { String::new() } else { format!("--agent {PORT} ") };
    let interval = if options.contains("--interval") { "" } else { "--interval 0.2 " };
    let line = format!("--follow-load {usual}{interval}{options}");
    line.split_whitespace().map(String::from).collect()
}

/// The agents of servers at the addresses of one machine. Each answers with the line of its address, and says nothing
/// without one.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<HashMap<IpAddr, String>>>);

impl Answers {
    fn set(&self, address: &str, line: &str) {
        self.0.lock().unwrap().insert(address.parse().unwrap(), line.to_owned());
    }

    fn serve(&self, machine: &Machine) -> TcpServer {
        let answers = self.clone();
        TcpServer::start_with(machine, PORT, move |mut stream: TcpStream| {
            let address = stream.local_addr()?.ip().to_canonical();
            let line = answers.0.lock().unwrap().get(&address).cloned().unwrap_or_default();
            stream.write_all(line.as_bytes())
        })
    }
}

/// A director whose servers are addresses of its own, each with an agent.
struct Local {
    director: Director,
    answers: Answers,
    agents: Option<TcpServer>,
    notes: NotesFile,
}

impl Local {
    /// Creates a director with these rules.
    fn new(rules: &str) -> Self {
        let director = Director::new();
        director.system("ip addr add 2001:db8::11/128 dev lo nodad");
        let run = director.feed("-R", rules);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let answers = Answers::default();
        let agents = Some(answers.serve(&Machine::current("director")));
        Self { director, answers, agents, notes: NotesFile::new() }
    }

    /// Waits until the weights of all servers are these, in the order of the table.
    fn wait_for_weights(&self, expected: &[u32]) {
        assert!(wait_until(|| self.weights() == expected), "{expected:?}: {}", self.director.saved());
    }

    fn weights(&self) -> Vec<u32> {
        weights(&self.director)
    }
}

/// Returns the weights that all servers have now, in the order of the table.
fn weights(director: &Director) -> Vec<u32> {
    let listed = director.ok("-L -n");
    let servers = listed.lines().filter(|line| line.starts_with("  -> ")).skip(1);
    servers.map(|line| line.split_whitespace().nth(3).unwrap().parse().unwrap()).collect()
}
