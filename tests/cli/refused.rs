//! What is refused of a sealed file: one row for each thing that can be wrong, by every command, and nothing is written.

use std::collections::BTreeMap;

use crate::harness::Sandbox;
use crate::interop::{fixtures, with};

/// A row: what was done, the code, a part of the message, and how the text is changed.
type Row = (&'static str, &'static str, &'static str, Change);
/// Makes the changed document.
type Change = fn(&Texts) -> String;

/// The document that is changed, and another of the same project to take parts from.
struct Texts {
    /// `later`: generation 4, for alice and bob; `API_KEY`, `DB_PASSWORD`, `EMPTY`, `TEXT`.
    text: String,
    /// `crlf`: the same names and recipients, with LF here.
    other: String,
}

impl Texts {
    /// Replaces the first occurrence, which has to be there.
    #[track_caller]
    fn with(&self, from: &str, to: &str) -> String {
        assert!(self.text.contains(from), "{from}");
        self.text.replacen(from, to, 1)
    }

    /// The line of the document that begins so.
    fn line(&self, start: &str) -> &str {
        line(&self.text, start)
    }

    /// The document with another value for this key of `[seal]`.
    fn field(&self, name: &str, value: &str) -> String {
        self.with(self.line(&format!("{name} = ")), &format!("{name} = {value}"))
    }

    /// The document with another value for this key of the entry `TEXT`.
    fn entry(&self, name: &str, value: &str) -> String {
        let line = self.line("TEXT");
        let start = line.find(&format!("{name} = ")).unwrap() + name.len() + 3;
        let end = start + line[start..].find([',', ' ']).unwrap();
        self.with(line, &format!("{}{value}{}", &line[..start], &line[end..]))
    }

    /// The sealed bytes of an entry, as they stand there.
    fn enc(&self, name: &str) -> &str {
        enc(&self.text, name)
    }

    /// The document with one bit changed in the base64 that begins behind `before`.
    fn flip(&self, before: &str, at: usize) -> String {
        let at = self.text.find(before).unwrap() + before.len() + at;
        let digit = BASE64.find(&self.text[at..=at]).unwrap() ^ 1;
        format!("{}{}{}", &self.text[..at], &BASE64[digit..=digit], &self.text[at + 1..])
    }

    /// The armored key, with its markers.
    fn key(&self) -> &str {
        key(&self.text)
    }

    /// The first line of the base64 of the key.
    fn armored(&self) -> &str {
        self.key().lines().nth(1).unwrap()
    }
}

fn line<'t>(text: &'t str, start: &str) -> &'t str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}"))
}

fn enc<'t>(text: &'t str, name: &str) -> &'t str {
    line(text, &format!("{name} = ")).split('"').nth(1).unwrap()
}

fn key(text: &str) -> &str {
    let end = "-----END AGE ENCRYPTED FILE-----";
    &text[text.find("-----BEGIN").unwrap()..text.find(end).unwrap() + end.len()]
}

/// The key of a recipient, in quotes.
fn recipient<'t>(text: &'t Texts, name: &str) -> &'t str {
    text.line(&format!("{name} = ")).split('=').nth(1).unwrap().trim()
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CAROL: &str = "\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"";
const CHANGED: &str = "the seal of `later` does not match";

