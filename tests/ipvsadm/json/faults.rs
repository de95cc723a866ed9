//! Documents that are wrong, or that the kernel refuses: the message has the path and the line, and nothing is applied.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::assert_valid;
use crate::random::Random;
use crate::support::*;

const TABLE: &str = "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n";

/// A document on several lines, as jq prints it.
const DOCUMENT: &str = r#"{
  "ipvs": {
    "schema": 1,
    "timeouts": {"tcp": 800},
    "services": [
      {
        "protocol": "TCP",
        "address": "192.0.2.1",
        "port": 80,
        "destinations": [
          {
            "address": "10.0.0.2",
            "port": 80,
            "weight": 5
          },
          {
            "address": "10.0.0.3",
            "port": 80,
            "forwarding": "masquerade"
          }
        ]
      }
    ]
  }
}
"#;

#[test]
fn a_wrong_document_applies_nothing_and_names_path_and_line() {
    let director = Director::new();
    assert_eq!(director.feed("-R", TABLE).status, 0);
    let before = director.ok("-S -n --full");
    for (from, to, message) in [
        (
            "\"weight\": 5",
            "\"weight\": 2147483648",
            "14: services[0].destinations[0].weight: invalid value: integer `2147483648`, expected a number from 0 to \
             2147483647",
        ),
        (
            "\"weight\": 5",
            "\"weight\": \"5\"",
            "14: services[0].destinations[0].weight: invalid type: string \"5\", \
             expected a number from 0 to 2147483647",
        ),
        ("\"weight\": 5", "\"wieght\": 5", "14: services[0].destinations[0].wieght: unknown field"),
        ("\"weight\": 5", "\"port\": 80", "14: services[0].destinations[0].port: the field comes twice"),
        ("\"schema\": 1", "\"schema\": 2", "3: schema: the schema 2 is unknown: this program reads schema 1"),
        (
            "\"port\": 80,\n        \"dest",
            "\"port\": 0,\n        \"dest",
            "6: services[0]: port 0 stands for every port, \
             which needs persistence",
        ),
        (
            "10.0.0.3",
            "10.0.0.2",
            "16: services[0].destinations[1]: server 10.0.0.2:80 of service TCP 192.0.2.1:80 is there already, from \
             services[0].destinations[0]",
        ),
        (
            "10.0.0.3",
            "2001:db8::3",
            "16: services[0].destinations[1]: only with the forwarding method tunnel the address \
             family may differ from the service's",
        ),
        (
            "\"tcp\": 800",
            "\"tcp\": 2678401",
            "4: timeouts.tcp: 2678401 is not a number of seconds from 0 to 2678400",
        ),
        ("  }\n}\n", "  }\n", "25: the document is cut: EOF while parsing an object"),
        ("  }\n}\n", "  }\n}\n\n-A", "27: trailing characters"),
        ("192.0.2.1", "192.0.2.\\u0000", "8: services[0].address: invalid IP address syntax"),
        (
            "192.0.2.1",
            "192.0.2.\0",
            "8: services[0].address: control character (\\u0000-\\u001F) found while parsing a \
             string",
        ),
    ] {
        let wrong = DOCUMENT.replace(from, to);
        assert_ne!(wrong, DOCUMENT, "{from}");
        for words in
            ["-R --json", "-R --json --replace", "-R --json --replace --dry-run", "-R --json --check"]
        {
            let run = director.feed(words, &wrong);
            assert_eq!(run.stderr, format!("<stdin>:{message}\nipvsadm: nothing was applied\n"), "{words}");
            assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{words}");
        }
        assert_eq!(director.ok("-S -n --full"), before);
    }
    let run = director.feed("-R --json --replace", "{\"ipvs\":{\"schema\":1,\"timeouts\":{}}}");
    let why = "it is missing, but --replace needs the whole table; an empty list stands for no service";
    assert_eq!(run.stderr, format!("<stdin>:1: services: {why}\nipvsadm: nothing was applied\n"));
    assert_eq!((run.status, director.ok("-S -n --full")), (2, before));
    let run = director.feed("-R --json --replace", DOCUMENT);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_refusal_names_path_and_line() {
    let director = Director::new();
    assert_eq!(director.feed("-R", TABLE).status, 0);
    let before = director.ok("-S -n --full");
    let refused = DOCUMENT.replace("10.0.0.3", "224.0.0.3");
    let why = "<stdin>:16: services[0].destinations[1]: cannot add server 224.0.0.3:80 to service TCP 192.0.2.1:80: \
               224.0.0.3 is not the unicast address of a host";
    let run = director.feed("-R --json --replace", &refused);
    assert!(run.stderr.starts_with(why), "{}", run.stderr);
    assert!(run.stderr.ends_with("\nipvsadm: nothing was changed\n"), "{}", run.stderr);
    assert_eq!((run.status, director.ok("-S -n --full")), (255, before));

    director.ok("-C");
    let run = director.feed("-R --json", &refused);
    assert!(run.stderr.starts_with(why), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("\nipvsadm: the other parts of the document were applied\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.status, 255);
    assert!(director.saved().contains("10.0.0.2:80"), "{}", director.saved());
}

#[test]
fn many_refusals_and_faults_are_found_quickly_and_only_counted() {
    let director = Director::new();
    let servers = |address: &str| -> String {
        let server =
            |host: usize| format!("{{\"address\":\"{address}.{}.{}\",\"port\":0}}", host / 250, host % 250);
        (0..20_000).map(server).collect::<Vec<_>>().join(",\n")
    };
    let document = |destinations: &str| {
        format!(
            "{{\"ipvs\":{{\"schema\":1,\"services\":[{{\"fwmark\":1,\"destinations\":[\n{destinations}]}}]}}}}"
        )
    };
    let multicast = document(&servers("224.1"));
    let twice = document(&format!("{},\n{}", servers("10.1"), servers("10.1")));
    for (input, line, rest, status) in [
        (multicast, "<stdin>:21: services[0].destinations[19]: cannot add", "\n... and 19980 more\n", 255),
        (twice, "<stdin>:20002: services[0].destinations[20000]: server", "\n... and 19980 more\n", 2),
    ] {
        let start = Instant::now();
        let run = director.feed("-R --json --replace", &input);
        // To find every place takes minutes.
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        assert!(run.stderr.contains(line), "{}", run.stderr);
        assert!(run.stderr.contains(rest), "{}", run.stderr);
        assert_eq!((run.status, director.saved().as_str()), (status, ""));
    }
}

#[test]
fn whatever_is_accepted_is_valid_by_the_schema() {
    let director = Director::new();
    let document: Value = serde_json::from_str(
        r#"{"ipvs": {"schema": 1, "timeouts": {"tcp": 900, "tcp_fin": 5, "udp": 7},
            "daemons": [{"state": "master", "interface": "eth0", "sync_id": 1, "max_length": 1400,
                         "group": "224.0.0.81", "port": 8848, "ttl": 1}],
            "services": [
                {"protocol": "UDP", "address": "192.0.2.1", "port": 53, "scheduler": "mh", "flags": ["mh-port"],
                 "persistence": 60, "netmask": "255.255.0.0", "engine": "sip", "destinations": [
                    {"address": "2001:db8::1", "port": 53, "forwarding": "tunnel", "weight": 1,
                     "upper_threshold": 2147483647, "lower_threshold": 0,
                     "tunnel": {"type": "gue", "port": 6080, "flags": ["checksum"]}}]},
                {"fwmark": 1, "family": "IPv6", "persistence": 1, "netmask": 64}]}}"#,
    )
    .unwrap();
    let values: Value = serde_json::from_str(
        r#"[0, 1, 128, 65536, 2147483648, 4294967296, -1, 1.5, null, true, "", "7", "007", "TCP", "IPv4", "tunnel", "gre",
            "backup", "a b", "sixteen-letters-", "::1", "10.0.0.256", "010.0.0.1", "fe80::1%lo", [], ["flag-1", 8], {},
            [{"fwmark": 2}]]"#,
    )
    .unwrap();
    let values = values.as_array().unwrap();
    let places = pointers(&document, String::new());
    let changes = places.iter().flat_map(|place| values.iter().map(move |value| (place, value)));
    let step = if std::env::var_os("IPVSADM_SCHEMA").is_some() { 1 } else { 5 };
    let mut accepted = Vec::new();
    for (place, value) in changes.step_by(step) {
        let mut changed = document.clone();
        *changed.pointer_mut(place).unwrap() = value.clone();
        let changed = changed.to_string();
        if director.feed("-R --json --check", &changed).status == 0 {
            accepted.push(changed);
        }
    }
    assert!((10..150).contains(&accepted.len()), "{}", accepted.len());
    assert_valid(&accepted);
}

