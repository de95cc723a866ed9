//! The meaning of command lines: words become values, and values become words again in the same file.

mod arguments;
mod clear;
mod columns;
mod command;
mod daemon;
mod doctor;
mod drain;
mod edit;
mod endpoint;
mod filter;
mod follow_load;
mod lines;
mod listing;
mod network;
#[cfg(test)]
mod pairs;
mod restore;
mod saved;
mod server;
mod service;
mod timeouts;
mod tunnel;

pub(crate) use clear::Clear;
pub(crate) use columns::{Column, ColumnKind, ConnectionColumn, CountColumn, Side, help as columns_help};
pub(crate) use command::{Command, Invocation, Parser, unreadable_name, verb, write};
pub(crate) use doctor::Doctor;
pub(crate) use drain::{Drain, Servers, Undrain};
pub(crate) use edit::{Edit, ServerEdit, ServiceEdit};
pub(crate) use filter::{ConnectionFilter, Count, CountBy, STATES, mark as mark_of_template};
pub(crate) use follow_load::{FollowLoad, Source};
pub(crate) use lines::{commands, joined, looks_like_shell, words};
pub(crate) use listing::{
    By, Color, Columns, ConnectionList, Format, List, ListFormat, Listing, SumBy, Watch,
};
pub(crate) use restore::{Replace, Restore};
pub(crate) use saved::SavedLines;
pub(crate) use server::{Unnamed, has_option, is_describable, method_option};
pub(crate) use service::scheduler_flags;
pub(crate) use timeouts::MAX_SECONDS;
pub(crate) use tunnel::list as list_tunnel;
