//! The report on standard output: one line for each change, for people or for programs.

use std::collections::HashMap;
use std::time::SystemTime;

use ipvs_netlink::{DestinationId, ServiceId};
use serde::{Serialize, Serializer};

use crate::commands::notes::time;
use crate::failure::Failure;
use crate::grammar::Format;
use crate::load::{Event, OnSilence, Target, WeightChange};
use crate::output::Output;
use crate::terminal::quote;

/// Says what happens, line by line.
pub(super) struct Report<'a> {
    output: &'a mut Output,
    format: Format,
    on_silence: OnSilence,
    /// The trouble of each kind that was told last, and is not told again.
    troubles: HashMap<&'static str, String>,
}

/// A line for programs.
#[derive(Serialize, Default)]
struct Line<'a> {
    time: Now,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configured: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    programs: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The time at which a line is written.
#[derive(Default)]
struct Now;

impl Serialize for Now {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        time::serialize(&SystemTime::now(), serializer)
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(output: &'a mut Output, format: Format, on_silence: OnSilence) -> Self {
        Self { output, format, on_silence, troubles: HashMap::new() }
    }

    /// Says something about the program itself.
    pub(super) fn say(&mut self, event: &str, sentence: &str) -> Result<(), Failure> {
        self.line(sentence, &Line { event, reason: Some(sentence), ..Line::default() })
    }

    /// Says what goes wrong, if it is something else than before.
    pub(super) fn trouble(&mut self, kind: &'static str, sentence: &str) -> Result<(), Failure> {
        if self.troubles.get(kind).is_some_and(|told| told == sentence) {
            return Ok(());
        }
        self.troubles.insert(kind, sentence.to_owned());
        self.say("trouble", sentence)
    }

    /// Forgets trouble of a kind, because there is none any more.
    pub(super) fn no_trouble(&mut self, kind: &'static str) {
        self.troubles.remove(kind);
    }

    pub(super) fn weight(&mut self, change: &WeightChange) -> Result<(), Failure> {
        let WeightChange { target, configured, from, to, why } = change;
        let of = if to == configured { String::new() } else { format!(" of {configured}") };
        let sentence = format!("{}: weight {to}{of}, was {from} ({why})", name(*target));
        let line = Line {
            from: Some(*from),
            to: Some(*to),
            configured: Some(*configured),
            reason: Some(why),
            ..about("weight", *target)
        };
        self.line(&sentence, &line)
    }

    /// Says that the kernel has refused a change.
    pub(super) fn refused(&mut self, change: &WeightChange, why: &str) -> Result<(), Failure> {
        let sentence = format!("{}: weight {} is refused: {why}", name(change.target), change.to);
        let line = Line { to: Some(change.to), reason: Some(why), ..about("refused", change.target) };
        self.line(&sentence, &line)
    }

    /// Says what has happened. `programs` finds those that may have changed weights.
    pub(super) fn event(
        &mut self,
        event: &Event,
        programs: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Failure> {
        match event {
            Event::SetByOthers { target, from, to } => {
                let sentence = match to {
                    0 => format!("{}: somebody else has drained it; it is left alone", name(*target)),
                    _ => format!("{}: somebody else has set weight {to}, was {from}", name(*target)),
                };
                let line = Line { from: Some(*from), to: Some(*to), ..about("set-by-others", *target) };
                self.line(&sentence, &line)
            }
            Event::Fight(target) => {
                let programs = programs();
                let who = if programs.is_empty() {
                    "no known program that does so runs here: look for scripts, timers and other machines"
                        .to_owned()
                } else {
                    format!("programs here that may do so: {}", programs.join(", "))
                };
                let sentence =
                    format!("{}: somebody else changes the weight again and again; {who}", name(*target));
                self.line(&sentence, &Line { programs: Some(&programs), ..about("fight", *target) })
            }
            Event::Silent(target, why) => {
                let consequence = match self.on_silence {
                    OnSilence::Keep => "; the weight stays",
                    OnSilence::Full | OnSilence::Drain => "",
                };
                let sentence = format!("{}: {why}{consequence}", name(*target));
                self.line(&sentence, &Line { reason: Some(why), ..about("silent", *target) })
            }
            Event::Answers(target, why) => {
                let sentence = format!("{}: answers again ({why})", name(*target));
                self.line(&sentence, &Line { reason: Some(why), ..about("answers", *target) })
            }
            Event::Kept(target, why) => {
                let sentence = format!(
                    "{}: goes on serving, because it is the last one of its service ({why})",
                    name(*target)
                );
                self.line(&sentence, &Line { reason: Some(why), ..about("kept", *target) })
            }
        }
    }

    fn line(&mut self, sentence: &str, line: &Line<'_>) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.output.push(&*quote(sentence)),
            Format::Json => self.output.json(line).map_err(Failure::Output)?,
        }
        self.output.push("\n");
        self.output.print().map_err(Failure::Output)
    }
}

fn name((service, server): (ServiceId, DestinationId)) -> String {
    format!("server {server} of service {service}")
}

fn about(event: &str, (service, server): Target) -> Line<'_> {
    Line { event, service: Some(service.to_string()), server: Some(server.to_string()), ..Line::default() }
}
