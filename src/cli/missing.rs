//! What an environment still lacks after a write: an environment can be filled one value at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::writing::Writing;
use crate::diagnostic::Diagnostics;
use crate::model::Model;
use crate::plan::{Completeness, plan};
use crate::schema::View;

/// Tells what is missing now that these names were given values.
pub(super) fn after(writing: &Writing<'_>, environment: &str, given: &[&str]) {
    if !writing.context.remarks() {
        return;
    }
    let views = writing.model.views.values();
    let lines: BTreeSet<String> = views
        .filter_map(|view| {
            let mut names = names(&writing.model, environment, view);
            names.retain(|name| !given.contains(&name.as_str()));
            let whose = if writing.model.views.len() == 1 { String::new() } else { format!(" for `{}`", view.name) };
            (!names.is_empty()).then(|| format!("still missing in `{environment}`{whose}: {}\n", names.join(", ")))
        })
        .collect();
    for line in &lines {
        writing.context.remark(line);
    }
}

/// Tells what is missing now that the environment's own file does not assign `name`.
pub(super) fn without(writing: &mut Writing<'_>, environment: &str, name: &str) {
    if let Some(file) = writing.model.environments.get_mut(environment) {
        file.values.remove(name);
        file.secrets.remove(name);
        file.per_schema.values_mut().for_each(|(_, own)| drop(own.remove(name)));
    }
    after(writing, environment, &[]);
}

/// The required variables of a schema that have no value.
fn names(model: &Model, environment: &str, view: &View) -> Vec<String> {
    let is_parent = model.environments.get(environment).is_none_or(|file| file.is_abstract);
    if is_parent || !model.chain(environment).is_some_and(|chain| chain.is_for(&view.name)) {
        return Vec::new();
    }
    // What is wrong besides was told before the write.
    let found = plan(model, environment, view, &BTreeMap::new(), Completeness::Tolerated, &mut Diagnostics::default());
    let unset = found.into_iter().flat_map(|plan| plan.unset);
    unset.filter(|(_, (_, why))| *why == "missing").map(|(name, _)| name).collect()
}
