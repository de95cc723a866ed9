//! `--keep`: the settings of a service or a server that are to change, while all others stay.

use ipvs_netlink::{
    Destination, Forwarding, Netmask, PersistenceEngine, Scheduler, Service, ServiceFlags, ServiceId,
};

use super::arguments::{Arguments, Result};
use super::server::ServerName;
use super::{server, service, tunnel};
use crate::cli::{Opt, Usage, Verb};

/// A change of some settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    Service(ServiceEdit),
    Server(ServerEdit),
}

/// The settings of a service that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceEdit {
    pub(crate) service: ServiceId,
    scheduler: Option<Scheduler>,
    /// The names of flags, which depend on the scheduler.
    scheduler_flags: Option<String>,
    /// `-p`, with or without a time.
    persistence: Option<Option<u32>>,
    netmask: Option<Netmask>,
    /// `--pe`; an empty name takes the engine away.
    engine: Option<Option<PersistenceEngine>>,
    one_packet: bool,
}

/// The settings of a server that change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerEdit {
    pub(crate) service: ServiceId,
    pub(crate) server: ServerName,
    forwarding: Option<Forwarding>,
    tunnel: tunnel::Options,
    weight: Option<u32>,
    upper_threshold: Option<u32>,
    lower_threshold: Option<u32>,
}

pub(super) fn read(arguments: &mut Arguments<'_, '_>) -> Result<Edit> {
    if arguments.verb == Verb::EditService {
        ServiceEdit::read(arguments).map(Edit::Service)
    } else {
        ServerEdit::read(arguments).map(Edit::Server)
    }
}

impl ServiceEdit {
    fn read(arguments: &mut Arguments<'_, '_>) -> Result<Self> {
        let id = service::read_id(arguments)?;
        let engine = arguments.find(&[Opt::Engine]);
        let edit = Self {
            service: id,
            scheduler: arguments.name(Opt::Scheduler)?,
            scheduler_flags: arguments.value(Opt::SchedFlags).map(Into::into),
            persistence: service::read_persistence(arguments)?,
            netmask: service::read_netmask(arguments, id)?,
            engine: match engine {
                Some(option) => Some(arguments.name(option)?),
                None => None,
            },
            one_packet: service::read_one_packet(arguments, id)?,
        };
        if edit == Self::nothing(id) {
            return Err(Usage::NothingToChange(arguments.verb));
        }
        // Names of flags that no scheduler knows are found at once.
        if let Some(flags) = &edit.scheduler_flags {
            let read = |scheduler| service::read_scheduler_flags(scheduler, flags);
            let outcome = read(edit.scheduler.unwrap_or(Scheduler::SH));
            if edit.scheduler.is_some() || read(Scheduler::MH).is_err() {
                outcome?;
            }
        }
        Ok(edit)
    }

    fn nothing(service: ServiceId) -> Self {
        Self {
            service,
            scheduler: None,
            scheduler_flags: None,
            persistence: None,
            netmask: None,
            engine: None,
            one_packet: false,
        }
    }

    /// Returns the service with the new settings, and those of its flags that it loses with its scheduler: another one
    /// would take them for something else.
    pub(crate) fn apply(&self, present: &Service) -> Result<(Service, String)> {
        let mut new = *present;
        new.scheduler = self.scheduler.unwrap_or(present.scheduler);
        let (old_names, new_names) =
            (ServiceFlags::scheduler_names(present.scheduler), ServiceFlags::scheduler_names(new.scheduler));
        let mut lost = Vec::new();
        for (index, (flag, name)) in old_names.into_iter().enumerate() {
            let [generic, of_old, of_new] =
                [ServiceFlags::SCHEDULER_NAMES[index].1, name, new_names[index].1];
            let is_lost = self.scheduler_flags.is_some() || (of_old != generic && of_new == generic);
            if is_lost && present.flags.contains(flag) {
                new.flags = ServiceFlags::from_raw(new.flags.to_raw() & !flag.to_raw());
                lost.push(name);
            }
        }
        if let Some(flags) = &self.scheduler_flags {
            new.flags |= service::read_scheduler_flags(new.scheduler, flags)?;
            lost.clear();
        }
        if let Some(seconds) = self.persistence {
            // A bare -p names no time.
            new.persistence = seconds.or(present.persistence).or(Some(service::DEFAULT_PERSISTENCE));
        }
        if let Some(netmask) = self.netmask {
            // Its family was checked when it was read.
            let _ = new.set_netmask(netmask);
        }
        new.engine = self.engine.unwrap_or(present.engine);
        if self.one_packet {
            new.flags |= ServiceFlags::ONE_PACKET;
        }
        Ok((new, lost.join(",")))
    }
}

