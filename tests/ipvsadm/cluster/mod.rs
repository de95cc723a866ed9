//! Clusters at work: real packets between the machines of a network of their own.

mod arp;
mod capture;
mod file_transfers;
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
mod tcp;
mod thresholds;
mod tunnels;
mod udp;
