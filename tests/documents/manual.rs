//! Manual pages, and their translations.

use std::collections::BTreeSet;
use std::fs;

use crate::{REPOSITORY, documents, read};

/// Returns the lines that may be commands: those of displays, and quoted ones.
pub fn lines(page: &str) -> Vec<String> {
    let text = page.replace("\\-", "-").replace("\\e\n", " ").replace("\\e", "\\").replace("\\&", "");
    let lines = text.lines().map(|line| {
        let quoted = line.strip_prefix(".Ql ").or_else(|| line.strip_prefix(".Dl "));
        quoted.map_or(line, |words| words.trim_end_matches([' ', '.', ',', ';', ':', ')']))
    });
    lines.map(str::to_owned).collect()
}

#[test]
fn references_in_manual_pages_lead_somewhere() {
    let (mut broken, mut count) = (Vec::new(), 0);
    for document in documents(".8") {
        let page = read(&document);
        let is_heading = |name: &str| {
            page.lines()
                .any(|line| [".Sh ", ".Ss "].iter().any(|heading| line.strip_prefix(heading) == Some(name)))
        };
        for line in page.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let is_broken = match words[..] {
                [".Xr", name, "8", ..] if name.starts_with("ipvsadm") => {
                    !fs::exists(format!("{REPOSITORY}/docs/{name}.8")).unwrap()
                }
                [".Sx", ref name @ ..] => {
                    let name = name.split(|word| *word == "Ns").next().unwrap_or_default();
                    let name: Vec<&str> =
                        name.iter().copied().filter(|word| !matches!(*word, "." | "," | ")" | ";")).collect();
                    !is_heading(&name.join(" "))
                }
                _ => continue,
            };
            count += 1;
            if is_broken {
                broken.push(format!("{document}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "these references lead nowhere: {broken:#?}");
    assert!(count > 10, "{count}");
}

/// Pages that are translated.
const TRANSLATED: &[&str] = &["ipvsadm", "ipvsadm-save", "ipvsadm-restore"];

/// Macros whose words are the same in every language.
const TERMS: &[&str] = &["Ar", "Cm", "Dv", "Ev", "Fl", "Li", "Pa", "Va", "Xr"];

/// What a part of a page, from one heading to the next, has in every language.
#[derive(Debug, PartialEq)]
struct Part {
    is_section: bool,
    items: usize,
    paragraphs: usize,
    /// Examples and other displays.
    displays: Vec<String>,
    terms: BTreeSet<String>,
}

/// Returns the words of these macros in a line.
fn terms(line: &str) -> BTreeSet<String> {
    let is_macro = |word: &str| {
        word.len() == 2 && word.starts_with(char::is_uppercase) && word.ends_with(char::is_lowercase)
    };
    let mut current = None;
    let mut terms = BTreeSet::new();
    for word in line.strip_prefix('.').unwrap_or_default().split(' ') {
        if is_macro(word) {
            current = TERMS.contains(&word).then_some(word);
        } else if let Some(name) = current.filter(|_| word.contains(|c: char| c.is_ascii_alphanumeric())) {
            terms.insert(format!("{name} {word}"));
        }
    }
    terms
}

/// Splits a page at its headings, which come with the parts.
fn parts(page: &str) -> Vec<(&str, Part)> {
    let page = page.lines().collect::<Vec<_>>();
    let is_heading = |line: &&str| line.starts_with(".Sh ") || line.starts_with(".Ss ");
    let starts: Vec<usize> = (0..page.len()).filter(|&number| is_heading(&page[number])).collect();
    let ends = starts.iter().skip(1).copied().chain([page.len()]);
    let parts = starts.iter().zip(ends).map(|(&start, end)| {
        let (heading, lines) = (page[start], &page[start + 1..end]);
        let count = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
        let displays = lines.split(|line| line.starts_with(".Bd ")).skip(1);
        let part = Part {
            is_section: heading.starts_with(".Sh"),
            items: count(".It"),
            paragraphs: count(".Pp"),
            displays: displays
                .map(|rest| rest.split(|line| *line == ".Ed").next().unwrap_or(rest).join("\n"))
                .collect(),
            terms: lines.iter().flat_map(|line| terms(line)).collect(),
        };
        (heading, part)
    });
    parts.collect()
}

/// Lists what a page has and its translation has not, or the other way round.
fn compare(name: &str, original: &str, translation: &str) -> Vec<String> {
    let date = |page: &str| page.lines().find(|line| line.starts_with(".Dd ")).map(str::to_owned);
    let dates = (date(original), date(translation));
    let (original, translation) = (parts(original), parts(translation));
    let mut found = Vec::new();
    if dates.0 != dates.1 {
        found.push(format!("{name}: the dates are {:?} and {:?}", dates.0, dates.1));
    }
    if original.len() != translation.len() {
        found.push(format!("{name}: {} headings, and {}", original.len(), translation.len()));
    }
    for ((heading, a), (translated, b)) in original.iter().zip(&translation).filter(|(a, b)| a.1 != b.1) {
        let missing: Vec<_> = a.terms.difference(&b.terms).collect();
        let extra: Vec<_> = b.terms.difference(&a.terms).collect();
        found.push(format!(
            "{name}, {heading} and {translated}: {} and {} items, {} and {} paragraphs, displays {}, \
             missing {missing:?}, extra {extra:?}",
            a.items,
            b.items,
            a.paragraphs,
            b.paragraphs,
            if a.displays == b.displays { "the same" } else { "differ" },
        ));
    }
    found
}

#[test]
fn translations_of_manual_pages_say_as_much_as_the_originals() {
    for name in TRANSLATED {
        let (original, translation) = (format!("docs/{name}.8"), format!("docs/zh_CN/{name}.8"));
        let found = compare(name, &read(&original), &read(&translation));
        assert!(found.is_empty(), "change {original} and {translation}:\n{}", found.join("\n"));
    }
}

#[test]
fn a_change_of_one_page_is_found() {
    let page = ".Dd May 1, 2026\n.Sh A\n.Bl\n.It Fl n , Fl -numeric\nShow numbers.\n.El\n.Pp\n.Bd -literal\nipvsadm\n.Ed\n.Ss B\n";
    assert_eq!(compare("a", page, &page.replace("Show numbers", "数字")), Vec::<String>::new());
    for (from, to) in [
        ("May 1", "May 2"),
        ("-numeric", "-number"),
        (".It Fl n", ".It Fl n\n.It Fl n"),
        (".Pp\n", ""),
        ("\nipvsadm", "\nipvsadm -L"),
        (".Ss B", ".Sh B"),
        (".Ss B", "B"),
    ] {
        assert_ne!(
            compare("a", page, &page.replace(from, to)),
            Vec::<String>::new(),
            "{from:?} became {to:?}"
        );
    }
}
