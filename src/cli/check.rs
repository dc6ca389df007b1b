//! `envctl check`: validate environments, without keys and network unless asked.

use std::collections::{BTreeMap, BTreeSet};

use super::complete;
use crate::backend::Backends;
use crate::context::{Channel, Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::lint::{unknown_environment, unknown_schema};
use crate::model::Model;
use crate::plan::{Completeness, Plan, plan};
use crate::project::{Loaded, Wanted};
use crate::resolve::{Generate, Stores, resolve};
use crate::schema::View;
use crate::unseal::Unsealer;
use crate::validate::validate;

/// Check the project's files and environments
///
/// Without ENV all files are read and the default environment is checked against every schema. No key and no network are
/// needed: what is sealed or fetched is counted and left for `--resolve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environments to check
    #[arg(value_name = "ENV", add = complete::environments())]
    environments: Vec<String>,
    /// Check every environment
    #[arg(long, conflicts_with = "environments")]
    all: bool,
    /// Check against this schema only
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// Open and fetch every value as well
    #[arg(long)]
    resolve: bool,
    /// Verify the seals with a key
    #[arg(long)]
    seal: bool,
    /// Count warnings as errors
    #[arg(long)]
    strict: bool,
}

/// What was looked at.
#[derive(Default)]
struct Tally {
    environments: usize,
    schemas: BTreeSet<String>,
    sealed: BTreeMap<String, BTreeSet<String>>,
    fetched: BTreeMap<String, BTreeSet<String>>,
}

/// Checks and reports.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let wanted = if args.environments.is_empty() {
        Wanted::All
    } else {
        Wanted::Named(args.environments.iter().cloned().map(Some).collect())
    };
    let mut loaded = context.load(&wanted)?;
    let (tally, problems) = checked(args, context, &mut loaded)?;
    let code = problems.exit_code(args.strict);
    let (clean, warned) = (problems.is_empty(), !problems.has_errors() && code != 0);
    context.report(problems, &loaded.sources, "", Channel::Result)?;
    if warned {
        // Said even with `-q`: otherwise nothing would tell why the exit code is not 0.
        context.terminal.remark("warnings count: --strict\n").map_err(|_| Exit(5))?;
    }
    if code != 0 {
        return Err(Exit(code));
    }
    context.remark(&tally.summary(args, clean));
    Ok(())
}

/// Everything that is wrong with what was asked for.
fn checked(args: &Args, context: &Context, loaded: &mut Loaded) -> Result<(Tally, Diagnostics), Exit> {
    let mut problems = std::mem::take(&mut loaded.problems);
    let Some(model) = loaded.model.take() else {
        problems.note_incomplete();
        return Ok((Tally::default(), problems));
    };
    let names = names(args, context, loaded, &model)?;
    let chosen = |view: &&View| args.schema.as_ref().is_none_or(|schema| *schema == view.name);
    let views: Vec<&View> = model.views.values().filter(chosen).collect();
    let mut unsealer = context.unsealer();
    let mut check = Check {
        context,
        loaded,
        model: &model,
        views,
        resolve: args.resolve,
        seal: args.seal || args.resolve,
        unsealer: &mut unsealer,
        tally: Tally::default(),
        problems,
    };
    for name in &names {
        check.environment(name);
    }
    Ok((check.tally, check.problems))
}

/// The environments that are checked; those of the command line have to exist.
fn names(args: &Args, context: &Context, loaded: &Loaded, model: &Model) -> Result<Vec<String>, Exit> {
    for name in &args.environments {
        context.environment_name(Some(name), loaded, model)?;
    }
    if args.schema.as_ref().is_some_and(|schema| !crate::name::is_word(schema)) {
        return Err(context.fail(Diagnostic::error(Code::Usage, "this cannot be the name of a schema")));
    }
    if let Some(schema) = args.schema.as_ref().filter(|schema| !model.views.contains_key(*schema)) {
        let names: Vec<&str> = model.views.keys().map(String::as_str).collect();
        return Err(context.fail(Diagnostic { code: Code::Usage, ..unknown_schema(schema, &names) }));
    }
    if !args.environments.is_empty() {
        return Ok(args.environments.clone());
    }
    match loaded.default_environment.as_ref().filter(|_| !args.all) {
        Some(default) if model.environments.contains_key(default) => Ok(vec![default.clone()]),
        // `envctl.toml` naming one that does not exist was reported at its place; the process environment has none.
        Some(default) if context.environment.text("ENVCTL_ENVIRONMENT") == Some(default) => {
            let names = model.environment_names.iter().map(String::as_str);
            Err(context.fail(Diagnostic { code: Code::Usage, ..unknown_environment(default, names) }))
        }
        Some(_) => Ok(Vec::new()),
        None => Ok(model.environments.keys().cloned().collect()),
    }
}

