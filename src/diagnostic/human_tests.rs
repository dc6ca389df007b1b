//! What people get to see, compared text for text.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::renderer_tests::{at, one, span, two_files};
use super::{Code, Diagnostic, Diagnostics, human};
use crate::source::{SourceMap, Span};

fn shown((all, map): &(Diagnostics, SourceMap), width: usize) -> String {
    human(all, map, false, width)
}

#[test]
fn shows_two_files() {
    let expected = "\
error[type-mismatch]: `DATABASE_PORT` must be a port
 --> environments/prod.toml:9:17
   |
 9 | DATABASE_PORT = \"fivethousand\"
   |                 ^^^^^^^^^^^^^^ not an integer between 1 and 65535
 ::: schemas/api.toml:14:8
   |
14 | type = \"port\"
   |        ------ declared here
   |
   = note: a port is a number
help: envctl explain type-mismatch
";
    let expected = expected.replace("\n --> ", "\n  --> ").replace("\n ::: ", "\n  ::: ");
    assert_eq!(shown(&two_files(false), 80), expected);
    let masked = expected.replace("\"fivethousand\"", "•••••").replace("^^^^^^^^^^^^^^", "^^^^^");
    assert_eq!(shown(&two_files(true), 80), masked);
}

#[test]
fn separates_diagnostics_by_one_blank_line() {
    let mut map = SourceMap::default();
    let closed = map.add_closed("buffer", "a\nhunter2");
    let mut all = one(Diagnostic::warning(Code::FewRecipients, "only one").help("add one"));
    let place = span(&map, closed, "hunter2");
    all.push(Diagnostic::error(Code::TomlSyntax, "wrong").at(place, "no key").note("n"));
    all.push(Diagnostic::error(Code::Io, "unreadable").at(place, ""));
    let expected = "\
warning[few-recipients]: only one
help: add one

error[toml-syntax]: wrong
 --> buffer:2:1
  = note: no key
  = note: n

error[io]: unreadable
 --> buffer:2:1
";
    assert_eq!(human(&all, &map, false, 80), expected);
    assert_eq!(human(&Diagnostics::default(), &map, true, 80), "");
}

#[test]
fn marks_the_right_columns() {
    for (text, range, position, frame) in [
        ("ä = 漢字 x", (5, 11), "1:5", "1 | ä = 漢字 x\n  |     ^^^^ here"),
        ("\ta\t= 1", (3, 4), "1:4", "1 |     a    = 1\n  |          ^ here"),
        ("", (0, 0), "1:1", "1 |\n  | ^ here"),
        ("ab = 1\n", (7, 7), "2:1", "2 |\n  | ^ here"),
        ("ab = 1", (6, 6), "1:7", "1 | ab = 1\n  |       ^ here"),
        ("ab = 1", (90, 99), "1:7", "1 | ab = 1\n  |       ^ here"),
        ("ab = 1", (3, 3), "1:4", "1 | ab = 1\n  |    ^ here"),
        ("ab = 1", (3, 1), "1:4", "1 | ab = 1\n  |    ^ here"),
        ("ab = [\n1]", (5, 8), "1:6", "1 | ab = [\n  |      ^ here"),
        ("a\u{1b}b  ", (2, 3), "1:3", "1 | a\\u{1b}b\n  |        ^ here"),
    ] {
        let expected = format!("error[toml-syntax]: wrong\n --> a.toml:{position}\n  |\n{frame}\n");
        assert_eq!(shown(&at(text, range, "here"), 80), expected, "{text:?}");
    }
}

#[test]
fn cuts_long_lines_around_the_mark() {
    let text = format!("{}MARK{}", "a".repeat(5000), "b".repeat(4996));
    let expected = "\
error[toml-syntax]: wrong
 --> a.toml:1:5001
  |
1 | ...aaaaaaaaaaMARKbbbbbbbbbbbbbbbb...
  |              ^^^^ here
";
    assert_eq!(shown(&at(&text, (5000, 5004), "here"), 0), expected);
    let all = shown(&at(&text, (0, 10_000), ""), 60);
    assert_eq!(all.lines().map(str::len).max(), Some(60));
}

#[test]
fn puts_labels_of_one_line_together() {
    let mut map = SourceMap::default();
    let source = map.add_open("a.toml", "A = 1\nB = \"${A}${A}\"\nA = 2\n");
    let diagnostic = Diagnostic::warning(Code::DuplicateName, "twice")
        .at(Span { source, start: 11, end: 15 }, "second")
        .at(Span { source, start: 15, end: 19 }, "third")
        .at(Span { source, start: 0, end: 1 }, "");
    let expected = "\
warning[duplicate-name]: twice
 --> a.toml:2:6
  |
2 | B = \"${A}${A}\"
  |      ^^^^ second
  |          ---- third
 ::: a.toml:1:1
  |
1 | A = 1
  | -
";
    assert_eq!(human(&one(diagnostic), &map, false, 80), expected);
}

#[test]
fn colours_change_nothing_else() {
    let (all, map) = two_files(true);
    let coloured = human(&all, &map, true, 80);
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[91merror[type-mismatch]\u{1b}[0m"));
    let plain: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(plain, human(&all, &map, false, 80));
}
