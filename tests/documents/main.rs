//! The documents: what they refer to exists, the commands in them are commands of the program, and translations say
//! as much as the originals. None of this needs a kernel; `tests/ipvsadm` runs the commands.

#![allow(unreachable_pub, reason = "no item of a test program is reachable")]

mod commands;
mod hints;
mod links;
mod manual;
mod markdown;
mod translations;

use std::fs;
use std::path::PathBuf;

/// The folder that paths of documents begin at.
const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// Folders with documents.
const FOLDERS: &[&str] = &["", ".github", "docs", "docs/zh_CN", "crates/ipvs-netlink"];

fn read(path: &str) -> String {
    fs::read_to_string(format!("{REPOSITORY}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the paths of the documents whose names end in this.
fn documents(ending: &str) -> Vec<String> {
    let mut found: Vec<String> = FOLDERS
        .iter()
        .flat_map(|folder| {
            let files = fs::read_dir(PathBuf::from(REPOSITORY).join(folder)).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.ends_with(ending)).map(move |name| format!("{folder}/{name}"))
        })
        .map(|path| path.trim_start_matches('/').to_owned())
        .collect();
    found.sort();
    found
}
