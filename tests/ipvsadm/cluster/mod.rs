//! Working clusters: real packets between the machines of a private network.

mod arp;
mod capture;
mod directors;
mod doctor;
mod drain;
mod draining;
mod failover;
mod file_transfers;
mod filters;
mod follow_load;
mod ftp;
mod machine;
mod maintenance;
mod marks;
mod methods;
mod network;
mod one_packet;
mod persistence;
mod schedulers;
mod sip;
mod synchronisation;
mod tcp;
mod thresholds;
mod tunnels;
mod udp;

use crate::support::wait_until;
