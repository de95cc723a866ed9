//! Every command of the program.

use std::fs::File;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::*;

const HEADER: &str = "IP Virtual Server version 1.2.1 (size=";
const PLAIN: &str = "Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
";
const STATS: &str = "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
";

/// Strips the first line of a listing, which contains the size of the kernel's table.
fn without_header(listing: &str) -> &str {
    let (first, rest) = listing.split_once('\n').unwrap();
    assert!(first.starts_with(HEADER), "{first}");
    rest
}

#[test]
fn an_empty_table_is_listed_saved_and_cleared() {
    let director = Director::new();
    for words in ["", "-L", "-l", "-Ln", "-L -n", "--list --numeric"] {
        assert_eq!(without_header(&director.ok(words)), PLAIN);
    }
    assert_eq!(without_header(&director.ok("-L -n --stats")), STATS);
    for words in ["-S", "-S -n", "-C", "-Z"] {
        assert_eq!(director.ok(words), "");
    }
}

/// One service of each kind with servers of each kind, in the format of `-S -n`.
const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wlc
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 1
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -g -w 0
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -i -w 2147483647 --tun-type ipip
-a -t 192.0.2.1:80 -r 198.51.100.4:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 192.0.2.1:80 -r 198.51.100.5:80 -i -w 1 --tun-type gue --tun-port 65535 --tun-csum -x 100 -y 50
-a -t 192.0.2.1:80 -r 198.51.100.6:80 -i -w 1 --tun-type gue --tun-port 1 --tun-remcsum -x 1
-a -t 192.0.2.1:80 -r 198.51.100.7:80 -i -w 1 --tun-type gre --tun-nocsum
-a -t 192.0.2.1:80 -r 198.51.100.8:80 -i -w 1 --tun-type gre --tun-csum
-A -t 192.0.2.1:443 -s wrr -p 360
-A -t 192.0.2.2:0 -s rr -p 50 -M 255.255.255.0
-a -t 192.0.2.2:0 -r 198.51.100.1:0 -m -w 1
-A -t 192.0.2.3:80 -s sh -b sh-fallback,sh-port
-A -t 192.0.2.4:80 -s mh -b mh-fallback,mh-port
-A -t 192.0.2.5:80 -s rr -b flag-1,flag-2,flag-3
-A -t 200.0.0.1:80 -s nq
-A -u 192.0.2.1:53 -s rr -o
-a -u 192.0.2.1:53 -r 198.51.100.1:53 -m -w 100
-A -u 192.0.2.1:5060 -s sh -p 60 -M 255.255.0.0 --pe sip -o -b sh-port
-A --sctp-service 192.0.2.1:9999 -s lc
-a --sctp-service 192.0.2.1:9999 -r 198.51.100.1:9999 -m -w 1
-A -t [2001:db8::1]:80 -s fo
-a -t [2001:db8::1]:80 -r 198.51.100.77:80 -i -w 1 --tun-type ipip
-a -t [2001:db8::1]:80 -r [2001:db8::2]:8080 -m -w 1
-A -u [2001:db8:1111:2222:3333:4444:5555:6666]:65535 -s ovf -p 100 -M 96 -o
-a -u [2001:db8:1111:2222:3333:4444:5555:6666]:65535 -r [2001:db8:1111:2222:3333:4444:5555:7777]:65535 -m -w 1
-A --sctp-service [2001:db8::5]:9999 -s sed
-A -f 1 -s lblc
-a -f 1 -r 198.51.100.1:0 -m -w 1
-a -f 1 -r 198.51.100.3:8080 -g -w 1
-A -f 1 -6 -s lblcr -p 300 -M 64
-a -f 1 -6 -r [2001:db8::9]:0 -g -w 1
-A -f 4294967295 -s dh
";

