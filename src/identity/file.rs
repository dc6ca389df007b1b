//! What an identity file holds: keys line by line, an SSH key, or an age file that a passphrase protects.

use super::ssh::{self, SshKey};
use super::unwrap::dearmor;
use crate::age_file::{self, StanzaKind};
use crate::recipient;

/// A private key, or what leads to one.
pub(super) enum Key {
    /// An age key.
    Native(age::x25519::Identity),
    /// An SSH key.
    Ssh(SshKey),
    /// What a plugin needs to find its key.
    Plugin(age::plugin::Identity),
}

/// What an identity file holds.
pub(super) enum Content {
    /// Keys, at least one.
    Keys(Vec<Key>),
    /// A binary age file, protected by a passphrase, with an identity file in it.
    Protected(Vec<u8>),
}

/// Why an identity cannot be used. Nothing of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing in it.
    Empty,
    /// There are comments alone.
    NoIdentity,
    /// It is no UTF-8 text.
    NotText,
    /// A line that is no identity; lines count from 1.
    Line(usize),
    /// A line with a recipient; lines count from 1.
    Recipient(usize),
    /// A post-quantum identity.
    PostQuantum,
    /// An RSA key.
    SshRsa,
    /// An SSH key of another kind.
    SshOther,
    /// An SSH key that cannot be read.
    SshDamaged,
    /// An SSH key protected in a way the age library does not know.
    SshCipher,
    /// A private key that is not in OpenSSH's form.
    OtherPrivateKey,
    /// An age file that is not protected by a passphrase alone.
    NotProtected,
    /// An age file that is damaged.
    Damaged,
    /// A protected file that has a protected file in it.
    Nested,
    /// Its passphrase costs too much work.
    Work,
    /// Other users can read the file.
    Readable,
    /// It is no regular file.
    NotAFile,
    /// It is too large for an identity.
    TooLarge,
    /// The system did not let it be read.
    Io(std::io::ErrorKind),
}

impl Flaw {
    /// What is wrong.
    pub fn describe(self) -> String {
        let text = match self {
            Self::Empty => "it is empty",
            Self::NoIdentity => "there is no identity in it",
            Self::NotText => "it is not text",
            Self::Line(line) => return format!("line {line} is no identity"),
            Self::Recipient(line) => return format!("line {line} is a recipient, the public half of an identity"),
            Self::PostQuantum => "post-quantum identities are not supported by the age library yet",
            Self::SshRsa => "ssh-rsa keys are refused: their use leaks through timing (RUSTSEC-2023-0071)",
            Self::SshOther => "of SSH keys only ssh-ed25519 can be an identity",
            Self::SshDamaged => "the SSH key in it is damaged",
            Self::SshCipher => "the SSH key in it is protected in a way that the age library does not know",
            Self::OtherPrivateKey => "it is a private key of a kind that age does not use",
            Self::NotProtected => "it is an age file that no passphrase opens",
            Self::Damaged => "it is an age file that is damaged",
            Self::Nested => "it is protected twice",
            Self::Work => "its passphrase costs more work than is done for one (at most 2^22)",
            Self::Readable => "other users can read it",
            Self::NotAFile => "it is not a regular file",
            Self::TooLarge => "it is larger than 64 KiB",
            Self::Io(kind) => crate::store::describe(kind),
        };
        text.to_owned()
    }
}

/// Reads an identity file.
pub(super) fn parse(bytes: &[u8]) -> Result<Content, Flaw> {
    if bytes.starts_with(b"age-encryption.org/") {
        return protected(bytes.to_vec());
    }
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN AGE") {
        return dearmor(bytes).ok_or(Flaw::Damaged).and_then(protected);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Flaw::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start() {
        "" => Err(Flaw::Empty),
        key if key.starts_with(ssh::BEGIN) => Ok(Content::Keys(vec![Key::Ssh(SshKey::read(key)?)])),
        key if key.starts_with("-----BEGIN RSA PRIVATE KEY") => Err(Flaw::SshRsa),
        key if key.starts_with("-----BEGIN ") => Err(Flaw::OtherPrivateKey),
        _ => lines(text),
    }
}

fn protected(binary: Vec<u8>) -> Result<Content, Flaw> {
    let stanzas = age_file::stanzas(&binary).ok_or(Flaw::Damaged)?;
    match stanzas.as_slice() {
        [only] if only.kind == StanzaKind::Scrypt => Ok(Content::Protected(binary)),
        _ => Err(Flaw::NotProtected),
    }
}

/// Each line is a key, a comment or empty. The library is not asked to read the whole: it would look for plugins.
fn lines(text: &str) -> Result<Content, Flaw> {
    let mut keys = Vec::new();
    let mut post_quantum = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.get(..18).is_some_and(|start| start.eq_ignore_ascii_case("AGE-SECRET-KEY-PQ-")) {
            post_quantum = true;
        } else if let Ok(key) = line.parse::<age::x25519::Identity>() {
            keys.push(Key::Native(key));
        } else if let Ok(key) = line.parse::<age::plugin::Identity>() {
            keys.push(Key::Plugin(key));
        } else if recipient::kind(line).is_ok() {
            return Err(Flaw::Recipient(index + 1));
        } else {
            return Err(Flaw::Line(index + 1));
        }
    }
    match keys.is_empty() {
        true if post_quantum => Err(Flaw::PostQuantum),
        true => Err(Flaw::NoIdentity),
        false => Ok(Content::Keys(keys)),
    }
}
