//! What the library and the program do, shown on a running kernel: `scripts/kernel -- cargo test` or,
//! with everything else, `scripts/test`.

mod boot;
mod cluster;
mod differential;
mod guide;
mod library;
mod manual;
mod names;
mod no_modules;
mod program;
mod programs;
mod random;
mod refusals;
mod release;
mod reload;
mod replace;
mod support;
mod wire;
