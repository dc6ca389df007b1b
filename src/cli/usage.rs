//! Mistakes on the command line, in our own words: what stands there may be a secret and is not repeated.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::diagnostic::{Code, Diagnostic};

/// Why every unexpected word is kept out of the text.
const HIDDEN: &str = "it is not repeated here: it may be a secret";

/// The diagnostic for a command line that could not be parsed.
pub(super) fn diagnostic(error: &clap::Error, arguments: &[OsString]) -> Diagnostic {
    let problem = Diagnostic::error(Code::Usage, message(error, arguments));
    let word =
        matches!(error.kind(), ErrorKind::UnknownArgument) && !option(error).is_some_and(|word| word.starts_with("`-"));
    let problem = if word && !lacks_separator(arguments) { problem.note(HIDDEN) } else { problem };
    let near =
        names(error, ContextKind::SuggestedSubcommand).into_iter().chain(names(error, ContextKind::SuggestedArg));
    let values = names(error, ContextKind::ValidValue);
    let problem = if values.is_empty() { problem } else { problem.help(format!("it takes: {}", values.join(", "))) };
    let problem = problem.help_some(near.into_iter().next().map(|near| format!("did you mean `{near}`?")));
    if lacks_separator(arguments) { missing_separator(problem, arguments) } else { help(problem, arguments) }
}

/// What is wrong, without repeating any word that is not an option of ours.
fn message(error: &clap::Error, arguments: &[OsString]) -> String {
    let first = option(error).unwrap_or_default();
    let prior = names(error, ContextKind::PriorArg).first().map(|text| word(text));
    match error.kind() {
        ErrorKind::UnknownArgument if is_option(&first) => format!("there is no option {first}"),
        ErrorKind::UnknownArgument if first.starts_with("`-") => String::from("there is no such option"),
        ErrorKind::TooManyValues => format!("{first} takes no value"),
        ErrorKind::UnknownArgument if lacks_separator(arguments) => String::from("there is no `--` before the command"),
        ErrorKind::UnknownArgument => String::from("there is a word too many"),
        ErrorKind::InvalidSubcommand => String::from("there is no such command"),
        ErrorKind::MissingRequiredArgument if first == "`COMMAND`" => String::from("the command after `--` is missing"),
        ErrorKind::MissingRequiredArgument => format!("{first} is missing"),
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::TooFewValues if empty(error) => {
            format!("{first} needs a value")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{first} does not take this value"),
        ErrorKind::ArgumentConflict => match prior {
            Some(prior) if prior == first => format!("{first} is given twice"),
            Some(prior) => format!("{first} and {prior} exclude each other"),
            None => format!("{first} cannot be given together with another option here"),
        },
        kind => kind.as_str().unwrap_or("the command line cannot be understood").to_owned(),
    }
}

/// The words of one kind that clap keeps with an error.
fn names(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(several)) => several.clone(),
        _ => Vec::new(),
    }
}

/// The option or argument an error is about.
fn option(error: &clap::Error) -> Option<String> {
    names(error, ContextKind::InvalidArg).first().map(|text| word(text))
}

/// `--format <FORMAT>`, `<ENV_B>`, `<COMMAND>...`: only the word itself.
fn word(text: &str) -> String {
    let first = text.split([' ', '=']).next().unwrap_or("");
    format!("`{}`", first.trim_matches(['<', '>', '[', ']', '.']))
}

/// Whether a word looks like an option; one that does not may be a value that begins with a dash.
fn is_option(quoted: &str) -> bool {
    let word = quoted.trim_matches('`');
    let plain = |letter: char| letter.is_ascii_lowercase() || letter == '-';
    word.starts_with('-') && word.len() <= 24 && word.chars().all(plain)
}

/// Whether this is `run` without the `--` that comes before the command.
fn lacks_separator(arguments: &[OsString]) -> bool {
    is_run(arguments) && !arguments.iter().any(|word| word == "--")
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
    let known = super::complete::stems("environments");
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str()).peekable();
    let mut line = vec![String::from("envctl")];
    // What may stand before the command, each once: `run` and an environment.
    let mut ours = vec!["run"];
    while let Some(word) = words.next_if(|word| word.starts_with('-') || ours.contains(word)) {
        if word == "run" {
            ours = known.iter().map(String::as_str).collect();
        } else if !word.starts_with('-') {
            ours.clear();
        }
        // What is set may be a secret, though it should not.
        let shown = if word.starts_with("--set") { "--set …" } else { word };
        line.push(shown.to_owned());
        if let Some(value) = words.next_if(|_| WITH_VALUE.contains(&word)) {
            line.extend((word != "--set").then(|| value.to_owned()));
        }
    }
    line.push(String::from("--"));
    line.push(words.next().unwrap_or("COMMAND").to_owned());
    line.extend(words.next().map(|_| String::from("…")));
    problem.help(format!("the command comes after `--`: {}", line.join(" ")))
}

fn help(problem: Diagnostic, arguments: &[OsString]) -> Diagnostic {
    let command = arguments.get(1).and_then(|word| word.to_str()).filter(|word| super::COMMANDS.contains(word));
    let Some(command) = command else { return problem.help("envctl --help") };
    let below = super::command();
    let below = below.find_subcommand(command);
    let action = arguments.get(2).and_then(|word| word.to_str());
    let action = action.filter(|action| below.is_some_and(|below| below.find_subcommand(action).is_some()));
    let action = action.map_or_else(String::new, |action| format!(" {action}"));
    problem.help(format!("envctl {command}{action} --help"))
}
