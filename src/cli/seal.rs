//! `envctl seal`: move values into `[secrets]`.

use super::complete;
use super::sealing::{First, draft, finish, without};
use super::writing::{TAIL, Writing};
use crate::backend::{Backend as _, Backends, Fetched, Want};
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Assignment, Entry};
use crate::name;
use crate::project::Wanted;
use crate::reference::{BackendKind, Place};
use crate::resolve::Generate;
use crate::secret::Secret;

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
    agree(&mut writing, args, &moved)?;
    write(&mut writing, args, moved)
}

/// Takes the values out of the cleartext and seals them.
fn write(writing: &mut Writing<'_>, args: &Args, moved: Values) -> Outcome {
    let (context, environment) = (writing.context, args.environment.as_str());
    let names: Vec<String> = moved.iter().map(|(name, _)| name.clone()).collect();
    let list = names.join(", ");
    let text = writing.text(environment);
    let file = writing.file(environment)?;
    let replaced: Vec<Entry> = names.iter().flat_map(|name| file.named(name)).cloned().collect();
    let in_clear = |entry: &&Entry| !matches!(entry.assignment, Assignment::Sealed(_));
    let cleartext = without(writing, &text, &replaced.iter().filter(in_clear).collect::<Vec<_>>())?;
    let (mut draft, cleartext) = draft(writing, environment, cleartext, &args.first)?;
    for (name, value) in moved {
        draft.set(&name, value).map_err(|problem| writing.stop(problem))?;
    }
    if !draft.is_changed() && *cleartext == *text {
        context.remark(&format!("all of it is sealed already: {TAIL}\n"));
        return Ok(());
    }
    finish(writing, environment, draft, &cleartext)?;
    context.remark(&format!("sealed in environments/{environment}.toml: {list}\n"));
    if replaced.iter().any(|entry| matches!(entry.assignment, Assignment::Value(_))) {
        context.remark("if they were committed in clear, git still has them: change them where they are used\n");
    }
    Ok(())
}

/// Holds the values against the schemas, and asks before a protected environment is changed or its values are copied to
/// the readers of another one.
fn agree(writing: &mut Writing<'_>, args: &Args, moved: &Values) -> Outcome {
    let environment = args.environment.as_str();
    let names: Vec<&str> = moved.iter().map(|(name, _)| name.as_str()).collect();
    let list = names.join(", ");
    writing.settle(environment, &names)?;
    for (name, value) in moved {
        for_all_schemas(writing, environment, name)?;
        super::set::check(writing, environment, name, value)?;
    }
    if let Some(from) = args.from.as_ref().filter(|from| *from != "local" && writing.is_protected(from)) {
        let question = format!("`{from}` is protected. Copy {list} to the readers of `{environment}`?");
        writing.confirm(&question, args.yes)?;
    }
    writing.confirm_protected(environment, &format!("Seal {list}"), args.yes)
}

/// A sealed value is for all schemas: what one of them has for itself would be lost.
fn for_all_schemas(writing: &Writing<'_>, environment: &str, name: &str) -> Outcome {
    let file = writing.file(environment)?;
    let Some(own) = file.per_schema.values().find_map(|(_, entries)| entries.get(name)) else { return Ok(()) };
    let message = format!("`{name}` has a value of its own for one schema, and a sealed one is for all");
    let problem = Diagnostic::error(Code::Usage, message).at(own.key_span, "this one");
    Err(writing.stop(problem.help("use two names, one for each value")))
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
    if from == "local" {
        return from_local(writing, environment, names);
    }
    writing.context.environment_name(Some(from), &writing.loaded, &writing.model)?;
    let Some(opened) = writing.open(from)? else {
        return Err(writing.stop(Diagnostic::error(Code::Usage, format!("`{from}` has no sealed values"))));
    };
    let all = || opened.file().entries.keys().filter(|name| name::is_variable(name)).cloned().collect();
    let names: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    let value = |name: String| {
        if !opened.file().entries.contains_key(&name) {
            return Err(Diagnostic::error(Code::Usage, format!("`{from}` has no sealed value of `{name}`")));
        }
        opened.value(&name).map(|value| (name, value))
    };
    names.into_iter().map(value).collect::<Result<_, _>>().map_err(|problem| writing.stop(problem))
}

/// Values of the local store, for assignments that refer to it.
fn from_local(writing: &Writing<'_>, environment: &str, names: &[String]) -> Result<Values, Exit> {
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
