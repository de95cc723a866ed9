//! `-L --metrics`: the text format of Prometheus.
//!
//! The samples of a metric stand together, below its help and its type. Names have their units at the end, and counters
//! end in `_total`.

mod samples;

use std::fmt::{Display, Write};
use std::time::Duration;

use ipvs_netlink::{DaemonState, Info, SyncDaemon, Table, Timeouts};

use super::order::sort_services;
use crate::grammar::SumBy;
use crate::momentary::MomentaryWeights;
use crate::output::Output;
use crate::terminal::escape;
use samples::{Numbers, Samples};

/// Everything that is shown.
pub(crate) struct Reading {
    pub(crate) table: Table,
    pub(crate) momentary: MomentaryWeights,
    pub(crate) info: Info,
    pub(crate) timeouts: Timeouts,
    pub(crate) daemons: Vec<SyncDaemon>,
    /// The time of the reading, since 1970.
    pub(crate) time: Duration,
}

/// Appends all metrics. The numbers of connections, packets and bytes are summed as asked for.
pub(crate) fn metrics(output: &mut Output, mut reading: Reading, sum_by: SumBy) {
    // The same table gives the same text.
    sort_services(&mut reading.table.entries);
    general(output, &reading);
    let samples = Samples::new(&reading.table, &reading.momentary, sum_by);
    for metric in SERVICE_METRICS {
        metric.write(output, "ipvs_service", &samples.services);
    }
    for metric in SERVER_METRICS {
        metric.write(output, "ipvs_server", &samples.servers);
    }
    if sum_by == SumBy::None {
        for metric in SERVER_SETTINGS {
            metric.write(output, "ipvs_server", &samples.servers);
        }
    }
}

/// Appends what concerns IPVS as a whole.
fn general(output: &mut Output, reading: &Reading) {
    let Reading { table, info, timeouts, daemons, time, .. } = reading;
    head(output, "ipvs_info", "gauge", "The version of IPVS in the kernel.");
    line(output, "ipvs_info", &label("version", &info.version), 1);
    let name = "ipvs_reading_timestamp_seconds";
    head(output, name, "gauge", "The time when the kernel was asked for these numbers, since 1970.");
    line(output, name, "", format_args!("{}.{:03}", time.as_secs(), time.subsec_millis()));
    let name = "ipvs_connection_table_rows";
    head(output, name, "gauge", "The size of the kernel's hash table of connections.");
    line(output, name, "", info.connection_table_size);
    head(output, "ipvs_services", "gauge", "The number of virtual services that were read.");
    line(output, "ipvs_services", "", table.entries.len());
    let name = "ipvs_timeout_seconds";
    head(output, name, "gauge", "The time after which an idle connection is forgotten.");
    for (state, seconds) in [("tcp", timeouts.tcp), ("tcpfin", timeouts.tcp_fin), ("udp", timeouts.udp)] {
        line(output, name, &label("state", &state), seconds);
    }
    let name = "ipvs_sync_daemon_running";
    head(output, name, "gauge", "1 if the sync daemon runs, otherwise 0.");
    for state in [DaemonState::Master, DaemonState::Backup] {
        let runs = daemons.iter().any(|daemon| daemon.state == state);
        line(output, name, &label("state", &state), u8::from(runs));
    }
    head(
        output,
        "ipvs_sync_daemon_info",
        "gauge",
        "The interface and the number of a sync daemon that runs.",
    );
    for daemon in daemons {
        let interface = escape(daemon.interface.as_bytes());
        let labels = [
            label("state", &daemon.state),
            label("interface", &String::from_utf8_lossy(&interface)),
            label("syncid", &daemon.sync_id),
        ];
        line(output, "ipvs_sync_daemon_info", &labels.join(","), 1);
    }
}

/// A metric of services or servers.
struct Metric {
    /// The end of its name.
    name: &'static str,
    help: &'static str,
    value: fn(&Numbers) -> u64,
}

impl Metric {
    /// Appends the metric with a line for each sample.
    fn write(&self, output: &mut Output, prefix: &str, samples: &[(String, Numbers)]) {
        let name = format!("{prefix}_{}", self.name);
        let kind = if self.name.ends_with("_total") { "counter" } else { "gauge" };
        if !samples.is_empty() {
            head(output, &name, kind, self.help);
        }
        for (labels, numbers) in samples {
            line(output, &name, labels, (self.value)(numbers));
        }
    }
}

const fn metric(name: &'static str, help: &'static str, value: fn(&Numbers) -> u64) -> Metric {
    Metric { name, help, value }
}

const CONNECTIONS: Metric =
    metric("connections_total", "Connections since counting began.", |numbers| numbers.stats.connections);
const IN_PACKETS: Metric =
    metric("in_packets_total", "Packets from clients.", |numbers| numbers.stats.in_packets);
