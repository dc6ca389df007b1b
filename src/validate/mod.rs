//! Values against their schema: the last stage before anything is handed out.
//!
//! Only [`validate`] can make a [`Validated`], and it takes a [`Resolved`], which only the resolver makes.

mod compose;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use compose::{Composed, compose};
pub use value::{Finding, Place, findings};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::plan::{Plan, Planned, Presence, Supply, check_rules, presence};
use crate::schema::{Variable, View};
use crate::secret::Secret;
use crate::source::Span;

/// The longest value there is, in bytes.
pub const MAX_VALUE: usize = 1 << 20;

/// The bytes of all values that are made from others, at most: few short templates can multiply without end.
pub const MAX_MADE: usize = 32 << 20;

/// A plan with a value for each of its variables.
pub struct Resolved {
    plan: Plan,
    values: BTreeMap<String, Secret>,
}

/// A complete and valid set of variables for one program.
pub struct Validated {
    /// The environment.
    pub environment: String,
    /// The schema.
    pub schema: String,
    entries: BTreeMap<String, Entry>,
}

/// One variable that is handed out.
pub struct Entry {
    /// Its declaration.
    pub variable: Arc<Variable>,
    /// Its value.
    pub value: Secret,
    /// Whether the value is secret.
    pub sensitive: bool,
    /// Where it is assigned.
    pub span: Span,
}

impl Resolved {
    /// For the resolver alone; every variable of `plan` has to be in `values`.
    pub(crate) fn new(plan: Plan, values: BTreeMap<String, Secret>) -> Self {
        Self { plan, values }
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.values.keys()).finish()
    }
}

impl fmt::Debug for Validated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.entries.keys()).finish()
    }
}

impl Validated {
    /// The variables by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// The variables by name, given away.
    pub fn into_entries(self) -> impl Iterator<Item = (String, Entry)> {
        self.entries.into_iter()
    }

    /// One variable.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }
}

/// Checks every value that the plan did not know; nothing is returned if any problem stops the command.
pub fn validate(view: &View, resolved: Resolved, problems: &mut Diagnostics) -> Option<Validated> {
    let Resolved { plan, values } = resolved;
    let mut found = Diagnostics::default();
    let mut dropped = false;
    for (name, planned) in &plan.variables {
        match values.get(name) {
            Some(value) => check(planned, value, plan.protected, &mut found),
            None => dropped = true,
        }
    }
    if dropped && !plan.restricted {
        // A place of an optional variable was empty: groups and rules have to be looked at again. With `--only` what they
        // speak of is not there, and they were checked offline as far as that goes.
        let there = |name: &str| if values.contains_key(name) { presence(&plan, name) } else { Presence::Unset };
        check_rules(view, &plan.environment, &there, &mut found);
    }
    let good = !found.has_errors();
    problems.append(found);
    let Plan { environment, schema, mut variables, .. } = plan;
    let entries = values.into_iter().filter_map(|(name, value)| {
        let planned = variables.remove(&name).filter(|planned| planned.delivered)?;
        Some((name, Entry { variable: planned.variable, value, sensitive: planned.sensitive, span: planned.span }))
    });
    good.then(|| Validated { environment, schema, entries: entries.collect() })
}

fn check(planned: &Planned, value: &Secret, protected: bool, problems: &mut Diagnostics) {
    if matches!(planned.supply, Supply::Clear(_)) {
        return;
    }
    let place = Place { protected, sensitive: planned.sensitive };
    check_value(&planned.variable, value, place, Some(planned.span), problems);
}

/// Holds a value that is about to be assigned against its declaration; it has no place of its own.
pub fn new_value(variable: &Variable, value: &Secret, place: Place, problems: &mut Diagnostics) {
    check_value(variable, value, place, None, problems);
}

/// Holds a value that stands at `at` against its declaration.
pub fn value_at(variable: &Variable, value: &Secret, place: Place, at: Span, problems: &mut Diagnostics) {
    check_value(variable, value, place, Some(at), problems);
}

fn check_value(variable: &Variable, value: &Secret, place: Place, at: Option<Span>, problems: &mut Diagnostics) {
    let span = at.unwrap_or(variable.span);
    if value.size() > MAX_VALUE {
        problems.push(too_large(variable, span));
        return;
    }
    match std::str::from_utf8(value.expose()) {
        Ok(text) => {
            for finding in findings(variable, text, place) {
                let span = at.unwrap_or(finding.rule);
                problems.push(finding.at(variable, span));
            }
        }
        Err(_) if variable.takes_bytes() && !value.expose().contains(&0) => {}
        Err(_) => {
            let message = format!("`{}` must be text", variable.name);
            let diagnostic = Diagnostic::error(Code::InvalidValueBytes, message).at(span, "bytes that are not UTF-8");
            problems.push(diagnostic.at(variable.kind.span, "declared here"));
        }
    }
}

/// The diagnostic for values beyond [`MAX_MADE`] in all.
pub fn too_much(span: Span) -> Diagnostic {
    let message = "the values made from others add up to more than 32 MiB";
    Diagnostic::error(Code::EnvironmentTooLarge, message)
        .at(span, "the one too many")
        .help("no program can be given as much: put fewer values into each other")
}

/// The diagnostic for a value beyond [`MAX_VALUE`].
pub fn too_large(variable: &Variable, span: Span) -> Diagnostic {
    let message = format!("`{}` is longer than 1 MiB", variable.name);
    Diagnostic::error(Code::ValueTooLarge, message)
        .at(span, "too long for any value")
        .help("keep it in a file, and the file's path in a variable of type `path`")
}
