//! The numbers of `linux/ip_vs.h`, in the kernel's spelling. No other file spells them out.
//!
//! They are for programs that build or inspect netlink messages themselves; [`Ipvs`](crate::Ipvs) and the types
//! that it takes need none of them.

use std::fmt;

/// A number of the kernel's that `linux/ip_vs.h` gave no name when this crate was written.
///
/// It comes only from a type's `from_raw`, so it never stands for something that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownNumber(pub(crate) u32);

impl UnknownNumber {
    /// Returns the kernel's number.
    #[must_use]
    pub const fn to_raw(self) -> u32 {
        self.0
    }
}

impl fmt::Display for UnknownNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of the generic netlink family (`IPVS_GENL_NAME`).
pub const IPVS_GENL_NAME: &str = "IPVS";
/// The version of the generic netlink family (`IPVS_GENL_VERSION`).
pub const IPVS_GENL_VERSION: u8 = 1;

/// Maps the numbers of one group to their names, for error messages.
pub(crate) type Names<T> = &'static [(T, &'static str)];

/// Defines each number as a constant, and a table of the group's names.
macro_rules! named_numbers {
    ($($(#[$documentation:meta])* $group:ident: $type:ty { $($name:ident = $number:literal,)* })*) => {
        $(
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: $type = $number;
            )*

            $(#[$documentation])*
            pub(crate) const $group: Names<$type> = &[$(($number, stringify!($name)),)*];
        )*
    };
}

/// Defines numbers whose names no error message needs.
macro_rules! numbers {
    ($($name:ident: $type:ty = $number:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub const $name: $type = $number;
        )*
    };
}

named_numbers! {
    /// The commands of the family.
    COMMANDS: u8 {
        IPVS_CMD_NEW_SERVICE = 1,
        IPVS_CMD_SET_SERVICE = 2,
        IPVS_CMD_DEL_SERVICE = 3,
        IPVS_CMD_GET_SERVICE = 4,
        IPVS_CMD_NEW_DEST = 5,
        IPVS_CMD_SET_DEST = 6,
        IPVS_CMD_DEL_DEST = 7,
        IPVS_CMD_GET_DEST = 8,
        IPVS_CMD_NEW_DAEMON = 9,
        IPVS_CMD_DEL_DAEMON = 10,
        IPVS_CMD_GET_DAEMON = 11,
        IPVS_CMD_SET_CONFIG = 12,
        IPVS_CMD_GET_CONFIG = 13,
        IPVS_CMD_SET_INFO = 14,
        IPVS_CMD_GET_INFO = 15,
        IPVS_CMD_ZERO = 16,
        IPVS_CMD_FLUSH = 17,
    }

    /// The attributes at the top level of a message.
    COMMAND_ATTRIBUTES: u16 {
        IPVS_CMD_ATTR_SERVICE = 1,
        IPVS_CMD_ATTR_DEST = 2,
        IPVS_CMD_ATTR_DAEMON = 3,
        IPVS_CMD_ATTR_TIMEOUT_TCP = 4,
        IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5,
        IPVS_CMD_ATTR_TIMEOUT_UDP = 6,
    }

    /// The attributes inside `IPVS_CMD_ATTR_SERVICE`.
    SERVICE_ATTRIBUTES: u16 {
        IPVS_SVC_ATTR_AF = 1,
        IPVS_SVC_ATTR_PROTOCOL = 2,
        IPVS_SVC_ATTR_ADDR = 3,
        IPVS_SVC_ATTR_PORT = 4,
        IPVS_SVC_ATTR_FWMARK = 5,
        IPVS_SVC_ATTR_SCHED_NAME = 6,
        IPVS_SVC_ATTR_FLAGS = 7,
        IPVS_SVC_ATTR_TIMEOUT = 8,
        IPVS_SVC_ATTR_NETMASK = 9,
        IPVS_SVC_ATTR_STATS = 10,
        IPVS_SVC_ATTR_PE_NAME = 11,
        IPVS_SVC_ATTR_STATS64 = 12,
    }

    /// The attributes inside `IPVS_CMD_ATTR_DEST`.
    DESTINATION_ATTRIBUTES: u16 {
        IPVS_DEST_ATTR_ADDR = 1,
        IPVS_DEST_ATTR_PORT = 2,
        IPVS_DEST_ATTR_FWD_METHOD = 3,
        IPVS_DEST_ATTR_WEIGHT = 4,
        IPVS_DEST_ATTR_U_THRESH = 5,
        IPVS_DEST_ATTR_L_THRESH = 6,
        IPVS_DEST_ATTR_ACTIVE_CONNS = 7,
        IPVS_DEST_ATTR_INACT_CONNS = 8,
        IPVS_DEST_ATTR_PERSIST_CONNS = 9,
        IPVS_DEST_ATTR_STATS = 10,
        IPVS_DEST_ATTR_ADDR_FAMILY = 11,
        IPVS_DEST_ATTR_STATS64 = 12,
        IPVS_DEST_ATTR_TUN_TYPE = 13,
        IPVS_DEST_ATTR_TUN_PORT = 14,
        IPVS_DEST_ATTR_TUN_FLAGS = 15,
    }

    /// The attributes inside `IPVS_CMD_ATTR_DAEMON`.
    DAEMON_ATTRIBUTES: u16 {
        IPVS_DAEMON_ATTR_STATE = 1,
        IPVS_DAEMON_ATTR_MCAST_IFN = 2,
        IPVS_DAEMON_ATTR_SYNC_ID = 3,
        IPVS_DAEMON_ATTR_SYNC_MAXLEN = 4,
        IPVS_DAEMON_ATTR_MCAST_GROUP = 5,
        IPVS_DAEMON_ATTR_MCAST_GROUP6 = 6,
        IPVS_DAEMON_ATTR_MCAST_PORT = 7,
        IPVS_DAEMON_ATTR_MCAST_TTL = 8,
    }

    /// The attributes inside `IPVS_SVC_ATTR_STATS`, `IPVS_DEST_ATTR_STATS` and their 64-bit forms.
    STATS_ATTRIBUTES: u16 {
        IPVS_STATS_ATTR_CONNS = 1,
        IPVS_STATS_ATTR_INPKTS = 2,
        IPVS_STATS_ATTR_OUTPKTS = 3,
        IPVS_STATS_ATTR_INBYTES = 4,
        IPVS_STATS_ATTR_OUTBYTES = 5,
        IPVS_STATS_ATTR_CPS = 6,
        IPVS_STATS_ATTR_INPPS = 7,
        IPVS_STATS_ATTR_OUTPPS = 8,
        IPVS_STATS_ATTR_INBPS = 9,
        IPVS_STATS_ATTR_OUTBPS = 10,
    }

    /// The attributes of the reply to `IPVS_CMD_GET_INFO`.
    INFO_ATTRIBUTES: u16 {
        IPVS_INFO_ATTR_VERSION = 1,
        IPVS_INFO_ATTR_CONN_TAB_SIZE = 2,
    }
}

numbers! {
    IP_VS_SVC_F_PERSISTENT: u32 = 0x01;
    IP_VS_SVC_F_HASHED: u32 = 0x02;
    IP_VS_SVC_F_ONEPACKET: u32 = 0x04;
    IP_VS_SVC_F_SCHED1: u32 = 0x08;
    IP_VS_SVC_F_SCHED2: u32 = 0x10;
    IP_VS_SVC_F_SCHED3: u32 = 0x20;

    IP_VS_CONN_F_MASQ: u32 = 0;
    IP_VS_CONN_F_LOCALNODE: u32 = 1;
    IP_VS_CONN_F_TUNNEL: u32 = 2;
    IP_VS_CONN_F_DROUTE: u32 = 3;
    IP_VS_CONN_F_BYPASS: u32 = 4;

    IP_VS_CONN_F_TUNNEL_TYPE_IPIP: u8 = 0;
    IP_VS_CONN_F_TUNNEL_TYPE_GUE: u8 = 1;
    IP_VS_CONN_F_TUNNEL_TYPE_GRE: u8 = 2;

    IP_VS_TUNNEL_ENCAP_FLAG_NOCSUM: u16 = 0;
    IP_VS_TUNNEL_ENCAP_FLAG_CSUM: u16 = 1;
    IP_VS_TUNNEL_ENCAP_FLAG_REMCSUM: u16 = 2;

    IP_VS_STATE_MASTER: u32 = 1;
    IP_VS_STATE_BACKUP: u32 = 2;

    IP_VS_SCHEDNAME_MAXLEN: usize = 16;
    IP_VS_PENAME_MAXLEN: usize = 16;
    IP_VS_IFNAME_MAXLEN: usize = 16;

    AF_INET: u16 = 2;
    AF_INET6: u16 = 10;
}
