//! Diagnostics as GitHub workflow commands: GitHub shows them at the line in a pull request.

use std::fmt::Write as _;

use super::place::{Place, place};
use super::safe::safe;
use super::{Diagnostic, Diagnostics, json};
use crate::source::SourceMap;

/// All diagnostics, one workflow command a line, in the order given; empty if there are none.
///
/// Further places, notes and help are lines of the message, joined by `%0A`.
pub fn github(diagnostics: &Diagnostics, sources: &SourceMap) -> String {
    let mut lines = String::new();
    for diagnostic in diagnostics.iter() {
        lines.push_str(&command(diagnostic, sources));
        lines.push('\n');
    }
    lines
}

fn command(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let mut line = format!("::{} ", json::severity(diagnostic.severity));
    let mut message = vec![diagnostic.message.clone()];
    for (index, label) in diagnostic.labels.iter().enumerate() {
        let Place { path, start, .. } = place(label, sources);
        let text = &label.text;
        if index == 0 {
            // Writing to a String cannot fail.
            let _ = write!(line, "file={},line={},col={},", property(&path), start.line, start.column);
            if !text.is_empty() {
                message.push(text.clone());
            }
        } else {
            message.push(format!("{path}:{}:{}: {text}", start.line, start.column));
        }
    }
    message.extend(diagnostic.notes.iter().map(|note| format!("note: {note}")));
    message.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    let message: Vec<_> = message.iter().map(|text| data(text)).collect();
    let _ = write!(line, "title={}::{}", property(diagnostic.code.slug()), message.join("%0A"));
    line
}

/// Text after `::`: a line break or a `%` would end the command or be decoded. Control characters are gone before.
fn data(text: &str) -> String {
    let text = safe(text.trim_end()).replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// Text of a property: its separators are escaped as well.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
