//! What most commands begin with: the project read, one environment and schema chosen and planned.

use std::collections::BTreeMap;

use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::Located;
use crate::model::Model;
use crate::plan::{Completeness, Plan, plan};
use crate::project::{Loaded, Wanted};
use crate::resolve::{Generate, Stores, resolve};
use crate::schema::View;
use crate::source::Span;
use crate::validate::{Validated, validate};

/// What is asked for on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// The environment, if one is named.
    pub(super) environment: Option<&'a str>,
    /// The schema, if one is named.
    pub(super) schema: Option<&'a str>,
    /// `NAME=VALUE` of `--set`.
    pub(super) set: &'a [String],
    /// Whether everything required has to be there.
    pub(super) completeness: Completeness,
    /// How the summary of problems ends.
    pub(super) tail: &'a str,
}

/// A project with a plan; only warnings are left in `problems`.
pub(super) struct Planned {
    /// The project's texts and root.
    pub(super) loaded: Loaded,
    /// The project's files.
    pub(super) model: Model,
    /// The plan.
    pub(super) plan: Plan,
    /// Warnings, and what is missing where that is tolerated.
    pub(super) problems: Diagnostics,
}

impl Planned {
    /// The view that was planned for.
    pub(super) fn view(&self) -> Option<&View> {
        self.model.views.get(&self.plan.schema)
    }
}

/// Reads the project and plans; whatever is wrong is reported and ends the command.
pub(super) fn planned(context: &Context, request: &Request<'_>) -> Result<Planned, Exit> {
    let mut loaded = context.load(&Wanted::Named(vec![request.environment.map(str::to_owned)]))?;
    let model = context.model(&mut loaded, request.tail)?;
    let mut problems = std::mem::take(&mut loaded.problems);
    let name = context.environment_name(request.environment, &loaded, &model)?;
    let view = context.view(request.schema, &loaded, &model)?;
    refuse_abstract(context, &model, &name)?;
    refuse_schema(context, &model, &name, &view.name)?;
    let overrides = overrides(request.set, &name, context, &mut loaded, &model)?;
    let mut found = Diagnostics::default();
    let whole = plan(&model, &name, view, &overrides, Completeness::Required, &mut found);
    let good = !problems.has_errors() && !found.has_errors();
    let lacking = request.completeness == Completeness::Tolerated && !problems.has_errors() && found.only_lacking();
    problems.append(found);
    let shown = if good {
        whole
    } else if lacking {
        // What is missing was found above; this plan is only looked at.
        plan(&model, &name, view, &overrides, Completeness::Tolerated, &mut Diagnostics::default())
    } else {
        None
    };
    if let Some(unused) =
        shown.as_ref().and_then(|plan| overrides.keys().find(|name| !plan.variables.contains_key(*name)))
    {
        let message = format!("`--set` names `{unused}`, which is no part of what schema `{}` gets", view.name);
        return Err(context.fail(Diagnostic::error(Code::Usage, message)));
    }
    match shown {
        Some(plan) => Ok(Planned { loaded, model, plan, problems }),
        None => stopped(context, problems, &loaded, request.tail),
    }
}

/// An abstract environment is a parent only.
fn refuse_abstract(context: &Context, model: &Model, name: &str) -> Outcome {
    if !model.environments.get(name).is_some_and(|file| file.is_abstract) {
        return Ok(());
    }
    let concrete: Vec<&str> = model
        .environment_names
        .iter()
        .map(String::as_str)
        .filter(|other| *other != name && crate::name::is_word(other))
        .collect();
    let message = format!("`{name}` is abstract: it is there for other environments to extend");
    let help = (!concrete.is_empty()).then(|| format!("name another one: {}", concrete.join(", ")));
    Err(context.fail(Diagnostic::error(Code::AbstractEnvironment, message).help_some(help)))
}

/// An environment may be for some schemas only.
fn refuse_schema(context: &Context, model: &Model, name: &str, schema: &str) -> Outcome {
    let Some(chain) = model.chain(name).filter(|chain| !chain.is_for(schema)) else { return Ok(()) };
    let allowed: Vec<&str> = model.views.keys().map(String::as_str).filter(|schema| chain.is_for(schema)).collect();
    let problem = Diagnostic::error(Code::Usage, format!("environment `{name}` is not for schema `{schema}`"));
    Err(context.fail(problem.help(format!("it is for: {}", allowed.join(", ")))))
}

/// The values of `--set`: of declared variables, no secrets, not in a protected environment.
fn overrides(
    set: &[String],
    environment: &str,
    context: &Context,
    loaded: &mut Loaded,
    model: &Model,
) -> Result<BTreeMap<String, Located<String>>, Exit> {
    let mut all = BTreeMap::new();
    for given in set {
        let refuse = |message: &str| Err(context.fail(Diagnostic::error(Code::Usage, message)));
        if model.chain(environment).is_none_or(|chain| chain.is_protected()) {
            return refuse(&format!("`{environment}` is protected: `--set` is not for it"));
        }
        let Some((name, value)) = given.split_once('=') else {
            return refuse("`--set` takes NAME=VALUE");
        };
        if model.declarations(name).is_empty() {
            return refuse("`--set` names a variable that no schema declares");
        }
        if model.secret_declaration(name).is_some() {
            return refuse(&format!("`{name}` is a secret, and every user of this machine can see a command line"));
        }
        let source = loaded.sources.add_open("--set", given.clone());
        let span = Span { source, start: name.len() + 1, end: given.len() };
        all.insert(name.to_owned(), Located::new(value.to_owned(), span));
    }
    Ok(all)
}

/// Opens, fetches and validates everything; whatever is wrong is reported and ends the command.
pub(super) fn values(
    context: &Context,
    planned: Planned,
    generate: Generate,
    tail: &str,
) -> Result<(Validated, Rest), Exit> {
    let Planned { loaded, model, plan, mut problems } = planned;
    let mut backends = Backends::new(&context.environment, &model.config.id.value, &loaded.root);
    let view = model.views.get(&plan.schema);
    let mut unsealer = context.unsealer();
    let mut stores = Stores { model: &model, unsealer: &mut unsealer, backends: &mut backends, generate };
    let resolved = resolve(plan, &mut stores, &mut problems);
    let validated = resolved.zip(view).and_then(|(resolved, view)| validate(view, resolved, &mut problems));
    if let Some(validated) = validated.filter(|_| !problems.has_errors()) {
        return Ok((validated, Rest { loaded, model, problems }));
    }
    stopped(context, problems, &loaded, tail)
}

/// What is left of a project once its plan has become values.
pub(super) struct Rest {
    /// The project's texts and root.
    pub(super) loaded: Loaded,
    /// The project's files.
    pub(super) model: Model,
    /// Warnings.
    pub(super) problems: Diagnostics,
}

/// Reports what stops the command.
fn stopped<T>(context: &Context, problems: Diagnostics, loaded: &Loaded, tail: &str) -> Result<T, Exit> {
    let code = problems.exit_code(false);
    context.stop_on_errors(problems, &loaded.sources, tail)?;
    Err(Exit(code.max(1)))
}
