//! From a plan to values: the only stage that opens or fetches anything.

use std::collections::BTreeMap;

use crate::backend::{Backends, Fetched, Want};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::model::Model;
use crate::plan::{Origin, Plan, Planned, Supply, missing};
use crate::secret::Secret;
use crate::unseal::Unsealer;
use crate::validate::{Composed, MAX_MADE, Resolved, compose, too_much};

/// Whether values that can be made are made when they are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generate {
    /// Made and kept.
    Store,
    /// Made for this run only: a check writes nothing.
    Pretend,
}

/// Where values come from.
pub struct Stores<'s, 'e> {
    /// The files that hold the sealed ones.
    pub model: &'s Model,
    /// Opens them.
    pub unsealer: &'s mut Unsealer<'e>,
    /// Stores outside the repository.
    pub backends: &'s mut Backends<'e>,
    /// Whether what is missing may be made.
    pub generate: Generate,
}

/// Gets every value of `plan`; nothing is returned if one is missing or could not be had.
pub fn resolve(plan: Plan, stores: &mut Stores<'_, '_>, problems: &mut Diagnostics) -> Option<Resolved> {
    let mut found = Diagnostics::default();
    if !plan.complete {
        found.push(Diagnostic::error(Code::Bug, "an incomplete plan was to be resolved"));
    }
    let mut values = BTreeMap::new();
    verify(&plan, stores, &mut found);
    sealed(&plan, stores, &mut values, &mut found);
    fetch(&plan, stores, &mut values, &mut found);
    for (name, planned) in &plan.variables {
        if let Supply::Clear(value) = &planned.supply {
            values.insert(name.clone(), Secret::new(value.as_bytes().to_vec()));
        }
    }
    if !found.has_errors() {
        let mut made = 0;
        for name in plan.variables.keys() {
            make(&plan, name, &mut values, &mut made, &mut found);
        }
    }
    let complete = !found.has_errors();
    problems.append(found);
    complete.then(|| Resolved::new(plan, values))
}

/// Verifies the seals that could say something of a secret: those of the file that gives it and of all that win over that.
/// An entry that was taken out would else look like one that never was.
fn verify(plan: &Plan, stores: &mut Stores<'_, '_>, problems: &mut Diagnostics) {
    let Some(chain) = stores.model.chain(&plan.environment) else { return };
    let level = |planned: Option<&Planned>| match planned.map(|planned| &planned.origin) {
        Some(Origin::Assigned { environment, .. }) => {
            chain.levels.iter().position(|level| level.name == *environment).unwrap_or(0)
        }
        Some(Origin::CommandLine) => chain.levels.len(),
        Some(Origin::Default) | None => 0,
    };
    let names = plan.variables.keys().chain(plan.unset.keys());
    let secrets = names.filter(|name| stores.model.secret_declaration(name).is_some());
    let sealed = plan.variables.values().filter(|planned| matches!(planned.supply, Supply::Sealed(_)));
    let levels = secrets.map(|name| level(plan.variables.get(name))).chain(sealed.map(|planned| level(Some(planned))));
    let Some(lowest) = levels.min() else { return };
    for file in chain.levels.iter().skip(lowest) {
        if let Some(Err(problem)) = stores.unsealer.open(file) {
            problems.push(problem);
        }
    }
}

/// Opens the sealed values: each file once, and one problem for each that does not open.
fn sealed(plan: &Plan, stores: &mut Stores<'_, '_>, values: &mut BTreeMap<String, Secret>, problems: &mut Diagnostics) {
    let mut by_file: BTreeMap<&str, Vec<(&str, &Planned)>> = BTreeMap::new();
    for (name, planned) in &plan.variables {
        if let (Supply::Sealed(_), Origin::Assigned { environment, .. }) = (&planned.supply, &planned.origin) {
            by_file.entry(environment).or_default().push((name, planned));
        }
    }
    for (environment, entries) in by_file {
        let Some(file) = stores.model.environments.get(environment) else { continue };
        // Why one does not open was said when its seal was to be verified.
        let Some(Ok(opened)) = stores.unsealer.open(file) else { continue };
        for (name, planned) in entries {
            match opened.value(name) {
                Ok(value) => drop(values.insert(name.to_owned(), value)),
                Err(problem) => problems.push(problem.at(planned.span, "does not open")),
            }
        }
    }
}

