//! Names in the output of `-S`, which lead back to what they stand for, and names of ports.

use std::fs;
use std::process::Command;
use std::thread;

use super::*;

const HOSTS: &str = "\
198.51.100.1 one first
198.51.100.2 shared
198.51.100.3 shared
198.51.100.4 other elsewhere
198.51.100.5 elsewhere
198.51.100.6 a/b
198.51.100.7 10.7
198.51.100.8 both
2001:db8::8 both6 both
2001:db8::9 six
198.51.100.10 Shout
198.51.100.11 shout
198.51.100.12 pair
2001:db8::c pair
198.51.100.13 tunnel
2001:db8::ff tunnel
198.51.100.14 tunnel4
";

#[test]
fn saved_names_lead_back_to_the_same_address_or_are_numbers() {
    let director = director_with_hosts(HOSTS);
    let mut rules = String::from("-A -t 198.51.100.1:80 -s rr\n-A -t [2001:db8::8]:80 -s rr\n");
    for number in (1..=8).chain(10..=12) {
        rules += &format!("-a -t 198.51.100.1:80 -r 198.51.100.{number}:80 -m\n");
    }
    rules += "-a -t [2001:db8::8]:80 -r [2001:db8::9]:80 -m\n";
    rules += "-a -t [2001:db8::8]:80 -r [2001:db8::c]:80 -m\n";
    // The name of a server of an IPv6 service is read as an IPv6 address if it has one.
    rules += "-a -t [2001:db8::8]:80 -r 198.51.100.13:80 -i\n-a -t [2001:db8::8]:80 -r 198.51.100.14:80 -i\n";
    assert_eq!(director.feed("-R", &rules).status, 0);
    let numeric = director.saved();
    let saved = director.ok("-S");
    assert_eq!(
        saved,
        "\
-A -t one:http -s rr
-a -t one:http -r one:http -m -w 1
-a -t one:http -r 198.51.100.2:http -m -w 1
-a -t one:http -r 198.51.100.3:http -m -w 1
-a -t one:http -r other:http -m -w 1
-a -t one:http -r 198.51.100.5:http -m -w 1
-a -t one:http -r 198.51.100.6:http -m -w 1
-a -t one:http -r 198.51.100.7:http -m -w 1
-a -t one:http -r both:http -m -w 1
-a -t one:http -r 198.51.100.10:http -m -w 1
-a -t one:http -r 198.51.100.11:http -m -w 1
-a -t one:http -r 198.51.100.12:http -m -w 1
-A -t [both6]:http -s rr
-a -t [both6]:http -r 198.51.100.13:http -i -w 1 --tun-type ipip
-a -t [both6]:http -r tunnel4:http -i -w 1 --tun-type ipip
-a -t [both6]:http -r [six]:http -m -w 1
-a -t [both6]:http -r [2001:db8::c]:http -m -w 1
"
    );
    // Listings show the names that people know.
    let listed = director.ok("-L");
    for name in ["shared:http", "elsewhere:http", "a/b:http", "other:http", "Shout:http"] {
        assert!(listed.contains(&format!("  -> {name} ")), "{name}: {listed}");
    }
    director.ok("-C");
    let restored = director.feed("-R", &saved);
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    assert_eq!(director.saved(), numeric);
}

#[test]
fn saved_port_names_lead_back_to_the_same_port_or_are_numbers() {
    let director = director_with_hosts("");
    let services =
        "web 80/tcp\nweb 8080/tcp\nweb 53/udp\n90 91/tcp\na:b 92/tcp\nlate 93/tcp early\nearly 94/tcp\n";
    replace_file(&director, "/etc/services", services);
    let ports = [80, 8080, 91, 92, 93, 94];
    let rules: String = ports.map(|port| format!("-A -t 198.51.100.1:{port} -s rr\n")).concat();
    assert_eq!(director.feed("-R", &(rules + "-A -u 198.51.100.1:53 -s rr\n")).status, 0);
    let numeric = director.saved();
    let saved = director.ok("-S");
    assert_eq!(
        saved,
        "\
-A -t 198.51.100.1:web -s rr
-A -t 198.51.100.1:91 -s rr
-A -t 198.51.100.1:92 -s rr
-A -t 198.51.100.1:late -s rr
-A -t 198.51.100.1:94 -s rr
-A -t 198.51.100.1:8080 -s rr
-A -u 198.51.100.1:web -s rr
"
    );
    let listed = director.ok("-L");
    assert!(listed.contains("TCP  198.51.100.1:a:b rr\n"), "{listed}");
    assert_eq!(listed.matches("TCP  198.51.100.1:web rr\n").count(), 2, "{listed}");
    director.ok("-C");
    assert_eq!(director.feed("-R", &saved).status, 0);
    assert_eq!(director.saved(), numeric);
}

#[test]
fn etc_services_is_read_once() {
    let director = director_with_private_mnt();
    director.system("mkfifo /mnt/services && mount --bind /mnt/services /etc/services");
    let rules: String = (1..=100).map(|number| format!("-A -t 198.51.100.{number}:web -s rr\n")).collect();
    // Whoever opens the pipe again waits for somebody who writes into it.
    let writer = thread::spawn(|| fs::write("/mnt/services", "web 81/tcp\n").unwrap());
    let mut command = Command::new("timeout");
    let restored = feed(command.args(["120", PROGRAM, "-R"]), rules.as_bytes());
    writer.join().unwrap();
    assert_eq!((restored.status, restored.stderr.as_str()), (0, ""));
    assert_eq!(director.saved().matches(":81 ").count(), 100);
}
