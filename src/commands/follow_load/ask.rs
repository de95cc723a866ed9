//! Asking for the load of servers, side by side.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, copy, sink};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::systemd;
use crate::grammar::Source;
use crate::load::{Answer, Heard, Target};

/// The most connections at the same time. Programs are usually allowed 1024 descriptors.
const MAX_CONNECTIONS: usize = 512;
/// The most programs at the same time.
const MAX_PROGRAMS: usize = 32;
/// The part of these places that those may have who did not answer last time: one in so many.
const SILENT_PART: usize = 2;
/// The shortest and the longest time for an answer. Questions do not wait for each other, so it may exceed the interval.
const MIN_PATIENCE: Duration = Duration::from_secs(1);
const MAX_PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who can be asked. An agent answers for all servers at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Agent(IpAddr),
    Program(Target),
}

/// The outcome of a question.
#[derive(Debug)]
pub(super) enum Outcome {
    Heard(Heard),
    /// This machine could not ask, which says nothing of the server.
    Trouble(String),
}

/// Asks, for as many at the same time as is good. Those that did not answer last time get only a part of the places, so
/// that however many they are nobody waits for them who answers.
#[derive(Clone)]
pub(super) struct Asker {
    source: Source,
    patience: Duration,
    places: Arc<Semaphore>,
    silent_places: Arc<Semaphore>,
}

impl Asker {
    pub(super) fn new(source: Source, interval: Duration) -> Self {
        let places = match source {
            Source::Agent(_) => MAX_CONNECTIONS,
            Source::Program(_) => MAX_PROGRAMS,
        };
        let patience = interval.clamp(MIN_PATIENCE, MAX_PATIENCE);
        let [places, silent_places] =
            [places, places / SILENT_PART].map(|count| Arc::new(Semaphore::new(count)));
        Self { source, patience, places, silent_places }
    }

    /// Returns the questions that these servers need, each with the servers that the answer is about.
    pub(super) fn questions(&self, targets: impl Iterator<Item = Target>) -> HashMap<Question, Vec<Target>> {
        let mut questions: HashMap<_, Vec<Target>> = HashMap::new();
        for target in targets {
            let question = match self.source {
                Source::Agent(_) => Question::Agent(target.1.address),
                Source::Program(_) => Question::Program(target),
            };
            questions.entry(question).or_default().push(target);
        }
        questions
    }

    /// Asks once. Waiting for others does not count as the time for the answer.
    pub(super) async fn ask(&self, question: Question, was_silent: bool) -> Outcome {
        // Neither is ever closed.
        let _silent_place = if was_silent { Some(self.silent_places.acquire().await) } else { None };
        let _place = self.places.acquire().await;
        match (&self.source, question) {
            (Source::Program(program), Question::Program(target)) => {
                ask_program(program, target, self.patience).await
            }
            (&Source::Agent(port), Question::Agent(address)) => {
                ask_agent(SocketAddr::new(address, port), self.patience).await
            }
            _ => Outcome::Trouble("the question does not fit".into()),
        }
    }
}

async fn ask_agent(address: SocketAddr, patience: Duration) -> Outcome {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        // Thousands of connections that wait for their last packets would be left behind.
        stream.set_zero_linger()?;
        read_answer(&mut stream).await
    };
    match timeout(patience, ask).await {
        Ok(Ok(heard)) => Outcome::Heard(heard),
        Ok(Err(error)) if is_own(&error) => Outcome::Trouble(format!("cannot ask servers: {error}")),
        Ok(Err(error)) => Outcome::Heard(Heard::Silence(error.to_string())),
        Err(_) => Outcome::Heard(Heard::Silence(late(patience))),
    }
}

/// Returns whether an error says that this machine lacks something, and nothing of the other one.
fn is_own(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(
            Errno::EMFILE
                | Errno::ENFILE
                | Errno::ENOBUFS
                | Errno::ENOMEM
                | Errno::EADDRNOTAVAIL
                | Errno::EPERM
                | Errno::EACCES
        )
    )
}

async fn ask_program(program: &str, (service, server): Target, patience: Duration) -> Outcome {
    let mut command = Command::new(program);
    command.arg(service.to_string()).arg(server.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).env_remove(systemd::SOCKET);
    // A group of its own, so that what it has started can be ended with it.
    command.kill_on_drop(true).process_group(0);
    let cannot = |error: io::Error| Outcome::Trouble(format!("cannot run {program}: {error}"));
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return cannot(error),
    };
    // It is ended before the program, and so the number of the group still belongs to it.
    let mut group = Group::new(&child);
    let Some(mut stdout) = child.stdout.take() else { return cannot(io::ErrorKind::BrokenPipe.into()) };
    let run = async {
        let heard = read_answer(&mut stdout).await?;
        // A program that prints more is not to fail because nobody reads it.
        copy(&mut stdout, &mut sink()).await?;
        let status = child.wait().await?;
        group.0 = None;
        Ok((heard, status))
    };
    match timeout(patience, run).await {
        Ok(Ok((heard, status))) if status.success() => Outcome::Heard(heard),
        Ok(Ok((_, status))) => Outcome::Heard(Heard::Silence(format!("the program failed ({status})"))),
        Ok(Err(error)) => cannot(error),
        Err(_) => Outcome::Heard(Heard::Silence(late(patience))),
    }
}

