//! Refusals: provokes each errno from the kernel and checks how the program explains it.

use std::process::Command;

use ipvs_netlink::*;
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_generic::GenlMessage;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd, nlas::GenlCtrlAttrs};

use crate::support::*;

#[test]
fn adding_existing_or_changing_missing_entries_is_refused() {
    let director = Director::new();
    let service = "TCP 192.0.2.1:80";
    director.ok("-A -t 192.0.2.1:80 -s rr");
    director.ok("-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m");
    director.refuses(
        "-A -t 192.0.2.1:80 -s rr",
        255,
        &format!("cannot add service {service}: Service already exists (use -E to change it)"),
    );
    director.refuses(
        "-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m",
        255,
        &format!(
            "cannot add server 198.51.100.1:80 to service {service}: Destination already exists \
             (use -e to change it)"
        ),
    );
    // Only who wants something there is told to add it.
    let (list, add) = ("(see 'ipvsadm -L -n')", "(see 'ipvsadm -L -n'; use -A to add it)");
    for (words, attempt, hint) in [
        ("-E -t 192.0.2.1:81", "edit service", add),
        ("-D -t 192.0.2.1:81", "delete service", list),
        ("-Z -t 192.0.2.1:81", "zero the counters of service", list),
    ] {
        director.refuses(words, 255, &format!("cannot {attempt} TCP 192.0.2.1:81: No such service {hint}"));
    }
    director.refuses(
        "-L -n -t 192.0.2.1:81",
        1,
        &format!("cannot show service TCP 192.0.2.1:81: No such service {add}"),
    );
    for (words, attempt, hint) in [
        ("-a -t 192.0.2.1:81 -r 198.51.100.1", "add server 198.51.100.1:81 to", add),
        ("-e -t 192.0.2.1:81 -r 198.51.100.1", "edit server 198.51.100.1:81 of", add),
        ("-d -t 192.0.2.1:81 -r 198.51.100.1", "delete server 198.51.100.1:81 of", list),
    ] {
        let sentence = format!("cannot {attempt} service TCP 192.0.2.1:81: Service not defined {hint}");
        director.refuses(words, 255, &sentence);
    }
    for (words, attempt, hint) in [
        ("-e -t 192.0.2.1:80 -r 198.51.100.2", "edit", "(see 'ipvsadm -L -n'; use -a to add it)"),
        ("-d -t 192.0.2.1:80 -r 198.51.100.2", "delete", list),
    ] {
        director.refuses(
            words,
            255,
            &format!(
                "cannot {attempt} server 198.51.100.2:80 of service {service}: No such destination {hint}"
            ),
        );
    }
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1\n");
}

#[test]
fn a_missing_server_whose_address_is_there_with_another_port_or_method_is_named() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80 -s rr");
    director.ok("-a -t 192.0.2.1:80 -r 10.0.0.12:8080 -m");
    director.ok("-a -t 192.0.2.1:80 -r 10.0.0.13 -g");
    director.ok("-a -t 192.0.2.1:80 -r 10.0.0.14 -i");
    for (words, server, hint) in [
        (
            "-e -t 192.0.2.1:80 -r 10.0.0.12:8080 -w 0",
            "edit server 10.0.0.12:80",
            "10.0.0.12:8080 is there behind NAT: add -m",
        ),
        (
            "-e -t 192.0.2.1:80 -r 10.0.0.12 -m",
            "edit server 10.0.0.12:80",
            "10.0.0.12:8080 is there behind NAT",
        ),
        (
            "-d -t 192.0.2.1:80 -r 10.0.0.12",
            "delete server 10.0.0.12:80",
            "10.0.0.12:8080 is there behind NAT",
        ),
        (
            "-e -t 192.0.2.1:80 -r 10.0.0.13:81 -m",
            "edit server 10.0.0.13:81",
            "10.0.0.13:80 is there by direct routing",
        ),
        (
            "-d -t 192.0.2.1:80 -r 10.0.0.14:81",
            "delete server 10.0.0.14:81",
            "10.0.0.14:80 is there behind a tunnel",
        ),
    ] {
        let sentence = format!("cannot {server} of service TCP 192.0.2.1:80: No such destination ({hint})");
        director.refuses(words, 255, &sentence);
    }
    for port in 1..=5 {
        director.ok(&format!("-a -t 192.0.2.1:80 -r 10.0.0.15:{port} -m"));
    }
    let many = director.run("-d -t 192.0.2.1:80 -r 10.0.0.15:9");
    assert!(many.stderr.ends_with(" is there behind NAT, and 2 more)\n"), "{}", many.stderr);
    // Lines of a file get no extra question to the kernel each.
    let run = director.feed("-R", "-d -t 192.0.2.1:80 -r 10.0.0.12\n");
    assert!(run.stderr.contains("No such destination (see 'ipvsadm -L -n')\n"), "{}", run.stderr);
}

