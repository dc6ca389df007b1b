//! Where a label lies, for renderers that give positions and no source lines.

use super::Label;
use crate::source::{Position, SourceId, SourceMap, Span};

/// What a masked part looks like in an excerpt.
const DOT: char = '•';

/// The most lines of one span that are looked at to decide whether its end may be told.
const LINES: usize = 100;

/// The place of one label.
pub(super) struct Place {
    /// The name of its source, as given: not yet safe to show.
    pub(super) path: String,
    /// Where it begins in the original text.
    pub(super) start: Position,
    /// Where it ends (exclusive). Nothing if any of it is masked: the end would tell the length of a secret.
    pub(super) end: Option<Position>,
}

/// The place of a label.
pub(super) fn place(label: &Label, sources: &SourceMap) -> Place {
    let Span { source, start, end } = label.span;
    let end = end.max(start);
    let shown = is_shown(sources, source, start, end);
    Place {
        path: sources.path(source).to_owned(),
        start: sources.position(label.span),
        end: shown.then(|| {
            let span = Span { source, start: end, end };
            sources.position(span)
        }),
    }
}

/// Whether all of a range may be shown, as far as its excerpts tell.
fn is_shown(sources: &SourceMap, source: SourceId, start: usize, end: usize) -> bool {
    let text = sources.text(source);
    let mut from = start;
    for _ in 0..LINES {
        let rest = text.as_bytes().get(from..end).unwrap_or(&[]);
        let line_end = rest.iter().position(|byte| *byte == b'\n').map(|at| from + at);
        let span = Span { source, start: from, end: line_end.unwrap_or(end) };
        let shown =
            sources.excerpt(span).is_some_and(|line| line.text.get(line.mark).is_some_and(|part| !part.contains(DOT)));
        match line_end {
            _ if !shown => return false,
            Some(at) => from = at + 1,
            None => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::place;
    use crate::diagnostic::Label;
    use crate::source::{Position, SourceMap, Span};

    #[test]
    fn the_end_of_a_masked_part_is_not_told() {
        let mut map = SourceMap::default();
        let open = map.add_open("a", "ä = 1\nb = 2\n");
        let masked = map.add_masked("b", "KEY = \"hunter2\"\n");
        let closed = map.add_closed("c", "hunter2");
        map.open(Span { source: masked, start: 0, end: 6 });
        let at = |source, start, end| {
            let label = Label { span: Span { source, start, end }, text: String::new() };
            place(&label, &map)
        };
        let end = |line, column| Some(Position { line, column });
        assert_eq!(at(open, 0, 2).end, end(1, 2));
        assert_eq!(at(open, 0, 8).end, end(2, 2));
        assert_eq!(at(open, 5, 2).end, end(1, 5));
        assert_eq!(at(open, 13, 99).end, end(3, 1));
        assert_eq!(at(masked, 0, 3).end, end(1, 4));
        assert_eq!(at(masked, 6, 15).end, None);
        assert_eq!(at(masked, 4, 7).end, None);
        assert_eq!(at(masked, 6, 15).start, Position { line: 1, column: 7 });
        assert_eq!(at(closed, 0, 3).end, None);
    }
}
