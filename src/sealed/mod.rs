//! The sealed format, version 1 (docs/format.md): what `[seal]` and `[secrets]` of an environment file hold.
//!
//! Pure: keys and nonces are given, identities and files are the affair of the layer above.

pub mod armor;
pub mod base64;
mod key;
mod layout;
pub mod merge;
mod padding;
mod read;
mod shown;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;

pub use key::{DataKey, MAX_VALUE, Place};
pub use read::{Spans, is_entry, read};
pub use shown::shown;
pub use write::rewrite;

/// Endings of entries that belong to a rotation, not to a variable.
pub const SUFFIXES: &[&str] = &["-next", "-previous", "-journal"];

/// `[seal]` and `[secrets]` of one environment, well-formed; only [`DataKey::verifies`] tells whether it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedFile {
    /// The project's id.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// Whether the environment is production-like.
    pub protected: bool,
    /// +1 with every new data key.
    pub generation: u64,
    /// +1 with every sealed write.
    pub revision: u64,
    /// The data key, wrapped by age for the recipients; binary.
    pub age_file: Vec<u8>,
    /// From generation 2: proof made with the previous key, base64.
    pub lineage: Option<String>,
    /// The authentication code, base64.
    pub mac: String,
    /// Who can read: name and age recipient.
    pub recipients: BTreeMap<String, String>,
    /// The entries of `[secrets]` by key, those of rotations too.
    pub entries: BTreeMap<String, SealedEntry>,
}

/// One entry of `[secrets]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedEntry {
    /// `enc`, decoded: version, nonce, ciphertext, tag.
    pub sealed: Vec<u8>,
    /// The generation in which the value last changed.
    pub since: u64,
    /// The day on which it last changed, `YYYY-MM-DD` (UTC).
    pub rotated: String,
}

impl SealedFile {
    /// Where the value of a key of `[secrets]` belongs.
    pub fn place<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place { project: &self.project, environment: &self.environment, name }
    }

    /// Opens the value of an entry with the key of this file.
    pub fn open(&self, name: &str, key: &DataKey) -> Option<crate::secret::Secret> {
        key.open(self.place(name), &self.entries.get(name)?.sealed)
    }
}

impl SealedEntry {
    /// `enc` as it is written.
    pub fn enc(&self) -> String {
        base64::encode(&self.sealed)
    }

    /// The entry as it is written.
    pub fn text(&self) -> String {
        format!("{{ enc = \"{}\", since = {}, rotated = {} }}", self.enc(), self.since, self.rotated)
    }
}
