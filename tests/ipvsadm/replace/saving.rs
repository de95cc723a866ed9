//! Saving a table, also into a file, and restoring what was saved.

use super::director;
use crate::support::*;

impl Folder {
    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[test]
fn a_saved_file_is_restored_whole_and_refused_if_it_was_cut() {
    let director = director();
    let folder = Folder::new();
    let file = folder.0.join("rules");
    let name = file.to_str().unwrap();
    assert_eq!(director.ok(&format!("-S -n -o {name}")), "");
    let saved = director.saved();
    let count = saved.lines().count();
    let text = std::fs::read_to_string(&file).unwrap();
    let expected =
        format!("# ipvsadm-save: {count} commands follow\n{saved}# ipvsadm-save: end of {count} commands\n");
    assert_eq!(text, expected);
    assert_eq!(folder.names(), ["rules"]);
    director.ok(&format!("-R --replace {name}"));

    let first = text.find('\n').unwrap();
    for length in (first..text.len() - 1).step_by(7) {
        std::fs::write(&file, &text[..length]).unwrap();
        for words in ["-R --replace", "-R --replace --check", "-R --check"] {
            let run = director.run(&format!("{words} {name}"));
            assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{words} {length}");
        }
    }
    director.refuses(
        &format!("-R --replace {name}"),
        2,
        &format!(
            "{name} is cut: its first line announces {count} commands, and no last line closes it; \
             nothing was applied"
        ),
    );
    assert_eq!(director.saved(), saved);
    // Whoever edits the file or appends to it need not know about the lines.
    std::fs::write(&file, format!("{text}-A -f 99 -s rr\n")).unwrap();
    director.ok(&format!("-R --replace {name}"));
    assert_eq!(director.saved(), format!("{saved}-A -f 99 -s rr\n"));
}

/// In a container the program has the same process id each time.
#[test]
fn what_a_killed_process_of_the_same_id_has_left_is_in_nobodys_way() {
    let director = director();
    let folder = Folder::new();
    for left in [".rules.1", ".rules.1-0", ".rules.1-1"] {
        std::fs::write(folder.0.join(left), "half").unwrap();
    }
    let file = folder.0.join("rules").display().to_string();
    director.system(&format!("unshare --pid --fork --mount-proc {PROGRAM} -S -n -o {file}"));
    assert!(std::fs::read_to_string(file).unwrap().contains(&director.saved()));
    assert_eq!(folder.names().len(), 4);
}

#[test]
fn saving_into_a_file_keeps_owner_and_mode_and_leaves_nothing_behind_after_a_failure() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let director = director();
    let folder = Folder::new();
    let file = folder.0.join("rules");
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    director.ok(&format!("-S -n --output {}", file.display()));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(std::fs::read_to_string(&file).unwrap().contains(&director.saved()));

    let link = folder.0.join("link");
    symlink("rules", &link).unwrap();
    std::fs::write(&file, "old").unwrap();
    director.ok(&format!("-S -n -o {}", link.display()));
    assert!(link.is_symlink() && std::fs::read_to_string(&file).unwrap().contains(&director.saved()));

    let run = director.run(&format!("-S -n -o {}/none/rules", folder.0.display()));
    assert_eq!(run.status, 1);
    assert!(run.stderr.contains("cannot save into") && run.stderr.contains("No such file"), "{}", run.stderr);
    assert_eq!(director.run(&format!("-S -n -o {}", folder.0.display())).status, 1);
    let mut names = folder.names();
    names.sort();
    assert_eq!(names, ["link", "rules"]);
    director.refuses("-S -o", 255, "-o needs a value");
}

#[test]
fn a_full_save_preserves_timeouts_daemons_and_the_order_of_servers() {
    let director = Director::new();
    director.system("ip link add d0 type dummy; ip link set d0 up; ip addr add 192.0.2.1/24 dev d0");
    let rules = "--set 901 121 301
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 198.51.100.2:80 -m -w 1
-a -t 192.0.2.1:80 -r 198.51.100.3:80 -m -w 1 -x 9 -y 3
-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1
--start-daemon master --mcast-interface d0 --syncid 3 --sync-maxlen 1000 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1
";
    assert_eq!(director.feed("-R", rules).status, 0);
    assert_eq!(director.ok("-S -n --full"), rules);
    let in_order = "  -> 198.51.100.1:80              Masq    1      0          0         
  -> 198.51.100.3:80              Masq    1      0          0         
  -> 198.51.100.2:80              Masq    1      0          0         
";
    assert!(director.ok("-L -n --nosort").ends_with(in_order));
    assert_eq!(
        director.feed("-R --replace --dry-run", rules).stdout,
        "# 1 service untouched, 3 servers untouched, 1 sync daemon untouched\n"
    );
    director.ok("-C");
    director.ok("--set 1 2 3");
    // Linux 6.1 hangs if a daemon is stopped before its thread has run.
    std::thread::sleep(std::time::Duration::from_millis(500));
    director.ok("--stop-daemon master");
    assert_eq!(director.feed("-R --replace", rules).status, 0);
    assert_eq!(director.ok("-S -n --full"), rules);
    assert!(director.ok("-L -n --nosort").ends_with(in_order));
}

/// Sends six datagrams to the service and returns the indexes of the servers that receive them. The clients
/// use consecutive ports from `first_port` on, which must be unused: the kernel would take a datagram from a
/// known port for part of an existing connection.
fn schedule_order(servers: &[std::net::UdpSocket], first_port: u16) -> Vec<usize> {
    let receiver = |port| {
        let client = std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
        client.send_to(b"?", "192.0.2.1:5000").unwrap();
        for _ in 0..200 {
            if let Some(server) = servers.iter().position(|server| server.recv(&mut [0; 8]).is_ok()) {
                return server;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("a datagram was lost");
    };
    (first_port..first_port + 6).map(receiver).collect()
}

#[test]
fn a_full_save_restores_the_scheduling_order() {
    let director = Director::new();
    let servers: Vec<_> = (11..14)
        .map(|number| {
            director.system(&format!("ip addr add 192.0.2.{number}/32 dev lo"));
            let server = std::net::UdpSocket::bind((format!("192.0.2.{number}").as_str(), 5001)).unwrap();
            server.set_nonblocking(true).unwrap();
            server
        })
        .collect();
    director.system("ip addr add 192.0.2.1/32 dev lo");
    director.feed(
        "-R",
        "-A -u 192.0.2.1:5000 -s rr\n-a -u 192.0.2.1:5000 -r 192.0.2.12:5001 -m\n\
         -a -u 192.0.2.1:5000 -r 192.0.2.13:5001 -m\n-a -u 192.0.2.1:5000 -r 192.0.2.11:5001 -m\n",
    );
    let (full, sorted) = (director.ok("-S -n --full"), director.ok("-S -n"));
    let before = schedule_order(&servers, 6000);
    director.ok("-C");
    director.feed("-R", &full);
    assert_eq!(schedule_order(&servers, 6010), before);
    // The sorted save, which has the original's format, restores a different order.
    director.ok("-C");
    director.feed("-R", &sorted);
    assert_ne!(schedule_order(&servers, 6020), before);
}
