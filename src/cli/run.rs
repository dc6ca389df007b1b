//! `envctl run`: become a command with the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::complete;
use super::planned::{Planned, Request, planned};
use crate::context::{Context, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::inject::{self, Command, Delivery, InjectError};
use crate::model::Model;
use crate::plan::{self, Completeness};
use crate::process::{Hardening, Limits};
use crate::resolve::Generate;
use crate::schema::AsFile;
use crate::source::Span;
use crate::validate::Validated;

/// Become a command with the environment
///
/// envctl checks that everything is there and valid and then turns into the command: same process, its signals, its exit
/// code. Nothing is started if anything is missing; the exit code is then 125.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, instead of the project's default
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: Option<String>,
    /// The schema whose variables are delivered
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// Deliver only these variables
    #[arg(long, value_name = "NAMES", value_delimiter = ',', add = complete::variables())]
    only: Vec<String>,
    /// Give a variable another value this once; not for secrets, not in protected environments
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Inherit nothing from the environment envctl was started with
    #[arg(long)]
    clear: bool,
    /// Inherit these although of `--clear`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "clear")]
    keep: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const TAIL: &str = "nothing was started";

/// Carries the command out; returns only if it was not started.
pub(super) fn run(args: Args, context: &Context, hardening: Hardening) -> Outcome {
    let request = Request {
        environment: args.environment.as_deref(),
        schema: args.schema.as_deref(),
        set: &args.set,
        completeness: Completeness::Required,
        tail: TAIL,
    };
    let mut planned = planned(context, &request)?;
    restrict(&args.only, context, &mut planned)?;
    refuse_paths(context, &planned)?;
    super::list::verbose(context, &planned.plan, &planned.loaded.sources);
    let variables = &planned.plan.variables;
    let spans = variables.iter().map(|(name, planned)| (name.clone(), planned.span)).collect();
    let (validated, mut planned) = super::planned::values(context, planned, Generate::Store, TAIL)?;
    let command = command(args, validated, &planned.model);
    let mut problems = std::mem::take(&mut planned.problems);
    for error in inject::preflight(&command, &context.environment, Limits::of_system()) {
        problems.push(explain(&error, &command, &spans));
    }
    context.stop_on_errors(problems, &planned.loaded.sources, TAIL)?;
    let error = inject::exec(&command, &context.environment, hardening);
    Err(context.fail(explain(&error, &command, &BTreeMap::new())))
}

/// Keeps what `--only` names.
fn restrict(only: &[String], context: &Context, planned: &mut Planned) -> Outcome {
    if only.is_empty() {
        return Ok(());
    }
    let view = planned.model.views.get(&planned.plan.schema);
    for name in only {
        if !view.is_some_and(|view| view.variables.contains_key(name)) {
            let known = view.into_iter().flat_map(|view| view.variables.keys().map(String::as_str));
            let near = crate::name::nearest(name, known).map(|near| format!("did you mean `{near}`?"));
            let message = format!("`--only` names a variable that schema `{}` does not have", planned.plan.schema);
            return Err(context.fail(Diagnostic::error(Code::Usage, message).help_some(near)));
        }
        if view.and_then(|view| view.variables.get(name)).is_some_and(|variable| variable.internal) {
            let message = format!("`--only` names `{name}`, which is internal: no program gets it");
            return Err(context.fail(Diagnostic::error(Code::Usage, message)));
        }
    }
    planned.plan.restrict(&only.iter().cloned().collect());
    Ok(())
}

fn command(args: Args, validated: Validated, model: &Model) -> Command {
    let mut words = args.command.into_iter();
    let program = words.next().unwrap_or_default();
    let deliver: Vec<Delivery> = validated
        .into_entries()
        .map(|(name, entry)| Delivery {
            name,
            value: entry.value,
            as_file: entry.variable.as_file == Some(AsFile::Descriptor),
        })
        .collect();
    // A variable of the project comes from envctl alone: an inherited one of that name is no value.
    let declared = model.declared_names().map(str::to_owned);
    let remove: BTreeSet<String> = declared.chain(model.config.credentials().map(str::to_owned)).collect();
    let keep = args.keep.into_iter().collect();
    Command { program, arguments: words.collect(), deliver, remove, clear: args.clear, keep }
}

/// `as_file = "path"` needs a parent that removes the file again, which `run` does not have.
fn refuse_paths(context: &Context, planned: &Planned) -> Outcome {
    let mut problems = Diagnostics::default();
    let wants_path = |one: &&plan::Planned| one.delivered && one.variable.as_file == Some(AsFile::Path);
    for found in planned.plan.variables.values().filter(wants_path) {
        let message = format!("`{}` asks for a file with a path, which this version cannot give", found.variable.name);
        let problem = Diagnostic::error(Code::Unsupported, message).at(found.variable.span, "declared here");
        problems.push(problem.help("say `as_file = true` if the program itself opens the file"));
    }
    context.stop_on_errors(problems, &planned.loaded.sources, TAIL)
}

/// Why the command was not started, for people.
fn explain(error: &InjectError, command: &Command, spans: &BTreeMap<String, Span>) -> Diagnostic {
    let at = |diagnostic: Diagnostic, name: &str| diagnostic.at_some(spans.get(name).copied(), "from here");
    match error {
        InjectError::TooLarge(name) => {
            let message = format!("`{name}` is too large for an environment variable");
            at(Diagnostic::error(Code::ValueTooLarge, message), name)
                .note("the system passes on at most 131,072 bytes for name and value of one variable")
                .help("say `as_file = true` in the schema: the program then gets the path of a file with the value")
        }
        InjectError::TooLargeInAll { needed, limit, largest } => {
            let message = format!(
                "the environment is too large: {} KiB, and the system passes on {} KiB",
                needed.div_ceil(1024),
                limit / 1024
            );
            let largest: Vec<String> = largest.iter().map(|name| format!("`{name}`")).collect();
            Diagnostic::error(Code::EnvironmentTooLarge, message)
                .note(format!("the largest are {}", largest.join(", ")))
                .help("deliver less with `--schema`, `--only` or `--clear`")
        }
        InjectError::Nul(name) => {
            let message = format!("`{name}` holds a NUL byte, which no environment variable can carry");
            at(Diagnostic::error(Code::InvalidValueBytes, message), name).help("say `as_file = true` in the schema")
        }
        InjectError::File(name) => {
            at(Diagnostic::error(Code::Unsupported, format!("`{name}` cannot be handed over as a file here")), name)
        }
        _ => not_started(error, &command.program.to_string_lossy()),
    }
}

/// Why the program itself could not be started.
fn not_started(error: &InjectError, program: &str) -> Diagnostic {
    match error {
        InjectError::NotFound => {
            let problem = Diagnostic::error(Code::CommandNotFound, format!("there is no command `{program}`"));
            let spaced = program
                .contains(' ')
                .then(|| String::from("write each argument as a word of its own, without quotes round all of it"));
            problem.help_some(spaced)
        }
        InjectError::NotExecutable(why) => {
            let problem =
                Diagnostic::error(Code::CommandNotExecutable, format!("`{program}` cannot be executed: {why}"));
            let help =
                (*why == "permission denied").then(|| format!("chmod +x {program}, or name its interpreter before it"));
            problem.help_some(help)
        }
        InjectError::Failed(kind) => {
            Diagnostic::error(Code::Io, format!("`{program}` was not started: {}", crate::store::describe(*kind)))
        }
        _ => Diagnostic::error(Code::Bug, format!("`{program}` was not started")),
    }
}
