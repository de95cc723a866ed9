//! The program beside the reference, C ipvsadm 1.31: the same invocations, each in a namespace of its own.

mod allowed;
mod case;
mod documented;
mod excuses;
mod generator;
mod grammar;
mod kernel;
mod listing;
mod long;
mod matrix;
mod namespace;
mod pair;
mod patterns;
mod random;
pub mod reference;
mod rewrite;
mod script;
mod step;
mod traffic;
mod vocabulary;
mod wild;

use pair::Pair;

/// A test for each script of the corpus.
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
