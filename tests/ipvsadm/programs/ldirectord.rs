//! ldirectord, which monitors real servers and changes the table with ipvsadm.

use super::*;

/// The same two servers behind three services that treat a dead server differently.
const CONFIGURATION: &str = r#"checktimeout = 5
negotiatetimeout = 5
checkinterval = 1
supervised = yes

virtual = 192.0.2.1:80
    real = 10.0.1.2:80 masq 5
    real = 10.0.2.2:80 masq
    quiescent = no
    scheduler = wrr
    persistent = 600
    netmask = 255.255.255.0
    request = "index.html"
    receive = "it works"

virtual = 7
    protocol = fwm
    real = 10.0.1.2:80 gate
    real = 10.0.2.2:80 ipip 3
    fallback = 127.0.0.1:80 gate
    quiescent = yes
    service = http
    request = "index.html"
    receive = "it works"

virtual6 = [2001:db8::1]:80
    real6 = [2001:db8:1::2]:80 masq
    real6 = [2001:db8:2::2]:80 masq 2
    quiescent = no
    scheduler = rr
    checktype = connect
"#;

/// The table while both servers are up.
const BOTH_UP: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 10.0.1.2:80 -m -w 5
-a -t 192.0.2.1:80 -r 10.0.2.2:80 -m -w 1
-A -t [2001:db8::1]:80 -s rr
-a -t [2001:db8::1]:80 -r [2001:db8:1::2]:80 -m -w 1
-a -t [2001:db8::1]:80 -r [2001:db8:2::2]:80 -m -w 2
-A -f 7 -s wrr
-a -f 7 -r 10.0.1.2:80 -g -w 1
-a -f 7 -r 10.0.2.2:80 -i -w 3 --tun-type ipip
";

/// The table while the second server is down: a quiescent service keeps it with weight 0.
const FIRST_UP: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 10.0.1.2:80 -m -w 5
-A -t [2001:db8::1]:80 -s rr
-a -t [2001:db8::1]:80 -r [2001:db8:1::2]:80 -m -w 1
-A -f 7 -s wrr
-a -f 7 -r 10.0.1.2:80 -g -w 1
-a -f 7 -r 10.0.2.2:80 -i -w 0 --tun-type ipip
";

/// The table while both are down: the service of the firewall mark uses its fallback.
const BOTH_DOWN: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0
-A -t [2001:db8::1]:80 -s rr
-A -f 7 -s wrr
-a -f 7 -r 10.0.1.2:80 -g -w 0
-a -f 7 -r 10.0.2.2:80 -i -w 0 --tun-type ipip
-a -f 7 -r 127.0.0.1:80 -g -w 1
";

#[test]
fn ldirectord_follows_the_state_of_its_servers() {
    let director = Director::alone();
    let stage = Stage::new();
    let machines = [1, 2].map(|number| WebServer::new(&director, number));
    let first = machines[0].serve(&stage);
    let second = machines[1].serve(&stage);

    stage.write("/run/test.cf", CONFIGURATION);
    let mut command = stage.command("perl");
    command
        .env("PERL5LIB", perl_modules())
        .arg(unpacked("usr/sbin/ldirectord"))
        .args(["/run/test.cf", "start"]);
    let ldirectord = stage.start(&mut command);
    stage.wait_for(&director, "both servers answer", BOTH_UP);

    drop(second);
    stage.wait_for(&director, "the second server is killed", FIRST_UP);
    drop(first);
    stage.wait_for(&director, "both servers are killed", BOTH_DOWN);
    let _servers = machines.each_ref().map(|machine| machine.serve(&stage));
    stage.wait_for(&director, "both servers are back", BOTH_UP);

    // Clients can use the first service.
    director.system("ip address add 192.0.2.1 dev lo");
    let fetch = format!("{} wget -q -O - http://192.0.2.1/", unpacked_program("busybox").display());
    assert_eq!(director.system(&fetch), "it works\n");

    ldirectord.terminate();
    assert_eq!(director.saved(), "", "ldirectord removes its services when it stops");
}

/// Returns the folders of the unpacked Perl modules.
fn perl_modules() -> String {
    let folders = format!("ls -d {0}/share/perl* {0}/lib/*/perl*/5.* {0}/lib/*/perl*", unpacked("usr"));
    let listed = run(Command::new("sh").args(["-c", &folders])).stdout;
    listed.split_whitespace().collect::<Vec<_>>().join(":")
}
