//! Links lead to files and headings that exist, and files that are named exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use crate::markdown::{anchors, sections};
use crate::{REPOSITORY, documents, read};

/// Top folders and the pieces of code that begin with them, which name files.
const NAMED: &[&str] = &["crates/", "docs/", "scripts/", "src/", "tests/"];

/// Returns the file and the anchor that a link in a document leads to, or nothing if it leads elsewhere.
pub fn resolve(document: &str, link: &str) -> Option<(String, String)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() {
        return Some((document.to_owned(), anchor.to_owned()));
    }
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::Normal(part) => parts.push(part.to_str().unwrap()),
            _ => {}
        }
    }
    Some((parts.join("/"), anchor.to_owned()))
}

#[test]
fn links_lead_somewhere() {
    let (mut broken, mut external, mut count) = (Vec::new(), BTreeSet::new(), 0);
    for document in documents(".md") {
        for link in sections(&read(&document)).into_iter().flat_map(|section| section.links) {
            let Some((path, anchor)) = resolve(&document, &link) else {
                external.insert(link);
                continue;
            };
            count += 1;
            let is_heading = || anchors(&sections(&read(&path))).contains(&anchor);
            let exists = fs::exists(format!("{REPOSITORY}/{path}")).unwrap();
            if !exists || !(anchor.is_empty() || is_heading()) {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    // There is no network in tests.
    println!("not followed: {external:#?}");
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
    assert!(count > 40, "{count}");
}

#[test]
fn files_that_are_named_exist() {
    let (mut missing, mut count) = (Vec::new(), 0);
    for document in documents(".md").iter().filter(|document| *document != "CHANGELOG.md") {
        for section in sections(&read(document)) {
            let blocks = section.blocks.iter().flat_map(|(_, block)| block.split_whitespace());
            let codes = section.codes.iter().flat_map(|code| code.split_whitespace());
            for word in blocks.chain(codes).map(|word| word.trim_end_matches([':', ','])) {
                let is_path = NAMED.iter().any(|folder| word.starts_with(folder))
                    && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
                if is_path {
                    count += 1;
                    // Documents of a package name its files from its own folder.
                    let folders = [REPOSITORY, &format!("{REPOSITORY}/crates/ipvs-netlink")];
                    if !folders.iter().any(|folder| fs::exists(format!("{folder}/{word}")).unwrap()) {
                        missing.push(format!("{document}: {word}"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "these files do not exist: {missing:#?}");
    assert!(count > 80, "{count}");
}

#[test]
fn links_are_relative_to_their_document() {
    let there = |path: &str, anchor: &str| Some((path.to_owned(), anchor.to_owned()));
    assert_eq!(resolve("docs/guide.md", "../README.md#a"), there("README.md", "a"));
    assert_eq!(resolve("README.md", "docs/guide.md"), there("docs/guide.md", ""));
    assert_eq!(resolve("docs/guide.md", "#a"), there("docs/guide.md", "a"));
    assert_eq!(resolve("docs/guide.md", "https://example.com/"), None);
}
