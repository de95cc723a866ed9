//! Carrying commands out. Each appends what it has to say to the output of the session.

mod connections;
mod doctor;
mod documents;
mod execute;
mod list;
mod lock;
mod markers;
mod metrics;
mod new_file;
mod restore;
mod save;
mod session;
mod signals;
mod watch;

pub(crate) use doctor::run as examine;
pub(crate) use execute::execute;
pub(crate) use restore::run as restore;
pub(crate) use session::Session;
