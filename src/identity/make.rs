//! Makes a new identity, and protects one by a passphrase.

use std::io::Write as _;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::ask::text_of;
use crate::secret::Secret;

/// The work for a passphrase: 2 to the power of this. It is not measured on this machine: a busy one would do too little.
pub const WORK_FACTOR: u8 = 18;

/// A new identity: the text of its file, as `age-keygen` writes it, and its recipient. `created` is the date shown in it.
pub fn generate(created: &str) -> (Secret, String) {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let key = identity.to_string();
    let comments = format!("# created: {created}\n# public key: {recipient}\n");
    let key = key.expose_secret().as_bytes();
    let mut text = Vec::with_capacity(comments.len() + key.len() + 1);
    text.extend_from_slice(comments.as_bytes());
    text.extend_from_slice(key);
    text.push(b'\n');
    (Secret::new(text), recipient)
}

/// The text of an identity file, protected by a passphrase: an armored age file, as `age -p -a` writes it. Nothing if
/// the passphrase is not UTF-8 text.
pub fn protect(identity: &Secret, passphrase: &Secret, work_factor: u8) -> Option<Vec<u8>> {
    let mut recipient = age::scrypt::Recipient::new(text_of(passphrase)?);
    recipient.set_work_factor(work_factor.clamp(1, 22));
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).ok()?;
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).ok()?;
    let mut writer = encryptor.wrap_output(armor).ok()?;
    let text = Zeroizing::new(identity.expose().to_vec());
    writer.write_all(&text).ok()?;
    writer.finish().ok()?.finish().ok()
}
