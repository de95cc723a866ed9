//! `-R --replace`: the table becomes what the input says by the smallest change, or stays as it is.

use std::io;

use ipvs_netlink::reconcile::{self, ApplyError, Desired, DesiredError, Object, Plan, RefusedStep, Unlisted};
use ipvs_netlink::{Change, Error};

use super::input::Input;
use crate::cli::{Usage, Verb};
use crate::commands::drain;
use crate::commands::session::Session;
use crate::commands::signals::without_signals;
use crate::document::{StepFields, Writer};
use crate::failure::{Failure, Mistakes, RefusedLine, Repeated};
use crate::grammar::{self, Command, Edit, Format, Replace};

/// Returns the table that the commands make of an empty one. Its origins are line numbers.
pub(super) fn desired(input: &mut Input) -> Result<Desired<usize>, Failure> {
    let mut desired = Desired::default();
    let mut mistakes = Mistakes::default();
    let mut repeated = Repeated::default();
    // There may be many commands, which are not needed any more.
    for (number, command) in std::mem::take(&mut input.commands) {
        match follow(&mut desired, &command, number) {
            Ok(None) => {}
            Ok(Some(first)) => repeated.add(number, first),
            Err(mistake) => mistakes.add(number, || input.line(number), mistake),
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

/// Replaces the table, or only says how.
pub(super) fn run(
    session: &mut Session,
    input: &Input,
    mut desired: Desired<usize>,
    options: Replace,
    format: Format,
) -> Result<(), Failure> {
    let ipvs = session.kernel()?;
    ipvs.set_include_stats(false);
    if input.says_nothing && !options.allow_empty {
        // With an empty table there is nothing to lose: many machines start with a file of comments.
        let empty = ipvs.services()?.is_empty();
        return if empty { Ok(()) } else { Err(Failure::EmptyInput(input.name.clone())) };
    }
    let unlisted = if options.keep_others { Unlisted::Keep } else { Unlisted::Delete };
    if options.keep_weights {
        desired.keep_weights(&ipvs.table()?);
    }
    let desired = &desired;
    if options.dry_run {
        let plan = reconcile::plan(&ipvs.snapshot()?, desired, unlisted);
        if format == Format::Json {
            return write_plan(session, input, &plan).map_err(Failure::Output);
        }
        for step in &plan.steps {
            session.output.push("ipvsadm ");
            grammar::write(&mut session.output, &step.change);
            session.output.push("\n");
        }
        for server in drain::ended_by(plan.steps.iter().map(|step| &step.change)) {
            session.output.push(format!("# {server} is not drained any more\n"));
        }
        session.output.push(format!("# {}\n", plan.summary));
        return Ok(());
    }
    match without_signals(|| reconcile::apply(ipvs, desired, unlisted)) {
        Ok(_) => {
            drain::forget_ended(ipvs);
            Ok(())
        }
        // Nothing was changed, and the status is that of any other command that cannot read.
        Err(ApplyError::Untouched(error)) => Err(error.into()),
        Err(ApplyError::Undone(refused)) => {
            Err(Failure::NothingChanged(input.name.clone(), refused_lines(input, refused)))
        }
        Err(ApplyError::NotUndone { refused, left }) => {
            let left = left.iter().map(ToString::to_string).collect();
            Err(Failure::NotUndone {
                input: input.name.clone(),
                refused: refused_lines(input, refused),
                left,
            })
        }
        Err(error) => Err(Failure::Replace(error.to_string())),
    }
}

/// Writes a plan as a document.
fn write_plan(session: &mut Session, input: &Input, plan: &Plan<usize>) -> io::Result<()> {
    let mut document = Writer::start(&mut session.output);
    document.list("plan", |steps| {
        plan.steps.iter().try_for_each(|step| {
            let path = step.origin.and_then(|origin| input.path(origin));
            steps.push(&StepFields::new(&step.change, path.map(|path| path.to_string())))
        })
    })?;
    document.field("summary", &plan.summary)?;
    document.end();
    Ok(())
}

fn refused_lines(input: &Input, refused: Vec<RefusedStep<usize>>) -> Vec<RefusedLine> {
    let sentence =
        |step: RefusedStep<usize>| (step.origin, Failure::from(Error::from(step.refused)).to_string());
    input.refused_lines(refused.into_iter().map(sentence))
}
