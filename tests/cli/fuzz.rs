//! Mutated files against everything that reads them: no panic, no input that takes long, and what is accepted can be
//! written and read again. `FUZZ_SECONDS` is the time for each target (0.2); a find is kept in `target/fuzz-finds/`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use envctl::diagnostic::Diagnostics;
use envctl::environment::EnvironmentFile;
use envctl::sealed::{self, armor, base64, rewrite, shown};
use envctl::secret::Secret;
use envctl::source::SourceMap;
use envctl::view::Page;
use envctl::{age_file, config, document, recipient};

/// One input may take this long. A guard against what grows without bound, not a measurement.
const SLOW: Duration = Duration::from_secs(5);

/// The files that inputs are made from.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/fixtures/format-1/environments", "environments", "schemas"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap().flatten());
    let mut all: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.path()).unwrap()).collect();
    all.sort();
    all.push(b"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".to_vec());
    all.push(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN".to_vec());
    for text in all.clone().iter().filter_map(|file| std::str::from_utf8(file).ok()) {
        if let Some((_, rest)) = text.split_once("\"\"\"\n")
            && let Some((key, _)) = rest.split_once("\"\"\"")
        {
            all.push(key.as_bytes().to_vec());
            all.extend(armor::dearmor(key));
        }
    }
    all
}

/// Numbers that look random and can be had again.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap()
    }

    fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { self.next() % limit }
    }
}

/// What readers trip over.
const WORDS: &[&str] = &[
    "\n",
    "\r\n",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    "[secrets]\n",
    "[seal]\n",
    "[",
    "]]",
    "{",
    "}",
    "enc = ",
    "\u{feff}",
    "\0",
    "é",
    "-----END AGE ENCRYPTED FILE-----\n",
    "-> X25519 ",
    "---",
    "<<<<<<< ours\n",
    "=======\n",
    ">>>>>>> theirs\n",
    "#:",
    "9223372036854775808",
    "-1",
    "true",
    "2026-02-30",
    "NAME-next",
    "${",
    "${A:uri}",
    "keep = true",
    "base64 = \"AA==\"",
];

/// An input made from one or two files of the corpus by some changes.
fn mutated(corpus: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = corpus[draw.below(corpus.len())].clone();
    for _ in 0..=draw.below(6) {
        let at = draw.below(bytes.len() + 1);
        let end = (at + draw.below(40)).min(bytes.len());
        match draw.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = draw.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            4 => {
                let other = &corpus[draw.below(corpus.len())];
                let from = draw.below(other.len() + 1);
                let part = &other[from..(from + draw.below(200)).min(other.len())];
                bytes.splice(at..end, part.iter().copied());
            }
            _ => {
                let word = WORDS[draw.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
    bytes
}

/// Runs one target for its time.
fn fuzz(name: &str, target: fn(&[u8])) {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0.2);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let corpus = corpus();
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let mut draw = Draw(u64::try_from(clock.as_nanos() & 0xffff_ffff).unwrap() | 1);
    let mut count = 0;
    while Instant::now() < end {
        let input = mutated(&corpus, &mut draw);
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input)));
        count += 1;
        if outcome.is_err() || begun.elapsed() > SLOW {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../fuzz-finds");
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{name}-{:x}", draw.0));
            std::fs::write(&file, &input).unwrap();
            panic!("{name}: a panic or {:?}; the input is in {}", begun.elapsed(), file.display());
        }
    }
    println!("fuzz: {name}: {count} inputs");
    assert!(count > 0);
}

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

fn read(text: &str) -> Option<EnvironmentFile> {
    let source = SourceMap::default().add_masked("", "");
    EnvironmentFile::read("first", false, text, source, &mut Diagnostics::default())
}

#[test]
fn sealed_documents() {
    fuzz("sealed-document", |input| {
        let Some(text) = text(input) else { return };
        document::shape(text);
        let _ = config::visible(text);
        let Some(file) = read(text) else { return };
        if let Some((sealed, _)) = &file.sealed {
            let written = rewrite(text, sealed).expect("what was read can be written");
            let again = read(&written).and_then(|file| file.sealed).expect("and read again");
            assert_eq!(*again.0, **sealed);
        }
    });
}

#[test]
fn encodings() {
    fuzz("encodings", |input| {
        let Some(text) = text(input) else { return };
        if let Some(bytes) = base64::decode(text) {
            assert_eq!(base64::encode(&bytes), text);
        }
        if let Some(binary) = armor::dearmor(text) {
            assert_eq!(armor::dearmor(&armor::armor(&binary)), Some(binary));
        }
        let _ = recipient::kind(text);
        assert!(!sealed::is_entry(text) || !text.is_empty());
    });
}

#[test]
fn age_files() {
    fuzz("age-file", |input| {
        if let Some(stanzas) = age_file::stanzas(input) {
            assert!(stanzas.len() < input.len());
        }
    });
}

#[test]
fn diffs() {
    fuzz("textconv", |input| {
        if let Some(text) = text(input) {
            let _ = shown(text);
        }
    });
}

#[test]
fn edited_texts() {
    fuzz("edited", |input| {
        let Some(text) = text(input) else { return };
        let Some(page) = Page::new("[values]\nA = 1\n", None, BTreeMap::new()) else { return };
        let source = SourceMap::default().add_closed("", "");
        let edited = Secret::new(text.as_bytes().to_vec());
        if let Some(edited) = page.read(&edited, source, &mut Diagnostics::default()) {
            let _ = page.assemble(&edited.skeleton, None);
        }
    });
}

#[test]
fn merged_texts() {
    fuzz("merge", |input| {
        let Some(text) = text(input) else { return };
        let _ = sealed::merge::cleartext(text);
        if let Some(hunks) = sealed::merge::Hunks::of(text) {
            assert!(hunks.count() <= text.lines().count());
        }
    });
}