/// Changes that only the key can find out about.
const FOUND_BY_THE_SEAL: &[Row] = &[
    ("bit of the version of a value", "seal-broken", "`TEXT` was changed", |t| t.flip("TEXT = { enc = \"", 1)),
    ("bit of a nonce", "seal-broken", "`TEXT` was changed", |t| t.flip("TEXT = { enc = \"", 6)),
    ("bit of a ciphertext", "seal-broken", "`TEXT` was changed", |t| t.flip("TEXT = { enc = \"", 70)),
    ("bit of a tag", "seal-broken", "`TEXT` was changed", |t| {
        let enc = t.enc("TEXT");
        t.flip("TEXT = { enc = \"", enc.len() - 4)
    }),
    ("a value that is cut off", "seal-broken", "`TEXT` was changed", |t| t.with(t.enc("TEXT"), &t.enc("TEXT")[..40])),
    ("an empty value", "seal-broken", "`TEXT` was changed", |t| t.with(t.enc("TEXT"), "")),
    ("two values swapped", "seal-broken", "`EMPTY` holds what was sealed as `TEXT`", |t| {
        t.with(t.enc("TEXT"), "@").replace(t.enc("EMPTY"), t.enc("TEXT")).replace('@', t.enc("EMPTY"))
    }),
    ("a value under another name", "seal-broken", "`EMPTY` holds what was sealed as `TEXT`", |t| {
        t.with(t.enc("EMPTY"), t.enc("TEXT"))
    }),
    ("a value of another environment", "seal-broken", "`TEXT` was changed, or comes from another", |t| {
        t.with(t.enc("TEXT"), enc(&t.other, "TEXT"))
    }),
    ("an entry dropped", "seal-broken", "every value opens", |t| t.with(t.line("TEXT"), "")),
    ("an entry added", "seal-broken", "`SIZE_0` holds what was sealed as `TEXT`", |t| {
        t.with(t.line("TEXT"), &format!("{0}\nSIZE_0{1}", t.line("TEXT"), &t.line("TEXT")[4..]))
    }),
    ("an entry renamed", "seal-broken", "`SIZE_0` was changed", |t| t.with("\nTEXT = ", "\nSIZE_0 = ")),
    ("an entry made pending", "seal-broken", "`TEXT-next` was changed", |t| t.with("\nTEXT = ", "\nTEXT-next = ")),
    ("another generation of a value", "seal-broken", CHANGED, |t| {
        let other = if t.line("TEXT").contains("since = 2") { "3" } else { "2" };
        t.entry("since", other)
    }),
    ("another day", "seal-broken", "every value opens", |t| t.entry("rotated", "2025-01-01")),
    ("revision raised", "seal-broken", "every value opens", |t| t.field("revision", "99999")),
    ("revision lowered", "seal-broken", "every value opens", |t| t.field("revision", "1")),
    ("generation raised", "seal-broken", "every value opens", |t| t.field("generation", "5")),
    ("bit of the lineage", "seal-broken", CHANGED, |t| t.flip("lineage = \"", 5)),
    ("bit of the seal", "seal-broken", CHANGED, |t| t.flip("mac = \"", 5)),
    ("seal of another file", "seal-broken", CHANGED, |t| t.with(t.line("mac"), line(&t.other, "mac"))),
    ("key of another file", "seal-broken", "no value opens", |t| t.with(t.key(), key(&t.other))),
    ("a recipient renamed", "seal-broken", "every value opens", |t| t.with("\nbob = ", "\ncarol = ")),
    ("keys of recipients swapped", "seal-broken", "every value opens", |t| {
        let (alice, bob) = (recipient(t, "alice"), recipient(t, "bob"));
        t.with(alice, "@").replace(bob, alice).replace('@', bob)
    }),
    ("a recipient replaced", "seal-broken", "every value opens", |t| t.with(recipient(t, "bob"), CAROL)),
    ("protected on both sides", "seal-broken", "every value opens", |t| {
        format!("protected = true\n{}", t.field("protected", "true"))
    }),
];

