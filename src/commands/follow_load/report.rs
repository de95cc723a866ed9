//! The report on standard output: one line for each change, for people or for programs. Lines that nobody reads are
//! dropped: weights have to follow the load all the same.

use std::collections::HashMap;
use std::io;
use std::mem::take;
use std::os::fd::AsFd;
use std::time::SystemTime;

use ipvs_netlink::{DestinationId, ServiceId};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Serialize, Serializer};

use crate::commands::notes::time;
use crate::failure::Failure;
use crate::grammar::Format;
use crate::load::{Event, Kind, OnSilence, Target, WeightChange};
use crate::output::Output;
use crate::terminal::quote;

/// Says what happens, line by line.
pub(super) struct Report<'a> {
    output: &'a mut Output,
    format: Format,
    on_silence: OnSilence,
    /// The trouble of each kind that was told last, and is not told again.
    troubles: HashMap<&'static str, String>,
    /// The number of lines for which there was no room since the last one that could be written.
    dropped: u64,
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
        Self { output, format, on_silence, troubles: HashMap::new(), dropped: 0 }
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
        let WeightChange { target, kind, configured, from, to, why } = change;
        let of =
            |weight: &u32| if weight == configured { String::new() } else { format!(" of {configured}") };
        let (event, what) = match kind {
            Kind::Set => ("weight", format!("weight {to}{}, was {from}", of(to))),
            Kind::Remove => ("removed", format!("removed, weight was {from}{}", of(from))),
            Kind::Add(_) => ("added", format!("added again, weight {to}{}", of(to))),
        };
        let sentence = format!("{}: {what} ({why})", name(*target));
        let line = Line {
            from: Some(*from),
            to: Some(*to),
            configured: Some(*configured),
            reason: Some(why),
            ..about(event, *target)
        };
        self.line(&sentence, &line)
    }

    /// Says that the kernel has refused a change.
    pub(super) fn refused(&mut self, change: &WeightChange, why: &str) -> Result<(), Failure> {
        let what = match change.kind {
            Kind::Set => format!("weight {}", change.to),
            Kind::Remove => "to remove it".to_owned(),
            Kind::Add(_) => "to add it again".to_owned(),
        };
        let sentence = format!("{}: {what} is refused: {why}", name(change.target));
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
            Event::AddedByOthers(target, weight) => {
                let consequence = match weight {
                    0 => "; it is left alone",
                    _ => "; it is not removed again before it has been well",
                };
                let sentence = format!(
                    "{}: somebody else has added it again, with weight {weight}{consequence}",
                    name(*target)
                );
                self.line(&sentence, &Line { to: Some(*weight), ..about("added-by-others", *target) })
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

    /// Says how many lines were dropped, if there were any and there is room again.
    pub(super) fn tell_dropped(&mut self) -> Result<(), Failure> {
        if self.dropped == 0 || !has_room(&io::stdout()) {
            return Ok(());
        }
        let sentence =
            format!("lines that were dropped because nobody read them: {}", take(&mut self.dropped));
        self.write(&sentence, &Line { event: "dropped", reason: Some(&sentence), ..Line::default() })
    }

    fn line(&mut self, sentence: &str, line: &Line<'_>) -> Result<(), Failure> {
        self.tell_dropped()?;
        self.write(sentence, line)
    }

    fn write(&mut self, sentence: &str, line: &Line<'_>) -> Result<(), Failure> {
        if self.dropped > 0 || !has_room(&io::stdout()) {
            self.dropped += 1;
            return Ok(());
        }
        match self.format {
            Format::Text => self.output.push(&*quote(sentence)),
            Format::Json => self.output.json(line).map_err(Failure::Output)?,
        }
        self.output.push("\n");
        self.output.print().map_err(Failure::Output)
    }
}

/// Returns whether a line can be written without waiting for a reader. A pipe has room for 4096 bytes then, which is more
/// than a line has. What is closed has room, because writing will say so.
fn has_room(output: &impl AsFd) -> bool {
    let mut descriptors = [PollFd::new(output.as_fd(), PollFlags::POLLOUT)];
    !matches!(poll(&mut descriptors, PollTimeout::ZERO), Ok(0))
}

fn name((service, server): (ServiceId, DestinationId)) -> String {
    format!("server {server} of service {service}")
}

fn about(event: &str, (service, server): Target) -> Line<'_> {
    Line { event, service: Some(service.to_string()), server: Some(server.to_string()), ..Line::default() }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_has_no_room() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let mut written = 0;
        while has_room(&writer) {
            written += writer.write(&[b'x'; 4096]).unwrap();
        }
        assert!(written >= 4096);
        reader.read_exact(&mut [0; 4096]).unwrap();
        assert!(has_room(&writer));
        drop(reader);
        assert!(has_room(&writer) && writer.write(b"x").is_err());
    }
}
