//! Looks into a binary age file without opening it: which kinds of key it was made for (C2SP age.md, version 1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// One recipient's part of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// For what kind of key.
    pub kind: StanzaKind,
}

/// The kinds of stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StanzaKind {
    /// An X25519 recipient; which one cannot be seen.
    X25519,
    /// An ssh-ed25519 key.
    SshEd25519 {
        /// The first four bytes of SHA-256 over the public key in SSH's form.
        tag: [u8; 4],
    },
    /// An ssh-rsa key.
    SshRsa,
    /// A passphrase.
    Scrypt,
    /// Any other, by its name: of a plugin, or newer than this program.
    Other(String),
}

/// What a sequence of 64 characters of base64 holds.
const LINE: usize = 64;
/// The nonce of the payload, in bytes.
const NONCE: usize = 16;

/// The stanzas of a binary age file in their order, without those that only keep readers flexible (`…-grease`).
///
/// Nothing if the file is not of the format: a header as the specification writes it, byte for byte, and behind it the
/// nonce of the payload. Whether the header's MAC is right cannot be seen without a key.
pub fn stanzas(binary: &[u8]) -> Option<Vec<Stanza>> {
    let mut rest = binary.strip_prefix(b"age-encryption.org/v1\n")?;
    let mut found = Vec::new();
    let mut scrypt = false;
    let mut count = 0_usize;
    loop {
        let (line, after) = line(rest)?;
        rest = after;
        if let Some(mac) = line.strip_prefix(b"--- ") {
            let whole = decoded(mac).is_some_and(|mac| mac.len() == 32) && rest.len() >= NONCE;
            // A passphrase stands alone, or else somebody could be made to share what he meant for himself.
            return (whole && count > 0 && (!scrypt || count == 1)).then_some(found);
        }
        let arguments = line.strip_prefix(b"-> ")?;
        let words: Vec<&str> = arguments.split(|byte| *byte == b' ').map(word).collect::<Option<_>>()?;
        let body = body(&mut rest)?;
        let (name, arguments) = words.split_first()?;
        count += 1;
        if name.ends_with("-grease") {
            continue;
        }
        let kind = kind(name, arguments, body)?;
        scrypt |= kind == StanzaKind::Scrypt;
        found.push(Stanza { kind });
    }
}

/// The text up to the next newline, and what is behind it.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// An argument: one or more visible characters.
fn word(bytes: &[u8]) -> Option<&str> {
    let visible = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(bytes).ok().filter(|_| visible)
}

/// Takes a stanza's body off: full lines and one that is shorter, be it empty. Gives its length in bytes.
fn body(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let (line, after) = line(rest)?;
        *rest = after;
        length += decoded(line)?.len();
        if line.len() < LINE {
            return Some(length);
        }
    }
}

/// Canonical base64 without padding, of one line.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    (text.len() <= LINE).then_some(())?;
    STANDARD_NO_PAD.decode(text).ok()
}

