//! What the library and the program do, shown on a running kernel: `scripts/kernel -- cargo test` or,
//! with everything else, `scripts/test`.

mod wire;
