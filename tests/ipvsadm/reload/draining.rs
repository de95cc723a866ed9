//! Draining replacements whose program is killed.

use super::*;

#[test]
fn a_draining_replacement_that_is_killed_is_completed_by_the_next_run() {
    let director = Director::alone();
    for number in [1, 11, 12] {
        director.system(&format!("ip addr add 192.0.2.{number}/32 dev lo"));
    }
    for number in [11, 12] {
        serve(&format!("192.0.2.{number}"));
    }
    let web = |numbers: &[u8]| -> String {
        let server = |number| format!("-a -t 192.0.2.1:80 -r 192.0.2.{number}:8080 -m -w 1\n");
        "-A -t 192.0.2.1:80 -s rr\n".to_owned() + &numbers.iter().map(server).collect::<String>()
    };
    let others = |count| rules(count, 1).replace("192.0.2.", "192.0.9.");
    let folder = Folder::new();
    let path = folder.0.join("rules");
    let (mut waited, mut deleting) = (0, 0);
    for round in 0..12 {
        // The dropped server has a connection, and hundreds of dropped services have none.
        assert_eq!(director.feed("-R --replace", &format!("{}{}", web(&[11, 12]), others(300))).status, 0);
        let pair = [connect().unwrap(), connect().unwrap()];
        let mut held = pair.into_iter().find(|(_, number)| *number == 12).unwrap().0;
        let wanted = format!("{}{}", web(&[11]), others(20));
        fs::write(&path, &wanted).unwrap();
        let mut program = Command::new(PROGRAM)
            .args(["-R", "--replace", "--drain-removed", "60"])
            .stdin(File::open(&path).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(15 * round));
        kill(Pid::from_raw(program.id() as i32), Signal::SIGKILL).unwrap();
        assert_eq!(program.wait().unwrap().signal(), Some(Signal::SIGKILL as i32), "round {round}");
        assert_eq!(ask(&mut held).expect("a connection was lost"), 12, "round {round}");
        let left = director.saved();
        waited += usize::from(left.contains("-r 192.0.2.12:8080 -m -w 0"));
        deleting += usize::from(left.lines().count() < 900);

        let again = Command::new(PROGRAM)
            .args(["-R", "--replace", "--drain-removed", "60"])
            .stdin(File::open(&path).unwrap())
            .stderr(Stdio::null())
            .spawn();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(ask(&mut held).expect("a connection was lost"), 12, "round {round}");
        drop(held);
        assert!(again.unwrap().wait().unwrap().success(), "round {round}");
        assert_eq!(director.saved(), wanted, "round {round}");
    }
    println!("of 12 runs, {waited} were killed after draining and {deleting} after deleting");
}
