//! Diagnostics for programs: one JSON object a line, without source lines.

use std::fmt::Write as _;

use serde::Serialize;

use super::place::{Place, place};
use super::safe::steers;
use super::{Diagnostic, Diagnostics, Severity};
use crate::source::SourceMap;

/// Raised when a field changes its meaning or goes away; new fields may come without.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    exit_class: u8,
    labels: Vec<Labelled<'a>>,
    notes: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
struct Labelled<'a> {
    path: String,
    line: usize,
    column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
    text: &'a str,
    primary: bool,
}

/// All diagnostics, one JSON object a line, in the order given; empty if there are none.
///
/// Lines and columns count from 1, columns in characters; the end is exclusive, `end_line` is there where it differs
/// from `line`, and both are left out where they would tell the length of a masked value. `exit_class` is the exit
/// code that this problem alone asks for.
pub fn json(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics.iter() {
        lines.push_str(&to_json(&line(diagnostic, sources)));
        lines.push('\n');
    }
    lines
}

fn line<'a>(diagnostic: &'a Diagnostic, sources: &SourceMap) -> Line<'a> {
    let labels = diagnostic.labels.iter().enumerate();
    let labels = labels.map(|(index, label)| {
        let Place { path, start, end } = place(label, sources);
        Labelled {
            path,
            line: start.line,
            column: start.column,
            end_line: end.map(|end| end.line).filter(|line| *line != start.line),
            end_column: end.map(|end| end.column),
            text: &label.text,
            primary: index == 0,
        }
    });
    Line {
        schema_version: SCHEMA_VERSION,
        code: diagnostic.code.slug(),
        severity: severity(diagnostic.severity),
        message: &diagnostic.message,
        exit_class: diagnostic.code.class().exit_code(),
        labels: labels.collect(),
        notes: &diagnostic.notes,
        help: &diagnostic.help,
    }
}

/// The word for a severity; also SARIF's `level`.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// One line of JSON in which every character that steers a terminal is an escape of RFC 8259, section 7.
pub(super) fn to_json(value: &impl Serialize) -> String {
    // Strings, numbers and lists of them: none can fail.
    escaped(&serde_json::to_string(value).unwrap_or_default())
}

/// JSON over several lines, for results, with the same escapes and a final newline.
pub fn pretty_json(value: &impl Serialize) -> String {
    let mut text = escaped(&serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

/// Newlines stay: in JSON they stand between values alone. Nothing else that steers a terminal does outside of strings.
fn escaped(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len() + 16);
    for character in plain.chars() {
        if character != '\n' && steers(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}
