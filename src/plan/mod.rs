//! What an environment gives one schema, decided without opening or fetching anything.
//!
//! A plan holds no secret: cleartext, where sealed values and places are, and how values are made from each other.

mod build;
mod check;
mod made;
mod problem;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use build::{Completeness, plan, plan_one};
pub(crate) use problem::{missing, needs_escapes, unencoded};
pub(crate) use rules::{Presence, check as check_rules, presence};

use crate::environment::Sealed;
use crate::reference::{BackendKind, Place};
use crate::schema::Variable;
use crate::source::Span;
use crate::template::Template;

/// Where a value comes from, without the value.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The schema's default.
    Default,
    /// The environment of that name, or its overlay.
    Assigned {
        /// The environment whose file assigns it.
        environment: String,
        /// Whether it is the overlay of this machine.
        overlay: bool,
        /// Whether only for this schema.
        own: bool,
    },
    /// The command line.
    CommandLine,
}

/// How a value is had.
#[derive(Debug, Clone)]
pub enum Supply {
    /// It is known: cleartext, perhaps made from other cleartext.
    Clear(String),
    /// It is sealed in an environment file.
    Sealed(Sealed),
    /// It is in a backend.
    Fetch {
        /// The backend's name in `envctl.toml`.
        backend: String,
        /// Its kind.
        kind: BackendKind,
        /// The place.
        place: Place,
    },
    /// It is made from others of which at least one is not known yet.
    Made(Template),
}

/// One variable of a plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its declaration.
    pub variable: Arc<Variable>,
    /// How its value is had.
    pub supply: Supply,
    /// Whether the value is secret here, whatever the schema says.
    pub sensitive: bool,
    /// Whether it has to have a value here.
    pub required: bool,
    /// Whether the program gets it; others are only parts of it.
    pub delivered: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// The assignment, or the default.
    pub span: Span,
    /// The variables it is made from.
    pub parts: BTreeSet<String>,
}

/// What an environment gives one schema.
#[derive(Debug)]
pub struct Plan {
    /// The environment.
    pub environment: String,
    /// The schema.
    pub schema: String,
    /// Whether the environment is protected.
    pub protected: bool,
    /// Whether everything required was asked for; only such a plan is resolved.
    pub(crate) complete: bool,
    /// Whether only some of the variables are left.
    pub(crate) restricted: bool,
    /// Every variable that has a value, by name.
    pub variables: BTreeMap<String, Planned>,
    /// Variables of the schema that have none, and why.
    pub unset: BTreeMap<String, (Arc<Variable>, &'static str)>,
}

impl Plan {
    /// Keeps only the named variables and what they are made of; only the named ones are delivered.
    pub fn restrict(&mut self, names: &BTreeSet<String>) {
        self.restricted = true;
        let mut kept = BTreeSet::new();
        let mut queue: Vec<String> = names.iter().cloned().collect();
        while let Some(name) = queue.pop() {
            if let Some(planned) = self.variables.get(&name).filter(|_| kept.insert(name.clone())) {
                queue.extend(planned.parts.iter().cloned());
            }
        }
        self.variables.retain(|name, _| kept.contains(name));
        for (name, planned) in &mut self.variables {
            planned.delivered &= names.contains(name);
        }
    }

    /// The names of what is sealed: a check without keys has not seen these values.
    pub fn sealed(&self) -> impl Iterator<Item = &str> {
        self.named(|supply| matches!(supply, Supply::Sealed(_)))
    }

    /// The names of what has to be fetched: a check without a network has not seen these values.
    pub fn fetched(&self) -> impl Iterator<Item = &str> {
        self.named(|supply| matches!(supply, Supply::Fetch { .. }))
    }

    fn named(&self, wanted: fn(&Supply) -> bool) -> impl Iterator<Item = &str> {
        let all = self.variables.iter().filter(move |(_, planned)| wanted(&planned.supply));
        all.map(|(name, _)| name.as_str())
    }
}
