//! `-L --metrics`: read by Prometheus itself, through its node exporter.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::programs::unpacked_program;
use crate::support::*;

/// The longest time that the programs may take to start and to read.
const PATIENCE: Duration = Duration::from_secs(120);

/// A director with two UDP services, which balance some datagrams to addresses of its own.
fn busy_director() -> Director {
    let director = Director::alone();
    for address in ["192.0.2.1", "192.0.2.11", "192.0.2.12"] {
        director.system(&format!("ip addr add {address}/32 dev lo"));
    }
    director.system("ip link add d0 type dummy && ip link set d0 multicast on up");
    let rules = "\
-A -u 192.0.2.1:5000 -s rr
-a -u 192.0.2.1:5000 -r 192.0.2.11:5000 -m -w 3 -x 1000 -y 500
-a -u 192.0.2.1:5000 -r 192.0.2.12:5000 -m
-A -u 192.0.2.1:6000 -s rr
-a -u 192.0.2.1:6000 -r 192.0.2.11:6000 -m -w 0
-A -f 7 -6 -s rr
--start-daemon master --mcast-interface d0 --syncid 3
";
    assert_eq!(director.feed("-R", rules).status, 0);
    for _ in 0..10 {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"hello", "192.0.2.1:5000").unwrap();
    }
    // The kernel counts every two seconds.
    sleep(Duration::from_secs(5));
    director
}

