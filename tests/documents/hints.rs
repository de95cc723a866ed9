//! The hints of the guide for when something does not work: each is broken in a test, in which `--doctor` names it, or is
//! of a kind that it cannot tell, which the manual explains.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::read;

/// What becomes of a hint.
#[derive(Clone, Copy)]
enum Fate {
    /// These checks name it. Each comes with the file below tests/ipvsadm and the test that breaks it.
    Named(&'static [(&'static str, &'static str, &'static str)]),
    /// The doctor cannot tell, for the reason that the manual gives under this title.
    Untold(&'static str),
}

use Fate::{Named, Untold};

const DIRECTOR: (&str, &str) =
    ("cluster/doctor/director.rs", "each_wrong_setting_of_a_director_is_named_and_nothing_before");
const SERVER: (&str, &str) =
    ("cluster/doctor/real_server.rs", "each_wrong_setting_of_a_real_server_is_named_and_nothing_before");
const PLACES: (&str, &str) =
    ("cluster/doctor/real_server.rs", "answers_of_datagrams_and_ipv6_addresses_belong_to_the_right_place");
const TUNNEL: (&str, &str) = ("cluster/doctor/real_server.rs", "a_missing_end_of_a_tunnel_is_named");
const SILENT: (&str, &str) =
    ("cluster/doctor/traffic.rs", "a_server_whose_answers_do_not_come_back_is_named");
const REFUSING: (&str, &str) = ("cluster/doctor/traffic.rs", "a_server_program_that_is_not_running_is_named");
const BESIDE: (&str, &str) =
    ("cluster/doctor/traffic.rs", "a_client_in_the_network_of_servers_behind_nat_is_named");
const DRAINED: (&str, &str) =
    ("cluster/doctor/traffic.rs", "clients_of_a_drained_and_of_a_deleted_server_are_named");
const HOLDER: (&str, &str) =
    ("cluster/doctor/elsewhere.rs", "another_machine_that_answers_for_a_virtual_address_is_named");
const DIRECTORS: (&str, &str) =
    ("cluster/doctor/elsewhere.rs", "directors_that_do_not_belong_together_are_named");
const MARK: (&str, &str) = ("cluster/doctor/marks.rs", "a_mark_that_nothing_sets_is_named");
const SECOND: (&str, &str) = ("cluster/doctor/marks.rs", "a_second_address_that_a_machine_lacks_is_named");
const FTP: (&str, &str) =
    ("cluster/doctor/kernel.rs", "a_helper_for_ftp_that_is_missing_or_watches_other_ports_is_named");
const TRACKED: (&str, &str) = ("cluster/doctor/kernel.rs", "a_full_table_of_tracked_connections_is_named");
const DUPLICATE: (&str, &str) =
    ("cluster/doctor/director.rs", "ipv6_addresses_that_another_machine_has_are_named");
const RULES: (&str, &str) = ("doctor.rs", "the_rules_file_is_compared_with_the_table");
const MANAGED: (&str, &str) = ("doctor.rs", "programs_that_change_the_table_are_named");
const LOAD: (&str, &str) = ("load_notes.rs", "the_doctor_misses_whoever_set_the_weights");

const fn by(
    check: &'static str,
    test: (&'static str, &'static str),
) -> (&'static str, &'static str, &'static str) {
    (check, test.0, test.1)
}

const WAY: Fate = Untold("The way of packets");
const REFUSED: Fate = Untold("Refused commands");
const OTHERS: Fate = Untold("Other programs");
const WANTED: Fate = Untold("What somebody may want");

