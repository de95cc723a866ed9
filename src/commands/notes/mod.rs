//! Notes on the table for which the kernel has no place, such as the weight that a drained server had before.
//!
//! Each network namespace has a file of its own, `/run/ipvsadm/notes-NUMBER.json`, which goes with the next boot as the
//! table does. It is a JSON object with the number of the format, a number that no other namespace has had since boot, and
//! a list of notes, each on a line:
//!
//! ```json
//! {"version":1,"namespace":1085,"notes":[
//! {"kind":"drain","service":"TCP 192.0.2.1:80","server":"10.0.0.11:80","weight":3,"since":"2026-11-26T22:00:00Z"},
//! {"kind":"load","service":"TCP 192.0.2.1:80","server":"10.0.0.12:80","weight":100,"set":25,"since":"2026-11-26T22:00:00Z","reason":"25%"}
//! ]}
//! ```
//!
//! Notes of other kinds are kept as they are. Whoever changes notes holds [`Lock`](super::lock::Lock).

mod fields;
mod loads;

pub(super) use fields::time;
pub(super) use loads::LoadNote;

use std::fs::{OpenOptions, remove_file};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ipvs_netlink::{DestinationId, ServiceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::fields::text;
use self::loads::Loads;
use super::lock::namespace_identity;
use super::{folder, new_file};
use crate::failure::Failure;
use crate::momentary::{Momentary, MomentaryWeights, Removed};

const VERSION: u64 = 1;
const MAX_WEIGHT: u32 = i32::MAX as u32;

/// The notes of this network namespace.
pub(super) struct Notes {
    path: PathBuf,
    /// In the order in which they were made.
    drains: Vec<DrainNote>,
    loads: Loads,
    /// Notes of other kinds.
    others: Vec<Value>,
    /// Set if they are not as they are in the file.
    is_changed: bool,
}

/// A server that was drained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DrainNote {
    #[serde(with = "text")]
    pub(super) service: ServiceId,
    #[serde(with = "text")]
    pub(super) server: DestinationId,
    /// The weight before, which is not 0.
    pub(super) weight: u32,
    #[serde(with = "time")]
    pub(super) since: SystemTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// A file of notes.
#[derive(Deserialize)]
struct Document {
    version: u64,
    /// The network namespace that they are about, if that was known.
    namespace: Option<u64>,
    notes: Vec<Value>,
}

impl Notes {
    /// Reads the notes. Without a file there are none.
    ///
    /// # Errors
    /// [`Failure::Notes`] if there is a file that cannot be read or understood.
    pub(super) fn read() -> Result<Self, Failure> {
        Self::read_unless(&[io::ErrorKind::NotFound])
    }

    /// Reads the notes to change them. If the caller may not read them there are none: a server can be drained by
    /// whoever may change the table, and writing the notes will say what is wrong.
    ///
    /// # Errors
    /// Like [`read`](Self::read).
    pub(super) fn read_for_change() -> Result<Self, Failure> {
        Self::read_unless(&[io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied])
    }

    /// Reads the notes; there are none if opening the file fails in one of these ways.
    fn read_unless(none: &[io::ErrorKind]) -> Result<Self, Failure> {
        let path = path();
        let fault = |why: String| Failure::Notes(path.display().to_string(), why);
        let mut file = match folder::open(&path, OpenOptions::new().read(true)) {
            Err(error) if none.contains(&error.kind()) => {
                return Ok(Self::none(path));
            }
            file => file.map_err(|error| fault(error.to_string()))?,
        };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| fault(error.to_string()))?;
        Self::parse(&path, &text, namespace_identity()).map_err(fault)
    }

    /// Returns whether there is a file, as far as can be seen without a descriptor, of which there may be none left.
    pub(super) fn exist() -> bool {
        path().symlink_metadata().is_ok()
    }

    /// Reads the text of a file. Notes about a namespace that is gone, whose number the present one has, are none.
    fn parse(path: &Path, text: &str, present: Option<u64>) -> Result<Self, String> {
        let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Document { version, namespace, notes } = document;
        if version != VERSION {
            return Err(format!("its version is {version}, and this program knows {VERSION}"));
        }
        let mut all = Self::none(path.to_owned());
        if namespace.is_some_and(|namespace| present.is_some_and(|present| present != namespace)) {
            return Ok(all);
        }
        for (number, note) in (1..).zip(notes) {
            let fault = |why: String| format!("note {number}: {why}");
            let kind =
                note.get("kind").and_then(Value::as_str).ok_or_else(|| fault("it has no kind".into()))?;
            match kind {
                "drain" => {
                    let drain: DrainNote = from_fields(note).map_err(fault)?;
                    check_weight(drain.weight).map_err(fault)?;
                    all.set_drain(drain);
                }
                "load" => {
                    let load: LoadNote = from_fields(note).map_err(fault)?;
                    load.check().map_err(fault)?;
                    all.set_load(load);
                }
                _ => all.others.push(note),
            }
        }
        all.is_changed = false;
        Ok(all)
    }

    /// Returns no notes, which are not in the file until there are some.
    pub(super) fn empty() -> Self {
        Self::none(path())
    }

    fn none(path: PathBuf) -> Self {
        Self { path, drains: Vec::new(), loads: Loads::default(), others: Vec::new(), is_changed: false }
    }

    pub(super) fn drains(&self) -> &[DrainNote] {
        &self.drains
    }

    pub(super) fn drain(&self, service: ServiceId, server: DestinationId) -> Option<&DrainNote> {
        self.drains.iter().find(|note| (note.service, note.server) == (service, server))
    }

    /// Makes a note of a drained server, instead of one that exists.
    pub(super) fn set_drain(&mut self, note: DrainNote) {
        self.remove_drain(note.service, note.server);
        self.drains.push(note);
        self.is_changed = true;
    }

    pub(super) fn remove_drain(&mut self, service: ServiceId, server: DestinationId) {
        let before = self.drains.len();
        self.drains.retain(|note| (note.service, note.server) != (service, server));
        self.is_changed |= self.drains.len() < before;
    }

    pub(super) fn loads(&self) -> &[LoadNote] {
        self.loads.all()
    }

    pub(super) fn load(&self, service: ServiceId, server: DestinationId) -> Option<&LoadNote> {
        self.loads.get(service, server)
    }

    /// Makes a note of a server whose weight follows its load, instead of one that exists.
    pub(super) fn set_load(&mut self, note: LoadNote) {
        self.is_changed |= self.loads.set(note);
    }

    pub(super) fn remove_load(&mut self, service: ServiceId, server: DestinationId) {
        self.is_changed |= self.loads.remove(service, server);
    }

    /// Returns the configured weight of a server that has this weight now. A server that was drained by hand has 0, even
    /// if its load has given it 0 before.
    pub(super) fn configured(&self, service: ServiceId, server: DestinationId, present: u32) -> u32 {
        match self.load(service, server) {
            Some(note) if !self.is_drained(note, present) => note.configured(present),
            _ => present,
        }
    }

    /// Returns the weights that are momentary according to these notes.
    pub(super) fn momentary(&self) -> MomentaryWeights {
        let mut momentary = MomentaryWeights::default();
        for note in self.loads() {
            if let Some(settings) = note.removed {
                let removed = Removed { settings, answer: note.reason.clone() };
                momentary.insert_removed(note.service, removed);
            }
            for weight in [Some(note.set), note.before].into_iter().flatten() {
                if !self.is_drained(note, weight) {
                    let why = Momentary {
                        configured: note.weight,
                        answer: note.reason.clone(),
                        is_removed: note.removed.is_some(),
                    };
                    momentary.insert(note.service, note.server, weight, why);
                }
            }
        }
        momentary
    }

    /// Returns whether a server that has this weight was drained by hand.
    fn is_drained(&self, note: &LoadNote, weight: u32) -> bool {
        weight == 0 && self.drain(note.service, note.server).is_some()
    }

    /// Replaces the file, as a whole or not at all, unless it is right as it is. Without notes there is none.
    pub(super) fn write(&self) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        if self.drains.is_empty() && self.loads().is_empty() && self.others.is_empty() {
            return match remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        folder::make()?;
        new_file::replace(&self.path, self.text(namespace_identity())?.as_bytes(), 0o600)
    }

    fn text(&self, namespace: Option<u64>) -> io::Result<String> {
        /// A note with its kind.
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        enum Tagged<'a> {
            Drain(&'a DrainNote),
            Load(&'a LoadNote),
        }
        let drains = self.drains.iter().map(Tagged::Drain);
        let known = drains.chain(self.loads().iter().map(Tagged::Load));
        let lines: Result<Vec<String>, _> = known
            .map(|note| serde_json::to_string(&note))
            .chain(self.others.iter().map(serde_json::to_string))
            .collect();
        let namespace = namespace.map(|namespace| format!("\"namespace\":{namespace},")).unwrap_or_default();
        Ok(format!("{{\"version\":{VERSION},{namespace}\"notes\":[\n{}\n]}}\n", lines?.join(",\n")))
    }
}

/// Reads a note from its fields beside the kind.
fn from_fields<T: DeserializeOwned>(mut note: Value) -> Result<T, String> {
    note.as_object_mut().and_then(|fields| fields.remove("kind"));
    serde_json::from_value(note).map_err(|error| error.to_string())
}

fn check_weight(weight: u32) -> Result<(), String> {
    match weight {
        1..=MAX_WEIGHT => Ok(()),
        _ => Err(format!("a weight cannot be {weight}")),
    }
}

fn path() -> PathBuf {
    folder::path("notes", "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = r#"{"version":1,"notes":[
{"kind":"drain","service":"TCP 192.0.2.1:80","server":"10.0.0.11:80","weight":3,"since":"2026-11-26T22:00:00Z","reason":"a \"disk\""},
{"kind":"drain","service":"FWM 7 IPv6","server":"[2001:db8::1]:0","weight":2147483647,"since":"1970-01-01T00:00:00Z"},
{"kind":"load","service":"TCP 192.0.2.1:80","server":"10.0.0.12:80","weight":100,"set":0,"before":7,"since":"2026-11-26T22:00:00Z","reason":"drain"},
{"kind":"load","service":"TCP 192.0.2.1:80","server":"10.0.0.13:80","weight":9,"set":0,"before":9,"since":"2026-11-26T22:00:00Z","removed":{"address":"10.0.0.13","port":80,"forwarding":"tunnel","tunnel":{"type":"gue","port":6080,"flags":["checksum"]},"weight":9,"upper_threshold":20,"lower_threshold":10}},
{"base":{"weights":[1,2]},"kind":"other"}
]}
"#;

    fn parse(text: &str) -> Result<Notes, String> {
        Notes::parse(Path::new("notes"), text, Some(7))
    }

    #[test]
    fn notes_are_read_as_they_are_written() {
        let notes = parse(NOTES).unwrap();
        assert_eq!(notes.drains().len(), 2);
        assert_eq!(notes.drains()[0].reason.as_deref(), Some("a \"disk\""));
        assert_eq!(notes.loads().len(), 2);
        assert_eq!(notes.loads()[1].removed.map(|server| server.upper_threshold), Some(20));
        assert_eq!((notes.loads()[0].weight, notes.loads()[0].set), (100, 0));
        assert_eq!(notes.text(None).unwrap(), NOTES);
    }

    #[test]
    fn notes_about_a_namespace_that_is_gone_are_none() {
        let count =
            |text: &str, present| Notes::parse(Path::new("notes"), text, present).unwrap().drains().len();
        let text = parse(NOTES).unwrap().text(Some(7)).unwrap();
        assert!(text.starts_with("{\"version\":1,\"namespace\":7,\"notes\":[\n"), "{text}");
        assert_eq!([Some(7), None, Some(8)].map(|present| count(&text, present)), [2, 2, 0]);
        assert_eq!(count(NOTES, Some(7)), 2);
    }

    #[test]
    fn a_server_has_one_note() {
        let mut notes = parse(NOTES).unwrap();
        let mut note = notes.drains()[0].clone();
        note.weight = 9;
        notes.set_drain(note.clone());
        assert_eq!(notes.drain(note.service, note.server), Some(&note));
        assert_eq!(notes.drains().len(), 2);
        notes.remove_drain(note.service, note.server);
        assert_eq!(notes.drain(note.service, note.server), None);
    }

    #[test]
    fn faults_are_named() {
        let drain = |from: &str, to: &str| NOTES.replacen(from, to, 1);
        for (text, expected) in [
            (String::new(), "EOF while parsing"),
            (NOTES[..200].to_owned(), "EOF while parsing"),
            (drain("\"version\":1", "\"version\":2"), "its version is 2, and this program knows 1"),
            (drain("\"kind\":\"drain\",", ""), "note 1: it has no kind"),
            (drain("\"weight\":3", "\"weight\":0"), "note 1: a weight cannot be 0"),
            (drain("\"weight\":3", "\"weight\":-1"), "note 1: invalid value"),
            (drain("TCP 192", "TCP x"), "note 1: \"TCP x"),
            (drain("10.0.0.11:80", "10.0.0.11"), "note 1: \"10.0.0.11\""),
            (drain("2026-11-26T", "yesterday"), "note 1: "),
            (drain("\"weight\":100", "\"weight\":0"), "note 3: a weight cannot be 0"),
            (drain("\"set\":0", "\"set\":2147483648"), "note 3: a weight cannot be 2147483648"),
            (drain("\"set\":0,", ""), "note 3: missing field `set`"),
            (drain("\"reason\"", "\"because\""), "note 1: unknown field"),
            (drain("\"10.0.0.13\"", "\"10.0.0.14\""), "note 4: the settings are those of another server"),
        ] {
            let fault = parse(&text).err().unwrap();
            assert!(fault.starts_with(expected), "{fault}");
        }
    }

    #[test]
    fn any_part_of_a_file_is_refused() {
        let end = NOTES.trim_end().len();
        assert!((0..end).filter(|&end| NOTES.is_char_boundary(end)).all(|end| parse(&NOTES[..end]).is_err()));
    }
}
