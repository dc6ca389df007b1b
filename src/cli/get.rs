//! `envctl get`: one value.

use std::path::{Path, PathBuf};

use super::complete;
use super::words::Words;
use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics, Severity};
use crate::model::Model;
use crate::plan::plan_one;
use crate::project::{CONFIG, Loaded, Wanted};
use crate::resolve::{Generate, Stores, resolve};
use crate::schema::View;
use crate::secret::Secret;
use crate::store;
use crate::validate::validate;

/// Print the value of one variable
///
/// Only this variable, and what it is made of, is looked at. A terminal shows the value only with --reveal.
#[derive(Debug, clap::Args)]
#[command(override_usage = "envctl get [OPTIONS] [ENV] <NAME>")]
pub(super) struct Args {
    #[command(flatten)]
    words: Words,
    /// The schema for which the value is
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// Write the bytes without a newline at the end
    #[arg(long)]
    raw: bool,
    /// Write the bytes to a file that only you can read
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the value on a terminal
    #[arg(long)]
    reveal: bool,
    /// Show a value of a protected environment without asking
    #[arg(long)]
    yes: bool,
}

/// Gets and prints it.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let (environment, name) = args.words.named(context)?;
    if args.output.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        let problem = Diagnostic::error(Code::Usage, "`-` is not the name of a file");
        return Err(context.fail(problem.help("without `-o` the value goes to standard output; `./-` is a file")));
    }
    let on_terminal = args.output.is_none() && context.terminal.shows_result();
    if on_terminal && !args.reveal {
        let problem = Diagnostic::error(Code::Usage, "a value is not shown on a terminal unless you ask for it");
        return Err(context.fail(problem.help("`--reveal` shows it, `-o FILE` writes it to a private file")));
    }
    let mut loaded = context.load(&Wanted::Named(vec![environment.map(str::to_owned)]))?;
    let model = context.model(&mut loaded, "")?;
    let environment = super::words::environment(context, environment, &loaded, &model)?;
    super::set::declared(&model, name, context)?;
    if on_terminal && model.chain(&environment).is_none_or(|chain| chain.is_protected()) {
        context.confirm(&format!("`{environment}` is protected. Show `{name}`?"), args.yes)?;
    }
    let view = view(context, args.schema.as_deref(), &loaded, &model, name)?;
    let value = value(context, &mut loaded, &model, (&environment, view, name))?;
    keep_project(args.output.as_deref(), &loaded, context)?;
    give(args, context, &value)
}

/// A value in clear never takes the place of a file of the project.
fn keep_project(output: Option<&Path>, loaded: &Loaded, context: &Context) -> Outcome {
    let real = output.and_then(|path| path.canonicalize().ok());
    let Some(below) = real.as_ref().and_then(|real| real.strip_prefix(&loaded.root).ok()) else { return Ok(()) };
    if below != Path::new(CONFIG) && !below.starts_with("environments") && !below.starts_with("schemas") {
        return Ok(());
    }
    let message = format!("{} is a file of the project, and would be overwritten", below.display());
    Err(context.fail(Diagnostic::error(Code::Usage, message).help("name another file")))
}

/// The schema that is meant; where that does not have the variable, the only one that does.
fn view<'m>(
    context: &Context,
    given: Option<&str>,
    loaded: &Loaded,
    model: &'m Model,
    name: &str,
) -> Result<&'m View, Exit> {
    let with: Vec<&View> = model.views.values().filter(|view| view.variables.contains_key(name)).collect();
    if let ([only], None) = (with.as_slice(), given) {
        return Ok(only);
    }
    let view = context.view(given, loaded, model)?;
    if view.variables.contains_key(name) {
        return Ok(view);
    }
    let names: Vec<&str> = with.iter().map(|view| view.name.as_str()).collect();
    let problem = Diagnostic::error(Code::Usage, format!("schema `{}` does not have `{name}`", view.name));
    Err(context.fail(problem.help(format!("add `--schema` with one of: {}", names.join(", ")))))
}

/// Opens or fetches the value and what it is made of.
fn value(
    context: &Context,
    loaded: &mut Loaded,
    model: &Model,
    (environment, view, name): (&str, &View, &str),
) -> Result<Secret, Exit> {
    let mut problems = others_aside(std::mem::take(&mut loaded.problems), model, environment, name);
    let plan = plan_one(model, environment, view, name, &mut problems).filter(|_| !problems.has_errors());
    let why = plan.as_ref().and_then(|plan| plan.unset.get(name)).map(|(_, why)| format!(": {why}"));
    let mut backends = Backends::new(&context.environment, &model.config.id.value, &loaded.root);
    let mut unsealer = context.unsealer();
    let generate = Generate::Store;
    let mut stores = Stores { model, unsealer: &mut unsealer, backends: &mut backends, generate };
    let resolved = plan.and_then(|plan| resolve(plan, &mut stores, &mut problems));
    let validated = resolved.and_then(|resolved| validate(view, resolved, &mut problems));
    context.stop_on_errors(problems, &loaded.sources, "")?;
    let mut entries = validated.into_iter().flat_map(crate::validate::Validated::into_entries);
    match entries.find(|(found, _)| found == name) {
        Some((_, entry)) => Ok(entry.value),
        None => {
            context.remark(&format!("`{name}` has no value in `{environment}`{}\n", why.unwrap_or_default()));
            Err(Exit(1))
        }
    }
}

/// What is wrong elsewhere is no obstacle, unless it is a matter of trust, and is not told.
fn others_aside(problems: Diagnostics, model: &Model, environment: &str, name: &str) -> Diagnostics {
    // Without its ancestors nothing can be said of the environment.
    let Some(chain) = model.chain(environment) else { return problems };
    let entries = chain.levels.iter().flat_map(|file| file.named(name));
    let spans: Vec<_> = entries.flat_map(|entry| [entry.key_span, entry.span]).collect();
    let mut left = Diagnostics::default();
    for problem in problems {
        let own = problem.primary().is_some_and(|span| spans.contains(&span));
        if own || (problem.severity == Severity::Error && problem.code.class() != Class::Files) {
            left.push(problem);
        }
    }
    left
}

fn give(args: &Args, context: &Context, value: &Secret) -> Outcome {
    let Some(path) = &args.output else {
        let written =
            context.terminal.reveal(value).and_then(|()| if args.raw { Ok(()) } else { context.terminal.result("\n") });
        return written.map_err(|error| context.unwritable(error.kind()));
    };
    store::write_private(path, value.expose())
        .map(drop)
        .map_err(|error| context.fail(Diagnostic::error(Code::Io, error.describe_as(&path.display().to_string()))))
}