/// Changes that are found without a key.
const FOUND_BY_LOOKING: &[Row] = &[
    ("protected outside", "sealed-structure", "the file says `protected = true`", |t| {
        format!("protected = true\n{}", t.text)
    }),
    ("protected inside", "sealed-structure", "its seal `protected = true`", |t| t.field("protected", "true")),
    ("protected as a number", "sealed-structure", "`protected` has to be", |t| t.field("protected", "0")),
    ("format 2", "unknown-format", "format 2 is not known", |t| t.field("format", "2")),
    ("format 0", "unknown-format", "format 0 is not known", |t| t.field("format", "0")),
    ("format as a boolean", "sealed-structure", "`format` has to be an integer", |t| t.field("format", "true")),
    ("format as text", "sealed-structure", "`format` has to be an integer", |t| t.field("format", "\"1\"")),
    ("generation as a boolean", "sealed-structure", "`generation` has to be", |t| t.field("generation", "true")),
    ("generation 0", "sealed-structure", "`generation` has to be", |t| t.field("generation", "0")),
    ("generation lowered", "sealed-structure", "generation 1 has no `lineage`", |t| t.field("generation", "1")),
    ("revision as text", "sealed-structure", "`revision` has to be", |t| t.field("revision", "\"3\"")),
    ("revision with a fraction", "sealed-structure", "`revision` has to be", |t| t.field("revision", "3.0")),
    ("revision too large", "sealed-structure", "`revision` has to be", |t| t.field("revision", "9223372036854775808")),
    ("lineage gone", "sealed-structure", "lacks `lineage`", |t| t.with(t.line("lineage"), "")),
    ("mac gone", "sealed-structure", "lacks `mac`", |t| t.with(t.line("mac"), "")),
    ("mac with padding", "sealed-structure", "`mac` has to be 43", |t| {
        t.with(t.line("mac"), &format!("{}=\"", t.line("mac").trim_end_matches('"')))
    }),
    ("mac too short", "sealed-structure", "`mac` has to be 43", |t| t.field("mac", "\"AAAA\"")),
    ("unknown key in [seal]", "sealed-structure", "has no such key", |t| t.field("format", "1\nsigned = 1")),
    ("another environment", "sealed-elsewhere", "sealed for `prod`", |t| t.field("environment", "\"prod\"")),
    ("another project", "sealed-elsewhere", "for project", |t| t.field("project", &format!("\"{}\"", "0".repeat(32)))),
    ("since as a boolean", "sealed-structure", "`since` has to be", |t| t.entry("since", "true")),
    ("since as text", "sealed-structure", "`since` has to be", |t| t.entry("since", "\"1\"")),
    ("since 0", "sealed-structure", "`since` has to be", |t| t.entry("since", "0")),
    ("since below 0", "sealed-structure", "`since` has to be", |t| t.entry("since", "-1")),
    ("since with a fraction", "sealed-structure", "`since` has to be", |t| t.entry("since", "1.0")),
    ("since later than the key", "sealed-structure", "`since` is later", |t| t.entry("since", "5")),
    ("a day as text", "sealed-structure", "`rotated` has to be", |t| t.entry("rotated", "\"2026-01-01\"")),
    ("a day with a time", "sealed-structure", "`rotated` has to be", |t| t.entry("rotated", "2026-01-01T00:00:00Z")),
    ("base64 with padding", "sealed-structure", "not base64", |t| {
        t.with(t.enc("TEXT"), &format!("{}=", t.enc("TEXT")))
    }),
    ("base64 for URLs", "sealed-structure", "not base64", |t| t.with(t.enc("TEXT"), &format!("{}-_-_", t.enc("TEXT")))),
    ("base64 with a blank", "sealed-structure", "not base64", |t| {
        t.with(t.enc("TEXT"), &format!("{} ", t.enc("TEXT")))
    }),
    ("base64 with bits left over", "sealed-structure", "not base64", |t| t.with(t.enc("TEXT"), "AR")),
    ("a number as value", "sealed-structure", "`enc` has to be a string", |t| {
        t.with(t.line("TEXT"), "TEXT = { enc = 1, since = 1, rotated = 2026-01-01 }")
    }),
    ("a key too many", "sealed-structure", "it has another key", |t| t.entry("since", "1, by = \"mallory\"")),
    ("a key too few", "sealed-structure", "`rotated` is missing", |t| {
        t.with(t.line("TEXT"), "TEXT = { enc = \"\", since = 1 }")
    }),
    ("no table", "sealed-structure", "a table with", |t| t.with(t.line("TEXT"), "TEXT = \"AAAA\"")),
    ("no name", "sealed-structure", "cannot be the name of a sealed entry", |t| t.with("\nTEXT = ", "\n\"TE XT\" = ")),
    ("an unknown suffix", "sealed-structure", "cannot be the name of a sealed entry", |t| {
        t.with("\nTEXT = ", "\nTEXT-old = ")
    }),
    ("names alike", "sealed-structure", "the same but for upper and lower case", |t| t.with("\nTEXT = ", "\nempty = ")),
    ("in [values] too", "sealed-structure", "`TEXT` stands in `[secrets]` and in clear", |t| {
        format!("[values]\nTEXT = {{ backend = \"env\" }}\n{}", t.text)
    }),
    ("in [for] too", "sealed-structure", "`TEXT` stands in `[secrets]` and in clear", |t| {
        format!("[for.api]\nTEXT = {{ absent = true }}\n{}", t.text)
    }),
    ("no seal", "sealed-structure", "there is `[secrets]` but no `[seal]`", |t| {
        t.text[..t.text.find("[seal]").unwrap()].to_owned()
    }),
    ("seal as text", "sealed-structure", "`seal` has to be a table", |t| {
        format!("seal = \"x\"\n{}", &t.text[..t.text.find("[seal]").unwrap()])
    }),
    ("nobody", "sealed-structure", "names nobody", |t| t.with(t.line("alice"), "").replace(t.line("bob"), "")),
    ("a recipient that is a number", "sealed-structure", "a recipient has to be a string", |t| t.field("bob", "1")),
    ("a name in upper case", "sealed-structure", "cannot be the name of a recipient", |t| {
        t.with("\nbob = ", "\nBob = ")
    }),
    ("one key, two names", "sealed-structure", "one key stands under two names", |t| {
        t.field("bob", recipient(t, "alice"))
    }),
    ("a key in upper case", "sealed-structure", "`bob` is none", |t| {
        t.field("bob", &recipient(t, "bob").to_uppercase())
    }),
    ("a key that is too long", "sealed-structure", "`bob` is none", |t| {
        t.field("bob", &format!("\"age1{}\"", "q".repeat(2048)))
    }),
    ("a key with a slip", "sealed-structure", "`bob` is none", |t| t.field("bob", &CAROL.replace("8p", "8q"))),
    ("a recipient added", "sealed-key", "wrapped for others", |t| format!("{}carol = {CAROL}\n", t.text)),
    ("a recipient dropped", "sealed-key", "wrapped for others", |t| t.with(t.line("bob"), "")),
    ("a blank line in the armor", "sealed-key", "not an armored age file", |t| {
        t.with(t.armored(), &format!("\n{}", t.armored()))
    }),
    ("a short line in the armor", "sealed-key", "not an armored age file", |t| {
        t.with(t.armored(), &format!("{}\n{}", &t.armored()[..60], &t.armored()[60..]))
    }),
    ("a blank in the armor", "sealed-key", "not an armored age file", |t| {
        t.with(t.armored(), &format!("{} ", t.armored()))
    }),
    ("text before the armor", "sealed-key", "not an armored age file", |t| {
        t.with("-----BEGIN", "Comment: x\n-----BEGIN")
    }),
    ("text behind the armor", "sealed-key", "not an armored age file", |t| {
        t.with("FILE-----\n\"\"\"", "FILE-----\nx\n\"\"\"")
    }),
    ("another marker", "sealed-key", "not an armored age file", |t| t.with("BEGIN AGE", "BEGIN age")),
    ("other base64 in the armor", "sealed-key", "not an armored age file", |t| {
        t.with(t.armored(), &t.armored().replacen('L', "_", 1))
    }),
    ("another age version", "sealed-key", "holds no age file", |t| {
        t.with("YWdlLWVuY3J5cHRpb24ub3JnL3Yx", "YWdlLWVuY3J5cHRpb24ub3JnL3Yy")
    }),
    ("not TOML", "toml-syntax", "", |t| t.with("[seal]", "[seal")),
    ("a table twice", "duplicate-name", "", |t| format!("{}[seal]\n", t.text)),
    ("half a merge", "merge-conflict", "", |t| {
        t.with(t.line("mac"), &format!("<<<<<<< HEAD\n{0}\n=======\n{0}\n>>>>>>> x", t.line("mac")))
    }),
];

