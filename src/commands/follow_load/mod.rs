//! `--follow-load`: weights of real servers that follow their load, as long as the program runs.
//!
//! The only command on tokio, whose runtime is made here. Rounds do not wait for each other: at each interval the table is
//! read and everybody is asked who has answered the last question. Answers are collected for a moment and then
//! change weights together.

mod apply;
mod ask;
mod report;
mod systemd;
mod table;
mod take_up;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ipvs_netlink::ConnectOptions;
use ipvs_netlink::tokio::Ipvs;
use ipvs_netlink::{Error, SocketError};
use nix::sys::signal::Signal;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use self::ask::{Asker, Outcome, Question};
use self::report::Report;
use self::systemd::Systemd;
use super::doctor::programs;
use super::follower::Follower;
use super::interruption::is_ignored;
use super::session::Session;
use crate::failure::Failure;
use crate::grammar::FollowLoad;
use crate::load::{Event, Heard, Load, Target};
use crate::output::Output;

/// The longest time for which answers are collected.
const MAX_COLLECTING: Duration = Duration::from_millis(200);

/// The time to wait for other instances at the start and at the end.
const LOCK_WAIT: Duration = Duration::from_secs(60);
/// The time after which another attempt is made if another instance works.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The signals that end the program.
const SIGNALS: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Something that the loop waits for.
enum Message {
    Heard(Question, Outcome),
    Signal(&'static str),
}

/// Lets weights follow the load until a signal comes, and puts them back.
pub(crate) fn run(session: &mut Session, options: &FollowLoad) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::NotFollowed(error.to_string());
    let runtime = Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    runtime.block_on(async {
        let ipvs = Ipvs::connect_with(&ConnectOptions::default().load_module(true)).await?;
        let _follower = Follower::acquire().map_err(cannot)?.ok_or(Failure::Followed)?;
        let mut following = Following::start(ipvs, &mut session.output, options).map_err(cannot)?;
        let outcome = following.follow().await;
        let end = following.end(outcome.as_ref().ok().copied()).await;
        outcome.map(drop).and(end)
    })
}

/// Everything that the loop works on.
struct Following<'a> {
    ipvs: Ipvs,
    options: &'a FollowLoad,
    load: Load,
    report: Report<'a>,
    systemd: Systemd,
    asker: Asker,
    sender: UnboundedSender<Message>,
    receiver: UnboundedReceiver<Message>,
    /// The questions of the last round, each with the servers that the answer is about.
    questions: HashMap<Question, Vec<Target>>,
    /// The questions that have not been answered.
    open: HashSet<Question>,
    /// The questions to which there was no answer last time.
    silent: HashSet<Question>,
    /// The events that are not told yet.
    events: Vec<Event>,
    /// The time at which weights change, if there are reasons.
    due: Option<Instant>,
    /// The number of replacements of the table that are known.
    replacements: Option<u64>,
}

impl<'a> Following<'a> {
    fn start(ipvs: Ipvs, output: &'a mut Output, options: &'a FollowLoad) -> std::io::Result<Self> {
        let (sender, receiver) = unbounded_channel();
        for end in SIGNALS {
            // Whoever starts it with nohup, or in the background of a script, wants it to go on.
            if end != Signal::SIGTERM && is_ignored(end) {
                continue;
            }
            let (mut stream, sender) = (signal(SignalKind::from_raw(end as i32))?, sender.clone());
            let name = end.as_str();
            tokio::spawn(async move {
                while stream.recv().await.is_some() && sender.send(Message::Signal(name)).is_ok() {}
            });
        }
        Ok(Self {
            ipvs,
            options,
            load: Load::default(),
            report: Report::new(output, options.format, options.rules.on_silence),
            systemd: Systemd::connect(),
            asker: Asker::new(options.source.clone(), options.interval),
            sender,
            receiver,
            questions: HashMap::new(),
            open: HashSet::new(),
            silent: HashSet::new(),
            events: Vec::new(),
            due: None,
            replacements: None,
        })
    }

