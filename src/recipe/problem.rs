//! `RecipeProblem`: why a recipe was refused.

use std::fmt;

use super::{Class, keys_of};

/// Why a recipe was refused. Holds only what the schema says, no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeProblem {
    /// There is no such kind.
    UnknownKind(String),
    /// The kind does not take this key.
    KeyNotTaken {
        /// The kind.
        kind: &'static str,
        /// The key that was given.
        key: &'static str,
    },
    /// A size outside its limits.
    OutOfRange {
        /// `bytes` or `length`.
        key: &'static str,
        /// The smallest size allowed.
        minimum: usize,
        /// The largest size allowed.
        maximum: usize,
    },
    /// A size of RSA key that is not made.
    Bits,
    /// There is no such class of characters.
    UnknownClass(String),
    /// The list of classes is empty.
    NoClasses,
}

impl RecipeProblem {
    /// One sentence for a person, without a final dot.
    pub fn message(&self) -> String {
        match self {
            Self::UnknownKind(kind) => {
                format!("there is no kind of generated value called {kind:?}")
            }
            Self::KeyNotTaken { kind, key } => match keys_of(kind) {
                [] => format!("kind `{kind}` does not take `{key}`, nor any other key"),
                keys => format!("kind `{kind}` does not take `{key}`, only {}", quoted(keys)),
            },
            Self::OutOfRange { key, minimum, maximum } => format!("`{key}` must be between {minimum} and {maximum}"),
            Self::Bits => String::from("`bits` must be 2048, 3072 or 4096"),
            Self::UnknownClass(name) => format!(
                "there is no character class called {name:?}; the classes are {}",
                quoted(&Class::ALL.map(Class::name))
            ),
            Self::NoClasses => String::from("`classes` must name at least one character class"),
        }
    }
}

impl fmt::Display for RecipeProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message())
    }
}

impl std::error::Error for RecipeProblem {}

/// `a`, `b` and so on, each in backquotes.
fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
