//! Random invocations, valid and invalid.
//!
//! They are run in rounds that begin with empty tables. A round can be repeated with its seed.

use std::env;

use super::grammar;
use super::pair::Pair;
use super::random::Random;

/// The number of invocations and the seed of the first round: environment variables and their defaults.
const COUNT: (&str, usize) = ("IPVSADM_DIFFERENTIAL_COUNT", 1500);
const SEED: (&str, usize) = ("IPVSADM_DIFFERENTIAL_SEED", 1);
const ROUND_LENGTH: usize = 50;
/// The number of failures after which the test stops.
const MAX_FAILURES: usize = 20;

fn from_env_or_default((name, default): (&str, usize)) -> usize {
    match env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")),
        Err(_) => default,
    }
}

#[test]
fn random_invocations_behave_alike() {
    let (count, mut seed) = (from_env_or_default(COUNT), from_env_or_default(SEED));
    let mut pair = Pair::new();
    let mut done = 0;
    while done < count && pair.failures() < MAX_FAILURES {
        let mut random = Random::new(seed.try_into().unwrap());
        let length = ROUND_LENGTH.min(count - done);
        pair.set_baseline("");
        for step in 1..=length {
            let failures = pair.failures();
            done += 1;
            pair.step(&grammar::generate_step(&mut random));
            if pair.failures() > failures {
                println!("to reproduce: {}={seed} {}={step}", SEED.0, COUNT.0);
                // The rest of the round would only repeat the same failure.
                break;
            }
        }
        seed += 1;
    }
    pair.finish();
}
