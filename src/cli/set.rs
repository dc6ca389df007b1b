//! `envctl set`: give one variable a value in one environment.

use std::sync::Arc;

use super::complete;
use super::input::Input;
use super::sealing::First;
use super::writing::{TAIL, Writing};
use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::environment::{Assignment, Entry, EnvironmentFile};
use crate::kind::Kind;
use crate::model::Model;
use crate::project::Wanted;
use crate::reference::Place;
use crate::resolve::Generate;
use crate::schema::Variable;
use crate::secret::Secret;
use crate::update::Finished;
use crate::{assign, validate};

/// Give a variable a value: a secret is sealed, other values are written in clear
///
/// The value is asked for without being shown, or comes from --stdin, --file or --generate. It is never an argument: every
/// user of the machine can see a command line, and the shell keeps it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, and the variable
    #[arg(value_names = ["ENV", "NAME"], required = true, num_args = 1.., add = complete::environments())]
    words: Vec<String>,
    #[command(flatten)]
    input: Input,
    /// Write to the local store of this machine instead of the environment's file
    #[arg(long)]
    local: bool,
    /// The schema for which the value is, where several have their own
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    #[command(flatten)]
    first: First,
    /// Change a protected environment without asking
    #[arg(long)]
    yes: bool,
}

/// Sets the value.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let (environment, name) = super::words::two(&args.words, context)?;
    // The prompt comes before the lock: others are not to wait for a person.
    let (environment, variable) = {
        let mut loaded = context.load(&Wanted::Named(vec![environment.map(str::to_owned)]))?;
        let model = context.model(&mut loaded, TAIL)?;
        let environment = context.environment_name(environment, &loaded, &model)?;
        (environment, declared(&model, name, context)?)
    };
    let value = args.input.value(context, &variable)?;
    let mut writing = Writing::begin(context, &Wanted::Named(vec![Some(environment.clone())]))?;
    writing.settle(&environment, &[name])?;
    check(&writing, &environment, name, &value)?;
    writing.confirm_protected(&environment, &format!("Change `{name}`"), args.yes)?;
    if args.local {
        return to_local(&writing, &environment, name, &value);
    }
    let schema = args.schema.as_deref();
    let secret = writing.model.secret_declaration(name).is_some();
    match target(&writing, &environment, name, schema, secret)? {
        Target::Local => to_local(&writing, &environment, name, &value),
        Target::Sealed { replaced } => to_sealed(&mut writing, args, (&environment, name), value, replaced.as_ref()),
        Target::Clear(entry) => to_clear(&writing, &environment, &variable, &value, entry.as_ref()),
    }
}

/// The declaration of a variable.
pub(super) fn declared(model: &Model, name: &str, context: &Context) -> Result<Arc<Variable>, Exit> {
    if let Some(variable) = model.secret_declaration(name).or_else(|| model.declarations(name).first()) {
        return Ok(Arc::clone(variable));
    }
    let near = crate::name::nearest(name, model.declared_names()).map(|near| format!("did you mean `{near}`?"));
    let message = if crate::name::is_variable(name) && near.is_some() {
        format!("no schema declares `{name}`")
    } else {
        // Not repeated: it may well be a value that slipped.
        String::from("no schema declares a variable of that name")
    };
    let help = near.unwrap_or_else(|| String::from("declare it first: `[variables.NAME]` in a file of schemas/"));
    Err(context.fail(Diagnostic::error(Code::Usage, message).help(help)))
}

/// Where a value is written.
enum Target {
    Local,
    /// Into `[secrets]`; an assignment in clear is taken out.
    Sealed {
        replaced: Option<Entry>,
    },
    /// Into `[values]`, or over an assignment.
    Clear(Option<Entry>),
}

fn target(
    writing: &Writing<'_>,
    environment: &str,
    name: &str,
    schema: Option<&str>,
    secret: bool,
) -> Result<Target, Exit> {
    let file = writing.file(environment)?;
    if secret {
        for_all_schemas(writing, file, name, schema)?;
    }
    let entries: Vec<&Entry> = match schema {
        Some(schema) => file.per_schema.get(schema).and_then(|(_, own)| own.get(name)).into_iter().collect(),
        None => file.named(name).collect(),
    };
    let entry = match entries.as_slice() {
        [] if schema.is_some() => {
            let message = format!("`{name}` has no value for this schema alone in `{environment}`");
            let help = format!("write `{name} = …` below `[for.SCHEMA]` first, or leave `--schema` out");
            return Err(writing.stop(Diagnostic::error(Code::Usage, message).help(help)));
        }
        [] => return Ok(if secret { Target::Sealed { replaced: None } } else { Target::Clear(None) }),
        [entry] => *entry,
        [entry, ..] if file.values.contains_key(name) => entry,
        _ => {
            let message = format!("`{name}` is assigned for several schemas in `{environment}`");
            return Err(writing.stop(Diagnostic::error(Code::Usage, message).help("`--schema` says which is meant")));
        }
    };
    match &entry.assignment {
        Assignment::Sealed(_) => Ok(Target::Sealed { replaced: None }),
        Assignment::Reference(reference) if reference.backend.value == "local" => Ok(Target::Local),
        Assignment::Reference(reference) => Err(writing.stop(elsewhere(environment, entry, &reference.backend.value))),
        _ if secret => Ok(Target::Sealed { replaced: Some(entry.clone()) }),
        _ => Ok(Target::Clear(Some(entry.clone()))),
    }
}

