//! The one table of verbs and options. Parsing, checking and help come from it.

/// What a command line is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    AddService,
    EditService,
    DeleteService,
    Clear,
    Restore,
    Save,
    AddServer,
    EditServer,
    DeleteServer,
    List,
    Zero,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
    Help,
    Version,
}

/// An option that a verb may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opt {
    TcpService,
    UdpService,
    SctpService,
    FwmarkService,
    Ipv6,
    Scheduler,
    SchedFlags,
    Persistent,
    Netmask,
    Engine,
    OnePacket,
    RealServer,
    Gatewaying,
    Ipip,
    Masquerading,
    TunType,
    TunPort,
    TunNocsum,
    TunCsum,
    TunRemcsum,
    Weight,
    UpperThreshold,
    LowerThreshold,
    Numeric,
    Connection,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    TunInfo,
    Exact,
    Sort,
    Nosort,
    SyncId,
    SyncMaxlen,
    McastInterface,
    McastGroup,
    McastPort,
    McastTtl,
    Replace,
    Check,
    Test,
    DryRun,
    KeepOthers,
    AllowEmpty,
    Full,
}

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    None,
    /// The next word, whatever it is.
    Required(&'static str),
    /// The next word, unless it begins with `-`.
    Optional(&'static str),
}

/// A verb's row.
pub struct VerbRow {
    pub verb: Verb,
    pub short: Option<char>,
    pub long: &'static str,
    pub value: Value,
    pub help: &'static str,
}

/// An option's row.
pub struct OptRow {
    pub option: Opt,
    pub short: Option<char>,
    pub long: &'static str,
    pub value: Value,
    /// The verbs that accept it.
    pub verbs: &'static [Verb],
    pub help: &'static str,
}

impl Verb {
    pub fn row(self) -> &'static VerbRow {
        &VERBS[self as usize]
    }

    /// As one types it: `-A`, or `--set` where there is no short form.
    pub fn name(self) -> String {
        name(self.row().short, self.row().long)
    }
}

impl Opt {
    pub fn row(self) -> &'static OptRow {
        &OPTIONS[self as usize]
    }

    /// As one types it: `-t`, or `--pe` where there is no short form.
    pub fn name(self) -> String {
        name(self.row().short, self.row().long)
    }
}

fn name(short: Option<char>, long: &str) -> String {
    match short {
        Some(short) => format!("-{short}"),
        None => format!("--{long}"),
    }
}

use Value::{Optional, Required};
use Verb::*;

const ON_SERVICES: &[Verb] =
    &[AddService, EditService, DeleteService, AddServer, EditServer, DeleteServer, List, Zero];
const SERVICE_SETTINGS: &[Verb] = &[AddService, EditService];
const ON_SERVERS: &[Verb] = &[AddServer, EditServer, DeleteServer];
const SERVER_SETTINGS: &[Verb] = &[AddServer, EditServer];
const LISTING: &[Verb] = &[List];
const STARTING: &[Verb] = &[StartDaemon];
const RESTORING: &[Verb] = &[Restore];
const EVERYWHERE: &[Verb] = &[
    AddService,
    EditService,
    DeleteService,
    Clear,
    Restore,
    Save,
    AddServer,
    EditServer,
    DeleteServer,
    List,
    Zero,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
];

macro_rules! verbs {
    ($($verb:ident $short:expr, $long:literal, $value:expr, $help:literal;)*) => {
        pub const VERBS: &[VerbRow] =
            &[$(VerbRow { verb: Verb::$verb, short: $short, long: $long, value: $value, help: $help },)*];
    };
}