/// Returns the JSON pointers to everything in a value.
fn pointers(value: &Value, place: String) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, child)| (index.to_string(), child)).collect()
        }
        _ => Vec::new(),
    };
    let inside = children.into_iter().flat_map(|(key, child)| pointers(child, format!("{place}/{key}")));
    let inside: Vec<String> = inside.collect();
    [vec![place], inside].concat()
}

#[test]
fn random_damage_never_applies_half_a_document() {
    let director = Director::new();
    let document = "{\"ipvs\":{\"schema\":1,\"services\":[\n\
        {\"fwmark\":7,\"scheduler\":\"rr\",\"flags\":[\"flag-1\"],\"persistence\":300,\"netmask\":\"255.255.0.0\",\
        \"destinations\":[{\"address\":\"10.0.0.1\",\"port\":0,\"weight\":3}]}\n]}}\n";
    let random = &mut Random::new(7);
    let mut ipvs = director.ipvs();
    let mut refused = 0;
    for round in 0..100 {
        let mut bytes = document.as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            let place = random.below(bytes.len() as u64) as usize;
            match random.below(4) {
                0 => drop(bytes.remove(place)),
                1 => bytes.insert(place, b"{}[]\",:\0\x1b\xff0-e.nt"[random.below(16) as usize]),
                2 => bytes[place] = b"0123456789 \n.x\"\x80"[random.below(16) as usize],
                _ => bytes.truncate(place.max(1)),
            }
        }
        ipvs.flush().unwrap();
        let mut command = std::process::Command::new(PROGRAM);
        let run = feed(command.args(["-R", "--json", "--replace"]), &bytes);
        let shown = String::from_utf8_lossy(&bytes);
        assert!([0, 2, 255].contains(&run.status), "{round}: {shown}\n{}", run.stderr);
        if run.status != 0 {
            refused += 1;
            assert_eq!(director.saved(), "", "{round}: {shown}\n{}", run.stderr);
            assert!(!run.stderr.contains(['\x1b', '\0']) && run.stderr.ends_with('\n'), "{shown}");
        }
    }
    // Some digits can be others, and the rest has to make sense.
    assert!((50..100).contains(&refused), "{refused}");
}
