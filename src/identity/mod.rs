//! Identities: the private halves that open an environment, where they are looked for, and in which order.
//!
//! `--identity`, `ENVCTL_IDENTITY` or `ENVCTL_IDENTITY_FILE`: the first one given is the only source. Else the user's
//! own file, the keyring, and the SSH key if one is among the recipients. What asks nothing is tried before what asks:
//! a passphrase, a touch. Nothing is read before it is needed.

mod ask;
mod attempt;
mod error;
mod file;
mod keyring;
mod make;
mod plugins;
mod source;
mod ssh;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
mod unwrap;
mod wrap;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

pub use ask::Ask;
pub use error::{OpenError, OpenProblem};
pub use file::Flaw;
pub use keyring::{KeyringProblem, keep};
pub use make::{WORK_FACTOR, generate, protect};
pub use plugins::{PluginProblem, Plugins};
pub use wrap::{WrapError, wrap};

use attempt::Attempt;
use error::{Outcome, Tried};
use file::{Content, Key};
use keyring::{Keyring, System};
use source::{Found, Place, Source};

use crate::age_file;
use crate::process::EnvSnapshot;
use crate::secret::Secret;

/// The most that a wrapped data key may take, in bytes; it takes 63.
const MAX_PAYLOAD: usize = 4 << 10;

/// The recipient of an identity at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// `age1…` or `ssh-ed25519 …`.
    pub recipient: String,
    /// Where the identity is, by name.
    pub source: String,
}

/// The identities of this user: where they may be, and those that have been read.
pub struct Identities {
    sources: Vec<Source>,
    plugins: Plugins,
    ask: Arc<dyn Ask>,
    keyring: Box<dyn Keyring>,
}

impl fmt::Debug for Identities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.sources.iter().map(|source| &source.name)).finish()
    }
}

impl Identities {
    /// The identities of this environment; `given` is the file of `--identity`. Nothing is read yet.
    pub fn new(environment: &EnvSnapshot, given: Option<PathBuf>, ask: Arc<dyn Ask>) -> Self {
        Self::over(source::places(environment, given), Plugins::new(environment), ask, Box::new(System))
    }

    /// The identity in the keyring, and no other.
    pub fn in_keyring(environment: &EnvSnapshot, ask: Arc<dyn Ask>) -> Self {
        Self::over(source::keyring_only(), Plugins::new(environment), ask, Box::new(System))
    }

    fn over(sources: Vec<Source>, plugins: Plugins, ask: Arc<dyn Ask>, keyring: Box<dyn Keyring>) -> Self {
        Self { sources, plugins, ask, keyring }
    }

    /// Opens a binary age file and gives what is in it, at most 4 KiB.
    pub fn open(&mut self, age_file: &[u8]) -> Result<Secret, OpenError> {
        self.open_up_to(age_file, &[], MAX_PAYLOAD)
    }

    /// The same for a file that says for whom it was wrapped, in the order of wrapping.
    ///
    /// The key's own part is then tried first: many recipients take no longer than one. And a file that names the
    /// recipient of a key at hand and is not opened by it was changed: this is [`OpenProblem::Damaged`].
    pub fn open_for(&mut self, age_file: &[u8], recipients: &[&str]) -> Result<Secret, OpenError> {
        self.open_up_to(age_file, recipients, MAX_PAYLOAD)
    }

    fn open_up_to(&mut self, age_file: &[u8], recipients: &[&str], cap: usize) -> Result<Secret, OpenError> {
        let stanzas = age_file::stanzas(age_file).ok_or_else(OpenError::damaged)?;
        let stanzas = stanzas.into_iter().map(|stanza| stanza.kind).collect();
        let attempt = Attempt { file: age_file, stanzas, recipients, cap, plugins: &self.plugins, ask: &self.ask };
        let mut outcomes = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            if matches!(source.place, Place::Ssh(_)) && !attempt.has_ssh() {
                outcomes.push(Some(Outcome::NoSshRecipient));
                continue;
            }
            source.load(&*self.keyring);
            match attempt.quietly(source)? {
                Ok(secret) => return Ok(secret),
                Err(outcome) => outcomes.push(outcome),
            }
        }
        for (source, outcome) in self.sources.iter_mut().zip(&mut outcomes) {
            match attempt.asking(source)? {
                Ok(secret) => return Ok(secret),
                Err(None) => {}
                Err(Some(new)) => *outcome = Some(new),
            }
        }
        let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::NotAmong)).collect();
        Err(self.failure(outcomes))
    }

    /// The recipients of the identities at hand that need no question, each once.
    pub fn own(&mut self) -> Vec<Own> {
        self.own_in(|_| true)
    }

    /// The same of files and variables: no keyring is asked.
    pub fn own_in_files(&mut self) -> Vec<Own> {
        self.own_in(|place| !matches!(place, Place::Keyring))
    }

    fn own_in(&mut self, wanted: fn(&Place) -> bool) -> Vec<Own> {
        let mut own: Vec<Own> = Vec::new();
        for source in self.sources.iter_mut().filter(|source| wanted(&source.place)) {
            source.load(&*self.keyring);
            own.extend(recipients(source));
        }
        let mut seen = std::collections::BTreeSet::new();
        own.retain(|one| seen.insert(one.recipient.clone()));
        own
    }

    /// The recipients of the first identity there is, as `keygen --show` prints them; asks for its passphrase.
    pub fn show(&mut self) -> Result<Vec<Own>, OpenError> {
        let mut outcomes = Vec::new();
        for source in &mut self.sources {
            source.load(&*self.keyring);
            let outcome = match attempt::reveal(source, &self.ask) {
                Ok(()) => Outcome::RecipientUnknown,
                Err(outcome) => outcome,
            };
            let own = recipients(source);
            if !own.is_empty() {
                return Ok(own);
            }
            outcomes.push(outcome);
        }
        Err(self.failure(outcomes))
    }

    fn failure(&mut self, outcomes: Vec<Outcome>) -> OpenError {
        let tried = self.sources.iter().zip(outcomes);
        let tried = tried.map(|(source, outcome)| Tried {
            source: source.name.clone(),
            outcome,
            default: matches!(source.place, Place::Default(_)),
        });
        OpenError::new(tried.collect(), self.own())
    }
}

/// The user's own identity file; nothing if the environment has no home.
pub fn default_file(environment: &EnvSnapshot) -> Option<PathBuf> {
    environment.config_dir().map(|directory| directory.join(source::DEFAULT_FILE))
}

/// The recipients of what was read from a place.
fn recipients(source: &Source) -> Vec<Own> {
    let Found::Content(Content::Keys(keys)) = &source.found else { return Vec::new() };
    let recipient = |key: &Key| match key {
        Key::Native(key) => Some(key.to_public().to_string()),
        Key::Ssh(key) => Some(key.recipient.clone()),
        Key::Plugin(_) => None,
    };
    let own = |recipient| Own { recipient, source: source.name.clone() };
    keys.iter().filter_map(recipient).map(own).collect()
}
