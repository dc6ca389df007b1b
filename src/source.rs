//! Source texts and places in them, with what may be shown of each.
//!
//! A source is closed unless parts of it are opened: what was not understood cannot be shown by mistake.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

/// One file known to a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source the range lies in.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What of a source may be shown to a person.
#[derive(Debug, Clone)]
enum Visibility {
    /// Everything but these ranges: schemas and `envctl.toml`.
    AllBut(Vec<Range<usize>>),
    /// Only these ranges; the rest is shown as dots. Environment files.
    Parts(Vec<Range<usize>>, Shape),
    /// Nothing, not even the line: decrypted buffers, imported files.
    Closed,
}

/// Finds the ranges of a text that may be shown whatever stands between them.
pub type FindShape = fn(&str) -> Vec<Range<usize>>;

/// The shape of a text, found when a line of it is shown for the first time.
#[derive(Debug, Clone, Default)]
struct Shape {
    find: Option<FindShape>,
    found: OnceCell<Vec<Range<usize>>>,
}

/// A text with its name.
#[derive(Debug)]
struct Source {
    path: String,
    text: Arc<str>,
    visibility: Visibility,
    line_starts: Vec<usize>,
}

/// All source texts of one command, by id.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<Source>,
}

/// A line and column, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One line made safe to show: closed parts replaced, the marked range moved accordingly.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Line number, from 1.
    pub line: usize,
    /// The masked text of the line, without its newline.
    pub text: String,
    /// The marked range in `text`, on character borders.
    pub mark: Range<usize>,
}

/// How much of a line is shown before and after the place that is meant, in bytes, before it is cut to the terminal.
const WINDOW: usize = 2048;

/// What stands in for a closed part, whatever its length: the width would tell the length.
const DOTS: &str = "•••••";

impl SourceMap {
    /// Adds a text all of which may be shown.
    pub fn add_open<P: Into<String>, T: Into<Arc<str>>>(&mut self, path: P, text: T) -> SourceId {
        self.add(path.into(), text.into(), Visibility::AllBut(Vec::new()))
    }

    /// Adds a text of which nothing is shown until [`Self::open`] says so.
    pub fn add_masked<P: Into<String>, T: Into<Arc<str>>>(&mut self, path: P, text: T) -> SourceId {
        self.add(path.into(), text.into(), Visibility::Parts(Vec::new(), Shape::default()))
    }

    /// The same for a text of which `find` knows what is shape and may always be shown. It is asked when a line is shown.
    pub fn add_shaped<P: Into<String>, T: Into<Arc<str>>>(&mut self, path: P, text: T, find: FindShape) -> SourceId {
        let shape = Shape { find: Some(find), found: OnceCell::new() };
        self.add(path.into(), text.into(), Visibility::Parts(Vec::new(), shape))
    }

    /// Adds a text of which no line is ever shown.
    pub fn add_closed<P: Into<String>, T: Into<Arc<str>>>(&mut self, path: P, text: T) -> SourceId {
        self.add(path.into(), text.into(), Visibility::Closed)
    }

    fn add(&mut self, path: String, text: Arc<str>, visibility: Visibility) -> SourceId {
        // A byte order mark is no part of the first line: editors neither show nor count it.
        let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let line_starts = std::iter::once(first).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source { path, text, visibility, line_starts });
        id
    }

    /// Allows a range of a masked source to be shown.
    pub fn open(&mut self, span: Span) {
        if let Some(source) = self.sources.get_mut(span.source.0 as usize)
            && let Visibility::Parts(parts, _) = &mut source.visibility
        {
            parts.push(span.start..span.end);
        }
    }

    /// Forbids a range of an open source to be shown.
    pub fn hide(&mut self, span: Span) {
        if let Some(source) = self.sources.get_mut(span.source.0 as usize)
            && let Visibility::AllBut(parts) = &mut source.visibility
        {
            parts.push(span.start..span.end);
        }
    }

    /// The name of a source, as given.
    pub fn path(&self, id: SourceId) -> &str {
        self.get(id).map_or("", |source| &source.path)
    }

    /// The whole text of a source, unmasked.
    pub fn text(&self, id: SourceId) -> Arc<str> {
        self.get(id).map_or_else(|| Arc::from(""), |source| Arc::clone(&source.text))
    }

    /// The name and the text of every source.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sources.iter().map(|source| (source.path.as_str(), &*source.text))
    }

    fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// Where a span begins.
    pub fn position(&self, span: Span) -> Position {
        let Some(source) = self.get(span.source) else {
            return Position { line: 1, column: 1 };
        };
        let (line, range) = source.line_at(span.start);
        let before = source.text.get(range.start..floor(&source.text, span.start)).unwrap_or("");
        Position { line, column: before.chars().count() + 1 }
    }

    /// The line in which a span begins, masked; nothing for a closed source.
    pub fn excerpt(&self, span: Span) -> Option<Excerpt> {
        let source = self.get(span.source)?;
        let (line, range) = source.line_at(span.start);
        let (parts, shape, shown) = match &source.visibility {
            Visibility::AllBut(parts) => (parts, &[][..], false),
            Visibility::Parts(parts, shape) => (parts, shape.of(&source.text), true),
            Visibility::Closed => return None,
        };
        // Of a very long line only what is near the mark is looked at: there may be as many marks as characters.
        let from = floor(&source.text, span.start.saturating_sub(WINDOW)).max(range.start);
        let to = floor(&source.text, span.start.saturating_add(WINDOW)).max(range.start);
        let range = from..to.min(range.end);
        let mark = span.start.clamp(range.start, range.end)..span.end.clamp(range.start, range.end);
        let (text, mark) = masked(&source.text, &range, ([parts, shape], shown), &mark);
        Some(Excerpt { line, text, mark })
    }
}

