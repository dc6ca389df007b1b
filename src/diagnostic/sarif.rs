//! Diagnostics as one SARIF 2.1.0 document (OASIS standard), for code scanning.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::json::{severity, to_json};
use super::place::{Place, place};
use super::{Code, Diagnostic, Diagnostics, Label};
use crate::source::SourceMap;

/// One SARIF document on one line, also if there are no diagnostics; without source lines.
///
/// Paths are relative to `%SRCROOT%`; columns count characters.
pub fn sarif(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let used: BTreeSet<Code> = diagnostics.iter().map(|one| one.code).collect();
    let rules: Vec<Value> = used.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = diagnostics.iter().map(|one| result(one, sources)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "envctl",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = to_json(&document);
    text.push('\n');
    text
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.slug(),
        "shortDescription": {"text": code.meaning()},
        "help": {"text": code.explanation()},
    })
}

fn result(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let mut message = vec![diagnostic.message.clone()];
    message.extend(diagnostic.notes.iter().map(|note| format!("note: {note}")));
    message.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    let mut locations = Vec::new();
    let mut related = Vec::new();
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let mut location = location(label, sources);
        if index == 0 {
            locations.push(location);
        } else {
            insert(&mut location, "id", json!(index));
            related.push(location);
        }
    }
    let mut result = json!({
        "ruleId": diagnostic.code.slug(),
        "level": severity(diagnostic.severity),
        "message": {"text": message.join("\n")},
        "locations": locations,
    });
    if !related.is_empty() {
        insert(&mut result, "relatedLocations", Value::Array(related));
    }
    result
}

fn location(label: &Label, sources: &SourceMap) -> Value {
    let Place { path, start, end } = place(label, sources);
    let mut region = json!({"startLine": start.line, "startColumn": start.column});
    if let Some(end) = end {
        insert(&mut region, "endLine", json!(end.line));
        insert(&mut region, "endColumn", json!(end.column));
    }
    let artifact = if path.starts_with('/') {
        json!({"uri": format!("file://{}", uri(&path))})
    } else {
        json!({"uri": uri(&path), "uriBaseId": "%SRCROOT%"})
    };
    let mut location = json!({
        "physicalLocation": {"artifactLocation": artifact, "region": region},
    });
    if !label.text.is_empty() {
        insert(&mut location, "message", json!({"text": label.text}));
    }
    location
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(key.to_owned(), value);
    }
}

/// A path as a URI reference: all but unreserved characters (RFC 3986, section 2.3) and `/` percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            other => {
                // Writing to a String cannot fail.
                let _ = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}
