//! The lines of a file that the kernel writes while it is read.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;

use super::ProcError;

/// The size of the buffer in bytes. The kernel fills at most a page of it; the pages behind are never touched. Kernels
/// before 7.x start from the top of the connections at every read, so a page must fit.
const BUFFER_LEN: usize = 256 * 1024;

/// Opens a file of the calling thread's network namespace.
pub(super) fn open(name: &'static str) -> Result<File, ProcError> {
    File::open(format!("/proc/thread-self/net/{name}")).map_err(|error| ProcError::Read(name, error))
}

/// Reads lines one after the other, in constant memory.
#[derive(Debug)]
pub(super) struct Lines<R> {
    /// The name of the file.
    name: &'static str,
    source: R,
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not yet parsed.
    unparsed: Range<usize>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(name: &'static str, source: R) -> Self {
        Self { name, source, buffer: vec![0; BUFFER_LEN], unparsed: 0..0 }
    }

    /// Returns the next line without its newline.
    pub(super) fn next_line(&mut self) -> Result<Option<&[u8]>, ProcError> {
        loop {
            let start = self.unparsed.start;
            if let Some(length) = memchr::memchr(b'\n', &self.buffer[self.unparsed.clone()]) {
                self.unparsed.start = start + length + 1;
                return Ok(Some(&self.buffer[start..start + length]));
            }
            if self.fill().map_err(|error| ProcError::Read(self.name, error))? == 0 {
                let last = std::mem::take(&mut self.unparsed);
                return Ok((!last.is_empty()).then(|| &self.buffer[last]));
            }
        }
    }

    /// Reads more into the buffer, which grows if a line does not fit.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.unparsed.clone(), 0);
        self.unparsed = 0..self.unparsed.len();
        if self.unparsed.end == self.buffer.len() {
            self.buffer.resize(2 * self.unparsed.end, 0);
        }
        loop {
            match self.source.read(&mut self.buffer[self.unparsed.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(length) => {
                    self.unparsed.end += length;
                    return Ok(length);
                }
            }
        }
    }
}
