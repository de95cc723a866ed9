//! Everything that a document can ask for, and how it is read.

use std::{fmt, io};

use ipvs_netlink::{SyncDaemon, Timeouts};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::object::{FromObject, given};
use super::place::{Path, TOP, line_at};
use super::seconds::seconds_range;
use super::{Entry, SCHEMA, Writer};
use crate::output::Output;

/// The settings in a document, which are written by the same types that they are read by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(rename = "schema", deserialize_with = "known_schema")]
    _schema: (),
    #[serde(default, deserialize_with = "given")]
    pub(super) timeouts: Option<FromObject<Timeouts>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) daemons: Option<Vec<FromObject<SyncDaemon>>>,
    /// The whole table, if the document says anything about it.
    #[serde(default, deserialize_with = "given")]
    pub(crate) services: Option<Vec<Entry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    ipvs: FromObject<Settings>,
}

/// A fault of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The number of the line, counted from 1.
    pub(crate) line: usize,
    /// The path to the value, if it is one value.
    pub(crate) path: String,
    pub(crate) why: String,
}

/// Fields that only listings have.
const STATE: [&str; 9] = [
    "kernel",
    "connections",
    "stats",
    "active_connections",
    "inactive_connections",
    "persistent_connections",
    "configured_weight",
    "address_name",
    "port_name",
];

impl Settings {
    pub(crate) fn new(
        timeouts: Option<Timeouts>,
        daemons: Option<Vec<SyncDaemon>>,
        services: Vec<Entry>,
    ) -> Self {
        let daemons = daemons.map(|daemons| daemons.into_iter().map(FromObject).collect());
        Self { _schema: (), timeouts: timeouts.map(FromObject), daemons, services: Some(services) }
    }

    /// Writes a document into the output, which `flush` may print part by part.
    pub(crate) fn write(
        &self,
        output: &mut Output,
        flush: impl Fn(&mut Output) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut document = Writer::start(output);
        if let Some(FromObject(timeouts)) = &self.timeouts {
            document.field("timeouts", timeouts)?;
        }
        if let Some(daemons) = &self.daemons {
            document.list("daemons", |list| {
                daemons.iter().try_for_each(|FromObject(daemon)| list.push(daemon))
            })?;
        }
        if let Some(services) = &self.services {
            document.list("services", |list| {
                services.iter().try_for_each(|entry| {
                    list.push(entry)?;
                    flush(list.output)
                })
            })?;
        }
        document.end();
        Ok(())
    }

    /// Reads a document.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            let why = if is_utf16 {
                "the document is in UTF-16: save it as UTF-8"
            } else {
                "the document is not valid UTF-8"
            };
            Fault { line: line_at(bytes, error.valid_up_to()), path: String::new(), why: why.into() }
        })?;
        if text.starts_with('\u{feff}') {
            let why = "the document begins with a byte-order mark (U+FEFF), which is invisible: remove it";
            return Err(Fault { line: 1, path: String::new(), why: why.into() });
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, FromObject<Document>>(&mut deserializer) {
            Ok(FromObject(document)) => match deserializer.end() {
                Ok(()) => Ok(document.ipvs.0),
                Err(error) => Err(fault(text, &Path::default(), &error)),
            },
            Err(error) => {
                let path = Path::from(error.path());
                Err(other_schema(text).unwrap_or_else(|| fault(text, &path, error.inner())))
            }
        }
    }
}

fn fault(text: &str, path: &Path, error: &serde_json::Error) -> Fault {
    let mut why = error.to_string();
    if let Some(place) = why.rfind(" at line ").filter(|_| error.line() > 0) {
        why.truncate(place);
    }
    let line = error.line().max(1);
    let field = |kind: &str| why.strip_prefix(kind)?.split_once('`').map(|(name, _)| name.to_owned());
    if let Some(name) = field("unknown field `") {
        let is_state = STATE.contains(&name.as_str());
        let why = if is_state {
            "only listings have it; -S --json prints what -R --json reads"
        } else {
            "unknown field"
        };
        return Fault { line, path: path.with_last(name).to_string(), why: why.into() };
    }
    if let Some(name) = field("duplicate field `") {
        return Fault { line, path: path.with_last(name).to_string(), why: "the field comes twice".into() };
    }
    let line = if error.is_data() {
        // Whatever concerns a whole object is found at its end, and is shown at its beginning.
        path.line(text).unwrap_or(line)
    } else {
        line
    };
    // The type of the library has the kernel's range, and the field the one of the option.
    let widest = format!("a number from 0 to {}", u32::MAX);
    if let (Some(start), Some(range)) = (why.strip_suffix(&widest), path.last_key().and_then(seconds_range)) {
        why = format!("{start}a number of seconds from {} to {}", range.start(), range.end());
    }
    if text.trim_ascii().is_empty() {
        why = "there is no document".into();
    } else if error.is_eof() {
        why = format!("the document is cut: {why}");
    }
    Fault { line, path: path.to_string(), why }
}

