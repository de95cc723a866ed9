//! The one table of commands and options.
//!
//! The enums are made from its rows, and so are parsing, checks, help, completions, what `-S` and `--dry-run`
//! write, and the names in error messages.

/// The value that a command or an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    None,
    /// The next word, even if it begins with `-`.
    Required(&'static str),
    /// The next word, unless it begins with `-`.
    Optional(&'static str),
}

/// The spelling of a command or an option, and its help.
pub(crate) struct Row {
    pub(crate) short: Option<char>,
    pub(crate) long: &'static str,
    /// The spelling that the program itself uses: `-A`, or `--set` if there is no short one.
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    pub(crate) help: &'static str,
}

/// A row of either part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Verb(Verb),
    Option(Opt),
}

impl Entry {
    pub(crate) const fn row(self) -> &'static Row {
        match self {
            Self::Verb(verb) => verb.row(),
            Self::Option(option) => option.row(),
        }
    }
}

macro_rules! row {
    (($short:literal, $long:literal) $arity:expr, $help:literal) => {
        Row { short: Some($short), long: $long, name: concat!("-", $short), arity: $arity, help: $help }
    };
    (($long:literal) $arity:expr, $help:literal) => {
        Row { short: None, long: $long, name: concat!("--", $long), arity: $arity, help: $help }
    };
}

macro_rules! table {
    (
        commands { $($verb:ident $verb_spelling:tt $verb_arity:expr, $verb_help:literal;)* }
        options { $($option:ident $spelling:tt $arity:expr, $verbs:expr, $help:literal;)* }
    ) => {
        /// A command: the first word of a command line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Verb { $($verb,)* }

        impl Verb {
            pub(crate) const ALL: &[Self] = &[$(Self::$verb,)*];

            pub(crate) const fn row(self) -> &'static Row {
                const ROWS: &[Row] = &[$(row!($verb_spelling $verb_arity, $verb_help),)*];
                &ROWS[self as usize]
            }

            pub(crate) fn name(self) -> &'static str {
                self.row().name
            }
        }

        /// An option that some commands take.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Opt { $($option,)* }

        impl Opt {
            pub(crate) const ALL: &[Self] = &[$(Self::$option,)*];

            pub(crate) const fn row(self) -> &'static Row {
                const ROWS: &[Row] = &[$(row!($spelling $arity, $help),)*];
                &ROWS[self as usize]
            }

            pub(crate) fn name(self) -> &'static str {
                self.row().name
            }

            /// Returns the commands that accept the option.
            pub(crate) fn verbs(self) -> &'static [Verb] {
                const VERBS: &[&[Verb]] = &[$($verbs,)*];
                VERBS[self as usize]
            }
        }

        impl Entry {
            pub(crate) const ALL: &[Self] = &[$(Self::Verb(Verb::$verb),)* $(Self::Option(Opt::$option),)*];
        }
    };
}

use Arity::{None as Flag, Optional, Required};

impl Verb {
    /// Returns whether the command takes some options with several values.
    pub(crate) fn may_repeat_options(self) -> bool {
        matches!(self, Self::Clear | Self::Doctor | Self::Drain | Self::Undrain | Self::FollowLoad)
    }
}

impl Opt {
    /// Returns whether a command takes the option with several values.
    pub(crate) fn may_repeat(self, verb: Verb) -> bool {
        verb.may_repeat_options()
            && matches!(
                self,
                Self::TcpService
                    | Self::UdpService
                    | Self::SctpService
                    | Self::FwmarkService
                    | Self::Vip
                    | Self::Server
            )
    }
}

const ON_SERVICES: &[Verb] = &[
    Verb::AddService,
    Verb::EditService,
    Verb::DeleteService,
    Verb::AddServer,
    Verb::EditServer,
    Verb::DeleteServer,
    Verb::List,
    Verb::Zero,
    Verb::Doctor,
    Verb::Clear,
    Verb::Drain,
    Verb::Undrain,
    Verb::FollowLoad,
];
const SERVICE_SETTINGS: &[Verb] = &[Verb::AddService, Verb::EditService];
const ON_SERVERS: &[Verb] =
    &[Verb::AddServer, Verb::EditServer, Verb::DeleteServer, Verb::List, Verb::Drain, Verb::Undrain];
