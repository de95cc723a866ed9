//! From values to attributes, written straight into a buffer that is used again and again.

use netlink_packet_core::{NLA_ALIGNTO, NLA_F_NESTED, NLA_HEADER_SIZE};

/// Appends attributes to a buffer.
pub(crate) struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        let length = (NLA_HEADER_SIZE + value.len()) as u16;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.pad();
    }

    pub fn u8(&mut self, kind: u16, value: u8) {
        self.put(kind, &[value]);
    }

    pub fn u16(&mut self, kind: u16, value: u16) {
        self.put(kind, &value.to_ne_bytes());
    }

    pub fn be16(&mut self, kind: u16, value: u16) {
        self.put(kind, &value.to_be_bytes());
    }

    pub fn u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_ne_bytes());
    }

    pub fn u64(&mut self, kind: u16, value: u64) {
        self.put(kind, &value.to_ne_bytes());
    }

    pub fn string(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| {
            writer.0.extend_from_slice(value);
            writer.0.push(0);
        });
    }

    /// A nested attribute, marked as one: the kernel insists on it in requests, though its own answers
    /// lack the mark.
    pub fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        self.attribute(kind | NLA_F_NESTED, content);
    }

    fn attribute(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; NLA_HEADER_SIZE]);
        content(self);
        let length = (self.0.len() - start) as u16;
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.0[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        let length = self.0.len();
        self.0.extend_from_slice(&[0; NLA_ALIGNTO][..length.wrapping_neg() % NLA_ALIGNTO]);
    }
}
