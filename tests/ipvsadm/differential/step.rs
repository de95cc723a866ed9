//! An invocation, and the outcome of running a program with it.

use std::fmt;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// Runs a program whose /proc/net/ip_vs_conn contains the standard input.
const WITH_CONNECTIONS: &str = r#"mount -t tmpfs none /proc && mkdir -p /proc/thread-self/net && ln -s thread-self/net /proc/net && cat >/proc/net/ip_vs_conn && exec "$0" "$@""#;

/// The first line of that file.
const CONNECTIONS_HEADER: &str =
    "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";

/// A command line and its standard input.
#[derive(Debug, Clone, Default)]
pub struct Step {
    pub words: Vec<String>,
    pub input: String,
    /// Makes the input the kernel's list of connections instead of the standard input.
    pub connections: bool,
}

impl Step {
    /// Parses a line of a script: words separated by blanks, with `'` and `"` as in a shell, optionally
    /// followed by `<<` and the standard input or by `<<<` and the kernel's connections, which may contain
    /// `\n`, `\t`, `\r`, `\\` and `\xHH`.
    pub fn parse(line: &str) -> Self {
        let Some((words, input)) = line.split_once(" <<") else {
            return Self { words: split_words(line), ..Self::default() };
        };
        let (input, connections) = match input.strip_prefix('<') {
            Some(lines) => (format!("{CONNECTIONS_HEADER}{}", unescape(lines.trim_start())), true),
            None => (unescape(input.trim_start()), false),
        };
        Self { words: split_words(words), input, connections }
    }

    /// Returns whether the step only lists.
    pub fn is_listing(&self) -> bool {
        let Some(first) = self.words.first() else { return true };
        first == "--list" || first.starts_with("-L") || first.starts_with("-l")
    }

    /// Returns whether the step lists entries in an order that differs between namespaces.
    pub fn shows_kernel_order(&self) -> bool {
        let connections = |word: &String| {
            word == "--connection" || word.starts_with('-') && !word.starts_with("--") && word.contains('c')
        };
        self.is_listing() && self.words.iter().any(|word| word == "--nosort" || connections(word))
    }

    /// Runs a program with these words. Characters of the input and the output stand for bytes with the same
    /// code.
    pub fn run(&self, mut command: Command) -> Outcome {
        if self.connections {
            let mut inner = Command::new("unshare");
            inner.args(["-m", "sh", "-c", WITH_CONNECTIONS]).arg(command.get_program());
            inner.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command = inner;
        }
        command.args(&self.words).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let input: Vec<u8> = self.input.chars().map(|c| u8::try_from(c).expect("input is bytes")).collect();
        let output = std::thread::scope(|scope| {
            // A program that rejects its command line does not read its input.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
            child.wait_with_output().unwrap()
        });
        let text = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect();
        let status = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap());
        Outcome { status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ipvsadm")?;
        for word in &self.words {
            match word.is_empty() || word.contains([' ', '\t', '\n', '\'', '"']) {
                true => write!(f, " '{word}'")?,
                false => write!(f, " {word}")?,
            }
        }
        match self.input.is_empty() {
            true => Ok(()),
            false => {
                write!(f, " <<{} {}", if self.connections { "<" } else { "" }, self.input.escape_debug())
            }
        }
    }
}

/// The exit status and output of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status, or the negated number of the signal that killed the program.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

fn split_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c == ' ' => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).collect();
                    u8::from_str_radix(&digits, 16).expect("two digits after \\x").into()
                }
                other => other.unwrap_or('\\'),
            },
            c => c,
        });
    }
    plain
}
