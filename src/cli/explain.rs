//! `envctl explain`: a diagnostic code, or one variable of an environment.

use super::list::ResultFormat;
use super::planned::{Planned, Request, planned};
use super::{complete, origin};
use crate::context::{Context, Outcome};
use crate::diagnostic::{Code, Diagnostic, pretty_json, safe};
use crate::environment::Entry;
use crate::model::Model;
use crate::name;
use crate::plan::Completeness;
use crate::schema::Variable;
use crate::source::SourceMap;

/// Explain a diagnostic code, or where one variable of an environment comes from
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A code such as `type-mismatch`, or an environment
    #[arg(value_name = "CODE|ENV", add = complete::explainable())]
    what: String,
    /// The variable of that environment
    #[arg(value_name = "NAME", add = complete::variables())]
    name: Option<String>,
    /// The schema in which the variable is looked at
    #[arg(long, value_name = "SCHEMA", requires = "name", add = complete::schemas())]
    schema: Option<String>,
    /// How the explanation of a variable is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: ResultFormat,
}

/// Prints the explanation.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.name {
        None => code(&args.what, context),
        Some(name) => variable(args, name, context),
    }
}

fn code(what: &str, context: &Context) -> Outcome {
    if let Some(code) = Code::from_slug(what) {
        context.print(code.explanation())
    } else {
        let near =
            name::nearest(what, Code::ALL.iter().map(|code| code.slug())).map(|near| format!("did you mean `{near}`?"));
        let problem = Diagnostic::error(Code::Usage, "there is no such code").help_some(near);
        Err(context.fail(problem.help("for a variable: envctl explain ENV NAME")))
    }
}

fn variable(args: &Args, name: &str, context: &Context) -> Outcome {
    let request = Request {
        environment: Some(&args.what),
        schema: args.schema.as_deref(),
        set: &[],
        completeness: Completeness::Tolerated,
        tail: "",
    };
    let mut planned = planned(context, &request)?;
    let problems = std::mem::take(&mut planned.problems);
    let found = planned.plan.variables.get(name);
    let declared = planned.view().and_then(|view| view.variables.get(name));
    let Some(declaration) = found.map(|found| &found.variable).or(declared) else {
        let near = name::nearest(name, planned.plan.variables.keys().map(String::as_str));
        let message = format!("schema `{}` has no such variable", planned.plan.schema);
        let problem = Diagnostic::error(Code::Usage, message);
        return Err(context.fail(problem.help_some(near.map(|near| format!("did you mean `{near}`?")))));
    };
    match args.format {
        ResultFormat::Human => context.print(&human(&planned, name, declaration))?,
        ResultFormat::Json => {
            let none = || serde_json::json!({ "name": name, "supply": null });
            let value = found.map_or_else(none, |found| origin::as_json(name, found, &planned.loaded.sources));
            context.print(&pretty_json(&value))?;
        }
    }
    context.stop_on_errors(problems, &planned.loaded.sources, "")
}

/// Everything there is to say of a variable but its value.
fn human(planned: &Planned, name: &str, declaration: &Variable) -> String {
    let sources = &planned.loaded.sources;
    let mut lines = declaration_lines(declaration, sources);
    match planned.plan.variables.get(name) {
        None => lines.push(("value", format!("none in `{}`", planned.plan.environment))),
        Some(found) => {
            lines.push(("value from", origin::supply(found).to_owned()));
            lines.push(("place", origin::place(found, sources)));
            lines.extend(origin::detail(found).map(|detail| ("detail", detail)));
            lines.push(("secret", String::from(if found.sensitive { "yes" } else { "no" })));
            let delivered = if found.delivered { "yes" } else { "no: internal, or of another schema" };
            lines.push(("delivered", delivered.to_owned()));
        }
    }
    lines.extend(levels(&planned.model, &planned.plan.environment, &planned.plan.schema, name, sources));
    let lines = lines.into_iter().map(|(what, text)| format!("  {what:<13}{}\n", safe(&text)));
    std::iter::once(format!("{name}\n")).chain(lines).collect()
}

/// A word on the left and what there is to say on the right.
type Line = (&'static str, String);

/// What the schema says.
fn declaration_lines(variable: &Variable, sources: &SourceMap) -> Vec<Line> {
    let declared = format!("{}:{}", sources.path(variable.span.source), sources.position(variable.span).line);
    let mut lines = Vec::new();
    lines.extend(variable.description.clone().map(|text| ("description", text)));
    lines.push(("type", variable.kind.value.name().to_owned()));
    lines.push(("declared", declared));
    let reserved = name::reserved(&variable.name);
    lines.extend(reserved.map(|reserved| ("reserved", format!("{}: {}", reserved.family, reserved.why))));
    lines.extend(variable.generate.as_ref().map(|recipe| ("generated", recipe.value.describe())));
    lines.extend(variable.deprecated.as_ref().map(|text| ("deprecated", text.value.clone())));
    lines
}

/// Every assignment of the name along the chain, the one that counts first.
fn levels(model: &Model, environment: &str, schema: &str, name: &str, sources: &SourceMap) -> Vec<Line> {
    let Some(chain) = model.chain(environment) else {
        return Vec::new();
    };
    let assigned = chain.levels.iter().rev().filter_map(|level| level.find(name, schema));
    let line = |(index, entry): (usize, &Entry)| {
        let place = format!("{}:{}", sources.path(entry.span.source), sources.position(entry.span).line);
        (if index == 0 { "assigned" } else { "overridden" }, place)
    };
    assigned.enumerate().map(line).collect()
}
