//! Servers that are down and removed, added again, or taken out of our hands meanwhile.

use ipvs_netlink::Destination;

use super::change::Kind;
use super::table::tests::{hear_by, id, make, read, target};
use super::{Event, Load, OnSilence, Rules};

const REMOVE: Rules = Rules {
    remove: true,
    fall: 2,
    rise: 2,
    min: 1,
    max: 100,
    smooth: 0.0,
    on_silence: OnSilence::Keep,
    keep_last: true,
};

/// Returns the ways in which weights have to change.
fn kinds(load: &mut Load) -> Vec<Kind> {
    load.changes(&REMOVE).0.iter().map(|change| change.kind).collect()
}

/// Reads a service whose first server is gone.
fn read_second(load: &mut Load) -> Vec<Event> {
    load.read_all([(target(80, 1).0, vec![(id(2), 100)])], |_, present| present)
}

#[test]
fn a_server_that_is_down_is_removed_and_added_again_with_its_settings() {
    let mut load = Load::default();
    read(&mut load, &[70, 100]);
    hear_by(&mut load, 1, "down", &REMOVE);
    assert_eq!(kinds(&mut load), []);
    hear_by(&mut load, 1, "down", &REMOVE);
    assert_eq!(kinds(&mut load), [Kind::Remove]);
    assert_eq!(make(&mut load, &REMOVE), [(1, 0)]);
    assert_eq!(read_second(&mut load), []);
    // Neither a drain nor silence changes anything, and one good answer is not enough.
    for line in ["drain", "down", "down", "up 50%"] {
        hear_by(&mut load, 1, line, &REMOVE);
        assert_eq!(kinds(&mut load), []);
    }
    let settings = Destination::new(id(1)).with_thresholds(9, 0).with_weight(70);
    let back = load.put_back();
    assert_eq!((back[0].kind, back[0].to), (Kind::Add(settings), 70));
    hear_by(&mut load, 1, "up 50%", &REMOVE);
    assert_eq!(kinds(&mut load), [Kind::Add(settings)]);
    assert_eq!(make(&mut load, &REMOVE), [(1, 35)]);
    assert_eq!((read(&mut load, &[35, 100]), kinds(&mut load)), (vec![], vec![]));
    assert_eq!(load.take_strange().len(), 0);
}

#[test]
fn the_last_server_is_never_removed() {
    let mut load = Load::default();
    read(&mut load, &[70, 100]);
    for host in [1, 2, 1, 2] {
        hear_by(&mut load, host, "down", &REMOVE);
    }
    assert_eq!(kinds(&mut load), [Kind::Remove]);
    assert_eq!(make(&mut load, &REMOVE), [(1, 0)]);
    // Somebody deletes the other one.
    load.read_all([(target(80, 1).0, vec![])], |_, present| present);
    assert_eq!(make(&mut load, &REMOVE), [(1, 70)]);
}

#[test]
fn a_removed_server_that_somebody_adds_or_does_not_want_is_respected() {
    let mut load = Load::default();
    let remove = |load: &mut Load| {
        *load = Load::default();
        read(load, &[70, 100]);
        (0..2).for_each(|_| drop(hear_by(load, 1, "down", &REMOVE)));
        make(load, &REMOVE);
        assert_eq!(read_second(load), []);
    };
    remove(&mut load);
    assert_eq!(read(&mut load, &[60, 100]), [Event::AddedByOthers(target(80, 1), 60)]);
    assert_eq!(load.take_strange().len(), 1);
    // It gets no weight, but is not removed again before it has been well.
    assert_eq!((kinds(&mut load), make(&mut load, &REMOVE)), (vec![Kind::Set], vec![(1, 0)]));
    for (line, expected) in [("down", vec![]), ("up", vec![]), ("up", vec![(1, 60)]), ("down", vec![])] {
        hear_by(&mut load, 1, line, &REMOVE);
        assert_eq!(make(&mut load, &REMOVE), expected);
    }
    hear_by(&mut load, 1, "down", &REMOVE);
    assert_eq!(kinds(&mut load), [Kind::Remove]);

    remove(&mut load);
    load.confirm(|_| false);
    assert_eq!(load.count(), (1, 2, 0));
    load.confirm(|target| target.1 == id(1));
    assert_eq!((load.count(), load.put_back()), ((1, 1, 0), vec![]));

    remove(&mut load);
    load.read_all([], |_, present| present);
    assert_eq!((load.put_back(), load.take_strange().len()), (vec![], 2));
    remove(&mut load);
    load.forget_service(target(80, 1).0);
    assert_eq!((load.put_back(), load.take_strange().len()), (vec![], 2));
}

#[test]
fn a_server_that_an_earlier_run_has_removed_comes_back() {
    let mut load = Load::default();
    read_second(&mut load);
    let settings = Destination::new(id(1)).with_weight(70);
    load.take_up_removed(target(80, 1).0, settings);
    load.take_up_removed(target(80, 1).0, Destination::new(id(2)).with_weight(7));
    load.take_up_removed(target(81, 1).0, settings);
    assert_eq!((load.count(), load.put_back()[0].kind), ((1, 2, 0), Kind::Add(settings)));
    hear_by(&mut load, 1, "50%", &REMOVE);
    assert_eq!(kinds(&mut load), []);
    hear_by(&mut load, 1, "50%", &REMOVE);
    assert_eq!(make(&mut load, &REMOVE), [(1, 35)]);
    // One that has only the weight 0 is not removed before it has answered.
    let mut load = Load::default();
    load.read_all([(target(80, 1).0, vec![(id(1), 0), (id(2), 9)])], |_, _| 9);
    assert_eq!(kinds(&mut load), []);
}
