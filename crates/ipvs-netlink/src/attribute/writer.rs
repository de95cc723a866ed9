//! Writes attributes.

use netlink_packet_core::{NLA_F_NESTED, NLA_HEADER_SIZE};

use super::align;

/// Appends attributes to a buffer.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    /// Appends an attribute with these bytes.
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| writer.0.extend_from_slice(value));
    }

    pub(crate) fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    /// Appends a number in host byte order.
    pub(crate) fn u16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in network byte order.
    #[inline]
    pub(crate) fn be16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Appends a number in host byte order.
    pub(crate) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a number in host byte order.
    pub(crate) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// Appends a string with the NUL that the kernel expects.
    pub(crate) fn string(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| {
            writer.0.extend_from_slice(value);
            writer.0.push(0);
        });
    }

    /// Appends a nested attribute with `NLA_F_NESTED`: the kernel insists on the flag in requests, though its own
    /// replies lack it.
    pub(crate) fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        self.attribute(kind | NLA_F_NESTED, content);
    }

    fn attribute(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.0.extend_from_slice(&[0; NLA_HEADER_SIZE]);
        content(self);
        let end = self.0.len();
        // Nothing in IPVS comes near 64 KiB.
        self.0[start..start + 2].copy_from_slice(&((end - start) as u16).to_ne_bytes());
        self.0[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        self.0.resize(align(end), 0);
    }
}
