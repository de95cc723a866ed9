//! JSON documents: what `--json` prints and reads.
//!
//! A service, a server, a sync daemon and the timeouts are written and read by one type each, the library's own, so
//! that what is read is what was written. docs/schema/ipvs-1.json describes the documents.

mod changes;
mod connection;
mod count;
mod entry;
mod listed;
mod namespace;
mod object;
mod place;
mod plan;
mod read;
mod seconds;
mod writer;

pub(crate) use connection::ConnectionFields;
pub(crate) use count::CountFields;
pub(crate) use entry::Entry;
pub(crate) use listed::ListedEntry;
pub(crate) use namespace::NamespaceFields;
pub(crate) use place::{Path, Place};
pub(crate) use plan::StepFields;
pub(crate) use read::{Fault, Settings};
pub(crate) use writer::Writer;

/// The number of the schema, which changes when a program that reads documents would have to.
const SCHEMA: u64 = 1;
