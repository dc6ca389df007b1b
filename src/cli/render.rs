//! `envctl render`: the environment as a file for another program.

use super::complete;
use super::planned::{Request, planned};
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Completeness;
use crate::project::Wanted;
use crate::render::{self, Dialect, Format, Item, Required, Row};
use crate::resolve::Generate;
use crate::schema::{Variable, View};
use crate::validate::Validated;

/// Print an environment as a file for another program
///
/// Everything is checked first; a value that the format cannot carry is an error that names one which can. Values are not
/// shown on a terminal unless `--reveal` is given: send the output to a file or a program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, instead of the project's default
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: Option<String>,
    /// The format
    #[arg(long, value_name = "FORMAT", value_parser = ["dotenv", "json", "yaml", "toml", "shell", "example", "markdown"])]
    format: String,
    /// The dialect of `dotenv` (portable, posix) or `shell` (posix, fish, powershell)
    #[arg(long, value_name = "DIALECT", value_parser = ["portable", "posix", "fish", "powershell"])]
    dialect: Option<String>,
    /// The schema whose variables are rendered
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// Show values on a terminal
    #[arg(long)]
    reveal: bool,
}

const TAIL: &str = "nothing was written";

/// Renders and prints.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    match args.format.as_str() {
        "example" => reference(args, context, render::example),
        "markdown" => reference(args, context, render::markdown),
        _ => values(args, context),
    }
}

/// Formats without values: what a schema asks for.
fn reference(args: &Args, context: &Context, write: fn(&str, &[Row<'_>]) -> String) -> Outcome {
    let mut loaded = context.load(&Wanted::Named(vec![args.environment.clone()]))?;
    let model = context.model(&mut loaded, TAIL)?;
    let problems = std::mem::take(&mut loaded.problems);
    context.stop_on_errors(problems, &loaded.sources, TAIL)?;
    if let Some(named) = &args.environment {
        context.environment_name(Some(named), &loaded, &model)?;
    }
    let view = context.view(args.schema.as_deref(), &loaded, &model)?;
    let lists: Vec<(&Variable, Vec<String>, Vec<String>)> = view
        .variables
        .values()
        .filter(|variable| !variable.internal)
        .map(|variable| {
            let places = variable
                .only_in
                .iter()
                .chain(&variable.required_in)
                .next()
                .into_iter()
                .flatten()
                .map(|place| place.value.clone())
                .collect();
            let choices = variable.limits.choices.as_ref().map(|choices| choices.value.clone()).unwrap_or_default();
            (&**variable, places, choices)
        })
        .collect();
    let rows: Vec<Row<'_>> =
        lists.iter().map(|(variable, places, choices)| row(view, variable, places, choices)).collect();
    context.print(&write(view.description.as_deref().unwrap_or(&view.name), &rows))
}

fn row<'r>(view: &View, variable: &'r Variable, places: &'r [String], choices: &'r [String]) -> Row<'r> {
    let required = match &variable.required {
        _ if variable.only_in.is_some() => Required::Only(places),
        _ if variable.required_in.is_some() => Required::In(places),
        Some(required) if required.value => Required::Always,
        Some(_) => Required::Optional,
        None if variable.default.is_some() || view.is_conditional(&variable.name) => Required::Optional,
        None => Required::Always,
    };
    Row {
        name: &variable.name,
        kind: variable.kind.value.name(),
        description: variable.description.as_deref(),
        example: variable.example.as_deref(),
        default: variable.default.as_ref().map(|default| default.value.as_str()),
        required,
        secret: variable.is_secret(),
        public: variable.public.is_some(),
        deprecated: variable.deprecated.as_ref().map(|text| text.value.as_str()),
        choices,
    }
}

fn values(args: &Args, context: &Context) -> Outcome {
    let Some(format) = Format::from_name(&args.format) else {
        return Err(context.fail(Diagnostic::error(Code::Bug, "a format that is offered is not there")));
    };
    let dialect = dialect(args, context, format)?;
    let planned = planned(
        context,
        &Request {
            environment: args.environment.as_deref(),
            schema: args.schema.as_deref(),
            set: &[],
            completeness: Completeness::Required,
            tail: TAIL,
        },
    )?;
    refuse_terminal(args, context)?;
    super::list::verbose(context, &planned.plan, &planned.loaded.sources);
    let (validated, mut rest) = super::planned::values(context, planned, Generate::Store, TAIL)?;
    let mut problems = std::mem::take(&mut rest.problems);
    let text = text(&validated, format, dialect, &mut problems);
    context.stop_on_errors(problems, &rest.loaded.sources, TAIL)?;
    let Some(text) = text else {
        return Err(Exit(1));
    };
    context.terminal.reveal(&text).map_err(|error| context.unwritable(error.kind()))
}

fn dialect(args: &Args, context: &Context, format: Format) -> Result<Option<Dialect>, Exit> {
    let Some(name) = &args.dialect else {
        return Ok(None);
    };
    let known = format.dialects();
    if let Some(dialect) = Dialect::from_name(name).filter(|dialect| known.contains(dialect)) {
        return Ok(Some(dialect));
    }
    let problem = Diagnostic::error(Code::Usage, format!("`{}` has no dialect `{name}`", args.format));
    let names: Vec<&str> = known.iter().map(|dialect| dialect.name()).collect();
    let help =
        if names.is_empty() { String::from("leave `--dialect` out") } else { format!("it has: {}", names.join(", ")) };
    Err(context.fail(problem.help(help)))
}

/// Values are not put on a screen by accident.
fn refuse_terminal(args: &Args, context: &Context) -> Outcome {
    if args.reveal || !context.terminal.shows_result() {
        return Ok(());
    }
    let problem = Diagnostic::error(Code::Usage, "this would show values on the terminal");
    Err(context.fail(problem.help("send it to a file or a program, or add `--reveal`")))
}

fn text(
    validated: &Validated,
    format: Format,
    dialect: Option<Dialect>,
    problems: &mut crate::diagnostic::Diagnostics,
) -> Option<crate::secret::Secret> {
    let mut refused = false;
    for (name, entry) in validated.entries().filter(|(_, entry)| entry.variable.as_file.is_some()) {
        let message = format!("`{name}` is handed over as a file, which no text format can carry");
        let problem = Diagnostic::error(Code::NotRenderable, message).at(entry.variable.span, "declared here");
        problems.push(problem.help("`envctl run` gives the program a file"));
        refused = true;
    }
    let items: Vec<Item<'_>> = validated
        .entries()
        .map(|(name, entry)| Item { name, value: &entry.value, sensitive: entry.sensitive })
        .collect();
    match render::render(format, dialect, &items) {
        Ok(text) => Some(text).filter(|_| !refused),
        Err(all) => {
            for one in all {
                let message = format!("`{}` cannot be written as {}: {}", one.name, format.name(), one.why);
                let entry = validated.get(&one.name);
                let instead: Vec<String> = one.instead.iter().map(|instead| format!("`{instead}`")).collect();
                let help = (!instead.is_empty()).then(|| format!("use {}", instead.join(" or ")));
                let problem =
                    Diagnostic::error(Code::NotRenderable, message).at_some(entry.map(|entry| entry.span), one.why);
                problems.push(problem.at_some(entry.map(|entry| entry.variable.span), "declared here").help_some(help));
            }
            None
        }
    }
}