const OUT_PACKETS: Metric = metric(
    "out_packets_total",
    "Packets to clients; only masquerading makes them pass through the director.",
    |numbers| numbers.stats.out_packets,
);
const IN_BYTES: Metric = metric("in_bytes_total", "Bytes from clients.", |numbers| numbers.stats.in_bytes);
const OUT_BYTES: Metric = metric(
    "out_bytes_total",
    "Bytes to clients; only masquerading makes them pass through the director.",
    |numbers| numbers.stats.out_bytes,
);
const ACTIVE: Metric = metric("active_connections", "Established connections.", |numbers| numbers.active);
const INACTIVE: Metric =
    metric("inactive_connections", "Connections in any other state.", |numbers| numbers.inactive);
const CLIENTS: Metric =
    metric("persistent_clients", "Clients that are bound to a server.", |numbers| numbers.clients);

const SERVICE_METRICS: &[Metric] = &[
    CONNECTIONS,
    IN_PACKETS,
    OUT_PACKETS,
    IN_BYTES,
    OUT_BYTES,
    ACTIVE,
    INACTIVE,
    CLIENTS,
    metric("servers", "Real servers.", |numbers| numbers.servers),
    metric("weight", "The sum of the weights of the servers.", |numbers| numbers.weight),
    metric("configured_weight", "The sum of the configured weights of the servers.", |numbers| {
        numbers.configured
    }),
];
const SERVER_METRICS: &[Metric] =
    &[CONNECTIONS, IN_PACKETS, OUT_PACKETS, IN_BYTES, OUT_BYTES, ACTIVE, INACTIVE, CLIENTS];
/// The metrics of servers that cannot be summed over services.
const SERVER_SETTINGS: &[Metric] = &[
    metric("weight", "The weight; 0 means no new connections.", |numbers| numbers.weight),
    metric(
        "configured_weight",
        "The configured weight; another one than the weight only if that follows the load of the server.",
        |numbers| numbers.configured,
    ),
    metric("upper_threshold_connections", "The upper threshold; 0 means no limit.", |numbers| numbers.upper),
    metric(
        "lower_threshold_connections",
        "The lower threshold; 0 means three quarters of the upper one.",
        |numbers| numbers.lower,
    ),
];