impl ServerEdit {
    fn read(arguments: &mut Arguments<'_, '_>) -> Result<Self> {
        let service = service::read_id(arguments)?;
        let server = server::read_name(arguments, Some(service))?;
        let edit = Self {
            service,
            server,
            forwarding: server::read_forwarding(arguments)?,
            tunnel: tunnel::Options::read(arguments)?,
            weight: arguments.number(Opt::Weight, 0..=server::MAX)?,
            upper_threshold: arguments.number(Opt::UpperThreshold, 0..=server::MAX)?,
            lower_threshold: arguments.number(Opt::LowerThreshold, 0..=server::MAX)?,
        };
        let nothing = Self {
            forwarding: None,
            tunnel: tunnel::Options::default(),
            weight: None,
            upper_threshold: None,
            lower_threshold: None,
            ..edit
        };
        if edit == nothing { Err(Usage::NothingToChange(arguments.verb)) } else { Ok(edit) }
    }

    /// Returns the server with the new settings.
    pub(crate) fn apply(&self, present: &Destination) -> Result<Destination> {
        let mut new = *present;
        new.forwarding = self.forwarding.unwrap_or(present.forwarding);
        if self.tunnel.any().is_some() {
            // Without tunnelling this says what is wrong.
            let options = match new.forwarding {
                Forwarding::Tunnel => &self.tunnel.or_those_of(present.tunnel),
                _ => &self.tunnel,
            };
            new.tunnel = options.tunnel(new.forwarding)?;
        }
        if new.forwarding != Forwarding::Tunnel && new.id.family() != self.service.family() {
            return Err(Usage::MixedFamilies(new.id));
        }
        if let (true, ServiceId::Address { port, .. }, Some(Forwarding::Tunnel | Forwarding::DirectRoute)) =
            (new.forwarding != present.forwarding, self.service, self.forwarding)
        {
            if port != new.id.port {
                return Err(Usage::OtherPort(new.id));
            }
        }
        new.weight = self.weight.unwrap_or(present.weight);
        new.upper_threshold = self.upper_threshold.unwrap_or(present.upper_threshold);
        new.lower_threshold = self.lower_threshold.unwrap_or(present.lower_threshold);
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use ipvs_netlink::Change;

    use super::*;
    use crate::grammar::{Command, Invocation, Parser};

    fn parse(line: &str) -> Result<Invocation> {
        Parser::default().parse(&line.split(' ').collect::<Vec<_>>())
    }

    fn mistake(line: &str) -> String {
        parse(line).unwrap_err().to_string()
    }

    /// Returns the settings after an edit of those that another line makes.
    fn edited(present: &str, options: &str) -> Result<Change> {
        let Some(Change::AddService(service)) = parse(present).unwrap().change() else { panic!("{present}") };
        let Ok(Invocation::Command(Command::Edit(Edit::Service(edit)))) =
            parse(&format!("-E -u 192.0.2.1:53 --keep {options}"))
        else {
            panic!("{options}")
        };
        Ok(Change::SetService(edit.apply(&service)?.0))
    }

    fn edited_server(present: &str, options: &str) -> Result<Change> {
        let service = "-t 192.0.2.1:80 -r 10.0.0.1:80";
        let present = parse(&format!("-a {service} {present}")).unwrap().change();
        let Some(Change::AddDestination(id, server)) = present else { panic!() };
        let Ok(Invocation::Command(Command::Edit(Edit::Server(edit)))) =
            parse(&format!("-e {service} --keep {options}"))
        else {
            panic!("{options}")
        };
        Ok(Change::SetDestination(id, edit.apply(&server)?))
    }

    #[test]
    fn services_keep_what_is_not_named() {
        let all = "-A -u 192.0.2.1:53 -s sh -p 600 -M 255.255.255.0 --pe sip -o -b sh-port";
        for (present, options, expected) in [
            (all, "-s mh", "-s mh -p 600 -M 255.255.255.0 --pe sip -o -b mh-port"),
            (all, "-s wrr", "-s wrr -p 600 -M 255.255.255.0 --pe sip -o"),
            (all, "-s wrr -b flag-3", "-s wrr -p 600 -M 255.255.255.0 --pe sip -o -b flag-3"),
            (all, "-b sh-fallback", "-s sh -p 600 -M 255.255.255.0 --pe sip -o -b sh-fallback"),
            (all, "-p", "-s sh -p 600 -M 255.255.255.0 --pe sip -o -b sh-port"),
            (all, "-p 5", "-s sh -p 5 -M 255.255.255.0 --pe sip -o -b sh-port"),
            (all, "-M 255.0.0.0", "-s sh -p 600 -M 255.0.0.0 --pe sip -o -b sh-port"),
            ("-A -u 192.0.2.1:53 -s rr", "-p", "-s rr -p 360"),
            ("-A -u 192.0.2.1:53 -s rr -b flag-1", "-s wlc -o", "-s wlc -o -b flag-1"),
        ] {
            let expected = parse(&format!("-E -u 192.0.2.1:53 {expected}")).unwrap().change();
            assert_eq!(edited(present, options).ok(), expected, "{present}: {options}");
        }
        let wrong = edited("-A -u 192.0.2.1:53 -s rr", "-b sh-port").unwrap_err().to_string();
        assert_eq!(wrong, "-b \"sh-port\": it is not a flag of the scheduler rr");
    }

    #[test]
    fn an_empty_name_takes_the_engine_away() {
        let words = ["-E", "-u", "192.0.2.1:53", "--keep", "--pe", ""];
        let Ok(Invocation::Command(Command::Edit(Edit::Service(edit)))) = Parser::default().parse(&words)
        else {
            panic!()
        };
        let service = Service::new(edit.service).with_engine(PersistenceEngine::SIP);
        assert_eq!(edit.apply(&service).unwrap().0.engine, None);
    }

    #[test]
    fn servers_keep_what_is_not_named() {
        let gue = "-i --tun-type gue --tun-port 6080 --tun-csum -w 5 -x 20 -y 10";
        for (present, options, expected) in [
            ("-m -w 5 -x 20 -y 10", "-w 0", "-m -w 0 -x 20 -y 10"),
            ("-m -w 5 -x 20 -y 10", "-x 30", "-m -w 5 -x 30 -y 10"),
            ("-m -w 5 -x 20 -y 10", "-y 0", "-m -w 5 -x 20"),
            ("-m -w 5 -x 20 -y 10", "-g", "-g -w 5 -x 20 -y 10"),
            ("-m -w 5", "-i --tun-type gre", "-i -w 5 --tun-type gre"),
            (gue, "-w 1", "-i --tun-type gue --tun-port 6080 --tun-csum -w 1 -x 20 -y 10"),
            (gue, "--tun-port 7", "-i --tun-type gue --tun-port 7 --tun-csum -w 5 -x 20 -y 10"),
            (gue, "--tun-nocsum", "-i --tun-type gue --tun-port 6080 -w 5 -x 20 -y 10"),
            (gue, "--tun-type gre", "-i --tun-type gre --tun-csum -w 5 -x 20 -y 10"),
            (gue, "--tun-type ipip", "-i -w 5 -x 20 -y 10"),
        ] {
            let expected = format!("-e -t 192.0.2.1:80 -r 10.0.0.1:80 {expected}");
            let expected = parse(&expected).unwrap().change();
            assert_eq!(edited_server(present, options).ok(), expected, "{present}: {options}");
        }
        let wrong = |present, options| edited_server(present, options).unwrap_err().to_string();
        assert_eq!(wrong("-m", "--tun-csum"), "--tun-csum needs tunnelling: add -i");
        assert_eq!(wrong("-i", "--tun-type gue"), "a gue tunnel needs --tun-port");
    }

    #[test]
    fn a_server_with_another_port_than_its_service_stays_behind_nat() {
        let service = ServiceId::tcp(([192, 0, 2, 1], 80));
        let Ok(Invocation::Command(Command::Edit(Edit::Server(edit)))) =
            parse("-e -t 192.0.2.1:80 -r 10.0.0.1:8080 --keep -g")
        else {
            panic!()
        };
        let id = ipvs_netlink::DestinationId::new([10, 0, 0, 1], 8080);
        let server = Destination::new(id).with_forwarding(Forwarding::Masquerade);
        assert_eq!(edit.service, service);
        assert_eq!(edit.apply(&server), Err(Usage::OtherPort(id)));
    }

    #[test]
    fn mistakes_are_found_before_the_kernel_is_asked() {
        for (line, expected) in [
            ("-e -t 192.0.2.1:80 -r 10.0.0.1 --keep", "-e --keep changes nothing: name a setting"),
            ("-E -t 192.0.2.1:80 --keep", "-E --keep changes nothing: name a setting"),
            (
                "-E -t 192.0.2.1:80 --keep -s sh -b mh-port",
                "-b \"mh-port\": it is not a flag of the scheduler sh",
            ),
            ("-E -t 192.0.2.1:80 --keep -b blue", "-b \"blue\": it is not a flag of the scheduler sh"),
            ("-a -t 192.0.2.1:80 -r 10.0.0.1 --keep", "--keep is not possible with -a; it goes with -E -e"),
        ] {
            assert_eq!(mistake(line), expected, "{line}");
        }
        // Both are flags of some scheduler, which the service may have.
        for flags in ["sh-port", "mh-port,flag-3"] {
            assert!(parse(&format!("-E -t 192.0.2.1:80 --keep -b {flags}")).is_ok());
        }
    }

    #[test]
    fn one_server_has_to_fit_the_name() {
        let service = ServiceId::tcp(([192, 0, 2, 1], 80));
        let server = |port| Destination::new(ipvs_netlink::DestinationId::new([10, 0, 0, 1], port));
        let other = Destination::new(ipvs_netlink::DestinationId::new([10, 0, 0, 2], 80));
        let pick = |port, servers: &[Destination]| {
            let name = ServerName { address: [10, 0, 0, 1].into(), port };
            name.pick(service, servers.iter().copied())
                .map(|server| server.id.port)
                .map_err(|e| e.to_string())
        };
        assert_eq!(pick(None, &[other, server(8080)]), Ok(8080));
        assert_eq!(pick(Some(81), &[server(80), server(81)]), Ok(81));
        assert_eq!(
            pick(None, &[server(81), server(80)]).unwrap_err(),
            "service TCP 192.0.2.1:80 has several servers at 10.0.0.1: name one of 10.0.0.1:80, 10.0.0.1:81"
        );
        assert_eq!(
            pick(Some(80), &[server(81), other]).unwrap_err(),
            "service TCP 192.0.2.1:80 has no server 10.0.0.1:80, but 10.0.0.1:81"
        );
        assert_eq!(pick(None, &[other]).unwrap_err(), "service TCP 192.0.2.1:80 has no server 10.0.0.1");
    }
}
