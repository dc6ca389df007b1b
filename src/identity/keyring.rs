//! The identity in the keyring of the operating system: service `envctl`, user `identity`.

use keyring::{Entry, Error};

use crate::secret::Secret;

/// What the keyring calls the item.
const SERVICE: &str = "envctl";
const USER: &str = "identity";

/// Why there is no identity from the keyring, or none was put there. The keyring's own texts can hold the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringProblem {
    /// It has none.
    Empty,
    /// This session has no keyring.
    None,
    /// It is locked, or has no collection to keep things in.
    Locked,
    /// Something else.
    Failed,
    /// There is one already.
    Occupied,
}

impl KeyringProblem {
    /// What is the matter.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Empty => "no identity there",
            Self::None => "this session has no keyring",
            Self::Locked => "it is locked, or has no collection to keep things in",
            Self::Failed => "it did not answer as it should",
            Self::Occupied => "there is an identity already",
        }
    }
}

/// A place for one identity, so that tests do without a keyring.
pub(super) trait Keyring: Send {
    /// The identity.
    fn load(&self) -> Result<Secret, KeyringProblem>;
}

/// The keyring of this session. It is asked when it is needed and not before: reaching it takes milliseconds.
pub(super) struct System;

impl Keyring for System {
    fn load(&self) -> Result<Secret, KeyringProblem> {
        let entry = Entry::new(SERVICE, USER).map_err(|error| problem(&error))?;
        entry.get_secret().map(Secret::new).map_err(|error| problem(&error))
    }
}

/// Keeps an identity in the keyring of this session; one that is there stays.
pub fn keep(identity: &Secret) -> Result<(), KeyringProblem> {
    match System.load() {
        Ok(_) => return Err(KeyringProblem::Occupied),
        Err(KeyringProblem::Empty) => {}
        Err(other) => return Err(other),
    }
    let entry = Entry::new(SERVICE, USER).map_err(|error| problem(&error))?;
    entry.set_secret(identity.expose()).map_err(|error| problem(&error))
}

fn problem(error: &Error) -> KeyringProblem {
    match error {
        Error::NoEntry => KeyringProblem::Empty,
        Error::NoDefaultStore => KeyringProblem::None,
        Error::NoStorageAccess(_) => KeyringProblem::Locked,
        _ => KeyringProblem::Failed,
    }
}
