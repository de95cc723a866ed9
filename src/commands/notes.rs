//! Notes on the table for which the kernel has no place, such as the weight that a drained server had before.
//!
//! Each network namespace has a file of its own, `/run/ipvsadm/notes-NUMBER.json`, which goes with the next boot as the
//! table does. It is a JSON object with the number of the format and a list of notes, each on a line:
//!
//! ```json
//! {"version":1,"notes":[
//! {"kind":"drain","service":"TCP 192.0.2.1:80","server":"10.0.0.11:80","weight":3,"since":"2026-11-26T22:00:00Z"}
//! ]}
//! ```
//!
//! Notes of other kinds are kept as they are. Whoever changes notes holds [`Lock`](super::lock::Lock).

use std::fs::{DirBuilder, File, Metadata, OpenOptions, remove_file};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ipvs_netlink::{DestinationId, ServiceId};
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock::namespace_number;
use super::new_file;
use crate::failure::Failure;

const FOLDER: &str = "/run/ipvsadm";
const VERSION: u64 = 1;

/// The notes of this network namespace.
pub(super) struct Notes {
    path: PathBuf,
    /// In the order in which they were made.
    drains: Vec<DrainNote>,
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
        let mut file = match open(&path) {
            Err(error) if none.contains(&error.kind()) => {
                return Ok(Self::none(path));
            }
            file => file.map_err(|error| fault(error.to_string()))?,
        };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| fault(error.to_string()))?;
        Self::parse(&path, &text).map_err(fault)
    }

    /// Returns whether there is a file, as far as can be seen without a descriptor, of which there may be none left.
    pub(super) fn exist() -> bool {
        path().symlink_metadata().is_ok()
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let Document { version, notes } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if version != VERSION {
            return Err(format!("its version is {version}, and this program knows {VERSION}"));
        }
        let mut all = Self::none(path.to_owned());
        for (number, mut note) in (1..).zip(notes) {
            let fault = |why: String| format!("note {number}: {why}");
            let kind =
                note.get("kind").and_then(Value::as_str).ok_or_else(|| fault("it has no kind".into()))?;
            if kind != "drain" {
                all.others.push(note);
                continue;
            }
            note.as_object_mut().and_then(|fields| fields.remove("kind"));
            let note: DrainNote = serde_json::from_value(note).map_err(|error| fault(error.to_string()))?;
            if note.weight == 0 || note.weight > i32::MAX as u32 {
                return Err(fault(format!("a weight cannot be {}", note.weight)));
            }
            all.set_drain(note);
        }
        all.is_changed = false;
        Ok(all)
    }

    fn none(path: PathBuf) -> Self {
        Self { path, drains: Vec::new(), others: Vec::new(), is_changed: false }
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

    /// Replaces the file, as a whole or not at all, unless it is right as it is. Without notes there is none.
    pub(super) fn write(&self) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        if self.drains.is_empty() && self.others.is_empty() {
            return match remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        make_folder()?;
        new_file::replace(&self.path, self.text()?.as_bytes(), 0o600)
    }

    fn text(&self) -> io::Result<String> {
        /// A note with its kind.
        #[derive(Serialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        enum Tagged<'a> {
            Drain(&'a DrainNote),
        }
        let drains = self.drains.iter().map(|note| serde_json::to_string(&Tagged::Drain(note)));
        let lines: Result<Vec<String>, _> =
            drains.chain(self.others.iter().map(serde_json::to_string)).collect();
        Ok(format!("{{\"version\":{VERSION},\"notes\":[\n{}\n]}}\n", lines?.join(",\n")))
    }
}

fn path() -> PathBuf {
    // Without a number, for want of /proc, there is one file.
    let number = namespace_number().unwrap_or(0);
    Path::new(FOLDER).join(format!("notes-{number}.json"))
}

/// Opens the file. What others can write is not believed.
fn open(path: &Path) -> io::Result<File> {
    check(&Path::new(FOLDER).symlink_metadata()?)?;
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

fn make_folder() -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(FOLDER) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => check(&Path::new(FOLDER).symlink_metadata()?),
    }
}

fn check(metadata: &Metadata) -> io::Result<()> {
    let is_trusted = [0, nix::unistd::geteuid().as_raw()].contains(&metadata.uid());
    if !is_trusted || metadata.mode() & 0o022 != 0 || metadata.is_symlink() {
        return Err(io::Error::other(format!("somebody else can write to it or {FOLDER}")));
    }
    Ok(())
}

/// Ids as texts.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Times in UTC, to the second.
pub(super) mod time {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::commands) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_seconds(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTES: &str = r#"{"version":1,"notes":[
{"kind":"drain","service":"TCP 192.0.2.1:80","server":"10.0.0.11:80","weight":3,"since":"2026-11-26T22:00:00Z","reason":"a \"disk\""},
{"kind":"drain","service":"FWM 7 IPv6","server":"[2001:db8::1]:0","weight":2147483647,"since":"1970-01-01T00:00:00Z"},
{"base":{"weights":[1,2]},"kind":"load"}
]}
"#;

    fn parse(text: &str) -> Result<Notes, String> {
        Notes::parse(Path::new("notes"), text)
    }

    #[test]
    fn notes_are_read_as_they_are_written() {
        let notes = parse(NOTES).unwrap();
        assert_eq!(notes.drains().len(), 2);
        assert_eq!(notes.drains()[0].reason.as_deref(), Some("a \"disk\""));
        assert_eq!(notes.text().unwrap(), NOTES);
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
            (drain("\"reason\"", "\"because\""), "note 1: unknown field"),
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
