//! What to list.

use super::{Command, Given, List, Opt, Result, Usage, View};

impl Given<'_> {
    pub(super) fn listing(&mut self) -> Result<Command> {
        self.number(Opt::SyncId, 0, 255)?;
        let service = self.options.iter().map(|&(option, _)| option).find(|option| {
            matches!(option, Opt::TcpService | Opt::UdpService | Opt::SctpService | Opt::FwmarkService)
        });
        let other = self.one_of([Opt::Connection, Opt::Timeout, Opt::Daemon])?.map(|(option, _)| option);
        if let (Some(other), Some(service)) = (other, service) {
            return Err(Usage::Conflict(other, service));
        }
        let service = self.optional_service()?;
        let numeric = self.flag(Opt::Numeric);
        let columns = [
            (Opt::Stats, View::Stats),
            (Opt::Rate, View::Rate),
            (Opt::Thresholds, View::Thresholds),
            (Opt::PersistentConn, View::PersistentConn),
            (Opt::TunInfo, View::TunInfo),
        ];
        // Of several columns the first of these is shown, as always.
        let columns = columns.map(|(option, view)| self.flag(option).then_some((option, view)));
        let columns = columns.into_iter().flatten().next();
        match (other, columns) {
            (None, _) => {}
            (_, None | Some((Opt::TunInfo, _))) | (Some(Opt::Connection), Some((Opt::PersistentConn, _))) => {
            }
            (Some(other), Some((option, _))) => return Err(Usage::Conflict(other, option)),
        }
        Ok(match other {
            Some(Opt::Connection) => {
                Command::Connections { engines: matches!(columns, Some((Opt::PersistentConn, _))), numeric }
            }
            Some(Opt::Timeout) => Command::Timeouts,
            Some(_) => Command::Daemons,
            None => Command::List(List {
                service,
                view: columns.map_or(View::Plain, |(_, view)| view),
                numeric,
                exact: self.flag(Opt::Exact),
                sorted: !self.flag(Opt::Nosort),
            }),
        })
    }
}