/// The chapters and beginnings of all hints, in the order of the guide.
const HINTS: &[(&str, &str, Fate)] = &[
    ("nat", "There is no entry", Named(&[by("address-missing", DIRECTOR)])),
    (
        "nat",
        "The state is SYN_RECV",
        Named(&[
            by("forwarding-off", DIRECTOR),
            by("no-answers", SILENT),
            by("refused", REFUSING),
            by("client-beside-server", BESIDE),
        ]),
    ),
    ("nat", "In ipvsadm -L -n --stats, Conns grows", Named(&[by("no-answers", SILENT)])),
    (
        "dr",
        "All requests go to one server",
        Named(&[by("arp-answered", SERVER), by("arp-announced", SERVER), by("address-duplicate", HOLDER)]),
    ),
    (
        "dr",
        "ipvsadm -L -n -c shows SYN_RECV and nobody",
        Named(&[by("waiting", SERVER), by("address-missing", SERVER), by("not-listening", SERVER)]),
    ),
    ("dr", "A server is counted as chosen", Named(&[by("local-server", DIRECTOR)])),
    ("tun", "tcpdump -n -i eth0 host 192.0.2.10", WAY),
    ("tun", "ip -s link show gre0 counts errors", Named(&[by("gre-checksum", TUNNEL)])),
    (
        "tun",
        "Packets arrive but are not answered",
        Named(&[by("no-tunnel", TUNNEL), by("address-missing", SERVER), by("reverse-path", SERVER)]),
    ),
    ("tun", "Answers leave the server but do not arrive", WAY),
    ("tun", "Small requests work but uploads stall", WAY),
    ("fwmark", "tc -s filter show dev clients ingress", Named(&[by("mark-unseen", MARK)])),
    (
        "fwmark",
        "With direct routing or tunnels, servers need all",
        Named(&[by("mark-unseen", SECOND), by("waiting", SECOND), by("address-missing", SECOND)]),
    ),
    ("fwmark", "Marks of IPv6 packets are a separate service", WANTED),
    ("persistence", "A server with weight 0 still gets", Named(&[by("drained-persistent", DRAINED)])),
    ("persistence", "Some servers get nearly all of the load", WANTED),
    ("persistence", "Each service binds its clients separately", WANTED),
    ("ftp", "Login works, but then nothing arrives", Named(&[by("ftp-helper", FTP)])),
    ("ftp", "Only active mode fails", WAY),
    ("ftp", "When the connection tracking table is nearly full", Named(&[by("conntrack-full", TRACKED)])),
    ("udp", "With NAT, requests arrive", Named(&[by("one-packet-nat", DIRECTOR)])),
    ("udp", "Answers come from an address other", Named(&[by("any-address", PLACES)])),
    ("udp", "Old clients stay with their server", WANTED),
    ("sip", "Messages of one call go to different servers", Named(&[by("engine-protocol", DIRECTOR)])),
    ("sip", "-A fails with No such file or directory", REFUSED),
    (
        "ipv6",
        "An address is tentative",
        Named(&[by("address-duplicate", DUPLICATE), by("address-announced", PLACES)]),
    ),
    ("ipv6", "A mark for IPv6 is -f 1 -6", WANTED),
    ("maintenance", "A server with weight 0 still gets", Named(&[by("drained-persistent", DRAINED)])),
    ("maintenance", "--undrain has no note", REFUSED),
    ("maintenance", "A drained server has its weight again", WANTED),
    ("maintenance", "The number of active connections never", WANTED),
    (
        "maintenance",
        "All servers have weight 0 or have reached",
        Named(&[by("all-drained", DIRECTOR), by("all-full", DIRECTOR)]),
    ),
    ("load", "A weight never changes", OTHERS),
    ("load", "A weight changes that you have set", WANTED),
    ("load", "Weights are low, and nothing follows", Named(&[by("load-not-followed", LOAD)])),
    ("load", "A server at 1%", WANTED),
    ("looking", "The table is empty although", OTHERS),
    ("looking", "All counters stay the same", Named(&[by("counters-frozen", DIRECTOR)])),
    ("looking", "Out B/s is 0", WANTED),
    ("looking", "The node exporter shows no metrics", OTHERS),
    ("ha", "Both directors have the address", Named(&[by("address-duplicate", HOLDER)])),
    (
        "ha",
        "ipvsadm -L -n -c stays empty on the second",
        Named(&[by("sync-id", DIRECTORS), by("sync-group", DIRECTORS), by("sync-masters", DIRECTORS)]),
    ),
    ("ha", "Connections break although the other", Named(&[by("no-answers", DIRECTORS)])),
    ("ha", "Synchronisation cannot be combined", REFUSED),
    ("script", "The module ip_vs may not be loaded yet", OTHERS),
    (
        "script",
        "The script also did something else",
        Named(&[by("address-missing", DIRECTOR), by("mark-unseen", MARK)]),
    ),
    ("script", "The script had host names", Named(&[by("rules-names", RULES)])),
    ("reload", "journalctl -u ipvsadm shows", OTHERS),
    ("reload", "Host names in the file", Named(&[by("rules-names", RULES)])),
    ("reload", "A server that the file drops", WANTED),
    ("reload", "--drain-removed waits until", WANTED),
    ("reload", "Another program changes the table", Named(&[by("managed", MANAGED)])),
    ("reload", "A manual change is gone", Named(&[by("rules-differ", RULES)])),
    ("schedulers", "-A or -E reports that there is no such", Named(&[by("rules-scheduler", RULES)])),
    ("schedulers", "The shares are not as expected", WANTED),
    ("schedulers", "With sh or mh, all clients", WANTED),
    ("programs", "there is no document", REFUSED),
    ("programs", "only listings have it", REFUSED),
    ("programs", "A service has disappeared", WANTED),
    ("programs", "Another program has changed the table", WANTED),
    ("programs", "A field is missing", WANTED),
];

