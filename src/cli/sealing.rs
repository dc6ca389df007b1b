//! The first seal of a file, and what all commands that seal have in common.

use std::collections::BTreeMap;

use super::writing::Writing;
use crate::assign;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Entry;
use crate::identity::Own;
use crate::sealed::SealedFile;
use crate::update::{self, Draft};

/// Who can read a file that is sealed for the first time.
#[derive(Debug, Default, clap::Args)]
pub(super) struct First {
    /// Who can read a file that is sealed for the first time, without asking
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) recipients: Vec<String>,
}

/// The text without these assignments.
pub(super) fn without(writing: &Writing<'_>, text: &str, entries: &[&Entry]) -> Result<String, Exit> {
    assign::without(text, entries).ok_or_else(|| {
        let spans = entries.iter().map(|entry| entry.key_span);
        let problem =
            Diagnostic::error(Code::Unsupported, "an assignment that shares its line with others cannot be taken out");
        let problem = spans.fold(problem, |problem, span| problem.at(span, "this one"));
        writing.stop(problem.help("write `NAME = value` on a line of its own below `[values]`"))
    })
}

/// Changes to the sealed part of an environment and the cleartext that goes with them; the first time it is asked who can
/// read it.
pub(super) fn draft(
    writing: &mut Writing<'_>,
    environment: &str,
    cleartext: String,
    first: &First,
) -> Result<(Draft, String), Exit> {
    if let Some(opened) = writing.open(environment)? {
        known_readers(writing, environment, opened.file())?;
        return Ok((Draft::of(&opened), cleartext));
    }
    let recipients = readers(writing, environment, first)?;
    let key = update::new_key().map_err(|problem| writing.stop(problem))?;
    let age_file = writing.context.wrap(&key, &recipients)?;
    writing.unsealer.remember(&age_file, &key);
    let file = writing.file(environment)?;
    let names: Vec<&str> = recipients.keys().map(String::as_str).collect();
    let cleartext = match &file.recipients {
        None => assign::with_recipients(&cleartext, None, &names),
        Some(_) => cleartext,
    };
    let protected = file.protected.as_ref().is_some_and(|flag| flag.value);
    let project = &writing.model.config.id.value;
    Ok((Draft::first(project, environment, protected, recipients, age_file, key), cleartext))
}

/// A new value is not sealed for a key that stands where another one should, or for somebody whom the project names
/// nowhere: the whole file may be another one than it was, made by anybody for keys of their own.
fn known_readers(writing: &Writing<'_>, environment: &str, sealed: &SealedFile) -> Outcome {
    let file = writing.file(environment)?;
    let known = &writing.model.config.recipients;
    let declared = |name: &String| {
        file.recipients.as_ref().is_none_or(|list| list.value.iter().any(|declared| declared.value == *name))
    };
    let is_unknown = |(name, key): &(&String, &String)| {
        !known.values().any(|known| known.value == **key) && (known.contains_key(*name) || !declared(name))
    };
    let names: Vec<&str> = sealed.recipients.iter().filter(is_unknown).map(|(name, _)| name.as_str()).collect();
    let (false, Some((_, spans))) = (names.is_empty(), &file.sealed) else { return Ok(()) };
    let message = format!("`{environment}` can be read with a key that envctl.toml does not name");
    let problem = Diagnostic::error(Code::UnknownReader, message).at(spans.recipients, "these can read it");
    let problem = problem.note(format!("not named, or with another key: {}", names.join(", ")));
    let help = format!("`envctl recipients apply {environment}` seals to those declared; nothing new is sealed before");
    Err(writing.stop(problem.help(help)))
}

