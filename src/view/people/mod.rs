//! `--table`: services, servers and connections as people like to read them.

mod connections;
mod counts;
mod grid;
mod screen;
mod services;
mod words;

pub(crate) use connections::ConnectionTable;
pub(crate) use counts::people_counts;
pub(crate) use grid::cut;
pub(crate) use screen::Screen;
pub(crate) use services::{people_lines, people_table};
