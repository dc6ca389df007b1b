//! How a person at a terminal is asked: on the terminal itself, so that standard input may be anything.

use std::io::Write as _;

use crate::diagnostic::safe;
use crate::identity::Ask;
use crate::secret::Secret;
use crate::terminal::{Hidden, Terminal};

/// A person at the terminal, if there is one.
#[derive(Debug)]
pub struct Person(pub Terminal);

impl Ask for Person {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        match self.0.ask_hidden(&format!("{}: ", safe(what))) {
            Some(Hidden::Answer(secret)) => Some(secret),
            // An end of the input, and several lines, of which nobody can say which was meant: no passphrase.
            None | Some(Hidden::SeveralLines) => self.0.can_ask().then(|| Secret::new(Vec::new())),
        }
    }

    fn message(&self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}", safe(text));
    }

    fn confirm(&self, text: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.unwrap_or("no");
        let choice = format!("{} [y: {}, n: {}] ", safe(text), safe(yes), safe(no));
        self.0.ask(&choice).map(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }

    fn line(&self, text: &str) -> Option<String> {
        self.0.ask(&format!("{}: ", safe(text)))
    }
}
