//! Tests of the library and the program on a running kernel. `scripts/kernel -- cargo test` runs them;
//! `scripts/test` runs them along with everything else.

#![allow(unreachable_pub, clippy::match_bool, reason = "no item of a test program is reachable")]

mod agent;
mod boot;
mod clear;
mod cluster;
mod completion;
mod differential;
mod doctor;
mod drain;
mod guide;
mod hostile;
mod json;
mod keep;
mod library;
mod load_notes;
mod manual;
mod messages;
mod metrics;
mod names;
mod netns;
mod no_modules;
mod one_pass;
mod people;
mod program;
mod programs;
mod random;
mod refusals;
mod reload;
mod replace;
mod restore;
mod support;
mod sweep;
mod tmux;
mod unprivileged;
mod users;
mod watch;
mod wire;
mod writers;
