//! The plain listing, which takes servers from `/proc/net/ip_vs` where the file has the same services as the kernel's
//! answer.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ipvs_netlink::{Change, Ipvs, Service, ServiceId};
use nix::sched::{CloneFlags, unshare};

use crate::programs::unpacked_program;
use crate::support::*;

/// Returns the service of this number.
fn service(number: u16) -> ServiceId {
    let [high, low] = number.to_be_bytes();
    tcp(&format!("10.1.{high}.{low}"), 80)
}

/// Adds a server, whose address tells the number of its service.
fn add_server(number: u16, server: u8) -> Change {
    let [high, low] = number.to_be_bytes();
    Change::AddDestination(
        service(number),
        crate::support::server(&format!("10.10{server}.{high}.{low}"), 80),
    )
}

fn delete_server(change: Change) -> Change {
    match change {
        Change::AddDestination(id, server) => Change::DeleteDestination(id, server.id),
        _ => unreachable!(),
    }
}

/// Services below this number are there all the time, with the servers 0 and 1.
const PERMANENT: u16 = 300;
/// Services from `PERMANENT` to this number come and go.
const ALL: u16 = 900;

/// The number of listings beside the writers.
const ROUNDS: usize = 12;

fn permanent() -> Vec<Change> {
    (0..PERMANENT)
        .flat_map(|number| {
            [Change::AddService(Service::new(service(number))), add_server(number, 0), add_server(number, 1)]
        })
        .collect()
}

/// Adds and deletes services, and a third server of permanent ones, until told to stop.
fn keep_writing(stop: &AtomicBool) {
    let mut ipvs = Ipvs::connect().unwrap();
    while !stop.load(Ordering::Relaxed) {
        for start in (PERMANENT..ALL).step_by(40) {
            let coming = (start..start + 40).flat_map(|number| {
                [Change::AddService(Service::new(service(number))), add_server(number, 0)]
            });
            let servers = (0..PERMANENT).step_by(7).map(|number| add_server(number, 2));
            assert_eq!(ipvs.apply(&coming.chain(servers).collect::<Vec<_>>()).unwrap(), []);
            let going = (start..start + 40).step_by(2).map(|number| Change::DeleteService(service(number)));
            let servers = (0..PERMANENT).step_by(7).map(|number| delete_server(add_server(number, 2)));
            assert_eq!(ipvs.apply(&going.chain(servers).collect::<Vec<_>>()).unwrap(), []);
        }
        let rest = (PERMANENT..ALL).skip(1).step_by(2).map(|number| Change::DeleteService(service(number)));
        assert_eq!(ipvs.apply(&rest.collect::<Vec<_>>()).unwrap(), []);
    }
}

/// Stops the writers, also if the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lists with each reading of the program delayed, so that others write between two of them.
fn list_slowly() -> String {
    let calls = "recvfrom,recvmsg,read";
    let mut command = Command::new(unpacked_program("strace"));
    command.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:delay_exit=1000"), PROGRAM, "-L", "-n"]);
    let run = run(&mut command);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    run.stdout
}

/// Checks that each service comes once, with its own servers, each once, and that no permanent one lacks what it had.
/// Returns the number of permanent services: one may be missing if others come or go while the kernel lists them.
fn check(listing: &str) -> usize {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut last = "";
    for line in listing.lines().skip(3) {
        if let Some(server) = line.strip_prefix("  -> 10.10") {
            services.get_mut(last).unwrap().push(server.split_once(' ').unwrap().0);
        } else {
            last = line.strip_prefix("TCP  10.1.").unwrap().split_once(' ').unwrap().0;
            assert_eq!(services.insert(last, Vec::new()), None, "{last} comes twice\n{listing}");
        }
    }
    for (service, servers) in &services {
        for server in servers {
            assert_eq!(server.split_once('.').unwrap().1, *service, "a server of another service\n{listing}");
        }
        let mut distinct = servers.clone();
        distinct.dedup();
        assert_eq!(&distinct, servers, "a server of {service} comes twice\n{listing}");
    }
    let mut found = 0;
    for number in 0..PERMANENT {
        let [high, low] = number.to_be_bytes();
        let id = format!("{high}.{low}:80");
        let Some(servers) = services.get(&*id) else { continue };
        found += 1;
        for server in [0, 1] {
            assert!(servers.contains(&&*format!("{server}.{id}")), "{id} lacks server {server}\n{listing}");
        }
    }
    found
}