verbs! {
    AddService Some('A'), "add-service", Value::None, "add a virtual service";
    EditService Some('E'), "edit-service", Value::None, "replace the settings of a virtual service";
    DeleteService Some('D'), "delete-service", Value::None, "delete a virtual service with its servers";
    Clear Some('C'), "clear", Value::None, "delete every virtual service";
    Restore Some('R'), "restore", Value::None, "run the commands in a file or on standard input, one a line";
    Save Some('S'), "save", Value::None, "print the table as commands that -R reads";
    AddServer Some('a'), "add-server", Value::None, "add a real server to a virtual service";
    EditServer Some('e'), "edit-server", Value::None, "replace the settings of a real server";
    DeleteServer Some('d'), "delete-server", Value::None, "remove a real server from a virtual service";
    List Some('L'), "list", Value::None, "show the table, one service or something else; the default";
    Zero Some('Z'), "zero", Value::None, "set the counters of one service or of all to 0";
    SetTimeouts None, "set", Value::None,
        "set the timeouts of idle connections: TCP TCPFIN UDP, in seconds, 0 to leave one";
    StartDaemon None, "start-daemon", Required("STATE"), "start the sync daemon master or backup";
    StopDaemon None, "stop-daemon", Required("STATE"), "stop the sync daemon master or backup";
    Help Some('h'), "help", Value::None, "show this help";
    Version Some('v'), "version", Value::None, "show the version";
}

macro_rules! options {
    ($($option:ident $short:expr, $long:literal, $value:expr, $verbs:expr, $help:literal;)*) => {
        pub const OPTIONS: &[OptRow] = &[$(OptRow {
            option: Opt::$option,
            short: $short,
            long: $long,
            value: $value,
            verbs: $verbs,
            help: $help,
        },)*];
    };
}