#[test]
fn a_restored_table_is_listed_and_saved() {
    let director = Director::new();
    let restored = director.feed("-R", TABLE);
    assert_eq!((restored.status, restored.stdout.as_str(), restored.stderr.as_str()), (0, "", ""));
    assert_eq!(director.saved(), TABLE);
    // Lines of servers end in blanks; `$` marks the end of such a line.
    let listing = "\
TCP  192.0.2.1:80 wlc
  -> 198.51.100.1:8080            Masq    1      0          0         $
  -> 198.51.100.2:80              Route   0      0          0         $
  -> 198.51.100.3:80              Tunnel  2147483647 0          0         $
  -> 198.51.100.4:80              Tunnel  1      0          0         $
  -> 198.51.100.5:80              Tunnel  1      0          0         $
  -> 198.51.100.6:80              Tunnel  1      0          0         $
  -> 198.51.100.7:80              Tunnel  1      0          0         $
  -> 198.51.100.8:80              Tunnel  1      0          0         $
TCP  192.0.2.1:443 wrr persistent 360
TCP  192.0.2.2:0 rr persistent 50 mask 255.255.255.0
  -> 198.51.100.1:0               Masq    1      0          0         $
TCP  192.0.2.3:80 sh (sh-fallback,sh-port)
TCP  192.0.2.4:80 mh (mh-fallback,mh-port)
TCP  192.0.2.5:80 rr (flag-1,flag-2,flag-3)
TCP  200.0.0.1:80 nq
UDP  192.0.2.1:53 rr ops
  -> 198.51.100.1:53              Masq    100    0          0         $
UDP  192.0.2.1:5060 sh (sh-port) persistent 60 mask 255.255.0.0 pe sip ops
SCTP 192.0.2.1:9999 lc
  -> 198.51.100.1:9999            Masq    1      0          0         $
TCP  [2001:db8::1]:80 fo
  -> 198.51.100.77:80             Tunnel  1      0          0         $
  -> [2001:db8::2]:8080           Masq    1      0          0         $
UDP  [2001:db8:1111:2222:3333:4444:5555:6666]:65535 ovf persistent 100 mask 96 ops
  -> [2001:db8:1111:2222:3333:4444:5555:7777]:65535 Masq    1      0          0         $
SCTP [2001:db8::5]:9999 sed
FWM  1 lblc
  -> 198.51.100.1:0               Masq    1      0          0         $
  -> 198.51.100.3:8080            Route   1      0          0         $
FWM  1 IPv6 lblcr persistent 300 mask 64
  -> [2001:db8::9]:0              Route   1      0          0         $
FWM  4294967295 dh
";
    let listing = listing.replace("$\n", "\n");
    assert_eq!(without_header(&director.ok("-L -n")), format!("{PLAIN}{listing}"));
    assert_eq!(
        director.ok("-L -n -f 1 --stats"),
        format!(
            "{STATS}FWM  1                                   0        0        0        0        0
  -> 198.51.100.1:0                      0        0        0        0        0
  -> 198.51.100.3:8080                   0        0        0        0        0
"
        )
    );
    assert_eq!(
        director.ok("-L -n -t [2001:db8::1]:80"),
        format!(
            "{PLAIN}TCP  [2001:db8::1]:80 fo
  -> 198.51.100.77:80             Tunnel  1      0          0         $
  -> [2001:db8::2]:8080           Masq    1      0          0         $
"
        )
        .replace("$\n", "\n")
    );
    director.ok("-C");
    assert_eq!(director.saved(), "");
}

#[test]
fn services_and_servers_are_edited_and_deleted() {
    let director = Director::new();
    director.ok("-A -t 192.0.2.1:80 -s rr -p 100 -M 255.255.255.0");
    director.ok("-a -t 192.0.2.1:80 -r 198.51.100.1 -m -w 5 -x 10 -y 5");
    director.ok("-a -t 192.0.2.1:80 -r 198.51.100.2:8080 -g");
    // An edit resets every setting that it does not mention.
    director.ok("-E -t 192.0.2.1:80");
    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1 -w 7");
    assert_eq!(
        director.saved(),
        "-A -t 192.0.2.1:80 -s wlc
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 7
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -g -w 1
"
    );
    director.ok("-Z -t 192.0.2.1:80");
    director.ok("-d -t 192.0.2.1:80 -r 198.51.100.2");
    assert_eq!(
        director.saved(),
        "-A -t 192.0.2.1:80 -s wlc\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 7\n"
    );
    director.ok("-D -t 192.0.2.1:80");
    assert_eq!(director.saved(), "");
}

