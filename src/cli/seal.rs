//! `envctl seal`: move values into `[secrets]`; and the first seal of a file, which other commands need as well.

use std::collections::BTreeMap;

use super::complete;
use super::writing::{TAIL, Writing};
use crate::backend::{Backend as _, Backends, Fetched, Want};
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Assignment, Entry};
use crate::project::Wanted;
use crate::reference::{BackendKind, Place};
use crate::resolve::Generate;
use crate::secret::Secret;
use crate::update::{self, Draft};
use crate::{assign, name};

/// Move values into [secrets], sealed for the environment's recipients
///
/// Without NAME every secret that stands in the file in clear is sealed. With `--from` the values come from the local store
/// of this machine, or from another environment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: String,
    /// The variables
    #[arg(value_name = "NAME", add = complete::variables())]
    names: Vec<String>,
    /// Take the values from the local store, or the sealed values of another environment
    #[arg(long, value_name = "local|ENV")]
    from: Option<String>,
    #[command(flatten)]
    first: First,
    /// Change a protected environment without asking
    #[arg(long)]
    yes: bool,
}

/// Who can read a file that is sealed for the first time.
#[derive(Debug, Default, clap::Args)]
pub(super) struct First {
    /// Who can read a file that is sealed for the first time, without asking
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) recipients: Vec<String>,
}

/// Seals.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let environment = args.environment.as_str();
    let wanted = args.from.iter().filter(|from| *from != "local").cloned().map(Some);
    let wanted = Wanted::Named(wanted.chain([Some(environment.to_owned())]).collect());
    let mut writing = Writing::begin(context, &wanted)?;
    context.environment_name(Some(environment), &writing.loaded, &writing.model)?;
    let moved = match &args.from {
        None => in_clear(&writing, environment, &args.names)?,
        Some(from) => from_elsewhere(&mut writing, environment, from, &args.names)?,
    };
    if moved.is_empty() {
        context.remark(&format!("nothing is there to be sealed: {TAIL}\n"));
        return Ok(());
    }
    let names: Vec<&str> = moved.iter().map(|(name, _)| name.as_str()).collect();
    let list = names.join(", ");
    writing.settle(environment, &names)?;
    for (name, value) in &moved {
        super::set::check(&writing, environment, name, value)?;
    }
    writing.confirm_protected(environment, &format!("Seal {list}"), args.yes)?;
    let text = writing.text(environment);
    let file = writing.file(environment)?;
    let replaced: Vec<Entry> = names.iter().flat_map(|name| file.named(name)).cloned().collect();
    let in_clear = |entry: &&Entry| !matches!(entry.assignment, Assignment::Sealed(_));
    let cleartext = without(&writing, &text, &replaced.iter().filter(in_clear).collect::<Vec<_>>())?;
    let (mut draft, cleartext) = draft(&mut writing, environment, cleartext, &args.first)?;
    for (name, value) in moved {
        draft.set(&name, value).map_err(|problem| writing.stop(problem))?;
    }
    finish(&writing, environment, draft, &cleartext)?;
    context.remark(&format!("sealed in environments/{environment}.toml: {list}\n"));
    if args.from.is_none() {
        context.remark("git still has the values that stood there in clear: change them where they are used\n");
    }
    Ok(())
}

/// Values to be sealed, by name.
type Values = Vec<(String, Secret)>;

/// The values that stand in `[values]`: of those named, or of all secrets.
fn in_clear(writing: &Writing<'_>, environment: &str, names: &[String]) -> Result<Values, Exit> {
    let file = writing.file(environment)?;
    let secret = |name: &&String| writing.model.secret_declaration(name).is_some();
    let all = || file.values.keys().filter(secret).cloned().collect();
    let names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    let mut values = Vec::new();
    for name in names {
        let variable = super::set::declared(&writing.model, &name, writing.context)?;
        match file.values.get(&name).map(|entry| (&entry.assignment, entry)) {
            Some((Assignment::Value(written), _)) if !written.has_inserts() => {
                let text = written.joined(variable.limits.separator()).literal_text().unwrap_or_default();
                values.push((name, Secret::from_string(text)));
            }
            Some((Assignment::Value(_), entry)) if writing.model.secret_declaration(&name).is_some() => {
                let message = format!("`{name}` is made from other values: seal those it takes in");
                return Err(writing.stop(Diagnostic::error(Code::Usage, message).at(entry.span, "made here")));
            }
            Some((Assignment::Value(_) | Assignment::Broken, _)) => {}
            Some((_, entry)) => {
                let message = format!("`{name}` has no value here that could be sealed");
                let help = format!("`envctl set {environment} {name}` after `envctl unset {environment} {name}`");
                return Err(writing.stop(Diagnostic::error(Code::Usage, message).at(entry.span, "").help(help)));
            }
            None if file.secrets.contains_key(&name) => {}
            None => {
                let message = format!("`{name}` is not assigned in `[values]` of `{environment}`");
                let help = format!("`envctl set {environment} {name}`, or `--from local`");
                return Err(writing.stop(Diagnostic::error(Code::Usage, message).help(help)));
            }
        }
    }
    Ok(values)
}

