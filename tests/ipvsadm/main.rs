//! What the library and the program do, shown on a running kernel: `scripts/kernel -- cargo test` or,
//! with everything else, `scripts/test`.

mod library;
mod no_modules;
mod program;
mod refusals;
mod support;
mod wire;