#[test]
fn missing_schedulers_and_persistence_engines_are_refused() {
    let director = Director::new();
    director.refuses(
        "-A -t 192.0.2.1:80 -s nosuch",
        255,
        "cannot add service TCP 192.0.2.1:80: Scheduler or persistence engine not found: the kernel has no scheduler \
         \"nosuch\" (module ip_vs_nosuch)",
    );
    director.refuses(
        "-A -t 192.0.2.1:80 -s rr -p --pe nosuch",
        255,
        "cannot add service TCP 192.0.2.1:80: Scheduler or persistence engine not found: the kernel lacks the \
         scheduler \"rr\" (module ip_vs_rr) or the persistence engine \"nosuch\" (module ip_vs_pe_nosuch)",
    );
    assert_eq!(director.saved(), "");
}

#[test]
fn lines_with_the_same_missing_scheduler_ask_the_kernel_once() {
    let director = Director::new();
    let requests = ModuleRequests::watch();
    for (words, name) in [("-R", "absent1"), ("-R --replace", "absent2")] {
        let lines: String =
            (1..=40).map(|mark| format!("-A -f {mark} -s {name}\n-A -f {} -s rr\n", mark + 100)).collect();
        let run = director.feed(words, &lines);
        let sentence = |mark| {
            format!(
                "<stdin>:{}: cannot add service FWM {mark}: Scheduler or persistence engine not found: the kernel has \
                 no scheduler \"{name}\" (module ip_vs_{name})\n",
                2 * mark - 1
            )
        };
        let expected: String = (1..=20).map(sentence).collect();
        assert!(run.stderr.starts_with(&format!("{expected}... and 20 more\n")), "{}", run.stderr);
        assert_eq!(run.status, 255);
        assert_eq!(requests.count(&format!("ip_vs_{name}")), 1, "{words}");
        let others = if words == "-R" { 40 } else { 0 };
        assert_eq!(director.saved().lines().count(), others, "{words}");
        director.ok("-C");
    }
    // Each run asks anew: somebody may have installed the module.
    assert_eq!(director.feed("-R", "-A -f 1 -s absent1\n").status, 255);
    assert_eq!(requests.count("ip_vs_absent1"), 2);
}

#[test]
fn impossible_servers_are_refused() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    director.ok("-A -t [2001:db8::1]:80");
    for (service, server) in [
        ("192.0.2.1:80", "224.0.0.1:80"),
        ("192.0.2.1:80", "255.255.255.255:80"),
        ("192.0.2.1:80", "0.0.0.0:80"),
        ("[2001:db8::1]:80", "[ff02::1]:80"),
        ("[2001:db8::1]:80", "[::]:80"),
    ] {
        let address = server.rsplit_once(':').unwrap().0.trim_matches(['[', ']']);
        director.refuses(
            &format!("-a -t {service} -r {server} -m"),
            255,
            &format!(
                "cannot add server {server} to service TCP {service}: {address} is not the unicast address of \
                 a host (it may be a multicast, broadcast or link-local one), or no interface is up yet"
            ),
        );
    }
    director.refuses(
        "-a -t 192.0.2.1:80 -r 198.51.100.1 -x 3 -y 4",
        255,
        "cannot add server 198.51.100.1:80 to service TCP 192.0.2.1:80: the lower threshold 4 is above the \
         upper threshold 3",
    );
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s wlc\n-A -t [2001:db8::1]:80 -s wlc\n");
}

#[test]
fn a_check_finds_what_every_kernel_refuses() {
    let director = Director::new();
    let why = "cannot add server 198.51.100.1:0 to service FWM 1: the lower threshold 20 is above the upper threshold 10";
    let line = "-a -f 1 -r 198.51.100.1 -x 10 -y 20";
    let lines = format!("-A -f 1\n-a -f 1 -r 198.51.100.2 -x 20 -y 20\n{line}\n");
    for words in ["-R --check", "-R --replace --check"] {
        let run = director.feed(words, &lines);
        let expected = format!("<stdin>:3: {why}\n    {line}\nipvsadm: nothing was applied\n");
        assert_eq!((run.status, run.stderr.as_str()), (2, expected.as_str()), "{words}");
    }
    let document = "{\"ipvs\":{\"schema\":1,\"services\":[{\"fwmark\":1,\"destinations\":[\n\
        {\"address\":\"198.51.100.1\",\"port\":0,\"upper_threshold\":10,\"lower_threshold\":20}]}]}}\n";
    for words in ["-R --json --check", "-R --json --replace --check"] {
        let run = director.feed(words, document);
        let expected =
            format!("<stdin>:2: services[0].destinations[0]: {why}\nipvsadm: nothing was applied\n");
        assert_eq!((run.status, run.stderr.as_str()), (2, expected.as_str()), "{words}");
    }
    // Without a check the kernel refuses it alone, as it does for the original.
    let run = director.feed("-R", &lines);
    let expected = format!("<stdin>:3: {why}\nipvsadm: the other lines were applied\n");
    assert_eq!((run.status, run.stderr), (255, expected));
    assert_eq!(director.saved().lines().count(), 2);
}

