//! Where the parts of `[seal]` and `[secrets]` stand in a text, for changing them and nothing else.

use std::ops::Range;

use crate::diagnostic::Diagnostics;
use crate::document::{self, Table, Value};
use crate::source::SourceMap;

/// A key with its value, each a range of bytes.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    /// The keys of an inline table.
    pub(super) inner: Vec<(String, Range<usize>)>,
}

/// A table that is written as a header with a line for each key.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) header: Range<usize>,
    pub(super) lines: Vec<Line>,
}

/// The sealed part of a text.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) secrets: Option<Lines>,
    /// `[seal]` and `[seal.recipients]`.
    pub(super) seal: Option<(Lines, Lines)>,
}

/// What was found in a text.
#[derive(Debug)]
pub(super) enum Found {
    /// The form that envctl writes.
    Usual(Layout),
    /// Another TOML spelling of the same tables.
    Unusual,
    /// No TOML.
    Nothing,
}

/// Looks a text through.
pub(super) fn layout(text: &str) -> Found {
    let source = SourceMap::default().add_masked("", "");
    let Some(parsed) = document::parse(text, source, &mut Diagnostics::default()) else {
        return Found::Nothing;
    };
    let root = document::root(&parsed, source);
    let secrets = root.get("secrets").map(|value| Lines::of(text, "secrets", &root, value));
    let seal = root.get("seal").map(|value| {
        let seal = Lines::of(text, "seal", &root, value)?;
        let table = value.table()?;
        let recipients = Lines::of(text, "recipients", &table, table.get("recipients")?)?;
        Some((seal, recipients))
    });
    if matches!(secrets, Some(None)) || matches!(seal, Some(None)) {
        return Found::Unusual;
    }
    Found::Usual(Layout { secrets: secrets.flatten(), seal: seal.flatten() })
}

impl Lines {
    /// The lines of a table that has a header of its own; nothing if it is written in another way.
    fn of(text: &str, name: &str, parent: &Table<'_>, value: Value<'_>) -> Option<Self> {
        let table = value.table()?;
        let header = value.span.start..value.span.end;
        let key = parent.key_span(name)?;
        let is_header = text.get(header.clone())?.starts_with('[') && header.contains(&key.start);
        let mut lines = Vec::new();
        for (key, value) in table.entries() {
            // `[seal.recipients]` is a table of its own, and nothing else is.
            let is_own = name == "seal" && key.value == "recipients";
            if !is_own {
                let key = key.span.start..key.span.end;
                lines.push(Line::of(text, &key, value)?);
            }
        }
        is_header.then_some(Self { header, lines })
    }

    /// The line of a key.
    pub(super) fn get(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    /// Whether the keys stand in the order of their bytes.
    pub(super) fn is_sorted(&self) -> bool {
        self.lines.is_sorted_by(|a, b| a.name < b.name)
    }
}

impl Line {
    fn of(text: &str, key: &Range<usize>, value: Value<'_>) -> Option<Self> {
        let start = crate::patch::line_start(text, key.start);
        let alone = text.get(start..key.start)?.trim().is_empty();
        let between = text.get(key.end..value.span.start)?.trim();
        let name = text.get(key.clone())?.trim_matches(['"', '\'']).to_owned();
        let inner = match value.table() {
            Some(table) if text.get(value.span.start..)?.starts_with('{') => {
                table.entries().map(|(key, value)| (key.value.to_owned(), value.span.start..value.span.end)).collect()
            }
            Some(_) => return None,
            None => Vec::new(),
        };
        (alone && between == "=").then(|| Self {
            name,
            key: key.clone(),
            value: value.span.start..value.span.end,
            inner,
        })
    }
}
