//! One source line cut to a width, with the columns that a mark covers: what is drawn inside a frame.

use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use super::safe::{safe, steers};

/// A tab is shown as this many spaces, wherever it stands.
const TAB: &str = "    ";

/// What stands for the part of a line that was cut off.
const CUT: &str = "...";

/// One character of a line as it is shown.
struct Cell {
    /// Its first byte in the line.
    at: usize,
    /// The character, its escape, or the spaces of a tab.
    shown: String,
    /// First column, from 0.
    column: usize,
    /// Columns it takes.
    width: usize,
}

/// A line as a row of columns.
pub(super) struct Row {
    cells: Vec<Cell>,
    width: usize,
}

impl Row {
    /// Lays out a masked line; characters that steer a terminal are escaped.
    pub(super) fn new(line: &str) -> Self {
        let mut width = 0;
        let mut cells = Vec::with_capacity(line.len());
        for (at, character) in line.char_indices() {
            let shown = match character {
                '\t' => TAB.to_owned(),
                other if steers(other) => safe(other.encode_utf8(&mut [0; 4])).into_owned(),
                other => other.to_string(),
            };
            let taken = shown.chars().map(|one| one.width().unwrap_or(0)).sum();
            cells.push(Cell { at, shown, column: width, width: taken });
            width += taken;
        }
        Self { cells, width }
    }

    /// Columns of the whole line.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The columns that a range of bytes covers, at least one.
    pub(super) fn columns(&self, mark: &Range<usize>) -> Range<usize> {
        let column = |byte: usize| {
            let index = self.cells.partition_point(|cell| cell.at < byte);
            self.cells.get(index).map_or(self.width, |cell| cell.column)
        };
        let start = column(mark.start);
        start..column(mark.end).max(start + 1)
    }

    /// The part of the line around `mark` that fits into `room` columns, and the mark's columns in it.
    pub(super) fn cut(&self, mark: &Range<usize>, room: usize) -> (String, Range<usize>) {
        if self.width <= room {
            let whole = self.cells.iter().map(|cell| cell.shown.as_str()).collect();
            return (whole, mark.clone());
        }
        // A third of the room before the mark: enough to see what it belongs to.
        let inner = room.saturating_sub(2 * CUT.len());
        let from = if mark.end <= room.saturating_sub(CUT.len()) { 0 } else { mark.start.saturating_sub(inner / 3) };
        let mut shown = String::new();
        let mut column = 0;
        if from > 0 {
            shown.push_str(CUT);
            column = CUT.len();
        }
        let first = self.cells.partition_point(|cell| cell.column < from);
        let left = column;
        let base = self.cells.get(first).map_or(self.width, |cell| cell.column);
        let mut complete = true;
        for cell in self.cells.iter().skip(first) {
            if column + cell.width > room.saturating_sub(CUT.len()) {
                complete = false;
                break;
            }
            shown.push_str(&cell.shown);
            column += cell.width;
        }
        if !complete {
            shown.push_str(CUT);
        }
        let moved = |to: usize| (to.saturating_sub(base) + left).min(column);
        let start = moved(mark.start);
        (shown, start..moved(mark.end).max(start + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn columns_follow_what_is_shown() {
        let row = Row::new("\té漢\u{1b}x");
        assert_eq!(row.width(), 4 + 1 + 2 + 6 + 1);
        assert_eq!(row.columns(&(0..1)), 0..4);
        assert_eq!(row.columns(&(1..3)), 4..5);
        assert_eq!(row.columns(&(3..6)), 5..7);
        assert_eq!(row.columns(&(6..7)), 7..13);
        assert_eq!(row.columns(&(8..8)), 14..15);
        assert_eq!(row.columns(&(99..99)), 14..15);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let row = Row::new("0123456789abcdefghijklmnopqrstuvwxyz");
        for (mark, text, moved) in [
            (0..2, "0123456789abcdefg...", 0..2),
            (15..17, "0123456789abcdefg...", 15..17),
            (16..18, "...cdefghijklmnop...", 7..9),
            (34..36, "...uvwxyz", 7..9),
            (36..37, "...wxyz", 7..8),
            (20..36, "...ghijklmnopqrst...", 7..17),
        ] {
            assert_eq!(row.cut(&mark, 20), (text.to_owned(), moved), "{mark:?}");
        }
        assert_eq!(row.cut(&(3..4), 36).0.len(), 36);
    }
}