options! {
    TcpService Some('t'), "tcp-service", Required("ADDRESS:PORT"), ON_SERVICES, "a TCP service";
    UdpService Some('u'), "udp-service", Required("ADDRESS:PORT"), ON_SERVICES, "a UDP service";
    SctpService None, "sctp-service", Required("ADDRESS:PORT"), ON_SERVICES, "an SCTP service";
    FwmarkService Some('f'), "fwmark-service", Required("MARK"), ON_SERVICES,
        "a service for packets with a firewall mark";
    Ipv6 Some('6'), "ipv6", Value::None, ON_SERVICES, "the firewall mark service is for IPv6";
    Scheduler Some('s'), "scheduler", Required("NAME"), SERVICE_SETTINGS,
        "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh ... (default wlc)";
    SchedFlags Some('b'), "sched-flags", Required("FLAGS"), SERVICE_SETTINGS,
        "sh-fallback,sh-port for sh; mh-fallback,mh-port for mh; flag-1,flag-2,flag-3";
    Persistent Some('p'), "persistent", Optional("SECONDS"), SERVICE_SETTINGS,
        "keep a client on its server for this time (default 360)";
    Netmask Some('M'), "netmask", Required("NETMASK"), SERVICE_SETTINGS,
        "clients are the same if they are under this mask; for IPv6 the length of the prefix";
    Engine None, "pe", Required("NAME"), SERVICE_SETTINGS, "persistence engine, such as sip";
    OnePacket Some('o'), "ops", Value::None, SERVICE_SETTINGS, "schedule every UDP datagram by itself";
    RealServer Some('r'), "real-server", Required("ADDRESS[:PORT]"), ON_SERVERS,
        "the real server (default port: the service's)";
    Gatewaying Some('g'), "gatewaying", Value::None, SERVER_SETTINGS, "direct routing (default)";
    Ipip Some('i'), "ipip", Value::None, SERVER_SETTINGS, "tunnelling";
    Masquerading Some('m'), "masquerading", Value::None, SERVER_SETTINGS, "masquerading (NAT)";
    TunType None, "tun-type", Required("TYPE"), SERVER_SETTINGS, "ipip, gue or gre (default ipip)";
    TunPort None, "tun-port", Required("PORT"), SERVER_SETTINGS, "UDP port of a gue tunnel";
    TunNocsum None, "tun-nocsum", Value::None, SERVER_SETTINGS, "tunnel without checksums (default)";
    TunCsum None, "tun-csum", Value::None, SERVER_SETTINGS, "gue or gre tunnel with checksums";
    TunRemcsum None, "tun-remcsum", Value::None, SERVER_SETTINGS, "gue tunnel with remote checksum offload";
    Weight Some('w'), "weight", Required("WEIGHT"), SERVER_SETTINGS,
        "share of new connections, 0 for none (default 1)";
    UpperThreshold Some('x'), "u-threshold", Required("CONNECTIONS"), SERVER_SETTINGS,
        "no new connections above this number (default 0: no limit)";
    LowerThreshold Some('y'), "l-threshold", Required("CONNECTIONS"), SERVER_SETTINGS,
        "new connections again below this number (default 0: 3/4 of -x)";
    Numeric Some('n'), "numeric", Value::None, &[List, Save],
        "addresses and ports as numbers, without looking names up";
    Connection Some('c'), "connection", Value::None, LISTING, "show the connections";
    Timeout None, "timeout", Value::None, LISTING, "show the timeouts of idle connections";
    Daemon None, "daemon", Value::None, LISTING, "show the sync daemons";
    Stats None, "stats", Value::None, LISTING, "show connections, packets and bytes so far";
    Rate None, "rate", Value::None, LISTING, "show connections, packets and bytes per second";
    Thresholds None, "thresholds", Value::None, LISTING, "show the thresholds of servers";
    PersistentConn None, "persistent-conn", Value::None, LISTING,
        "show clients bound to servers; with -c, what binds them";
    TunInfo None, "tun-info", Value::None, LISTING, "show how servers are tunnelled to";
    Exact None, "exact", Value::None, LISTING, "show numbers whole instead of with K, M, G";
    Sort None, "sort", Value::None, EVERYWHERE, "does nothing: services and servers are sorted anyway";
    Nosort None, "nosort", Value::None, LISTING, "show services and servers in the kernel's order";
    SyncId None, "syncid", Required("NUMBER"), &[StartDaemon, StopDaemon, List],
        "number of the sync daemon, 0 to 255 (default 0)";
    SyncMaxlen None, "sync-maxlen", Required("BYTES"), STARTING, "longest sync message";
    McastInterface None, "mcast-interface", Required("INTERFACE"), STARTING,
        "interface for sync messages (default eth0)";
    McastGroup None, "mcast-group", Required("ADDRESS"), STARTING,
        "multicast group for sync messages (default 224.0.0.81)";
    McastPort None, "mcast-port", Required("PORT"), STARTING, "port for sync messages (default 8848)";
    McastTtl None, "mcast-ttl", Required("HOPS"), STARTING, "time to live of sync messages (default 1)";
    Replace None, "replace", Value::None, RESTORING,
        "make the table what the input says, by the smallest change, or leave it as it is";
    Check None, "check", Value::None, RESTORING, "only read and check the input";
    Test None, "test", Value::None, RESTORING, "the same as --check";
    DryRun None, "dry-run", Value::None, RESTORING, "print the commands that --replace would run";
    KeepOthers None, "keep-others", Value::None, RESTORING,
        "--replace leaves services alone that the input does not name";
    AllowEmpty None, "allow-empty", Value::None, RESTORING, "--replace may clear the table";
    Full None, "full", Value::None, &[Save],
        "save timeouts, sync daemons and the order of servers, too";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_stands_at_the_place_of_its_name() {
        for (place, row) in VERBS.iter().enumerate() {
            assert_eq!(row.verb as usize, place);
        }
        for (place, row) in OPTIONS.iter().enumerate() {
            assert_eq!(row.option as usize, place);
        }
    }

    #[test]
    fn no_spelling_stands_for_two_things() {
        let longs = VERBS.iter().map(|row| row.long).chain(OPTIONS.iter().map(|row| row.long));
        let shorts = VERBS.iter().filter_map(|row| row.short);
        let shorts = shorts.chain(OPTIONS.iter().filter_map(|row| row.short)).map(String::from);
        let mut all: Vec<String> = longs.map(String::from).chain(shorts).collect();
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
