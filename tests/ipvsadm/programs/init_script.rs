//! Debian's /etc/init.d/ipvsadm and its two configuration files.

use super::*;

const RULES: &str = "\
# What an administrator wrote
ipvsadm -A -t 192.0.2.1:80 -s wrr -p
-a -t 192.0.2.1:http -r 198.51.100.1:8080 -m -w 3

-A -f 7
";

const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 360
-a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3
-A -f 7 -s wlc
";

const DAEMONS: &str = "\
master sync daemon (mcast=sync0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
backup sync daemon (mcast=sync0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)
";

#[test]
fn the_init_script_starts_saves_loads_and_stops() {
    let director = Director::new();
    director.system("ip link add sync0 type dummy && ip link set sync0 multicast on up");
    let stage = Stage::new();
    stage.write("/etc/ipvsadm.rules", RULES);
    stage.write("/etc/default/ipvsadm", "AUTO=true\nDAEMON=both\nIFACE=sync0\nSYNCID=7\n");
    let script = |verb: &str| stage.ok(&format!("sh {} {verb}", unpacked("etc/init.d/ipvsadm")));

    director.ok("-A -f 1");
    script("start");
    assert_eq!(director.saved(), TABLE);
    assert_eq!(director.ok("-L --daemon"), DAEMONS);
    assert_eq!(script("status"), director.ok("-L -n"));
    assert_eq!(script("rate"), director.ok("-L -n --rate"));

    director.ok("-e -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 5");
    script("save");
    let edited = TABLE.replace("-w 3", "-w 5");
    assert_eq!(stage.ok("cat /etc/ipvsadm.rules"), format!("# ipvsadm.rules\n{edited}"));

    for verb in ["load", "reload", "force-reload", "restart"] {
        director.ok("-D -f 7");
        script(verb);
        assert_eq!(director.saved(), edited, "{verb}");
    }
    assert_eq!(director.ok("-L --daemon"), DAEMONS);

    script("stop");
    assert_eq!(director.saved(), "");
    assert_eq!(director.ok("-L --daemon"), "");
}

#[test]
fn the_init_script_reports_invalid_rules() {
    let director = Director::new();
    let stage = Stage::new();
    stage.write("/etc/ipvsadm.rules", "-A -f 1\n-A -t nowhere:http:80\n");
    let run = run(stage.command("sh").args([&unpacked("etc/init.d/ipvsadm"), "load"]));
    assert!(run.stdout.contains("failed"), "{run:?}");
    assert!(run.stderr.contains("<stdin>:2: "), "{run:?}");
    assert_eq!(director.saved(), "");
}
