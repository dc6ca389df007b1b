//! Changes to a text that leave every other byte alone: ranges replaced, lines inserted and removed.

use std::ops::Range;

/// A text with changes that are to be made to it. Ranges always mean the text as it was.
#[derive(Debug)]
pub struct Patches<'t> {
    text: &'t str,
    changes: Vec<(Range<usize>, String)>,
}

impl<'t> Patches<'t> {
    /// No changes yet.
    pub fn new(text: &'t str) -> Self {
        Self { text, changes: Vec::new() }
    }

    /// The line ending of the text: that of its first line.
    pub fn newline(&self) -> &'static str {
        newline(self.text)
    }

    /// Puts something in the place of a range. Newlines in `with` become those of the text.
    pub fn replace(&mut self, range: Range<usize>, with: &str) {
        let with = if self.newline() == "\n" { with.to_owned() } else { with.replace('\n', "\r\n") };
        self.changes.push((range, with));
    }

    /// Inserts at an offset; what was inserted there before stands before it.
    pub fn insert(&mut self, at: usize, with: &str) {
        self.replace(at..at, with);
    }

    /// Inserts lines after the one that holds `offset`, which may be the last one and lack its newline.
    pub fn insert_after(&mut self, offset: usize, lines: &str) {
        let at = line_end(self.text, offset);
        if self.text.get(..at).is_some_and(|before| before.ends_with('\n')) {
            self.insert(at, lines);
        } else {
            self.insert(at, &format!("\n{}", lines.strip_suffix('\n').unwrap_or(lines)));
        }
    }

    /// Removes the lines that a range touches, and one blank line beside them if there is one on both sides.
    pub fn remove_lines(&mut self, range: Range<usize>) {
        let (mut start, mut end) = (line_start(self.text, range.start), line_end(self.text, range.end));
        let before = start.checked_sub(1).map(|last| line_start(self.text, last));
        let blank = |from: usize, to: usize| self.text.get(from..to).is_some_and(|line| line.trim().is_empty());
        let after = line_end(self.text, end);
        let blank_after = end < self.text.len() && blank(end, after);
        match before {
            Some(before) if blank(before, start) && (blank_after || end == self.text.len()) => start = before,
            Some(before) if blank_after && self.text.get(before..).is_some_and(|line| line.starts_with('[')) => {
                end = after;
            }
            _ => {}
        }
        self.replace(start..end, "");
    }

    /// The text with all changes made.
    pub fn apply(mut self) -> String {
        self.changes.sort_by_key(|(range, _)| range.start);
        let mut changed = String::with_capacity(self.text.len() + 1024);
        let mut done = 0;
        for (range, with) in &self.changes {
            changed.push_str(self.text.get(done..range.start).unwrap_or(""));
            changed.push_str(with);
            done = done.max(range.end);
        }
        changed.push_str(self.text.get(done..).unwrap_or(""));
        changed
    }
}

/// The line ending of a text: that of its first line.
pub fn newline(text: &str) -> &'static str {
    let end = text.find('\n').unwrap_or(0);
    if text.get(..end).is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
}

/// Where the line that holds `offset` begins.
pub fn line_start(text: &str, offset: usize) -> usize {
    text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// Where the line after the one that holds `offset` begins.
pub fn line_end(text: &str, offset: usize) -> usize {
    text.get(offset..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| offset + newline + 1)
}

/// Where the comment lines directly above the line that holds `offset` begin; the line itself if there are none.
pub fn block_start(text: &str, offset: usize) -> usize {
    let mut start = line_start(text, offset);
    while let Some(last) = start.checked_sub(1) {
        let above = line_start(text, last);
        if !text.get(above..start).is_some_and(|line| line.trim_start().starts_with('#')) {
            break;
        }
        start = above;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::Patches;

    fn without(text: &str, part: &str) -> String {
        let start = text.find(part).unwrap();
        let mut patches = Patches::new(text);
        patches.remove_lines(start..start + part.len());
        patches.apply()
    }

    #[test]
    fn lines_go_with_one_blank_line() {
        assert_eq!(without("[s]\nA = 1\n\nB = 2\n\nC = 3\n", "B = 2"), "[s]\nA = 1\n\nC = 3\n");
        assert_eq!(without("[s]\nA = 1\n\nB = 2\n", "A"), "[s]\nB = 2\n");
        assert_eq!(without("[s]\nA = 1\n\nB = 2\n", "B"), "[s]\nA = 1\n");
        assert_eq!(without("A = 1\nB = 2\nC = 3\n", "B"), "A = 1\nC = 3\n");
        assert_eq!(without("A = 1\r\nB = 2", "B"), "A = 1\r\n");
        assert_eq!(without("A = '''\nx\n'''\nB = 2", "A = '''\nx\n'''"), "B = 2");
    }

    #[test]
    fn inserts_keep_their_order_and_the_line_ending() {
        let mut patches = Patches::new("a\r\nb\r\n");
        patches.insert(3, "1\n");
        patches.insert(3, "2\n");
        patches.replace(0..1, "A");
        assert_eq!(patches.apply(), "A\r\n1\r\n2\r\nb\r\n");
    }
}
