//! The words of random invocations.

/// Few services, so that commands often refer to those that others have added.
pub const V4: [&str; 5] = ["10.0.0.1:80", "10.0.0.2:443", "10.0.0.1:53", "10.0.0.3:0", "200.0.0.1:5060"];
pub const V6: [&str; 3] = ["[2001:db8::1]:80", "[2001:db8::2]:0", "[::1]:53"];
pub const MARKS: [&str; 4] = ["1", "2", "77", "4294967295"];
pub const SERVERS_V4: [&str; 6] =
    ["10.1.1.1", "10.1.1.2:8080", "10.1.1.3:0", "200.1.1.1:80", "127.0.0.1", "10.1.1.1:80"];
pub const SERVERS_V6: [&str; 4] = ["[2001:db8::11]:80", "2001:db8::12", "[2001:db8::13]:0", "[fd00::1]:8080"];
pub const SCHEDULERS: [&str; 14] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "none"];
pub const FLAGS: [&str; 8] = [
    "flag-1",
    "flag-2",
    "flag-3",
    "flag-1,flag-3",
    "sh-port",
    "sh-fallback,sh-port",
    "mh-port",
    "mh-fallback",
];
pub const MISTAKES: [&str; 16] = [
    "",
    "x",
    "-1",
    "0",
    "1x",
    "4294967296",
    "10.0.0.1:http",
    "10.0.0.1",
    "10.0.0.256:80",
    "[2001:db8::1",
    "::1",
    "-",
    "224.0.0.1:80",
    "0x10",
    "+7",
    "1.5",
];
pub const LISTS: [&str; 14] = [
    "-n",
    "--numeric",
    "-c",
    "--timeout",
    "--daemon",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--tun-info",
    "--exact",
    "--sort",
    "--nosort",
    "-n",
];
/// Options that seldom belong where they appear.
pub const STRAYS: [(char, &str, &str); 14] = [
    ('s', "--scheduler", "rr"),
    ('n', "--numeric", ""),
    ('g', "--gatewaying", ""),
    ('o', "--ops", ""),
    ('w', "--weight", "3"),
    ('6', "--ipv6", ""),
    ('r', "--real-server", "10.1.1.1"),
    ('t', "--tcp-service", "10.0.0.1:80"),
    ('p', "--persistent", "9"),
    ('\0', "--tun-csum", ""),
    ('\0', "--sort", ""),
    ('\0', "--syncid", "4"),
    ('q', "--unknown", ""),
    ('D', "--delete-service", ""),
];
