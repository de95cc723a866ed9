//! Clusters at work: real packets between the machines of a network of their own.

mod arp;
mod capture;
mod machine;
mod maintenance;
mod methods;
mod network;
mod one_packet;
mod schedulers;
mod tcp;
mod tunnels;
mod udp;
