//! Text from schemas as it may stand in a document: nothing in it steers a terminal.

use crate::diagnostic::safe;

/// `text` on one line, made safe to look at.
pub(super) fn shown(text: &str) -> String {
    safe(text).into_owned()
}

/// The lines of a text, each one [`shown`]; CRLF is a line end as well.
pub(super) fn shown_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.trim_end().lines().map(|line| shown(line.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::{shown, shown_lines};

    #[test]
    fn steering_characters_are_shown() {
        let table = [
            ("plain é🦀", "plain é🦀"),
            ("\u{1b}[2J", r"\u{1b}[2J"),
            ("a\u{202e}b\u{2066}", r"a\u{202e}b\u{2066}"),
            ("\u{feff}\u{e0041}\u{9b}\u{7f}", r"\u{feff}\u{e0041}\u{9b}\u{7f}"),
            ("a\nb\rc\td", r"a\u{a}b\u{d}c\u{9}d"),
            ("\u{2028}\u{85}", r"\u{2028}\u{85}"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn lines_are_kept() {
        let lines: Vec<_> = shown_lines("a\r\n\n b\rc \n\n").collect();
        assert_eq!(lines, ["a", "", r" b\u{d}c"]);
    }
}
