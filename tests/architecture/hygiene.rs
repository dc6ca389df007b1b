//! Nothing of the machine it was written on, nothing unfinished, no silent exception.

use regex::Regex;

use crate::scan::{code_only, line_of};
use crate::tree::{root, tracked};

/// Paths of machines, put together here so that this file does not contain them.
const MACHINE: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/tmp", "/w/"),
    concat!("/tmp", "/t/"),
    concat!("/ro", "ot/"),
    concat!("../sha", "red"),
    concat!(".lib", "rary"),
];

/// What finished code does not say, with the reason.
const UNFINISHED: &[(&str, &str)] = &[
    (r"#\[\s*ignore", "an ignored test is no test: mend it or remove it"),
    (r"\b(todo|unimplemented)!", "not finished"),
    (r"\bdbg!", "prints with Debug"),
];

#[test]
fn no_path_of_a_machine() {
    let mut findings = Vec::new();
    for path in tracked() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for word in MACHINE {
            let places = text.match_indices(word).map(|(at, _)| line_of(&text, at));
            let name = path.strip_prefix(root()).unwrap().display();
            findings.extend(places.map(|line| format!("{name}:{line}: {word}")));
        }
    }
    crate::report("paths of a machine", &findings);
}

#[test]
fn nothing_unfinished_and_every_exception_has_a_reason() {
    let attribute = Regex::new(r"#!?\[\s*(?:allow|expect)\s*\(([^\]]*)\]").unwrap();
    let mut findings = Vec::new();
    for path in tracked().iter().filter(|path| path.extension().is_some_and(|it| it == "rs")) {
        let code = code_only(&std::fs::read_to_string(path).unwrap());
        let name = path.strip_prefix(root()).unwrap().display();
        for (pattern, why) in UNFINISHED {
            let places = Regex::new(pattern).unwrap();
            let places: Vec<_> = places.find_iter(&code).map(|found| line_of(&code, found.start())).collect();
            findings.extend(places.iter().map(|line| format!("{name}:{line}: {pattern}: {why}")));
        }
        for found in attribute.captures_iter(&code).filter(|found| !found[1].contains("reason")) {
            let line = line_of(&code, found.get(0).unwrap().start());
            findings.push(format!("{name}:{line}: an exception without `reason = \"…\"`"));
        }
    }
    crate::report("unfinished or unexplained", &findings);
}
