//! The bodies of the fuzz targets below fuzz/, which the tests replay with the corpus.
//!
//! None of this is part of the program.

use std::fs;

use crate::cli::Usage;
use crate::commands::{self, Session};
use crate::document::{Fault, Settings};
use crate::failure::Failure;
use crate::grammar::{Invocation, Parser};

/// Checks input of `-R` and of `-R --replace` as far as that goes without the kernel.
pub fn restore(data: &[u8]) {
    let path = std::env::temp_dir().join(format!("ipvsadm-fuzz-{}", std::process::id()));
    let Some(file) = path.to_str().filter(|_| fs::write(&path, data).is_ok()) else { return };
    for words in [&["-R", "--check", file][..], &["-R", "--replace", "--check", file]] {
        let outcome = Parser::default().parse(words).map_err(Failure::from).and_then(check);
        if let Err(failure) = outcome {
            assert!(!failure.report().is_empty());
            assert_ne!(failure.status(), 0);
        }
    }
    let _ = fs::remove_file(&path);
}

fn check(invocation: Invocation) -> Result<(), Failure> {
    match invocation {
        Invocation::Restore(options) => commands::restore(&mut Session::default(), &options),
        _ => Ok(()),
    }
}

/// Reads a JSON document. Its settings must survive being written and read again, and faults must have a place.
pub fn document(data: &[u8]) {
    let lines = 1 + data.iter().filter(|&&byte| byte == b'\n').count();
    let settings = match Settings::read(data) {
        Ok(settings) => settings,
        Err(Fault { line, why, .. }) => {
            assert!((1..=lines).contains(&line) && !why.is_empty(), "line {line} of {lines}: {why}");
            return;
        }
    };
    let changes = match settings.changes() {
        Ok(changes) => changes,
        Err(faults) => {
            let text = String::from_utf8_lossy(data);
            assert!(faults.shown.iter().all(|(path, _)| path.line(&text).is_some()), "{faults:?}");
            return;
        }
    };
    let mut output = crate::output::Output::default();
    // Nothing can fail that is not printed.
    let _ = settings.write(&mut output, |_| Ok(()));
    let text = output.into_bytes();
    let again = Settings::read(&text).map(|settings| settings.changes());
    assert_eq!(again, Ok(Ok(changes)), "{}", String::from_utf8_lossy(&text));
}

/// Reads a command line, whose words are separated by newlines. A change must survive being written and read again.
pub fn command_line(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words: Vec<&str> = text.split('\n').collect();
    match Parser::default().parse(&words) {
        Ok(invocation) => {
            let Some(change) = invocation.change() else { return };
            let mut output = crate::output::Output::default();
            crate::grammar::write(&mut output, &change);
            let bytes = output.into_bytes();
            let line = String::from_utf8_lossy(&bytes);
            let again = crate::stages::parse(&line.split_whitespace().collect::<Vec<_>>());
            assert_eq!(again, Some(change), "{line}");
        }
        Err(usage) => assert!(!message(usage).is_empty()),
    }
}

fn message(usage: Usage) -> String {
    Failure::from(usage).report()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Hands each file of a target's corpus to its body. A package of this program has no corpus.
    fn replay(target: &str, body: fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        if !fuzz.exists() {
            return;
        }
        let files: Vec<_> = fs::read_dir(fuzz.join("corpus").join(target)).unwrap().collect();
        assert!(files.len() >= 3, "the corpus of {target} has {} files", files.len());
        for file in files {
            let path = file.unwrap().path();
            println!("{}", path.display());
            body(&fs::read(path).unwrap());
        }
    }

    #[test]
    fn the_corpus_of_restore_input_passes() {
        replay("restore", restore);
    }

    #[test]
    fn the_corpus_of_documents_passes() {
        replay("document", document);
    }

    #[test]
    fn the_corpus_of_command_lines_passes() {
        replay("command_line", command_line);
    }
}
