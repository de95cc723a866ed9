//! Random invocations, right and wrong.
//!
//! They come in rounds that begin with empty tables. The seed of a round makes it the same again.

use std::env;

use super::grammar;
use super::pair::Pair;
use super::random::Random;

/// How many invocations, and the seed of the first round.
const COUNT: (&str, usize) = ("IPVSADM_DIFFERENTIAL_COUNT", 3000);
const SEED: (&str, usize) = ("IPVSADM_DIFFERENTIAL_SEED", 1);
const ROUND: usize = 50;
/// Enough to see what is wrong.
const FAILURES: usize = 20;

fn number((name, default): (&str, usize)) -> usize {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")),
        Err(_) => default,
    }
}

#[test]
fn random_invocations() {
    let (count, mut seed) = (number(COUNT), number(SEED));
    let mut pair = Pair::new();
    let mut done = 0;
    while done < count && pair.failures() < FAILURES {
        let mut random = Random::new(seed.try_into().unwrap());
        let length = ROUND.min(count - done);
        pair.given("");
        for step in 1..=length {
            let failures = pair.failures();
            done += 1;
            pair.step(&grammar::step(&mut random));
            if pair.failures() > failures {
                println!("again: {}={seed} {}={step}", SEED.0, COUNT.0);
                // What follows would only show the same once more.
                break;
            }
        }
        seed += 1;
    }
    pair.finish();
}
