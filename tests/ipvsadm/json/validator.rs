//! Python's validator of JSON schemas, which shares no code with the program.

use std::process::Command;

use crate::programs::{unpacked, unpacked_program};
use crate::support::*;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/ipvs-1.json");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ipvsadm/json/validator.py");

/// Runs the validator on documents.
fn validate(documents: &[String]) -> Run {
    // Debian's Python is unpacked only where it is not installed.
    let unpacked_python = unpacked_program("python3");
    let python = if unpacked_python.exists() { unpacked_python } else { "/usr/bin/python3".into() };
    let mut command = Command::new(python);
    command.args(["-B", SCRIPT, SCHEMA]).env("PYTHONPATH", unpacked("usr/lib/python3/dist-packages"));
    let input: String = documents.iter().map(|document| format!("\u{1e}{document}")).collect();
    feed(&mut command, input.as_bytes())
}

/// Fails if a document is not valid, or has a field that the schema does not describe.
pub fn assert_valid(documents: &[String]) {
    let run = validate(documents);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout.trim_end(), documents.len().to_string());
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let document = |ipvs: &str| format!("{{\"ipvs\":{{\"schema\":1,{ipvs}}}}}");
    let service = r#""services":[{"fwmark":1,"destinations":[{"address":"10.0.0.1","port":80}]}]"#;
    assert_valid(&[document(service)]);
    for (from, to) in [
        ("\"fwmark\":1", "\"fwmark\":0"),
        ("\"fwmark\":1", "\"fwmark\":1,\"port\":80"),
        ("\"fwmark\":1", "\"fwmark\":1,\"shceduler\":\"rr\""),
        ("\"fwmark\":1,", ""),
        ("10.0.0.1", "10.0.0.256"),
        (":80", ":65536"),
        (":80", ":\"80\""),
        (":80", ":80,\"weight\":null"),
        (":80", ":80,\"tunnel\":{\"type\":\"vxlan\"}"),
        ("\"schema\":1", "\"schema\":2"),
    ] {
        let wrong = document(service).replace(from, to);
        let run = validate(&[wrong]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(!run.stderr.is_empty(), "{to} is valid");
    }
}
