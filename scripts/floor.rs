//! The least that a program has to do to start another one with sealed secrets: read the TOML, unwrap one age file, open
//! every value, `execve`. No schema, no seal, no checks. `scripts/bench` measures envctl against it.
//!
//!     floor ENVIRONMENT.toml IDENTITY.txt PROGRAM

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;

#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measuring rod for files that the bench makes itself"
)]
fn main() {
    let arguments: Vec<_> = std::env::args_os().collect();
    let text = std::fs::read_to_string(&arguments[1]).unwrap();
    let document = toml::de::DeTable::parse(&text).unwrap().into_inner();
    let seal = document["seal"].get_ref().as_table().unwrap();
    let word = |key: &str| seal[key].get_ref().as_str().unwrap().as_bytes();
    let lines = std::fs::read_to_string(&arguments[2]).unwrap();
    let identity = lines.lines().find_map(|line| line.parse::<age::x25519::Identity>().ok()).unwrap();
    let reader = age::armor::ArmoredReader::new(word("key"));
    let mut reader = age::Decryptor::new_buffered(reader)
        .unwrap()
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .unwrap();
    let mut payload = String::new();
    reader.read_to_string(&mut payload).unwrap();
    let key = STANDARD_NO_PAD.decode(payload.trim_end().rsplit(' ').next().unwrap()).unwrap();
    let mut command = std::process::Command::new(&arguments[3]);
    for (name, entry) in document["secrets"].get_ref().as_table().unwrap() {
        let enc = entry.get_ref().as_table().unwrap()["enc"].get_ref().as_str().unwrap();
        let raw = STANDARD_NO_PAD.decode(enc).unwrap();
        let name = name.get_ref();
        let mut value_key = [0; 32];
        Hkdf::<Sha256>::new(Some(&raw[1..25]), &key).expand(b"envctl/value/v1", &mut value_key).unwrap();
        let mut aad = b"envctl/value/v1\0".to_vec();
        for part in [word("project"), word("environment"), name.as_bytes()] {
            aad.extend_from_slice(&u32::try_from(part.len()).unwrap().to_be_bytes());
            aad.extend_from_slice(part);
        }
        let cipher = ChaCha20Poly1305::new(&value_key.into());
        let plain = cipher.decrypt(&Nonce::default(), Payload { msg: &raw[25..], aad: &aad }).unwrap();
        let end = plain.iter().rposition(|byte| *byte == 0x80).unwrap();
        command.env(&**name, std::str::from_utf8(&plain[..end]).unwrap());
    }
    // Returns only if it was not started.
    drop(command.exec());
}
