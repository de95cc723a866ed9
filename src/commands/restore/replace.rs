//! `-R --replace`: the table becomes what the input says by the smallest change, or stays as it is.

use std::io;
use std::time::Duration;

use ipvs_netlink::reconcile::{self, ApplyError, Desired, DesiredError, Object, Plan, RefusedStep, Unlisted};
use ipvs_netlink::{Change, Error};

use super::draining::{Draining, Limits};
use super::following::{Ended, find_away, keep_momentary, keep_removed};
use super::input::Input;
use crate::cli::{Usage, Verb};
use crate::commands::drain;
use crate::commands::interruption::Interruption;
use crate::commands::lock::Lock;
use crate::commands::notes::Notes;
use crate::commands::session::Session;
use crate::commands::signals::without_signals;
use crate::document::{StepFields, Writer};
use crate::failure::{Failure, Mistakes, RefusedLines, Repeated};
use crate::grammar::{self, Command, Edit, Format, Replace};

/// Returns the table that the commands make of an empty one. Its origins are line numbers.
pub(super) fn desired(input: &mut Input) -> Result<Desired<usize>, Failure> {
    let mut desired = Desired::with_capacity(input.commands.len());
    let mut mistakes = Mistakes::default();
    let mut repeated = Repeated::default();
    // There may be many commands, which are not needed any more.
    for (number, command) in std::mem::take(&mut input.commands) {
        match follow(&mut desired, &command, number) {
            Ok(None) => {}
            Ok(Some(first)) => repeated.add(number, first),
            Err(mistake) => input.add_mistake(&mut mistakes, number, mistake),
        }
    }
    input.check(mistakes)?;
    repeated.report(&input.name);
    Ok(desired)
}

/// Makes a change to the desired table, and returns the line that it repeats, if any.
fn follow(desired: &mut Desired<usize>, command: &Command, number: usize) -> Result<Option<usize>, Usage> {
    let change = match command {
        Command::Change(change) => change,
        Command::Edit(edit) => &edited(desired, edit)?,
        Command::Save { .. } => return Err(Usage::NotForReplace(Verb::Save)),
        Command::Clear(_) => return Err(Usage::PartialClear),
        Command::Namespaces(_) => return Err(Usage::NotForReplace(Verb::NetnsList)),
        _ => return Err(Usage::NotForReplace(Verb::List)),
    };
    desired.follow(change, number).map_err(|error| match error {
        DesiredError::Exists(object, line) => Usage::DefinedTwice { what: object.to_string(), line },
        DesiredError::NotDefined(object) => Usage::NotDefined(object.to_string()),
        _ => Usage::NotForReplace(grammar::verb(change)),
    })
}

/// Returns the change that leads to what the lines before have made, with some settings changed.
fn edited(desired: &Desired<usize>, edit: &Edit) -> Result<Change, Usage> {
    let missing = |object: Object| Usage::NotDefined(object.to_string());
    match edit {
        Edit::Service(edit) => {
            let present = desired.settings(edit.service).ok_or(missing(Object::Service(edit.service)))?;
            Ok(Change::SetService(edit.apply(present)?.0))
        }
        Edit::Server(edit) => {
            let servers = desired.destinations(edit.service).ok_or(missing(Object::Service(edit.service)))?;
            let present = edit.server.pick(edit.service, servers.copied())?;
            Ok(Change::SetDestination(edit.service, edit.apply(&present)?))
        }
    }
}

/// Says how the table would be replaced.
pub(super) fn show(
    session: &mut Session,
    input: &Input,
    mut desired: Desired<usize>,
    options: Replace,
    format: Format,
) -> Result<(), Failure> {
    let ended = prepare(session, input, &mut desired, options)?;
    let present = session.kernel()?.snapshot()?;
    let plan = match options.drain_removed {
        None => reconcile::plan(&present, &desired, unlisted(options)),
        Some(_) => reconcile::plan_draining(&present, &desired, unlisted(options)),
    };
    if format == Format::Json {
        return write_plan(session, input, &plan, options).map_err(Failure::Output);
    }
    for (index, step) in plan.steps.iter().enumerate() {
        if let Some(limit) = options.drain_removed.filter(|_| index == plan.additions + plan.drains) {
            let seconds = limit.as_secs();
            session.output.push(format!("# wait for the connections to end, at most {seconds} s\n"));
        }
        session.output.push("ipvsadm ");
        grammar::write(&mut session.output, &step.change);
        session.output.push("\n");
    }
    for server in drain::ended_by(plan.steps.iter().map(|step| &step.change)) {
        session.output.push(format!("# {server} is not drained any more\n"));
    }
    for sentence in ended.confirmed(&present.table) {
        session.output.push(format!("# {sentence}\n"));
    }
    session.output.push(format!("# {}\n", plan.summary));
    Ok(())
}

