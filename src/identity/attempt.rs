//! One attempt to open one age file with what is at one place: first without a question, then with.

use std::sync::Arc;

use age::DecryptError;
use age::plugin::IdentityPluginV1;
use age_core::format::{FileKey, Stanza};

use super::ask::{Ask, Relay, text_of};
use super::error::{OpenError, Outcome};
use super::file::{Content, Flaw, Key, parse};
use super::plugins::{PluginProblem, Plugins};
use super::source::{Found, Source};
use super::unwrap::{Refusal, unwrap};
use crate::age_file::StanzaKind;
use crate::secret::Secret;

/// How often a person is asked for one passphrase.
const TRIES: usize = 3;
/// The most work that is done for a passphrase: 2 to the power of this, times 1 KiB of memory.
const MAX_WORK_FACTOR: u8 = 22;
/// The largest protected identity file, in bytes, once it is opened.
const MAX_PROTECTED: usize = 64 << 10;

/// The file to be opened.
pub(super) struct Attempt<'a> {
    pub(super) file: &'a [u8],
    pub(super) stanzas: Vec<StanzaKind>,
    /// For whom the file was wrapped, as far as is said.
    pub(super) recipients: &'a [&'a str],
    /// The most that may be in the file, in bytes.
    pub(super) cap: usize,
    pub(super) plugins: &'a Plugins,
    pub(super) ask: &'a Arc<dyn Ask>,
}

/// A key that is tried where its stanza should be before it is tried everywhere: each trial costs two multiplications
/// on the curve.
struct Placed<'a> {
    key: &'a age::x25519::Identity,
    stanza: Option<usize>,
}

impl age::Identity for Placed<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.key.unwrap_stanza(stanza)
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let expected = self.stanza.and_then(|at| stanzas.get(at));
        expected.and_then(|stanza| self.unwrap_stanza(stanza)).or_else(|| self.key.unwrap_stanzas(stanzas))
    }
}

/// What was in the file, or what came of the place: nothing is said of keys that were not tried. The outer error is
/// that the file is damaged.
type Tried = Result<Result<Secret, Option<Outcome>>, OpenError>;

impl Attempt<'_> {
    /// Whether an SSH key is among the recipients.
    pub(super) fn has_ssh(&self) -> bool {
        self.stanzas.iter().any(|kind| matches!(kind, StanzaKind::SshEd25519 { .. }))
    }

    /// Tries the keys that need neither passphrase nor plugin.
    pub(super) fn quietly(&self, source: &Source) -> Tried {
        let keys = match &source.found {
            Found::Unread | Found::Content(Content::Protected(_)) => return Ok(Err(None)),
            Found::Nothing => return Ok(Err(Some(Outcome::Nothing))),
            Found::Keyring(problem) => return Ok(Err(Some(Outcome::Keyring(*problem)))),
            Found::Unusable(flaw) => return Ok(Err(Some(Outcome::Unusable(*flaw)))),
            Found::Content(Content::Keys(keys)) => keys,
        };
        let native = keys.iter().filter_map(|key| if let Key::Native(key) = key { Some(key) } else { None });
        let mut native: Vec<Placed<'_>> = native.map(|key| Placed { key, stanza: self.place_of(key) }).collect();
        native.sort_by_key(|key| key.stanza.is_none());
        let ssh = keys.iter().filter_map(|key| match key {
            Key::Ssh(key) if key.is_among(&self.stanzas) => key.open().map(|key| key as &dyn age::Identity),
            _ => None,
        });
        let open: Vec<&dyn age::Identity> = native.iter().map(|key| key as &dyn age::Identity).chain(ssh).collect();
        if open.is_empty() {
            return Ok(Err(None));
        }
        let tried = self.unwrap(&open, || Outcome::NotAmong)?;
        if tried.is_err() && native.iter().any(|key| key.stanza.is_some()) {
            return Err(OpenError::damaged());
        }
        Ok(tried)
    }

    /// Which of the recipients a key belongs to.
    fn place_of(&self, key: &age::x25519::Identity) -> Option<usize> {
        let own = || key.to_public().to_string();
        (!self.recipients.is_empty()).then(own).and_then(|own| self.recipients.iter().position(|one| *one == own))
    }

    /// Tries what has to ask: a passphrase of the place, of a key, or whatever a plugin asks.
    pub(super) fn asking(&self, source: &mut Source) -> Tried {
        match &mut source.found {
            // What nobody asked for has not been read, and what is there without a question has been tried.
            Found::Unread | Found::Nothing | Found::Keyring(_) | Found::Unusable(_) => return Ok(Err(None)),
            Found::Content(Content::Protected(_)) => {
                let for_files = |kind: &StanzaKind| matches!(kind, StanzaKind::X25519 | StanzaKind::Other(_));
                if !self.stanzas.iter().any(for_files) {
                    return Ok(Err(None));
                }
                if let Err(outcome) = reveal(source, self.ask) {
                    return Ok(Err(Some(outcome)));
                }
                if let Ok(secret) = self.quietly(source)? {
                    return Ok(Ok(secret));
                }
            }
            Found::Content(Content::Keys(keys)) => {
                for key in keys.iter_mut() {
                    if let Key::Ssh(key) = key
                        && key.open().is_none()
                        && key.is_among(&self.stanzas)
                    {
                        let right = |passphrase: &Secret| if key.unlock(passphrase) { Ok(Some(())) } else { Ok(None) };
                        if let Err(outcome) = with_passphrase(&source.name, self.ask, right) {
                            return Ok(Err(Some(outcome)));
                        }
                        return self.quietly(source);
                    }
                }
            }
        }
        self.with_plugins(source)
    }

    /// Each plugin runs once for all its keys at this place.
    fn with_plugins(&self, source: &Source) -> Tried {
        let Found::Content(Content::Keys(keys)) = &source.found else { return Ok(Err(None)) };
        let keys = keys.iter().filter_map(|key| if let Key::Plugin(key) = key { Some(key.clone()) } else { None });
        let keys: Vec<age::plugin::Identity> = keys.collect();
        let mut names: Vec<&str> = keys.iter().map(age::plugin::Identity::plugin).collect();
        names.sort_unstable();
        names.dedup();
        let mut outcome = None;
        for name in names {
            if let Err(problem) = self.plugins.approve(name) {
                outcome = Some(Outcome::Plugin(problem));
                continue;
            }
            let failed = || Outcome::Plugin(PluginProblem::Failed { name: name.to_owned() });
            let Ok(plugin) = IdentityPluginV1::new(name, &keys, Relay(Arc::clone(self.ask))) else {
                outcome = Some(failed());
                continue;
            };
            match self.unwrap(&[&plugin], failed)? {
                Ok(secret) => return Ok(Ok(secret)),
                // What a plugin could not do says more than that another one's key is not among the recipients.
                Err(new) if outcome.is_none() => outcome = new,
                Err(_) => {}
            }
        }
        Ok(Err(outcome))
    }

    /// `failed` is what it means if the plugin reports a problem.
    fn unwrap(&self, identities: &[&dyn age::Identity], failed: impl FnOnce() -> Outcome) -> Tried {
        match unwrap(self.file, identities, self.cap) {
            Ok(secret) => Ok(Ok(secret)),
            Err(Refusal::NoMatch) => Ok(Err(Some(Outcome::NotAmong))),
            Err(Refusal::Plugin) => Ok(Err(Some(failed()))),
            // An SSH key's stanza names its key: if that key does not open it, it was changed.
            Err(_) => Err(OpenError::damaged()),
        }
    }
}

