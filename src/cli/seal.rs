//! `envctl seal`: move values into `[secrets]`.

use super::sealing::{First, draft, finish, without};
use super::writing::{TAIL, Writing};
use super::{complete, missing};
use crate::backend::{Backend as _, Backends, Fetched, Want};
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Assignment, Entry};
use crate::name;
use crate::project::Wanted;
use crate::reference::{BackendKind, Place};
use crate::resolve::Generate;
use crate::secret::Secret;

/// Move values into `[secrets]`, sealed for the environment's recipients
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
    super::words::environment(context, Some(environment), &writing.loaded, &writing.model)?;
    let moved = match &args.from {
        None => in_clear(&writing, environment, &args.names)?,
        Some(from) => {
            if from != "local" {
                // Who reads this environment reads those values from now on.
                writing.confirm_protected(from, &format!("Copy from it to `{environment}`"), args.yes)?;
            }
            from_elsewhere(&mut writing, environment, from, &args.names)?
        }
    };
    if moved.is_empty() {
        writing.settle(environment, &[])?;
        context.remark(&format!("nothing is there to be sealed: {TAIL}\n"));
        return Ok(());
    }
    write(writing, args, moved)
}

/// Seals the values, and takes what assigned them in clear out of the file.
fn write(mut writing: Writing<'_>, args: &Args, moved: Values) -> Outcome {
    let (context, environment) = (writing.context, args.environment.as_str());
    let names: Vec<String> = moved.iter().map(|(name, _)| name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let list = names.join(", ");
    writing.settle(environment, &names)?;
    for (name, value) in &moved {
        let file = writing.file(environment)?;
        if let Some(own) = file.per_schema.values().find_map(|(_, entries)| entries.get(name)) {
            return Err(writing.stop(not_sealable(environment, name, Some(own), None)));
        }
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
    if !draft.is_changed() && *cleartext == *text {
        context.remark(&format!("the same values are sealed there already: {TAIL}\n"));
        return Ok(());
    }
    finish(&writing, environment, draft, &cleartext)?;
    context.remark(&format!("sealed in environments/{environment}.toml: {list}\n"));
    if replaced.iter().any(|entry| matches!(entry.assignment, Assignment::Value(_))) {
        context.remark("git still has the values that stood there in clear: change them where they are used\n");
    }
    missing::after(&writing, environment, &names);
    Ok(())
}

/// Values to be sealed, by name.
type Values = Vec<(String, Secret)>;

/// The values that stand in `[values]`: of those named, or of all secrets that can be sealed.
fn in_clear(writing: &Writing<'_>, environment: &str, names: &[String]) -> Result<Values, Exit> {
    let file = writing.file(environment)?;
    let secret = |name: &&String| writing.model.secret_declaration(name).is_some();
    let all = || file.values.keys().filter(secret).cloned().collect();
    let chosen: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
    let mut values = Vec::new();
    for name in chosen {
        let variable = super::set::declared(&writing.model, &name, writing.context)?;
        let own = file.per_schema.values().find_map(|(_, entries)| entries.get(&name));
        match file.values.get(&name).map(|entry| &entry.assignment) {
            Some(Assignment::Value(written)) if !written.has_inserts() && own.is_none() => {
                let text = written.joined(variable.limits.separator()).literal_text().unwrap_or_default();
                values.push((name, Secret::from_string(text)));
            }
            // What cannot be sealed is a problem if it was asked for.
            None if file.secrets.contains_key(&name) && own.is_none() => {}
            _ if names.is_empty() => {}
            _ => return Err(writing.stop(not_sealable(environment, &name, own, file.values.get(&name)))),
        }
    }
    Ok(values)
}

/// Why there is nothing of that name to be sealed; `own` is a value for one schema.
fn not_sealable(environment: &str, name: &str, own: Option<&Entry>, entry: Option<&Entry>) -> Diagnostic {
    let problem = |message: &str| Diagnostic::error(Code::Usage, format!("`{name}` {message}"));
    match (own, entry.map(|entry| (&entry.assignment, entry.span))) {
        (Some(own), _) => problem("has a value of its own for one schema, and a sealed one is for all")
            .at(own.key_span, "this one")
            .help("use two names, one for each value"),
        (None, Some((Assignment::Value(_), span))) => {
            problem("is made from other values: seal those it takes in").at(span, "made here")
        }
        (None, Some((_, span))) => problem("has no value here that could be sealed")
            .at(span, "")
            .help(format!("`envctl set {environment} {name}` after `envctl unset {environment} {name}`")),
        (None, None) => problem(&format!("is not assigned in `[values]` of `{environment}`"))
            .help(format!("`envctl set {environment} {name}`, or `--from local`")),
    }
}

/// Values of the local store or of another environment's `[secrets]`.
fn from_elsewhere(writing: &mut Writing<'_>, environment: &str, from: &str, names: &[String]) -> Result<Values, Exit> {
    for name in names {
        super::set::declared(&writing.model, name, writing.context)?;
    }
    if from == "local" {
        return from_local(writing, environment, names);
    }
    if from == environment {
        let problem = Diagnostic::error(Code::Usage, "`--from` names the environment itself");
        return Err(writing.stop(problem.help("without `--from` the values come from its `[values]`")));
    }
    super::words::environment(writing.context, Some(from), &writing.loaded, &writing.model)?;
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