#[test]
fn the_order_of_options_does_not_matter() {
    let director = Director::new();
    director.ok("-A -6 -M 64 -p 10 -f 7");
    director.ok("-a -m -r 2001:db8::2 -6 -f 7");
    director.ok("-A -M 64 -p 10 -t [2001:db8::1]:80");
    director.ok("-A -p -f 8");
    director.ok("-a -r 2001:db8::2 -m -t [2001:db8::1]:80");
    assert_eq!(
        director.saved(),
        "-A -t [2001:db8::1]:80 -s wlc -p 10 -M 64
-a -t [2001:db8::1]:80 -r [2001:db8::2]:80 -m -w 1
-A -f 7 -6 -s wlc -p 10 -M 64
-a -f 7 -6 -r [2001:db8::2]:0 -m -w 1
-A -f 8 -s wlc -p 360
"
    );
}

#[test]
fn the_version_has_the_format_that_scripts_parse() {
    let version = Director::new().ok("-v");
    assert_eq!(
        version,
        format!("ipvsadm v{} 2026/11/22 (compiled with clap and IPVS v1.2.1)\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_closed_pipe_or_a_full_device_does_not_crash_the_program() {
    let director = Director::alone();
    // More than a pipe takes that nobody reads.
    let rules: String = (1..6000).map(|mark| format!("-A -f {mark}\n")).collect();
    assert_eq!(director.feed("-R", &rules).status, 0);
    let first = director.system(&format!("{PROGRAM} -L -n | head -n 1"));
    assert!(first.starts_with(HEADER));
    // A backup that nobody reads to its end must not look complete.
    let statuses =
        director.system(&format!("bash -c '{PROGRAM} -S -n | head -n 1 >&2; echo ${{PIPESTATUS[0]}}'"));
    assert_eq!(statuses, "141\n");
    let full = Command::new(PROGRAM)
        .arg("-Ln")
        .stdout(File::options().write(true).open("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(full.status.code(), Some(1));
    assert!(
        String::from_utf8(full.stderr).unwrap().starts_with("ipvsadm: cannot write to standard output: ")
    );
}

#[test]
fn timeouts_are_set_and_shown() {
    let director = Director::new();
    assert_eq!(director.ok("-L --timeout"), "Timeout (tcp tcpfin udp): 900 120 300\n");
    director.ok("--set 1000 0 77");
    director.ok("--set -- 0 66 0");
    assert_eq!(director.ok("-L --timeout -n"), "Timeout (tcp tcpfin udp): 1000 66 77\n");
    director.refuses(
        "--set 1 2",
        2,
        "--set needs three timeouts in seconds: TCP TCPFIN UDP, 0 to leave one as it is",
    );
    director.refuses("--set 1 2 3 4", 2, "unexpected word \"4\"");
    director.refuses("--set 1 2 x", 2, "--set \"x\": a timeout is a number of seconds from 0 to 2678400");
}

#[test]
fn sync_daemons_are_started_listed_and_stopped() {
    let director = Director::new();
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    assert_eq!(director.ok("-L --daemon"), "");
    director.ok(
        "--start-daemon master --mcast-interface d0 --syncid 200 --sync-maxlen 1000 --mcast-group 224.0.0.99 \
         --mcast-port 9000 --mcast-ttl 5",
    );
    director.ok("--start-daemon=backup --mcast-interface=d0");
    assert_eq!(
        director.ok("-L --daemon"),
        "master sync daemon (mcast=d0, syncid=200, maxlen=1000, group=224.0.0.99, port=9000, ttl=5)
backup sync daemon (mcast=d0, syncid=0, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
"
    );
    let error = "cannot start the backup sync daemon on d0: it runs already";
    director.refuses("--start-daemon backup --mcast-interface d0", 255, error);
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    sleep(Duration::from_millis(500));
    director.ok("--stop-daemon backup --syncid 9");
    director.ok("--stop-daemon master");
    assert_eq!(director.ok("-L --daemon"), "");
    let error = "cannot stop the master sync daemon: No daemon is running in this state";
    director.refuses("--stop-daemon master", 255, error);
    let error =
        "cannot start the master sync daemon on d9: No such device: there is no such network interface";
    director.refuses("--start-daemon master --mcast-interface d9", 255, error);
}

#[test]
fn connections_are_listed_with_and_without_persistence_data() {
    let director = Director::new();
    director.system("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo");
    director.ok("-A -u 192.0.2.1:5060 -s rr -p 60 --pe sip");
    director.ok("-a -u 192.0.2.1:5060 -r 192.0.2.2:5060 -m");
    let heading = "IPVS connection entries
pro expire state       source             virtual            destination";
    assert_eq!(director.ok("-L -n -c"), format!("{heading}\n"));

    let client = UdpSocket::bind("127.0.0.1:40000").unwrap();
    let invitation =
        "INVITE sip:a@b SIP/2.0\r\nCall-ID: abc123@client.example.com\r\nContent-Length: 0\r\n\r\n";
    client.send_to(invitation.as_bytes(), "192.0.2.1:5060").unwrap();
    let listed = director.ok("-L -n -c");
    let mut lines: Vec<Vec<&str>> =
        listed.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    lines.sort_by_key(|columns| columns[3]);
    let sources = ["127.0.0.1:0", "127.0.0.1:40000"];
    for (columns, source) in lines.iter().zip(sources) {
        let expected = ["UDP", columns[1], columns[2], source, "192.0.2.1:5060", "192.0.2.2:5060"];
        assert_eq!(*columns, expected, "{listed}");
    }
    assert_eq!((lines.len(), lines[1][2]), (2, "UDP"), "{listed}");
    let listed = director.ok("-L -n -c --persistent-conn");
    assert!(listed.starts_with(&format!("{heading}        pe name          pe_data\n")), "{listed}");
    let engine = "192.0.2.2:5060   sip                abc123@client.example.com\n";
    assert!(listed.contains(engine), "{listed}");
}

#[test]
fn names_replace_addresses_and_ports_unless_numeric_output_is_requested() {
    let director = Director::new();
    director.ok("-A -t localhost:http -s rr");
    director.ok("-a -t 127.0.0.1:80 -r 198.51.100.1:www -m");
    assert_eq!(director.saved(), "-A -t 127.0.0.1:80 -s rr\n-a -t 127.0.0.1:80 -r 198.51.100.1:80 -m -w 1\n");
    assert_eq!(
        director.ok("-S"),
        "-A -t localhost:http -s rr\n-a -t localhost:http -r 198.51.100.1:http -m -w 1\n"
    );
    assert!(director.ok("-L").contains("TCP  localhost:http rr\n  -> 198.51.100.1:http            Masq "));
}

#[test]
fn a_dead_name_server_does_not_hang_a_listing_and_numeric_output_never_queries_it() {
    let director = Director::new();
    // Queries to the name server vanish in an interface that leads nowhere.
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    let rules: String =
        (1..=100).map(|number| format!("-a -t 192.0.2.1:80 -r 198.51.100.{number} -m\n")).collect();
    assert_eq!(director.feed("-R", &format!("-A -t 192.0.2.1:80\n{rules}")).status, 0);
    let with_dead_resolver = |words: &str| {
        let started = Instant::now();
        let listed = director.system(&format!(
            "unshare -m sh -c 'mount -t tmpfs none /mnt && cd /mnt && \
             printf \"%s\\n\" \"nameserver 192.0.2.53\" \"options timeout:30 attempts:5\" >resolv && echo hosts: dns >nsswitch && \
             mount --bind resolv /etc/resolv.conf && mount --bind nsswitch /etc/nsswitch.conf && \
             exec {PROGRAM} {words}'"
        ));
        assert_eq!(listed.lines().count(), 104);
        assert!(listed.contains("  -> 198.51.100.100:"), "{listed}");
        (started.elapsed(), director.system("awk '/^Udp:/ { sent = $5 } END { print sent }' /proc/net/snmp"))
    };
    let (_, before) = with_dead_resolver("-L -n");
    let (_, numeric) = with_dead_resolver("-L -n");
    let (elapsed, named) = with_dead_resolver("-L");
    assert_eq!(numeric, before, "numeric output looked names up");
    assert_ne!(named, before, "nothing was looked up");
    // A single lookup that gets no answer takes two and a half minutes.
    assert!(elapsed < Duration::from_secs(100), "{elapsed:?}");
}
