//! A service with its servers, as settings alone.

use std::fmt;

use ipvs_netlink::{Destination, Service};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::object::FromObject;

/// The settings of a service that an administrator has chosen. The servers are a field beside those of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) service: Service,
    pub(crate) destinations: Vec<Destination>,
}

const DESTINATIONS: &str = "destinations";

/// The derived implementation would read the fields of the service into memory first, and errors would not know
/// their places any more.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Entry, A::Error> {
                let mut fields = WithoutDestinations { fields, destinations: None };
                let service = Service::deserialize(MapAccessDeserializer::new(&mut fields))?;
                Ok(Entry { service, destinations: fields.destinations.unwrap_or_default() })
            }
        }

        deserializer.deserialize_map(EntryVisitor)
    }
}

/// The fields of an object but its destinations, which are taken when they come.
struct WithoutDestinations<A> {
    fields: A,
    destinations: Option<Vec<Destination>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for &mut WithoutDestinations<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.fields.next_key::<String>()? {
            if key != DESTINATIONS {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            let destinations: Vec<FromObject<Destination>> = self.fields.next_value()?;
            let destinations = destinations.into_iter().map(|FromObject(destination)| destination).collect();
            if self.destinations.replace(destinations).is_some() {
                return Err(A::Error::duplicate_field(DESTINATIONS));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