/// The kind of a stanza; nothing if a known kind has another shape than the specification gives it.
fn kind(name: &str, arguments: &[&str], body: usize) -> Option<StanzaKind> {
    let bytes = |text: &str| decoded(text.as_bytes());
    match (name, arguments) {
        ("X25519", [share]) if bytes(share)?.len() == 32 && body == 32 => Some(StanzaKind::X25519),
        ("ssh-ed25519", [tag, share]) if bytes(share)?.len() == 32 && body == 32 => {
            Some(StanzaKind::SshEd25519 { tag: bytes(tag)?.try_into().ok()? })
        }
        ("ssh-rsa", [tag]) if bytes(tag)?.len() == 4 => Some(StanzaKind::SshRsa),
        ("scrypt", [salt, work]) if bytes(salt)?.len() == 16 && body == 32 => {
            let canonical = !work.starts_with('0') && work.len() <= 2 && work.bytes().all(|byte| byte.is_ascii_digit());
            canonical.then_some(StanzaKind::Scrypt)
        }
        ("X25519" | "ssh-ed25519" | "ssh-rsa" | "scrypt", _) => None,
        _ => Some(StanzaKind::Other(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{StanzaKind as Kind, stanzas};
    use proptest::prelude::*;

    const SHARE: &str = "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc";
    const MAC: &str = "--- WyJp9F/9FOZh7gJdheq2WIJcwHgYc8NIVh3ddwhrcNg\n";

    /// A file with these stanzas.
    fn file(stanzas: &str) -> Vec<u8> {
        let mut file = format!("age-encryption.org/v1\n{stanzas}{MAC}").into_bytes();
        file.extend([0; 16]);
        file
    }

    fn kinds(file: &[u8]) -> Option<Vec<Kind>> {
        Some(stanzas(file)?.into_iter().map(|stanza| stanza.kind).collect())
    }

    #[test]
    fn names_the_kinds_of_stanzas() {
        let x25519 = format!("-> X25519 {SHARE}\n{SHARE}\n");
        let ssh = format!("-> ssh-ed25519 Xyg06A {SHARE}\n{SHARE}\n");
        let full = "A".repeat(64);
        for (text, expected) in [
            (x25519.clone(), vec![Kind::X25519]),
            (ssh.clone(), vec![Kind::SshEd25519 { tag: [0x5f, 0x28, 0x34, 0xe8] }]),
            (format!("-> ssh-rsa Xyg06A\n{full}\n\n"), vec![Kind::SshRsa]),
            (format!("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n{SHARE}\n"), vec![Kind::Scrypt]),
            (format!("-> x25519 a b\n\n-> tag-grease\n{full}\nAA\n"), vec![Kind::Other("x25519".to_owned())]),
            (
                format!("-> a-grease\n\n{x25519}{ssh}"),
                vec![Kind::X25519, Kind::SshEd25519 { tag: [0x5f, 0x28, 0x34, 0xe8] }],
            ),
            ("-> only-grease\n\n".to_owned(), vec![]),
        ] {
            assert_eq!(kinds(&file(&text)), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_other_spellings() {
        let x25519 = format!("-> X25519 {SHARE}\n{SHARE}\n");
        let full = "A".repeat(64);
        let wrong = [
            String::new(),
            x25519.replace("-> ", "->"),
            x25519.replace("-> ", "->  "),
            x25519.replace("X25519 ", "X25519  "),
            x25519.replace('\n', "\r\n"),
            x25519.replace("X25519 ", "X25519 a "),
            format!("-> X25519 {SHARE}\n{SHARE}="),
            format!("-> X25519 {SHARE}\n{}\n", SHARE.replace("OCc", "OCd")),
            format!("-> X25519 {SHARE}\nAA\n"),
            format!("-> X25519 AA\n{SHARE}\n"),
            format!("-> other\n{full}\n"),
            format!("-> other\n{full}A\n\n"),
            "-> other é\n\n".to_owned(),
            "-> other\nA\n".to_owned(),
            "-> other \n\n".to_owned(),
            "-> \n\n".to_owned(),
            format!("-> ssh-ed25519 {SHARE}\n{SHARE}\n"),
            format!("-> ssh-ed25519 AAAA {SHARE}\n{SHARE}\n"),
            format!("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 018\n{SHARE}\n"),
            format!("-> scrypt AAAAAAAAAAAAAAAAAAAAAA +8\n{SHARE}\n"),
            format!("{x25519}-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n{SHARE}\n"),
        ];
        for text in wrong {
            assert_eq!(stanzas(&file(&text)), None, "{text}");
        }
        let good = file(&x25519);
        assert!(stanzas(&good).is_some());
        for length in 0..good.len() {
            assert_eq!(stanzas(&good[..length]), None, "cut at {length}");
        }
        assert_eq!(stanzas(&String::from_utf8(good).unwrap().replace("/v1\n", "/v2\n").into_bytes()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn never_panics(
            parts in proptest::collection::vec("(-> X25519|---|\n|[ -~]{0,3}|[A-Za-z]{64})", 0..20),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut whole = b"age-encryption.org/v1\n".to_vec();
            whole.extend(parts.concat().into_bytes());
            whole.extend(&bytes);
            let _ = stanzas(&whole);
            let _ = stanzas(&bytes);
        }
    }
}
