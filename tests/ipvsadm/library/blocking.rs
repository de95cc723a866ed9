//! The blocking client.

use ipvs_netlink::Ipvs as Client;

#[path = "cases.rs"]
mod cases;
#[path = "refusals.rs"]
mod refusals;
