//! The meaning of command lines: words become values, and values become words again in the same file.

mod arguments;
mod columns;
mod command;
mod daemon;
mod doctor;
mod endpoint;
mod lines;
mod listing;
mod restore;
mod saved;
mod server;
mod service;
mod timeouts;
mod tunnel;

pub(crate) use columns::{Column, ColumnKind, ConnectionColumn, Side, help as columns_help};
pub(crate) use command::{Command, Invocation, Parser, unreadable_name, verb, write};
pub(crate) use doctor::Doctor;
pub(crate) use lines::{commands, joined, looks_like_shell, words};
pub(crate) use listing::{
    By, Color, Columns, ConnectionList, Format, List, ListFormat, Listing, SumBy, Watch,
};
pub(crate) use restore::{Replace, Restore};
pub(crate) use saved::read_saved;
pub(crate) use server::{has_option, is_describable};
pub(crate) use service::scheduler_flags;
pub(crate) use timeouts::MAX_SECONDS;
pub(crate) use tunnel::list as list_tunnel;