impl Shape {
    fn of(&self, text: &str) -> &[Range<usize>] {
        self.found.get_or_init(|| self.find.map(|find| find(text)).unwrap_or_default())
    }
}

impl Source {
    /// The number of the line that holds `offset`, and its range without the line ending.
    fn line_at(&self, offset: usize) -> (usize, Range<usize>) {
        let index = self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0);
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or("");
        (index + 1, start..start + line.strip_suffix('\r').unwrap_or(line).len())
    }
}

/// The largest character border not after `offset`.
fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Copies `line` of `text`; with `true` only the parts are kept, with `false` all but them, and dots stand for the rest.
/// Gives the place of `mark` in the copy as well.
fn masked(
    text: &str,
    line: &Range<usize>,
    (parts, keep): ([&[Range<usize>]; 2], bool),
    mark: &Range<usize>,
) -> (String, Range<usize>) {
    let near = |part: &&Range<usize>| part.start < line.end && part.end > line.start;
    let mut parts: Vec<_> = parts.into_iter().flatten().filter(near).collect();
    parts.sort_by_key(|part| part.start);
    let mut parts = parts.into_iter().peekable();
    let mut covered = 0;
    let mut shown = String::new();
    let (mut start, mut end) = (None, None);
    let mut dotted = false;
    for (at, character) in text.get(line.clone()).unwrap_or("").char_indices() {
        let at = at + line.start;
        while let Some(part) = parts.next_if(|part| part.start <= at) {
            covered = covered.max(part.end);
        }
        let open = (at < covered) == keep;
        let begins = shown.len();
        if open {
            shown.push(character);
            dotted = false;
        } else if !dotted {
            shown.push_str(DOTS);
            dotted = true;
        }
        // Inside a run of dots nothing more is added: the mark then covers the run it began in.
        let here = if shown.len() == begins { begins.saturating_sub(DOTS.len()) } else { begins };
        if at >= mark.start && at < mark.end {
            start.get_or_insert(here);
            end = Some(shown.len());
        }
    }
    let start = start.unwrap_or(if mark.start <= line.start { 0 } else { shown.len() });
    (shown, start..end.unwrap_or(start))
}

#[cfg(test)]
mod tests {
    use super::{Position, SourceMap, Span};

    fn span(map: &SourceMap, id: super::SourceId, part: &str) -> Span {
        let start = map.text(id).find(part).unwrap();
        Span { source: id, start, end: start + part.len() }
    }

    #[test]
    fn masks_all_but_the_open_parts() {
        let mut map = SourceMap::default();
        let id = map.add_masked("dev.toml", "A = 1\r\nKEY = \"hunter2\" # note hunter2\r\n");
        map.open(span(&map, id, "KEY = "));
        let value = map.excerpt(span(&map, id, "\"hunter2\"")).unwrap();
        assert_eq!((value.line, value.text.as_str(), value.mark), (2, "KEY = •••••", 6..21));
        let key = map.excerpt(span(&map, id, "KEY")).unwrap();
        assert_eq!(key.mark, 0..3);
        assert_eq!(map.excerpt(span(&map, id, "1")).unwrap().text, "•••••");
    }

    #[test]
    fn positions_count_characters() {
        let mut map = SourceMap::default();
        let id = map.add_open("x", "é = 1\nß = 2");
        assert_eq!(map.position(span(&map, id, "2")), Position { line: 2, column: 5 });
        let inside = Span { source: id, start: 1, end: 1 };
        assert_eq!(map.position(inside), Position { line: 1, column: 1 });
    }

    #[test]
    fn spans_beyond_the_text_are_clamped() {
        let mut map = SourceMap::default();
        let id = map.add_open("x", "abc\n");
        let excerpt = map.excerpt(Span { source: id, start: 90, end: 99 }).unwrap();
        assert_eq!((excerpt.line, excerpt.text.as_str(), excerpt.mark), (2, "", 0..0));
    }

    #[test]
    fn closed_sources_have_no_excerpt() {
        let mut map = SourceMap::default();
        let id = map.add_closed("x", "secret");
        assert!(map.excerpt(span(&map, id, "secret")).is_none());
    }
}
