//! Findings, and the words that all of them are made of.

use std::fmt;

use ipvs_netlink::{Change, ServiceId};
use serde::Serialize;

use crate::grammar;
use crate::output::Output;

/// The weight of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Clients are not served.
    Error,
    /// Something is lost, or will be in a situation that is to be expected.
    Warning,
    /// Nothing is wrong, but good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// The name of the check, which stays the same.
    pub(crate) check: &'static str,
    /// The part of the cluster that is concerned.
    pub(crate) subject: String,
    /// The reason to think so, as it was seen.
    pub(crate) evidence: String,
    /// The things that do not work because of it.
    pub(crate) breaks: String,
    /// A command that mends it, or advice. People paste it, so advice beside a command is a comment of the shell.
    pub(crate) mend: String,
}

impl Finding {
    pub(crate) fn new(
        severity: Severity,
        check: &'static str,
        subject: impl fmt::Display,
        evidence: impl Into<String>,
        breaks: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            check,
            subject: subject.to_string(),
            evidence: evidence.into(),
            breaks: breaks.into(),
            mend: mend.into(),
        }
    }
}

impl fmt::Display for Finding {
    /// Writes a line, in which text from outside is not escaped yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, check, subject, evidence, breaks, mend } = self;
        write!(f, "{severity} [{check}] {subject}: {evidence}: {breaks}. Mend: {mend}")
    }
}

/// Returns the command line that makes a change.
pub(super) fn command(change: &Change) -> String {
    let mut output = Output::default();
    grammar::write(&mut output, change);
    format!("ipvsadm {output}")
}

/// Returns the options that name a service.
pub(super) fn service_options(service: ServiceId) -> String {
    command(&Change::DeleteService(service)).trim_start_matches("ipvsadm -D ").to_owned()
}

/// Joins things for a sentence, of which only the first few are named.
pub(super) fn list<T: fmt::Display>(things: impl IntoIterator<Item = T>) -> String {
    const MAX_NAMED: usize = 3;
    let all: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    let more = all.len().saturating_sub(MAX_NAMED);
    let named = all[..all.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// Returns a name as a word of a shell's command line, whatever is in it: people paste commands.
pub(super) fn shell_word(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-:@/=".contains(character);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// Returns the command that changes a setting below `/proc/sys`. The form with slashes also does for interfaces with a
/// dot in their names.
pub(super) fn set(path: &str, value: i64) -> String {
    let name = if path.matches('.').count() == 0 { path.replace('/', ".") } else { path.to_owned() };
    format!("sysctl -w {}", shell_word(&format!("{name}={value}")))
}

/// Returns the name of a setting as `sysctl` prints it.
pub(super) fn dotted(path: &str) -> String {
    path.replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_few_things_are_named() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b, c");
        assert_eq!(list(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
        assert_eq!(list::<&str>([]), "");
    }

    #[test]
    fn no_name_runs_a_command_when_it_is_pasted() {
        assert_eq!(shell_word("eth0.100"), "eth0.100");
        assert_eq!(shell_word("$(reboot)"), "'$(reboot)'");
        assert_eq!(shell_word("a'b;c"), "'a'\\''b;c'");
        assert_eq!(shell_word("-x"), "'-x'");
        assert_eq!(set("net/ipv4/ip_forward", 1), "sysctl -w net.ipv4.ip_forward=1");
        assert_eq!(set("net/ipv4/conf/a.1/forwarding", 1), "sysctl -w net/ipv4/conf/a.1/forwarding=1");
        assert_eq!(set("net/ipv4/conf/`id`/forwarding", 1), "sysctl -w 'net.ipv4.conf.`id`.forwarding=1'");
    }
}
