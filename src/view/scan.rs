//! Where the parts of an environment's text stand: tables with the comments above them, values, lines of `[secrets]`.

use std::ops::Range;

use crate::document::{Table, Value};
use crate::patch::{block_start, line_end, line_start};

/// An entry of `[secrets]`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    /// Whether it has its line, or lines, to itself.
    pub(super) alone: bool,
}

/// The parts of a text.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Headers of tables, each with the key at the top that it belongs to.
    headers: Vec<(usize, String)>,
    /// Everything that stands behind a key, in order.
    values: Vec<Range<usize>>,
    /// The header of `[secrets]`.
    pub(super) header: Option<Range<usize>>,
    /// The entries of `[secrets]`, in order.
    pub(super) rows: Vec<Row>,
}

impl Scan {
    /// Looks a document through.
    pub(super) fn of(root: &Table<'_>, text: &str) -> Self {
        let mut scan = Self::default();
        for (key, value) in root.entries() {
            scan.visit(text, key.value, value);
        }
        scan.headers.sort();
        scan.headers.dedup_by_key(|(start, _)| *start);
        scan.values.sort_by_key(|range| range.start);
        scan.secrets(root, text);
        scan
    }

    fn visit(&mut self, text: &str, top: &str, value: Value<'_>) {
        if let Some(table) = value.table() {
            let written = text.get(value.span.start..).unwrap_or("");
            if written.starts_with('{') {
                self.values.push(value.span.start..value.span.end);
                return;
            }
            if written.starts_with('[') && is_line_start(text, value.span.start) {
                self.headers.push((value.span.start, top.to_owned()));
            }
            for (_, value) in table.entries() {
                self.visit(text, top, value);
            }
            return;
        }
        // The tables of `[[name]]` have headers, those of `name = [{}]` have not.
        let tables = value.items().unwrap_or_default();
        let is_header = |item: &Value<'_>| {
            text.get(item.span.start..).is_some_and(|written| written.starts_with("[[")) && item.table().is_some()
        };
        if tables.is_empty() || !tables.iter().all(is_header) {
            self.values.push(value.span.start..value.span.end);
        } else {
            for item in tables {
                self.visit(text, top, item);
            }
        }
    }

    fn secrets(&mut self, root: &Table<'_>, text: &str) {
        let Some(value) = root.get("secrets") else { return };
        let (Some(table), Some(key)) = (value.table(), root.key_span("secrets")) else { return };
        let header = value.span.start..value.span.end;
        if self.headers.iter().any(|(start, _)| *start == header.start) && header.contains(&key.start) {
            self.header = Some(header);
        }
        for (key, value) in table.entries() {
            let (key_range, value_range) = (key.span.start..key.span.end, value.span.start..value.span.end);
            let before = text.get(line_start(text, key_range.start)..key_range.start).unwrap_or("x");
            let between = text.get(key_range.end..value_range.start).unwrap_or("");
            let after = text.get(value_range.end..line_end(text, value_range.end)).unwrap_or("").trim();
            let alone =
                before.trim().is_empty() && between.trim() == "=" && (after.is_empty() || after.starts_with('#'));
            self.rows.push(Row { name: key.value.to_owned(), key: key_range, value: value_range, alone });
        }
        self.rows.sort_by_key(|row| row.key.start);
    }

    /// Whether an offset lies inside of what stands behind a key.
    pub(super) fn is_inside(&self, offset: usize) -> bool {
        let next = self.values.partition_point(|range| range.start <= offset);
        next.checked_sub(1).and_then(|last| self.values.get(last)).is_some_and(|range| range.contains(&offset))
    }

    /// Where the lines begin that belong to the one that holds `offset`: comments above it, and blank lines above these.
    pub(super) fn block(&self, text: &str, offset: usize) -> usize {
        let floor = self.floor(text, offset);
        let mut start = block_start(text, offset);
        while start > floor {
            let above = line_start(text, start - 1);
            if !text.get(above..start).is_some_and(|line| line.trim().is_empty()) {
                break;
            }
            start = above;
        }
        start.max(floor)
    }

    /// The end of the line in which the last value, or header, before `offset` ends.
    fn floor(&self, text: &str, offset: usize) -> usize {
        let line = line_start(text, offset);
        let last = |ends: Option<usize>| ends.map_or(0, |end| line_end(text, end));
        let values = self.values.partition_point(|range| range.start < line);
        let headers = self.headers.partition_point(|(start, _)| *start < line);
        let value = values.checked_sub(1).and_then(|at| self.values.get(at)).map(|range| range.end);
        let header = headers.checked_sub(1).and_then(|at| self.headers.get(at)).map(|(start, _)| *start);
        let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        last(value).max(last(header)).min(line).max(mark)
    }

    /// The ranges that the tables of one key at the top cover, with the comments above them.
    pub(super) fn tables(&self, text: &str, top: &str) -> Vec<Range<usize>> {
        let starts: Vec<usize> = self.headers.iter().map(|(start, _)| self.block(text, *start)).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let all = self.headers.iter().zip(starts.iter().copied().zip(ends));
        all.filter(|((_, name), _)| name == top).map(|(_, (start, end))| start..end).collect()
    }
}

fn is_line_start(text: &str, offset: usize) -> bool {
    text.get(line_start(text, offset)..offset)
        .is_some_and(|before| before.trim_start_matches('\u{feff}').trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::Scan;
    use crate::diagnostic::Diagnostics;
    use crate::document;
    use crate::source::SourceMap;

    fn tables(text: &str, top: &str) -> Vec<String> {
        let source = SourceMap::default().add_masked("", "");
        let parsed = document::parse(text, source, &mut Diagnostics::default()).unwrap();
        let scan = Scan::of(&document::root(&parsed, source), text);
        scan.tables(text, top).into_iter().map(|range| text.get(range).unwrap().to_owned()).collect()
    }

    #[test]
    fn tables_have_their_comments() {
        let text = "# top\n[seal]\na = 1\n\n# of x\n[x]\nb = '''\n# no comment'''\n[seal.y]\nc = 1 # last\n# end";
        assert_eq!(tables(text, "seal"), ["# top\n[seal]\na = 1\n", "[seal.y]\nc = 1 # last\n# end"]);
        assert_eq!(tables(text, "x"), ["\n# of x\n[x]\nb = '''\n# no comment'''\n"]);
        assert_eq!(tables("\u{feff}[a]\n\n[b]\n\n[a.c]\n", "a"), ["[a]\n", "\n[a.c]\n"]);
        assert_eq!(tables("x = ['[a]', { y = 1 }]\n[[a]]\n[[a]]\nb = { c = 1 }\n", "a").len(), 2);
    }
}
