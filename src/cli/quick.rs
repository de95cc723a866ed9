//! Reads the usual command line without clap, which takes a hundred times as long: input of `-R` may have a
//! million lines. Whatever is not plainly right is left to clap, which knows how to say what is wrong.

use std::borrow::Cow;
use std::iter::{Copied, Peekable};
use std::slice::Iter;

use super::options::{Arity, Entry, Verb};
use super::scanned::Scanned;

/// Reads the words if they are a usual command line, in which clap would find the same.
pub(super) fn scan<'a>(words: &[&'a str]) -> Option<Scanned<'a>> {
    let mut line = Line { words: words.iter().copied().peekable(), scanned: None };
    while let Some(word) = line.words.next() {
        if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=') {
                Some((name, value)) => line.take(by_long(name)?, Some(value))?,
                None => line.take(by_long(long)?, None)?,
            }
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            line.take_bundle(shorts)?;
        } else if matches!(word, "" | "-") {
            return None;
        } else {
            line.scanned.as_mut()?.words.push(Cow::Borrowed(word));
        }
    }
    let mut scanned = line.scanned?;
    // Values of the same option stay in their order.
    scanned.options.sort_by_key(|&(option, _)| option as usize);
    Some(scanned)
}

struct Line<'a, 'w> {
    words: Peekable<Copied<Iter<'w, &'a str>>>,
    /// Begins with the command.
    scanned: Option<Scanned<'a>>,
}

impl<'a> Line<'a, '_> {
    /// Takes short options that share a word; the value of the last one may be in the same word.
    fn take_bundle(&mut self, bundle: &'a str) -> Option<()> {
        let mut shorts = bundle.chars();
        while let Some(short) = shorts.next() {
            let entry = by_short(short)?;
            let rest = shorts.as_str();
            if !rest.is_empty() && !matches!(entry.row().arity, Arity::None) {
                return self.take(entry, Some(rest.strip_prefix('=').unwrap_or(rest)));
            }
            self.take(entry, None)?;
        }
        Some(())
    }

    /// Takes an entry with its value: the attached one or, if it may follow, the next word.
    fn take(&mut self, entry: Entry, attached: Option<&'a str>) -> Option<()> {
        let value = match (entry.row().arity, attached) {
            (Arity::None, None) => None,
            (Arity::None, Some(_)) | (_, Some("")) => return None,
            (_, Some(value)) => Some(value),
            (Arity::Required(_), None) => Some(self.words.next().filter(|word| !matches!(*word, "" | "--"))?),
            (Arity::Optional(_), None) => {
                self.words.next_if(|word| !word.is_empty() && !word.starts_with('-'))
            }
        };
        let value = value.map(Cow::Borrowed);
        match (entry, &mut self.scanned) {
            (Entry::Verb(Verb::Help | Verb::Version), _) => return None,
            (Entry::Verb(verb), None) => {
                let options = Vec::with_capacity(8);
                self.scanned = Some(Scanned { verb, value, options, words: Vec::new() });
            }
            (Entry::Option(option), Some(scanned)) => {
                let is_given = scanned.options.iter().any(|&(existing, _)| existing == option);
                if is_given && !option.may_repeat(scanned.verb) {
                    return None;
                }
                scanned.options.push((option, value));
            }
            (Entry::Verb(_), Some(_)) | (Entry::Option(_), None) => return None,
        }
        Some(())
    }
}

fn by_short(short: char) -> Option<Entry> {
    /// The entry of each ASCII character.
    const ENTRIES: [Option<Entry>; 128] = {
        let mut entries = [None; 128];
        let mut index = 0;
        while index < Entry::ALL.len() {
            if let Some(short) = Entry::ALL[index].row().short {
                entries[short as usize] = Some(Entry::ALL[index]);
            }
            index += 1;
        }
        entries['l' as usize] = entries['L' as usize];
        entries
    };
    *ENTRIES.get(short as usize)?
}

fn by_long(long: &str) -> Option<Entry> {
    Entry::ALL.iter().copied().find(|entry| entry.row().long == long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_lines_do_not_need_clap() {
        for line in [
            "-A -t 10.0.0.1:80 -s wlc -p 360 -M 255.255.255.0 -b flag-1 -o",
            "-a -t [::1]:80 -r [::2]:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum -x 5 -y 3",
            "--set 1 2 3",
            "--start-daemon master --mcast-interface eth0 --syncid 3",
            "-Lnc",
            "-D -f 3 -6",
            "-C --vip 10.0.0.0/8 -t 10.0.0.1:80 --vip=10.0.0.1 -t 10.0.0.2:80 --server 10.0.0.3",
        ] {
            assert!(scan(&line.split(' ').collect::<Vec<_>>()).is_some(), "{line}");
        }
    }
}
