//! `envctl list`: the variables of an environment, where they come from, and no values.

use super::planned::{Request, planned};
use super::table::table;
use super::{complete, origin};
use crate::context::{Context, Outcome};
use crate::diagnostic::pretty_json;
use crate::plan::{Completeness, Plan};
use crate::source::SourceMap;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum ResultFormat {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

/// List the variables of an environment: type, where the value comes from, no values
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, instead of the project's default
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: Option<String>,
    /// The schema whose variables are listed
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: ResultFormat,
}

/// Prints the list.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let planned = planned(
        context,
        &Request {
            environment: args.environment.as_deref(),
            schema: args.schema.as_deref(),
            set: &[],
            completeness: Completeness::Tolerated,
            tail: "",
        },
    )?;
    let sources = &planned.loaded.sources;
    match args.format {
        ResultFormat::Human => context.print(&human(&planned.plan, sources))?,
        ResultFormat::Json => {
            let unset = planned.plan.unset.iter().map(|(name, (variable, why))| {
                serde_json::json!({ "name": name, "type": variable.kind.value.name(), "supply": null, "unset": why, "schema": variable.schema })
            });
            let there = planned.plan.variables.iter().map(|(name, planned)| origin::as_json(name, planned, sources));
            let mut variables: Vec<serde_json::Value> = there.chain(unset).collect();
            variables.sort_by_key(|variable| variable["name"].as_str().map(str::to_owned));
            let document = serde_json::json!({
                "schema_version": 1,
                "environment": planned.plan.environment,
                "schema": planned.plan.schema,
                "protected": planned.plan.protected,
                "variables": variables,
            });
            context.print(&pretty_json(&document))?;
        }
    }
    context.stop_on_errors(planned.problems, sources, "")
}

/// What is planned, on standard error, if `-v` asks for it.
pub(super) fn verbose(context: &Context, plan: &Plan, sources: &SourceMap) {
    if context.globals.verbose {
        context.remark(&format!("environment {}, schema {}\n{}", plan.environment, plan.schema, human(plan, sources)));
    }
}

fn human(plan: &Plan, sources: &SourceMap) -> String {
    let mut rows = Vec::new();
    for (name, planned) in &plan.variables {
        let secret = if planned.sensitive { "secret" } else { "" };
        let note = if planned.delivered { "" } else { "not delivered" };
        let detail = origin::detail(planned).unwrap_or_default();
        let kind = planned.variable.kind.value.name();
        rows.push(
            [name, kind, secret, origin::supply(planned), &origin::place(planned, sources), &detail, note]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    for (name, (variable, why)) in &plan.unset {
        rows.push([name.as_str(), variable.kind.value.name(), "", "unset", "", why, ""].map(str::to_owned).to_vec());
    }
    rows.sort();
    table(&["NAME", "TYPE", "SECRET", "FROM", "PLACE", "DETAIL", ""], &rows)
}
