//! Places in a document: the path to a value, and the line that it begins on.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::terminal::shorten;

/// The way from the top of a document to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(Cow<'static, str>),
    Index(usize),
}

/// The place of one thing that a document asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Timeouts,
    Daemon(usize),
    Service(usize),
    /// The index of the service, and that of the server within it.
    Destination(usize, usize),
}

/// The object that holds everything.
pub(super) const TOP: &str = "ipvs";

impl Path {
    /// Returns the path to the object that holds everything.
    pub(crate) fn top_object() -> Self {
        Self::default().key(TOP)
    }

    /// Returns the path to a field of the top object.
    pub(crate) fn top(field: &'static str) -> Self {
        Self::top_object().key(field)
    }

    pub(super) fn key(mut self, key: impl Into<Cow<'static, str>>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// Returns the path that ends with this key, which may be its last already.
    pub(super) fn with_last(&self, key: String) -> Self {
        let last = Segment::Key(key.into());
        let mut path = self.clone();
        if path.0.last() != Some(&last) {
            path.0.push(last);
        }
        path
    }

    /// Returns the key that the path ends with, if it does.
    pub(super) fn last_key(&self) -> Option<&str> {
        match self.0.last()? {
            Segment::Key(key) => Some(key.as_ref()),
            Segment::Index(_) => None,
        }
    }

    fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// Returns the number of the line, counted from 1, on which the value begins.
    pub(crate) fn line(&self, text: &str) -> Option<usize> {
        let value = self.0.iter().try_fold(text.trim_start(), |value, segment| match segment {
            Segment::Key(key) => {
                let mut fields: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value).ok()?;
                Some(fields.remove(key)?.get())
            }
            Segment::Index(index) => {
                let elements: Vec<&RawValue> = serde_json::from_str(value).ok()?;
                Some(elements.get(*index)?.get())
            }
        })?;
        // The value is a part of the text, which it was not copied from.
        let offset = value.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
        Some(line_at(text.as_bytes(), offset))
    }
}

/// Returns the number of the line, counted from 1, that has the byte at this offset.
pub(super) fn line_at(text: &[u8], offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

impl From<&serde_path_to_error::Path> for Path {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment as Theirs;
        path.iter().fold(Self::default(), |path, segment| match segment {
            Theirs::Map { key } => path.key(key.clone()),
            Theirs::Seq { index } => path.index(*index),
            // Documents have no such place.
            Theirs::Enum { .. } | Theirs::Unknown => path,
        })
    }
}

impl From<Place> for Path {
    fn from(place: Place) -> Self {
        match place {
            Place::Timeouts => Self::top("timeouts"),
            Place::Daemon(index) => Self::top("daemons").index(index),
            Place::Service(index) => Self::top("services").index(index),
            Place::Destination(service, index) => {
                Self::from(Place::Service(service)).key("destinations").index(index)
            }
        }
    }
}

impl fmt::Display for Path {
    /// Writes a path such as `services[3].destinations[0].weight`. The object that holds everything is left out, and
    /// long keys are cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top = Segment::Key(TOP.into());
        let segments = self.0.strip_prefix(&[top][..]).filter(|rest| !rest.is_empty()).unwrap_or(&self.0);
        for (number, segment) in segments.iter().enumerate() {
            match segment {
                Segment::Key(key) if number == 0 => f.write_str(&shorten(key))?,
                Segment::Key(key) => write!(f, ".{}", shorten(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_the_object_that_holds_everything() {
        let path = Path::from(Place::Destination(3, 0)).key("weight");
        assert_eq!(path.to_string(), "services[3].destinations[0].weight");
        assert_eq!(Path::default().key(TOP).to_string(), "ipvs");
        assert_eq!(Path::default().to_string(), "");
        assert_eq!(Path::default().key("x".repeat(3000)).to_string().len(), 83);
    }

    #[test]
    fn the_line_of_a_value_is_the_one_that_it_begins_on() {
        let text = "\n{\"ipvs\":\n {\"services\": [\n  {\"destinations\": [\n    {},\n    {\"weight\":\n 7}]},\n {}]}}\n";
        for (place, line) in [
            (Place::Service(0), Some(4)),
            (Place::Destination(0, 0), Some(5)),
            (Place::Destination(0, 1), Some(6)),
            (Place::Service(1), Some(8)),
            (Place::Service(2), None),
            (Place::Timeouts, None),
        ] {
            assert_eq!(Path::from(place).line(text), line, "{place:?}");
        }
        assert_eq!(Path::from(Place::Destination(0, 1)).key("weight").line(text), Some(7));
        assert_eq!(Path::default().line(text), Some(2));
        assert_eq!(Path::default().key("ipvs").line("{"), None);
    }
}
