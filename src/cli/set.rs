//! `envctl set`: give one variable a value in one environment.

use std::sync::Arc;

use super::input::Input;
use super::sealing::First;
use super::target::{Target, target, winners};
use super::words::Words;
use super::writing::{TAIL, Writing};
use super::{complete, missing};
use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::environment::{Assignment, Entry};
use crate::kind::Kind;
use crate::model::Model;
use crate::project::{Loaded, Wanted};
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
#[command(override_usage = "envctl set [OPTIONS] [ENV] <NAME>")]
pub(super) struct Args {
    #[command(flatten)]
    words: Words,
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
    let (environment, name) = args.words.without_value(context)?;
    let wanted = Wanted::Named(vec![environment.map(str::to_owned)]);
    let mut loaded = context.load(&wanted)?;
    let model = context.model(&mut loaded, TAIL)?;
    let (environment, variable) = ask_first(args, (context, &loaded, &model), environment, name)?;
    let value = args.input.value(context, &variable)?;
    let mut writing = Writing::of(context, &wanted, loaded, model)?;
    writing.settle(&environment, &[name])?;
    check(&writing, &environment, name, &value)?;
    if args.local {
        return to_local(&writing, &environment, name, &value);
    }
    match target(&writing, &environment, name, args.schema.as_deref())? {
        Target::Local => return to_local(&writing, &environment, name, &value),
        Target::Sealed { replaced } => to_sealed(&mut writing, args, (&environment, name), value, &replaced)?,
        Target::Clear { entry, schema } => {
            to_clear(&writing, (&environment, schema.as_deref()), &variable, &value, entry.as_deref())?;
        }
    }
    winners(&writing, &environment, name, args.schema.as_deref())?.iter().for_each(|line| context.remark(line));
    missing::after(&writing, &environment, &[name]);
    Ok(())
}

/// What is to be asked comes before the lock is taken, for others are not to wait for a person, and before the value.
fn ask_first(
    args: &Args,
    (context, loaded, model): (&Context, &Loaded, &Model),
    environment: Option<&str>,
    name: &str,
) -> Result<(String, Arc<Variable>), Exit> {
    if environment.is_none() && model.environment_names.contains(name) && model.declarations(name).is_empty() {
        let problem = Diagnostic::error(Code::Usage, "the variable is missing");
        return Err(context.fail(problem.help(format!("envctl set {name} NAME"))));
    }
    let environment = super::words::environment(context, environment, loaded, model)?;
    let variable = declared(model, name, context)?;
    if let Some(schema) = args.schema.as_deref() {
        context.view(Some(schema), loaded, model)?;
    }
    if model.chain(&environment).is_none_or(|chain| chain.is_protected()) {
        context.confirm(&format!("`{environment}` is protected. Change `{name}`?"), args.yes)?;
    }
    Ok((environment, variable))
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
    replaced: &[Entry],
) -> Outcome {
    let text = writing.text(environment);
    let cleartext = super::sealing::without(writing, &text, &replaced.iter().collect::<Vec<_>>())?;
    let (mut draft, cleartext) = super::sealing::draft(writing, environment, cleartext, &args.first)?;
    let changed = draft.set(name, value).map_err(|problem| writing.stop(problem))?;
    if !changed && replaced.is_empty() {
        writing.context.remark(&format!("`{name}` of `{environment}` has this value already: {TAIL}\n"));
        return Ok(());
    }
    super::sealing::finish(writing, environment, draft, &cleartext)?;
    writing.context.remark(&format!("sealed `{name}` in environments/{environment}.toml\n"));
    if replaced.iter().any(|entry| matches!(entry.assignment, Assignment::Value(_))) {
        writing.context.remark("git still has the value that stood there in clear: change it where it is used\n");
    }
    Ok(())
}

fn to_clear(
    writing: &Writing<'_>,
    (environment, schema): (&str, Option<&str>),
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
        Some(entry) => assign::replaced(&text, entry, &literal),
        None => assign::added(&text, writing.file(environment)?, schema, name, &literal),
    };
    let Some(changed) = changed else {
        let table = schema.map_or_else(|| String::from("[values]"), |schema| format!("[for.{schema}]"));
        let message = format!("`{table}` of `{environment}` is not written as a table with a line for each value");
        let problem = Diagnostic::error(Code::Unsupported, message).at_some(entry.map(|entry| entry.key_span), "");
        return Err(writing.stop(problem.help(format!("write `{table}` on a line of its own, `{name} = …` below it"))));
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
    // TOML has no negative zero.
    if bare && text != "-0" && variable.kind.value.accepts(text) {
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
