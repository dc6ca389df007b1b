//! The command line: one file for each command, with its arguments and what it does.

mod check;
mod complete;
mod completions;
mod diff;
mod edit;
mod explain;
mod get;
mod git;
mod init;
mod input;
mod keygen;
mod list;
mod man;
mod missing;
mod origin;
mod owner;
mod planned;
mod readers;
mod recipients;
mod removal;
mod render;
mod resolve;
mod run;
mod seal;
mod sealing;
mod set;
mod table;
mod target;
mod unset;
mod usage;
mod versions;
mod words;
mod writing;

use std::ffi::OsString;
use std::io::IsTerminal;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::context::{Context, Exit, Globals, MessageFormat};
use crate::diagnostic::Class;
use crate::process::{EnvSnapshot, Hardening};
use crate::terminal::Color;

/// Typed environments for programs: a schema, values and secrets in git, checked and handed to a process
#[derive(Debug, Parser)]
#[command(name = "envctl", version, disable_help_subcommand = true, max_term_width = 100)]
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
    Get(get::Args),
    Set(set::Args),
    Unset(unset::Args),
    Seal(seal::Args),
    Recipients(recipients::Args),
    Rekey(readers::Rekey),
    Edit(edit::Args),
    Diff(diff::Args),
    Git(git::Args),
    Resolve(resolve::Args),
    Keygen(keygen::Args),
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
    "get",
    "set",
    "unset",
    "seal",
    "recipients",
    "rekey",
    "edit",
    "diff",
    "git",
    "resolve",
    "completions",
    "man",
    "keygen",
];

/// The whole command line as clap sees it, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Answers a shell that asks for completions, if one does.
pub fn complete() {
    clap_complete::CompleteEnv::with_factory(command).bin("envctl").completer("envctl").complete();
}

/// Parses the command line and carries it out; gives the exit code.
pub fn main(arguments: &[OsString], environment: EnvSnapshot, hardening: Hardening) -> u8 {
    let parsed = Cli::try_parse_from(arguments);
    let Cli { globals, command } = match parsed {
        Ok(cli) => cli,
        Err(error) => return misused(&error, arguments, environment),
    };
    let context = Context::new(environment, globals);
    let outcome = match command {
        Command::Init(args) => init::run(&args, &context),
        Command::Check(args) => check::run(&args, &context),
        // Whatever stops `run` before the command is 125 to whoever started it: the other codes are the command's own.
        Command::Run(args) => run::run(args, &context, hardening).map_err(|exit| match exit.0 {
            code if code == Class::NotFound.exit_code() || code == Class::NotExecutable.exit_code() => exit,
            _ => Exit(125),
        }),
        Command::Render(args) => render::run(&args, &context),
        Command::List(args) => list::run(&args, &context),
        Command::Explain(args) => explain::run(&args, &context),
        Command::Get(args) => get::run(&args, &context),
        Command::Set(args) => set::run(&args, &context),
        Command::Unset(args) => unset::run(&args, &context),
        Command::Seal(args) => seal::run(&args, &context),
        Command::Recipients(args) => recipients::run(&args, &context),
        Command::Rekey(args) => readers::rekey(&args, &context),
        Command::Edit(args) => edit::run(&args, &context),
        Command::Diff(args) => diff::run(&args, &context),
        Command::Git(args) => git::run(&args, &context),
        Command::Resolve(args) => resolve::run(&args, &context),
        Command::Keygen(args) => keygen::run(&args, &context),
        Command::Completions(args) => completions::run(&args, &context),
        Command::Man(args) => man::run(&args, &context),
    };
    outcome.map_or_else(|exit| exit.0, |()| 0)
}

/// How messages are to be written, as far as a wrong command line says.
fn globals(arguments: &[OsString]) -> Globals {
    let mut globals = Globals::default();
    let words: Vec<&str> = arguments.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str()).collect();
    for (index, word) in words.iter().enumerate() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (*word, words.get(index + 1).copied()),
        };
        match (option, value) {
            ("--message-format", Some(value)) => {
                globals.message_format = MessageFormat::from_str(value, false).unwrap_or_default();
            }
            ("--color", Some(value)) => globals.color = Color::from_str(value, false).unwrap_or_default(),
            _ => {}
        }
    }
    globals
}

/// Help and version go to standard output; everything else is a mistake.
fn misused(error: &clap::Error, arguments: &[OsString], environment: EnvSnapshot) -> u8 {
    let context = Context::new(environment, globals(arguments));
    if !error.use_stderr() {
        let text = error.render();
        let colour = std::io::stdout().is_terminal();
        let text = if colour { text.ansi().to_string() } else { text.to_string() };
        return context.print(&text).map_or_else(|exit| exit.0, |()| 0);
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        context.remark(&error.render().to_string());
        return Class::Usage.exit_code();
    }
    let exit = context.fail(usage::diagnostic(error, arguments));
    if usage::is_run(arguments) { 125 } else { exit.0 }
}
