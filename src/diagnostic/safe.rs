//! Makes foreign text safe for a terminal or a log: nothing in it can move the cursor, hide, or reorder what is read.

use std::borrow::Cow;

/// Whether a character can steer a terminal or change how the text around it reads.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional marks (Unicode UAX #9),
/// the byte order mark and tag characters. Newline and tab are among them: layout is ours alone.
pub(super) fn steers(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text with every character that steers a terminal written as `\u{1b}`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::{safe, steers};
    use proptest::prelude::*;
    use std::borrow::Cow;

    #[test]
    fn escapes_what_steers_a_terminal() {
        for (text, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\nb\tc\r", "a\\u{a}b\\u{9}c\\u{d}"),
            ("\0\u{7f}\u{80}\u{9b}\u{9f}", "\\u{0}\\u{7f}\\u{80}\\u{9b}\\u{9f}"),
            ("\u{2028}\u{2029}\u{202a}\u{202e}", "\\u{2028}\\u{2029}\\u{202a}\\u{202e}"),
            ("\u{61c}\u{200e}\u{200f}", "\\u{61c}\\u{200e}\\u{200f}"),
            ("\u{2066}\u{2069}\u{feff}", "\\u{2066}\\u{2069}\\u{feff}"),
            ("\u{e0001}\u{e007f}", "\\u{e0001}\\u{e007f}"),
        ] {
            assert_eq!(safe(text), shown);
        }
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in ["", "DATABASE_URL", "größe 漢字 👍 \u{a0}\u{200d}", "\\u{1b}"] {
            assert!(matches!(safe(text), Cow::Borrowed(same) if same == text));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_steers_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(!safe(&String::from_utf8_lossy(&bytes)).chars().any(steers));
        }
    }
}
