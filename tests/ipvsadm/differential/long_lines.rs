//! Lines for `-R` that are as long as common buffers, and slightly shorter and longer.

use super::pair::Pair;
use super::step::Step;

fn restore(input: String) -> Step {
    Step { words: vec!["-R".to_owned()], input, ..Step::default() }
}

#[test]
fn long_lines_of_a_restore_behave_alike() {
    let mut pair = Pair::new();
    for length in [250, 254, 255, 256, 257, 1022, 1023, 1024, 1025, 4095, 4096, 4097, 100_000] {
        pair.reset();
        let line = "-A -t 10.0.0.1:80 -s";
        let blanks = " ".repeat(length - line.len() - 2);
        pair.step(&restore(format!("{line}{blanks}rr\n-A -t 10.0.0.2:80 -s rr\n")));
    }
    for words in [62, 63, 64, 65, 127, 128, 255, 256, 300] {
        pair.reset();
        pair.step(&restore(format!("-A -t 10.0.0.1:80 {}\n-A -f 1\n", "--sort ".repeat(words))));
    }
    pair.finish();
}
