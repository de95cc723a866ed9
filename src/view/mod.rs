//! Listings for people and for the programs that read them. Every blank is as in the original, also at the
//! ends of lines.

mod connections;
mod counters;
mod counts;
mod metrics;
mod namespaces;
mod order;
mod people;
mod settings;
mod table;

pub(crate) use connections::{connection, connections_header, malformed_connection};
pub(crate) use counts::{Counted, CountedService, count};
pub(crate) use metrics::{Reading, metrics};
pub(crate) use namespaces::{FoundNamespace, incomplete_namespaces, namespaces};
pub(crate) use order::{Entry, addresses, sort_services, sorted_servers};
pub(crate) use people::{ConnectionTable, Screen, cut, people_counts, people_lines, people_table};
pub(crate) use settings::{daemons, timeouts, version};
pub(crate) use table::{public_part, summary, table};
