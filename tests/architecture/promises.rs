//! SECURITY.md names for each promise the tests that hold it: they exist, and no promise is forgotten.

use std::collections::BTreeSet;
use std::path::PathBuf;

use regex::Regex;

use crate::tree::root;

/// How many promises there are: P1 to P20.
const PROMISES: usize = 20;
/// Where `FILE::NAME` is looked for.
const PLACES: &[&str] = &["tests/cli/FILE.rs", "tests/architecture/FILE.rs", "src/FILE.rs", "src/FILE/mod.rs"];

fn security() -> String {
    std::fs::read_to_string(root().join("SECURITY.md")).unwrap()
}

/// Whether a file has a test of this name.
fn has_test(path: &PathBuf, name: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    let Some(at) = text.find(&format!("fn {name}(")) else { return false };
    let start = text[..at].rfind("\n\n").unwrap_or(0);
    text[start..at].contains("#[test]")
}

#[test]
fn every_test_that_is_named_exists() {
    let named = Regex::new(r"`([a-z_/]+)::([a-z0-9_]+)`").unwrap();
    let text = security();
    let mut findings = Vec::new();
    let mut count = 0;
    for found in named.captures_iter(&text) {
        count += 1;
        let mut places = PLACES.iter().map(|place| root().join(place.replace("FILE", &found[1])));
        if !places.any(|path| has_test(&path, &found[2])) {
            findings.push(format!("{}::{}", &found[1], &found[2]));
        }
    }
    assert!(count > 50, "{count} tests are named");
    crate::report("tests that SECURITY.md names and that are not there", &findings);
}

#[test]
fn every_promise_is_held_by_a_test_or_not_yet_made() {
    let text = security();
    let (_, rest) = text.split_once("\n## Promises\n").unwrap();
    let (held, rest) = rest.split_once("\n### Not yet\n").unwrap();
    let not_yet = rest.split("\n## ").next().unwrap();
    let row = Regex::new(r"(?m)^\| P([0-9]+) \|[^|]*\|([^|]*)\|$").unwrap();
    let file = Regex::new(r"`([a-z./-]+)`").unwrap();
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (part, is_held) in [(held, true), (not_yet, false)] {
        for found in row.captures_iter(part) {
            let number: usize = found[1].parse().unwrap();
            if !seen.insert(number) {
                findings.push(format!("P{number} stands there twice"));
            }
            let is_file = |name: &str| root().join(name).exists();
            if is_held && !found[2].contains("::") && !file.captures_iter(&found[2]).any(|file| is_file(&file[1])) {
                findings.push(format!("P{number} is held by nothing"));
            }
        }
    }
    findings
        .extend((1..=PROMISES).filter(|number| !seen.contains(number)).map(|number| format!("P{number} is missing")));
    crate::report("promises", &findings);
}
