//! Opens an age file with identities at hand, by the age library; says why not in our own words.

use std::io::Read;

use age::armor::ArmoredReader;
use age::{DecryptError, Decryptor, Identity};
use zeroize::Zeroizing;

use crate::age_file;
use crate::secret::Secret;

/// How an armored file begins; the format has no other spelling of it.
const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Why an age file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No identity given is one of its recipients.
    NoMatch,
    /// What names the passphrase or key given is not opened by it.
    Stanza,
    /// The header is not of the format.
    Header,
    /// The header was changed.
    Mac,
    /// What is behind the header was changed or cut off.
    Payload,
    /// It holds more than it may.
    TooLarge,
    /// Its passphrase costs more work than is done for one.
    Work,
    /// A plugin reported a problem or ended early.
    Plugin,
}

/// Opens a binary age file that holds at most `cap` bytes.
pub(super) fn unwrap(binary: &[u8], identities: &[&dyn Identity], cap: usize) -> Result<Secret, Refusal> {
    // The library reads an old spelling of stanzas that the format no longer has.
    age_file::stanzas(binary).ok_or(Refusal::Header)?;
    let decryptor = Decryptor::new_buffered(binary).map_err(|_| Refusal::Header)?;
    let mut payload = decryptor.decrypt(identities.iter().copied()).map_err(|error| refusal(&error))?;
    // Of known size: a vector that grows leaves copies behind. One byte more tells that there is too much.
    let mut buffer = Zeroizing::new(vec![0; cap.min(binary.len()) + 1]);
    let mut length = 0;
    while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
        match payload.read(room) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(_) => return Err(Refusal::Payload),
        }
    }
    if length > cap {
        return Err(Refusal::TooLarge);
    }
    Ok(Secret::new(buffer.get(..length).unwrap_or_default().to_vec()))
}

/// The binary form of an armored age file; nothing if the armor is not whole.
pub(super) fn dearmor(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_start();
    if !text.starts_with(BEGIN) {
        return None;
    }
    let mut binary = Vec::with_capacity(text.len());
    ArmoredReader::new(text).read_to_end(&mut binary).ok()?;
    Some(binary)
}

/// The library's texts are for other ears: only the variant counts.
fn refusal(error: &DecryptError) -> Refusal {
    match error {
        DecryptError::InvalidMac => Refusal::Mac,
        DecryptError::InvalidHeader | DecryptError::UnknownFormat => Refusal::Header,
        DecryptError::ExcessiveWork { .. } => Refusal::Work,
        // A file says nothing else while its header is read: it is a plugin that speaks or has gone.
        DecryptError::Plugin(_) | DecryptError::PluginResolve(_) | DecryptError::Io(_) => Refusal::Plugin,
        DecryptError::DecryptionFailed => Refusal::Stanza,
        _ => Refusal::NoMatch,
    }
}
