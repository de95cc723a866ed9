//! `--netns-list`: the network namespaces that have services.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ipvs_netlink::{ProcError, ProcTable};
use nix::errno::Errno;

use super::namespace::{self, Id, NAMED, Namespace, Obstacle, id};
use super::session::Session;
use crate::document::{NamespaceFields, Writer};
use crate::failure::Failure;
use crate::grammar::Format;
use crate::view::{self, FoundNamespace};

/// The folders with namespaces that have names: those of `ip netns`, and those of Docker.
const FOLDERS: [&str; 2] = [NAMED, "/run/docker/netns"];

/// Shows all namespaces with services. Those that cannot be looked into make the command fail at its end.
#[cold]
pub(super) fn run(session: &mut Session, format: Format) -> Result<(), Failure> {
    let mut search = Search::default();
    search.names();
    search.processes();
    let Search { found, hidden_folders, hidden_processes } = search;
    let mut found: Vec<FoundNamespace> = count_services(found)?;
    found.retain(|namespace| namespace.services > 0 || namespace.error.is_some());
    let refused: Vec<&FoundNamespace> = found.iter().filter(|namespace| namespace.error.is_some()).collect();
    let incomplete = view::incomplete_namespaces(&refused, &hidden_folders, hidden_processes);
    if format == Format::Json {
        let mut document = Writer::start(&mut session.output);
        document
            .list("namespaces", |list| {
                found.iter().try_for_each(|namespace| list.push(&NamespaceFields::new(namespace)))
            })
            .map_err(Failure::Output)?;
        document.end();
    } else {
        view::namespaces(&mut session.output, found.iter().filter(|namespace| namespace.error.is_none()));
    }
    match incomplete {
        None => Ok(()),
        Some(sentence) => Err(Failure::UnseenNamespaces(sentence)),
    }
}

/// The namespaces, each with the paths that lead to it.
type Found = BTreeMap<Id, (FoundNamespace, Vec<PathBuf>)>;

/// The namespaces that were found so far.
#[derive(Default)]
struct Search {
    found: Found,
    hidden_folders: Vec<&'static str>,
    /// The number of processes whose namespaces cannot be seen.
    hidden_processes: usize,
}

impl Search {
    /// Looks for files. Those that are left over from namespaces, or not yet, are none.
    fn names(&mut self) {
        for folder in FOLDERS {
            let files = match fs::read_dir(folder) {
                Ok(files) => files,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    self.hidden_folders.push(folder);
                    continue;
                }
                Err(_) => continue,
            };
            let mut paths: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
            paths.sort();
            for path in paths {
                let Ok(Some(id)) = Namespace::open(&path).map(|namespace| namespace.id()) else { continue };
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let name = match folder {
                    NAMED => namespace::word_for_name(&name),
                    _ => path.to_string_lossy().into_owned(),
                };
                let (namespace, paths) = self.found.entry(id).or_default();
                namespace.names.push(name);
                paths.push(path);
            }
        }
    }

    /// Looks for processes, the oldest first. Those that end meanwhile are left out.
    fn processes(&mut self) {
        let ids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut ids: Vec<u32> = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        ids.sort_unstable();
        for process in ids {
            let path = PathBuf::from(format!("/proc/{process}/ns/net"));
            match id(&path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.hidden_processes += 1,
                Err(_) => {}
                Ok(id) => {
                    let (namespace, paths) = self.found.entry(id).or_default();
                    if namespace.process.is_none() {
                        let name = fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
                        namespace.process = Some((process, name.trim_ascii_end().to_vec()));
                        paths.push(path);
                    }
                }
            }
        }
    }
}

/// Counts the services of namespaces by moving into one after the other, and back at the end. Namespaces that have
/// gone meanwhile are left out.
fn count_services(found: Found) -> Result<Vec<FoundNamespace>, Failure> {
    let own_path = Path::new("/proc/thread-self/ns/net");
    let own = Namespace::open(own_path)
        .map_err(|obstacle| namespace::failure(&own_path.to_string_lossy(), &obstacle))?;
    let own_id = own.id();
    // The caller's own first, because it needs no right to be entered.
    let (mine, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|(id, _)| own_id == Some(*id));
    let mut has_moved = false;
    let mut counted = Vec::new();
    for (id, (mut namespace, paths)) in mine.into_iter().chain(others) {
        namespace.inode = id.1;
        namespace.is_current = own_id == Some(id);
        let is_there = namespace.is_current || {
            match enter_any(id, &paths) {
                Ok(has_entered) => {
                    has_moved |= has_entered;
                    has_entered
                }
                Err(obstacle) => {
                    namespace.error = Some(namespace::explain(&obstacle));
                    true
                }
            }
        };
        if !is_there {
            continue;
        }
        if namespace.error.is_none() {
            match table_size() {
                Ok((services, servers)) => (namespace.services, namespace.servers) = (services, servers),
                Err(error) => namespace.error = Some(error.to_string()),
            }
        }
        counted.push(namespace);
    }
    if has_moved {
        own.enter().map_err(|obstacle| namespace::failure(&own_path.to_string_lossy(), &obstacle))?;
    }
    Ok(counted)
}

/// Moves into a namespace by the first of the paths that still leads to it, and returns whether there is one.
fn enter_any(id: Id, paths: &[PathBuf]) -> Result<bool, Obstacle> {
    for path in paths {
        match Namespace::open(path) {
            Ok(namespace) if namespace.id() == Some(id) => return namespace.enter().map(|()| true),
            Ok(_) | Err(Obstacle::NoNamespace) => {}
            Err(Obstacle::Open(error)) if is_gone(&error) => {}
            Err(obstacle) => return Err(obstacle),
        }
    }
    Ok(false)
}

/// Returns whether a process or a file has ended meanwhile.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// Counts the services and the servers of the namespace that the thread is in. Without IPVS there are none.
fn table_size() -> Result<(usize, usize), ProcError> {
    match ProcTable::read() {
        Ok(table) => {
            let servers = table.services.iter().map(|service| service.destinations.len());
            Ok((table.services.len(), servers.sum()))
        }
        Err(ProcError::Read(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok((0, 0)),
        Err(error) => Err(error),
    }
}
