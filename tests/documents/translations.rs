//! Translations say as much as the originals. Whoever changes one learns from these tests that there is another.
//!
//! The code blocks are the same, byte for byte, and so are the names of tours in headings. Therefore `scripts/demo`,
//! which plays the originals, plays the translations too.

use std::fmt::Debug;

use crate::links::resolve;
use crate::markdown::{Section, anchors, sections};
use crate::read;

/// Originals and their translations.
const PAIRS: &[(&str, &str)] = &[("README.md", "README.zh-CN.md"), ("docs/guide.md", "docs/guide.zh-CN.md")];

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values
}

/// Returns the targets of the links of a section, in terms of the originals: their files, and numbers of headings.
fn targets(document: &str, section: &Section) -> Vec<String> {
    let targets = section.links.iter().map(|link| {
        let Some((path, anchor)) = resolve(document, link) else { return link.clone() };
        let original = PAIRS.iter().find(|pair| pair.1 == path).map_or(path.as_str(), |pair| pair.0);
        if anchor.is_empty() {
            return original.to_owned();
        }
        let number = anchors(&sections(&read(&path))).iter().position(|other| *other == anchor);
        format!("{original}, heading {number:?}")
    });
    sorted(targets.collect())
}

/// Describes the difference between two lists, if there is any.
fn difference<T: PartialEq + Debug>(what: &str, original: &[T], translation: &[T]) -> Option<String> {
    let same = original.iter().zip(translation).take_while(|(a, b)| a == b).count();
    (original != translation).then(|| {
        format!(
            "{what}: {} and {}; number {} is\n    {:?} and\n    {:?}",
            original.len(),
            translation.len(),
            same + 1,
            original.get(same),
            translation.get(same)
        )
    })
}

/// Lists what one section has and its translation has not, or the other way round.
fn differences(pair: (&str, &str), original: &Section, translation: &Section) -> Vec<String> {
    let counts = |section: &Section| [section.paragraphs, section.items, section.rows, section.emphases];
    let found = [
        difference("code blocks", &original.blocks, &translation.blocks),
        difference("code in the text", &sorted(original.codes.clone()), &sorted(translation.codes.clone())),
        difference("links", &targets(pair.0, original), &targets(pair.1, translation)),
        difference("paragraphs, items, rows and emphases", &counts(original), &counts(translation)),
        difference("level of the heading", &[original.level], &[translation.level]),
    ];
    let place = format!("{} \"{}\" and {} \"{}\"", pair.0, original.heading, pair.1, translation.heading);
    found.into_iter().flatten().map(|difference| format!("{place}: {difference}")).collect()
}

/// Compares two texts as if they were an original and its translation.
fn compare(pair: (&str, &str), original: &str, translation: &str) -> Vec<String> {
    let (original, translation) = (sections(original), sections(translation));
    let mut found: Vec<String> =
        original.iter().zip(&translation).flat_map(|(a, b)| differences(pair, a, b)).collect();
    if original.len() != translation.len() {
        found.push(format!(
            "{} has {} sections, {} has {}",
            pair.0,
            original.len(),
            pair.1,
            translation.len()
        ));
    }
    found
}

#[test]
fn translations_say_as_much_as_the_originals() {
    for &(original, translation) in PAIRS {
        let found = compare((original, translation), &read(original), &read(translation));
        assert!(found.is_empty(), "change both documents:\n{}", found.join("\n"));
    }
}

#[test]
fn a_change_of_one_document_is_found() {
    let pair = ("docs/guide.md", "docs/guide.zh-CN.md");
    let text =
        "# A\n\nUse `-n`, [see](guide.md#a).\n\n- one\n\n| a |\n|---|\n| b |\n\n```console\nx# ls\n```\n";
    let change = |from: &str, to: &str| compare(pair, text, &text.replace(from, to)).join("\n");
    assert_eq!(change("Use", "用"), "");
    for (from, to, what) in [
        ("x# ls", "x# ls ", "code blocks"),
        ("```console", "```", "code blocks"),
        ("`-n`", "`-c`", "code in the text"),
        ("guide.md#a", "differences.md", "links"),
        ("- one", "one", "paragraphs, items, rows and emphases"),
        ("- one", "- one\n- two", "paragraphs, items, rows and emphases"),
        ("| b |", "| b |\n| c |", "paragraphs, items, rows and emphases"),
        ("Use", "*Use*", "paragraphs, items, rows and emphases"),
        ("# A", "## A", "level of the heading"),
        ("- one", "# B\n\n- one", "sections"),
    ] {
        assert!(change(from, to).contains(what), "{from:?} became {to:?}: {}", change(from, to));
    }
}
