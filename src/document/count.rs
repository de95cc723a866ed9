//! Numbers of connections.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use ipvs_netlink::{Protocol, ServiceId};
use serde::Serialize;

use super::connection::Endpoint;
use crate::names::Names;
use crate::view::{Counted, CountedService};

/// The number of connections of a client, a service, a server or in a state.
#[derive(Serialize)]
pub(crate) struct CountFields<'a> {
    connections: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Host<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Service<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Endpoint<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Host<'a> {
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Service<'a> {
    Mark(ServiceId),
    Address {
        protocol: Cow<'a, str>,
        #[serde(flatten)]
        endpoint: Endpoint<'a>,
    },
}

impl<'a> CountFields<'a> {
    pub(crate) fn new(counted: &'a Counted, connections: u64, names: &'a Names) -> Self {
        let mut fields = Self { connections, client: None, service: None, destination: None, state: None };
        match counted {
            Counted::Client(address) => {
                fields.client = Some(Host { address: *address, address_name: names.host(*address) });
            }
            Counted::Service(service) => fields.service = Some(Service::new(service, names)),
            Counted::Server(endpoint) => fields.destination = Some(Endpoint::new(*endpoint, None, names)),
            Counted::State(state) => fields.state = Some(String::from_utf8_lossy(state)),
        }
        fields
    }
}

impl<'a> Service<'a> {
    fn new(service: &'a CountedService, names: &'a Names) -> Self {
        let address = |text: Cow<'a, str>, endpoint: SocketAddr, protocol: Option<Protocol>| Self::Address {
            protocol: text,
            endpoint: Endpoint::new(endpoint, protocol, names),
        };
        match service {
            CountedService::Known(id @ ServiceId::Fwmark { .. }) => Self::Mark(*id),
            CountedService::Known(ServiceId::Address { protocol, address: ip, port }) => {
                address(protocol.to_string().into(), SocketAddr::new(*ip, *port), Some(*protocol))
            }
            CountedService::Other(protocol, endpoint) => {
                address(String::from_utf8_lossy(protocol), *endpoint, None)
            }
        }
    }
}
