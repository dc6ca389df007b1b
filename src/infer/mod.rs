//! Guesses what a variable of an imported file is: its type, and whether it is secret.
//!
//! What is doubtful is taken as secret: a public value in the wrong place is a nuisance, a secret in a file that is
//! committed is an accident. Types are guessed the other way round, only where a person would choose the same.

mod kinds;
mod names;
mod values;

use crate::kind::Kind;

pub(crate) use kinds::guess as kind_of;
pub(crate) use names::{BY_NAME, is_strong};
pub(crate) use values::reason as secret_value;

/// What a variable seems to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// The narrowest type a person would choose; it accepts the value. [`Kind::String`] if in doubt.
    pub kind: Kind,
    /// For [`Kind::List`]: the type of the items. The separator is a comma.
    pub items: Option<Kind>,
    /// Whether it is to be kept secret.
    pub secret: bool,
    /// Why it is secret; empty if it is not.
    pub reason: &'static str,
    /// Whether its name says that it is built into what browsers get.
    pub exposure_public: bool,
}

/// Guesses from a name and a value. The empty value is told from its name alone.
pub fn infer(name: &str, value: &str) -> Guess {
    let public = names::is_public(name);
    let by_name = if public && !names::is_never_public(name, value) { None } else { names::reason(name, value) };
    let reason = values::reason(name, value, public).or(by_name);
    let secret = reason.is_some();
    let (kind, items) = kinds::guess(name, value, secret);
    Guess { kind, items, secret, reason: reason.unwrap_or(""), exposure_public: public }
}

/// The words of a name in upper case: cut at `_` and between a small and a capital letter.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for character in name.chars() {
        let cut = !character.is_ascii_alphanumeric() || (small && character.is_ascii_uppercase());
        if cut {
            words.push(String::new());
        }
        if character.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(character.to_ascii_uppercase());
        }
        small = character.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests;
