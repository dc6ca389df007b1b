//! The way into an editor and back.

use std::collections::BTreeMap;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{Change, Edited, Page, outline};
use crate::diagnostic::{Code, Diagnostics};
use crate::document;
use crate::sealed::{self, DataKey, SealedEntry, SealedFile, rewrite};
use crate::secret::Secret;
use crate::source::SourceMap;

fn key() -> DataKey {
    DataKey::new(&Zeroizing::new([3; 32]))
}

fn entry(file: &SealedFile, name: &str, value: &[u8]) -> SealedEntry {
    // The bytes of the value in the nonce: another value is another text.
    let mut nonce = [0; 24];
    nonce.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
    let sealed = key().seal(file.place(name), &Secret::new(value.to_vec()), &nonce).unwrap();
    SealedEntry { sealed, since: 1, rotated: String::from("2026-11-21") }
}

fn sealed(values: &[(&str, &[u8])]) -> SealedFile {
    let mut file = SealedFile {
        project: "ab".repeat(16),
        environment: String::from("dev"),
        protected: false,
        generation: 1,
        revision: 1,
        age_file: vec![1; 100],
        lineage: None,
        mac: sealed::base64::encode(&[0; 32]),
        recipients: BTreeMap::from([(String::from("alice"), String::from("age1alice"))]),
        entries: BTreeMap::new(),
    };
    file.entries = values.iter().map(|(name, value)| ((*name).to_owned(), entry(&file, name, value))).collect();
    file
}

fn page(text: &str, file: &SealedFile) -> Page {
    let variables = file.entries.keys().filter(|name| crate::name::is_variable(name));
    let values = variables.map(|name| (name.clone(), file.open(name, &key()).unwrap())).collect();
    Page::new(text, Some(file), values).unwrap()
}

fn shown(page: &Page) -> String {
    String::from_utf8(page.text(&[]).expose().to_vec()).unwrap()
}

fn edited(page: &Page, text: &str) -> Result<Edited, Vec<(Code, usize)>> {
    let text = Secret::from_string(text.to_owned());
    let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
    let source = sources.add_closed("dev.toml", outline(&text));
    let edited = page.read(&text, source, &mut problems);
    let line = |problem: &crate::diagnostic::Diagnostic| problem.primary().map_or(0, |at| sources.position(at).line);
    edited.ok_or_else(|| problems.iter().map(|problem| (problem.code, line(problem))).collect())
}

/// The changes in words.
fn told(edited: &Edited) -> Vec<String> {
    let one = |(name, change): (&String, &Change)| match change {
        Change::Set(value) => format!("{name} = {}", String::from_utf8_lossy(value.expose())),
        Change::Generate => format!("{name} generated"),
        Change::Unset => format!("{name} gone"),
        Change::Rename { from } => format!("{name} was {from}"),
    };
    edited.changes.iter().map(one).collect()
}

fn reread(text: &str) -> SealedFile {
    let (source, mut problems) = (SourceMap::default().add_masked("", ""), Diagnostics::default());
    let parsed = document::parse(text, source, &mut problems).unwrap();
    let read = sealed::read(&document::root(&parsed, source), "dev", text, &mut problems);
    read.unwrap_or_else(|| panic!("{problems:?}\n{text}")).0
}

const HEAD: &str = "# head\nrecipients = [\n  #: in a list\n  \"alice\",\n]\n\n[values]\nPORT = 8000 # port\nTEXT = '''\n#: no remark\n[x]'''\n\n";

#[test]
fn what_is_shown() {
    let values: [(&str, &[u8]); 5] =
        [("A", b"hunter2"), ("A-next", b"hunter3"), ("B", b"one\ntwo\n"), ("C", b"\xff"), ("LONG", &[b'x'; 5000])];
    let file = sealed(&values);
    let text = rewrite(HEAD, &file).unwrap().replace("\nB = ", "\n# of b\nB = ").replace("\n\nC", " # behind b\n\nC");
    let text = text.replace("A-next", "# of the rotation\nA-next");
    let page = page(&text, &file);
    let expected = format!(
        "{HEAD}[secrets]\nA = \"hunter2\"\n\n# of b\nB = '''\none\ntwo\n''' # behind b\n\nC = {{ base64 = \"/w==\" }}\n\nLONG = {{ keep = true }}\n"
    );
    assert_eq!(shown(&page), expected);
    let read = edited(&page, &shown(&page)).unwrap();
    assert!(read.is_unchanged(&page), "{read:?}");
    assert_eq!(page.assemble(&read.skeleton, Some(&file)).unwrap(), text);
    let with = page.text(&[String::from("one"), String::from("two")]);
    assert!(with.expose().starts_with(b"#: one\n#: two\n# head\n"));
    assert!(edited(&page, std::str::from_utf8(with.expose()).unwrap()).unwrap().is_unchanged(&page));
    assert_eq!(page.again(&with, &[]).expose(), expected.as_bytes());
}