fn texts() -> (Sandbox, Texts) {
    let (sandbox, all) = fixtures();
    let values: &BTreeMap<_, _> = &all["later"];
    for name in ["API_KEY", "DB_PASSWORD"] {
        sandbox.register(name, std::str::from_utf8(&values[name]).unwrap());
    }
    let texts = Texts {
        text: sandbox.read("environments/later.toml"),
        other: sandbox.read("environments/crlf.toml").replace("\r\n", "\n"),
    };
    (sandbox, texts)
}

/// What is wrong with a changed document under every command that reads or writes it.
fn problems(sandbox: &Sandbox, (why, code, part, change): &Row, texts: &Texts) -> Vec<String> {
    let changed = change(texts);
    sandbox.file("environments/later.toml", &changed);
    let status = if ["toml-syntax", "duplicate-name", "merge-conflict"].contains(code) { 1 } else { 6 };
    let mut problems = Vec::new();
    for (arguments, status) in [
        (vec!["check", "later", "--seal"], status),
        (vec!["check", "later", "--resolve"], status),
        (vec!["get", "later", "DB_PASSWORD"], status),
        (vec!["run", "later", "--", "echo", "started"], 125),
        (vec!["set", "later", "API_KEY", "--stdin", "--yes"], status),
        (vec!["unset", "later", "EMPTY", "--yes"], status),
        (vec!["rekey", "later", "--yes"], status),
    ] {
        let output = with(sandbox, "alice.txt", &arguments).stdin("a new value\n").output();
        let told = output.stderr.contains(&format!("error[{code}]")) && output.stderr.contains(part);
        if output.status != status || !told || !output.stdout.is_empty() {
            problems.push(format!("{why}: {arguments:?} wants {status}, {code}, {part:?}\n{output}"));
        }
        if sandbox.read("environments/later.toml") != changed {
            problems.push(format!("{why}: {arguments:?} has written"));
            sandbox.file("environments/later.toml", &changed);
        }
    }
    problems
}

