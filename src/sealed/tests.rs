//! Known answers of the format, made by an independent implementation, and properties.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{DataKey, Place, SealedEntry, SealedFile, base64, rewrite};
use crate::diagnostic::Diagnostics;
use crate::secret::Secret;
use crate::source::SourceMap;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/sealed.json")).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2).unwrap(), 16).unwrap()).collect()
}

fn key_of(value: &Value) -> DataKey {
    DataKey::new(&Zeroizing::new(unhex(value).try_into().unwrap()))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap()
}

#[test]
fn values_seal_and_open_to_the_known_answers() {
    let all = vectors();
    let key = key_of(&all["data_key"]);
    assert_eq!(key.fingerprint(), text(&all, "fingerprint"));
    let cases = all["values"].as_array().unwrap();
    assert_eq!(cases.len(), 16);
    for case in cases {
        let place =
            Place { project: text(&all, "project"), environment: text(&all, "environment"), name: text(case, "name") };
        let value = Secret::new(unhex(&case["value"]));
        let sealed = key.seal(place, &value, &unhex(&case["nonce"]).try_into().unwrap()).unwrap();
        assert_eq!(base64::encode(&sealed), text(case, "enc"), "{}", place.name);
        assert!(key.open(place, &sealed).unwrap().same_bytes(&value), "{}", place.name);
    }
}

#[test]
fn what_was_changed_does_not_open() {
    let all = vectors();
    let key = key_of(&all["data_key"]);
    let cases = all["reject"].as_array().unwrap();
    assert!(cases.len() >= 16);
    for case in cases {
        let place =
            Place { project: text(case, "project"), environment: text(case, "environment"), name: text(case, "name") };
        let opened = base64::decode(text(case, "enc")).and_then(|sealed| key.open(place, &sealed));
        assert!(opened.is_none(), "{}", text(case, "why"));
    }
}

fn known_file(all: &Value) -> SealedFile {
    let (seal, document) = (&all["seal"], &all["seal"]["document"]);
    let header = &document["seal"];
    let entry = |(name, entry): (&String, &Value)| {
        let sealed = base64::decode(text(entry, "enc")).unwrap();
        let entry =
            SealedEntry { sealed, since: entry["since"].as_u64().unwrap(), rotated: text(entry, "rotated").to_owned() };
        (name.clone(), entry)
    };
    let recipients = header["recipients"].as_object().unwrap().iter();
    SealedFile {
        project: text(header, "project").to_owned(),
        environment: text(header, "environment").to_owned(),
        protected: header["protected"].as_bool().unwrap(),
        generation: header["generation"].as_u64().unwrap(),
        revision: header["revision"].as_u64().unwrap(),
        age_file: unhex(&seal["age_file"]),
        lineage: Some(text(header, "lineage").to_owned()),
        mac: text(seal, "mac").to_owned(),
        recipients: recipients.map(|(name, key)| (name.clone(), key.as_str().unwrap().to_owned())).collect(),
        entries: document["secrets"].as_object().unwrap().iter().map(entry).collect(),
    }
}

#[test]
fn the_seal_is_the_known_answer() {
    let all = vectors();
    let (file, key) = (known_file(&all), key_of(&all["data_key"]));
    assert!(key.verifies(&file));
    assert_eq!(key.mac(&file), file.mac);
    let change = |change: fn(&mut SealedFile)| {
        let mut changed = file.clone();
        change(&mut changed);
        assert_ne!(changed, file);
        assert!(!key.verifies(&changed));
    };
    change(|file| file.revision += 1);
    change(|file| file.generation += 1);
    change(|file| file.protected = false);
    change(|file| file.project = "0".repeat(32));
    change(|file| file.environment = String::from("dev"));
    change(|file| file.lineage = None);
    change(|file| file.age_file.push(0));
    change(|file| file.mac.replace_range(..1, if file.mac.starts_with('A') { "B" } else { "A" }));
    change(|file| drop(file.entries.pop_first()));
    change(|file| file.entries.values_mut().for_each(|entry| entry.since = 1));
    change(|file| file.entries.values_mut().for_each(|entry| entry.rotated = String::from("2020-01-01")));
    change(|file| drop(file.recipients.insert(String::from("eve"), String::from("age1eve"))));
    change(|file| drop(file.recipients.pop_first()));
}

