//! Wraps a data key for recipients: one binary age file, written by the unmodified age library.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use age::plugin::RecipientPluginV1;
use age::{EncryptError, Encryptor};

use super::ask::{Ask, Relay};
use super::plugins::{PluginProblem, Plugins};
use crate::diagnostic::{Code, Diagnostic};
use crate::recipient::{self, RecipientFlaw, RecipientKind};
use crate::secret::Secret;

/// Why nothing was wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrapError {
    /// There are no recipients.
    Nobody,
    /// One of them is none; it is counted from 0.
    Recipient(usize, RecipientFlaw),
    /// A plugin did not run, or reported a problem.
    Plugin(PluginProblem),
    /// A plugin's recipient does not stand beside the others.
    Mixed,
    /// The age library failed for another reason.
    Failed,
}

impl WrapError {
    /// The diagnostic, without a place.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Nobody => Diagnostic::error(Code::InvalidRecipient, "there is no recipient to wrap the key for"),
            Self::Recipient(_, flaw) => flaw.diagnostic(),
            Self::Plugin(problem) => {
                Diagnostic::error(Code::IdentityUnusable, problem.describe()).help_some(problem.help())
            }
            Self::Mixed => {
                let message = "a recipient of a plugin does not stand beside the others";
                Diagnostic::error(Code::InvalidRecipient, message)
            }
            Self::Failed => Diagnostic::error(Code::Io, "the key could not be wrapped"),
        }
    }
}

/// Wraps `payload` for all recipients, in their order; those of one plugin stand together, where its first one is.
pub fn wrap(
    payload: &Secret,
    recipients: &[&str],
    plugins: &Plugins,
    ask: &Arc<dyn Ask>,
) -> Result<Vec<u8>, WrapError> {
    let prepared = prepare(recipients, plugins, ask)?;
    let all = prepared.iter().map(|recipient| &**recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(all).map_err(|error| match error {
        EncryptError::MissingRecipients => WrapError::Nobody,
        EncryptError::IncompatibleRecipients { .. } | EncryptError::MixedRecipientAndPassphrase => WrapError::Mixed,
        // Nothing else reads or writes here: it is a plugin that speaks or has gone.
        EncryptError::Plugin(_) | EncryptError::Io(_) => WrapError::Plugin(failed(recipients)),
        _ => WrapError::Failed,
    })?;
    let mut writer = encryptor.wrap_output(Vec::new()).map_err(|_| WrapError::Failed)?;
    writer.write_all(payload.expose()).map_err(|_| WrapError::Failed)?;
    writer.finish().map_err(|_| WrapError::Failed)
}

/// The library does not say which plugin it was.
fn failed(recipients: &[&str]) -> PluginProblem {
    let names = recipients.iter().filter_map(|text| text.parse::<age::plugin::Recipient>().ok());
    let mut names: Vec<String> = names.map(|recipient| recipient.plugin().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    PluginProblem::Failed { name: names.join("` or `") }
}

fn prepare(
    recipients: &[&str],
    plugins: &Plugins,
    ask: &Arc<dyn Ask>,
) -> Result<Vec<Box<dyn age::Recipient>>, WrapError> {
    let mut by_plugin: BTreeMap<String, Vec<age::plugin::Recipient>> = BTreeMap::new();
    for text in recipients {
        if let Ok(recipient) = text.parse::<age::plugin::Recipient>() {
            by_plugin.entry(recipient.plugin().to_owned()).or_default().push(recipient);
        }
    }
    let mut prepared: Vec<Box<dyn age::Recipient>> = Vec::with_capacity(recipients.len());
    for (index, text) in recipients.iter().enumerate() {
        let wrong = |flaw| WrapError::Recipient(index, flaw);
        match recipient::kind(text).map_err(wrong)? {
            RecipientKind::X25519 => {
                let parsed: Result<age::x25519::Recipient, _> = text.parse();
                prepared.push(Box::new(parsed.map_err(|_| wrong(RecipientFlaw::Other))?));
            }
            RecipientKind::Ssh => {
                let parsed: Result<age::ssh::Recipient, _> = text.parse();
                prepared.push(Box::new(parsed.map_err(|_| wrong(RecipientFlaw::Other))?));
            }
            RecipientKind::Plugin => {
                let Ok(recipient) = text.parse::<age::plugin::Recipient>() else {
                    return Err(wrong(RecipientFlaw::Other));
                };
                let name = recipient.plugin();
                let Some(all) = by_plugin.remove(name) else { continue };
                plugins.approve(name).map_err(WrapError::Plugin)?;
                let plugin = RecipientPluginV1::new(name, &all, &[], Relay(Arc::clone(ask)));
                let missing = |_| WrapError::Plugin(PluginProblem::Failed { name: name.to_owned() });
                prepared.push(Box::new(plugin.map_err(missing)?));
            }
        }
    }
    Ok(prepared)
}
