//! Carrying commands out. Each appends what it has to say to the output of the session.

mod change;
mod clear;
mod connections;
mod counting;
mod doctor;
mod documents;
mod drain;
mod edit;
mod execute;
mod folder;
#[allow(dead_code, reason = "their users come next")]
mod follower;
mod interruption;
mod list;
mod lock;
mod markers;
mod metrics;
mod momentary;
mod namespace;
mod namespaces;
mod new_file;
mod notes;
mod restore;
mod save;
mod session;
mod signals;
mod source;
mod tally;
mod waiting;
mod watch;

pub(crate) use doctor::run as examine;
pub(crate) use drain::{drain, undrain};
pub(crate) use edit::edit_server;
pub(crate) use execute::execute;
pub(crate) use namespace::enter as enter_namespace;
pub(crate) use restore::run as restore;
pub(crate) use session::Session;
