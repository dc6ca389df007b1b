//! SSH keys as identities: ssh-ed25519 alone. The public half is read from the private file's open part, so that nobody
//! is asked for a passphrase in vain (openssh-portable, PROTOCOL.key).

use age::ssh::EncryptedKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::ask::text_of;
use super::file::Flaw;
use crate::age_file::StanzaKind;
use crate::secret::Secret;

pub(super) const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// A private key with its public half.
pub(super) struct SshKey {
    /// `ssh-ed25519 BASE64`.
    pub(super) recipient: String,
    /// What its stanzas begin with.
    tag: [u8; 4],
    key: State,
}

enum State {
    Open(age::ssh::Identity),
    Locked(Box<EncryptedKey>),
}

impl SshKey {
    /// Reads the file of a private key.
    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let text = text.trim();
        let (kind, public) = public_half(text).ok_or(Flaw::SshDamaged)?;
        match kind.as_str() {
            "ssh-ed25519" => {}
            "ssh-rsa" => return Err(Flaw::SshRsa),
            _ => return Err(Flaw::SshOther),
        }
        let key = match age::ssh::Identity::from_buffer(text.as_bytes(), None) {
            Ok(age::ssh::Identity::Encrypted(key)) => State::Locked(Box::new(key)),
            Ok(age::ssh::Identity::Unsupported(_)) => return Err(Flaw::SshCipher),
            Ok(open) => State::Open(open),
            Err(_) => return Err(Flaw::SshDamaged),
        };
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(&public));
        Ok(Self { recipient: format!("ssh-ed25519 {}", STANDARD.encode(&public)), tag: [a, b, c, d], key })
    }

    /// Whether one of these stanzas is made for this key.
    pub(super) fn is_among(&self, stanzas: &[StanzaKind]) -> bool {
        stanzas.contains(&StanzaKind::SshEd25519 { tag: self.tag })
    }

    /// The key, if it needs no passphrase or has had it.
    pub(super) fn open(&self) -> Option<&age::ssh::Identity> {
        match &self.key {
            State::Open(key) => Some(key),
            State::Locked(_) => None,
        }
    }

    /// Opens the key; tells whether the passphrase was right.
    pub(super) fn unlock(&mut self, passphrase: &Secret) -> bool {
        if let State::Locked(key) = &self.key
            && let Some(opened) = text_of(passphrase).and_then(|passphrase| key.decrypt(passphrase).ok())
        {
            self.key = State::Open(opened.into());
        }
        self.open().is_some()
    }
}

/// The type and the public half, in SSH's form, of the only key in a private file.
fn public_half(text: &str) -> Option<(String, Vec<u8>)> {
    let inner = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let mut joined = Zeroizing::new(String::with_capacity(inner.len()));
    joined.extend(inner.split_ascii_whitespace());
    let bytes = Zeroizing::new(STANDARD.decode(joined.as_bytes()).ok()?);
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0".as_slice())?;
    let (_cipher, _derivation, _options) = (string(&mut rest)?, string(&mut rest)?, string(&mut rest)?);
    rest = rest.strip_prefix(1_u32.to_be_bytes().as_slice())?;
    let public = string(&mut rest)?;
    let mut parts = public;
    let kind = std::str::from_utf8(string(&mut parts)?).ok()?;
    Some((kind.to_owned(), public.to_vec()))
}

/// Takes a `string` off (RFC 4251, section 5).
fn string<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (string, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = after;
    Some(string)
}
