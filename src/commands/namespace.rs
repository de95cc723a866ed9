//! `--netns`: another network namespace than the caller's.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sched::{CloneFlags, setns};
use nix::sys::statfs::{NSFS_MAGIC, fstatfs};

use crate::failure::Failure;

/// The folder in which `ip netns` keeps its namespaces.
pub(super) const NAMED: &str = "/run/netns";

/// The kind of word that names a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name that `ip netns add` has given.
    Name,
    /// The path of a file.
    Path,
    /// The id of a process in the namespace.
    Process,
}

impl Kind {
    fn of(word: &str) -> Self {
        if word.contains('/') {
            Self::Path
        } else if word.bytes().all(|byte| byte.is_ascii_digit()) {
            Self::Process
        } else {
            Self::Name
        }
    }

    fn path(self, word: &str) -> PathBuf {
        match self {
            Self::Name => Path::new(NAMED).join(word),
            Self::Path => word.into(),
            Self::Process => format!("/proc/{word}/ns/net").into(),
        }
    }

    /// Explains what a word of this kind was taken for.
    fn describe(self, word: &str) -> String {
        let path = self.path(word);
        match self {
            Self::Name => format!("the name of a namespace ({})", path.display()),
            Self::Path => "a path".to_owned(),
            Self::Process => "a process id".to_owned(),
        }
    }

    /// Explains why there is no such file, and what to do next.
    fn missing(self, word: &str) -> String {
        match self {
            Self::Name => {
                "there is none of this name: 'ip netns' lists the names, and a path has a /".to_owned()
            }
            Self::Path => {
                "there is no such file: 'ipvsadm --netns-list' shows namespaces with services".to_owned()
            }
            Self::Process => {
                format!("there is no such process; the path of a namespace of this name is {NAMED}/{word}")
            }
        }
    }
}

/// Returns the word by which `--netns` finds a file among the named namespaces.
pub(super) fn word_for_name(name: &str) -> String {
    if Kind::of(name) == Kind::Name { name.to_owned() } else { format!("{NAMED}/{name}") }
}

/// The number of a namespace, which no other has at the same time.
pub(super) type Id = (u64, u64);

/// Returns the number of the namespace behind a path.
pub(super) fn id(path: impl AsRef<Path>) -> io::Result<Id> {
    std::fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// The reason why a namespace cannot be entered.
#[derive(Debug)]
pub(super) enum Obstacle {
    Open(io::Error),
    /// The file is none.
    NoNamespace,
    /// It is a namespace, but not of the network.
    OtherKind,
    NotPermitted,
    Enter(Errno),
}

/// A namespace that is open, and so stays even if its name or its last process goes.
pub(super) struct Namespace(File);

impl Namespace {
    pub(super) fn open(path: &Path) -> Result<Self, Obstacle> {
        // A look at the file, which has no effect on a device and does not wait for a pipe.
        let look = OpenOptions::new().read(true).custom_flags(OFlag::O_PATH.bits()).open(path);
        let look = look.map_err(Obstacle::Open)?;
        match fstatfs(&look) {
            Ok(system) if system.filesystem_type() == NSFS_MAGIC => {
                let file = File::open(format!("/proc/self/fd/{}", look.as_raw_fd()));
                file.map(Self).map_err(Obstacle::Open)
            }
            _ => Err(Obstacle::NoNamespace),
        }
    }

    pub(super) fn id(&self) -> Option<Id> {
        self.0.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
    }

    /// Moves the calling thread into the namespace.
    pub(super) fn enter(&self) -> Result<(), Obstacle> {
        setns(&self.0, CloneFlags::CLONE_NEWNET).map_err(|errno| match errno {
            Errno::EINVAL => Obstacle::OtherKind,
            Errno::EPERM => Obstacle::NotPermitted,
            errno => Obstacle::Enter(errno),
        })
    }
}

/// Moves the program into the namespace that a word names. This has to come before anything is opened, and before
/// there are other threads.
///
/// # Errors
/// [`Failure::Namespace`], which says what the word was taken for.
pub(crate) fn enter(word: &str) -> Result<(), Failure> {
    let kind = Kind::of(word);
    let outcome = Namespace::open(&kind.path(word)).and_then(|namespace| namespace.enter());
    outcome.map_err(|obstacle| failure(word, &obstacle))
}

/// Returns the failure to enter the namespace that a word names.
pub(super) fn failure(word: &str, obstacle: &Obstacle) -> Failure {
    let kind = Kind::of(word);
    let why = match obstacle {
        Obstacle::Open(error) if error.kind() == io::ErrorKind::NotFound => kind.missing(word),
        obstacle => explain(obstacle),
    };
    Failure::Namespace { word: word.to_owned(), taken_for: kind.describe(word), why }
}

/// Explains an obstacle wherever it was met.
pub(super) fn explain(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Open(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "permission denied: to open it needs root".to_owned()
        }
        Obstacle::Open(error) => error.to_string(),
        Obstacle::NoNamespace => "the file is no namespace".to_owned(),
        Obstacle::OtherKind => "it is a namespace, but not one of the network".to_owned(),
        Obstacle::NotPermitted => "permission denied: to enter it needs root, or CAP_SYS_ADMIN".to_owned(),
        Obstacle::Enter(errno) => errno.desc().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_name_a_path_or_a_process_id() {
        for (word, kind, path) in [
            ("blue", Kind::Name, "/run/netns/blue"),
            ("1-blue", Kind::Name, "/run/netns/1-blue"),
            ("./12", Kind::Path, "./12"),
            ("/run/docker/netns/1-x", Kind::Path, "/run/docker/netns/1-x"),
            ("12", Kind::Process, "/proc/12/ns/net"),
        ] {
            assert_eq!((Kind::of(word), kind.path(word)), (kind, path.into()));
        }
        assert_eq!((word_for_name("blue"), word_for_name("12")), ("blue".into(), "/run/netns/12".into()));
    }

    #[test]
    fn files_that_are_no_network_namespaces_are_refused() {
        let why = |word: &str| match enter(word) {
            Err(Failure::Namespace { why, .. }) => why,
            other => panic!("{word}: {other:?}"),
        };
        for (word, sentence) in [
            ("/dev/null", "the file is no namespace"),
            ("/proc/self/status", "the file is no namespace"),
            ("/proc", "the file is no namespace"),
            ("/proc/self/ns/mnt", "it is a namespace, but not one of the network"),
            ("/nowhere", "there is no such file"),
            ("..", "the file is no namespace"),
            ("never heard of", "there is none of this name"),
            (
                "4194305",
                "there is no such process; the path of a namespace of this name is /run/netns/4194305",
            ),
            ("99999999999999999999", "there is no such process"),
        ] {
            let why = why(word);
            // Where there are no named namespaces, there is no folder for them either.
            assert!(why.starts_with(sentence) || word == "..", "{word}: {why}");
        }
    }
}
