//! Comparison with the reference, C ipvsadm 1.31: both programs get the same invocations, each in its own
//! namespace.

mod allowed;
mod case;
mod documented;
mod excuses;
mod generator;
mod grammar;
mod kernel;
mod listing;
mod long_lines;
mod matrix;
mod namespace;
mod pair;
mod patterns;
mod random;
mod real_world;
pub mod reference;
mod rewrite;
mod script;
mod step;
mod traffic;
mod vocabulary;

use pair::Pair;

/// Defines a test for each script of the corpus.
macro_rules! corpus {
    ($($name:ident)*) => {
        mod corpus {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let mut pair = Pair::new();
                    script::run(&mut pair, include_str!(concat!("corpus/", stringify!($name), ".txt")));
                    pair.finish();
                }
            )*
        }
    };
}

corpus! { addresses connections daemons editing refusals restore servers services spelling timeouts }