    /// Follows the load until a signal comes, whose name is returned.
    async fn follow(&mut self) -> Result<&'static str, Failure> {
        if let Some(signal) = self.take_up().await? {
            return Ok(signal);
        }
        let (services, servers, _) = self.load.count();
        self.report.say("start", &format!("following the load: services {services}, servers {servers}"))?;
        self.systemd.ready();
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                self.read_table().await?;
                self.ask();
                self.report.tell_dropped()?;
                self.tell_status();
                // A round that was late is not made up for.
                next = (next + self.options.interval).max(Instant::now());
            }
            let is_due = self.due.is_some_and(|due| Instant::now() >= due || self.open.is_empty());
            if is_due {
                self.due = None;
                self.change_weights().await?;
            }
            let wake = self.due.map_or(next, |due| due.min(next));
            match timeout_at(wake, self.receiver.recv()).await {
                Ok(Some(Message::Signal(name))) => return Ok(name),
                Ok(Some(Message::Heard(question, outcome))) => self.hear(question, outcome)?,
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// Reads what has come, gone or changed. If that is not possible now, it is at the next round.
    async fn read_table(&mut self) -> Result<(), Failure> {
        let events = match table::read(&self.ipvs, &self.options.services).await {
            Ok(Some(table)) => {
                self.report.no_trouble("table");
                self.load.read_all(table, |_, present| present)
            }
            // Others keep changing it.
            Ok(None) => return Ok(()),
            Err(error) => return self.report_unless_closed(error),
        };
        self.tell(&events)?;
        self.collect(self.load.has_strange());
        Ok(())
    }

    /// Asks everybody who has answered.
    fn ask(&mut self) {
        self.questions = self.asker.questions(self.load.targets());
        self.silent.retain(|question| self.questions.contains_key(question));
        for &question in self.questions.keys() {
            if self.open.insert(question) {
                let (asker, sender) = (self.asker.clone(), self.sender.clone());
                let was_silent = self.silent.contains(&question);
                tokio::spawn(async move {
                    // At the end nobody listens.
                    let _ = sender.send(Message::Heard(question, asker.ask(question, was_silent).await));
                });
            }
        }
    }

    fn hear(&mut self, question: Question, outcome: Outcome) -> Result<(), Failure> {
        self.open.remove(&question);
        let heard = match outcome {
            Outcome::Heard(heard) => heard,
            Outcome::Trouble(why) => return self.report.trouble("asking", &why),
        };
        match heard {
            Heard::Answer(_) => self.silent.remove(&question),
            Heard::Silence(_) => self.silent.insert(question),
        };
        let targets = self.questions.get(&question).into_iter().flatten();
        let rules = &self.options.rules;
        let events: Vec<Event> =
            targets.filter_map(|&target| self.load.hear(target, &heard, rules)).collect();
        self.collect(true);
        self.tell(&events)
    }

    /// Lets weights change soon, if there is a reason.
    fn collect(&mut self, is_needed: bool) {
        if is_needed {
            let soon = Instant::now() + MAX_COLLECTING.min(self.options.interval / 4);
            self.due.get_or_insert(soon);
        }
    }

    fn tell(&mut self, events: &[Event]) -> Result<(), Failure> {
        for event in events {
            self.report.event(event, || {
                let found = programs::find().into_iter().filter(|program| program.manages_table);
                found.map(|program| program.name).collect()
            })?;
        }
        Ok(())
    }

    fn tell_status(&mut self) {
        let (services, servers, silent) = self.load.count();
        let silent = if silent > 0 { format!(", silent {silent}") } else { String::new() };
        self.systemd.status(format!("following the load: services {services}, servers {servers}{silent}"));
    }

    /// Says what the kernel cannot do now. Without a connection nothing can be done any more.
    fn report_unless_closed(&mut self, error: Error) -> Result<(), Failure> {
        match error {
            Error::Exchange(_, SocketError::Closed | SocketError::System { .. }) => Err(error.into()),
            error => self.report.trouble("table", &Failure::from(error).to_string()),
        }
    }
}
