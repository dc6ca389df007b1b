//! Makes the random values that recipes describe, from the system's random generator.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::pkcs8::KeypairBytes;
use rand::TryRng as _;
use rand::rngs::SysRng;
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

use crate::recipe::{Class, Classes, Recipe};
use crate::secret::Secret;

/// Why no value was made. Holds nothing of the value.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The system gave no random bytes.
    #[error("the system's random generator failed: {0}")]
    Random(#[from] rand::rngs::SysError),
    /// A key could not be made or written.
    #[error("could not make the {0} key")]
    Key(&'static str),
    /// A password too short to hold every class; [`Recipe::new`] gives none.
    #[error("the password is too short to hold every class of characters")]
    TooShort,
}

/// Makes a new value. Nothing of it stays behind in memory but the secret returned.
pub fn generate(recipe: &Recipe) -> Result<Secret, GenerateError> {
    match *recipe {
        Recipe::Hex { bytes } => Ok(hex(&random(bytes)?)),
        Recipe::Base64 { bytes } => Ok(Secret::from_string(STANDARD.encode(&*random(bytes)?))),
        Recipe::Base64Url { bytes } => Ok(Secret::from_string(URL_SAFE_NO_PAD.encode(&*random(bytes)?))),
        Recipe::Alphanumeric { length } => {
            let alphabet = [Class::Lower, Class::Upper, Class::Digit].map(Class::alphabet);
            draw(alphabet.concat().as_bytes(), length).map(into_secret)
        }
        Recipe::Password { length, classes } => password(length, classes),
        Recipe::Uuid => uuid(),
        Recipe::Ed25519 => ed25519(),
        Recipe::Rsa { bits } => rsa(bits),
    }
}

/// A new project's id: 128 random bits in hex.
pub fn project_id() -> Result<String, GenerateError> {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(uuid::Uuid::from_bytes(bytes).simple().to_string())
}

/// `count` random bytes.
fn random(count: usize) -> Result<Zeroizing<Vec<u8>>, GenerateError> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

fn into_secret(mut bytes: Zeroizing<Vec<u8>>) -> Secret {
    Secret::new(std::mem::take(&mut *bytes))
}

fn hex(bytes: &[u8]) -> Secret {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    // With the capacity it needs: a text that grew would leave copies behind.
    let mut text = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    Secret::new(text)
}

/// `length` characters of `alphabet` (1 to 256 of them), each equally likely.
///
/// A random byte is used only below the largest multiple of the alphabet's size: a plain remainder would favour the
/// first characters.
fn draw(alphabet: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, GenerateError> {
    let limit = 256 - 256 % alphabet.len();
    let mut text = Zeroizing::new(Vec::with_capacity(length));
    while text.len() < length {
        let bytes = random(length)?;
        let usable = bytes.iter().map(|byte| usize::from(*byte));
        let characters =
            usable.filter(|number| *number < limit).filter_map(|number| alphabet.get(number % alphabet.len()).copied());
        let missing = length - text.len();
        text.extend(characters.take(missing));
    }
    Ok(text)
}

/// Draws until every class is there, so that all passwords allowed are equally likely.
///
/// None begins with `-`, which programs take for an option, or `~`, which shells take for a directory.
fn password(length: usize, classes: Classes) -> Result<Secret, GenerateError> {
    let alphabets: Vec<_> = classes.iter().map(Class::alphabet).collect();
    let alphabet = alphabets.concat();
    if length < alphabets.len() {
        return Err(GenerateError::TooShort);
    }
    loop {
        let text = draw(alphabet.as_bytes(), length)?;
        let complete = alphabets.iter().all(|class| text.iter().any(|byte| class.as_bytes().contains(byte)));
        if complete && !text.starts_with(b"-") && !text.starts_with(b"~") {
            return Ok(into_secret(text));
        }
    }
}

fn uuid() -> Result<Secret, GenerateError> {
    let mut bytes = Zeroizing::new([0; 16]);
    SysRng.try_fill_bytes(&mut *bytes)?;
    let id = uuid::Builder::from_random_bytes(*bytes).into_uuid();
    let mut text = vec![0; uuid::fmt::Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    Ok(Secret::new(text))
}

/// PKCS#8 version 1, the private key alone (RFC 8410, section 7): OpenSSL and others refuse version 2 with the public key.
fn ed25519() -> Result<Secret, GenerateError> {
    let mut seed = Zeroizing::new([0; 32]);
    SysRng.try_fill_bytes(&mut *seed)?;
    let pair = KeypairBytes { secret_key: *seed, public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF);
    pem.map(from_pem).map_err(|_| GenerateError::Key("Ed25519"))
}

fn rsa(bits: usize) -> Result<Secret, GenerateError> {
    let failed = || GenerateError::Key("RSA");
    let mut random = rsa::rand_core::OsRng;
    let key = RsaPrivateKey::new(&mut random, bits).map_err(|_| failed())?;
    let pem = key.to_pkcs8_pem(LineEnding::LF);
    pem.map(from_pem).map_err(|_| failed())
}

fn from_pem(mut pem: Zeroizing<String>) -> Secret {
    Secret::from_string(std::mem::take(&mut *pem))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine as _;
    use ed25519_dalek::SigningKey;
    use ed25519_dalek::pkcs8::DecodePrivateKey as _;
    use rsa::traits::PublicKeyParts as _;

    use super::{URL_SAFE_NO_PAD, draw, generate};
    use crate::kind::Kind;
    use crate::recipe::{Class, Recipe};

    fn text(recipe: &Recipe) -> String {
        String::from_utf8(generate(recipe).unwrap().expose().to_vec()).unwrap()
    }

    fn recipe(kind: &str) -> Recipe {
        Recipe::new(kind, None, None, None, None).unwrap()
    }

    fn password(length: i64, classes: &[&str]) -> Recipe {
        let classes: Vec<_> = classes.iter().map(ToString::to_string).collect();
        Recipe::new("password", None, Some(length), None, Some(&classes)).unwrap()
    }

    #[test]
    fn every_value_is_new() {
        for kind in Recipe::KINDS.iter().filter(|kind| **kind != "rsa") {
            let values: BTreeSet<_> = (0..50).map(|_| text(&recipe(kind))).collect();
            assert_eq!(values.len(), 50, "{kind}");
        }
    }

    #[test]
    fn bytes_have_their_length_and_form() {
        for bytes in [8, 9, 10, 31, 4096] {
            let sized = |kind| Recipe::new(kind, Some(bytes), None, None, None).unwrap();
            let bytes = usize::try_from(bytes).unwrap();
            let hex = text(&sized("hex"));
            assert!(hex.len() == bytes * 2 && Kind::Hex.accepts(&hex) && hex == hex.to_lowercase());
            let base64 = text(&sized("base64"));
            assert!(base64.len() == bytes.div_ceil(3) * 4 && Kind::Base64.accepts(&base64));
            let decoded = URL_SAFE_NO_PAD.decode(text(&sized("base64url")));
            assert_eq!(decoded.unwrap().len(), bytes);
        }
    }

    #[test]
    fn hex_digits_are_those_of_the_bytes() {
        assert_eq!(super::hex(&[0x00, 0x9a, 0xff, 0x1f]).expose(), b"009aff1f");
    }

    #[test]
    fn passwords_hold_every_class() {
        let all = ["lower", "upper", "digit", "symbol"];
        for (length, names) in
            [(8, &all[..]), (24, &all[..]), (8, &["digit"]), (8, &["symbol"]), (9, &["upper", "symbol"])]
        {
            for _ in 0..100 {
                let value = text(&password(length, names));
                assert_eq!(i64::try_from(value.len()), Ok(length));
                assert!(!value.starts_with(['-', '~']), "{value}");
                for class in Class::ALL {
                    let found = value.contains(|letter| class.alphabet().contains(letter));
                    assert_eq!(found, names.contains(&class.name()), "{value}");
                }
                assert!(Kind::Url.accepts(&format!("redis://user:{value}@h/0")));
            }
        }
    }

    #[test]
    fn alphanumeric_is_letters_and_digits() {
        let value = text(&Recipe::Alphanumeric { length: 4096 });
        assert_eq!(value.len(), 4096);
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let seen: BTreeSet<_> = value.bytes().collect();
        assert_eq!(seen.len(), 62);
    }

    #[test]
    fn no_character_is_favoured() {
        // A remainder of a byte would give each of the first 6 of 10 digits 26 chances in 256, the others 25.
        let count = 400_000;
        let drawn = draw(b"0123456789", count).unwrap();
        let low = drawn.iter().filter(|byte| **byte < b'6').count();
        // 240,000 expected, standard deviation 310; the biased draw gives 243,750.
        assert!((238_000..242_000).contains(&low), "{low}");
    }

    #[test]
    fn uuid_is_version_4() {
        for _ in 0..20 {
            let value = text(&Recipe::Uuid);
            assert!(Kind::Uuid.accepts(&value));
            assert_eq!(value.as_bytes().get(14), Some(&b'4'));
            assert!(value.as_bytes().get(19).is_some_and(|digit| b"89ab".contains(digit)));
        }
    }

    #[test]
    fn ed25519_reads_back() {
        let pem = text(&Recipe::Ed25519);
        assert!(Kind::Pem.accepts(&pem) && pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert!(pem.ends_with("-----END PRIVATE KEY-----\n") && !pem.contains('\r'));
        assert!(SigningKey::from_pkcs8_pem(&pem).is_ok());
        // 48 bytes are version 1, without the public key.
        assert_eq!(pem.lines().nth(1).map(str::len), Some(64));
        assert_eq!(pem.lines().count(), 3);
    }

    #[test]
    fn rsa_reads_back() {
        let pem = text(&Recipe::Rsa { bits: 2048 });
        assert!(Kind::Pem.accepts(&pem) && pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let key = rsa::RsaPrivateKey::from_pkcs8_pem(&pem).unwrap();
        assert_eq!(key.size() * 8, 2048);
        assert!(key.validate().is_ok());
    }
}
