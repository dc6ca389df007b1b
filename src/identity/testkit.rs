//! The test vectors of the age format (tests/testkit), opened as this program opens files: exact class, exact payload.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::file::{Content, Key, parse};
use super::testing::{NoKeyring, Script};
use super::unwrap::{Refusal, dearmor, unwrap};
use super::{Identities, OpenProblem, Plugins, source};
use crate::process::EnvSnapshot;
use crate::secret::Secret;

/// More than any vector holds, in bytes.
const CAP: usize = 32 << 20;

/// A vector: its fields, each with all its values, and the file.
struct Vector {
    fields: BTreeMap<String, Vec<String>>,
    file: Vec<u8>,
}

impl Vector {
    fn read(path: &std::path::Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in std::str::from_utf8(&bytes[..split]).unwrap().lines() {
            let (name, value) = line.split_once(": ").unwrap();
            fields.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        let mut file = bytes[split + 2..].to_vec();
        if fields.contains_key("compressed") {
            file = miniz_oxide::inflate::decompress_to_vec_zlib(&file).unwrap();
        }
        Self { fields, file }
    }

    fn all(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    fn expected(&self) -> &str {
        &self.all("expect")[0]
    }

    /// The class of what comes of it, and the payload.
    fn outcome(&self) -> (&'static str, Option<Secret>) {
        let binary = if self.all("armored") == ["yes"] { dearmor(&self.file) } else { Some(self.file.clone()) };
        let Some(binary) = binary else { return ("armor failure", None) };
        let identities = self.all("identity").join("\n");
        let result = match self.all("passphrase") {
            [] => {
                let keys = match parse(identities.as_bytes()) {
                    Ok(Content::Keys(keys)) => keys,
                    _ => vec![Key::Native(age::x25519::Identity::generate())],
                };
                let keys = keys.iter().map(|key| match key {
                    Key::Native(key) => key as &dyn age::Identity,
                    _ => panic!("vectors have native identities"),
                });
                unwrap(&binary, &keys.collect::<Vec<_>>(), CAP)
            }
            [passphrase, ..] => {
                let mut identity = age::scrypt::Identity::new(passphrase.as_str().into());
                identity.set_max_work_factor(22);
                unwrap(&binary, &[&identity], CAP)
            }
        };
        if self.all("passphrase").is_empty() {
            agrees(&binary, &identities, result.as_ref());
        }
        match result {
            Ok(payload) => ("success", Some(payload)),
            Err(refusal) => (class(refusal), None),
        }
    }
}

fn class(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NoMatch | Refusal::Stanza => "no match",
        Refusal::Header | Refusal::Work => "header failure",
        Refusal::Mac => "HMAC failure",
        Refusal::Payload => "payload failure",
        Refusal::TooLarge | Refusal::Plugin => panic!("{refusal:?} is no outcome of a vector"),
    }
}

/// The same through the whole of it, as a command opens an environment.
fn agrees(binary: &[u8], identities: &str, expected: Result<&Secret, &Refusal>) {
    if identities.is_empty() {
        return;
    }
    let environment = EnvSnapshot::from_pairs([("ENVCTL_IDENTITY".into(), identities.into())]);
    let sources = source::places(&environment, None);
    let ask = Arc::new(Script::nobody());
    let mut all = Identities::over(sources, Plugins::new(&environment), ask, Box::new(NoKeyring));
    match (all.open_up_to(binary, &[], CAP), expected) {
        (Ok(payload), Ok(expected)) => assert!(payload.same_bytes(expected)),
        (Err(error), Err(Refusal::NoMatch)) => assert_eq!(error.problem(), OpenProblem::NoneOpens),
        (Err(error), Err(_)) => assert_eq!(error.problem(), OpenProblem::Damaged),
        (opened, expected) => panic!("{opened:?}, not {expected:?}"),
    }
}

#[test]
fn every_vector_has_its_outcome() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testkit");
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "README.md" {
            continue;
        }
        let vector = Vector::read(&path);
        let (class, payload) = vector.outcome();
        if class != vector.expected() {
            wrong.push(format!("{name}: {class}, not {}", vector.expected()));
        } else if let Some(payload) = payload {
            let digest = format!("{:x}", Sha256::digest(payload.expose()));
            assert_eq!([digest].as_slice(), vector.all("payload"), "{name}");
        }
        *classes.entry(class.to_owned()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: usize = classes.values().sum();
    assert_eq!((all, classes["success"]), (123, 20), "{classes:?}");
}