#[track_caller]
fn all_refused(rows: &[Row]) {
    let (sandbox, texts) = texts();
    let problems: Vec<String> = rows.iter().flat_map(|row| problems(&sandbox, row, &texts)).collect();
    assert!(problems.is_empty(), "{} of {} rows\n\n{}", problems.len(), rows.len(), problems.join("\n"));
}

#[test]
fn what_the_seal_finds_is_refused_by_every_command() {
    all_refused(FOUND_BY_THE_SEAL);
}

#[test]
fn what_can_be_seen_is_refused_by_every_command() {
    all_refused(FOUND_BY_LOOKING);
}

/// Without a key the structure is checked all the same.
#[test]
fn what_can_be_seen_is_refused_without_a_key() {
    let (sandbox, texts) = texts();
    for (why, code, part, change) in FOUND_BY_LOOKING {
        sandbox.file("environments/later.toml", change(&texts));
        let output = sandbox.run(&["check", "later"]).output();
        let told = output.stderr.contains(&format!("error[{code}]")) && output.stderr.contains(part);
        assert!(told && [1, 6].contains(&output.status), "{why}\n{output}");
    }
}

/// What is free stays free: the same document in other words.
#[test]
fn what_is_free_is_accepted() {
    let (sandbox, texts) = texts();
    let rows: [(&str, Change); 9] = [
        ("as it is", |t| t.text.clone()),
        ("CRLF", |t| t.text.replace('\n', "\r\n")),
        ("comments", |t| format!("# one\n{}", t.text.replace("\n\n", " # two\n\n# three\n"))),
        ("blank lines", |t| t.text.replace("\n[", "\n\n\n[").replace(" = {", "   =   {")),
        ("another order of entries", |t| {
            let (first, last) = (t.line("API_KEY"), t.line("TEXT"));
            t.with(first, "@").replace(last, first).replace('@', last)
        }),
        ("seal first", |t| {
            let at = t.text.find("[seal]").unwrap();
            format!("{}\n{}", &t.text[at..], &t.text[..at])
        }),
        ("literal strings", |t| t.text.replace("\"\"\"", "'''").replace('"', "'")),
        ("white space behind the armor", |t| t.with("FILE-----\n\"\"\"", "FILE----- \t\n\n\"\"\"")),
        ("cleartext beside it", |t| format!("[values]\nSIZE_0 = {{ absent = true }}\n{}", t.text)),
    ];
    for (why, change) in rows {
        sandbox.file("environments/later.toml", change(&texts));
        let output = with(&sandbox, "alice.txt", &["check", "later", "--resolve"]).output();
        assert_eq!(output.status, 0, "{why}\n{output}");
    }
}

/// One bit, anywhere: refused, whatever it hits.
#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let (sandbox, texts) = texts();
    let bytes = texts.text.as_bytes();
    // A step that shares no factor with 8, so that all bits have their turn.
    for at in (0..bytes.len()).step_by(13) {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        sandbox.file("environments/later.toml", &flipped);
        let output = with(&sandbox, "alice.txt", &["run", "later", "--", "echo", "started"]).output();
        assert!(output.status == 125 && output.stdout.is_empty(), "byte {at}, bit {}\n{output}", at % 8);
        let output = with(&sandbox, "alice.txt", &["check", "later", "--seal"]).output();
        assert!([1, 6].contains(&output.status), "byte {at}, bit {}\n{output}", at % 8);
    }
}