/// A hint as the guide has it.
struct Hint {
    chapter: String,
    text: String,
    /// The names in brackets.
    checks: Vec<String>,
}

/// Returns the hints of the guide: the items of the lists that follow such a sentence.
fn hints(guide: &str) -> Vec<Hint> {
    let mut hints: Vec<Hint> = Vec::new();
    let (mut chapter, mut paragraph) = (String::new(), String::new());
    let (mut in_heading, mut is_about_faults) = (false, false);
    for event in Parser::new(guide) {
        let hint = hints.last_mut().filter(|_| is_about_faults);
        match event {
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Code(code) if in_heading => chapter = code.to_string(),
            Event::Start(Tag::Paragraph) => paragraph.clear(),
            Event::Start(Tag::List(_)) => {
                let is_start = ["If it does not work:", "If clients get no answer"]
                    .iter()
                    .any(|start| paragraph.starts_with(start));
                is_about_faults = is_start;
            }
            Event::End(TagEnd::List(_)) => is_about_faults = false,
            Event::Start(Tag::Item) if is_about_faults => {
                hints.push(Hint { chapter: chapter.clone(), text: String::new(), checks: Vec::new() });
            }
            Event::Code(code) => match (hint, code.strip_prefix('[').and_then(|code| code.strip_suffix(']')))
            {
                (Some(hint), Some(check)) => hint.checks.push(check.to_owned()),
                (Some(hint), None) => hint.text += &code,
                (None, _) => paragraph += &code,
            },
            Event::Text(text) => match hint {
                Some(hint) => hint.text += &text,
                None => paragraph += &text,
            },
            _ => {}
        }
    }
    hints
}

#[test]
fn each_hint_of_the_guide_is_named_by_the_doctor_or_explained() {
    let (guide, manual) = (hints(&read("docs/guide.md")), read("docs/ipvsadm.8"));
    let places = |hints: &[Hint]| -> Vec<String> {
        hints.iter().map(|hint| format!("{}: {}", hint.chapter, hint.text)).collect()
    };
    let unknown: Vec<String> = places(&guide)
        .into_iter()
        .filter(|place| {
            let is_it =
                |(chapter, start, _): &&(&str, &str, Fate)| place.starts_with(&format!("{chapter}: {start}"));
            HINTS.iter().filter(is_it).count() != 1
        })
        .collect();
    assert_eq!(unknown, [""; 0], "say in HINTS what becomes of these");
    assert_eq!(guide.len(), HINTS.len(), "hints in HINTS that the guide does not have");
    for (hint, (chapter, start, fate)) in guide.iter().zip(HINTS) {
        let place = format!("{chapter}: {start}");
        assert!(hint.chapter == *chapter && hint.text.starts_with(start), "{place} is in another order");
        let checks: &[(&str, &str, &str)] = match fate {
            Named(checks) => checks,
            Untold(reason) => {
                assert!(
                    manual.contains(&format!(".It Em {reason} .\n")),
                    "the manual does not explain: {reason}"
                );
                &[]
            }
        };
        let names: Vec<&str> = checks.iter().map(|(check, ..)| *check).collect();
        assert_eq!(hint.checks, names, "{place}: the names in brackets");
        for (check, file, test) in checks {
            assert!(manual.contains(&format!(".It Cm {check}\n")), "the manual does not have {check}");
            let text = read(&format!("tests/ipvsadm/{file}"));
            let is_test = text.contains(&format!("\n#[test]\nfn {test}() {{\n"));
            assert!(is_test && text.contains(check), "{place}: {file} does not test {check} in {test}");
        }
    }
}