/// Who can read a file from now on: shown with their keys and asked for, unless they are named.
fn readers(writing: &mut Writing<'_>, environment: &str, first: &First) -> Result<BTreeMap<String, String>, Exit> {
    let recipients = named(writing, environment, &first.recipients)?;
    let lockout = lockout(writing.context, environment, &recipients);
    if !first.recipients.is_empty() {
        writing.warn(lockout)?;
        return Ok(recipients);
    }
    let width = recipients.keys().map(String::len).max().unwrap_or(0);
    let lines = recipients.iter().map(|(name, key)| format!("  {name:width$}  {key}"));
    let lines: Vec<String> = lines.chain(lockout.map(|problem| format!("Mind: {}.", problem.message))).collect();
    if !writing.context.terminal.can_ask() {
        let message =
            format!("`{environment}` is sealed for the first time, and there is no terminal to ask who can read it");
        let names: Vec<&str> = recipients.keys().map(String::as_str).collect();
        let problem = Diagnostic::error(Code::Usage, message).help(format!("add `--recipients {}`", names.join(",")));
        return Err(writing.stop(problem));
    }
    let lines = lines.join("\n");
    let question = format!("`{environment}` is sealed for the first time. Who can read it:\n{lines}\nSeal to these?");
    writing.confirm(&question, false)?;
    Ok(recipients)
}

/// Those who are named, else those declared, else all of envctl.toml, with their keys.
fn named(writing: &Writing<'_>, environment: &str, given: &[String]) -> Result<BTreeMap<String, String>, Exit> {
    let declared = writing.file(environment)?.recipients.as_ref();
    let declared: Option<Vec<&str>> = declared.map(|list| list.value.iter().map(|name| name.value.as_str()).collect());
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    if let Some(declared) = declared.as_ref().filter(|declared| !given.is_empty() && !same(declared, &given)) {
        let message =
            format!("`--recipients` names others than `recipients` of `{environment}`: {}", declared.join(", "));
        return Err(
            writing.stop(Diagnostic::error(Code::Usage, message).help("name the same, or change that line first"))
        );
    }
    let known = &writing.model.config.recipients;
    let all = || known.keys().map(String::as_str).collect();
    let names: Vec<&str> = if given.is_empty() { declared.unwrap_or_else(all) } else { given };
    let mut recipients = BTreeMap::new();
    for name in names {
        let Some(key) = known.get(name) else {
            let message = "a recipient is named that envctl.toml does not have";
            let problem = Diagnostic::error(Code::UnknownRecipient, message);
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            let known = (!known.is_empty()).then(|| format!("there are: {}", known.join(", ")));
            let help = format!("`envctl recipients add NAME RECIPIENT {environment}` adds one");
            return Err(writing.stop(problem.help_some(known).help(help)));
        };
        recipients.insert(name.to_owned(), key.value.clone());
    }
    if recipients.is_empty() {
        let message = format!("nobody could read the secrets of `{environment}`: there are no recipients");
        let help =
            format!("`envctl keygen` makes your identity; `envctl recipients add YOU age1… {environment}` adds it");
        return Err(writing.stop(Diagnostic::error(Code::MissingKey, message).help(help)));
    }
    Ok(recipients)
}

/// What is to be told where none of the identities at hand is among those who can read: they lock themselves out. Nothing
/// is told where it cannot be known, as of an identity behind a passphrase.
pub(super) fn lockout(
    context: &Context,
    environment: &str,
    recipients: &BTreeMap<String, String>,
) -> Option<Diagnostic> {
    let mut identities = context.identities(None);
    let reads = |own: &[Own]| own.iter().any(|own| recipients.values().any(|key| *key == own.recipient));
    if reads(&identities.own_in_files()) {
        return None;
    }
    let own = identities.own();
    if own.is_empty() || reads(&own) {
        return None;
    }
    let message = format!("you are not among those who can read `{environment}`: you cannot change it afterwards");
    let problem = Diagnostic::warning(Code::SealedUnreadable, message);
    let problem = own.iter().fold(problem, |problem, own| problem.note(format!("your recipient: {}", own.recipient)));
    Some(problem.help("one of those who can read it can add you: `envctl recipients add`"))
}

fn same(one: &[&str], other: &[&str]) -> bool {
    one.iter().all(|name| other.contains(name)) && other.iter().all(|name| one.contains(name))
}

/// Seals and writes.
pub(super) fn finish(writing: &Writing<'_>, environment: &str, draft: Draft, cleartext: &str) -> Outcome {
    let finished = draft.finish(cleartext).map_err(|problem| writing.stop(problem))?;
    writing.write(environment, &finished)
}