#[test]
fn a_lack_of_privileges_is_reported_and_nothing_changes() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80");
    let public = " (without it, only -L and -L -c show something)";
    for (words, attempt, hint) in [
        ("-A -t 192.0.2.2:80", "add service TCP 192.0.2.2:80", ""),
        ("-C", "clear the table", ""),
        ("-L -n --stats", "ask for the version of IPVS", public),
        ("-S -n", "list the services", public),
    ] {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_admin", "--", PROGRAM]).args(words.split(' '));
        let run = run(&mut command);
        assert_eq!(
            run.stderr,
            format!(
                "ipvsadm: cannot {attempt}: permission denied: this needs root, or CAP_NET_ADMIN in the \
                 initial user namespace{hint}\n"
            )
        );
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    }
    assert_eq!(director.saved(), "-A -t 192.0.2.1:80 -s wlc\n");
}

/// Returns the kernel's errno for a message that the library's types cannot express: the encoding of `change`
/// with the bytes `find` replaced.
pub fn errno_for_damaged(change: Change, find: &[u8], replacement: &[u8]) -> i32 {
    let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_GENERIC).unwrap();
    socket.bind_auto().unwrap();
    socket.connect(&netlink_sys::SocketAddr::new(0, 0)).unwrap();
    let exchange = |bytes: &[u8]| {
        socket.send(bytes, 0).unwrap();
        socket.recv_from_full().unwrap().0
    };

    let family =
        GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: vec![GenlCtrlAttrs::FamilyName("IPVS".into())] };
    let mut question = NetlinkMessage::from(GenlMessage::from_payload(family));
    question.header.flags = NLM_F_REQUEST;
    question.finalize();
    let mut bytes = vec![0; question.buffer_len()];
    question.serialize(&mut bytes);
    let answer = NetlinkMessage::<GenlMessage<GenlCtrl>>::deserialize(&exchange(&bytes)).unwrap();
    let NetlinkPayload::InnerMessage(answer) = answer.payload else { panic!() };
    let id = answer.payload.nlas.iter().find_map(|nla| match nla {
        GenlCtrlAttrs::FamilyId(id) => Some(*id),
        _ => None,
    });

    let mut message = GenlMessage::from_payload(Request::from(change));
    message.set_resolved_family_id(id.unwrap());
    let mut packet = NetlinkMessage::from(message);
    packet.header.flags = NLM_F_REQUEST | NLM_F_ACK;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    let offset = bytes.windows(find.len()).position(|window| window == find).unwrap();
    bytes[offset..offset + find.len()].copy_from_slice(replacement);
    let answer = NetlinkMessage::<GenlMessage<Reply>>::deserialize(&exchange(&bytes)).unwrap();
    let NetlinkPayload::Error(error) = answer.payload else { panic!() };
    error.raw_code()
}

#[test]
fn the_kernel_refuses_messages_that_the_types_exclude() {
    let director = Director::new();
    let v6 = Change::AddService(Service::new(tcp("2001:db8::1", 80)));
    // A nonexistent address family: EAFNOSUPPORT.
    assert_eq!(errno_for_damaged(v6, &[6, 0, 1, 0, 10, 0], &[6, 0, 1, 0, 99, 0]), -97);
    // An IPv6 prefix of 200: EINVAL.
    assert_eq!(errno_for_damaged(v6, &[8, 0, 9, 0, 128], &[8, 0, 9, 0, 200]), -22);
    assert_eq!(director.saved(), "");
    // The undamaged message.
    assert_eq!(errno_for_damaged(v6, &[8, 0, 9, 0, 128], &[8, 0, 9, 0, 128]), 0);
    assert_eq!(director.saved(), "-A -t [2001:db8::1]:80 -s wlc\n");
}
