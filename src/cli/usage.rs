//! Mistakes on the command line, in our own words: what stands there may be a secret and is not repeated.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::diagnostic::{Code, Diagnostic};

/// Why every unexpected word is kept out of the text.
const HIDDEN: &str = "it is not repeated here: it may be a secret";

/// The diagnostic for a command line that could not be parsed.
pub(super) fn diagnostic(error: &clap::Error, arguments: &[OsString]) -> Diagnostic {
    let names = |kind| match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(several)) => several.clone(),
        _ => Vec::new(),
    };
    let usage = |message: String| Diagnostic::error(Code::Usage, message);
    let invalid = names(ContextKind::InvalidArg);
    let problem = match error.kind() {
        ErrorKind::UnknownArgument => match invalid.first().filter(|word| word.starts_with('-')) {
            Some(option) => usage(format!("there is no option `{}`", option.split('=').next().unwrap_or(""))),
            None if is_run(arguments) && !arguments.iter().any(|word| word == "--") => {
                usage(String::from("there is no `--` before the command"))
            }
            None => usage(String::from("there is a word too many")).note(HIDDEN),
        },
        ErrorKind::InvalidSubcommand => {
            let word = names(ContextKind::InvalidSubcommand).join(" ");
            usage(format!("there is no command `{word}`"))
        }
        ErrorKind::MissingRequiredArgument => usage(format!("{} is missing", invalid.join(" and "))),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            usage(String::from("a command is missing"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if !invalid.is_empty() => {
            let option = invalid.first().and_then(|option| option.split(' ').next()).unwrap_or("it");
            usage(format!("`{option}` does not take this value"))
        }
        ErrorKind::ArgumentConflict => {
            usage(format!("{} cannot be given together with another option here", invalid.join(" ")))
        }
        kind => usage(kind.as_str().unwrap_or("the command line cannot be understood").to_owned()),
    };
    let near = names(ContextKind::SuggestedSubcommand).into_iter().chain(names(ContextKind::SuggestedArg)).next();
    let values = names(ContextKind::ValidValue);
    let problem = if values.is_empty() { problem } else { problem.help(format!("it takes: {}", values.join(", "))) };
    let problem = problem.help_some(near.map(|near| format!("did you mean `{near}`?")));
    if is_run(arguments) { missing_separator(problem, error, arguments) } else { help(problem, arguments) }
}

/// Whether the command line is that of `run`, as far as can be said.
pub(super) fn is_run(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1).filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    words.next().is_some_and(|word| word == "run")
        || arguments.iter().take_while(|word| *word != "--").any(|word| word == "run")
}

/// A command after `run` without `--` is the most common slip: the corrected line is shown, up to the program.
fn missing_separator(problem: Diagnostic, error: &clap::Error, arguments: &[OsString]) -> Diagnostic {
    if arguments.iter().any(|word| word == "--") {
        return help(problem, arguments);
    }
    let unexpected = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => Some(word.as_str()),
        _ => None,
    };
    let words: Vec<&str> = arguments.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let last = words.iter().rposition(|word| !word.starts_with('-') && *word != "run");
    let at = unexpected.and_then(|unexpected| words.iter().position(|word| *word == unexpected)).or(last);
    let corrected = at.map(|at| {
        let before: Vec<&str> = words.iter().take(at).copied().collect();
        let program = words.get(at).copied().filter(|word| !word.starts_with('-')).unwrap_or("COMMAND");
        let more = if words.len() > at + 1 { " …" } else { "" };
        format!("envctl {} -- {program}{more}", before.join(" "))
    });
    problem.help(corrected.map_or_else(
        || String::from("envctl run [ENV] -- COMMAND"),
        |line| format!("the command comes after `--`: {line}"),
    ))
}

fn help(problem: Diagnostic, arguments: &[OsString]) -> Diagnostic {
    let command = arguments.get(1).and_then(|word| word.to_str()).filter(|word| super::COMMANDS.contains(word));
    problem.help(command.map_or_else(|| String::from("envctl --help"), |command| format!("envctl {command} --help")))
}
