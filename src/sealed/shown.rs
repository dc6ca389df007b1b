//! An environment as `git diff` shows it: a changed secret can be seen, and nothing of its value. Needs no key.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::layout::{Found, Layout, Line, layout};
use super::{SealedFile, base64, is_entry, read, write};
use crate::diagnostic::Diagnostics;
use crate::document;
use crate::patch::Patches;
use crate::source::SourceMap;

/// What stands in for something that might be a secret.
const DOTS: &str = "•••••";
/// How much of the wrapped key's digest is shown, in bytes.
const DIGEST: usize = 4;

/// The text with its sealed part in words. What is no TOML is shown line by line without its values.
pub fn shown(text: &str) -> String {
    match layout(text) {
        Found::Usual(layout) => usual(text, &layout),
        Found::Unusual => unusual(text).unwrap_or_else(|| masked(text)),
        Found::Nothing => masked(text),
    }
}

fn usual(text: &str, layout: &Layout) -> String {
    let mut patches = Patches::new(text);
    for line in layout.secrets.iter().flat_map(|table| &table.lines) {
        patches.replace(line.value.clone(), &entry_of(text, line).unwrap_or_else(|| DOTS.to_owned()));
    }
    for line in layout.seal.iter().flat_map(|(seal, _)| &seal.lines) {
        let value = text.get(line.value.clone()).unwrap_or("");
        match line.name.as_str() {
            "key" => patches.replace(line.value.clone(), &wrapped(value)),
            // It changes with everything else.
            "mac" => patches.remove_lines(line.key.start..line.value.end),
            "lineage" => patches.replace(line.value.clone(), value.trim_matches(['"', '\'']).get(..8).unwrap_or(DOTS)),
            "format" | "project" | "environment" | "protected" | "generation" | "revision" => {}
            _ => patches.replace(line.value.clone(), DOTS),
        }
    }
    patches.apply()
}

fn entry_of(text: &str, line: &Line) -> Option<String> {
    let part = |key: &str| {
        let (_, range) = line.inner.iter().find(|(name, _)| name == key)?;
        text.get(range.clone())
    };
    let number = |text: &&str| text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    let day = |text: &&str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let sealed = base64::decode(part("enc")?.trim_matches(['"', '\'']))?;
    entry(&sealed, part("since").filter(number)?, part("rotated").filter(day)?)
}

/// The nonce changes with the value and tells nothing of it: it is random.
fn entry(sealed: &[u8], since: &str, rotated: &str) -> Option<String> {
    let nonce = base64::encode(sealed.get(1..7)?);
    Some(format!("sealed, since {since}, rotated {rotated}, nonce {nonce}"))
}

/// The wrapped key, which changes when recipients or the key do.
fn wrapped(literal: &str) -> String {
    let armored = literal.trim_matches(['"', '\'']);
    super::armor::dearmor(armored).map_or_else(|| DOTS.to_owned(), |binary| digest(&binary))
}

fn digest(age_file: &[u8]) -> String {
    let hex =
        Sha256::digest(age_file).iter().take(DIGEST).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("wrapped, digest {hex}")
}

/// Another spelling of the tables: cleartext as it is, then the sealed part in the usual form.
fn unusual(text: &str) -> Option<String> {
    let source = SourceMap::default().add_masked("", "");
    let mut problems = Diagnostics::default();
    let parsed = document::parse(text, source, &mut problems)?;
    let root = document::root(&parsed, source);
    let environment = root.get("seal")?.table()?.get("environment")?.text()?;
    let (file, _) = read(&root, environment, text, &mut problems)?;
    Some(format!("{}\n{}", write::without_sealed(text)?.trim_end(), summary(&file)))
}

fn summary(file: &SealedFile) -> String {
    let mut text = String::from("\n[secrets]\n");
    for (name, found) in &file.entries {
        let found = entry(&found.sealed, &found.since.to_string(), &found.rotated);
        let _ = writeln!(text, "{name} = {}\n", found.as_deref().unwrap_or(DOTS));
    }
    let SealedFile { generation, revision, protected, .. } = file;
    let key = digest(&file.age_file);
    let _ = writeln!(
        text,
        "[seal]\nprotected = {protected}\ngeneration = {generation}\nkey = {key}\nrevision = {revision}"
    );
    text.push_str("\n[seal.recipients]\n");
    for (name, key) in &file.recipients {
        let _ = writeln!(text, "{name} = \"{key}\"");
    }
    text
}

/// Headers, names and git's markers; of everything else that it is there.
fn masked(text: &str) -> String {
    let mut masked = String::from("# envctl: this is no TOML, so no value of it is shown\n");
    for line in text.lines() {
        let bare = line.trim();
        let is_marker = ["<<<<<<< ", "|||||||", "=======", ">>>>>>> "].iter().any(|mark| line.starts_with(mark));
        let plain = |name: &str| name.split('.').all(crate::name::is_word);
        let header = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|name| plain(name));
        let name = line.split_once(" = ").map(|(name, _)| name).filter(|name| is_entry(name) || plain(name));
        match (is_marker, header, name) {
            (true, ..) => masked.push_str(bare.get(..7).unwrap_or("")),
            (_, Some(_), _) => masked.push_str(bare),
            (_, _, Some(name)) => {
                let _ = write!(masked, "{name} = {DOTS}");
            }
            _ if bare.is_empty() => {}
            _ => masked.push_str(DOTS),
        }
        masked.push('\n');
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::shown;

    const ENC: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGQAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_sealed_entry_shows_when_and_a_part_of_its_nonce() {
        let text = format!(
            "[values]\nA = 1 # note\n\n[secrets]\n# why\nB = {{ enc = \"{ENC}\", since = 2, rotated = 2026-11-21 }}\n\nC = \"pasted by mistake\"\n"
        );
        let told = shown(&text);
        assert_eq!(
            told,
            "[values]\nA = 1 # note\n\n[secrets]\n# why\nB = sealed, since 2, rotated 2026-11-21, nonce AgMEBQYH\n\nC = •••••\n"
        );
    }

    #[test]
    fn of_the_seal_what_a_reviewer_can_use() {
        let armored = crate::sealed::armor::armor(&[1, 2, 3]);
        let text = format!(
            "[seal]\nformat = 1\ngeneration = 2\nkey = \"\"\"\n{armored}\"\"\"\nlineage = \"ABCDEFGHIJ\"\nrevision = 3\nmac = \"x\"\nodd = \"pasted\"\n\n[seal.recipients]\nalice = \"age1x\"\n"
        );
        let told = shown(&text);
        let wanted = "[seal]\nformat = 1\ngeneration = 2\nkey = wrapped, digest 039058c6\nlineage = ABCDEFGH\nrevision = 3\nodd = •••••\n\n[seal.recipients]\nalice = \"age1x\"\n";
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_is_no_toml_shows_no_value() {
        let text = "[values]\nA = hunter2\nhunter2\n# hunter2\nhunter2=\n<<<<<<< hunter2\nB-next = hunter2\n=======\n\n[hun ter2]\n";
        let told = shown(text);
        assert!(!told.contains("hunter2"), "{told}");
        let wanted = "[values]\nA = •••••\n•••••\n•••••\n•••••\n<<<<<<<\nB-next = •••••\n=======\n\n•••••\n";
        assert_eq!(told.split_once('\n').unwrap().1, wanted);
        assert!(!shown("secrets = { A = { enc = \"hunter2\" } }\n").contains("hunter2"));
    }
}
