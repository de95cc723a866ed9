//! Clusters at work: real packets between the machines of a network of their own.

mod arp;
mod capture;
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
mod tunnels;
mod udp;
