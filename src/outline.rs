//! Where the tables of a TOML text begin and its values end: what looks like a comment or a header may be part of a string.

use crate::diagnostic::Diagnostics;
use crate::document::{self, Table, Value};
use crate::patch;
use crate::source::SourceMap;

/// The offsets of a text that insertions have to respect.
#[derive(Debug, Default)]
pub struct Outline {
    /// Where headers begin, in order.
    headers: Vec<usize>,
    /// Where values end, in order.
    ends: Vec<usize>,
}

impl Outline {
    /// Looks a text through; nothing of what is no TOML.
    pub fn of(text: &str) -> Self {
        let source = SourceMap::default().add_masked("", "");
        let mut outline = Self::default();
        if let Some(parsed) = document::parse(text, source, &mut Diagnostics::default()) {
            outline.table(text, &document::root(&parsed, source));
            outline.headers.sort_unstable();
            outline.ends.sort_unstable();
        }
        outline
    }

    fn table(&mut self, text: &str, table: &Table<'_>) {
        for (_, value) in table.entries() {
            self.value(text, value);
        }
    }

    fn value(&mut self, text: &str, value: Value<'_>) {
        let written = text.get(value.span.start..).unwrap_or("");
        let items = value.items().unwrap_or_default();
        match value.table() {
            Some(table) if !written.starts_with('{') => {
                if written.starts_with('[') {
                    self.headers.push(value.span.start);
                }
                self.table(text, &table);
            }
            None if written.starts_with("[[") && items.iter().all(|item| item.table().is_some()) => {
                for item in items {
                    self.value(text, item);
                }
            }
            _ => self.ends.push(value.span.end),
        }
    }

    /// Where the first header begins.
    pub fn first_header(&self) -> Option<usize> {
        self.headers.first().copied()
    }

    /// Where the comment lines directly above the line that holds `offset` begin; the line itself if there are none.
    pub fn block_start(&self, text: &str, offset: usize) -> usize {
        let line = patch::line_start(text, offset);
        let before = self.ends.partition_point(|end| *end <= line);
        let floor = before.checked_sub(1).and_then(|at| self.ends.get(at)).map_or(0, |end| patch::line_end(text, *end));
        patch::block_start(text, offset).max(floor).min(line)
    }
}

#[cfg(test)]
mod tests {
    use super::Outline;

    #[test]
    fn strings_are_no_comments_and_no_headers() {
        let text = "X = '''\n[no]\n# b'''\n# about s\n[s]\n[[a]]\nY = [\n1,\n# in\n]\nZ = {}\n";
        let outline = Outline::of(text);
        let at = |part: &str| text.find(part).unwrap();
        assert_eq!(outline.first_header(), Some(at("[s]")));
        assert_eq!(outline.block_start(text, at("[s]")), at("# about"));
        assert_eq!(outline.block_start(text, at("Z =")), at("Z ="));
        let tight = "X = '''\n# b'''\n[s]\n";
        assert_eq!(Outline::of(tight).block_start(tight, tight.find("[s]").unwrap()), tight.find("[s]").unwrap());
        assert_eq!(Outline::of("no toml").first_header(), None);
    }
}
