//! The leak scanner: looks for known secrets in bytes, in every form in which they get out by accident.

use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use regex::bytes::RegexSet;
use sha2::{Digest, Sha256};

/// What every generated canary begins with; never a secret by itself.
pub(crate) const PREFIX: &str = "CANARY-";
/// The shortest random part that can be told from other text.
pub(crate) const SHORTEST: usize = 16;
/// A part of the random part that is this long counts as a leak.
const PART: usize = 8;

/// A new value that occurs nowhere else: [`PREFIX`] and 32 hex digits.
pub(crate) fn fresh() -> String {
    let word = || RandomState::new().hash_one(0);
    format!("{PREFIX}{:016x}{:016x}", word(), word())
}

/// One secret with all its forms.
#[derive(Debug)]
pub(crate) struct Canary {
    name: String,
    labels: Vec<&'static str>,
    forms: RegexSet,
}

impl Canary {
    /// Prepares the search. The random part is what follows [`PREFIX`], else the whole value.
    pub(crate) fn new(name: &str, value: &str) -> Self {
        let random = value.strip_prefix(PREFIX).unwrap_or(value);
        assert!(random.len() >= SHORTEST, "{name}: a canary needs {SHORTEST} random characters");
        let forms = forms(value, random);
        let patterns = forms.iter().map(|(_, form)| literal(form));
        Self {
            name: name.to_owned(),
            labels: forms.iter().map(|(label, _)| *label).collect(),
            forms: RegexSet::new(patterns).expect("literals"),
        }
    }

    /// The forms found in `bytes`, as `NAME as form`, each once.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<String> {
        let found = self.forms.matches(bytes);
        let mut found: Vec<_> = found.iter().map(|index| format!("{} as {}", self.name, self.labels[index])).collect();
        found.dedup();
        found
    }
}

/// A pattern that matches these bytes and nothing else.
fn literal(bytes: &[u8]) -> String {
    let hex = bytes.iter().map(|byte| format!("\\x{byte:02x}"));
    format!("(?-u){}", hex.collect::<String>())
}

/// Every form that is looked for, same labels beside each other.
fn forms(value: &str, random: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let json = serde_json::to_string(value).expect("text");
    let hash = Sha256::digest(bytes);
    let mut forms: Vec<(&'static str, Vec<u8>)> = vec![
        ("itself", bytes.to_vec()),
        ("itself, reversed", bytes.iter().rev().copied().collect()),
        ("hex", hex(bytes).into_bytes()),
        ("hex", hex(bytes).to_uppercase().into_bytes()),
        ("percent-encoding", percent(bytes, |_| true)),
        ("percent-encoding", percent(bytes, |_| true).to_ascii_lowercase()),
        ("percent-encoding", percent(bytes, |byte| !unreserved(byte))),
        ("JSON", json.trim_matches('"').as_bytes().to_vec()),
        ("SHA-256", hex(&hash).into_bytes()),
        ("SHA-256", hex(&hash).to_uppercase().into_bytes()),
        ("SHA-256", STANDARD_NO_PAD.encode(hash).into_bytes()),
        ("SHA-256", URL_SAFE_NO_PAD.encode(hash).into_bytes()),
    ];
    for shift in 0..3 {
        forms.push(("base64", shifted(&STANDARD_NO_PAD, bytes, shift)));
        forms.push(("base64", shifted(&URL_SAFE_NO_PAD, bytes, shift)));
    }
    for part in random.as_bytes().windows(PART) {
        forms.push(("a part", part.to_vec()));
        forms.push(("a part", part.to_ascii_uppercase()));
    }
    forms
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn percent(bytes: &[u8], encoded: impl Fn(u8) -> bool) -> Vec<u8> {
    let form = |byte: &u8| {
        if encoded(*byte) { format!("%{byte:02X}").into_bytes() } else { vec![*byte] }
    };
    bytes.iter().flat_map(form).collect()
}

/// The characters of a base64 text that come from `bytes` alone when `shift` other bytes stand before them.
fn shifted(engine: &impl Engine, bytes: &[u8], shift: usize) -> Vec<u8> {
    let text = engine.encode([vec![0; shift], bytes.to_vec()].concat());
    let first = (shift * 8).div_ceil(6);
    let last = (shift + bytes.len()) * 8 / 6;
    text.as_bytes()[first..last].to_vec()
}

#[test]
fn every_form_is_found() {
    let value = "CANARY-0a1b2c3d4e5f60718293a4b5c6d7e8f9 \"ü\n";
    let canary = Canary::new("KEY", value);
    let around = |text: String| format!("some text {text} and more").into_bytes();
    let rest_of_base64 = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{value}after"));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("itself", around(value.to_owned())),
        ("itself, reversed", value.bytes().rev().collect()),
        ("hex", around(hex(value.as_bytes()))),
        ("hex", around(hex(value.as_bytes()).to_uppercase())),
        ("percent-encoding", around("CANARY-0a1b2c3d4e5f60718293a4b5c6d7e8f9%20%22%C3%BC%0A".to_owned())),
        ("JSON", around(r#""CANARY-0a1b2c3d4e5f60718293a4b5c6d7e8f9 \"ü\n""#.to_owned())),
        ("SHA-256", around(hex(&Sha256::digest(value)))),
        ("SHA-256", around(STANDARD_NO_PAD.encode(Sha256::digest(value)))),
        ("base64", around(rest_of_base64(""))),
        ("base64", around(rest_of_base64("x"))),
        ("base64", around(rest_of_base64("xy"))),
        ("base64", around(URL_SAFE_NO_PAD.encode(format!("xyz??>{value}")))),
        ("a part", around("5f607182".to_owned())),
        ("a part", around("5F607182".to_owned())),
    ];
    for (label, bytes) in cases {
        let found = canary.find(&bytes);
        assert!(found.contains(&format!("KEY as {label}")), "{label}: {found:?}");
    }
    for clean in ["", "CANARY-", "0a1b2c3", "•••••"] {
        assert!(canary.find(clean.as_bytes()).is_empty(), "{clean}");
    }
    assert_ne!(fresh(), fresh());
}