#[test]
fn lineage_is_the_known_answer() {
    let all = vectors();
    let (old, new) = (key_of(&all["data_key"]), key_of(&all["lineage"]["new_data_key"]));
    let generation = all["lineage"]["generation"].as_u64().unwrap();
    assert_eq!(old.lineage(generation, &new), text(&all["lineage"], "lineage"));
    assert_ne!(old.lineage(generation + 1, &new), text(&all["lineage"], "lineage"));
}

#[test]
fn the_payload_reads_back_and_nothing_else_is_one() {
    let key = DataKey::new(&Zeroizing::new([7; 32]));
    let payload = key.payload();
    assert!(DataKey::from_payload(&payload).unwrap().is_same(&key));
    let text = String::from_utf8(payload.expose().to_vec()).unwrap();
    assert_eq!(text, format!("envctl-data-key-1 {}\n", base64::encode(&[7; 32])));
    for wrong in [
        String::new(),
        text.replace('\n', ""),
        text.replace('\n', "\r\n"),
        text.replace("-1 ", "-2 "),
        format!("{text}\n"),
        format!("envctl-data-key-1 {}\n", base64::encode(&[7; 31])),
        format!("envctl-data-key-1 {}=\n", base64::encode(&[7; 32])),
    ] {
        assert!(DataKey::from_payload(&Secret::from_string(wrong.clone())).is_none(), "{wrong:?}");
    }
}

/// A sealed file of a key, with these values.
fn sealed(key: &DataKey, values: &[(&str, &[u8])]) -> SealedFile {
    let mut file = SealedFile {
        project: "ab".repeat(16),
        environment: String::from("dev"),
        protected: false,
        generation: 1,
        revision: 1,
        age_file: vec![3; 200],
        lineage: None,
        mac: String::new(),
        recipients: BTreeMap::from([(String::from("alice"), String::from("age1alice"))]),
        entries: BTreeMap::new(),
    };
    for (number, (name, value)) in (1..).zip(values) {
        let value = Secret::new(value.to_vec());
        let sealed = key.seal(file.place(name), &value, &[number; 24]).unwrap();
        let entry = SealedEntry { sealed, since: 1, rotated: String::from("2026-11-21") };
        file.entries.insert((*name).to_owned(), entry);
    }
    file.mac = key.mac(&file);
    file
}

/// What a text says, if it is well-formed.
fn reread(text: &str) -> Option<SealedFile> {
    let source = SourceMap::default().add_masked("", "");
    let mut problems = Diagnostics::default();
    let parsed = crate::document::parse(text, source, &mut problems)?;
    let root = crate::document::root(&parsed, source);
    let read = super::read(&root, "dev", text, &mut problems).map(|(file, _)| file);
    assert_eq!(read.is_none(), problems.has_errors());
    read
}

fn key() -> DataKey {
    DataKey::new(&Zeroizing::new([9; 32]))
}

#[test]
fn a_first_seal_is_written_in_the_usual_form() {
    let file = sealed(&key(), &[("A", b"1"), ("B", b"")]);
    for before in ["", "\u{feff}", "[values]\nX = 1\n", "[values]\r\nX = 1", "# note\n\n"] {
        let text = rewrite(before, &file).unwrap();
        assert!(text.starts_with(before), "{text}");
        assert_eq!(reread(text.trim_start_matches('\u{feff}')).unwrap(), file, "{text}");
        assert_eq!(text.contains('\r'), before.contains('\r'));
        assert_eq!(rewrite(&text, &file).unwrap(), text, "writing the same again changes nothing");
    }
    let text = rewrite("[values]\nX = 1\n", &file).unwrap();
    let keys: Vec<&str> = text.lines().map(|line| line.split([' ', '-']).next().unwrap()).collect();
    let mut expected = vec!["[values]", "X", "", "[secrets]", "A", "", "B", "", "[seal]", "format", "project"];
    expected.extend(["environment", "protected", "generation", "key"]);
    assert_eq!(keys[..expected.len()], expected);
}

