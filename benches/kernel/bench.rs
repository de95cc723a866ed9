//! Compares the program on the running kernel with the original and with the least work that gives the same
//! result. `scripts/bench` starts it on a test kernel.
//!
//!     bench run [--quick] PROGRAM ORIGINAL EMPTY [CASE...]    prints the table
//!     bench connections PROGRAM ORIGINAL EMPTY [CASE...]      prints only the rows about many connections
//!     bench clients                                           compares the two clients of the library
//!     bench floor (short|long|read) FILE ...                  does the least work
//!     bench time COUNT COMMAND...                             runs a command and prints its times and memory
//!
//! With cases, it prints only rows whose name and size contain one of them.

mod cases;
mod clients;
mod floor;
mod measure;
mod report;
mod table;
mod traffic;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", "--quick", programs @ ..] => cases::run(programs, true),
        ["run", programs @ ..] => cases::run(programs, false),
        ["connections", programs @ ..] => cases::connections(programs),
        ["clients"] => clients::run(),
        ["floor", work @ ..] => floor::run(work),
        ["time", count, command @ ..] => measure::time(count.parse()?, command),
        _ => Err("bench is started by scripts/bench".into()),
    }
}
