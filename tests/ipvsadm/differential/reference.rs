//! The program that ours is compared with: C ipvsadm 1.31, as Debian ships it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the reference; without it, the one that scripts/testkernel/fetch has unpacked is taken.
const VARIABLE: &str = "IPVSADM_REFERENCE";

/// The reference, started without the shell script that unpacking puts in front of it.
pub struct Reference {
    program: PathBuf,
    libraries: OsString,
}

impl Reference {
    /// The reference on this machine. Without it the test fails: nothing else can take its place.
    pub fn find() -> Self {
        let starter = match env::var_os(VARIABLE) {
            Some(path) => PathBuf::from(path),
            None => fetched().join("bin/ipvsadm"),
        };
        assert!(
            starter.exists(),
            "{VARIABLE}: no reference at {}; run scripts/testkernel/fetch --into reference ipvsadm",
            starter.display()
        );
        let unpacked = starter.ancestors().nth(2).map(|folder| folder.join("root"));
        let installed = Self { program: starter, libraries: OsString::new() };
        unpacked.and_then(|root| unpacked_in(&root)).unwrap_or(installed)
    }

    /// The reference as a command without arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("LC_ALL", "C");
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        command
    }
}

/// The folder of the unpacked reference, downloaded if need be.
fn fetched() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/testkernel/fetch");
    let output = Command::new(script).args(["--into", "reference", "ipvsadm"]).output().unwrap();
    assert!(
        output.status.success(),
        "{VARIABLE} is not set and the reference cannot be fetched: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn unpacked_in(root: &Path) -> Option<Reference> {
    let program =
        ["sbin/ipvsadm", "usr/sbin/ipvsadm"].iter().map(|name| root.join(name)).find(|p| p.exists())?;
    let entries = |folder: &Path| folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = Vec::new();
    for library in ["lib", "usr/lib"].map(|name| root.join(name)) {
        folders.extend(entries(&library));
        folders.push(library);
    }
    // Looking into folders in vain is a third of what starting the reference takes.
    folders.retain(|folder| entries(folder).any(|path| path.is_file()));
    Some(Reference { program, libraries: env::join_paths(folders).ok()? })
}
