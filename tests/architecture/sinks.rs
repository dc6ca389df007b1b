//! Where the bytes of a secret are taken out: every use of `expose` in `src/`, reviewed as a boundary.

use std::collections::BTreeMap;

use regex::Regex;

use crate::tree::sources;

/// File, number of uses outside of tests, and what the bytes are needed for. Add a row only with a reason that
/// says where the bytes go; a use that can be written without it should be.
const SINKS: &[(&str, usize, &str)] = &[
    ("cli/get.rs", 1, "to the private file that `get -o` names"),
    ("cli/keygen.rs", 1, "to the private file of a new identity"),
    ("cli/set.rs", 1, "a value that no schema calls secret, written in clear"),
    ("identity/ask.rs", 1, "a passphrase, handed to the age library"),
    ("identity/attempt.rs", 1, "a passphrase, handed to the age library"),
    ("identity/keyring.rs", 1, "an identity, kept in the keyring"),
    ("identity/make.rs", 1, "an identity, encrypted with a passphrase"),
    ("identity/source.rs", 2, "an identity, parsed by the age library"),
    ("identity/wrap.rs", 1, "the data key, encrypted by the age library"),
    ("sealed/key.rs", 5, "the data key into key derivation; a value into its ciphertext"),
    ("backend/local.rs", 2, "to keep a value in the local store of this user"),
    (
        "inject.rs",
        4,
        "into the environment block, or the sealed memory file, of the command that is started; the search for NUL before",
    ),
    ("render/mod.rs", 1, "handed to the format, whose text is a secret again"),
    ("store/private_dir.rs", 1, "into a file in memory, for the editor or program that has to read one"),
    ("terminal.rs", 1, "the one door to standard output, for `render`"),
    ("validate/compose.rs", 2, "into a value that is made from it, which is a secret again"),
    ("view/mod.rs", 4, "into the text that is edited, which is a secret again"),
    ("view/read.rs", 3, "the edited text, parsed; what comes of it has no secret in it but secrets"),
    ("view/spell.rs", 2, "into the text that is edited, which is a secret again"),
    ("validate/mod.rs", 2, "held against the schema; findings quote nothing"),
];

#[test]
fn every_use_of_expose_is_in_the_table() {
    let uses = Regex::new(r"\bexpose\b").unwrap();
    let definition = Regex::new(r"\bfn\s+expose\b").unwrap();
    let mut found = BTreeMap::new();
    for file in sources() {
        let count = uses.find_iter(&file.production).count() - definition.find_iter(&file.production).count();
        if count > 0 {
            found.insert(file.path, count);
        }
    }
    let mut findings = Vec::new();
    for (path, allowed, why) in SINKS {
        assert!(!why.is_empty(), "{path}: say why");
        let real = found.remove(*path).unwrap_or(0);
        if real != *allowed {
            findings.push(format!("src/{path}: {real} uses of `expose`, the table says {allowed}"));
        }
    }
    let unlisted = found.iter().map(|(path, count)| format!("not in the table: (\"{path}\", {count}, \"\"),"));
    findings.extend(unlisted);
    crate::report("places that take a secret's bytes", &findings);
}
