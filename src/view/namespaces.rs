//! `--netns-list`: a line for each network namespace that has services.

use crate::output::Output;

/// A network namespace.
#[derive(Debug, Default)]
pub(crate) struct FoundNamespace {
    /// The words by which `--netns` finds it, except for process ids.
    pub(crate) names: Vec<String>,
    /// The number that no other namespace has at the same time.
    pub(crate) inode: u64,
    /// The id and the name of a process in it.
    pub(crate) process: Option<(u32, Vec<u8>)>,
    pub(crate) services: usize,
    pub(crate) servers: usize,
    /// Set if it is the one that the program was started in, or moved to.
    pub(crate) is_current: bool,
    /// The reason why its services cannot be counted.
    pub(crate) error: Option<String>,
}

impl FoundNamespace {
    /// Returns a word by which `--netns` finds it.
    pub(crate) fn word(&self) -> String {
        match (self.names.first(), &self.process) {
            (Some(name), _) => name.clone(),
            (None, Some((process, _))) => process.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Appends a heading and a line for each namespace.
pub(crate) fn namespaces<'a>(output: &mut Output, namespaces: impl Iterator<Item = &'a FoundNamespace>) {
    output.push("Services Servers --netns              Process\n");
    for namespace in namespaces {
        output.right(8, namespace.services as u64);
        output.push(" ");
        output.right(7, namespace.servers as u64);
        output.push(" ");
        output.left(20, |output| output.foreign(namespace.word().as_bytes()));
        match &namespace.process {
            Some((process, name)) => {
                output.push(" ");
                output.number(*process);
                output.push(" (");
                output.foreign(name);
                output.push(")");
            }
            None => output.push(" none"),
        }
        for name in namespace.names.iter().skip(1) {
            output.push(", also ");
            output.foreign(name.as_bytes());
        }
        output.push(if namespace.is_current { ", this one\n" } else { "\n" });
    }
}

/// The number of namespaces that a sentence names.
const MAX_NAMED: usize = 3;

/// Returns a sentence about what could not be looked into, if there is anything.
pub(crate) fn incomplete_namespaces(
    refused: &[&FoundNamespace],
    hidden_folders: &[&str],
    hidden_processes: usize,
) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(why) = refused.first().and_then(|namespace| namespace.error.as_ref()) {
        let mut words: Vec<String> =
            refused.iter().take(MAX_NAMED).map(|namespace| namespace.word()).collect();
        if refused.len() > MAX_NAMED {
            words.push(format!("{} more", refused.len() - MAX_NAMED));
        }
        parts.push(format!("no look into {}: {why}", words.join(", ")));
    }
    for folder in hidden_folders {
        parts.push(format!("no look into {folder}: permission denied"));
    }
    if hidden_processes > 0 {
        parts.push(format!("the namespaces of {hidden_processes} processes cannot be seen without root"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(names: &[&str], process: Option<u32>) -> FoundNamespace {
        FoundNamespace {
            names: names.iter().map(ToString::to_string).collect(),
            process: process.map(|process| (process, b"a b\x1b".to_vec())),
            services: 2,
            servers: 12,
            ..FoundNamespace::default()
        }
    }

    #[test]
    fn each_namespace_has_a_line_with_the_word_for_it() {
        let current = FoundNamespace { is_current: true, ..namespace(&[], Some(1)) };
        let all =
            [current, namespace(&["blue", "/run/docker/netns/1-x"], None), namespace(&["red"], Some(70))];
        let mut output = Output::default();
        namespaces(&mut output, all.iter());
        let expected = "Services Servers --netns              Process\n       \
                        2      12 1                    1 (a\\x20b\\u{1b}), this one\n       \
                        2      12 blue                 none, also /run/docker/netns/1-x\n       \
                        2      12 red                  70 (a\\x20b\\u{1b})\n";
        assert_eq!(output.to_string(), expected);
    }

    #[test]
    fn what_could_not_be_looked_into_is_named_as_far_as_there_is_room() {
        assert_eq!(incomplete_namespaces(&[], &[], 0), None);
        let refused = |name: &str| FoundNamespace { error: Some("why".into()), ..namespace(&[name], None) };
        let refused = ["a", "b", "c", "d", "e"].map(refused);
        let refused: Vec<&FoundNamespace> = refused.iter().collect();
        assert_eq!(
            incomplete_namespaces(&refused, &["/run/x"], 7).unwrap(),
            "no look into a, b, c, 2 more: why; no look into /run/x: permission denied; \
             the namespaces of 7 processes cannot be seen without root"
        );
        assert_eq!(incomplete_namespaces(&refused[..1], &[], 0).unwrap(), "no look into a: why");
    }
}
