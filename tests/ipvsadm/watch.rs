//! `-L --watch`: on a terminal (tmux) with live traffic, and in pipes.

use std::net::UdpSocket;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::support::*;
use crate::tmux::Tmux;

/// Waits for a screen whose lines are these, with the time replaced.
fn expect(tmux: &Tmux, expected: &str) {
    tmux.wait_until(expected, |screen| without_time(&screen.replace('…', "")) == expected);
}

/// Replaces the time in the first line, and removes empty lines at the end.
fn without_time(screen: &str) -> String {
    let (first, rest) = screen.split_once('\n').unwrap_or((screen, ""));
    let first = match first.split_once("Z  ") {
        Some((_, rest)) => format!("TIME  {rest}"),
        None => first.to_owned(),
    };
    format!("{}\n{rest}", first.trim_end()).trim_end().to_owned() + "\n"
}

/// Gives the director three UDP services, each with two servers on its own addresses.
fn director() -> Director {
    let director = Director::alone();
    for address in ["192.0.2.1", "192.0.2.11", "192.0.2.12"] {
        director.system(&format!("ip addr add {address}/32 dev lo"));
    }
    let rules: String = [5001, 5002, 5003]
        .map(|port| {
            format!(
                "-A -u 192.0.2.1:{port} -s rr\n\
                 -a -u 192.0.2.1:{port} -r 192.0.2.11:{port} -m -w 2\n\
                 -a -u 192.0.2.1:{port} -r 192.0.2.12:{port} -m\n"
            )
        })
        .concat();
    assert_eq!(director.feed("-R", &rules).status, 0);
    director
}

/// Returns the service or server, and the numbers, in a line of the listing.
fn line(listing: &str, number: usize) -> (String, Vec<u64>) {
    let mut words = listing.lines().nth(number).unwrap_or_default().split_whitespace().skip(1);
    let name = words.next().unwrap_or_default().to_owned();
    (name, words.map(|word| word.parse().unwrap_or(u64::MAX)).collect())
}

/// Makes connections to a service: a datagram of 100 bytes, with 28 bytes of headers, from a new port each.
fn connect(port: u16, count: usize) {
    for _ in 0..count {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(&[0; 100], ("192.0.2.1", port)).unwrap();
    }
}

#[test]
fn the_screen_shows_the_listing_at_every_width() {
    let _director = director();
    let tmux = Tmux::start(120, 13);
    tmux.type_line(&format!("{PROGRAM} -L -n --watch 1"));
    let wide = "\
TIME  every 1 s  by name  services 1-3 of 3
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  192.0.2.1:5001 rr
  -> 192.0.2.11:5001              Masq    2      0          0
  -> 192.0.2.12:5001              Masq    1      0          0
UDP  192.0.2.1:5002 rr
  -> 192.0.2.11:5002              Masq    2      0          0
  -> 192.0.2.12:5002              Masq    1      0          0
UDP  192.0.2.1:5003 rr
  -> 192.0.2.11:5003              Masq    2      0          0
  -> 192.0.2.12:5003              Masq    1      0          0
q quit  / filter  order: n name, a active, c cps, i in, o out  move: arrows, page keys, home, end
";
    expect(&tmux, wide);
    tmux.resize(50, 9);
    // tmux leaves the mark of a cut out unless a locale tells it how wide it is.
    let narrow = "\
TIME  every 1 s  by name  service
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight
UDP  192.0.2.1:5001 rr
  -> 192.0.2.11:5001              Masq    2
  -> 192.0.2.12:5001              Masq    1
UDP  192.0.2.1:5002 rr
  -> 192.0.2.11:5002              Masq    2
q quit  / filter  order: n name, a active, c cps,
";
    expect(&tmux, narrow);
    tmux.keys(&["q"]);
    tmux.resize(72, 12);
    tmux.type_line(&format!("clear; {PROGRAM} -L -n --watch 1 --table -u 192.0.2.1:5002"));
    let table = "\
TIME  every 1 s  by name  services 1-1 of 1
Service, server     Forward  Weight  Share  Active  Inactive  Conn/s
--------------------------------------------------------------------
UDP 192.0.2.1:5002                3              0         0       0
  scheduler rr
  192.0.2.11:5002   NAT           2  66.6%       0         0       0
  192.0.2.12:5002   NAT           1  33.3%       0         0       0




(no room for: in, out, total-connections, total-in, total-out)
";
    expect(&tmux, table);
}