/// One check of several environments.
struct Check<'c, 'u> {
    context: &'c Context,
    loaded: &'c Loaded,
    model: &'c Model,
    views: Vec<&'c View>,
    resolve: bool,
    seal: bool,
    unsealer: &'u mut Unsealer<'c>,
    tally: Tally,
    problems: Diagnostics,
}

impl Check<'_, '_> {
    /// Plans one environment for each schema, and gets its values if that was asked for.
    fn environment(&mut self, name: &str) {
        let is_abstract = self.model.environments.get(name).is_some_and(|file| file.is_abstract);
        let (id, root) = (&self.model.config.id.value, &self.loaded.root);
        let mut backends = Backends::new(&self.context.environment, id, root);
        self.tally.environments += 1;
        let chain = self.model.chain(name);
        if self.seal {
            let files = chain.iter().flat_map(|chain| &chain.levels);
            let opened = files.filter_map(|file| self.unsealer.open(file));
            opened.filter_map(Result::err).for_each(|problem| self.problems.push(problem));
        }
        for view in self.views.iter().filter(|view| chain.as_ref().is_none_or(|chain| chain.is_for(&view.name))) {
            self.tally.schemas.insert(view.name.clone());
            let mut found = Diagnostics::default();
            let plan = plan(self.model, name, view, &BTreeMap::new(), Completeness::Required, &mut found);
            let complete = !found.has_errors();
            self.problems.append(found);
            let Some(plan) = plan else { continue };
            if !self.resolve || !complete || is_abstract {
                self.tally.count(name, &plan);
                continue;
            }
            let mut stores = Stores {
                model: self.model,
                unsealer: self.unsealer,
                backends: &mut backends,
                generate: Generate::Pretend,
            };
            let resolved = resolve(plan, &mut stores, &mut self.problems);
            if let Some(resolved) = resolved {
                validate(view, resolved, &mut self.problems);
            }
        }
    }
}

impl Tally {
    /// Several schemas may ask for the same value: names are counted, not questions.
    fn count(&mut self, environment: &str, plan: &Plan) {
        self.sealed.entry(environment.to_owned()).or_default().extend(plan.sealed().map(str::to_owned));
        self.fetched.entry(environment.to_owned()).or_default().extend(plan.fetched().map(str::to_owned));
    }

    /// What was checked and what was not: a green check without keys says nothing about sealed values.
    fn summary(&self, args: &Args, clean: bool) -> String {
        let plural = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let environments = plural(self.environments, "environment", "environments");
        let schemas = plural(self.schemas.len(), "schema", "schemas");
        let verdict = if clean { "ok" } else { "no errors" };
        let mut lines = vec![format!("{verdict}: {environments} against {schemas}\n")];
        for (environment, names) in self.sealed.iter().filter(|(_, names)| !names.is_empty()) {
            let values = plural(names.len(), "sealed value", "sealed values");
            let seal = if args.seal { "seal verified" } else { "seal not verified (no key)" };
            lines.push(format!("{environment}: {values} not checked, {seal}\n"));
        }
        for (environment, names) in self.fetched.iter().filter(|(_, names)| !names.is_empty() && !args.resolve) {
            let values = plural(names.len(), "value", "values");
            let help = format!("`envctl check {environment} --resolve` fetches them");
            lines.push(format!("{environment}: {values} in backends not checked; {help}\n"));
        }
        lines.concat()
    }
}
