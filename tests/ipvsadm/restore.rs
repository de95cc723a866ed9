//! `-R`: input that is wrong, that the kernel refuses in part, or that was not written for it.

use std::process::Command;

use crate::support::*;

#[test]
fn a_restore_with_mistakes_applies_nothing_and_reports_every_line() {
    let director = Director::new();
    let input =
        "# a comment\n\nipvsadm -A -t 192.0.2.1:80 # trailing\r\n-A -t nowhere:80x\n\t-A -f 0\n-R\n-A -f 5";
    let run = director.feed("-R", input);
    assert_eq!(
        run.stderr,
        "<stdin>:4: -t \"80x\": it is not a port, 0 to 65535 or a name in /etc/services
    -A -t nowhere:80x
                  ^^^
<stdin>:5: -f \"0\": it is a number from 1 to 4294967295
     -A -f 0
           ^
<stdin>:6: -R cannot stand in its own input
    -R
ipvsadm: nothing was applied
"
    );
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(director.saved(), "");
}

#[test]
fn lines_of_boot_scripts_are_restored() {
    let director = Director::new();
    let input = "#!/bin/sh\n/sbin/ipvsadm -A \\\n  -t \"192.0.2.1:80\" \\\r\n\t-s 'rr'\n\
                 /usr/sbin/ipvsadm -a -t 192.0.2.1:80 -r 198.51.100.1 \\\n-m # comment \\\n-A -f 1 -s rr \\";
    let run = director.feed("-R", input);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let saved = "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 1\n-A -f 1 -s rr\n";
    assert_eq!(director.saved(), saved);

    let run = director.feed("-R", "VIP=192.0.2.1\n/sbin/ipvsadm -A \\\n  -t $VIP:81 -s rr\n-Z\n");
    assert_eq!(
        run.stderr,
        "<stdin>:1: the command must come first, such as -L or -A, but here is \"VIP=192.0.2.1\" (see 'ipvsadm -h')
    VIP=192.0.2.1
    ^^^^^^^^^^^^^
<stdin>:2: -t \"$VIP\": neither an address nor a host name contains \"$\"
    /sbin/ipvsadm -A    -t $VIP:81 -s rr
                           ^^^^
ipvsadm: nothing was applied
ipvsadm: a shell script cannot be restored: run it once with a shell, and save the table by 'ipvsadm-save -o FILE'
"
    );
    assert_eq!((run.status, director.saved().as_str()), (2, saved));
}

#[test]
fn a_restore_that_the_kernel_partly_refuses_applies_the_rest() {
    let director = Director::new();
    let run = director.feed("-R", "-A -f 1\n-A -f 1 -s rr\n-S -n\n-A -f 2 -s nosuch\n-A -f 3\n-D -f 4\n");
    assert_eq!(run.status, 255);
    assert_eq!(
        run.stderr,
        "<stdin>:2: cannot add service FWM 1: Service already exists (use -E to change it)
<stdin>:4: cannot add service FWM 2: Scheduler or persistence engine not found: the kernel has no scheduler \"nosuch\" \
(module ip_vs_nosuch)
<stdin>:6: cannot delete service FWM 4: No such service (see 'ipvsadm -L -n')
ipvsadm: the other lines were applied
"
    );
    assert_eq!(run.stdout, "-A -f 1 -s wlc\n");
    assert_eq!(director.saved(), "-A -f 1 -s wlc\n-A -f 3 -s wlc\n");
}

#[test]
fn binary_input_to_a_restore_is_refused_line_by_line() {
    Director::new();
    let run = feed(Command::new(PROGRAM).arg("-R"), b"-A -f 1\n\xff\xfe\n\0\n");
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("<stdin>:2: the line is not valid UTF-8\n"), "{}", run.stderr);
    assert!(run.stderr.contains("<stdin>:3: "), "{}", run.stderr);
}
