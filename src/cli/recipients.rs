//! `envctl recipients`: who can read the secrets of which environment, and changing that.

use std::collections::BTreeMap;

use clap::Subcommand;

use super::list::ResultFormat;
use super::table::table;
use super::writing::Writing;
use super::{complete, readers, removal};
use crate::assign;
use crate::context::{Channel, Context, Exit, Outcome};
use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics, pretty_json};
use crate::environment::EnvironmentFile;
use crate::lint;
use crate::model::Model;
use crate::project::{Loaded, Wanted};

/// Who can read the secrets, and changing that
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List who can read which environment; needs no key
    List {
        /// The environments, instead of all that have secrets
        #[arg(value_name = "ENV", add = complete::environments())]
        environments: Vec<String>,
        /// How the list is written
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: ResultFormat,
    },
    /// Find environments not sealed to those declared, and secrets that former readers know; needs no key
    Check {
        /// The environments, instead of all that have secrets
        #[arg(value_name = "ENV", add = complete::environments())]
        environments: Vec<String>,
        /// Check all environments that have secrets, as without ENV
        #[arg(long, conflicts_with = "environments")]
        all: bool,
    },
    /// Let somebody read environments: the same data key, wrapped for one more
    Add(readers::Add),
    /// Take the right to read away: a new data key, and a list of what they have seen
    Remove(removal::Remove),
    /// Seal to those that `recipients = [...]` declares
    Apply(readers::Apply),
}

/// Carries the action out.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.action {
        Action::List { environments, format } => list(environments, *format, context),
        Action::Check { environments, all: _ } => check(environments, context),
        Action::Add(args) => readers::add(args, context),
        Action::Remove(args) => removal::remove(args, context),
        Action::Apply(args) => readers::apply(args, context),
    }
}

/// The project with the environments that are named, or all that have secrets.
fn looked_at(environments: &[String], context: &Context) -> Result<(Loaded, Model, Vec<String>), Exit> {
    let mut loaded = context.load(&Wanted::All)?;
    let model = context.model(&mut loaded, "")?;
    for name in environments {
        context.environment_name(Some(name), &loaded, &model)?;
    }
    let sealed = model.environments.values().filter(|file| file.sealed.is_some()).map(|file| file.name.clone());
    let names = if environments.is_empty() { sealed.collect() } else { environments.to_vec() };
    Ok((loaded, model, names))
}

fn list(environments: &[String], format: ResultFormat, context: &Context) -> Outcome {
    let (_, model, names) = looked_at(environments, context)?;
    let files = names.iter().filter_map(|name| model.environments.get(name));
    let mut rows = Vec::new();
    for file in files {
        rows.extend(readers_of(&model, file));
    }
    if format == ResultFormat::Human {
        return context.print(&table(&["ENVIRONMENT", "NAME", "RECIPIENT", ""], &rows));
    }
    let rows: Vec<_> = rows
        .iter()
        .map(|row| serde_json::json!({ "environment": row.first(), "name": row.get(1), "recipient": row.get(2), "note": row.get(3) }))
        .collect();
    context.print(&pretty_json(&serde_json::json!({ "schema_version": 1, "recipients": rows })))
}

/// Who can read one environment, and who is only declared.
fn readers_of(model: &Model, file: &EnvironmentFile) -> Vec<Vec<String>> {
    let declared = file.recipients.iter().flat_map(|list| &list.value).map(|one| one.value.as_str());
    let declared: Vec<&str> = declared.collect();
    let sealed = file.sealed.as_ref().map(|(sealed, _)| sealed.recipients.clone()).unwrap_or_default();
    let row = |name: &str, key: &str, note: &str| [&file.name, name, key, note].map(str::to_owned).to_vec();
    let mut rows = Vec::new();
    for (name, key) in &sealed {
        let known = model.config.recipients.get(name);
        let note = if file.recipients.is_some() && !declared.contains(&name.as_str()) {
            "not declared"
        } else if known.is_some_and(|known| known.value != *key) {
            "another key in envctl.toml"
        } else {
            ""
        };
        rows.push(row(name, key, note));
    }
    let note = if file.sealed.is_some() { "declared, cannot read" } else { "declared, no secrets yet" };
    rows.extend(declared.into_iter().filter(|name| !sealed.contains_key(*name)).map(|name| row(name, "", note)));
    rows
}

/// Every finding about recipients counts, those that `check` only warns of too.
fn check(environments: &[String], context: &Context) -> Outcome {
    let (mut loaded, model, names) = looked_at(environments, context)?;
    let mut problems = Diagnostics::default();
    let codes = [Code::StaleRecipients, Code::FewRecipients, Code::ParentReaders, Code::ParentUnreadable];
    let sources: Vec<_> =
        names.iter().filter_map(|name| model.environments.get(name)).map(|file| file.source).collect();
    for problem in std::mem::take(&mut loaded.problems) {
        let here = problem.primary().is_some_and(|span| sources.contains(&span.source));
        let about_readers = codes.contains(&problem.code) && here;
        if about_readers || problem.code.class() == Class::Trust {
            problems.push(problem);
        }
    }
    for file in names.iter().filter_map(|name| model.environments.get(name)) {
        problems.extend(readers::exposed(file).map(|exposed| exposed.diagnostic(file)));
    }
    let code = problems.exit_code(true);
    let clean = problems.is_empty();
    context.report(problems, &loaded.sources, "", Channel::Result)?;
    if clean {
        context.remark(&format!("ok: {} sealed to those declared; seals not verified (no key)\n", names.join(", ")));
    }
    if code == 0 { Ok(()) } else { Err(Exit(code)) }
}

/// How those declared differ from those sealed to.
pub(super) fn differences(model: &Model, file: &EnvironmentFile) -> Vec<String> {
    lint::differences(model, file)
}

/// The recipients that an environment declares, with their keys; reported where one has none.
pub(super) fn declared(writing: &Writing<'_>, environment: &str) -> Result<BTreeMap<String, String>, Exit> {
    let file = writing.file(environment)?;
    let Some(declared) = &file.recipients else {
        let message = format!("`{environment}` declares no `recipients`: there is nothing to apply");
        return Err(writing.stop(Diagnostic::error(Code::Usage, message)));
    };
    if declared.value.is_empty() {
        let problem = Diagnostic::error(Code::Usage, format!("nobody could read the secrets of `{environment}`"));
        return Err(writing.stop(problem.at(declared.span, "names nobody")));
    }
    let mut recipients = BTreeMap::new();
    for name in &declared.value {
        match writing.model.config.recipients.get(&name.value) {
            Some(key) => drop(recipients.insert(name.value.clone(), key.value.clone())),
            None => {
                let problem =
                    Diagnostic::error(Code::UnknownRecipient, format!("there is no recipient `{}`", name.value));
                return Err(writing.stop(problem.at(name.span, "").help("`envctl recipients add NAME RECIPIENT`")));
            }
        }
    }
    if recipients.is_empty() {
        let message = format!("`{environment}` declares no recipient: nobody could read its secrets");
        let problem = Diagnostic::error(Code::Usage, message).at(declared.span, "nobody");
        return Err(writing.stop(problem.help("name at least one")));
    }
    Ok(recipients)
}

/// The text of an environment that declares these recipients.
pub(super) fn declaring(writing: &Writing<'_>, environment: &str, names: &[&str]) -> Result<String, Exit> {
    let span = writing.file(environment)?.recipients.as_ref().map(|list| list.span);
    Ok(assign::with_recipients(&writing.text(environment), span, names))
}