#[test]
fn a_change_touches_its_own_lines_only() {
    let key = key();
    let old = sealed(&key, &[("A", b"1"), ("C", b"3")]);
    let text = rewrite("# top\n[values]\nX = 1 # x\n", &old).unwrap();
    let text = text.replace("A = {", "# about A\nA = {").replace(", since = 1, rotated", ",   since = 1, rotated");
    let mut new = sealed(&key, &[("A", b"1"), ("B", b"2"), ("C", b"other")]);
    new.entries.insert(String::from("A"), old.entries["A"].clone());
    new.revision = 2;
    new.mac = key.mac(&new);
    let changed = rewrite(&text, &new).unwrap();
    assert_eq!(reread(&changed).unwrap(), new);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(&text), lines(&changed));
    let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    let come: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert_eq!((gone.len(), come.len()), (3, 4), "{gone:?} {come:?}");
    assert!(come[0].starts_with("B = ") && come[1].starts_with("C = ") && come[1].contains(",   since"));
    assert!(come[2].starts_with("revision = 2") && come[3].starts_with("mac = "));
    // And back: the text is as it was.
    assert_eq!(rewrite(&changed, &old).unwrap(), text);
}

#[test]
fn other_spellings_are_read_and_the_usual_one_is_written() {
    let key = key();
    let file = sealed(&key, &[("A", b"1"), ("B-next", b"2")]);
    let usual = rewrite("extends = \"base\"\n", &file).unwrap();
    let entry = |name: &str| format!("{name} = {}", file.entries[name].text());
    let table = |name: &str| {
        let inner = file.entries[name].text().replace(", ", "\n");
        format!("[secrets.{name}]\n{}\n", inner.trim_start_matches("{ ").trim_end_matches(" }"))
    };
    let subtables =
        usual.replace("[secrets]\n", "").replace(&entry("A"), &table("A")).replace(&entry("B-next"), &table("B-next"));
    assert_ne!(subtables, usual);
    let dotted = usual.replace("[secrets]\n", "").replace(&entry("A"), "").replace(&entry("B-next"), "");
    let dotted = format!("secrets.{}\nsecrets.{}\n{dotted}", entry("A"), entry("B-next"));
    for text in [subtables, dotted] {
        assert_eq!(reread(&text).unwrap(), file, "{text}");
        let mut new = file.clone();
        new.revision = 2;
        new.mac = key.mac(&new);
        let written = rewrite(&text, &new).unwrap();
        assert_eq!(reread(&written).unwrap(), new, "{written}");
        assert!(written.contains("extends = \"base\"\n") && written.contains("[secrets]\nA = {"), "{written}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.min(10_000)))]

    #[test]
    fn any_bytes_read_back(value in proptest::collection::vec(any::<u8>(), 0..2000), nonce: [u8; 24]) {
        let (key, value) = (key(), Secret::new(value));
        let place = Place { project: "p", environment: "e", name: "N" };
        let sealed = key.seal(place, &value, &nonce).unwrap();
        prop_assert!(key.open(place, &sealed).unwrap().same_bytes(&value));
        prop_assert_eq!(base64::decode(&base64::encode(&sealed)), Some(sealed));
    }

    /// From any set of entries and recipients to any other, in a text with comments: what is written is what was meant,
    /// and lines that have nothing to do with the change stay.
    #[test]
    fn texts_follow(
        old in proptest::collection::btree_map("[A-E](-next)?", 0_u8..4, 0..6),
        new in proptest::collection::btree_map("[A-E](-next)?", 0_u8..4, 0..6),
        readers in proptest::collection::btree_set("[a-d]", 1..4),
        comments: bool, crlf: bool, shuffled: bool,
    ) {
        let key = key();
        let make = |values: &BTreeMap<String, u8>| {
            let bytes: Vec<(String, [u8; 1])> = values.iter().map(|(name, value)| (name.clone(), [*value])).collect();
            let refs: Vec<(&str, &[u8])> = bytes.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
            sealed(&key, &refs)
        };
        let before = make(&old);
        let mut after = make(&new);
        after.revision = 5;
        after.recipients = readers.iter().map(|name| (name.clone(), format!("age1{name}"))).collect();
        after.mac = key.mac(&after);
        let mut text = rewrite("[values]\nX = 1 # kept\n", &before).unwrap();
        if shuffled && let (Some(first), Some(last)) = (old.keys().next(), old.keys().last()) && first != last {
            let line = |name: &str| format!("{name} = {}\n", before.entries[name].text());
            text = text.replacen(&line(first), "@", 1).replacen(&line(last), &line(first), 1).replacen('@', &line(last), 1);
        }
        if comments {
            text = text.replace("\n\n", "\n\n# a comment\n");
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let written = rewrite(&text, &after).unwrap();
        prop_assert_eq!(&reread(&written).unwrap(), &after, "{}", written);
        prop_assert_eq!(written.matches("# a comment").count(), text.matches("# a comment").count());
        prop_assert_eq!(written.matches('\n').count(), written.matches(if crlf { "\r\n" } else { "\n" }).count());
        let head = if crlf { "[values]\r\nX = 1 # kept\r\n" } else { "[values]\nX = 1 # kept\n" };
        prop_assert!(written.starts_with(head), "{}", written);
        prop_assert_eq!(rewrite(&written, &after).unwrap(), written);
    }
}

/// Cases of one mutation each: 20,000 in `scripts/test`.
mod tamper {
    use super::*;

    fn texts() -> (DataKey, String, SealedFile) {
        let key = key();
        let file = sealed(&key, &[("API_KEY", b"sk-1"), ("DB_PASSWORD", b"hunter2"), ("EMPTY", b"")]);
        let text = rewrite("[values]\nX = 1\n", &file).unwrap();
        (key, text, file)
    }

    proptest! {
        #[test]
        fn no_change_of_a_byte_is_accepted_with_another_meaning(at: proptest::sample::Index, byte: u8, how in 0..4) {
            let (key, text, file) = texts();
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.swap(at, usize::from(byte) * 7 % at.max(1)),
            }
            if let Ok(text) = String::from_utf8(bytes)
                && let Some(read) = reread(&text)
                && key.verifies(&read)
            {
                prop_assert_eq!(read, file);
            }
        }

        #[test]
        fn no_change_of_the_content_is_accepted(how in 0..12, which: proptest::sample::Index, bit: proptest::sample::Index) {
            let (key, _, file) = texts();
            let other = sealed(&DataKey::new(&Zeroizing::new([8; 32])), &[("API_KEY", b"sk-2"), ("NEW", b"x")]);
            let older = { let mut older = sealed(&key, &[("API_KEY", b"sk-0")]); older.revision = 7; older };
            let names: Vec<String> = file.entries.keys().cloned().collect();
            let name = &names[which.index(names.len())];
            let next = &names[(which.index(names.len()) + 1) % names.len()];
            let mut changed = file.clone();
            let flip = |bytes: &mut [u8]| { let at = bit.index(bytes.len() * 8); bytes[at / 8] ^= 1 << (at % 8); };
            match how {
                0 => flip(&mut changed.entries.get_mut(name).unwrap().sealed),
                1 => flip(&mut changed.age_file),
                2 => drop(changed.entries.remove(name)),
                3 => {
                    let entry = changed.entries.remove(name).unwrap();
                    let replaced = changed.entries.insert(next.clone(), entry).unwrap();
                    changed.entries.insert(name.clone(), replaced);
                }
                4 => { let entry = file.entries[name].clone(); changed.entries.insert(String::from("COPY"), entry); }
                5 => drop(changed.entries.insert(name.clone(), other.entries["API_KEY"].clone())),
                6 => drop(changed.entries.insert(String::from("NEW"), other.entries["NEW"].clone())),
                7 => drop(changed.entries.insert(String::from("API_KEY"), older.entries["API_KEY"].clone())),
                8 => changed.age_file = vec![4; 200],
                9 => drop(changed.recipients.insert(String::from("eve"), String::from("age1eve"))),
                10 => changed.revision += 1 + bit.index(100) as u64,
                _ => changed.entries.get_mut(name).unwrap().rotated = String::from("2025-01-01"),
            }
            prop_assert_ne!(&changed, &file);
            prop_assert!(!key.verifies(&changed));
            if how == 3 || how == 4 {
                // Even with a right seal the moved value would not open.
                let moved = if how == 3 { name.as_str() } else { "COPY" };
                prop_assert!(changed.open(moved, &key).is_none());
            }
        }
    }
}