/// Opens what is at a place with its passphrase, if it is protected by one; what is there is then known.
pub(super) fn reveal(source: &mut Source, ask: &Arc<dyn Ask>) -> Result<(), Outcome> {
    let file = match &source.found {
        Found::Nothing => return Err(Outcome::Nothing),
        Found::Keyring(problem) => return Err(Outcome::Keyring(*problem)),
        Found::Unusable(flaw) => return Err(Outcome::Unusable(*flaw)),
        Found::Unread | Found::Content(Content::Keys(_)) => return Ok(()),
        Found::Content(Content::Protected(file)) => file,
    };
    let right = |passphrase: &Secret| {
        let Some(passphrase) = text_of(passphrase) else { return Ok(None) };
        let mut identity = age::scrypt::Identity::new(passphrase);
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        match unwrap(file, &[&identity], MAX_PROTECTED) {
            Ok(text) => Ok(Some(text)),
            Err(Refusal::NoMatch | Refusal::Stanza) => Ok(None),
            Err(Refusal::Work) => Err(Outcome::Unusable(Flaw::Work)),
            Err(_) => Err(Outcome::Unusable(Flaw::Damaged)),
        }
    };
    let text = with_passphrase(&source.name, ask, right)?;
    let content = match parse(text.expose()) {
        Ok(Content::Protected(_)) => Err(Flaw::Nested),
        other => other,
    };
    match content {
        Ok(content) => source.found = Found::Content(content),
        Err(flaw) => {
            source.found = Found::Unusable(flaw);
            return Err(Outcome::Unusable(flaw));
        }
    }
    Ok(())
}

/// Asks for a passphrase until `right` takes it; an empty one ends the questions.
fn with_passphrase<T>(
    name: &str,
    ask: &Arc<dyn Ask>,
    mut right: impl FnMut(&Secret) -> Result<Option<T>, Outcome>,
) -> Result<T, Outcome> {
    for left in (0..TRIES).rev() {
        let passphrase = ask.passphrase(&format!("passphrase of {name}")).ok_or(Outcome::NobodyToAsk)?;
        if passphrase.size() == 0 {
            return Err(Outcome::NoPassphrase);
        }
        if let Some(found) = right(&passphrase)? {
            return Ok(found);
        }
        if left > 0 {
            ask.message("this passphrase is wrong; an empty one ends the questions");
        }
    }
    Err(Outcome::WrongPassphrase)
}
