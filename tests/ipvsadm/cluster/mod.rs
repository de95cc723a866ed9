//! Clusters at work: real packets between the machines of a network of their own.

mod machine;
mod maintenance;
mod methods;
mod network;
mod schedulers;
mod tcp;