/// The group of a program that has not been waited for. It is ended with all that the program has started when nobody
/// wants the answer any more.
struct Group(Option<Pid>);

impl Group {
    fn new(leader: &Child) -> Self {
        Self(leader.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by now.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Reads a line, and no more than has to be read to know that it is none.
async fn read_answer(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Heard> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 256]);
    while !Answer::is_complete(&bytes) {
        match from.read(&mut buffer).await {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            // What came before it is an answer, as for haproxy.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(Answer::parse(&bytes).map_or_else(Heard::Silence, Heard::Answer))
}

fn late(patience: Duration) -> String {
    format!("no answer within {} s", patience.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{DestinationId, ServiceId};

    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::ReadBuf;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn target(port: u16, host: u8) -> Target {
        (ServiceId::tcp(([192, 0, 2, 1], port)), DestinationId::new([10, 0, 0, host], port))
    }

    fn run(program: &str, seconds: u64) -> Outcome {
        let asker = Asker::new(Source::Program(program.into()), Duration::from_secs(seconds));
        block_on(asker.ask(Question::Program(target(80, 1)), false))
    }

    #[test]
    fn an_agent_answers_for_all_servers_at_its_address() {
        let targets = [target(80, 1), target(443, 1), target(80, 2)];
        let agent = Asker::new(Source::Agent(9777), Duration::from_secs(5));
        let questions = agent.questions(targets.into_iter());
        assert_eq!(questions.len(), 2);
        assert_eq!(questions[&Question::Agent([10, 0, 0, 1].into())], targets[..2]);
        let program = Asker::new(Source::Program("x".into()), Duration::from_secs(5));
        assert_eq!(program.questions(targets.into_iter()).len(), 3);
    }

    #[test]
    fn no_more_is_read_than_a_line_needs() {
        let heard = |mut bytes: &[u8]| block_on(read_answer(&mut bytes)).unwrap();
        assert!(matches!(heard(b"75%\nrest"), Heard::Answer(_)));
        let endless = vec![b'x'; 10_000_000];
        let mut rest = &endless[..];
        assert!(matches!(block_on(read_answer(&mut rest)).unwrap(), Heard::Silence(_)));
        assert!(rest.len() > 9_990_000);
    }

    #[test]
    fn an_answer_before_a_reset_is_one() {
        struct Reset(Option<&'static [u8]>);
        impl AsyncRead for Reset {
            fn poll_read(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let bytes = self.0.take().ok_or(io::ErrorKind::ConnectionReset)?;
                buffer.put_slice(bytes);
                Poll::Ready(Ok(()))
            }
        }
        let heard = |bytes| block_on(read_answer(&mut Reset(bytes)));
        assert!(matches!(heard(Some(b"75%")), Ok(Heard::Answer(_))));
        assert!(heard(None).is_err());
    }

    #[test]
    fn nobody_waits_for_those_that_did_not_answer() {
        block_on(async {
            let asker = Asker::new(Source::Program("/bin/false".into()), Duration::from_secs(60));
            let question = Question::Program(target(80, 1));
            let asked = |was_silent, patience| timeout(patience, asker.ask(question, was_silent));
            let held = MAX_PROGRAMS / SILENT_PART;
            let silent = asker.silent_places.acquire_many(held as u32).await.unwrap();
            let places = asker.places.acquire_many(held as u32).await.unwrap();
            let moment = Duration::from_millis(100);
            assert!(asked(true, moment).await.is_err());
            let long = Duration::from_secs(30);
            assert!(matches!(asked(false, long).await, Ok(Outcome::Heard(Heard::Silence(_)))));
            drop((silent, places));
            assert!(asked(true, long).await.is_ok());
        });
    }

    #[test]
    fn what_this_machine_lacks_is_no_silence() {
        let os = io::Error::from_raw_os_error;
        assert!(is_own(&os(Errno::EMFILE as i32)) && !is_own(&os(Errno::ECONNREFUSED as i32)));
        let Outcome::Trouble(text) = run("/nonexistent/program", 10) else { panic!() };
        assert!(text.starts_with("cannot run /nonexistent/program: No such file"), "{text}");
    }

    #[test]
    fn a_program_that_prints_no_line_is_silent() {
        // The names of service and server.
        let Outcome::Heard(Heard::Silence(text)) = run("/bin/echo", 10) else { panic!() };
        assert_eq!(text, "the answer says nothing that is known: TCP 192.0.2.1:80 10.0.0.1:80");
        let Outcome::Heard(Heard::Silence(text)) = run("/bin/false", 10) else { panic!() };
        assert_eq!(text, "the program failed (exit status: 1)");
        let Outcome::Heard(Heard::Silence(text)) = run("/usr/bin/yes", 0) else { panic!() };
        assert_eq!(text, "no answer within 1 s");
    }
}