#[test]
fn live_traffic_is_sorted_filtered_and_marked() {
    let director = director();
    let tmux = Tmux::start(100, 13);
    tmux.type_line(&format!("{PROGRAM} -L -n --watch --rate"));
    let screen = tmux.wait_for("services 1-3 of 3");
    assert!(screen.contains("CPS    InPPS   OutPPS    InBPS   OutBPS"), "{screen}");
    tmux.keys(&["c"]);
    tmux.wait_for("by cps");
    let first_is = |screen: &str, service: &str, is_busy: bool| {
        let (name, numbers) = line(screen, 3);
        name == service && (numbers[0] > 0) == is_busy
    };
    // On a machine that stands still, readings are further apart and the screen changes between two looks at it.
    let in_time = (0..10).any(|_| {
        // Rates need two readings.
        sleep(Duration::from_secs(5));
        connect(5002, 100);
        connect(5003, 400);
        let screen = tmux.wait_until("the busiest first", |screen| first_is(screen, "192.0.2.1:5003", true));
        let marked = tmux.run(&["capture-pane", "-p", "-e"]);
        let (_, numbers) = line(&screen, 3);
        let (connections, bytes) = (numbers[0], numbers[3]);
        assert!(bytes.abs_diff(connections * 128) <= connections * 128 / 20 + 128, "{screen}");
        tmux.wait_until("all are idle", |screen| first_is(screen, "192.0.2.1:5001", false));
        // In one reading or two, as the kernel counts at times of its own. Its averages would never be so high.
        (60..=210).contains(&connections)
            && marked.lines().nth(3).unwrap().contains(&format!("\x1b[7m{connections}\x1b["))
    });
    assert!(in_time, "the rates were never as high, or never marked");

    tmux.resize(100, 8);
    tmux.wait_for("services 1-2 of 3");
    tmux.keys(&["n", "End"]);
    tmux.wait_for("services 2-3 of 3");
    tmux.keys(&["Up", "Up", "Up", "Up"]);
    tmux.wait_for("services 1-2 of 3");
    tmux.keys(&["/"]);
    tmux.run(&["send-keys", "-l", ":5002"]);
    tmux.wait_for("\n/:5002_");
    tmux.keys(&["Enter"]);
    let screen = tmux.wait_for("services 1-1 of 1  with \":5002\"");
    assert!(!screen.contains("5001") && !screen.contains("5003"), "{screen}");
    director.ok("-D -u 192.0.2.1:5002");
    tmux.wait_for("no services  with \":5002\"");
    tmux.keys(&["Escape"]);
    tmux.wait_for("services 1-2 of 2");
    // Established connections are those of servers: there are none of UDP.
    tmux.keys(&["a"]);
    tmux.wait_for("by active  services 1-2 of 2");
    director.ok("-a -u 192.0.2.1:5001 -r 192.0.2.1:99 -m");
    tmux.wait_for("  -> 192.0.2.1:99");
}

#[test]
fn the_terminal_is_as_it_was_after_any_end() {
    let _director = director();
    let tmux = Tmux::start(80, 12);
    let modes = |tmux: &Tmux, text: &str| {
        tmux.type_line(&format!("clear; stty -a | md5sum; echo {text}"));
        let screen = tmux.wait_for(&format!("\n{text}\n"));
        screen.lines().find(|line| line.ends_with(" -")).unwrap().to_owned()
    };
    let before = modes(&tmux, "begin");
    let endings: [(&str, &dyn Fn()); 6] = [
        ("0", &|| tmux.keys(&["q"])),
        ("0", &|| tmux.keys(&["C-c"])),
        ("143", &|| drop(run(Command::new("pkill").args(["-TERM", "-f", "L -n --watch 3"])))),
        ("129", &|| drop(run(Command::new("pkill").args(["-HUP", "-f", "L -n --watch 3"])))),
        ("131", &|| drop(run(Command::new("pkill").args(["-QUIT", "-f", "L -n --watch 3"])))),
        ("0", &|| {
            // It is stopped and continues, by a key and by a signal that nobody can handle.
            tmux.keys(&["C-z"]);
            tmux.wait_for("Stopped");
            tmux.type_line("fg");
            tmux.wait_for("every 3 s");
            run(Command::new("pkill").args(["-STOP", "-f", "L -n --watch 3"]));
            tmux.wait_for("Stopped");
            tmux.type_line("clear; fg");
            tmux.wait_for("every 3 s");
            tmux.keys(&["/", "y"]);
            tmux.wait_for("\n/y_");
            tmux.keys(&["BSpace"]);
            tmux.wait_for("\n/_");
            // An escape and another key at once would be a key with Alt.
            tmux.keys(&["Escape"]);
            tmux.wait_for("q quit");
            tmux.keys(&["q"]);
            // The status of a list of commands is that of the first stop.
            tmux.wait_for("status 147");
            tmux.type_line("echo status $?");
        }),
    ];
    for (index, (status, end)) in endings.iter().enumerate() {
        tmux.type_line(&format!("clear; echo before; {PROGRAM} -L -n --watch 3; echo status $?"));
        let screen = tmux.wait_for("every 3 s");
        assert!(!screen.contains("before"), "{screen}");
        end();
        let screen = tmux.wait_for(&format!("\nstatus {status}\n"));
        assert!(screen.contains("before\n"), "{index}: {screen}");
        assert_eq!(modes(&tmux, &format!("end{index}")), before);
        assert_eq!(tmux.run(&["display-message", "-p", "#{cursor_flag}"]), "1\n", "the cursor is hidden");
    }
    tmux.type_line(&format!("clear; {PROGRAM} -L -n --watch 1 --times 2; echo status $?"));
    tmux.wait_for("every 1 s");
    tmux.wait_for("status 0");
    // A service that is gone ends it with a message.
    tmux.type_line(&format!("clear; {PROGRAM} -L -n --watch 1 -u 192.0.2.1:5003; echo status $?"));
    tmux.wait_for("services 1-1 of 1");
    run(Command::new(PROGRAM).args(["-D", "-u", "192.0.2.1:5003"]));
    let screen = tmux.wait_for("status 1");
    assert!(screen.contains("ipvsadm: cannot show service UDP 192.0.2.1:5003: No such service"), "{screen}");
}