const SERVER_SETTINGS: &[Verb] = &[Verb::AddServer, Verb::EditServer];
const TUNNELS: &[Verb] = &[Verb::AddServer, Verb::EditServer, Verb::Doctor];
const LISTING: &[Verb] = &[Verb::List];
const STARTING: &[Verb] = &[Verb::StartDaemon];
const CLEARING: &[Verb] = &[Verb::Clear];
const RESTORING: &[Verb] = &[Verb::Restore];
const FOLLOWING: &[Verb] = &[Verb::FollowLoad];
const DOCUMENTS: &[Verb] =
    &[Verb::List, Verb::Save, Verb::Restore, Verb::NetnsList, Verb::Doctor, Verb::FollowLoad];

table! {
    commands {
        AddService ('A', "add-service") Flag, "add a virtual service";
        EditService ('E', "edit-service") Flag, "replace the settings of a virtual service";
        DeleteService ('D', "delete-service") Flag, "delete a virtual service with its servers";
        Clear ('C', "clear") Flag, "delete every virtual service, or some of them";
        Restore ('R', "restore") Flag, "run the commands in a file or on standard input, one a line";
        Save ('S', "save") Flag, "print the table as commands that -R reads";
        AddServer ('a', "add-server") Flag, "add a real server to a virtual service";
        EditServer ('e', "edit-server") Flag, "replace the settings of a real server";
        DeleteServer ('d', "delete-server") Flag, "remove a real server from a virtual service";
        List ('L', "list") Flag, "show the table, one service or something else; the default";
        Zero ('Z', "zero") Flag, "set the counters of one service or of all to 0";
        SetTimeouts ("set") Flag,
            "set the timeouts of idle connections: TCP TCPFIN UDP, in seconds, 0 to leave one";
        StartDaemon ("start-daemon") Required("STATE"), "start the sync daemon master or backup";
        StopDaemon ("stop-daemon") Required("STATE"), "stop the sync daemon master or backup";
        Doctor ("doctor") Flag, "say what is wrong with this director or real server, and how to mend it";
        NetnsList ("netns-list") Flag, "show the network namespaces that have services";
        Drain ("drain") Flag, "give a server no new connections, in one service or in all";
        Undrain ("undrain") Flag, "give a drained server the weights back that it had before";
        FollowLoad ("follow-load") Flag, "keep the weights of servers in step with their load, until it is ended";
        Help ('h', "help") Flag, "list the commands, or explain the one that follows";
        Version ('v', "version") Flag, "show the version";
    }

    options {
        TcpService ('t', "tcp-service") Required("ADDRESS:PORT"), ON_SERVICES, "a TCP service";
        UdpService ('u', "udp-service") Required("ADDRESS:PORT"), ON_SERVICES, "a UDP service";
        SctpService ("sctp-service") Required("ADDRESS:PORT"), ON_SERVICES, "an SCTP service";
        FwmarkService ('f', "fwmark-service") Required("MARK"), ON_SERVICES,
            "a service for packets with a firewall mark";
        Ipv6 ('6', "ipv6") Flag, ON_SERVICES, "the firewall mark service is for IPv6";
        Scheduler ('s', "scheduler") Required("NAME"), SERVICE_SETTINGS,
            "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh ... (default wlc)";
        SchedFlags ('b', "sched-flags") Required("FLAGS"), SERVICE_SETTINGS,
            "sh-fallback,sh-port for sh; mh-fallback,mh-port for mh; flag-1,flag-2,flag-3";
        Persistent ('p', "persistent") Optional("SECONDS"), SERVICE_SETTINGS,
            "keep a client on its server for this time (default 360)";
        Netmask ('M', "netmask") Required("NETMASK"), SERVICE_SETTINGS,
            "clients are the same if they are under this mask; for IPv6 the length of the prefix";
        Engine ("pe") Required("NAME"), SERVICE_SETTINGS, "persistence engine, such as sip";
        OnePacket ('o', "ops") Flag, SERVICE_SETTINGS, "schedule every UDP datagram by itself";
        RealServer ('r', "real-server") Required("ADDRESS[:PORT]"), ON_SERVERS,
            "the real server (default port: the service's); with -L -c, its connections";
        Gatewaying ('g', "gatewaying") Flag, SERVER_SETTINGS, "direct routing (default)";
        Ipip ('i', "ipip") Flag, TUNNELS, "tunnelling";
        Masquerading ('m', "masquerading") Flag, SERVER_SETTINGS, "masquerading (NAT)";
        TunType ("tun-type") Required("TYPE"), TUNNELS, "ipip, gue or gre (default ipip)";
        TunPort ("tun-port") Required("PORT"), TUNNELS, "UDP port of a gue tunnel";
        TunNocsum ("tun-nocsum") Flag, TUNNELS, "tunnel without checksums (default)";
        TunCsum ("tun-csum") Flag, TUNNELS, "gue or gre tunnel with checksums";
        TunRemcsum ("tun-remcsum") Flag, TUNNELS, "gue tunnel with remote checksum offload";
        Weight ('w', "weight") Required("WEIGHT"), &[Verb::AddServer, Verb::EditServer, Verb::Undrain],
            "share of new connections, 0 for none (default 1)";
        UpperThreshold ('x', "u-threshold") Required("CONNECTIONS"), SERVER_SETTINGS,
            "no new connections above this number (default 0: no limit)";
        LowerThreshold ('y', "l-threshold") Required("CONNECTIONS"), SERVER_SETTINGS,
            "new connections again below this number (default 0: 3/4 of -x)";
        Keep ("keep") Flag, &[Verb::EditService, Verb::EditServer],
            "change only what is named, and keep all other settings";
        Wait ("wait") Required("SECONDS"), &[Verb::Drain],
            "wait for connections to end, at most for this time";
        Reason ("reason") Required("TEXT"), &[Verb::Drain], "the reason, which -L --drained shows";
        Numeric ('n', "numeric") Flag, &[Verb::List, Verb::Save],
            "addresses and ports as numbers, without looking names up";
        Connection ('c', "connection") Flag, LISTING, "show the connections";
        Client ("client") Required("NETWORK"), LISTING, "with -c, connections of these clients alone";
        State ("state") Required("NAMES"), LISTING, "with -c, connections in these states, such as ESTABLISHED";
        Proto ("proto") Required("NAMES"), LISTING, "with -c, connections of tcp, udp or sctp alone";
        Origin ("origin") Required("WHERE"), LISTING,
            "with -c, connections made here (local) or learnt from another director (sync)";
        Templates ("templates") Flag, LISTING, "with -c, only what binds clients to servers";
        NoTemplates ("no-templates") Flag, LISTING, "with -c, everything else";
        Count ("count") Flag, LISTING, "with -c, show the number of connections alone";
        CountBy ("count-by") Required("WHAT"), LISTING,
            "with -c, show the number for each client, service, server or state";
        Top ("top") Required("NUMBER"), LISTING, "show the largest numbers of --count-by alone";
        Timeout ("timeout") Flag, LISTING, "show the timeouts of idle connections";
        Daemon ("daemon") Flag, LISTING, "show the sync daemons";
        Drained ("drained") Flag, LISTING, "show the drained servers with their weights before";
        Stats ("stats") Flag, LISTING, "show connections, packets and bytes so far";
        Rate ("rate") Flag, LISTING, "show connections, packets and bytes per second";
        Thresholds ("thresholds") Flag, LISTING, "show the thresholds of servers";
        PersistentConn ("persistent-conn") Flag, LISTING,
            "show clients bound to servers; with -c, what binds them";
        TunInfo ("tun-info") Flag, LISTING, "show how servers are tunnelled to";
        Exact ("exact") Flag, LISTING, "show numbers whole instead of with K, M, G";
        Sort ("sort") Flag, Verb::ALL, "does nothing: services and servers are sorted anyway";
        Nosort ("nosort") Flag, LISTING, "show services and servers in the kernel's order";
        Netns ("netns") Required("NAMESPACE"), Verb::ALL,
            "work in this network namespace: a name of ip netns, a path or a process id";
        Json ("json") Flag, DOCUMENTS,
            "a JSON document with everything; with -R, read one as -S prints it";
        Names ("names") Flag, LISTING, "with --json, look names up and add them";
        Table ("table") Flag, LISTING, "show a table for people; with -c, of the connections";
        TableColumns ("columns") Required("NAMES"), LISTING,
            "columns of --table, separated by commas; \"help\" explains them";
        Color ("color") Required("WHEN"), LISTING, "colours in --table: auto, always or never (default auto)";
        Metrics ("metrics") Flag, LISTING, "show counters and settings as Prometheus reads them";
        SumBy ("sum-by") Required("WHAT"), LISTING,
            "sum --metrics over servers (service), over services (server), or not (none, the default)";
        Watch ("watch") Optional("SECONDS"), LISTING, "show the table again and again (default 2); q ends it";
        By ("by") Required("WHAT"), LISTING, "order of --watch: name (default), active, cps, in or out";
        Times ("times") Required("NUMBER"), LISTING, "end --watch after showing the table this often";
        SyncId ("syncid") Required("NUMBER"), &[Verb::StartDaemon, Verb::StopDaemon, Verb::List],
            "number of the sync daemon, 0 to 255 (default 0)";
        SyncMaxlen ("sync-maxlen") Required("BYTES"), STARTING, "longest sync message";
        McastInterface ("mcast-interface") Required("INTERFACE"), STARTING,
            "interface for sync messages (default eth0)";
        McastGroup ("mcast-group") Required("ADDRESS"), STARTING,
            "multicast group for sync messages (default 224.0.0.81)";
        McastPort ("mcast-port") Required("PORT"), STARTING, "port for sync messages (default 8848)";
        McastTtl ("mcast-ttl") Required("HOPS"), STARTING, "time to live of sync messages (default 1)";
        Replace ("replace") Flag, RESTORING,
            "make the table what the input says, by the smallest change, or leave it as it is";
        Check ("check") Flag, RESTORING, "only read and check the input";
        Test ("test") Flag, RESTORING, "the same as --check";
        DryRun ("dry-run") Flag, &[Verb::Restore, Verb::Clear],
            "print the commands that --replace or -C would run";
        Vip ("vip") Required("NETWORK"), CLEARING, "with -C, only services on these virtual addresses";
        Server ("server") Required("NETWORK"), CLEARING, "with -C, these servers instead of services";
        KeepOthers ("keep-others") Flag, RESTORING,
            "--replace leaves services alone that the input does not name";
        KeepWeights ("keep-weights") Flag, RESTORING,
            "--replace leaves the weights of existing servers as they are";
        DrainRemoved ("drain-removed") Required("SECONDS"), RESTORING,
            "--replace lets the connections of what it removes end, at most for this time";
        AllowEmpty ("allow-empty") Flag, RESTORING, "--replace may clear the table";
        LockWait ("lock-wait") Required("SECONDS"), &[Verb::Restore, Verb::Drain, Verb::Undrain],
            "wait for another ipvsadm that restores (default 60)";
        Full ("full") Flag, &[Verb::Save], "save timeouts, sync daemons and the order of servers, too";
        PresentWeights ("present-weights") Flag, &[Verb::Save],
            "save weights that follow the load as they are now, not as they were configured";
        Probe ("probe") Flag, &[Verb::Doctor], "with --doctor, connect to the real servers, and ask and listen for other directors";
        AsRealServer ("as-real-server") Flag, &[Verb::Doctor],
            "examine a real server for direct routing or tunnels, on that machine";
        Agent ("agent") Required("PORT"), FOLLOWING,
            "ask the agent of each server, which listens on this TCP port (haproxy's agent-check)";
        Exec ("exec") Required("PROGRAM"), FOLLOWING,
            "run this program with a service and a server, and read what an agent would answer";
        Interval ("interval") Required("SECONDS"), FOLLOWING,
            "ask this often; 0.1 to 3600 (default 5)";
        Rise ("rise") Required("NUMBER"), FOLLOWING, "good answers in a row that bring a server back (default 2)";
        Fall ("fall") Required("NUMBER"), FOLLOWING,
            "answers \"down\", or missing answers, in a row that count (default 3)";
        Min ("min") Required("WEIGHT"), FOLLOWING, "smallest weight of a server that serves (default 1)";
        Max ("max") Required("PERCENT"), FOLLOWING,
            "largest weight in percent of the configured one (default 100)";
        Smooth ("smooth") Required("INTERVALS"), FOLLOWING,
            "time constant of changes, 0 for none (default 0.3)";
        OnSilence ("on-silence") Required("WHAT"), FOLLOWING,
            "weight of a server that does not answer: keep (default), full or drain";
        KeepLast ("keep-last") Required("CHOICE"), FOLLOWING,
            "never take the last server of a service out: yes (default) or no";
        Remove ("remove") Flag, FOLLOWING,
            "delete servers that are down instead of giving them weight 0, until they are back";
        Output ("output") Required("FILE"), &[Verb::Save], "save into a file (also -o FILE), which is replaced as a whole or not at all";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_entries_have_the_same_spelling() {
        let longs = Entry::ALL.iter().map(|entry| entry.row().long.to_owned());
        let shorts = Entry::ALL.iter().filter_map(|entry| entry.row().short).map(String::from);
        let mut all: Vec<String> = longs.chain(shorts).collect();
        all.sort();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
