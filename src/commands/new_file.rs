//! Replacing a file as a whole: it is the old one or the new one at any time.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};

/// The number of files left behind by processes of the same id from which something else must be wrong.
const MAX_LEFT: u32 = 9;

/// Replaces a file by these bytes, or leaves everything as it is. A new file gets this mode, as far as the umask lets it.
///
/// A new file beside the old one gets owner, group and mode of the old one, all by its descriptor, is written to the
/// disk, and takes the old one's name. Everything happens in the folder that was opened first, so nobody who can rename
/// folders or files meanwhile can lead the bytes elsewhere. A link of the caller's own is followed; a link of somebody
/// else is refused, and so is everything that is no regular file.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let path = follow_own_link(path)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = File::open(parent)?;
    let old = match fstatat(&folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(old) => Some(old),
        Err(Errno::ENOENT) => None,
        Err(errno) => return Err(errno.into()),
    };
    if let Some(old) = old.filter(|old| kind(old) != SFlag::S_IFREG) {
        return match kind(&old) {
            SFlag::S_IFLNK => Err(io::Error::other("it is a symbolic link that somebody else made")),
            SFlag::S_IFDIR => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::other("it is no regular file")),
        };
    }
    let mode = Mode::from_bits_truncate(if old.is_some() { 0o600 } else { mode });
    let (temporary, mut new) = create_beside(&folder, &name.to_string_lossy(), mode)?;
    let outcome = fill(&mut new, old.as_ref(), bytes)
        .and_then(|()| Ok(renameat(&folder, &*temporary, &folder, name)?))
        .and_then(|()| folder.sync_all());
    if outcome.is_err() {
        // After the renaming there is nothing of this name.
        let _ = unlinkat(&folder, &*temporary, UnlinkatFlags::NoRemoveDir);
    }
    outcome
}

/// Creates a file with a name that no other has. A process of the same id may have left one behind when it was killed:
/// in containers all have the id 1.
fn create_beside(folder: &File, name: &str, mode: Mode) -> io::Result<(String, File)> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut number = 0;
    loop {
        let temporary = format!(".{name}.{}-{number}", std::process::id());
        match openat(folder, &*temporary, flags, mode) {
            Err(Errno::EEXIST) if number < MAX_LEFT => number += 1,
            new => return Ok((temporary, File::from(new?))),
        }
    }
}

/// Writes the new file to the disk.
fn fill(new: &mut File, old: Option<&FileStat>, bytes: &[u8]) -> io::Result<()> {
    if let Some(old) = old {
        fchown(&*new, Some(old.st_uid), Some(old.st_gid))?;
        new.set_permissions(PermissionsExt::from_mode(old.st_mode & 0o7777))?;
    }
    new.write_all(bytes)?;
    new.sync_all()
}

/// Returns the file that a link of the caller's own leads to, or the path itself.
fn follow_own_link(path: &Path) -> io::Result<PathBuf> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() && metadata.uid() == geteuid().as_raw() => path.canonicalize(),
        _ => Ok(path.to_owned()),
    }
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}
