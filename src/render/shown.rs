//! Makes text from files harmless to look at: control and direction characters become visible escapes.

use std::fmt::Write;

/// `text` on one line, with every character that could steer a terminal or reorder a line as `\u{1b}`.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

/// The lines of a text, each one [`shown`]; CRLF is a line end as well.
pub(super) fn shown_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.trim_end().lines().map(|line| shown(line.trim_end()))
}

/// C0, DEL and C1; line separators; bidirectional marks (UAX #9); the byte order mark; tag characters.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}' | '\u{2029}'
                | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
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
