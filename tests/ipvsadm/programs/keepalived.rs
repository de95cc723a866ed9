//! keepalived, which changes the table without ipvsadm.

use super::*;

/// One service of each kind that keepalived can create.
const CONFIGURATION: &str = "\
global_defs {
    router_id test
}
virtual_server 192.0.2.1 80 {
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
    persistence_timeout 600
    persistence_granularity 255.255.255.0
    delay_loop 1
    real_server 10.0.1.2 80 {
        weight 5
        uthreshold 100
        lthreshold 50
        HTTP_GET {
            url {
                path /
                status_code 200
            }
            connect_timeout 2
        }
    }
    real_server 10.0.2.2 80 {
        weight 1
        inhibit_on_failure
        TCP_CHECK {
            connect_timeout 2
        }
    }
}
virtual_server 192.0.2.1 53 {
    lvs_sched rr
    lvs_method DR
    protocol UDP
    ops
    real_server 10.0.1.2 53 {
    }
}
virtual_server 192.0.2.2 443 {
    lvs_sched sh
    sh-port
    sh-fallback
    lvs_method TUN
    protocol TCP
    real_server 10.0.1.2 443 {
        lvs_method TUN type gue port 6080
    }
    real_server 10.0.2.2 443 {
        lvs_method TUN type gre csum
        weight 0
    }
}
virtual_server 192.0.2.3 5060 {
    lvs_sched mh
    mh-port
    protocol UDP
    persistence_engine sip
    persistence_timeout 60
    real_server 10.0.1.2 5060 {
    }
}
virtual_server 2001:db8::1 80 {
    lvs_sched lc
    lvs_method NAT
    protocol TCP
    real_server 2001:db8:1::2 8080 {
    }
}
virtual_server fwmark 7 {
    lvs_sched wlc
    lvs_method DR
    real_server 10.0.1.2 0 {
    }
}
";

/// The resulting table while both web servers answer.
const TABLE: &str = "\
-A -t 192.0.2.1:80 -s wrr -p 600 -M 255.255.255.0
-a -t 192.0.2.1:80 -r 10.0.1.2:80 -m -w 5 -x 100 -y 50
-a -t 192.0.2.1:80 -r 10.0.2.2:80 -m -w 1
-A -t 192.0.2.2:443 -s sh -b sh-fallback,sh-port
-a -t 192.0.2.2:443 -r 10.0.1.2:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-nocsum
-a -t 192.0.2.2:443 -r 10.0.2.2:443 -i -w 0 --tun-type gre --tun-csum
-A -u 192.0.2.1:53 -s rr -o
-a -u 192.0.2.1:53 -r 10.0.1.2:53 -g -w 1
-A -u 192.0.2.3:5060 -s mh -p 60 --pe sip -b mh-port
-a -u 192.0.2.3:5060 -r 10.0.1.2:5060 -m -w 1
-A -t [2001:db8::1]:80 -s lc
-a -t [2001:db8::1]:80 -r [2001:db8:1::2]:8080 -m -w 1
-A -f 7 -s wlc
-a -f 7 -r 10.0.1.2:0 -g -w 1
";

#[test]
fn the_services_of_keepalived_are_listed() {
    let director = Director::alone();
    let stage = Stage::new();
    let machines = [1, 2].map(|number| WebServer::new(&director, number));
    let first = machines[0].serve(&stage);
    let second = machines[1].serve(&stage);

    stage.write("/run/test.conf", CONFIGURATION);
    let mut command = stage.command(unpacked_program("keepalived"));
    command.args(["--dont-fork", "--log-console", "--check", "--use-file=/run/test.conf"]);
    let keepalived = stage.start(&mut command);
    stage.wait_for(&director, "both servers answer", TABLE);
    let listing = "\
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  192.0.2.3:5060 mh (mh-port) persistent 60 pe sip
  -> 10.0.1.2:5060                Masq    1      0          0         $
";
    assert_eq!(director.ok("-L -n -u 192.0.2.3:5060"), listing.replace("$\n", "\n"));

    drop((first, second));
    let first_line = "-a -t 192.0.2.1:80 -r 10.0.1.2:80 -m -w 5 -x 100 -y 50\n";
    let without = TABLE.replace(first_line, "").replace("10.0.2.2:80 -m -w 1", "10.0.2.2:80 -m -w 0");
    stage.wait_for(&director, "both servers are killed", &without);

    keepalived.terminate();
    assert_eq!(director.saved(), "", "keepalived removes its services when it stops");
}
