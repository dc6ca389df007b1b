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
    // `--format <FORMAT>`, `<ENV_B>`, `<COMMAND>...`: only the word itself.
    let word = |text: &String| {
        let first = text.split([' ', '=']).next().unwrap_or("");
        format!("`{}`", first.trim_matches(['<', '>', '[', ']', '.']))
    };
    let first = invalid.first().map(word).unwrap_or_default();
    let prior = names(ContextKind::PriorArg).first().map(word);
    let separated = arguments.iter().any(|word| word == "--");
    let problem = match error.kind() {
        ErrorKind::UnknownArgument if invalid.iter().any(|word| word.starts_with('-')) => {
            usage(format!("there is no option {first}"))
        }
        ErrorKind::UnknownArgument if is_run(arguments) && !separated => {
            usage(String::from("there is no `--` before the command"))
        }
        ErrorKind::UnknownArgument => usage(String::from("there is a word too many")).note(HIDDEN),
        ErrorKind::InvalidSubcommand => usage(String::from("there is no such command")),
        ErrorKind::MissingRequiredArgument if first == "`COMMAND`" => {
            usage(String::from("the command after `--` is missing"))
        }
        ErrorKind::MissingRequiredArgument => usage(format!("{first} is missing")),
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::TooFewValues if empty(error) => {
            usage(format!("{first} needs a value"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => usage(format!("{first} does not take this value")),
        ErrorKind::ArgumentConflict => match prior {
            Some(prior) if prior == first => usage(format!("{first} is given twice")),
            Some(prior) => usage(format!("{first} and {prior} exclude each other")),
            None => usage(format!("{first} cannot be given together with another option here")),
        },
        kind => usage(kind.as_str().unwrap_or("the command line cannot be understood").to_owned()),
    };
    let near = names(ContextKind::SuggestedSubcommand).into_iter().chain(names(ContextKind::SuggestedArg)).next();
    let values = names(ContextKind::ValidValue);
    let problem = if values.is_empty() { problem } else { problem.help(format!("it takes: {}", values.join(", "))) };
    let problem = problem.help_some(near.map(|near| format!("did you mean `{near}`?")));
    if is_run(arguments) { missing_separator(problem, arguments) } else { help(problem, arguments) }
}

/// Whether an option stands there without its value.
fn empty(error: &clap::Error) -> bool {
    matches!(error.get(ContextKind::InvalidValue), None | Some(ContextValue::None))
        || matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
}

/// Whether the command line is that of `run`, as far as can be said.
pub(super) fn is_run(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    words.find(|word| super::COMMANDS.contains(word)) == Some("run")
}

/// Options of `run` that take the next word.
const WITH_VALUE: &[&str] = &["--schema", "--only", "--set", "--keep", "--project", "--message-format", "--color"];

/// A command after `run` without `--` is the most common slip: the corrected line is shown, up to the program.
fn missing_separator(problem: Diagnostic, arguments: &[OsString]) -> Diagnostic {
    if arguments.iter().any(|word| word == "--") {
        return help(problem, arguments);
    }
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let mut words = words.skip_while(|word| *word != "run").skip(1);
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            plain.push(word);
        }
    }
    let known = super::complete::stems("environments");
    let named = plain.first().copied().filter(|word| known.iter().any(|known| known == word));
    let mut command = plain.iter().skip(usize::from(named.is_some()));
    let environment = named.map_or_else(String::new, |named| format!("{named} "));
    let line = match (command.next(), command.next()) {
        (None, _) => format!("envctl run {environment}-- COMMAND"),
        (Some(program), None) => format!("envctl run {environment}-- {program}"),
        (Some(program), Some(_)) => format!("envctl run {environment}-- {program} …"),
    };
    problem.help(format!("the command comes after `--`: {line}"))
}

fn help(problem: Diagnostic, arguments: &[OsString]) -> Diagnostic {
    let command = arguments.get(1).and_then(|word| word.to_str()).filter(|word| super::COMMANDS.contains(word));
    problem.help(command.map_or_else(|| String::from("envctl --help"), |command| format!("envctl {command} --help")))
}
