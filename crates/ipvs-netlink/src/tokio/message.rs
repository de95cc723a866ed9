//! The one type of message that genetlink carries, in both directions.

use netlink_packet_core::{DecodeError, Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

use crate::constants::{IPVS_GENL_NAME, IPVS_GENL_VERSION};
use crate::request::Request;

/// A request, encoded already, or a reply, not decoded yet: the command alone does not tell which, and what a reply
/// means depends on its request.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) command: u8,
    /// The attributes.
    pub(super) payload: Vec<u8>,
}

impl From<&Request> for Message {
    fn from(request: &Request) -> Self {
        let mut payload = Vec::new();
        request.emit_attributes(&mut payload);
        Self { command: request.command(), payload }
    }
}

impl GenlFamily for Message {
    fn family_name() -> &'static str {
        IPVS_GENL_NAME
    }

    fn command(&self) -> u8 {
        self.command
    }

    fn version(&self) -> u8 {
        IPVS_GENL_VERSION
    }
}

impl Emitable for Message {
    fn buffer_len(&self) -> usize {
        self.payload.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        buffer[..self.payload.len()].copy_from_slice(&self.payload);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Message {
    fn parse_with_param(payload: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        Ok(Self { command: header.cmd, payload: payload.to_vec() })
    }
}
