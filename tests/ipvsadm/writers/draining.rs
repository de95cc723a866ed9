//! Replacements that drain, beside other writers.

use super::*;

#[test]
fn an_accepted_draining_restore_ends_with_its_table_and_another_names_what_was_taken_back() {
    let director = Director::new();
    let mut rounds = Rounds::new(60, "");
    rounds.max_delay *= 2;
    let mut ipvs = director.ipvs();
    let reference = Reference::locate();
    let mut taken_back = 0;
    for seed in rounds.seeds() {
        let random = &mut Random::new(seed);
        let (before, wanted) = (Table::random(random, 1..7), Table::random(random, 1..7));
        let edit = Edit::random(random, &[&before, &wanted]);
        let writer = Writer::random(random);
        reset(&mut ipvs, &before);
        let restore = (|| feed_slowly("-R --replace --drain-removed 60", &wanted.lines()), Duration::ZERO);
        let (restored, _) = race(restore, (|| writer.make(edit, &reference), rounds.delay(random)));
        let mut after = Table::read(&mut ipvs);
        let context = format!("seed {seed}: {writer:?}: {}: {}", edit.words(), restored.stderr);
        match restored.status {
            0 => {
                assert_eq!(restored.stderr, "", "{context}");
                assert!([&wanted, &edit.applied_to(&wanted)].contains(&&after), "{context}\n{after:?}");
            }
            status => {
                taken_back += 1;
                assert_eq!(status, 255, "{context}");
                assert!(
                    restored.stderr.contains("another program has changed this meanwhile, and it stays"),
                    "{context}"
                );
                // Everything else is as wanted.
                let mut wanted = wanted.clone();
                for table in [&mut after, &mut wanted] {
                    table.0.remove(&edit.service());
                }
                assert_eq!(after, wanted, "{context}");
            }
        }
    }
    println!("{taken_back} edits took something back");
}
