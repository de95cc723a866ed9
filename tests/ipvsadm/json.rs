//! `--json`: documents say what the listings say, are read as they are written, and are valid by an independent
//! validator of JSON schemas.

mod connections;
mod drained;
mod draining;
mod faults;
mod round_trip;
mod text;
pub mod validator;

use serde_json::Value;

pub use validator::assert_valid;

use crate::support::*;

/// Runs the program, and returns its document.
fn document(director: &Director, words: &str) -> Value {
    parse(&director.ok(words))
}

/// Returns what a document has.
fn parse(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    document["ipvs"].take()
}

/// Returns the elements of a list, which must be one.
fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name}: {value}"))
}
