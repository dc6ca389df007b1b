//! What was decided, in words: alike decisions together, as the beginning of a line that ends in names.

use std::collections::BTreeMap;

use super::Decision;

/// One thing that may be decided for a variable, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A secret in the local store, and why it is one.
    Local(&'static str),
    /// A template that takes in a secret; `encoded` if it takes in a value percent-encoded.
    SecretTemplate { encoded: bool },
    /// Any other template.
    Template { encoded: bool },
    /// A secret whose references stay text, for its own text may be a credential.
    OwnText,
    /// A reference to nothing in this file.
    Unknown,
    /// A reference that leads back to itself.
    Circle,
    /// A secret that is probably none yet.
    Placeholder,
    /// Meant for browsers by its name, and secret.
    NotPublic,
    /// Assigned nowhere; why it is secret, if it is.
    NoValue(Option<&'static str>),
}

/// All that was decided so far: for each name its place in the order told, and its environments.
#[derive(Default)]
pub(super) struct Told(BTreeMap<(What, String), (usize, Vec<String>)>);

impl Told {
    /// Notes one decision. The environment is given where the decision is about one value.
    pub(super) fn add(&mut self, what: What, name: &str, environment: Option<&str>) {
        let place = self.0.len();
        let (_, environments) = self.0.entry((what, name.to_owned())).or_insert((place, Vec::new()));
        environments.extend(environment.map(str::to_owned));
    }

    /// Alike decisions together. With `several` environments it is said which are meant.
    pub(super) fn decisions(self, several: bool) -> Vec<Decision> {
        let mut all: Vec<_> = self.0.into_iter().collect();
        all.sort_by_key(|((what, _), (place, _))| (*what, *place));
        let mut decisions: Vec<Decision> = Vec::new();
        for ((what, name), (_, environments)) in all {
            let text = what.text(&environments, several);
            match decisions.iter_mut().find(|one| one.text == text) {
                Some(same) => same.names.push(name),
                None => decisions.push(Decision { text, names: vec![name] }),
            }
        }
        decisions
    }
}

impl What {
    fn text(self, environments: &[String], several: bool) -> String {
        let environments = listed(environments);
        let text = match self {
            Self::Local(reason) => {
                let because = because(reason);
                return format!("secret, kept in the local store of {environments} because {because}");
            }
            Self::SecretTemplate { encoded: false } => "secret, made from other variables with a secret among them",
            Self::SecretTemplate { encoded: true } => {
                "secret, made from other variables with a secret among them, percent-encoded inside of the address"
            }
            Self::Template { encoded: false } => "made from other variables, and changing with them",
            Self::Template { encoded: true } => {
                "made from other variables, percent-encoded inside of the address, and changing with them"
            }
            Self::OwnText => "secret, so not taken apart: a `$` in it stays text",
            Self::Unknown => "`${…}` kept as text, as no variable of that name has a value in the file",
            Self::Circle => "`${…}` kept as text, as it leads back to itself or grows without end",
            Self::Placeholder => "probably a placeholder, kept all the same; a protected environment refuses it",
            Self::NotPublic => "looks secret, so not declared public in spite of the name",
            Self::NoValue(None) => "no value, so declared as optional",
            Self::NoValue(Some(reason)) => {
                return format!("no value, so declared as optional; secret because {}", because(reason));
            }
        };
        if several && !environments.is_empty() { format!("{text} ({environments})") } else { text.to_owned() }
    }
}

/// A reason about one variable as one about several.
fn because(reason: &str) -> String {
    reason.strip_prefix("its ").map_or_else(|| reason.to_owned(), |rest| format!("the {rest}"))
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
