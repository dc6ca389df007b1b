//! What every audience gets to see, compared text for text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Code, Diagnostic, Diagnostics, github, human, json, sarif, summary};
use crate::source::{SourceId, SourceMap, Span};

const MARKED: &str = "DATABASE_PORT = \"fivethousand\"";

pub(super) fn span(map: &SourceMap, source: SourceId, part: &str) -> Span {
    let start = map.text(source).find(part).unwrap();
    Span { source, start, end: start + part.len() }
}

pub(super) fn one(diagnostic: Diagnostic) -> Diagnostics {
    let mut all = Diagnostics::default();
    all.push(diagnostic);
    all
}

/// An error in an environment file, with its value open or masked, that a schema explains.
pub(super) fn two_files(masked: bool) -> (Diagnostics, SourceMap) {
    let mut map = SourceMap::default();
    let text = format!("{}{MARKED}\n", "\n".repeat(8));
    let prod = if masked {
        map.add_masked("environments/prod.toml", text)
    } else {
        map.add_open("environments/prod.toml", text)
    };
    map.open(span(&map, prod, "DATABASE_PORT = "));
    let api = map.add_open("schemas/api.toml", format!("{}type = \"port\"\n", "\n".repeat(13)));
    let diagnostic = Diagnostic::error(Code::TypeMismatch, "`DATABASE_PORT` must be a port")
        .at(span(&map, prod, "\"fivethousand\""), "not an integer between 1 and 65535")
        .at(span(&map, api, "\"port\""), "declared here")
        .note("a port is a number")
        .help("envctl explain type-mismatch");
    (one(diagnostic), map)
}

/// An error at some place of a text.
pub(super) fn at(text: &str, range: (usize, usize), label: &str) -> (Diagnostics, SourceMap) {
    let mut map = SourceMap::default();
    let source = map.add_open("a.toml", text);
    let span = Span { source, start: range.0, end: range.1 };
    (one(Diagnostic::error(Code::TomlSyntax, "wrong").at(span, label)), map)
}

#[test]
fn json_gives_places_without_source_lines() {
    let (all, map) = two_files(false);
    let text = json(&all, &map);
    assert_eq!(text.matches('\n').count(), 1);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "schema_version": 1, "code": "type-mismatch", "severity": "error",
        "message": "`DATABASE_PORT` must be a port", "exit_class": 1,
        "labels": [
            {"path": "environments/prod.toml", "line": 9, "column": 17, "end_column": 31,
             "text": "not an integer between 1 and 65535", "primary": true},
            {"path": "schemas/api.toml", "line": 14, "column": 8, "end_column": 14,
             "text": "declared here", "primary": false},
        ],
        "notes": ["a port is a number"], "help": ["envctl explain type-mismatch"],
    });
    assert_eq!(parsed, expected);
    let (all, map) = two_files(true);
    let parsed: Value = serde_json::from_str(&json(&all, &map)).unwrap();
    assert_eq!(parsed["labels"][0].get("end_column"), None);
    let (all, map) = at("a = [\n1]", (4, 8), "");
    let parsed: Value = serde_json::from_str(&json(&all, &map)).unwrap();
    let label = &parsed["labels"][0];
    assert_eq!((&label["end_line"], &label["end_column"]), (&json!(2), &json!(3)));
}