/// Says if a document has another schema, whose fields may be unknown.
fn other_schema(text: &str) -> Option<Fault> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let schema = document.get(TOP)?.get("schema")?.as_u64().filter(|&schema| schema != SCHEMA)?;
    let path = Path::top("schema");
    let why = format!("the schema {schema} is unknown: this program reads schema {SCHEMA}");
    Some(Fault { line: path.line(text).unwrap_or(1), path: path.to_string(), why })
}

fn known_schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    struct Known;

    impl Visitor<'_> for Known {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "the number {SCHEMA}")
        }

        fn visit_u64<E: Error>(self, schema: u64) -> Result<(), E> {
            if schema == SCHEMA { Ok(()) } else { Err(E::invalid_value(Unexpected::Unsigned(schema), &self)) }
        }
    }

    deserializer.deserialize_u64(Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the fault of a text, as it is shown: line, path and reason.
    fn fault(text: &[u8]) -> String {
        match Settings::read(text) {
            Ok(settings) => panic!("{settings:?}"),
            Err(Fault { line, path, why }) => format!("{line}|{path}|{why}"),
        }
    }

    #[test]
    fn every_kind_of_malformed_document_has_a_place_and_a_reason() {
        for (text, expected) in [
            ("", "1||there is no document"),
            ("\n \n", "3||there is no document"),
            ("nul", "1||the document is cut: EOF while parsing a value"),
            (
                "\u{feff}{}",
                "1||the document begins with a byte-order mark (U+FEFF), which is invisible: remove it",
            ),
            ("-A -f 1", "1||invalid number"),
            ("\0", "1||expected value"),
            ("[]", "1||invalid type: sequence, expected an object"),
            ("7", "1||invalid type: integer `7`, expected an object"),
            ("{}", "1||missing field `ipvs`"),
            ("{\"ipvs\":[1]}", "1|ipvs|invalid type: sequence, expected an object"),
            ("{\"ipvs\":\n{}}", "2|ipvs|missing field `schema`"),
            ("{\"ipvs\":{\"schema\":1}\n}\n{}", "3||trailing characters"),
            ("{\"ipvs\":{\"schema\":1},\n\"x\":[]}", "2|x|unknown field"),
            ("{\"ipvs\":{\"schema\":1},\n\"ipvs\":{}}", "2|ipvs|the field comes twice"),
            (
                "{\"ipvs\":{\"kernel\":{}",
                "1|kernel|only listings have it; -S --json prints what -R --json reads",
            ),
        ] {
            assert_eq!(fault(text.as_bytes()), expected, "{text}");
        }
        for (schema, why) in [
            ("0", "the schema 0 is unknown: this program reads schema 1"),
            (
                "18446744073709551615",
                "the schema 18446744073709551615 is unknown: this program reads schema 1",
            ),
            ("2,\"new\":1", "the schema 2 is unknown: this program reads schema 1"),
            ("\"1\"", "invalid type: string \"1\", expected the number 1"),
            ("1.0", "invalid type: floating point `1.0`, expected the number 1"),
            ("null", "invalid type: null, expected the number 1"),
            ("[[]]", "invalid type: sequence, expected the number 1"),
        ] {
            let text = format!("{{\"ipvs\":{{\n\"schema\":{schema}}}}}");
            assert_eq!(fault(text.as_bytes()), format!("2|schema|{why}"), "{text}");
        }
        assert_eq!(fault(b"{\n\"ip\xffvs\":"), "2||the document is not valid UTF-8");
        for text in [b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}"] {
            assert_eq!(fault(text), "1||the document is in UTF-16: save it as UTF-8");
        }
    }

    #[test]
    fn seconds_of_every_kind_have_one_range() {
        for (value, what) in [
            ("-1", "invalid type: integer `-1`"),
            ("4294967296", "invalid value: integer `4294967296`"),
            ("18446744073709551616", "invalid type: floating point `1.8446744073709552e+19`"),
            ("1.5", "invalid type: floating point `1.5`"),
            ("\"5\"", "invalid type: string \"5\""),
            ("null", "invalid type: null"),
        ] {
            for (ipvs, path, min) in [
                ("\"timeouts\":{\"tcp\":@}", "timeouts.tcp", 0),
                ("\"timeouts\":{\"tcp\":5,\"tcp_fin\":@}", "timeouts.tcp_fin", 0),
                ("\"timeouts\":{\"udp\":@}", "timeouts.udp", 0),
                ("\"services\":[{\"fwmark\":7,\"persistence\":@}]", "services[0].persistence", 1),
            ] {
                let text = format!("{{\"ipvs\":{{\"schema\":1,{}}}}}", ipvs.replace('@', value));
                let expected = format!("1|{path}|{what}, expected a number of seconds from {min} to 2678400");
                assert_eq!(fault(text.as_bytes()), expected, "{text}");
            }
        }
        let text = "{\"ipvs\":{\"schema\":1,\"services\":[{\"fwmark\":-1}]}}";
        assert_eq!(
            fault(text.as_bytes()),
            "1|services[0].fwmark|invalid type: integer `-1`, expected a number from 0 to 4294967295"
        );
    }

    #[test]
    fn every_kind_of_malformed_value_is_named_by_its_path_and_line() {
        for (field, expected) in [
            ("\"weight\":-1", "weight|invalid type: integer `-1`, expected a number from 0 to 2147483647"),
            (
                "\"weight\":1.5",
                "weight|invalid type: floating point `1.5`, expected a number from 0 to 2147483647",
            ),
            ("\"weight\":1e999", "weight|number out of range"),
            (
                "\"weight\":2147483648",
                "weight|invalid value: integer `2147483648`, expected a number from 0 to 2147483647",
            ),
            ("\"weight\":null", "weight|invalid type: null, expected a number from 0 to 2147483647"),
            ("\"weight\":NaN", "weight|expected value"),
            ("\"weight\":1,\"weight\":1", "weight|the field comes twice"),
            ("\"wieght\":1", "wieght|unknown field"),
            ("\"stats\":{}", "stats|only listings have it; -S --json prints what -R --json reads"),
            ("\"forwarding\":\"nat\"", "forwarding|\"nat\" is not a forwarding method"),
            (
                "\"forwarding\":\"a\u{1b}\"",
                "forwarding|control character (\\u0000-\\u001F) found while parsing a string",
            ),
            ("\"forwarding\":\"\\ud800\"", "forwarding|unexpected end of hex escape"),
            ("\"tunnel\":[\"gue\",1]", "tunnel|invalid type: sequence, expected an object"),
            ("\"tunnel\":{\"type\":\"x\"}", "tunnel.type|\"x\" is not a type of tunnel: ipip, gue or gre"),
        ] {
            let text = format!(
                "{{\"ipvs\":{{\"schema\":1,\"services\":[{{}},\n{{\"fwmark\":1,\"destinations\":[\n\
                 {{\"address\":\"::1\",\"port\":0,\n{field}}}]}}]}}}}"
            )
            .replace("[{},", "[{\"fwmark\":2},");
            let expected = format!("4|services[1].destinations[0].{expected}");
            assert_eq!(fault(text.as_bytes()), expected, "{text}");
        }
        for (service, expected) in [
            ("[]", "3|services[1]|invalid type: sequence, expected an object"),
            ("{\n}", "3|services[1]|a service has either protocol, address and port, or fwmark and family"),
            ("{\"destinations\":\n{}}", "4|services[1].destinations|invalid type: map, expected a sequence"),
            (
                "{\"destinations\":[\n[]]}",
                "4|services[1].destinations[0]|invalid type: sequence, expected an object",
            ),
            (
                "{\n\"destinations\":[],\n\"destinations\":[]}",
                "5|services[1].destinations|the field comes twice",
            ),
            ("{\"fwmark\":1,\n\"fwmark\":1}", "4|services[1].fwmark|the field comes twice"),
            ("{\n\"shceduler\":1}", "4|services[1].shceduler|unknown field"),
            ("{\n\"fwmark\":1,\"flags\":[0]}", "3|services[1]|0 is no flag"),
            ("{\"fwmark\":1,\"flags\":[\"flag-1\",8]}", "3|services[1]|the flag 8 comes twice"),
            (
                "{\"fwmark\":1,\"scheduler\":\"sh\",\"flags\":[\"sh-port\",\"sh-port\"]}",
                "3|services[1]|the flag \"sh-port\" comes twice",
            ),
            (
                "{\"fwmark\":1,\"netmask\":\"255.255.255.0\"}",
                "3|services[1]|a netmask goes only with \"persistence\"",
            ),
            (
                "{\n\"scheduler\":\n\"a b\"}",
                "5|services[1].scheduler|the name contains a blank or a control character",
            ),
        ] {
            let text = format!("{{\"ipvs\":{{\"schema\":1,\"services\":[\n{{\"fwmark\":2}},\n{service}]}}}}");
            assert_eq!(fault(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn every_cut_document_is_refused() {
        let text = "{\"ipvs\":{\"schema\":1,\"timeouts\":{\"tcp\":5},\"daemons\":[],\"services\":[\n\
                    {\"fwmark\":7,\"flags\":[\"flag-1\"],\"destinations\":[{\"address\":\"::1\",\"port\":0}]}\n]}}";
        assert!(Settings::read(text.as_bytes()).is_ok());
        for length in 0..text.len() {
            let fault = fault(&text.as_bytes()[..length]);
            assert!(fault.contains("the document is cut") || length == 0, "{length}: {fault}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_takes_memory() {
        for (start, path) in [
            ("", ""),
            ("{\"ipvs\":", "ipvs"),
            ("{\"ipvs\":{\"schema\":", "schema"),
            ("{\"ipvs\":{\"schema\":1,\"services\":", "services[0]"),
            ("{\"ipvs\":{\"schema\":1,\"services\":[{\"flags\":", "services[0].flags[0]"),
            ("{\"ipvs\":{\"schema\":1,\"x\":", "x"),
        ] {
            let text = [start, &"[".repeat(1_000_000)].concat();
            let fault = fault(text.as_bytes());
            assert!(fault.starts_with(&format!("1|{path}|")), "{start}: {fault}");
        }
    }
}
