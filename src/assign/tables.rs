//! Where the tables of an environment stand in its text.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
use crate::document::{self, Table, Value};
use crate::outline::Outline;
use crate::patch::line_start;
use crate::source::SourceMap;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Not at all.
    Nowhere,
    /// With a header, which ends here.
    Header(usize),
    /// Inline or with dots: nothing can be added on a line of its own.
    Closed,
}

/// Where the tables of an environment stand.
pub(super) struct Tables {
    values: Place,
    per_schema: BTreeMap<String, Place>,
    /// What `[for.SCHEMA]` is for a schema that has none.
    no_schema: Place,
    /// The line of the first header of all.
    pub(super) first: Option<usize>,
    /// The line of the first header of what is sealed.
    pub(super) sealed: Option<usize>,
    outline: Outline,
    /// The length of the byte order mark.
    mark: usize,
}

impl Tables {
    /// Looks for them; nothing if the text is no TOML.
    pub(super) fn of(text: &str) -> Option<Self> {
        let source = SourceMap::default().add_masked("", "");
        let parsed = document::parse(text, source, &mut Diagnostics::default())?;
        let root = document::root(&parsed, source);
        let place = |value: &Value<'_>| {
            let header = value.table().is_some() && has_header(text, value);
            if header { Place::Header(value.span.end) } else { Place::Closed }
        };
        let schemas = root.get("for").and_then(|value| value.table());
        let own = schemas.iter().flat_map(Table::entries);
        let per_schema: BTreeMap<_, _> = own.map(|(schema, value)| (schema.value.to_owned(), place(&value))).collect();
        let closed = schemas.is_some() && !per_schema.values().any(|place| matches!(place, Place::Header(_)));
        let sealed = ["secrets", "seal"].into_iter().filter_map(|key| root.get(key));
        let sealed = sealed.filter(|value| has_header(text, value)).map(|value| line_start(text, value.span.start));
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let outline = Outline::of(text);
        Some(Self {
            values: root.get("values").as_ref().map_or(Place::Nowhere, place),
            per_schema,
            no_schema: if closed { Place::Closed } else { Place::Nowhere },
            first: outline.first_header().map(|header| line_start(text, header).max(mark)),
            sealed: sealed.min().map(|line| line.max(mark)),
            outline,
            mark,
        })
    }

    /// How `[values]` is written, or `[for.SCHEMA]`.
    pub(super) fn place(&self, schema: Option<&str>) -> Place {
        match schema {
            None => self.values,
            Some(schema) => self.per_schema.get(schema).copied().unwrap_or(self.no_schema),
        }
    }

    /// Where the comments above the line of `offset` begin; a line of a string that looks like a comment is none.
    pub(super) fn above(&self, text: &str, offset: usize) -> usize {
        // Nothing comes before the byte order mark.
        self.outline.block_start(text, offset).max(self.mark)
    }
}

fn has_header(text: &str, value: &Value<'_>) -> bool {
    text.get(value.span.start..).is_some_and(|at| at.starts_with('['))
}
