//! `envctl run`: become a command with the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::{complete, planned};
use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::Located;
use crate::inject::{self, Command, Delivery, InjectError};
use crate::model::Model;
use crate::process::{Hardening, Limits};
use crate::project::Loaded;
use crate::resolve::{Generate, resolve};
use crate::schema::AsFile;
use crate::source::Span;
use crate::validate::{Validated, validate};

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
    let overrides =
        |loaded: &mut Loaded, model: &Model| overrides(&args.set, context, loaded, model);
    let mut planned = planned(
        context,
        args.environment.as_deref(),
        args.schema.as_deref(),
        &overrides,
        TAIL,
    )?;
    restrict(&args.only, context, &mut planned)?;
    super::list::verbose(context, &planned.plan, &planned.loaded.sources)?;
    let super::Planned {
        loaded,
        model,
        plan,
        mut problems,
    } = planned;
    let schema = plan.schema.clone();
    let spans: BTreeMap<String, Span> = plan
        .variables
        .iter()
        .map(|(name, planned)| (name.clone(), planned.span))
        .collect();
    let mut backends = Backends::new(&context.environment, &model.config.id.value, &loaded.root);
    let resolved = resolve(plan, &mut backends, Generate::Store, &mut problems);
    let view = model.views.get(&schema);
    let validated = resolved
        .zip(view)
        .and_then(|(resolved, view)| validate(view, resolved, &mut problems));
    let Some(validated) = validated else {
        let code = problems.exit_code(false);
        context.stop_on_errors(problems, &loaded.sources, TAIL)?;
        return Err(Exit(code.max(1)));
    };
    let command = command(args, validated, &model);
    for error in inject::preflight(&command, &context.environment, Limits::of_system()) {
        problems.push(explain(&error, &command, &spans));
    }
    context.stop_on_errors(problems, &loaded.sources, TAIL)?;
    let error = inject::exec(&command, &context.environment, hardening);
    Err(context.fail(explain(&error, &command, &spans)))
}

/// Keeps what `--only` names.
fn restrict(only: &[String], context: &Context, planned: &mut super::Planned) -> Outcome {
    if only.is_empty() {
        return Ok(());
    }
    let view = planned.model.views.get(&planned.plan.schema);
    for name in only {
        if !view.is_some_and(|view| view.variables.contains_key(name)) {
            let known = view
                .into_iter()
                .flat_map(|view| view.variables.keys().map(String::as_str));
            let near =
                crate::name::nearest(name, known).map(|near| format!("did you mean `{near}`?"));
            let message = format!(
                "schema `{}` has no variable of a name that `--only` gives",
                planned.plan.schema
            );
            return Err(context.fail(Diagnostic::error(Code::Usage, message).help_some(near)));
        }
    }
    planned.plan.restrict(&only.iter().cloned().collect());
    Ok(())
}

/// The values of `--set`, checked: declared, no secret, not in a protected environment.
fn overrides(
    set: &[String],
    context: &Context,
    loaded: &mut Loaded,
    model: &Model,
) -> Result<BTreeMap<String, Located<String>>, Exit> {
    let mut all = BTreeMap::new();
    for given in set {
        let refuse = |message: &str| Err(context.fail(Diagnostic::error(Code::Usage, message)));
        let Some((name, value)) = given.split_once('=') else {
            return refuse("`--set` takes NAME=VALUE");
        };
        if model.declarations(name).is_empty() {
            return refuse("`--set` names a variable that no schema declares");
        }
        if model.secret_declaration(name).is_some() {
            let message = format!(
                "`{name}` is a secret: a value on the command line can be seen by every user of this machine"
            );
            return refuse(&message);
        }
        let source = loaded.sources.add_open("--set", given.clone());
        let span = Span {
            source,
            start: name.len() + 1,
            end: given.len(),
        };
        all.insert(name.to_owned(), Located::new(value.to_owned(), span));
    }
    Ok(all)
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
    let remove: BTreeSet<String> = declared
        .chain(model.config.credentials().map(str::to_owned))
        .collect();
    let keep = args.keep.into_iter().collect();
    Command {
        program,
        arguments: words.collect(),
        deliver,
        remove,
        clear: args.clear,
        keep,
    }
}

fn explain(error: &InjectError, command: &Command, spans: &BTreeMap<String, Span>) -> Diagnostic {
    let program = command.program.to_string_lossy();
    let at = |diagnostic: Diagnostic, name: &str| {
        diagnostic.at_some(spans.get(name).copied(), "from here")
    };
    match error {
        InjectError::TooLarge(name) => {
            let message = format!("`{name}` is too large for an environment variable");
            at(Diagnostic::error(Code::ValueTooLarge, message), name)
                .note("the system passes on at most 131,072 bytes for name and value of one variable")
                .help("say `as_file = true` in the schema: the program then gets the path of a file with the value")
        }
        InjectError::TooLargeInAll {
            needed,
            limit,
            largest,
        } => {
            let message = format!(
                "the environment is too large: {needed} bytes, and the system passes on {limit}"
            );
            Diagnostic::error(Code::EnvironmentTooLarge, message)
                .note(format!(
                    "the largest are {}",
                    largest
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ))
                .help("deliver less with `--schema`, `--only` or `--clear`")
        }
        InjectError::Nul(name) => {
            let message =
                format!("`{name}` holds a NUL byte, which no environment variable can carry");
            at(Diagnostic::error(Code::InvalidValueBytes, message), name)
                .help("say `as_file = true` in the schema")
        }
        InjectError::File(name) => at(
            Diagnostic::error(
                Code::Unsupported,
                format!("`{name}` cannot be handed over as a file here"),
            ),
            name,
        ),
        InjectError::NotFound => {
            let problem = Diagnostic::error(
                Code::CommandNotFound,
                format!("there is no command `{program}`"),
            );
            if program.contains(' ') {
                problem.help("the command and each of its arguments are words of their own")
            } else {
                problem
            }
        }
        InjectError::NotExecutable(why) => Diagnostic::error(
            Code::CommandNotExecutable,
            format!("`{program}` cannot be executed: {why}"),
        ),
        InjectError::Failed(kind) => Diagnostic::error(
            Code::Io,
            format!(
                "`{program}` was not started: {}",
                crate::store::describe(*kind)
            ),
        ),
    }
}

/// `as_file = "path"` needs a parent that removes the file again, which `run` does not have.
pub(super) fn refuse_paths(validated: &Validated, problems: &mut Diagnostics) {
    for (name, entry) in validated.entries() {
        if entry.variable.as_file == Some(AsFile::Path) {
            let message =
                format!("`{name}` asks for a file with a path, which this version cannot give");
            let problem = Diagnostic::error(Code::Unsupported, message)
                .at(entry.variable.span, "declared here");
            problems
                .push(problem.help("say `as_file = true` if the program itself opens the file"));
        }
    }
}
