//! Clusters at work: real packets between the machines of a network of their own.

mod directors;
mod failover;
mod machine;
mod maintenance;
mod methods;
mod network;
mod schedulers;
mod synchronisation;
mod tcp;
