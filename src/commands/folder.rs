//! The folder for what the program keeps beside the table until the next boot: `/run/ipvsadm`.
//!
//! Each network namespace has files of its own there, whose names have its number. What others can write is not believed.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::lock::namespace_number;

const FOLDER: &str = "/run/ipvsadm";

/// Returns the path of a file of this network namespace.
pub(super) fn path(name: &str, extension: &str) -> PathBuf {
    // Without a number, for want of /proc, there is one file.
    let number = namespace_number().unwrap_or(0);
    Path::new(FOLDER).join(format!("{name}-{number}.{extension}"))
}

/// Returns whether the folder exists.
pub(super) fn exists() -> bool {
    Path::new(FOLDER).symlink_metadata().is_ok()
}

/// Opens a file in the folder, unless somebody else could have written it.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    check(&Path::new(FOLDER).symlink_metadata()?)?;
    // Signals may be held back, so this must not wait for the other end of a pipe.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = options.custom_flags(flags.bits()).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Makes the folder, unless it exists.
pub(super) fn make() -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(FOLDER) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => check(&Path::new(FOLDER).symlink_metadata()?),
    }
}

fn check(metadata: &Metadata) -> io::Result<()> {
    let is_trusted = [0, nix::unistd::geteuid().as_raw()].contains(&metadata.uid());
    if !is_trusted || metadata.mode() & 0o022 != 0 || metadata.is_symlink() {
        return Err(io::Error::other(format!("somebody else can write to it or {FOLDER}")));
    }
    Ok(())
}