#[test]
fn what_was_done_is_told_by_name() {
    let file = sealed(&[("A", b"1"), ("B", b"2"), ("C", b"3"), ("LONG", &[b'x'; 5000])]);
    let page = page(&rewrite(HEAD, &file).unwrap(), &file);
    let text = shown(&page);
    let after = |from: &str, to: &str| told(&edited(&page, &text.replacen(from, to, 1)).unwrap());
    assert_eq!(after("\"2\"", "'2'"), <[&str; 0]>::default());
    assert_eq!(after("\"2\"", "\"new\""), ["B = new"]);
    assert_eq!(after("B = \"2\"\n\n", ""), ["B gone"]);
    assert_eq!(after("B = \"2\"", "B2 = \"2\""), ["B2 was B"]);
    assert_eq!(after("B = \"2\"", "B2 = \"5\""), ["B gone", "B2 = 5"]);
    assert_eq!(after("B = \"2\"", "B = \"2\"\nD = \"2\""), ["D = 2"]);
    assert_eq!(after("\"2\"", "{ keep = true }"), <[&str; 0]>::default());
    assert_eq!(after("\"2\"", "{ generate = true }"), ["B generated"]);
    assert_eq!(after("LONG = { keep = true }", ""), ["LONG gone"]);
    assert_eq!(after("{ keep = true }", "\"short\""), ["LONG = short"]);
    let swapped = text.replace("A = \"1\"", "A = \"2\"").replace("B = \"2\"", "B = \"1\"");
    assert_eq!(told(&edited(&page, &swapped).unwrap()), ["A = 2", "B = 1"]);
    let read = edited(&page, &text.replace("8000", "80")).unwrap();
    assert!(read.changes.is_empty() && !read.is_unchanged(&page));
    assert_eq!(
        page.assemble(&read.skeleton, Some(&file)).unwrap(),
        rewrite(HEAD, &file).unwrap().replace("8000", "80")
    );
}

/// A text, what is put in its place, and the problems with their lines.
type Case<'c> = (&'c str, &'c str, &'c [(Code, usize)]);

#[test]
fn what_cannot_be_is_refused_at_its_place() {
    let file = sealed(&[("A", b"1"), ("A-next", b"1"), ("B", b"2")]);
    let page = page(&rewrite("[values]\n", &file).unwrap(), &file);
    let text = shown(&page);
    assert_eq!(text, "[values]\n\n[secrets]\nA = \"1\"\n\nB = \"2\"\n");
    let cases: [Case<'_>; 12] = [
        ("\"2\"", "\"2", &[(Code::TomlSyntax, 6)]),
        ("\"2\"", "\"2\"\nB = \"3\"", &[(Code::DuplicateName, 7)]),
        ("\"2\"", "{ enc = \"AAAA\", since = 1, rotated = 2026-11-21 }", &[(Code::SealedStructure, 6)]),
        ("\"2\"", "\"2\"\n[seal]\nformat = 1", &[(Code::SealedStructure, 7)]),
        ("B =", "B-next =", &[(Code::InvalidName, 6)]),
        ("B =", "\"\\u0000\" =", &[(Code::InvalidName, 6)]),
        ("\"2\"", "7", &[(Code::WrongTomlType, 6)]),
        ("B = \"2\"", "C = { keep = true }", &[(Code::MissingValue, 6)]),
        ("B = \"2\"", "B.base64 = \"YQ\"", &[(Code::WrongTomlType, 6)]),
        ("[values]\n\n[secrets]\nA = \"1\"\n\nB = \"2\"", "secrets = { A = \"1\" }", &[(Code::WrongTomlType, 1)]),
        ("A = \"1\"\n", "", &[(Code::SealedStructure, 0)]),
        ("A = \"1\"\n", "C = \"1\"\n", &[(Code::SealedStructure, 4)]),
    ];
    for (from, to, expected) in cases {
        let changed = text.replacen(from, to, 1);
        let found = edited(&page, &changed).map(|read| told(&read));
        if from.starts_with("[values]") {
            // In a table that is no table of lines nothing is under its name.
            assert!(found.unwrap_err().starts_with(expected), "{changed}");
        } else {
            assert_eq!(found.unwrap_err(), expected, "{changed}");
        }
    }
}

