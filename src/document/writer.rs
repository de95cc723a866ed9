//! Writing a document piece by piece, so that long lists take no memory.

use std::io;

use serde::Serialize;

use super::SCHEMA;
use crate::output::Output;

/// A document that is being written. Each element of a list is on a line of its own, which people and line-based
/// programs can find again.
pub(crate) struct Writer<'a> {
    pub(crate) output: &'a mut Output,
}

impl<'a> Writer<'a> {
    pub(crate) fn start(output: &'a mut Output) -> Self {
        output.push(r#"{"ipvs":{"schema":"#);
        output.number(SCHEMA);
        Self { output }
    }

    pub(crate) fn field(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.name(name);
        self.output.json(value)
    }

    /// Writes a list, whose elements `append` hands to the writer that it is given.
    pub(crate) fn list<E>(
        &mut self,
        name: &str,
        append: impl FnOnce(&mut Elements<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.name(name);
        self.output.push("[");
        let mut elements = Elements { output: self.output, is_empty: true };
        append(&mut elements)?;
        let end = if elements.is_empty { "]" } else { "\n]" };
        self.output.push(end);
        Ok(())
    }

    pub(crate) fn end(self) {
        self.output.push("}}\n");
    }

    fn name(&mut self, name: &str) {
        self.output.push(",\"");
        self.output.push(name);
        self.output.push("\":");
    }
}

/// A list that is being written.
pub(crate) struct Elements<'a> {
    pub(crate) output: &'a mut Output,
    is_empty: bool,
}

impl Elements<'_> {
    pub(crate) fn push(&mut self, element: &impl Serialize) -> io::Result<()> {
        self.output.push(if self.is_empty { "\n" } else { ",\n" });
        self.is_empty = false;
        self.output.json(element)
    }
}
