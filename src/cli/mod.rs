//! The command line: one file for each command, with its arguments and what it does.

mod check;
mod complete;
mod completions;
mod diff;
mod explain;
mod init;
mod list;
mod man;
mod origin;
mod render;
mod run;
mod table;
mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{CommandFactory, Parser, Subcommand};

use crate::context::{Context, Exit, Globals, Outcome};
use crate::diagnostic::{Class, Diagnostics};
use crate::document::Located;
use crate::model::Model;
use crate::plan::{Plan, plan};
use crate::process::{EnvSnapshot, Hardening};
use crate::project::{Loaded, Wanted};

/// Typed environments for programs: a schema, values and secrets in git, checked and handed to a process
#[derive(Debug, Parser)]
#[command(
    name = "envctl",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Run(run::Args),
    Render(render::Args),
    List(list::Args),
    Explain(explain::Args),
    Diff(diff::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The commands, for the help of mistakes.
const COMMANDS: &[&str] = &[
    "init",
    "check",
    "run",
    "render",
    "list",
    "explain",
    "diff",
    "completions",
    "man",
];

/// The whole command line as clap sees it, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Answers a shell that asks for completions, if one does.
pub fn complete() {
    clap_complete::CompleteEnv::with_factory(command)
        .bin("envctl")
        .completer("envctl")
        .complete();
}

/// Parses the command line and carries it out; gives the exit code.
pub fn main(arguments: Vec<OsString>, environment: EnvSnapshot, hardening: Hardening) -> u8 {
    let parsed = Cli::try_parse_from(&arguments);
    let Cli { globals, command } = match parsed {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &arguments, environment),
    };
    let context = Context::new(environment, globals);
    let outcome = match command {
        Command::Init(args) => init::run(&args, &context),
        Command::Check(args) => check::run(&args, &context),
        // Whatever stops `run` before the command is 125 to whoever started it: the other codes are the command's own.
        Command::Run(args) => run::run(args, &context, hardening).map_err(|exit| match exit.0 {
            code if code == Class::NotFound.exit_code()
                || code == Class::NotExecutable.exit_code() =>
            {
                exit
            }
            _ => Exit(125),
        }),
        Command::Render(args) => render::run(&args, &context),
        Command::List(args) => list::run(&args, &context),
        Command::Explain(args) => explain::run(&args, &context),
        Command::Diff(args) => diff::run(&args, &context),
        Command::Completions(args) => completions::run(&args, &context),
        Command::Man(args) => man::run(&args, &context),
    };
    outcome.map_or_else(|exit| exit.0, |()| 0)
}

/// Help and version go to standard output; everything else is a mistake.
fn misused(error: &clap::Error, arguments: &[OsString], environment: EnvSnapshot) -> u8 {
    let context = Context::new(environment, Globals::default());
    if !error.use_stderr() {
        let text = error.render();
        let colour = std::io::stdout().is_terminal();
        let text = if colour {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        return context.print(&text).map_or_else(|exit| exit.0, |()| 0);
    }
    let exit = context.fail(usage::diagnostic(error, arguments));
    if usage::is_run(arguments) {
        125
    } else {
        exit.0
    }
}

/// The project read for one environment and schema, and planned; everything wrong with it was reported.
struct Planned {
    loaded: Loaded,
    model: Model,
    plan: Plan,
    problems: Diagnostics,
}

/// Reads the project and plans one environment for one schema; stops at errors, keeps warnings in `problems`.
fn planned(
    context: &Context,
    environment: Option<&str>,
    schema: Option<&str>,
    overrides: &dyn Fn(&mut Loaded, &Model) -> Result<BTreeMap<String, Located<String>>, Exit>,
    tail: &str,
) -> Result<Planned, Exit> {
    let mut loaded = context.load(&Wanted::Named(vec![environment.map(str::to_owned)]))?;
    let model = context.model(&mut loaded, tail)?;
    let mut problems = std::mem::take(&mut loaded.problems);
    // What is wrong with the command line is only told where the files are fine: they may be the cause.
    let chosen = |context: &Context| {
        Ok((
            context.environment_name(environment, &loaded, &model)?,
            context.view(schema, &loaded, &model)?,
        ))
    };
    let (name, view) = match chosen(context) {
        Ok(chosen) => chosen,
        Err(exit) => return Err(exit),
    };
    let mut overridden = BTreeMap::new();
    let mut loaded = loaded;
    overridden.append(&mut overrides(&mut loaded, &model)?);
    refuse_abstract(context, &model, &name)?;
    let made = plan(&model, &name, view, &overridden, &mut problems);
    match made {
        Some(plan) if !problems.has_errors() => Ok(Planned {
            loaded,
            model,
            plan,
            problems,
        }),
        _ => {
            let code = problems.exit_code(false);
            context.stop_on_errors(problems, &loaded.sources, tail)?;
            Err(Exit(code.max(1)))
        }
    }
}

/// An abstract environment is a parent only.
fn refuse_abstract(context: &Context, model: &Model, name: &str) -> Outcome {
    use crate::diagnostic::{Code, Diagnostic};
    if !model
        .environments
        .get(name)
        .is_some_and(|file| file.is_abstract)
    {
        return Ok(());
    }
    let children = model.environments.values().filter(|file| {
        file.extends
            .as_ref()
            .is_some_and(|parent| parent.value == name)
    });
    let children: Vec<&str> = children.map(|file| file.name.as_str()).collect();
    let problem = Diagnostic::error(
        Code::AbstractEnvironment,
        format!("`{name}` is abstract: other environments extend it"),
    );
    let help =
        (!children.is_empty()).then(|| format!("name one that does: {}", children.join(", ")));
    Err(context.fail(problem.help_some(help)))
}

/// No values are given on the command line.
fn no_overrides(_: &mut Loaded, _: &Model) -> Result<BTreeMap<String, Located<String>>, Exit> {
    Ok(BTreeMap::new())
}
