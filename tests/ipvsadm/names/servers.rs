//! Name servers that are dead or slow.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Starts a name server that answers after a delay: the address of `nX` is 198.51.100.X.
fn start_name_server(delay: Duration) {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut query) {
            let (socket, answer) = (socket.try_clone().unwrap(), answer(&query[..length]));
            thread::spawn(move || {
                thread::sleep(delay);
                // A client that has given up is gone.
                let _ = socket.send_to(&answer, client);
            });
        }
    });
}

/// Answers a query of the DNS.
fn answer(query: &[u8]) -> Vec<u8> {
    let label_end = 13 + usize::from(query[12]);
    let label = std::str::from_utf8(&query[13..label_end]).unwrap();
    let number = label.strip_prefix('n').and_then(|number| number.parse().ok());
    let name_length = query[12..].iter().position(|&byte| byte == 0).unwrap();
    let question = &query[12..12 + name_length + 5];
    let mut answer = query[..2].to_vec();
    // A response to a recursive query, without an error.
    answer.extend([0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
    answer.extend(question);
    let is_ipv4 = question[name_length + 1..] == [0, 1, 0, 1];
    if let Some(number) = number.filter(|_| is_ipv4) {
        answer[7] = 1;
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        answer.extend(Ipv4Addr::new(198, 51, 100, number).octets());
    } else if number.is_none() {
        // NXDOMAIN
        answer[3] |= 3;
    }
    answer
}

/// Returns lines that add a service for each name.
fn services(names: usize) -> String {
    (1..=names).map(|number| format!("-A -t n{number}.example:80 -s rr\n")).collect()
}

#[test]
fn a_slow_name_server_is_asked_for_all_names_side_by_side() {
    let director = director_with_name_server("nameserver 127.0.0.1\n");
    start_name_server(Duration::from_secs(1));
    // One after the other would always take longer than names may. A busy machine sometimes needs as long.
    let mut restores = (0..3).map(|_| director.feed("-R", &services(24)));
    let restored = restores.find(|run| run.status == 0).expect("the names were late three times");
    assert_eq!(restored.stderr, "");
    let saved = director.saved();
    assert_eq!(saved.lines().count(), 24);
    assert!(saved.contains("-A -t 198.51.100.24:80 -s rr\n"), "{saved}");
    director.refuses(
        "-A -t unknown.example:80",
        2,
        "-t \"unknown.example\": no such name: it is neither an address nor a name that has one",
    );
}

#[test]
fn a_dead_name_server_delays_an_input_for_ten_seconds() {
    let director = director_with_name_server("nameserver 192.0.2.53\n");
    // Queries to the name server vanish in an interface that leads nowhere.
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    let late = "no answer in time: all names together may take 10 seconds; give the address";
    let rules = services(40);
    let takes_ten_seconds = |elapsed: Duration| (9..20).contains(&elapsed.as_secs());
    // A machine that stands still needs longer.
    let in_time = (0..3).any(|_| {
        thread::scope(|scope| {
            let restores = ["-R", "-R --check", "-R --replace"];
            let restores = restores.map(|words| scope.spawn(|| timed(|| director.feed(words, &rules))));
            let single = scope.spawn(|| {
                timed(|| {
                    director.refuses("-A -t web.example:80", 2, &format!("-t \"web.example\": {late}"));
                })
            });
            let mut in_time = true;
            for restore in restores {
                let (elapsed, refused) = restore.join().unwrap();
                assert!(refused.stderr.starts_with(&format!("<stdin>:1: -t \"n1.example\": {late}\n")));
                assert!(refused.stderr.contains("... and 20 more\n"), "{}", refused.stderr);
                assert_eq!(refused.status, 2);
                in_time &= takes_ten_seconds(elapsed);
            }
            let (elapsed, ()) = single.join().unwrap();
            in_time && takes_ten_seconds(elapsed)
        })
    });
    assert!(in_time);
    assert_eq!(director.saved(), "");
    // A mistyped address is not sent to it.
    let is_quick = (0..3).any(|_| {
        let (elapsed, refused) = timed(|| director.feed("-R", "-A -t 192.0.2.256:80\n"));
        assert_eq!(refused.status, 2);
        elapsed < Duration::from_secs(5)
    });
    assert!(is_quick);
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let result = work();
    (started.elapsed(), result)
}
