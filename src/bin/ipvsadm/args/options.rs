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
    Stats,
    Exact,
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

use Verb::*;

const ON_SERVICES: &[Verb] =
    &[AddService, EditService, DeleteService, AddServer, EditServer, DeleteServer, List, Zero];
const SERVICE_SETTINGS: &[Verb] = &[AddService, EditService];
const ON_SERVERS: &[Verb] = &[AddServer, EditServer, DeleteServer];
const SERVER_SETTINGS: &[Verb] = &[AddServer, EditServer];

macro_rules! verbs {
    ($($verb:ident $short:expr, $long:literal, $help:literal;)*) => {
        pub const VERBS: &[VerbRow] =
            &[$(VerbRow { verb: Verb::$verb, short: $short, long: $long, help: $help },)*];
    };
}

verbs! {
    AddService Some('A'), "add-service", "add a virtual service";
    EditService Some('E'), "edit-service", "replace the settings of a virtual service";
    DeleteService Some('D'), "delete-service", "delete a virtual service with its servers";
    Clear Some('C'), "clear", "delete every virtual service";
    Restore Some('R'), "restore", "run the commands on standard input, one a line";
    Save Some('S'), "save", "print the table as commands that -R reads";
    AddServer Some('a'), "add-server", "add a real server to a virtual service";
    EditServer Some('e'), "edit-server", "replace the settings of a real server";
    DeleteServer Some('d'), "delete-server", "remove a real server from a virtual service";
    List Some('L'), "list", "show the table or one service; also -l, and the default";
    Zero Some('Z'), "zero", "set the counters of one service or of all to 0";
    Help Some('h'), "help", "show this help";
    Version Some('v'), "version", "show the version";
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

use Value::{Optional, Required};

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
    Numeric Some('n'), "numeric", Value::None, &[Verb::List, Save],
        "addresses and ports as numbers, without looking names up";
    Stats None, "stats", Value::None, &[Verb::List], "show connections, packets and bytes so far";
    Exact None, "exact", Value::None, &[Verb::List], "show numbers whole instead of with K, M, G";
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