#[test]
fn line_endings_stay_those_of_the_file() {
    let file = sealed(&[("A", b"one\ntwo"), ("B", b"x\r\ny\r\n")]);
    let text = rewrite(HEAD, &file).unwrap();
    let crlf = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    for (text, other) in [(&text, ("\n", "\r\n")), (&crlf, ("\r\n", "\n"))] {
        let page = page(text, &file);
        let body = shown(&page);
        assert!(body.contains("B = \"x\\r\\ny\\r\\n\""));
        let plain = body.replace("\r\n", "\n");
        let with_other = plain.replace('\n', other.1);
        assert_eq!(plain.replace('\n', other.0), body);
        let read = edited(&page, &with_other).unwrap();
        assert!(read.is_unchanged(&page), "{read:?}");
        let remarks = page.text(&[String::from("hello")]);
        let remarks = std::str::from_utf8(remarks.expose()).unwrap();
        assert_eq!(remarks.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
        assert!(remarks.trim_start_matches('\u{feff}').starts_with(&format!("#: hello{}", other.0)));
        assert!(edited(&page, remarks).unwrap().is_unchanged(&page));
        assert_eq!(page.assemble(&read.skeleton, Some(&file)).unwrap(), *text);
    }
}

#[test]
fn remarks_of_the_file_are_its_own() {
    let file = sealed(&[("A", b"1")]);
    let text = rewrite("#:schema ./environment.json\n# x\n[values]\n", &file).unwrap();
    let page = page(&text, &file);
    let with = page.text(&[String::from("ours")]);
    assert!(with.expose().starts_with(b"#: ours\n#:schema ./environment.json\n"));
    let read = edited(&page, std::str::from_utf8(with.expose()).unwrap()).unwrap();
    assert!(read.is_unchanged(&page));
    assert_eq!(page.assemble(&read.skeleton, Some(&file)).unwrap(), text);
    assert!(page.again(&with, &[]).expose().starts_with(b"#:schema"));
    assert!(edited(&page, "#: mine\n[values]\n#: mine\n").unwrap().skeleton.0 == "[values]\n");
}

#[test]
fn seals_that_stand_elsewhere() {
    let file = sealed(&[("A", b"1"), ("B", b"2")]);
    let written = rewrite("", &file).unwrap();
    let (secrets, seal) = written.split_once("\n[seal]").unwrap();
    let text = format!("[seal]{seal}\n# values\n[values]\nX = 1\n\n{secrets}");
    let first = page(&text, &file);
    assert_eq!(shown(&first), "\n# values\n[values]\nX = 1\n\n[secrets]\nA = \"1\"\n\nB = \"2\"\n");
    let read = edited(&first, &shown(&first)).unwrap();
    assert!(read.is_unchanged(&first));
    assert_eq!(reread(&first.assemble(&read.skeleton, Some(&file)).unwrap()), file);
    // Another spelling of the same tables: each secret has a line all the same.
    let enc = file.entries["A"].text();
    let inline = format!("secrets = {{ A = {enc}, B = {} }}\n\n[seal]{seal}", file.entries["B"].text());
    let second = page(&inline, &file);
    assert_eq!(shown(&second).trim_start(), "[secrets]\nA = \"1\"\n\nB = \"2\"\n");
}

#[test]
fn files_without_a_seal() {
    let page = Page::new("[values]\nA = 1", None, BTreeMap::new()).unwrap();
    assert_eq!(shown(&page), "[values]\nA = 1");
    assert!(edited(&page, "[values]\nA = 1\n").unwrap().is_unchanged(&page));
    let read = edited(&page, "[values]\nA = 2\n\n[secrets]\nB = \"x\"\n").unwrap();
    assert_eq!(told(&read), ["B = x"]);
    let file = sealed(&[("B", b"x")]);
    let text = page.assemble(&read.skeleton, Some(&file)).unwrap();
    assert!(text.starts_with("[values]\nA = 2\n\n[secrets]\nB = { enc = "), "{text}");
    assert_eq!(reread(&text), file);
    assert!(Page::new("A = ", None, BTreeMap::new()).is_none());
}

#[test]
fn the_outline_has_places_and_nothing_else() {
    let text = "A = \"é•\u{1f7c4}\"\r\nhunter2";
    let outline = outline(&Secret::from_string(text.to_owned()));
    assert_eq!(outline, "xxxxx·•\u{1f7c4}x\r\nxxxxxxx");
    assert_eq!(outline.len(), text.len());
}

fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        "[a\n\r'\"\\\\#:= \\[\\]<\t\u{0}é]{0,16}".prop_map(String::into_bytes),
        Just(vec![b'x'; 4097]),
    ]
}

