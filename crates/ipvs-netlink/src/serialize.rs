//! The common part of the implementations of serde's traits.
//!
//! Each type is serialized in the file that it is defined in, or in `fields.rs` beside it if its fields are private or
//! nested. Fields that are not set are left out, and nothing is read that nobody knows.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// Serializes types as the text of `Display`, and reads them by `FromStr`.
macro_rules! as_text {
    ($($type:ty: $expected:literal,)*) => {
        $(
            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                    $crate::serialize::from_text(deserializer, $expected)
                }
            }
        )*
    };
}
pub(crate) use as_text;

/// Reads a text by `FromStr`.
pub(crate) fn from_text<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    struct Text<T>(&'static str, PhantomData<T>);

    impl<T: std::str::FromStr<Err: fmt::Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(expected, PhantomData))
}

/// Reads a number from 0 to `MAX`.
pub(crate) fn number<'de, const MAX: u64, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    struct Number<const MAX: u64, T>(PhantomData<T>);

    impl<const MAX: u64, T: TryFrom<u64>> Visitor<'_> for Number<MAX, T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a number from 0 to {MAX}")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            let invalid = || E::invalid_value(Unexpected::Unsigned(number), &self);
            if number > MAX {
                return Err(invalid());
            }
            T::try_from(number).map_err(|_| invalid())
        }
    }

    deserializer.deserialize_u64(Number::<MAX, T>(PhantomData))
}

/// Reads a field that may be missing, but not `null`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a field that may be missing, but is nothing else than an object: derived implementations also read arrays, by
/// the order of the fields.
pub(crate) fn given_object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    deserializer.deserialize_map(Object(PhantomData)).map(Some)
}

/// Reads a number from 0 to `MAX` that may be missing.
pub(crate) fn given_number<'de, const MAX: u64, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: TryFrom<u64>,
    D: Deserializer<'de>,
{
    number::<MAX, T, D>(deserializer).map(Some)
}

/// A flag by its name, or the bits that have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flag {
    Name(Cow<'static, str>),
    Bits(u32),
}