#[test]
fn listings_are_right_while_services_and_servers_come_and_go() {
    let director = Director::alone();
    assert_eq!(director.ipvs().apply(&permanent()).unwrap(), []);
    assert_eq!(check(&director.ok("-L -n")), usize::from(PERMANENT));
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let _stop = Stop(stop);
        scope.spawn(|| keep_writing(stop));
        scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            crate::support::run(Command::new("ip").args(["link", "set", "lo", "up"]));
            assert_eq!(Ipvs::connect().unwrap().apply(&permanent()).unwrap(), []);
            keep_writing(stop);
        });
        let found: usize = (0..ROUNDS).map(|_| check(&list_slowly())).sum();
        println!("{found} of {} permanent services were listed", ROUNDS * usize::from(PERMANENT));
        assert!(found > ROUNDS * usize::from(PERMANENT) * 3 / 4);
    });
}

/// Lists the table with a file of this content in place of the kernel's.
fn list_with_file(content: Option<&str>) -> Run {
    let content = content.map(|text| format!("printf '%s' '{text}' >/proc/thread-self/net/ip_vs &&"));
    let script = format!(
        "mount -t tmpfs none /proc && mkdir -p /proc/thread-self/net && {} exec {PROGRAM} -L -n --nosort",
        content.unwrap_or_default()
    );
    run(Command::new("unshare").args(["--mount", "sh", "-c", &script]))
}

#[test]
fn whatever_the_file_lacks_is_asked_for() {
    let director = Director::new();
    let mut lines = String::from("-A -f 7 -s rr\n-A -f 8 -s rr\n-a -f 8 -r 198.51.100.1 -i\n");
    for port in 1..20 {
        lines +=
            &format!("-A -t 192.0.2.1:{port} -s rr -p\n-a -t 192.0.2.1:{port} -r 198.51.100.{port} -m\n");
    }
    assert_eq!(director.feed("-R", &lines).status, 0);
    let expected = director.ok("-L -n --nosort");
    // After a short read, such as the first one without a buffer, the kernel goes on at a place that counts services of
    // other namespaces, too.
    let mut file = String::with_capacity(1 << 16);
    File::open("/proc/thread-self/net/ip_vs").unwrap().read_to_string(&mut file).unwrap();
    let (heading, records) = file.split_at(file.match_indices('\n').nth(2).unwrap().0 + 1);
    let record = |port: u16| {
        let start = records.find(&format!("TCP  C0000201:{port:04X} ")).unwrap();
        let end = start + records[start..].match_indices('\n').nth(1).unwrap().0 + 1;
        &records[start..end]
    };
    for (what, changed) in [
        ("is as it was", records.to_owned()),
        ("lacks a record", records.replace(record(5), "")),
        ("has a record twice", records.replace(record(5), &record(5).repeat(2))),
        ("has another order", [record(7), &records.replace(record(7), "")].concat()),
        ("knows a service that is gone", [records, &record(5).replace("C0000201", "C0000202")].concat()),
        ("has no record", String::new()),
        ("has an odd line", [records, "IP_47  C0000201:0005 rr\n"].concat()),
        ("is cut", records[..records.len() - 9].to_owned()),
    ] {
        let run = list_with_file(Some(&[heading, &changed].concat()));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "the file {what}");
        assert_eq!(run.stdout, expected, "the file {what}");
    }
    for odd in [None, Some(""), Some("nothing of the kind\n")] {
        let run = list_with_file(odd);
        assert_eq!((run.status, run.stderr, run.stdout), (0, String::new(), expected.clone()), "{odd:?}");
    }
    // The file is indeed where the servers come from.
    let weights = file.replace("Masq    1 ", "Masq    9 ");
    assert_eq!(list_with_file(Some(&weights)).stdout, expected.replace("Masq    1 ", "Masq    9 "));
}
