//! `envctl diff`: two environments side by side, without values.

use std::collections::{BTreeMap, BTreeSet};

use super::list::ResultFormat;
use super::planned::{Request, planned};
use super::table::table;
use super::{complete, origin};
use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Diagnostics, pretty_json};
use crate::plan::{Completeness, Origin, Planned, Supply};
use crate::resolve::{Generate, Stores, resolve};
use crate::source::SourceMap;
use crate::validate::{Validated, validate};

/// Compare two environments: names, types, origins, equal or not, no values
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One environment
    #[arg(value_name = "ENV_A", add = complete::environments())]
    left: String,
    /// The other
    #[arg(value_name = "ENV_B", add = complete::environments())]
    right: String,
    /// The schema whose variables are compared
    #[arg(long, value_name = "SCHEMA", add = complete::schemas())]
    schema: Option<String>,
    /// Open and fetch the values to compare them
    #[arg(long)]
    resolve: bool,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    exit_code: bool,
    /// How the comparison is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: ResultFormat,
}

/// One environment, with values if they were asked for.
struct Side {
    variables: BTreeMap<String, Planned>,
    places: BTreeMap<String, String>,
    values: Option<Validated>,
    /// What is missing, and warnings.
    problems: Diagnostics,
    sources: SourceMap,
}

/// Compares and prints.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let left = side(&args.left, args, context)?;
    let right = side(&args.right, args, context)?;
    let names: BTreeSet<&String> = left.variables.keys().chain(right.variables.keys()).collect();
    let mut rows = Vec::new();
    for name in names {
        let verdict = compare(name, &left, &right);
        let from = |side: &Side| match side.variables.get(name) {
            Some(planned) => {
                format!("{} {}", origin::supply(planned), side.places.get(name).map_or("", String::as_str))
            }
            None => String::from("–"),
        };
        rows.push(vec![name.clone(), verdict.to_owned(), from(&left), from(&right)]);
    }
    // What cannot be known without opening it is no difference.
    let found = |verdict: &String| ["different", "only left", "only right"].contains(&verdict.as_str());
    let differs = rows.iter().any(|row| row.get(1).is_some_and(found));
    write(args, context, &rows)?;
    let reported = [left, right].map(|side| context.stop_on_errors(side.problems, &side.sources, ""));
    reported.into_iter().collect::<Result<Vec<()>, Exit>>()?;
    if args.exit_code && differs { Err(Exit(1)) } else { Ok(()) }
}

/// Prints the comparison: name, verdict, and where each side has its value from.
fn write(args: &Args, context: &Context, rows: &[Vec<String>]) -> Outcome {
    if args.format == ResultFormat::Human {
        return context.print(&table(&["NAME", "VERDICT", &args.left, &args.right], rows));
    }
    let rows = rows.iter().map(|row| match row.as_slice() {
        [name, verdict, left, right] => {
            serde_json::json!({ "name": name, "verdict": verdict, "left": left, "right": right })
        }
        _ => serde_json::Value::Null,
    });
    let rows = rows.collect::<Vec<_>>();
    let document =
        serde_json::json!({ "schema_version": 1, "left": args.left, "right": args.right, "variables": rows });
    context.print(&pretty_json(&document))
}

fn side(environment: &str, args: &Args, context: &Context) -> Result<Side, Exit> {
    let super::planned::Planned { loaded, model, plan, mut problems } = planned(
        context,
        &Request {
            environment: Some(environment),
            schema: args.schema.as_deref(),
            set: &[],
            completeness: if args.resolve { Completeness::Required } else { Completeness::Tolerated },
            tail: "",
        },
    )?;
    let variables = plan.variables.clone();
    let places =
        variables.iter().map(|(name, planned)| (name.clone(), origin::place(planned, &loaded.sources))).collect();
    let view = model.views.get(&plan.schema).filter(|_| args.resolve);
    let values = view.and_then(|view| {
        let mut backends = Backends::new(&context.environment, &model.config.id.value, &loaded.root);
        let mut unsealer = context.unsealer();
        let mut stores =
            Stores { model: &model, unsealer: &mut unsealer, backends: &mut backends, generate: Generate::Pretend };
        let resolved = resolve(plan, &mut stores, &mut problems)?;
        validate(view, resolved, &mut problems)
    });
    if args.resolve {
        let problems = std::mem::take(&mut problems);
        context.stop_on_errors(problems, &loaded.sources, "")?;
    }
    Ok(Side { variables, places, values, problems, sources: loaded.sources })
}

/// Equal, different, on one side only, or not to be known without opening the values.
fn compare(name: &str, left: &Side, right: &Side) -> &'static str {
    let (Some(one), Some(other)) = (left.variables.get(name), right.variables.get(name)) else {
        return if left.variables.contains_key(name) { "only left" } else { "only right" };
    };
    if let (Some(one), Some(other)) = (&left.values, &right.values) {
        return match (one.get(name), other.get(name)) {
            (Some(one), Some(other)) if one.value.same_bytes(&other.value) => "equal",
            (Some(_), Some(_)) => "different",
            (Some(_), None) => "only left",
            (None, Some(_)) => "only right",
            (None, None) => "not delivered",
        };
    }
    match (&one.supply, &other.supply) {
        (Supply::Clear(one), Supply::Clear(other)) => {
            if one == other {
                "equal"
            } else {
                "different"
            }
        }
        (Supply::Fetch { backend, place, .. }, Supply::Fetch { backend: other_backend, place: other_place, .. })
            if backend == other_backend && place == other_place && *place != crate::reference::Place::Local =>
        {
            "equal"
        }
        // The same entry of the same file.
        (Supply::Sealed(_), Supply::Sealed(_)) if same_place(one, other) => "equal",
        (Supply::Made(one), Supply::Made(other)) if one == other => {
            // The same text made from equal parts.
            let parts = one.names().map(|part| compare(part, left, right));
            if parts.into_iter().all(|verdict| verdict == "equal") { "equal" } else { "unknown" }
        }
        _ => "unknown",
    }
}

/// Whether two values come from the same line of the same environment.
fn same_place(one: &Planned, other: &Planned) -> bool {
    match (&one.origin, &other.origin) {
        (Origin::Assigned { environment, .. }, Origin::Assigned { environment: same, .. }) => environment == same,
        _ => false,
    }
}