/// Values of the local store or of another environment's `[secrets]`.
fn from_elsewhere(writing: &mut Writing<'_>, environment: &str, from: &str, names: &[String]) -> Result<Values, Exit> {
    for name in names {
        super::set::declared(&writing.model, name, writing.context)?;
    }
    if from != "local" {
        let context = writing.context;
        context.environment_name(Some(from), &writing.loaded, &writing.model)?;
        let Some(opened) = writing.open(from)? else {
            return Err(writing.stop(Diagnostic::error(Code::Usage, format!("`{from}` has no sealed values"))));
        };
        let all: Vec<String> = opened.file().entries.keys().filter(|name| name::is_variable(name)).cloned().collect();
        let names = if names.is_empty() { all } else { names.to_vec() };
        return names
            .into_iter()
            .map(|name| opened.value(&name).map(|value| (name, value)).map_err(|problem| writing.stop(problem)))
            .collect();
    }
    let file = writing.file(environment)?;
    let is_local = |entry: &Entry| matches!(&entry.assignment, Assignment::Reference(reference) if reference.backend.value == "local");
    let all = || file.values.values().filter(|entry| is_local(entry)).map(|entry| entry.name.clone()).collect();
    let names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    let context = writing.context;
    let backends = Backends::new(&context.environment, &writing.model.config.id.value, &writing.loaded.root);
    let wants: Vec<Want<'_>> =
        names.iter().map(|name| Want { name, kind: BackendKind::Local, place: &Place::Local, recipe: None }).collect();
    let answers = backends.local(environment, Generate::Pretend).map(|mut local| local.get(&wants));
    let mut values = Vec::new();
    for (name, answer) in names.iter().zip(answers.unwrap_or_else(|error| vec![Err(error)])) {
        match answer {
            Ok(Fetched::Value(value)) => values.push((name.clone(), value)),
            Ok(Fetched::Nothing) => {
                context
                    .remark(&format!("`{name}` has no value in the local store of `{environment}`: left as it is\n"));
            }
            Err(error) => {
                let message = format!("`{name}` could not be had: {}", error.describe());
                return Err(context.fail(Diagnostic::error(error.code(), message).help_some(error.help())));
            }
        }
    }
    Ok(values)
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
        return Ok((Draft::of(&opened), cleartext));
    }
    let recipients = readers(writing, environment, first)?;
    let key = update::new_key().map_err(|problem| writing.stop(problem))?;
    let age_file = writing.context.wrap(&key, &recipients)?;
    writing.unsealer.remember(&age_file, &key);
    let file = writing.file(environment)?;
    let names: Vec<&str> = recipients.keys().map(String::as_str).collect();
    let cleartext =
        if file.recipients.is_none() { assign::with_recipients(&cleartext, None, &names) } else { cleartext };
    let protected = file.protected.as_ref().is_some_and(|flag| flag.value);
    let project = &writing.model.config.id.value;
    Ok((Draft::first(project, environment, protected, recipients, age_file, key), cleartext))
}

/// Who can read a file from now on: shown with their keys and asked for, unless they are named.
fn readers(writing: &Writing<'_>, environment: &str, first: &First) -> Result<BTreeMap<String, String>, Exit> {
    let file = writing.file(environment)?;
    let declared: Option<Vec<&str>> =
        file.recipients.as_ref().map(|list| list.value.iter().map(|name| name.value.as_str()).collect());
    let given: Vec<&str> = first.recipients.iter().map(String::as_str).collect();
    if let Some(declared) = declared.as_ref().filter(|declared| !given.is_empty() && !same(declared, &given)) {
        let message =
            format!("`--recipients` names others than `recipients` of `{environment}`: {}", declared.join(", "));
        return Err(
            writing.stop(Diagnostic::error(Code::Usage, message).help("name the same, or change that line first"))
        );
    }
    let known = &writing.model.config.recipients;
    let all = || known.keys().map(String::as_str).collect();
    let names: Vec<&str> = if given.is_empty() { declared.unwrap_or_else(all) } else { given.clone() };
    let mut recipients = BTreeMap::new();
    for name in names {
        let Some(key) = known.get(name) else {
            let problem =
                Diagnostic::error(Code::UnknownRecipient, "a recipient is named that envctl.toml does not have");
            return Err(writing.stop(problem.help("`envctl recipients add NAME RECIPIENT` adds one")));
        };
        recipients.insert(name.to_owned(), key.value.clone());
    }
    if recipients.is_empty() {
        let problem =
            Diagnostic::error(Code::MissingKey, "envctl.toml has no `[recipients]`: nobody could read the secrets");
        let help =
            format!("`envctl keygen` makes your identity; `envctl recipients add YOU age1… {environment}` adds it");
        return Err(writing.stop(problem.help(help)));
    }
    if given.is_empty() {
        let list: String = recipients.iter().map(|(name, key)| format!("  {name}  {key}\n")).collect();
        let question = format!("`{environment}` is sealed for the first time. Who can read it:\n{list}Seal to these?");
        if !writing.context.terminal.can_ask() {
            let problem = Diagnostic::error(
                Code::Usage,
                format!(
                    "`{environment}` is sealed for the first time, and there is no terminal to ask who can read it"
                ),
            );
            let names: Vec<&str> = recipients.keys().map(String::as_str).collect();
            return Err(writing.stop(problem.help(format!("add `--recipients {}`", names.join(",")))));
        }
        writing.context.confirm(&question, false)?;
    }
    Ok(recipients)
}

fn same(one: &[&str], other: &[&str]) -> bool {
    one.iter().all(|name| other.contains(name)) && other.iter().all(|name| one.contains(name))
}

/// Seals and writes.
pub(super) fn finish(writing: &Writing<'_>, environment: &str, draft: Draft, cleartext: &str) -> Outcome {
    let finished = draft.finish(cleartext).map_err(|problem| writing.stop(problem))?;
    writing.write(environment, &finished)
}