#[test]
fn sarif_gives_rules_and_places() {
    let (all, map) = two_files(false);
    let text = sarif(&all, &map);
    let parsed: Value = serde_json::from_str(&text).unwrap();
    let run = &parsed["runs"][0];
    assert_eq!(parsed["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["name"], "envctl");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "type-mismatch");
    let result = &run["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("type-mismatch"), &json!("error")));
    let place = &result["locations"][0]["physicalLocation"];
    let artifact = json!({"uri": "environments/prod.toml", "uriBaseId": "%SRCROOT%"});
    assert_eq!(place["artifactLocation"], artifact);
    let region = json!({"startLine": 9, "startColumn": 17, "endLine": 9, "endColumn": 31});
    assert_eq!(place["region"], region);
    assert_eq!(result["relatedLocations"][0]["message"]["text"], "declared here");
    let none: Value = serde_json::from_str(&sarif(&Diagnostics::default(), &map)).unwrap();
    assert_eq!(none["runs"][0]["results"], json!([]));
}

#[test]
fn github_gives_workflow_commands() {
    let (all, map) = two_files(false);
    assert_eq!(
        github(&all, &map),
        "::error file=environments/prod.toml,line=9,col=17,title=type-mismatch::`DATABASE_PORT` must be a port\
         %0Anot an integer between 1 and 65535%0Aschemas/api.toml:14:8: declared here\
         %0Anote: a port is a number%0Ahelp: envctl explain type-mismatch\n"
    );
    let bare = one(Diagnostic::warning(Code::Unsupported, "100% wrong"));
    assert_eq!(github(&bare, &map), "::warning title=unsupported::100%25 wrong\n");
}

#[test]
fn hostile_texts_stay_in_their_place() {
    let mut map = SourceMap::default();
    let hostile = "x\u{1b}]0;y\u{7}\n::error::z\r%, a:b\u{202e}\u{e0041}";
    let source = map.add_open(hostile, "a\u{9b}2J = 1");
    let all = one(Diagnostic::error(Code::InvalidName, hostile)
        .at(Span { source, start: 0, end: 5 }, hostile)
        .at(Span { source, start: 6, end: 7 }, hostile)
        .note(hostile)
        .help(hostile));
    let texts = [human(&all, &map, false, 80), json(&all, &map), github(&all, &map), sarif(&all, &map)];
    for text in &texts {
        let steering = text.chars().filter(|one| super::safe::steers(*one) && *one != '\n');
        assert_eq!(steering.count(), 0, "{text}");
        assert!(!text.contains("\n::error::z"));
    }
    assert_eq!(texts.each_ref().map(|text| text.lines().count()), [9, 1, 1, 1]);
    assert!(texts[2].starts_with("::error file=x\\u{1b}]0;y\\u{7}\\u{a}%3A%3Aerror%3A%3Az\\u{d}%25%2C a%3Ab"));
    let line: Value = serde_json::from_str(&texts[1]).unwrap();
    assert_eq!((&line["message"], &line["labels"][0]["path"]), (&json!(hostile), &json!(hostile)));
    let document: Value = serde_json::from_str(&texts[3]).unwrap();
    let location = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    let uri = "x%1B%5D0%3By%07%0A%3A%3Aerror%3A%3Az%0D%25%2C%20a%3Ab%E2%80%AE%F3%A0%81%81";
    assert_eq!(location["artifactLocation"]["uri"], uri);
}

#[test]
fn absolute_paths_have_no_base() {
    let mut map = SourceMap::default();
    let source = map.add_closed("/tmp/a b", "");
    let all = one(Diagnostic::error(Code::Io, "x").at(Span { source, start: 0, end: 0 }, ""));
    let document: Value = serde_json::from_str(&sarif(&all, &map)).unwrap();
    let location = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"], json!({"uri": "file:///tmp/a%20b"}));
}

#[test]
fn summaries_count() {
    let (mut all, map) = two_files(false);
    let tail = "nothing was started";
    assert_eq!(summary(&Diagnostics::default(), &map, tail), "");
    assert_eq!(summary(&all, &map, tail), "1 error in 1 file; nothing was started");
    all.append(two_files(false).0);
    let schema = all.iter().next().unwrap().labels[1].span;
    all.push(Diagnostic::warning(Code::DeprecatedVariable, "x").at(schema, ""));
    assert_eq!(summary(&all, &map, tail), "2 errors, 1 warning in 2 files; nothing was started");
    assert_eq!(summary(&all, &map, ""), "2 errors, 1 warning in 2 files");
    let bare = one(Diagnostic::warning(Code::Unsupported, "x"));
    assert_eq!(summary(&bare, &map, tail), "1 warning");
}

#[test]
fn ten_thousand_are_quick() {
    let mut map = SourceMap::default();
    let text = "NAME = \"value\"\n".repeat(10_000);
    let source = map.add_masked("environments/dev.toml", text);
    let mut all = Diagnostics::default();
    for start in (0..150_000).step_by(15) {
        let span = Span { source, start, end: start + 4 };
        all.push(Diagnostic::error(Code::UnknownVariable, "unknown").at(span, "here").help("x"));
    }
    let before = std::time::Instant::now();
    let all = [human(&all, &map, true, 100), json(&all, &map), github(&all, &map), sarif(&all, &map)];
    // Debug builds on a busy machine; a release build takes a small part of it.
    assert!(before.elapsed().as_secs() < 5, "{:?}", before.elapsed());
    assert!(all.iter().all(|text| text.len() > 100_000));
}

/// Any text, rich in what is awkward to lay out.
fn awkward() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\t".to_owned()),
        Just("漢e\u{301}\u{1b}\u{202e}".to_owned()),
        Just(" ".repeat(50)),
        ".{0,5}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn all_of(all: &Diagnostics, map: &SourceMap, width: usize) -> [String; 5] {
    [human(all, map, false, width), human(all, map, true, width), json(all, map), github(all, map), sarif(all, map)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_and_span_can_be_rendered(
        text in awkward(),
        words in awkward(),
        spans in proptest::collection::vec((0_usize..120, 0_usize..120), 0..5),
        parts in proptest::collection::vec((0_usize..120, 0_usize..120), 0..3),
        kind in 0..3,
        width in 0_usize..120,
    ) {
        let mut map = SourceMap::default();
        let source = match kind {
            0 => map.add_open(words.clone(), text),
            1 => map.add_masked(words.clone(), text),
            _ => map.add_closed(words.clone(), text),
        };
        for (start, end) in parts {
            map.open(Span { source, start, end });
        }
        let mut diagnostic = Diagnostic::error(Code::Bug, words.clone()).note(words.clone());
        for (start, end) in spans {
            diagnostic = diagnostic.at(Span { source, start, end }, words.clone());
        }
        let all = one(diagnostic);
        let [plain, _, lines, _, document] = all_of(&all, &map, width);
        for line in plain.lines() {
            prop_assert_eq!(line, line.trim_end());
        }
        prop_assert!(serde_json::from_str::<Value>(&lines).is_ok());
        prop_assert!(serde_json::from_str::<Value>(&document).is_ok());
    }

    #[test]
    fn what_is_not_open_is_not_shown(
        before in awkward(),
        after in awkward(),
        ranges in proptest::collection::vec((0_usize..200, 0_usize..200), 1..4),
        width in 0_usize..200,
    ) {
        const SECRET: &str = "hunter2";
        let mut map = SourceMap::default();
        let text = format!("{before}{SECRET}{after}");
        let source = map.add_masked("environments/dev.toml", text.as_str());
        let hidden = before.len()..before.len() + SECRET.len();
        map.open(Span { source, start: 0, end: hidden.start });
        map.open(Span { source, start: hidden.end, end: text.len() });
        let mut diagnostic = Diagnostic::error(Code::Bug, "message");
        diagnostic = diagnostic.at(Span { source, start: hidden.start, end: hidden.end }, "");
        for (start, end) in ranges {
            diagnostic = diagnostic.at(Span { source, start, end }, "label");
        }
        prop_assume!(!before.contains("unter") && !after.contains("unter"));
        for text in all_of(&one(diagnostic), &map, width) {
            prop_assert!(!text.contains("unter") && !text.contains("hunt"));
        }
    }
}
