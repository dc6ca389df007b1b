//! The last line of a report: how many problems in how many files.

use std::collections::BTreeSet;

use super::{Diagnostic, Diagnostics, Severity};
use crate::source::SourceMap;

/// `3 errors, 1 warning in 2 files; nothing was started`, with `tail` behind the semicolon; no newline.
///
/// Files are those in which a problem is, not those that explain it. Empty if there are no diagnostics.
pub fn summary(diagnostics: &Diagnostics, sources: &SourceMap, tail: &str) -> String {
    let of = |severity| {
        let same = diagnostics.iter().filter(|one| one.severity == severity);
        same.count()
    };
    let counts = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")];
    let found = counts.iter().filter(|(count, _)| *count > 0);
    let found: Vec<String> = found.map(|(count, word)| counted(*count, word)).collect();
    if found.is_empty() {
        return String::new();
    }
    let files: BTreeSet<&str> =
        diagnostics.iter().filter_map(Diagnostic::primary).map(|span| sources.path(span.source)).collect();
    let mut line = found.join(", ");
    if !files.is_empty() {
        line.push_str(" in ");
        line.push_str(&counted(files.len(), "file"));
    }
    // Warnings stop nothing.
    if !tail.is_empty() && of(Severity::Error) > 0 {
        line.push_str("; ");
        line.push_str(tail);
    }
    line
}

fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}
