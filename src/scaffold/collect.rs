//! Puts the entries of all imported files together by environment, and leaves out what cannot be declared.

use std::collections::{BTreeMap, BTreeSet};

use super::{Input, Skipped};
use crate::dotenv::Entry;
use crate::name;

/// Longest value an environment holds, in bytes.
const LONGEST: usize = 1_048_576;

/// All entries that can be declared.
pub(super) struct Collected {
    /// Environments in the order given, with their entries in file order.
    pub environments: Vec<(String, Vec<Entry>)>,
    /// Each name once, in the order first seen.
    pub names: Vec<String>,
}

/// Sorts out inputs; their problems and doubts are left to the caller. Of two files for one environment the later one wins where both assign a name.
pub(super) fn collect(inputs: Vec<Input>, skipped: &mut Vec<Skipped>) -> Collected {
    let mut collected = Collected { environments: Vec::new(), names: Vec::new() };
    let mut folded = BTreeMap::new();
    for input in inputs {
        let Input { environment, parsed } = input;
        let mut skip = |name: String, reason: String| {
            skipped.push(Skipped { name, environment: environment.clone(), reason });
        };
        let mut kept = Vec::new();
        for entry in parsed.entries {
            match refusal(&environment, &entry, &mut folded) {
                Some(reason) => skip(entry.name, reason),
                None => kept.push(entry),
            }
        }
        if name::is_word(&environment) {
            add(&mut collected, environment, kept);
        }
    }
    collected
}

/// Why an entry cannot be declared, if so.
fn refusal(environment: &str, entry: &Entry, folded: &mut BTreeMap<String, String>) -> Option<String> {
    if !name::is_word(environment) {
        return Some("its environment has no valid name: small letters, digits, `-` and `_`".into());
    }
    if !name::is_variable(&entry.name) {
        return Some("not a name a variable can have: letters, digits and `_`".into());
    }
    if let Some(reserved) = name::reserved(&entry.name) {
        let instead = reserved.instead.map_or(String::new(), |other| format!("; use {other} instead"));
        return Some(format!("the name is reserved ({}): {}{instead}", reserved.family, reserved.why));
    }
    if entry.value.len() > LONGEST {
        return Some("the value is longer than 1 MiB".into());
    }
    if entry.value.contains('\0') {
        return Some("the value holds NUL".into());
    }
    let first = folded.entry(entry.name.to_ascii_lowercase()).or_insert_with(|| entry.name.clone());
    (*first != entry.name).then(|| format!("`{first}` is there already, and names must differ in more than case"))
}

fn add(collected: &mut Collected, environment: String, kept: Vec<Entry>) {
    let mut known: BTreeSet<String> = collected.names.iter().cloned().collect();
    for entry in &kept {
        if known.insert(entry.name.clone()) {
            collected.names.push(entry.name.clone());
        }
    }
    let there = collected.environments.iter_mut().find(|(name, _)| *name == environment);
    match there {
        Some((_, entries)) => {
            let new: BTreeSet<&str> = kept.iter().map(|entry| entry.name.as_str()).collect();
            entries.retain(|entry| !new.contains(entry.name.as_str()));
            entries.extend(kept);
        }
        None => collected.environments.push((environment, kept)),
    }
}
