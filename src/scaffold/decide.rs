//! Decides for each variable what it is, and for each environment how its value is written.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Collected;
use super::parts::{Kept, Part, Split, harmless, split_all};
use super::told::{Told, What};
use super::{LocalValue, text};
use crate::dotenv::Entry;
use crate::infer::{self, Guess};
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::secret::Secret;

/// A variable of the schema.
pub(super) struct Variable {
    pub name: String,
    pub kind: Kind,
    pub items: Option<Kind>,
    pub secret: bool,
    pub public: bool,
    pub description: Option<String>,
    pub required: Required,
}

/// Where a variable must have a value.
pub(super) enum Required {
    Everywhere,
    Nowhere,
    In(Vec<String>),
}

/// How a value is written.
pub(super) enum Assignment {
    /// As it is.
    Clear(String),
    /// Made from others.
    Template(Vec<Part>),
    /// It is in the local store.
    Local,
}

/// One environment's file.
pub(super) struct Environment {
    pub name: String,
    /// In file order, with the type each variable is declared with.
    pub values: Vec<(String, Kind, Assignment)>,
}

/// All that was decided.
pub(super) struct Decided {
    pub variables: Vec<Variable>,
    pub environments: Vec<Environment>,
    pub local: Vec<LocalValue>,
}

impl Decided {
    /// Environment, variable, and the variable it takes in, of each reference in a template.
    pub(super) fn followed(&self) -> BTreeSet<(String, String, String)> {
        let mut followed = BTreeSet::new();
        for environment in &self.environments {
            for (name, _, assignment) in &environment.values {
                let Assignment::Template(parts) = assignment else {
                    continue;
                };
                for part in parts {
                    if let Part::Reference { name: other, .. } = part {
                        followed.insert((environment.name.clone(), name.clone(), other.clone()));
                    }
                }
            }
        }
        followed
    }
}

/// One environment's entries with their parts.
struct Taken {
    environment: String,
    entries: Vec<Entry>,
    splits: BTreeMap<String, Split>,
}

/// Why variables are secret, by name.
type Secrets = BTreeMap<String, &'static str>;

const BY_TAKING: &str = "it takes in a secret";

pub(super) fn decide(collected: Collected, told: &mut Told) -> Decided {
    let taken: Vec<Taken> = collected
        .environments
        .into_iter()
        .map(|(environment, entries)| Taken { splits: split_all(&entries), environment, entries })
        .collect();
    let secrets = secrets(&taken);
    let descriptions = descriptions(&taken, &secrets);
    let variables: Vec<Variable> =
        collected.names.into_iter().map(|name| variable(name, &taken, &secrets, &descriptions)).collect();
    for variable in &variables {
        say_variable(variable, &secrets, told);
    }
    let kinds: BTreeMap<&str, Kind> =
        variables.iter().map(|variable| (variable.name.as_str(), variable.kind)).collect();
    let mut environments = Vec::new();
    let mut local = Vec::new();
    for one in taken {
        environments.push(assign(one, &kinds, &secrets, &mut local, told));
    }
    Decided { variables, environments, local }
}

/// Which variables are secret in any environment: by name, by value, or by what they take in.
fn secrets(taken: &[Taken]) -> Secrets {
    let mut secrets = Secrets::new();
    for one in taken {
        for entry in &one.entries {
            let resolved = one.splits.get(&entry.name).map_or("", |split| &split.resolved);
            // Both readings count: with references replaced, and as it stands.
            for value in [&entry.value, resolved] {
                let Guess { secret, reason, .. } = infer::infer(&entry.name, value);
                if secret {
                    secrets.entry(entry.name.clone()).or_insert(reason);
                }
            }
        }
    }
    let mut takers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, split) in taken.iter().flat_map(|one| &one.splits) {
        for reference in split.references() {
            takers.entry(reference).or_default().push(name);
        }
    }
    let mut open: Vec<&str> = takers.keys().copied().filter(|name| secrets.contains_key(*name)).collect();
    while let Some(name) = open.pop() {
        for taker in takers.get(name).into_iter().flatten() {
            if !secrets.contains_key(*taker) {
                secrets.insert((*taker).to_owned(), BY_TAKING);
                open.push(taker);
            }
        }
    }
    secrets
}

fn variable(name: String, taken: &[Taken], secrets: &Secrets, descriptions: &BTreeMap<String, String>) -> Variable {
    let secret = secrets.contains_key(&name);
    let mut present = Vec::new();
    let mut guesses = Vec::new();
    for one in taken {
        let Some(split) = one.splits.get(&name) else {
            continue;
        };
        present.push(one.environment.clone());
        let value = if secret && !is_secret_template(&name, split, secrets) {
            one.entries.iter().find(|entry| entry.name == name).map_or("", |entry| &entry.value)
        } else {
            &split.resolved
        };
        let mut guess = infer::kind_of(&name, value, secret);
        if guess.0 == Kind::Url && split.is_template() && split.unsafe_in_url(&one.splits) {
            guess = (Kind::String, None);
        }
        guesses.push((guess, value));
    }
    let (kind, items) = common(&guesses);
    let required = if present.is_empty() {
        Required::Nowhere
    } else if present.len() == taken.len() {
        Required::Everywhere
    } else {
        Required::In(present)
    };
    Variable {
        kind,
        items,
        secret,
        public: !secret && infer::infer(&name, "").exposure_public,
        description: descriptions.get(&name).cloned(),
        required,
        name,
    }
}

