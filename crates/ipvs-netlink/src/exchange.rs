//! One exchange with the kernel: a query and its replies.

use netlink_packet_generic::GenlFamily;

use crate::attribute::DecodeError;
use crate::constants::IPVS_GENL_VERSION;
use crate::error::{Error, Refused};
use crate::reply::{Context, Reply};
use crate::request::{Query, Request};
use crate::socket::{Dump, Head, Socket, SocketError};

/// A socket, and what all requests on it have in common.
pub(crate) struct Exchange<'a> {
    pub(crate) socket: &'a mut Socket,
    /// The id of the generic netlink family.
    pub(crate) family_id: u16,
    /// Decodes counters and rates; otherwise all of them are 0, and decoding is faster.
    pub(crate) include_stats: bool,
}

impl Exchange<'_> {
    /// Asks for one thing. `pick` returns `None` for a reply of another kind.
    pub(crate) fn get<A>(&mut self, query: Query, pick: impl Fn(Reply) -> Option<A>) -> Result<A, Error> {
        let (request, context) = (Request::from(query), Context::for_query(query, self.include_stats));
        let reply = self.socket.get(
            head(self.family_id, &request),
            |buffer| request.emit_attributes(buffer),
            |command, payload| parse_reply(command, payload, context, &pick),
        );
        reply.map_err(|fault| fault.into_error(request))
    }

    /// Asks for a list, once. `pick` returns `None` for a reply of another kind.
    pub(crate) fn dump<A>(
        &mut self,
        query: Query,
        pick: impl Fn(Reply) -> Option<A>,
    ) -> Result<Dump<A>, Error> {
        let (request, context) = (Request::from(query), Context::for_query(query, self.include_stats));
        let dump = self.socket.dump(
            head(self.family_id, &request),
            |buffer| request.emit_attributes(buffer),
            |command, payload| parse_reply(command, payload, context, &pick),
        );
        dump.map_err(|fault| fault.into_error(request))
    }
}

/// Makes the head of a request.
pub(crate) fn head(family_id: u16, request: &Request) -> Head {
    Head { family_id, command: request.command(), version: IPVS_GENL_VERSION }
}

/// Reads a reply. `pick` returns `None` for one of another kind.
pub(crate) fn parse_reply<A>(
    command: u8,
    payload: &[u8],
    context: Context,
    pick: impl Fn(Reply) -> Option<A>,
) -> Result<A, Fault> {
    let reply = Reply::parse(command, payload, context)?;
    pick(reply).ok_or(DecodeError::Command(command).into())
}

/// An error of which the socket does not know which request it belongs to.
pub(crate) enum Fault {
    Socket(SocketError),
    Decode(DecodeError),
}

impl From<SocketError> for Fault {
    fn from(error: SocketError) -> Self {
        Self::Socket(error)
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl Fault {
    pub(crate) fn into_error(self, request: Request) -> Error {
        match self {
            Self::Socket(SocketError::Refused { errno, text }) => {
                Refused::from_errno(request, errno, text).into()
            }
            Self::Socket(error) => Error::Exchange(Box::new(request), error),
            Self::Decode(error) => Error::Reply(Box::new(request), error),
        }
    }
}