#[test]
fn a_pipe_gets_block_after_block_until_it_closes() {
    let director = director();
    let listing = director.ok("-L -n").split_once('\n').unwrap().1.to_owned();
    let blocks = director.ok("-L -n --watch 1 --times 3");
    let times: Vec<&str> = blocks.lines().filter(|line| line.starts_with("20")).collect();
    let expected: String = times.iter().map(|time| format!("{time}\n{listing}\n")).collect();
    assert_eq!((times.len(), &blocks), (3, &expected));
    assert!(
        times.iter().all(|time| time.len() == "2026-01-01T00:00:00Z".len() && time.ends_with('Z')),
        "{times:?}"
    );
    assert!(times.is_sorted() && times[0] != times[2], "{times:?}");

    let table = director.ok("-L -n --watch --times 1 --table --columns name");
    assert!(table.contains("Z\nService, server\n") && !table.contains('\x1b'), "{table}");

    let statuses = director
        .system(&format!("bash -c '{PROGRAM} -L -n --watch 1 | head -n 5 >&2; echo ${{PIPESTATUS[0]}}'"));
    assert_eq!(statuses, "141\n");
}

#[test]
fn rates_are_differences_between_readings() {
    let director = director();
    let service = |block: &str| -> Vec<u64> {
        let line = block.lines().find(|line| line.contains("192.0.2.1:5002")).unwrap();
        line.split_whitespace().skip(2).map(|word| word.parse().unwrap()).collect()
    };
    // On a machine that stands still, readings are further apart, and the rates lower.
    let mut attempts = (0..5).map(|_| {
        let watch = std::thread::scope(|scope| {
            scope.spawn(|| {
                sleep(Duration::from_millis(4500));
                connect(5002, 200);
            });
            director.ok("-L -n --watch --times 6 --rate --by cps")
        });
        let rates: Vec<Vec<u64>> = watch.trim_end().split("\n\n").map(service).collect();
        // All in one reading, or divided between two if the kernel counted meanwhile. Averages would fade slowly.
        let busy: Vec<usize> = (0..6).filter(|&index| rates[index][0] > 0).collect();
        let connections: u64 = rates.iter().map(|rates| rates[0]).sum();
        let bytes: u64 = rates.iter().map(|rates| rates[3]).sum();
        assert!(bytes.abs_diff(connections * 128) <= 512, "{rates:?}");
        let is_first = busy.iter().all(|&index| {
            let block = watch.split("\n\n").nth(index).unwrap();
            block.lines().nth(3).unwrap().contains("192.0.2.1:5002")
        });
        assert!(is_first, "it is not first: {watch}");
        let is_right = (1..=2).contains(&busy.len()) && busy[0] >= 2 && (90..=110).contains(&connections);
        is_right.then_some(()).ok_or(rates)
    });
    let wrong: Vec<_> = attempts.by_ref().map_while(Result::err).collect();
    assert!(wrong.len() < 5, "{wrong:?}");
}

#[test]
fn counters_that_stand_still_are_pointed_out() {
    let director = director();
    director.system("echo 0 >/proc/sys/net/ipv4/vs/run_estimation");
    let block = director.ok("-L -n --watch --times 1");
    let note = "Z (counters stand still: net.ipv4.vs.run_estimation is 0)\n";
    assert!(block.contains(note), "{block}");
    // They do.
    connect(5001, 10);
    sleep(Duration::from_secs(5));
    let stats = director.ok("-L -n --stats -u 192.0.2.1:5001");
    assert_eq!(line(&stats, 2), ("192.0.2.1:5001".to_owned(), vec![0; 5]), "{stats}");
}

#[test]
fn mistakes_with_options_for_watching_are_refused() {
    let director = Director::new();
    for (words, sentence) in [
        ("-L --by name", "--by needs --watch"),
        ("-L --times 3", "--times needs --watch"),
        ("-L --watch 0", "--watch \"0\": it is a number from 1 to 86400"),
        ("-L --watch --by weight", "--by \"weight\": it is name, active, cps, in or out"),
        ("-L --watch --times 0", "--times \"0\": it is a number from 1 to 18446744073709551615"),
        ("-L --watch -c", "-c and --watch exclude each other"),
        ("-L --watch --timeout", "--timeout and --watch exclude each other"),
        ("-L --watch --metrics", "--watch and --metrics exclude each other"),
    ] {
        director.refuses(words, 2, sentence);
    }
    let restore = director.feed("-R", "-A -f 1\n-L --watch\n");
    assert_eq!(restore.status, 2);
    assert!(
        restore.stderr.starts_with("<stdin>:2: --watch cannot stand in input for -R\n"),
        "{}",
        restore.stderr
    );
    assert_eq!(director.saved(), "");
}