/// The type that suits all values.
fn common(guesses: &[((Kind, Option<Kind>), &str)]) -> (Kind, Option<Kind>) {
    let Some((first, _)) = guesses.first() else {
        return (Kind::String, None);
    };
    if guesses.iter().all(|(guess, _)| guess == first) {
        return *first;
    }
    let numeric = [Kind::Port, Kind::Integer, Kind::Number];
    let all_numeric = guesses.iter().all(|((kind, _), _)| numeric.contains(kind));
    let wider =
        numeric.into_iter().filter(|_| all_numeric).find(|kind| guesses.iter().all(|(_, value)| kind.accepts(value)));
    (wider.unwrap_or(Kind::String), None)
}

/// Whether a secret may be written as a template: it takes in a secret, and nothing in its text is one.
fn is_secret_template(name: &str, split: &Split, secrets: &Secrets) -> bool {
    let by_name = secrets.get(name) == Some(&infer::BY_NAME);
    split.references().any(|reference| secrets.contains_key(reference)) && harmless(split, by_name)
}

/// Descriptions from comments that are safe to write into a file that is committed.
fn descriptions(taken: &[Taken], secrets: &Secrets) -> BTreeMap<String, String> {
    let values: BTreeSet<&str> = taken
        .iter()
        .flat_map(|one| &one.entries)
        .filter(|entry| secrets.contains_key(&entry.name) && entry.value.len() >= 4)
        .map(|entry| entry.value.as_str())
        .collect();
    let mut found = BTreeMap::new();
    for entry in taken.iter().flat_map(|one| &one.entries) {
        let Some(comment) = &entry.comment else {
            continue;
        };
        // A single word beside a secret is more likely an older value than a description.
        let lone = secrets.contains_key(&entry.name) && comment.split_whitespace().nth(1).is_none();
        if !lone
            && !found.contains_key(&entry.name)
            && !values.iter().any(|value| comment.contains(value))
            && let Some(description) = text::description(comment)
        {
            found.insert(entry.name.clone(), description);
        }
    }
    found
}

fn say_variable(variable: &Variable, secrets: &Secrets, told: &mut Told) {
    let name = &variable.name;
    if let Required::Nowhere = variable.required {
        told.add(What::NoValue(secrets.get(name).copied()), name, None);
    }
    if variable.secret && infer::infer(name, "").exposure_public {
        told.add(What::NotPublic, name, None);
    }
}

/// Chooses how each value of one environment is written.
fn assign(
    taken: Taken,
    kinds: &BTreeMap<&str, Kind>,
    secrets: &Secrets,
    local: &mut Vec<LocalValue>,
    told: &mut Told,
) -> Environment {
    let Taken { environment, entries, mut splits } = taken;
    let mut values = Vec::new();
    for entry in entries {
        let Some(split) = splits.remove(&entry.name) else {
            continue;
        };
        let reason = secrets.get(&entry.name).copied();
        let template = split.is_template() && (reason.is_none() || is_secret_template(&entry.name, &split, secrets));
        let kind = kinds.get(entry.name.as_str()).copied().unwrap_or(Kind::String);
        say_value(&environment, &entry, &split, template, reason, told);
        let assignment = match reason {
            _ if template => Assignment::Template(split.parts),
            None => Assignment::Clear(entry.value),
            Some(_) => {
                local.push(LocalValue {
                    environment: environment.clone(),
                    name: entry.name.clone(),
                    value: Secret::from_string(entry.value),
                });
                Assignment::Local
            }
        };
        values.push((entry.name, kind, assignment));
    }
    Environment { name: environment, values }
}

fn say_value(
    environment: &str,
    entry: &Entry,
    split: &Split,
    template: bool,
    reason: Option<&'static str>,
    told: &mut Told,
) {
    let mut say = |what| told.add(what, &entry.name, Some(environment));
    if template {
        let encoded = split.parts.iter().any(|part| matches!(part, Part::Reference { uri: true, .. }));
        say(if reason.is_some() { What::SecretTemplate { encoded } } else { What::Template { encoded } });
    } else {
        if let Some(reason) = reason {
            say(What::Local(reason));
            if is_placeholder(&entry.value) {
                say(What::Placeholder);
            }
        }
        if split.is_template() {
            say(What::OwnText);
        }
    }
    if split.kept.contains(&Kept::Unknown) {
        say(What::Unknown);
    }
    if split.kept.contains(&Kept::Circle) {
        say(What::Circle);
    }
}
