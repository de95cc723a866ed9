//! Tests of what is heard, read and changed.

use super::*;
use crate::load::Answer;

pub(in crate::load) fn target(service: u16, host: u8) -> Target {
    (ServiceId::tcp(([192, 0, 2, 1], service)), DestinationId::new([10, 0, 0, host], 80))
}

pub(in crate::load) fn read(load: &mut Load, weights: &[u32]) -> Vec<Event> {
    let servers = (1..).zip(weights).map(|(host, weight)| (target(80, host).1, *weight)).collect();
    load.read_all([(target(80, 1).0, servers)], |_, present| present)
}

fn hear(load: &mut Load, host: u8, line: &str) -> Option<Event> {
    hear_by(load, host, line, &Rules { smooth: 0.0, ..Rules::default() })
}

pub(in crate::load) fn hear_by(load: &mut Load, host: u8, line: &str, rules: &Rules) -> Option<Event> {
    let heard = Heard::Answer(Answer::parse(line.as_bytes()).unwrap());
    load.hear(target(80, host), &heard, rules)
}

/// Makes all changes, and returns the new weights by the last number of the server's address.
pub(in crate::load) fn make(load: &mut Load, rules: &Rules) -> Vec<(u8, u32)> {
    let (changes, _) = load.changes(rules);
    let settings = |change: &WeightChange| Destination::new(change.target.1).with_thresholds(9, 0);
    changes.iter().for_each(|change| load.made(change, &settings(change)));
    let host = |change: &WeightChange| match change.target.1.address {
        std::net::IpAddr::V4(address) => address.octets()[3],
        std::net::IpAddr::V6(_) => 0,
    };
    changes.iter().map(|change| (host(change), change.to)).collect()
}

#[test]
fn a_weight_set_by_hand_is_the_new_base() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100, 100]);
    hear(&mut load, 1, "50%");
    assert_eq!(make(&mut load, &rules), [(1, 50)]);
    assert_eq!(make(&mut load, &rules), []);
    assert_eq!(read(&mut load, &[50, 100]), []);
    let events = read(&mut load, &[40, 100]);
    assert_eq!(events, [Event::SetByOthers { target: target(80, 1), from: 50, to: 40 }]);
    assert_eq!(load.take_strange().len(), 1);
    assert_eq!(make(&mut load, &rules), [(1, 20)]);
    assert_eq!(load.put_back()[0].to, 40);
}

#[test]
fn a_drain_by_hand_stays_until_somebody_ends_it() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100, 100]);
    read(&mut load, &[0, 100]);
    for line in ["50%", "drain", "up", "100%"] {
        hear(&mut load, 1, line);
        assert_eq!(make(&mut load, &rules), []);
    }
    hear(&mut load, 1, "50%");
    read(&mut load, &[100, 100]);
    assert_eq!(make(&mut load, &rules), [(1, 50)]);
    // Also one of a server that has the weight 0 already.
    hear(&mut load, 1, "drain");
    assert_eq!(make(&mut load, &rules), [(1, 0)]);
    load.leave_drained(target(80, 1));
    hear(&mut load, 1, "up");
    assert_eq!((make(&mut load, &rules), load.put_back()), (vec![], vec![]));
}

#[test]
fn the_last_server_goes_on_serving() {
    let (mut load, rules) = (Load::default(), Rules { fall: 1, rise: 1, ..Rules::default() });
    read(&mut load, &[10, 20, 0]);
    hear_by(&mut load, 1, "down", &rules);
    assert_eq!(make(&mut load, &rules), [(1, 0)]);
    hear_by(&mut load, 2, "drain", &rules);
    let (changes, events) = load.changes(&rules);
    assert_eq!((changes, events), (vec![], vec![Event::Kept(target(80, 2), "drain".into())]));
    assert_eq!(load.changes(&rules), (vec![], vec![]), "it is told once");
    let not_kept = Rules { keep_last: false, ..rules };
    assert_eq!(load.changes(&not_kept).0.len(), 1);
    // When the other is back it may go.
    hear_by(&mut load, 1, "up", &rules);
    assert_eq!(make(&mut load, &rules), [(1, 10), (2, 0)]);
    // If somebody deletes the last one that serves, another one has to.
    hear_by(&mut load, 1, "down", &rules);
    make(&mut load, &rules);
    let servers = vec![(target(80, 2).1, 0), (target(80, 3).1, 0)];
    load.read(target(80, 1).0, servers, |_, present| present);
    assert_eq!(make(&mut load, &rules), [(2, 20)]);
}