/// Replaces the table. Whether the lock is held all the time is up to the options.
pub(super) fn run(
    session: &mut Session,
    input: &Input,
    mut desired: Desired<usize>,
    options: Replace,
    mut lock: Lock,
    lock_wait: Duration,
) -> Result<(), Failure> {
    let ended = prepare(session, input, &mut desired, options)?;
    let (ipvs, unlisted) = (session.kernel()?, unlisted(options));
    let Some(connections) = options.drain_removed else {
        let outcome = without_signals(|| reconcile::apply(ipvs, &desired, unlisted));
        check(outcome, input, &mut lock)?;
        ended.remove();
        drain::forget_ended(ipvs);
        return Ok(());
    };
    // From now on signals are noticed while it waits.
    let mut interruption = Interruption::hold();
    let outcome = without_signals(|| reconcile::drain(ipvs, &desired, unlisted));
    let (_, leaving) = check(outcome, input, &mut lock)?;
    ended.remove();
    drain::forget_ended(ipvs);
    let draining = Draining::new(leaving, &lock);
    drop(lock);
    draining.complete(ipvs, &mut interruption, &Limits { connections, lock: lock_wait })
}

/// Completes the desired table by what the kernel has, and returns the notes of load that it ends. Fails if the input
/// would clear the table without saying so: many machines start with a file of comments and an empty table.
fn prepare(
    session: &mut Session,
    input: &Input,
    desired: &mut Desired<usize>,
    options: Replace,
) -> Result<Ended, Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    let may_clear = options.allow_empty || options.keep_others;
    if input.names_no_service && !may_clear && !ipvs.services()?.is_empty() {
        return Err(Failure::EmptyInput(input.name.clone()));
    }
    // Whatever is wrong with the notes is said when those of drains are looked at.
    let notes = if Notes::exist() { Notes::read().ok() } else { None };
    let Some(notes) = notes.filter(|notes| !notes.loads().is_empty()) else {
        if options.keep_weights {
            desired.keep_weights(&ipvs.table()?);
        }
        return Ok(Ended::default());
    };
    let present = ipvs.table()?;
    let away = find_away(&notes, &present, desired, options);
    let ended = Ended::find(&notes, desired, options, &away);
    keep_removed(desired, &away);
    if options.keep_weights {
        desired.keep_weights(&present);
    } else {
        keep_momentary(desired, present, &notes.momentary());
    }
    Ok(ended)
}

fn unlisted(options: Replace) -> Unlisted {
    if options.keep_others { Unlisted::Keep } else { Unlisted::Delete }
}

/// Counts a replacement that has changed something, and explains one that has failed.
fn check<T>(outcome: Result<T, ApplyError<usize>>, input: &Input, lock: &mut Lock) -> Result<T, Failure> {
    if !matches!(outcome, Err(ApplyError::Untouched(_) | ApplyError::Undone(_))) {
        lock.count_replacement();
    }
    outcome.map_err(|error| match error {
        // Nothing was changed, and the status is that of any other command that cannot read.
        ApplyError::Untouched(error) => error.into(),
        ApplyError::Undone(refused) => {
            Failure::NothingChanged(input.name.clone(), refused_lines(input, refused))
        }
        ApplyError::NotUndone { refused, left } => {
            let left = left.iter().map(ToString::to_string).collect();
            Failure::NotUndone { input: input.name.clone(), refused: refused_lines(input, refused), left }
        }
        error => Failure::Replace(error.to_string()),
    })
}

/// Writes a plan as a document.
fn write_plan(session: &mut Session, input: &Input, plan: &Plan<usize>, options: Replace) -> io::Result<()> {
    let mut document = Writer::start(&mut session.output);
    document.list("plan", |steps| {
        plan.steps.iter().try_for_each(|step| {
            let path = step.origin.and_then(|origin| input.path(origin));
            steps.push(&StepFields::new(&step.change, path.map(|path| path.to_string())))
        })
    })?;
    if let Some(limit) = options.drain_removed {
        document.field("drain_removed", &limit.as_secs())?;
    }
    document.field("summary", &plan.summary)?;
    document.end();
    Ok(())
}

fn refused_lines(input: &Input, refused: Vec<RefusedStep<usize>>) -> RefusedLines {
    let mut lines = RefusedLines::default();
    for RefusedStep { refused, origin, .. } in refused {
        lines.add(|| input.refused_line(origin, Failure::from(Error::from(refused))));
    }
    lines
}
