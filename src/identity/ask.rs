//! How a person is asked: a trait that the terminal implements, and its relay to plugins of age.

use std::sync::Arc;

use age::secrecy::SecretString;

use crate::secret::Secret;

/// Asks a person. What is asked is given as text; the one who shows it makes it safe for a terminal.
pub trait Ask: Send + Sync {
    /// Asks for a passphrase, without echo: `what` names what it is for. Nothing if nobody can be asked; an empty one
    /// means that the person has none.
    fn passphrase(&self, what: &str) -> Option<Secret>;

    /// Tells something, such as "touch the key".
    fn message(&self, text: &str);

    /// Lets the person choose between `yes` and `no`. Nothing if nobody can be asked.
    fn confirm(&self, text: &str, yes: &str, no: Option<&str>) -> Option<bool>;

    /// Asks for a line that is no secret. Nothing if nobody can be asked.
    fn line(&self, text: &str) -> Option<String>;
}

/// Passes on what a plugin asks.
#[derive(Clone)]
pub(super) struct Relay(pub(super) Arc<dyn Ask>);

impl age::Callbacks for Relay {
    fn display_message(&self, message: &str) {
        self.0.message(message);
    }

    fn confirm(&self, message: &str, yes_string: &str, no_string: Option<&str>) -> Option<bool> {
        self.0.confirm(message, yes_string, no_string)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.line(description)
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        text_of(&self.0.passphrase(description)?)
    }
}

/// A passphrase as the age library takes it; nothing if it is no text.
pub(super) fn text_of(secret: &Secret) -> Option<SecretString> {
    std::str::from_utf8(secret.expose()).ok().map(SecretString::from)
}