fn any_file() -> impl Strategy<Value = (BTreeMap<String, Vec<u8>>, String, bool, bool)> {
    let head = prop_oneof![
        Just(HEAD),
        Just(""),
        Just("\u{feff}# only\n"),
        Just("[values]\nX = 1"),
        Just("[for.api]\nX = '''\n# [seal]'''\n"),
        Just("#:schema x\n\n\n[[push]]\n"),
    ];
    let values = proptest::collection::btree_map("[A-E](-next|-journal)?", any_value(), 0..6);
    (values, head.prop_map(str::to_owned), any::<bool>(), any::<bool>())
}

fn made((values, head, crlf, commented): &(BTreeMap<String, Vec<u8>>, String, bool, bool)) -> (SealedFile, String) {
    let pairs: Vec<(&str, &[u8])> = values.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let file = sealed(&pairs);
    let mut text = rewrite(head, &file).unwrap();
    if *commented {
        text = text.replace(" }\n\n", " } # behind\n\n# above\n").replace("\n[seal", "\n# of the seal\n[seal")
            + "# last\n";
    }
    (file, if *crlf { text.replace('\n', "\r\n") } else { text })
}

proptest! {
    #[test]
    fn nothing_changed_is_nothing_changed(whole in any_file()) {
        let (file, text) = made(&whole);
        let page = page(&text, &file);
        let with = page.text(&[String::from("a remark")]);
        let read = edited(&page, std::str::from_utf8(with.expose()).unwrap()).unwrap();
        prop_assert!(read.is_unchanged(&page), "{:?}\n{:?}", read, page);
        prop_assert_eq!(page.assemble(&read.skeleton, Some(&file)).unwrap(), text);
    }

    #[test]
    fn an_edit_of_one_leaves_all_other_lines(whole in any_file(), value in any_value(), which: proptest::sample::Index) {
        let (file, text) = made(&whole);
        let names: Vec<&String> = file.entries.keys().filter(|name| crate::name::is_variable(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let name = which.get(&names).as_str();
        let before = page(&text, &file);
        // The same file with another value is what a person makes of it.
        let mut other = file.clone();
        other.entries.insert(name.to_owned(), entry(&file, name, &value));
        let after = page(&rewrite(&text, &other).unwrap(), &other);
        let same = whole.0.get(name) == Some(&value);
        let hidden = value.len() > 4096;
        let read = edited(&before, &shown(&after)).unwrap();
        if same || hidden {
            prop_assert!(read.is_unchanged(&before));
        } else {
            prop_assert!(matches!(&read.changes[name], Change::Set(new) if new.expose() == value));
            prop_assert_eq!(read.changes.len(), 1);
            let written = before.assemble(&read.skeleton, Some(&other)).unwrap();
            let differ = written.split('\n').zip(text.split('\n')).filter(|(a, b)| a != b).count();
            prop_assert_eq!((differ, written.lines().count()), (1, text.lines().count()), "{}", written);
            prop_assert_eq!(reread(&written), other);
        }
    }

    /// Whatever is typed: no panic, and a text that is accepted gives a file that is well-formed.
    #[test]
    fn any_text_is_read_or_refused(
        whole in any_file(), at: proptest::sample::Index, typed in "(\\PC|[\n\"'#:\\[\\]={}A-E]){0,12}", gone in 0..30_usize,
    ) {
        let (file, text) = made(&whole);
        let page = page(&text, &file);
        let body = shown(&page);
        let floor = |at: usize| (0..=at.min(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap();
        let start = floor(at.index(body.len() + 1));
        let end = floor(start + gone).max(start);
        let changed = format!("{}{typed}{}", body.get(..start).unwrap(), body.get(end..).unwrap());
        if let Ok(read) = edited(&page, &changed) {
            let mut new = file.clone();
            for (name, change) in &read.changes {
                match change {
                    Change::Set(value) => drop(new.entries.insert(name.clone(), entry(&file, name, value.expose()))),
                    Change::Generate => drop(new.entries.insert(name.clone(), entry(&file, name, b"generated"))),
                    Change::Unset => drop(new.entries.remove(name)),
                    Change::Rename { from } => {
                        let value = file.open(from, &key()).unwrap();
                        new.entries.remove(from);
                        new.entries.insert(name.clone(), entry(&file, name, value.expose()));
                    }
                }
            }
            let variables = |name: &&String| crate::name::is_variable(name);
            prop_assert!(read.entries.keys().eq(new.entries.keys().filter(variables)), "{:?}", read);
            if let Some(written) = page.assemble(&read.skeleton, Some(&new)) {
                let (source, mut problems) = (SourceMap::default().add_masked("", ""), Diagnostics::default());
                let parsed = document::parse(&written, source, &mut problems).unwrap();
                if let Some((file, _)) = sealed::read(&document::root(&parsed, source), "dev", &written, &mut problems) {
                    prop_assert_eq!(file.entries, new.entries);
                }
            }
        }
    }
}