/// A value that is in a backend is changed there.
fn elsewhere(environment: &str, entry: &Entry, backend: &str) -> Diagnostic {
    let name = &entry.name;
    let message = format!("`{name}` comes from `{backend}` in `{environment}`, where `set` does not write");
    let problem = Diagnostic::error(Code::Usage, message).at(entry.span, "a reference");
    let unset =
        format!("`envctl unset {environment} {name}` takes the reference out, then `set` gives it a value here");
    problem.help("change the value in the backend").help(unset)
}

/// A sealed value is for all schemas: what one of them has for itself would be beside it, in clear.
fn for_all_schemas(writing: &Writing<'_>, file: &EnvironmentFile, name: &str, schema: Option<&str>) -> Outcome {
    let own = file.per_schema.values().find_map(|(_, own)| own.get(name));
    let only_reference =
        |entry: &Entry| matches!(entry.assignment, Assignment::Reference(_)) && file.named(name).count() == 1;
    if schema.is_none() && own.is_none_or(only_reference) {
        return Ok(());
    }
    let message = format!("`{name}` is a secret, and a sealed value is for all schemas");
    let problem = Diagnostic::error(Code::Usage, message).at_some(own.map(|own| own.key_span), "for one schema alone");
    Err(writing.stop(problem.help("use two names, one for each value")))
}

fn to_local(writing: &Writing<'_>, environment: &str, name: &str, value: &Secret) -> Outcome {
    let context = writing.context;
    let backends = Backends::new(&context.environment, &writing.model.config.id.value, &writing.loaded.root);
    let put = backends.local(environment, Generate::Store).and_then(|local| local.put(&[(name, value)]));
    put.map_err(|error| {
        let message = format!("`{name}` could not be kept: {}", error.describe());
        context.fail(Diagnostic::error(error.code(), message).help_some(error.help()))
    })?;
    let reference = writing.file(environment)?.named(name).any(|entry| {
        matches!(&entry.assignment, Assignment::Reference(reference) if matches!(reference.place(name, &writing.model.config, &mut Diagnostics::default()), Some((_, Place::Local))))
    });
    context.remark(&format!("`{name}` of `{environment}` is kept on this machine\n"));
    if !reference {
        context.remark(&format!("to use it: {name} = {{ backend = \"local\" }} in environments/{environment}.toml\n"));
    }
    Ok(())
}

fn to_sealed(
    writing: &mut Writing<'_>,
    args: &Args,
    (environment, name): (&str, &str),
    value: Secret,
    replaced: Option<&Entry>,
) -> Outcome {
    let text = writing.text(environment);
    let cleartext = match replaced {
        Some(entry) => super::sealing::without(writing, &text, &[entry])?,
        None => text.to_string(),
    };
    let (mut draft, cleartext) = super::sealing::draft(writing, environment, cleartext, &args.first)?;
    let changed = draft.set(name, value).map_err(|problem| writing.stop(problem))?;
    if !changed && replaced.is_none() {
        writing.context.remark(&format!("`{name}` of `{environment}` has this value already: {TAIL}\n"));
        return Ok(());
    }
    super::sealing::finish(writing, environment, draft, &cleartext)?;
    writing.context.remark(&format!("sealed `{name}` in environments/{environment}.toml\n"));
    if replaced.is_some_and(|entry| matches!(entry.assignment, Assignment::Value(_))) {
        writing.context.remark("git still has the value that stood there in clear: change it where it is used\n");
    }
    Ok(())
}

fn to_clear(
    writing: &Writing<'_>,
    environment: &str,
    variable: &Variable,
    value: &Secret,
    entry: Option<&Entry>,
) -> Outcome {
    let name = &variable.name;
    let Some(literal) = literal(variable, value) else {
        let message = format!("`{name}` is not text, and only a sealed value can be anything else");
        return Err(writing.stop(Diagnostic::error(Code::InvalidValueBytes, message).at(variable.span, "not secret")));
    };
    let text = writing.text(environment);
    let changed = match entry {
        Some(entry) => Some(assign::replaced(&text, entry, &literal)),
        None => assign::added(&text, writing.file(environment)?, name, &literal),
    };
    let Some(changed) = changed else {
        let message = format!("`[values]` of `{environment}` is not written as a table with a header");
        return Err(writing.stop(
            Diagnostic::error(Code::Unsupported, message)
                .help("write `[values]` on a line of its own, a line for each value below it"),
        ));
    };
    if *changed == *text {
        writing.context.remark(&format!("`{name}` of `{environment}` has this value already: {TAIL}\n"));
        return Ok(());
    }
    writing.write(environment, &Finished::cleartext(changed, writing.file(environment)?))?;
    writing.context.remark(&format!("wrote `{name}` to environments/{environment}.toml, in clear\n"));
    Ok(())
}

/// The value as TOML has it: bare where that is usual, with `${` escaped.
fn literal(variable: &Variable, value: &Secret) -> Option<String> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    let bare = matches!(variable.kind.value, Kind::Integer | Kind::Port | Kind::Boolean);
    if bare && variable.kind.value.accepts(text) {
        return Some(text.to_owned());
    }
    Some(assign::literal(&text.replace("${", "$${")))
}

/// Holds a new value against every declaration of its variable.
pub(super) fn check(writing: &Writing<'_>, environment: &str, name: &str, value: &Secret) -> Outcome {
    let chain = writing.model.chain(environment);
    let protected = chain.as_ref().is_none_or(crate::model::Chain::is_protected);
    let sensitive = writing.model.secret_declaration(name).is_some();
    let mut problems = Diagnostics::default();
    for variable in writing.model.declarations(name) {
        if chain.as_ref().is_none_or(|chain| chain.is_for(&variable.schema)) {
            validate::new_value(variable, value, validate::Place { protected, sensitive }, &mut problems);
        }
    }
    writing.stop_on(problems)
}