#[test]
fn the_next_server_serves_before_the_last_one_stops() {
    let (mut load, rules) = (Load::default(), Rules { fall: 1, rise: 1, ..Rules::default() });
    read(&mut load, &[10, 20]);
    hear_by(&mut load, 2, "down", &rules);
    assert_eq!(make(&mut load, &rules), [(2, 0)]);
    hear_by(&mut load, 1, "drain", &rules);
    hear_by(&mut load, 2, "up", &rules);
    assert_eq!(make(&mut load, &rules), [(2, 20), (1, 0)]);
}

#[test]
fn a_weight_of_the_moment_can_become_the_configured_one() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100, 80]);
    hear(&mut load, 1, "50%");
    hear(&mut load, 2, "50%");
    make(&mut load, &rules);
    load.confirm(|target| target.1 == id(1));
    let back: Vec<u32> = load.put_back().iter().map(|change| change.to).collect();
    assert_eq!(back, [80]);
    assert_eq!(make(&mut load, &rules), [(1, 25)]);
}

#[test]
fn services_and_servers_come_and_go() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100, 100]);
    hear(&mut load, 1, "50%");
    make(&mut load, &rules);
    assert!(read(&mut load, &[50, 100, 7]).is_empty());
    assert_eq!(load.count(), (1, 3, 0));
    load.read_all([], |_, present| present);
    assert_eq!((load.count(), load.take_strange().len()), ((0, 0, 0), 3));
    assert_eq!(hear(&mut load, 1, "50%"), None);
    // It has come back, and nobody remembers.
    read(&mut load, &[50, 100]);
    assert_eq!(load.put_back(), []);
}

#[test]
fn the_configured_weights_of_an_earlier_run_are_known() {
    let mut load = Load::default();
    let servers = vec![(target(80, 1).1, 25), (target(80, 2).1, 0), (target(80, 3).1, 0)];
    let noted = |target: Target, present| if target.1 == id(3) { present } else { 100 };
    load.read_all([(target(80, 1).0, servers)], noted);
    // Nothing changes before there are answers.
    assert_eq!(make(&mut load, &Rules::default()), []);
    let back: Vec<u32> = load.put_back().iter().map(|change| change.to).collect();
    assert_eq!(back, [100, 100]);
}

pub(in crate::load) fn id(host: u8) -> DestinationId {
    target(80, host).1
}

#[test]
fn a_fight_is_noticed() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100, 100]);
    hear(&mut load, 1, "50%");
    let mut fights = 0;
    for _ in 0..10 {
        make(&mut load, &rules);
        fights += read(&mut load, &[100, 100]).contains(&Event::Fight(target(80, 1))) as usize;
    }
    assert_eq!(fights, 1);
}

#[test]
fn silence_is_told_once() {
    let (mut load, rules) = (Load::default(), Rules::default());
    read(&mut load, &[100]);
    let mut silence = || load.hear(target(80, 1), &Heard::Silence("refused".into()), &rules);
    assert_eq!([silence(), silence()], [None, None]);
    assert_eq!(silence(), Some(Event::Silent(target(80, 1), "no answer 3 times: refused".into())));
    assert_eq!(silence(), None);
    assert_eq!(hear(&mut load, 1, "9%"), None);
    assert_eq!(hear(&mut load, 1, "9%"), Some(Event::Answers(target(80, 1), "9%".into())));
}
