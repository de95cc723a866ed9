//! The columns of `--table`, and the words that choose them.

use std::borrow::Cow;

use super::arguments::{Result, bad_value};
use crate::cli::Opt;

/// The word in place of names that asks for an explanation of them.
pub(super) const HELP: &str = "help";

/// The side of a column that its texts are aligned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// A kind of columns: those of servers or those of connections.
pub(crate) trait ColumnKind: Copy + PartialEq + 'static {
    const ALL: &[Self];

    /// Returns the word that chooses the column.
    fn name(self) -> &'static str;
    /// Returns the heading.
    fn title(self) -> &'static str;
    fn side(self) -> Side;
    fn help(self) -> &'static str;
}

macro_rules! columns {
    ($(#[$doc:meta])* $kind:ident { $($column:ident $name:literal $title:literal $side:ident $help:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $kind { $($column,)* }

        impl ColumnKind for $kind {
            const ALL: &[Self] = &[$(Self::$column,)*];

            fn name(self) -> &'static str {
                match self { $(Self::$column => $name,)* }
            }

            fn title(self) -> &'static str {
                match self { $(Self::$column => $title,)* }
            }

            fn side(self) -> Side {
                match self { $(Self::$column => Side::$side,)* }
            }

            fn help(self) -> &'static str {
                match self { $(Self::$column => $help,)* }
            }
        }
    };
}

columns! {
    /// A column of the table of services and servers.
    Column {
        Name "name" "Service, server" Left "address and port, with the names of both unless -n is given";
        Forward "forward" "Forward" Left "the forwarding method";
        Tunnel "tunnel" "Tunnel" Left "the type of a tunnel, its port and its checksums";
        Weight "weight" "Weight" Right "the weight; for a service, the sum";
        Share "share" "Share" Right "the weight's part of the sum";
        Active "active" "Active" Right "established connections";
        Inactive "inactive" "Inactive" Right "connections in any other state";
        Clients "clients" "Clients" Right "clients that are bound to the server";
        Cps "cps" "Conn/s" Right "new connections per second";
        In "in" "In B/s" Right "bytes from clients per second";
        Out "out" "Out B/s" Right "bytes to clients per second";
        InPackets "in-packets" "In pkt/s" Right "packets from clients per second";
        OutPackets "out-packets" "Out pkt/s" Right "packets to clients per second";
        TotalConnections "total-connections" "Conns" Right "connections since counting began";
        TotalIn "total-in" "In B" Right "bytes from clients since then";
        TotalOut "total-out" "Out B" Right "bytes to clients since then";
        TotalInPackets "total-in-packets" "In pkt" Right "packets from clients since then";
        TotalOutPackets "total-out-packets" "Out pkt" Right "packets to clients since then";
        Limits "limits" "Limits" Right "the upper and the lower threshold";
        State "state" "State" Left "drained (weight 0), full (upper threshold reached), load (the weight follows it) and the agent's answer";
    }
}

columns! {
    /// A column of the table of connections.
    ConnectionColumn {
        Protocol "protocol" "Protocol" Left "the protocol; IP for a client of a firewall mark service";
        State "state" "State" Left "the state of the protocol";
        Expires "expires" "Expires" Right "the time until the idle connection is forgotten";
        Client "client" "Client" Left "the client; port 0 if the line binds the client to a server";
        Service "service" "Service" Left "the virtual service";
        Server "server" "Server" Left "the real server";
        Engine "engine" "Engine" Left "the persistence engine";
        Data "data" "Identified by" Left "the data by which the engine identifies the client";
    }
}

columns! {
    /// A column of the table of numbers of connections. No option chooses them.
    CountColumn {
        Client "client" "Client" Left "the client";
        Service "service" "Service" Left "the virtual service";
        Server "server" "Server" Left "the real server";
        State "state" "State" Left "the state of the protocol";
        Connections "connections" "Connections" Right "the number of connections";
        Share "share" "Share" Right "the number's part of all";
    }
}

/// Reads the names of columns.
pub(super) fn read<C: ColumnKind>(names: &str) -> Result<Vec<C>> {
    let column = |name: &str| {
        let column = C::ALL.iter().copied().find(|column| column.name() == name);
        column.ok_or_else(|| {
            let why = format!("it is not a column (see {} {HELP})", Opt::TableColumns.name());
            bad_value(Opt::TableColumns, name, why)
        })
    };
    names.split(',').map(|name| column(name.trim())).collect()
}

/// Returns the names of all columns with their explanations, one a line.
pub(crate) fn help<C: ColumnKind>() -> String {
    let line = |column: &C| format!("{:<18} {}\n", column.name(), column.help());
    C::ALL.iter().map(line).collect()
}

/// Returns whether the value of the option asks for an explanation.
pub(super) fn is_help(value: Option<&Cow<'_, str>>) -> bool {
    value.is_some_and(|value| value == HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_by_name_in_any_order() {
        let chosen = read::<Column>("weight, name,state").unwrap();
        assert_eq!(chosen, [Column::Weight, Column::Name, Column::State]);
        for names in ["", "weight,", "weigth", "Weight", "protocol", "help,name"] {
            let mistake = read::<Column>(names).unwrap_err().to_string();
            assert!(mistake.ends_with("it is not a column (see --columns help)"), "{mistake}");
        }
        assert!(read::<ConnectionColumn>("protocol").is_ok());
    }

    #[test]
    fn the_help_has_every_column_and_no_name_is_there_twice() {
        fn names<C: ColumnKind>() -> Vec<&'static str> {
            C::ALL.iter().map(|column| column.name()).collect()
        }
        for (names, help) in
            [(names::<Column>(), help::<Column>()), (names::<ConnectionColumn>(), help::<ConnectionColumn>())]
        {
            let explained: Vec<_> = help.lines().map(|line| line.split(' ').next().unwrap()).collect();
            assert_eq!(explained, names);
            let different: std::collections::HashSet<_> = names.iter().collect();
            assert_eq!(different.len(), names.len());
        }
    }
}
