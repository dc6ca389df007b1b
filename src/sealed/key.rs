//! The data key of one environment and everything that is made with it: values, the seal, lineage, fingerprint.

use chacha20poly1305::aead::AeadInPlace;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{SealedFile, base64, padding};
use crate::secret::Secret;

const VALUE: &[u8] = b"envctl/value/v1";
const SEAL: &[u8] = b"envctl/seal/v1";
const LINEAGE: &[u8] = b"envctl/lineage/v1";
const FINGERPRINT: &[u8] = b"envctl/fingerprint/v1";
const PAYLOAD: &str = "envctl-data-key-1 ";

const NONCE: usize = 24;
const TAG: usize = 16;
const VERSION: u8 = 1;
/// Length of the payload of the age file.
const PAYLOAD_LENGTH: usize = PAYLOAD.len() + 43 + 1;

/// The largest value, in bytes.
pub const MAX_VALUE: usize = 1 << 20;

/// Where a value belongs: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The project's id.
    pub project: &'a str,
    /// The environment whose file holds the value.
    pub environment: &'a str,
    /// The key in `[secrets]`, with its suffix.
    pub name: &'a str,
}

/// 32 random bytes that seal one environment.
pub struct DataKey(Secret);

impl DataKey {
    /// A key of these bytes, which come from the system's generator.
    pub fn new(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self(Secret::new(bytes.to_vec()))
    }

    /// Reads the content of an opened age file; nothing if that is no data key of this format.
    pub fn from_payload(payload: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(payload.expose()).ok()?;
        let encoded = text.strip_prefix(PAYLOAD)?.strip_suffix('\n')?;
        let bytes = Secret::new(base64::decode(encoded)?);
        (bytes.size() == 32).then_some(Self(bytes))
    }

    /// The content of the age file.
    pub fn payload(&self) -> Secret {
        let mut bytes = Vec::with_capacity(PAYLOAD_LENGTH);
        bytes.extend_from_slice(PAYLOAD.as_bytes());
        let encoded = Zeroizing::new(base64::encode(self.0.expose()));
        bytes.extend_from_slice(encoded.as_bytes());
        bytes.push(b'\n');
        Secret::new(bytes)
    }

    /// HKDF-SHA-256 (RFC 5869) of this key.
    fn derive(&self, salt: Option<&[u8]>, info: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        // Fails for more than 255 blocks only.
        let _ = Hkdf::<Sha256>::new(salt, self.0.expose()).expand(info, &mut *derived);
        derived
    }

    fn cipher(&self, nonce: &[u8]) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(self.derive(Some(nonce), VALUE).as_slice().into())
    }

    /// Seals a value for a place: version, nonce, ciphertext, tag. The nonce is random and never used twice; nothing is
    /// returned for a value above [`MAX_VALUE`].
    pub fn seal(&self, place: Place<'_>, value: &Secret, nonce: &[u8; NONCE]) -> Option<Vec<u8>> {
        if value.size() > MAX_VALUE {
            return None;
        }
        let mut buffer = padding::pad(value.expose());
        let tag = self
            .cipher(nonce)
            .encrypt_in_place_detached(&Nonce::default(), &associated_data(place), buffer.as_mut_slice())
            .ok()?;
        Some([&[VERSION][..], nonce, &buffer, &tag].concat())
    }

    /// Opens a value of a place; nothing if it was sealed for another one, or changed, or is not of the format.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Option<Secret> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_at_checked(NONCE)?;
        let (body, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        if *version != VERSION {
            return None;
        }
        let mut buffer = Zeroizing::new(body.to_vec());
        self.cipher(nonce)
            .decrypt_in_place_detached(
                &Nonce::default(),
                &associated_data(place),
                buffer.as_mut_slice(),
                Tag::from_slice(tag),
            )
            .ok()?;
        let length = padding::unpadded_length(&buffer).filter(|length| *length <= MAX_VALUE)?;
        Some(Secret::new(buffer.get(..length)?.to_vec()))
    }

    /// The authentication code over everything that is sealed.
    fn seal_code(&self, file: &SealedFile) -> Hmac<Sha256> {
        let mut code = keyed(&self.derive(None, SEAL));
        code.update(SEAL);
        code.update(&[0]);
        code.update(&1_u32.to_be_bytes());
        for text in [&file.project, &file.environment] {
            update(&mut code, text.as_bytes());
        }
        code.update(&[u8::from(file.protected)]);
        code.update(&file.generation.to_be_bytes());
        code.update(&file.revision.to_be_bytes());
        update(&mut code, file.lineage.as_deref().unwrap_or("").as_bytes());
        update(&mut code, &Sha256::digest(&file.age_file));
        code.update(&count(file.recipients.len()));
        for (name, recipient) in &file.recipients {
            update(&mut code, name.as_bytes());
            update(&mut code, recipient.as_bytes());
        }
        code.update(&count(file.entries.len()));
        for (name, entry) in &file.entries {
            update(&mut code, name.as_bytes());
            update(&mut code, &entry.sealed);
            code.update(&entry.since.to_be_bytes());
            update(&mut code, entry.rotated.as_bytes());
        }
        code
    }

    /// The `mac` of a file sealed with this key.
    pub fn mac(&self, file: &SealedFile) -> String {
        base64::encode(&self.seal_code(file).finalize().into_bytes())
    }

    /// Whether the `mac` of the file is that of its content; takes the same time wherever the two differ.
    pub fn verifies(&self, file: &SealedFile) -> bool {
        base64::decode(&file.mac).is_some_and(|mac| self.seal_code(file).verify_slice(&mac).is_ok())
    }

    /// The proof, made with this key, that `next` succeeds it as generation `generation`.
    pub fn lineage(&self, generation: u64, next: &Self) -> String {
        let mut code = keyed(&self.derive(None, LINEAGE));
        code.update(LINEAGE);
        code.update(&[0]);
        code.update(&generation.to_be_bytes());
        code.update(&Sha256::digest(next.0.expose()));
        base64::encode(&code.finalize().into_bytes())
    }

    /// What people compare: hex of 16 bytes that tell nothing of the key.
    pub fn fingerprint(&self) -> String {
        let derived = self.derive(None, FINGERPRINT);
        derived.iter().take(16).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Whether two keys are the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.same_bytes(&other.0)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DataKey(…)")
    }
}

/// HMAC with a key filled up with zeros to the block of SHA-256, as RFC 2104 does with shorter keys.
fn keyed(key: &Zeroizing<[u8; 32]>) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key.iter()).for_each(|(to, from)| *to = *from);
    <Hmac<Sha256> as KeyInit>::new((&*block).into())
}

fn associated_data(place: Place<'_>) -> Vec<u8> {
    let mut data = Vec::with_capacity(128);
    data.extend_from_slice(VALUE);
    data.push(0);
    for part in [place.project, place.environment, place.name] {
        data.extend_from_slice(&count(part.len()));
        data.extend_from_slice(part.as_bytes());
    }
    data
}

/// Adds a length and the bytes.
fn update(code: &mut Hmac<Sha256>, bytes: &[u8]) {
    code.update(&count(bytes.len()));
    code.update(bytes);
}

/// A length as four bytes, big-endian; nothing in a file that is read comes near the limit.
fn count(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
