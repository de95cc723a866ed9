//! `-L --table`: what people see, in pipes and on terminals.

use std::net::UdpSocket;

use crate::support::*;

/// A director with a server of each kind, and its table as the option shows it.
fn director() -> Director {
    let director = Director::new();
    let rules = "\
-A -t 192.0.2.1:80 -s wrr -p 360 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 127.0.0.1:8080 -m -w 3 -x 100
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 0
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum
-A -f 7 -s rr
";
    assert_eq!(director.feed("-R", rules).status, 0);
    director
}

const TABLE: &str = "\
Service, server    State    Forward  Weight  Share  Active  Inactive  Limits  Conn/s  In B/s  Out B/s  Conns  In B  Out B
-------------------------------------------------------------------------------------------------------------------------
TCP 192.0.2.1:80                          4              0         0               0       0        0      0     0      0
  scheduler wrr; the clients of a network with mask 255.255.255.0 stay on one server for 6 min
  127.0.0.1:8080            NAT           3  75.0%       0         0  100/75       0       0        0      0     0      0
  198.51.100.2:80  drained  NAT           0   0.0%       0         0               0       0        0      0     0      0
  198.51.100.3:80           tunnel        1  25.0%       0         0               0       0        0      0     0      0
FWM 7                                     0              0         0               0       0        0      0     0      0
  scheduler rr
  no servers
";

#[test]
fn the_table_is_shown_whole_and_without_colors_in_a_pipe() {
    let director = director();
    assert_eq!(director.ok("-L -n --table"), TABLE);
    assert_eq!(director.ok("-Ln --table --color auto"), TABLE);
    let colored = director.ok("-L -n --table --color=always");
    assert!(colored.contains("\x1b[33m  198.51.100.2:80  drained"), "{colored}");
    let (_, last) = TABLE.split_once("FWM").unwrap();
    let (one, heading) =
        (director.ok("-L -n --table -f 7 --columns weight,name"), "Weight  Service, server\n");
    assert!(one.starts_with(heading) && one.contains("     0  FWM 7\n  scheduler rr\n"), "{one}");
    assert!(last.ends_with(one.split_once("rr\n").unwrap().1));
    let tunnel = director.ok("-L -n --table --tun-info");
    assert!(tunnel.contains("tunnel   gue:6080:+c"), "{tunnel}");
}

#[test]
fn names_are_shown_beside_numbers() {
    let table = director().ok("-L --table --columns name");
    assert!(table.contains("TCP 192.0.2.1:80 (http)\n"), "{table}");
    assert!(table.contains("  127.0.0.1:8080 (localhost:http-alt)\n"), "{table}");
}

#[test]
fn a_terminal_cuts_lines_and_gets_colors_unless_the_environment_refuses() {
    let director = director();
    let on_terminal = |columns: u32, variables: &str, options: &str| {
        let line = format!("stty cols {columns}; exec {PROGRAM} -L -n --table {options}");
        director
            .system(&format!("{variables} script -q -e -c '{line}' /dev/null </dev/null"))
            .replace("\r\n", "\n")
    };
    let plain = on_terminal(60, "TERM=xterm NO_COLOR=1", "");
    assert!(plain.lines().all(|line| line.chars().count() <= 60), "{plain}");
    assert!(plain.contains("  scheduler wrr; the clients of a network with mask 255.255…\n"), "{plain}");
    assert!(plain.ends_with("(no room for: inactive, limits, cps, in, out, total-connect…\n"), "{plain}");
    assert!(!plain.contains('\x1b'), "{plain}");
    let colored = on_terminal(60, "TERM=xterm NO_COLOR=", "");
    assert!(colored.contains("\x1b[33m  198.51.100.2:80  drained"), "{colored}");
    assert!(!on_terminal(60, "TERM=dumb", "").contains('\x1b'));
    assert!(!on_terminal(60, "TERM=xterm", "--color never").contains('\x1b'));
    // A terminal that does not know its width gets everything.
    assert_eq!(on_terminal(0, "TERM=dumb", ""), TABLE);
}

#[test]
fn connections_are_shown_as_a_table() {
    let director = Director::new();
    director.system("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    let heading = "Protocol  State  Expires  Client  Service  Server\n";
    assert!(director.ok("-L -c -n --table").starts_with(heading));
    director.ok("-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip");
    director.ok("-a -u 192.0.2.1:5060 -r 192.0.2.2:5060 -m");
    let client = UdpSocket::bind("127.0.0.1:40000").unwrap();
    let invitation = "INVITE sip:a@b SIP/2.0\r\nCall-ID: abc123@example.com\r\nContent-Length: 0\r\n\r\n";
    client.send_to(invitation.as_bytes(), "192.0.2.1:5060").unwrap();
    let listed = director.ok("-L -c -n --table --columns protocol,client,service,server");
    let line = "UDP       127.0.0.1:40000  192.0.2.1:5060  192.0.2.2:5060\n";
    assert!(listed.contains(line) && listed.lines().count() == 4, "{listed}");
    let listed = director.ok("-L -c --table --columns server,engine,data");
    assert!(listed.contains("192.0.2.2:5060 (sip)  sip     abc123@example.com\n"), "{listed}");
}

#[test]
fn options_for_tables_are_explained_and_checked() {
    let director = director();
    let columns = director.ok("-L --columns help");
    assert!(columns.contains("\nshare              the weight's part of the sum\n"), "{columns}");
    assert!(director.ok("-L -c --columns=help").starts_with("protocol           the protocol"));
    for (words, sentence) in [
        ("-L --columns name", "--columns needs --table"),
        ("-L --color auto", "--color needs --table"),
        ("-L --table --color red", "--color \"red\": it is auto, always or never"),
        ("-L --table --columns name,x", "--columns \"x\": it is not a column (see --columns help)"),
        ("-L -c --table --columns weight", "--columns \"weight\": it is not a column (see --columns help)"),
        ("-L --table --rate --columns name", "--columns and --rate exclude each other"),
        ("-L --table --timeout", "--timeout and --table exclude each other"),
    ] {
        director.refuses(words, 2, sentence);
    }
    let run = director.run("-L -n --table -t 192.0.2.9:80");
    assert!(run.status == 1 && run.stdout.is_empty(), "{run:?}");
}
