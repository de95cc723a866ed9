//! The numbers of `linux/ip_vs.h`, in the kernel's spelling.

/// The name of the generic netlink family (`IPVS_GENL_NAME`).
pub const IPVS_GENL_NAME: &str = "IPVS";
/// The version of the generic netlink family (`IPVS_GENL_VERSION`).
pub const IPVS_GENL_VERSION: u8 = 1;

macro_rules! numbers {
    ($($(#[$documentation:meta])* $set:ident: $type:ty { $($name:ident = $number:literal,)* })*) => {
        $(
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: $type = $number;
            )*

            $(#[$documentation])*
            pub(crate) static $set: [($type, &str); [$($number),*].len()] = [$(($number, stringify!($name)),)*];
        )*
    };
}

numbers! {
    /// The commands.
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

    /// Attributes of a message itself.
    COMMAND_ATTRIBUTES: u16 {
        IPVS_CMD_ATTR_SERVICE = 1,
        IPVS_CMD_ATTR_DEST = 2,
        IPVS_CMD_ATTR_DAEMON = 3,
        IPVS_CMD_ATTR_TIMEOUT_TCP = 4,
        IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5,
        IPVS_CMD_ATTR_TIMEOUT_UDP = 6,
    }

    /// Attributes inside `IPVS_CMD_ATTR_SERVICE`.
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

    /// Attributes inside `IPVS_CMD_ATTR_DEST`.
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

    /// Attributes inside `IPVS_CMD_ATTR_DAEMON`.
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

    /// Attributes inside `IPVS_SVC_ATTR_STATS`, `IPVS_DEST_ATTR_STATS` and the 64-bit ones.
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

    /// Attributes of the answer to `IPVS_CMD_GET_INFO`.
    INFO_ATTRIBUTES: u16 {
        IPVS_INFO_ATTR_VERSION = 1,
        IPVS_INFO_ATTR_CONN_TAB_SIZE = 2,
    }
}

/// `IPVS_STATS_ATTR_PAD`, which has no value and may come often
pub(crate) const IPVS_STATS_ATTR_PAD: u16 = 11;
/// `AF_INET`
pub const AF_INET: u16 = 2;
/// `AF_INET6`
pub const AF_INET6: u16 = 10;