/// Asks each backend once for everything that is wanted of it.
fn fetch(plan: &Plan, stores: &mut Stores<'_, '_>, values: &mut BTreeMap<String, Secret>, problems: &mut Diagnostics) {
    let mut by_backend: BTreeMap<&str, Vec<Want<'_>>> = BTreeMap::new();
    for (name, planned) in &plan.variables {
        let Supply::Fetch { backend, kind, place } = &planned.supply else {
            continue;
        };
        let recipe = planned.variable.generate.as_ref().map(|recipe| &recipe.value).filter(|_| !plan.protected);
        by_backend.entry(backend).or_default().push(Want { name, kind: *kind, place, recipe });
    }
    for (backend, wants) in by_backend {
        let answers = stores.backends.get(&plan.environment, &wants, stores.generate);
        for (want, answer) in wants.iter().zip(answers) {
            let Some(planned) = plan.variables.get(want.name) else {
                continue;
            };
            match answer {
                Ok(Fetched::Value(value)) => {
                    values.insert(want.name.to_owned(), value);
                }
                Ok(Fetched::Nothing) => nothing_there(plan, planned, backend, problems),
                Err(error) => {
                    let message = format!("`{}` could not be had from `{backend}`: {}", want.name, error.describe());
                    let diagnostic = Diagnostic::error(error.code(), message).at(planned.span, want.place.describe());
                    problems.push(diagnostic.help_some(error.help()));
                }
            }
        }
    }
}

/// A place without a value: fine for a variable that is optional here, an error for all others.
fn nothing_there(plan: &Plan, planned: &Planned, backend: &str, problems: &mut Diagnostics) {
    // A default is for what nobody assigns, not for a place that turns out to be empty.
    if !planned.required && planned.variable.default.is_none() {
        return;
    }
    let Supply::Fetch { place, .. } = &planned.supply else {
        return;
    };
    let name = &planned.variable.name;
    let mut diagnostic = missing(&planned.variable, &plan.environment);
    diagnostic.labels.insert(
        0,
        crate::diagnostic::Label { span: planned.span, text: format!("nothing there: {}", place.describe()) },
    );
    diagnostic.help = match place {
        crate::reference::Place::Env { name: variable } => {
            vec![format!("set {variable} in the environment that starts envctl")]
        }
        crate::reference::Place::Local if planned.variable.generate.is_none() => {
            vec![format!("`envctl set {} {name} --local`, or give it a `generate` in the schema", plan.environment)]
        }
        _ => vec![format!("put a value there, or assign `{name}` from somewhere else than `{backend}`")],
    };
    problems.push(diagnostic);
}

/// Makes one value from its parts; a plan has no circles.
fn make(plan: &Plan, name: &str, values: &mut BTreeMap<String, Secret>, made: &mut usize, problems: &mut Diagnostics) {
    // Told once: every value after the one too many is one too many as well.
    if *made > MAX_MADE {
        return;
    }
    let Some(planned) = plan.variables.get(name).filter(|_| !values.contains_key(name)) else {
        return;
    };
    let Supply::Made(template) = &planned.supply else {
        return;
    };
    for part in &planned.parts {
        make(plan, part, values, made, problems);
    }
    if *made > MAX_MADE {
        return;
    }
    match compose(planned, template, values) {
        Composed::Value(value) => {
            *made += value.size();
            if *made > MAX_MADE {
                problems.push(too_much(planned.span));
            } else {
                values.insert(name.to_owned(), value);
            }
        }
        Composed::Lacks(part) => {
            let message = format!("`{part}` is taken in here and has no value in `{}`", plan.environment);
            problems.push(Diagnostic::error(Code::MissingValue, message).at(planned.span, "cannot be made"));
        }
        Composed::Refused(refused) => refused.into_iter().for_each(|diagnostic| problems.push(diagnostic)),
    }
}
