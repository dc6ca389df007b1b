//! What the tests of identities share: a person and a keyring that are scripted, and a home directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::keyring::{Keyring, KeyringProblem};
use super::source::places;
use super::{Ask, Identities, Plugins};
use crate::process::EnvSnapshot;
use crate::secret::Secret;
use crate::store;

/// A person who gives these answers, one after the other, and whose questions are kept.
pub(super) struct Script {
    answers: Mutex<Vec<&'static str>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    /// The answers in their order.
    pub(super) fn new(answers: &[&'static str]) -> Self {
        let answers = answers.iter().rev().copied().collect();
        Self { answers: Mutex::new(answers), asked: Mutex::default() }
    }

    /// Nobody to ask.
    pub(super) fn nobody() -> Self {
        Self::new(&[])
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Ask for Script {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        self.asked.lock().unwrap().push(what.to_owned());
        self.answers.lock().unwrap().pop().map(|answer| Secret::from_string(answer.to_owned()))
    }

    fn message(&self, text: &str) {
        self.asked.lock().unwrap().push(text.to_owned());
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn line(&self, _: &str) -> Option<String> {
        None
    }
}

/// A session without a keyring.
pub(super) struct NoKeyring;

impl Keyring for NoKeyring {
    fn load(&self) -> Result<Secret, KeyringProblem> {
        Err(KeyringProblem::None)
    }
}

/// A keyring with this in it, that counts how often it is reached.
pub(super) struct Holds(pub(super) String, pub(super) Arc<Mutex<usize>>);

impl Keyring for Holds {
    fn load(&self) -> Result<Secret, KeyringProblem> {
        *self.1.lock().unwrap() += 1;
        Ok(Secret::from_string(self.0.clone()))
    }
}

/// A home directory and what the program knows of it.
pub(super) struct Home {
    pub(super) directory: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap().to_owned();
        Self { directory, variables: vec![("HOME", home)] }
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub(super) fn put(&self, below: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        store::create_private_dir(path.parent().unwrap()).unwrap();
        store::write_private(&path, bytes.as_ref()).unwrap();
        path
    }

    pub(super) fn set(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn environment(&self) -> EnvSnapshot {
        EnvSnapshot::from_pairs(self.variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    pub(super) fn identities(&self, given: Option<&Path>, ask: &Arc<Script>) -> Identities {
        self.with_keyring(given, ask, Box::new(NoKeyring))
    }

    pub(super) fn with_keyring(
        &self,
        given: Option<&Path>,
        ask: &Arc<Script>,
        keyring: Box<dyn Keyring>,
    ) -> Identities {
        let environment = self.environment();
        let ask: Arc<dyn Ask> = ask.clone();
        Identities::over(places(&environment, given.map(Path::to_owned)), Plugins::new(&environment), ask, keyring)
    }
}
