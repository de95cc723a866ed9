//! The reference that our program is compared with: C ipvsadm 1.31, as shipped by Debian.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The environment variable that names the reference. By default it is the one that scripts/testkernel/fetch
/// unpacked.
const VARIABLE: &str = "IPVSADM_REFERENCE";

/// The reference program and its libraries. It is started directly, which is faster than the shell script
/// that scripts/testkernel/fetch provides.
pub struct Reference {
    program: PathBuf,
    libraries: OsString,
}

impl Reference {
    /// Locates the reference on this machine. The test fails without it.
    pub fn locate() -> Self {
        let starter = match env::var_os(VARIABLE) {
            Some(path) => PathBuf::from(path),
            None => fetch().join("bin/ipvsadm"),
        };
        assert!(
            starter.exists(),
            "{VARIABLE}: no reference at {}; run scripts/testkernel/fetch --into reference ipvsadm",
            starter.display()
        );
        let unpacked = starter.ancestors().nth(2).map(|folder| folder.join("root"));
        let installed = Self { program: starter, libraries: OsString::new() };
        unpacked.and_then(|root| locate_in(&root)).unwrap_or(installed)
    }

    /// Prepares a command that runs the reference, without arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("LC_ALL", "C");
        if !self.libraries.is_empty() {
            command.env("LD_LIBRARY_PATH", &self.libraries);
        }
        command
    }
}

/// Returns the folder of the unpacked reference, after downloading it if necessary.
fn fetch() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/testkernel/fetch");
    let output = Command::new(script).args(["--into", "reference", "ipvsadm"]).output().unwrap();
    assert!(
        output.status.success(),
        "{VARIABLE} is not set and the reference cannot be fetched: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn locate_in(root: &Path) -> Option<Reference> {
    let program =
        ["sbin/ipvsadm", "usr/sbin/ipvsadm"].iter().map(|name| root.join(name)).find(|p| p.exists())?;
    let entries = |folder: &Path| folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = Vec::new();
    for library in ["lib", "usr/lib"].map(|name| root.join(name)) {
        folders.extend(entries(&library));
        folders.push(library);
    }
    // Searching folders without any libraries takes a third of the time to start the reference.
    folders.retain(|folder| entries(folder).any(|path| path.is_file()));
    Some(Reference { program, libraries: env::join_paths(folders).ok()? })
}