impl Flag {
    /// Splits bits into flags. Of several names for a bit the first counts.
    pub(crate) fn split(bits: u32, names: impl IntoIterator<Item = (u32, &'static str)>) -> Vec<Self> {
        let mut rest = bits;
        let mut flags = Vec::new();
        for (bit, name) in names {
            if rest & bit != 0 {
                rest &= !bit;
                flags.push(Self::Name(name.into()));
            }
        }
        flags.extend((rest != 0).then_some(Self::Bits(rest)));
        flags
    }

    /// Joins flags of something into bits.
    ///
    /// # Errors
    /// A sentence about the flag that is wrong.
    pub(crate) fn join(
        flags: &[Self],
        names: impl IntoIterator<Item = (u32, &'static str)> + Clone,
        of: impl fmt::Display,
    ) -> Result<u32, String> {
        flags.iter().try_fold(0, |bits, flag| {
            let (more, flag) = match flag {
                Self::Bits(0) => return Err("0 is no flag".into()),
                Self::Bits(more) => (*more, more.to_string()),
                Self::Name(name) => {
                    let found = names.clone().into_iter().find(|(_, known)| known == name);
                    let (bit, _) = found.ok_or_else(|| format!("\"{name}\" is not a flag of {of}"))?;
                    (bit, format!("\"{name}\""))
                }
            };
            if bits & more == 0 { Ok(bits | more) } else { Err(format!("the flag {flag} comes twice")) }
        })
    }
}

impl Serialize for Flag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Bits(bits) => serializer.serialize_u32(*bits),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a flag, or the number of one without a name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Flag, E> {
                Ok(Flag::Name(name.to_owned().into()))
            }

            fn visit_u64<E: Error>(self, bits: u64) -> Result<Flag, E> {
                let bits = u32::try_from(bits);
                bits.map(Flag::Bits).map_err(|_| E::custom("a flag is a number of 32 bits"))
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use crate::{
        AddressFamily, DaemonState, Destination, DestinationId, DestinationState, Forwarding, Interface,
        Netmask, PersistenceEngine, Protocol, Scheduler, Service, ServiceFlags, ServiceId, ServiceState,
        Stats, SyncDaemon, Table, TableEntry, Timeouts, Tunnel, TunnelFlags,
    };

    /// Checks that a value is written so, and that this is read as the same value.
    fn both_ways<T>(value: T, json: &str)
    where
        T: serde::Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
        assert_eq!(serde_json::from_str::<T>(json).unwrap(), value, "{json}");
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        let web = ServiceId::tcp(([192, 0, 2, 1], 80));
        let mark = ServiceId::fwmark(7.try_into().unwrap(), AddressFamily::V6);
        both_ways(web, r#"{"protocol":"TCP","address":"192.0.2.1","port":80}"#);
        both_ways(mark, r#"{"fwmark":7,"family":"IPv6"}"#);
        both_ways(
            Service::new(web),
            r#"{"protocol":"TCP","address":"192.0.2.1","port":80,"scheduler":"wlc"}"#,
        );
        both_ways(
            Service::new(mark)
                .with_scheduler(Scheduler::SH)
                .with_flags(ServiceFlags::from_raw(0x8000_0034))
                .with_persistence(300)
                .with_netmask(Netmask::prefix(64).unwrap())
                .unwrap()
                .with_engine(PersistenceEngine::SIP),
            r#"{"fwmark":7,"family":"IPv6","scheduler":"sh","flags":["one-packet","sh-port","flag-3",2147483648],"persistence":300,"netmask":64,"engine":"sip"}"#,
        );
        let server = Destination::new(DestinationId::new([10, 0, 0, 1], 0));
        both_ways(
            server,
            r#"{"address":"10.0.0.1","port":0,"forwarding":"direct-route","weight":1,"upper_threshold":0,"lower_threshold":0}"#,
        );
        for (tunnel, json) in [
            (Tunnel::Ipip, r#"{"type":"ipip"}"#),
            (
                Tunnel::from_raw(1, 6080, TunnelFlags::CHECKSUM),
                r#"{"type":"gue","port":6080,"flags":["checksum"]}"#,
            ),
            (Tunnel::from_raw(2, 0, TunnelFlags::NO_CHECKSUM), r#"{"type":"gre"}"#),
            (
                Tunnel::from_raw(9, 5, TunnelFlags::from_raw(0x102)),
                r#"{"type":"9","port":5,"flags":["remote-checksum",256]}"#,
            ),
        ] {
            both_ways(tunnel, json);
            let server = server.with_forwarding(Forwarding::Tunnel).with_tunnel(tunnel);
            let text = serde_json::to_string(&server).unwrap();
            assert!(text.contains(json), "{text}");
            both_ways(server, &text);
        }
        both_ways(Timeouts::new(1, 2, u32::MAX), r#"{"tcp":1,"tcp_fin":2,"udp":4294967295}"#);
        let daemon = SyncDaemon::new(DaemonState::Master, "eth0".parse().unwrap());
        let json = r#"{"state":"master","interface":"eth0","sync_id":0,"max_length":0,"port":0,"ttl":0}"#;
        both_ways(daemon, json);
        let group = "ff02::81".parse().unwrap();
        let json = json.replace(r#""port":0"#, r#""group":"ff02::81","port":0"#);
        both_ways(daemon.with_group(group), &json);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let service: Service = serde_json::from_str(r#"{"fwmark":1}"#).unwrap();
        assert_eq!(service, Service::new(ServiceId::fwmark(1.try_into().unwrap(), AddressFamily::V4)));
        let server: Destination = serde_json::from_str(r#"{"address":"::1","port":80}"#).unwrap();
        assert_eq!(server, Destination::new(DestinationId::new([0, 0, 0, 0, 0, 0, 0, 1], 80)));
        let timeouts: Timeouts = serde_json::from_str(r#"{"udp":5}"#).unwrap();
        assert_eq!(timeouts, Timeouts::new(0, 0, 5));
    }

    #[test]
    fn a_table_is_flat() {
        let server = Destination::new(DestinationId::new([10, 0, 0, 1], 80));
        let mut state = DestinationState::new(server);
        state.stats = Stats::counting_from(u64::MAX - 9);
        let web =
            ServiceState::new(Service::new(ServiceId::tcp(([192, 0, 2, 1], 80))), Stats::counting_from(1));
        let table = Table::new(vec![TableEntry::new(web, vec![state])]);
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            concat!(
                r#"[{"protocol":"TCP","address":"192.0.2.1","port":80,"scheduler":"wlc","#,
                r#""stats":{"connections":1,"in_packets":2,"out_packets":3,"in_bytes":4,"out_bytes":5,"#,
                r#""rates":{"connections":6,"in_packets":7,"out_packets":8,"in_bytes":9,"out_bytes":10}},"#,
                r#""destinations":[{"address":"10.0.0.1","port":80,"forwarding":"direct-route","weight":1,"#,
                r#""upper_threshold":0,"lower_threshold":0,"active_connections":0,"inactive_connections":0,"#,
                r#""persistent_connections":0,"stats":{"connections":18446744073709551606,"#,
                r#""in_packets":18446744073709551607,"out_packets":18446744073709551608,"#,
                r#""in_bytes":18446744073709551609,"out_bytes":18446744073709551610,"#,
                r#""rates":{"connections":18446744073709551611,"in_packets":18446744073709551612,"#,
                r#""out_packets":18446744073709551613,"in_bytes":18446744073709551614,"#,
                r#""out_bytes":18446744073709551615}}}]}]"#,
            )
        );
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        fn refused<T: DeserializeOwned + std::fmt::Debug>(json: &str, why: &str) {
            let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
            assert!(error.starts_with(why), "{json}: {error}");
        }
        for (json, why) in [
            (r#"{}"#, "a service has either protocol, address and port, or fwmark and family"),
            (r#"{"protocol":"TCP","address":"::1","port":80,"fwmark":1}"#, "a service has either"),
            (r#"{"protocol":"TCP","address":"::1"}"#, "a service has either"),
            (r#"{"fwmark":0}"#, "a firewall mark is not 0"),
            (
                r#"{"fwmark":4294967296}"#,
                "invalid value: integer `4294967296`, expected a number from 0 to 4294967295",
            ),
            (r#"{"fwmark":"1"}"#, "invalid type: string \"1\", expected a number from 0 to"),
            (r#"{"fwmark":1,"family":"IPv5"}"#, "\"IPv5\" is not an address family"),
            (r#"{"fwmark":1,"family":null}"#, "invalid type: null, expected an address family"),
            (r#"{"fwmark":1,"scheduler":""}"#, "the name is empty"),
            (r#"{"fwmark":1,"scheduler":"a b"}"#, "the name contains a blank"),
            (r#"{"fwmark":1,"flags":["sh-port"]}"#, "\"sh-port\" is not a flag of the scheduler wlc"),
            (r#"{"fwmark":1,"flags":[true]}"#, "invalid type: boolean `true`, expected the name of a flag"),
            (r#"{"fwmark":1,"flags":[4294967296]}"#, "a flag is a number of 32 bits"),
            (r#"{"fwmark":1,"netmask":"255.0.0.0"}"#, "a netmask goes only with \"persistence\""),
            (r#"{"fwmark":1,"persistence":60,"netmask":64}"#, "the netmask 64 is not for the address family"),
            (r#"{"fwmark":1,"netmask":129}"#, "an IPv6 prefix length is 1 to 128"),
            (r#"{"fwmark":1,"netmask":"64"}"#, "invalid value: string \"64\", expected a netmask such as"),
            (r#"{"fwmark":1,"persistence":-1}"#, "invalid type: integer `-1`, expected a number from 0"),
            (r#"{"fwmark":1,"weight":1}"#, "unknown field `weight`"),
            (r#"{"fwmark":1,"fwmark":1}"#, "duplicate field `fwmark`"),
        ] {
            refused::<Service>(json, why);
        }
        let server = |rest: &str| format!(r#"{{"address":"10.0.0.1","port":80{rest}}}"#);
        for (rest, why) in [
            (
                r#","weight":2147483648"#,
                "invalid value: integer `2147483648`, expected a number from 0 to 2147483647",
            ),
            (r#","weight":1.5"#, "invalid type: floating point `1.5`, expected a number"),
            (r#","forwarding":"nat""#, "\"nat\" is not a forwarding method"),
            (r#","tunnel":{"type":"gue","port":1}"#, "a tunnel goes only with"),
            (r#","forwarding":"tunnel","tunnel":{"type":"gue"}"#, "a gue tunnel needs a port"),
            (
                r#","forwarding":"tunnel","tunnel":{"type":"gue","port":1,"flags":[65536]}"#,
                "the flags of a tunnel have 16",
            ),
            (
                r#","forwarding":"tunnel","tunnel":{"type":"gue","port":1,"flags":["x"]}"#,
                "\"x\" is not a flag of a tunnel",
            ),
            (r#","forwarding":"tunnel","tunnel":{}"#, "missing field `type`"),
        ] {
            refused::<Destination>(&server(rest), why);
        }
        refused::<Destination>(r#"{"address":"10.0.0.256","port":80}"#, "invalid IP address syntax");
        refused::<Destination>(r#"{"address":"10.0.0.1"}"#, "missing field `port`");
        refused::<Protocol>(r#""ICMP""#, "\"ICMP\" is not a transport protocol");
        refused::<Interface>(r#""sixteen-letters-""#, "the name is longer than 15");
    }
}
