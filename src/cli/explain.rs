//! `envctl explain`: a diagnostic code, or one variable of an environment.

use super::{complete, no_overrides, origin, planned};
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, safe};
use crate::name;
use crate::schema::Variable;

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
    format: super::list::ResultFormat,
}

/// Prints the explanation.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.name {
        None => code(&args.what, context),
        Some(name) => variable(args, name, context),
    }
}

fn code(what: &str, context: &Context) -> Outcome {
    match Code::from_slug(what) {
        Some(code) => context.print(code.explanation()),
        None => {
            let near = name::nearest(what, Code::ALL.iter().map(|code| code.slug()))
                .map(|near| format!("did you mean `{near}`?"));
            let problem = Diagnostic::error(Code::Usage, "there is no such code").help_some(near);
            Err(context.fail(problem.help("for a variable: envctl explain ENV NAME")))
        }
    }
}

fn variable(args: &Args, name: &str, context: &Context) -> Outcome {
    let planned = planned(
        context,
        Some(&args.what),
        args.schema.as_deref(),
        &no_overrides,
        "",
    )?;
    let super::Planned {
        loaded,
        model,
        plan,
        problems,
    } = planned;
    context.stop_on_errors(problems, &loaded.sources, "")?;
    let declared = model
        .views
        .get(&plan.schema)
        .and_then(|view| view.variables.get(name));
    let found = plan.variables.get(name);
    let Some(declaration) = found.map(|planned| &planned.variable).or(declared) else {
        let near = name::nearest(name, plan.variables.keys().map(String::as_str))
            .map(|near| format!("did you mean `{near}`?"));
        let message = format!("schema `{}` has no such variable", plan.schema);
        return Err(context.fail(Diagnostic::error(Code::Usage, message).help_some(near)));
    };
    if args.format == super::list::ResultFormat::Json {
        let value = found.map_or_else(
            || serde_json::json!({ "name": name, "supply": null }),
            |planned| origin::as_json(name, planned, &loaded.sources),
        );
        return context.print(&format!("{value:#}\n"));
    }
    let mut lines = vec![name.to_owned()];
    let mut say = |what: &str, text: &str| lines.push(format!("  {what:<13}{}", safe(text)));
    declaration_lines(declaration, &loaded.sources, &mut say);
    match found {
        None => say("value", &format!("none in `{}`", plan.environment)),
        Some(planned) => {
            say("value from", origin::supply(planned));
            say("place", &origin::place(planned, &loaded.sources));
            if let Some(detail) = origin::detail(planned) {
                say("detail", &detail);
            }
            say("secret", if planned.sensitive { "yes" } else { "no" });
            say(
                "delivered",
                if planned.delivered {
                    "yes"
                } else {
                    "no: internal, or of another schema"
                },
            );
        }
    }
    levels(
        &model,
        &plan.environment,
        &plan.schema,
        name,
        &loaded.sources,
        &mut say,
    )
    .map_err(|()| Exit(1))?;
    lines.push(String::new());
    context.print(&lines.join("\n"))
}

fn declaration_lines(
    variable: &Variable,
    sources: &crate::source::SourceMap,
    say: &mut impl FnMut(&str, &str),
) {
    if let Some(description) = &variable.description {
        say("description", description);
    }
    say("type", variable.kind.value.name());
    let declared = format!(
        "{}:{}",
        sources.path(variable.span.source),
        sources.position(variable.span).line
    );
    say("declared", &declared);
    if let Some(reserved) = name::reserved(&variable.name) {
        say(
            "reserved",
            &format!("{}: {}", reserved.family, reserved.why),
        );
    }
    if let Some(recipe) = &variable.generate {
        say("generated", &recipe.value.describe());
    }
    if let Some(deprecated) = &variable.deprecated {
        say("deprecated", &deprecated.value);
    }
}

/// Every assignment of the name along the chain, the one that counts first.
fn levels(
    model: &crate::model::Model,
    environment: &str,
    schema: &str,
    name: &str,
    sources: &crate::source::SourceMap,
    say: &mut impl FnMut(&str, &str),
) -> Result<(), ()> {
    let chain = model.chain(environment).ok_or(())?;
    let assigned = chain
        .levels
        .iter()
        .rev()
        .filter_map(|level| level.find(name, schema));
    for (index, entry) in assigned.enumerate() {
        let place = format!(
            "{}:{}",
            sources.path(entry.span.source),
            sources.position(entry.span).line
        );
        say(if index == 0 { "assigned" } else { "overridden" }, &place);
    }
    Ok(())
}