/// Returns a label whose value is escaped as the format wants it.
fn label(name: &str, value: &impl Display) -> String {
    let value = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

fn head(output: &mut Output, name: &str, kind: &str, help: &str) {
    // Writing to memory cannot fail.
    let _ = writeln!(output, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(output: &mut Output, name: &str, labels: &str, value: impl Display) {
    let _ = match labels {
        "" => writeln!(output, "{name} {value}"),
        labels => writeln!(output, "{name}{{{labels}}} {value}"),
    };
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::{
        Destination, DestinationId, DestinationState, Service, ServiceId, ServiceState, Stats, TableEntry,
        Version,
    };

    use super::*;
    use crate::momentary::Momentary;

    fn reading() -> Reading {
        let server = |host, connections, weight| {
            let id = DestinationId::new([10, 0, 0, host], 80);
            let mut state =
                DestinationState::new(Destination::new(id).with_weight(weight).with_thresholds(9, 7));
            state.stats.connections = connections;
            state.active_connections = 5;
            state
        };
        let service = |id: &str, connections| {
            let mut state = ServiceState::new(Service::new(id.parse().unwrap()), Stats::default());
            state.stats.connections = connections;
            state
        };
        let mut daemon = SyncDaemon::new(DaemonState::Backup, "a\"b\\c".parse().unwrap());
        daemon.sync_id = 7;
        let mut momentary = MomentaryWeights::default();
        let why = Momentary { configured: 50, answer: None, is_removed: false };
        let following = DestinationId::new([10, 0, 0, 1], 80);
        momentary.insert("TCP 192.0.2.1:80".parse().unwrap(), following, 3, why);
        Reading {
            table: Table::new(vec![
                TableEntry::new(service("FWM 7 IPv6", 0), vec![]),
                TableEntry::new(service("TCP 192.0.2.1:80", 100), vec![server(2, 30, 1), server(1, 20, 3)]),
                TableEntry::new(service("UDP 192.0.2.1:53", 6), vec![server(1, u64::MAX, 1)]),
            ]),
            momentary,
            info: Info::new(Version::from_raw(0x0001_0201), 4096),
            timeouts: Timeouts::new(900, 120, 300),
            daemons: vec![daemon],
            time: Duration::from_millis(1_764_183_600_007),
        }
    }

    fn shown(sum_by: SumBy) -> String {
        let mut output = Output::default();
        metrics(&mut output, reading(), sum_by);
        output.to_string()
    }

    /// Returns the samples of a metric.
    fn samples<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
        text.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.starts_with('{')).collect()
    }

    #[test]
    fn values_of_labels_are_escaped() {
        assert_eq!(label("name", &"a\\b\"c\nd"), r#"name="a\\b\"c\nd""#);
    }

    #[test]
    fn general_facts_come_first() {
        let expected = "\
# HELP ipvs_info The version of IPVS in the kernel.
# TYPE ipvs_info gauge
ipvs_info{version=\"1.2.1\"} 1
# HELP ipvs_reading_timestamp_seconds The time when the kernel was asked for these numbers, since 1970.
# TYPE ipvs_reading_timestamp_seconds gauge
ipvs_reading_timestamp_seconds 1764183600.007
# HELP ipvs_connection_table_rows The size of the kernel's hash table of connections.
# TYPE ipvs_connection_table_rows gauge
ipvs_connection_table_rows 4096
# HELP ipvs_services The number of virtual services that were read.
# TYPE ipvs_services gauge
ipvs_services 3
# HELP ipvs_timeout_seconds The time after which an idle connection is forgotten.
# TYPE ipvs_timeout_seconds gauge
ipvs_timeout_seconds{state=\"tcp\"} 900
ipvs_timeout_seconds{state=\"tcpfin\"} 120
ipvs_timeout_seconds{state=\"udp\"} 300
# HELP ipvs_sync_daemon_running 1 if the sync daemon runs, otherwise 0.
# TYPE ipvs_sync_daemon_running gauge
ipvs_sync_daemon_running{state=\"master\"} 0
ipvs_sync_daemon_running{state=\"backup\"} 1
# HELP ipvs_sync_daemon_info The interface and the number of a sync daemon that runs.
# TYPE ipvs_sync_daemon_info gauge
ipvs_sync_daemon_info{state=\"backup\",interface=\"a\\\"b\\\\c\",syncid=\"7\"} 1
# HELP ipvs_service_connections_total Connections since counting began.
# TYPE ipvs_service_connections_total counter
";
        assert!(shown(SumBy::None).starts_with(expected), "{}", shown(SumBy::None));
    }

    #[test]
    fn each_server_of_each_service_has_samples_of_its_own() {
        let text = shown(SumBy::None);
        let expected = [
            "{protocol=\"TCP\",service=\"192.0.2.1:80\"} 100",
            "{protocol=\"UDP\",service=\"192.0.2.1:53\"} 6",
            "{protocol=\"FWM\",service=\"7 IPv6\"} 0",
        ];
        assert_eq!(samples(&text, "ipvs_service_connections_total"), expected);
        let expected = [
            "{protocol=\"TCP\",service=\"192.0.2.1:80\",server=\"10.0.0.1:80\"} 20",
            "{protocol=\"TCP\",service=\"192.0.2.1:80\",server=\"10.0.0.2:80\"} 30",
            "{protocol=\"UDP\",service=\"192.0.2.1:53\",server=\"10.0.0.1:80\"} 18446744073709551615",
        ];
        assert_eq!(samples(&text, "ipvs_server_connections_total"), expected);
        let weights = expected.iter().zip([50, 1, 1]);
        let weights = weights
            .map(|(line, weight)| line.split_once("} ").unwrap().0.to_owned() + &format!("}} {weight}"));
        let weights: Vec<String> = weights.collect();
        assert_eq!(samples(&text, "ipvs_server_configured_weight"), weights);
        let expected =
            expected.map(|line| format!("{} 9", line.split_once("} ").unwrap().0.to_owned() + "}"));
        assert_eq!(samples(&text, "ipvs_server_upper_threshold_connections"), expected);
    }

    #[test]
    fn sums_by_service_have_no_servers() {
        let text = shown(SumBy::Service);
        assert!(!text.contains("ipvs_server_"), "{text}");
        let expected = [
            "{protocol=\"TCP\",service=\"192.0.2.1:80\"} 10",
            "{protocol=\"UDP\",service=\"192.0.2.1:53\"} 5",
            "{protocol=\"FWM\",service=\"7 IPv6\"} 0",
        ];
        assert_eq!(samples(&text, "ipvs_service_active_connections"), expected);
        assert!(
            text.contains("\nipvs_service_weight{protocol=\"TCP\",service=\"192.0.2.1:80\"} 4\n"),
            "{text}"
        );
        let expected = [
            "{protocol=\"TCP\",service=\"192.0.2.1:80\"} 51",
            "{protocol=\"UDP\",service=\"192.0.2.1:53\"} 1",
            "{protocol=\"FWM\",service=\"7 IPv6\"} 0",
        ];
        assert_eq!(samples(&text, "ipvs_service_configured_weight"), expected);
    }

    #[test]
    fn sums_by_server_have_no_services_and_no_settings() {
        let text = shown(SumBy::Server);
        assert!(!text.contains("ipvs_service_") && !text.contains("weight"), "{text}");
        let expected = ["{server=\"10.0.0.1:80\"} 10", "{server=\"10.0.0.2:80\"} 5"];
        assert_eq!(samples(&text, "ipvs_server_active_connections"), expected);
        // Counters wrap around, which Prometheus takes for a restart.
        let expected = ["{server=\"10.0.0.1:80\"} 19", "{server=\"10.0.0.2:80\"} 30"];
        assert_eq!(samples(&text, "ipvs_server_connections_total"), expected);
    }

    #[test]
    fn a_metric_without_samples_is_left_out() {
        let mut output = Output::default();
        let table = Table::new(vec![TableEntry::new(
            ServiceState::new(Service::new(ServiceId::tcp(([192, 0, 2, 1], 80))), Stats::default()),
            vec![],
        )]);
        metrics(&mut output, Reading { table, daemons: vec![], ..reading() }, SumBy::None);
        let text = output.to_string();
        assert!(text.contains("ipvs_service_servers{") && !text.contains("ipvs_server_"), "{text}");
    }
}