/// Returns the samples by their names and labels.
fn samples(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns the counters of a service or server in a listing with `--stats --exact`.
fn listed(listing: &str, endpoint: &str) -> Vec<String> {
    let mut lines = listing.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let words = lines.find(|words| words.get(1) == Some(&endpoint)).unwrap();
    words[2..].iter().map(ToString::to_string).collect()
}

const COUNTERS: [&str; 5] =
    ["connections_total", "in_packets_total", "out_packets_total", "in_bytes_total", "out_bytes_total"];

#[test]
fn metrics_say_the_same_as_the_listing_and_pass_the_checks_of_prometheus() {
    let director = busy_director();
    let (text, listing) = (director.ok("-L --metrics"), director.ok("-L -n --stats --exact"));
    let metrics = samples(&text);
    for (kind, labels, endpoint) in [
        ("service", "protocol=\"UDP\",service=\"192.0.2.1:5000\"", "192.0.2.1:5000"),
        (
            "server",
            "protocol=\"UDP\",service=\"192.0.2.1:5000\",server=\"192.0.2.11:5000\"",
            "192.0.2.11:5000",
        ),
        (
            "server",
            "protocol=\"UDP\",service=\"192.0.2.1:5000\",server=\"192.0.2.12:5000\"",
            "192.0.2.12:5000",
        ),
    ] {
        let values = COUNTERS.map(|counter| metrics[&format!("ipvs_{kind}_{counter}{{{labels}}}")].clone());
        assert_eq!(values[..], listed(&listing, endpoint));
        assert_ne!(values[0], "0");
    }
    let server = "{protocol=\"UDP\",service=\"192.0.2.1:5000\",server=\"192.0.2.11:5000\"}";
    for (name, value) in
        [("weight", "3"), ("upper_threshold_connections", "1000"), ("inactive_connections", "5")]
    {
        assert_eq!(metrics[&format!("ipvs_server_{name}{server}")], value);
    }
    assert_eq!(metrics["ipvs_sync_daemon_info{state=\"master\",interface=\"d0\",syncid=\"3\"}"], "1");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let time: f64 = metrics["ipvs_reading_timestamp_seconds"].parse().unwrap();
    assert!((now - 600.0..=now).contains(&time), "{time} {now}");
    // Labels do not depend on names or the order in the kernel.
    let again = samples(&director.ok("-L -n --metrics --nosort --exact"));
    assert_eq!(again.keys().collect::<Vec<_>>(), metrics.keys().collect::<Vec<_>>());

    for options in ["", " --sum-by service", " --sum-by=server", " --sum-by none", " -u 192.0.2.1:6000"] {
        let text = director.ok(&format!("-L --metrics{options}"));
        let checked =
            feed(Command::new(unpacked_program("promtool")).args(["check", "metrics"]), text.as_bytes());
        assert_eq!(
            (checked.status, checked.stdout.as_str(), checked.stderr.as_str()),
            (0, "", ""),
            "{options}"
        );
    }
    assert_eq!(samples(&director.ok("-L --metrics -u 192.0.2.1:6000"))["ipvs_services"], "1");
    director.ok("--stop-daemon master");
}

#[test]
fn mistakes_with_options_for_metrics_are_refused() {
    let director = Director::new();
    for (words, sentence) in [
        ("-L --sum-by none", "--sum-by needs --metrics"),
        ("-L --metrics --sum-by host", "--sum-by \"host\": it is service, server or none"),
        ("-L --metrics --table", "--table and --metrics exclude each other"),
        ("-L --metrics --stats", "--stats and --metrics exclude each other"),
        ("-L --metrics -c", "-c and --metrics exclude each other"),
        ("-L --metrics --daemon", "--daemon and --metrics exclude each other"),
        ("-L --metrics --color never", "--color needs --table"),
    ] {
        director.refuses(words, 2, sentence);
    }
    // Whoever may list, by a rule of sudo for example, may not write into files.
    director.refuses("-L --metrics -o x", 2, "-o is not possible with -L; it goes with -A -E");
    director.refuses("-L --metrics --output x", 2, "--output is not possible with -L; it goes with -S");
}

/// A program in the background, killed at the end.
struct Background(Child);

impl Background {
    fn start(program: &str, words: &[String], log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let mut command = Command::new(unpacked_program(program));
        command.args(words).stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn prometheus_reads_them_through_its_node_exporter() {
    let director = busy_director();
    let folder = Folder::new();
    let path = |name: &str| folder.0.join(name);
    fs::create_dir_all(path("textfiles")).unwrap();
    let file = path("textfiles/ipvs.prom");
    let write = |options: &str| {
        let helper = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/systemd/ipvsadm-metrics");
        let line = format!("umask 077; IPVSADM={PROGRAM} sh {helper} {} {options} 2>&1", file.display());
        run(Command::new("sh").args(["-c", &line]))
    };
    // Written twice: the second time replaces the first. A failure leaves it as it is.
    for _ in 0..2 {
        let written = write("");
        assert_eq!((written.status, written.stdout.as_str()), (0, ""));
    }
    let before = fs::read_to_string(&file).unwrap();
    assert!(before.contains("ipvs_server_weight{"), "{before}");
    let failed = write("--sum-by=nothing");
    assert!(failed.status == 2 && failed.stdout.contains("--sum-by"), "{failed:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    // The exporter is another user.
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    let listing = director.ok("-L -n --stats --exact");
    let names: Vec<_> =
        fs::read_dir(path("textfiles")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ipvs.prom"], "something else was left behind");

    let words = [
        "--collector.disable-defaults".to_owned(),
        "--collector.textfile".to_owned(),
        format!("--collector.textfile.directory={}", path("textfiles").display()),
        "--web.listen-address=127.0.0.1:9100".to_owned(),
    ];
    let _exporter = Background::start("prometheus-node-exporter", &words, &path("exporter.log"));
    fs::write(
        path("prometheus.yml"),
        "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: n, static_configs: [{targets: ['127.0.0.1:9100']}]}]\n",
    )
    .unwrap();
    let words = [
        format!("--config.file={}", path("prometheus.yml").display()),
        format!("--storage.tsdb.path={}", path("data").display()),
        "--web.listen-address=127.0.0.1:9090".to_owned(),
    ];
    let _prometheus = Background::start("prometheus", &words, &path("prometheus.log"));

    let query = |expression: &str| {
        let words = ["query", "instant", "http://127.0.0.1:9090", expression];
        run(Command::new(unpacked_program("promtool")).args(words)).stdout
    };
    let deadline = Instant::now() + PATIENCE;
    let mut found = String::new();
    while !found.contains("ipvs_server_weight") {
        let log = |name: &str| fs::read_to_string(path(name)).unwrap_or_default();
        assert!(Instant::now() < deadline, "{}{}", log("exporter.log"), log("prometheus.log"));
        sleep(Duration::from_secs(1));
        found = query("{__name__=~\"ipvs_.*\"}");
    }
    // A line: NAME{instance="...", job="n", protocol="UDP", server="...", service="..."} => VALUE @[TIME]
    let value = |name: &str, labels: &[&str]| {
        let is_it = |line: &&str| {
            line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label))
        };
        let line = found.lines().find(is_it).unwrap_or_else(|| panic!("{name} {labels:?}: {found}"));
        line.split(" => ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    for server in ["192.0.2.11:5000", "192.0.2.12:5000"] {
        let label = format!("server=\"{server}\"");
        let values = COUNTERS.map(|name| value(&format!("ipvs_server_{name}"), &[&label]));
        assert_eq!(values[..], listed(&listing, server));
    }
    let values = COUNTERS.map(|name| value(&format!("ipvs_service_{name}"), &["service=\"192.0.2.1:5000\""]));
    assert_eq!(values[..], listed(&listing, "192.0.2.1:5000"));
    assert_eq!(value("ipvs_server_weight", &["server=\"192.0.2.11:6000\""]), "0");
    assert_eq!(value("ipvs_service_servers", &["service=\"7 IPv6\""]), "0");
    // After a reading that took too long there are no values before the next one.
    let deadline = Instant::now() + PATIENCE;
    let query = |expression| loop {
        let found = query(expression);
        if found.contains(" => ") {
            return found;
        }
        assert!(Instant::now() < deadline, "{expression}: {found}");
        sleep(Duration::from_secs(1));
    };
    assert!(query("node_textfile_scrape_error").contains("=> 0 @"), "{found}");
    let age = query("time() - ipvs_reading_timestamp_seconds");
    let age: f64 = age.split(" => ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((0.0..600.0).contains(&age), "{age}");
    director.ok("--stop-daemon master");
}
