//! One value of a `.env` file: where it ends, and what npm dotenv 16 makes of it.

use std::ops::Range;

use super::Quote;

/// A value as it stands in the text.
pub(super) struct RawValue {
    /// How it is quoted.
    pub quote: Quote,
    /// Bytes of the value, quotes included, blanks around it not.
    pub range: Range<usize>,
    /// What npm dotenv 16 gives.
    pub value: String,
    /// The `#` of a comment behind it.
    pub hash: Option<usize>,
    /// Where the line ends on which it ends, before the newline.
    pub line_end: usize,
    /// It begins with a quote that nothing closes.
    pub unclosed: bool,
}

/// A blank of JavaScript's `\s` that ends no line.
pub(super) fn is_blank(character: char) -> bool {
    (character.is_whitespace() && !matches!(character, '\n' | '\r' | '\u{85}')) || character == '\u{feff}'
}

/// Where the line that holds `at` ends, before its newline.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find(['\n', '\r'])).map_or(text.len(), |offset| at + offset)
}

/// Where the next line begins; `end` is a line end.
pub(super) fn next_line(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or("");
    end + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
}

/// The first place from `at` on that is no blank.
pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    at + rest.len() - rest.trim_start_matches(is_blank).len()
}

/// Reads the value that begins at `at`, directly behind the separator.
pub(super) fn read(text: &str, at: usize) -> RawValue {
    let start = skip_blanks(text, at);
    let rest = text.get(start..).unwrap_or("");
    let quote = match rest.chars().next() {
        Some('\'') => Quote::Single,
        Some('"') => Quote::Double,
        Some('`') => Quote::Backtick,
        _ => return bare(text, start),
    };
    match closing_quote(text, start) {
        Some(close) => quoted(text, start, close, quote),
        None => bare(text, start),
    }
}

/// The quote that closes the one at `open`. A quote behind a backslash closes only if no later one can, and what
/// follows on its line must be blank or a comment: that is how npm's regular expression backtracks.
fn closing_quote(text: &str, open: usize) -> Option<usize> {
    let mut characters = text.get(open..)?.char_indices();
    let (_, quote) = characters.next()?;
    let mut candidates = Vec::new();
    let mut previous = quote;
    for (offset, character) in characters {
        if character == quote {
            candidates.push(open + offset);
            if previous != '\\' {
                break;
            }
        }
        previous = character;
    }
    candidates.into_iter().rev().find(|close| {
        let rest = text.get(skip_blanks(text, close + 1)..).unwrap_or("");
        rest.is_empty() || rest.starts_with(['\n', '\r', '#'])
    })
}

fn quoted(text: &str, start: usize, close: usize, quote: Quote) -> RawValue {
    let inner = unix_lines(text.get(start + 1..close).unwrap_or(""));
    let behind = skip_blanks(text, close + 1);
    RawValue {
        quote,
        range: start..close + 1,
        value: if quote == Quote::Double { newlines(&inner) } else { inner },
        hash: text.get(behind..).is_some_and(|rest| rest.starts_with('#')).then_some(behind),
        line_end: line_end(text, behind),
        unclosed: false,
    }
}

/// A value up to the first `#`, wherever it stands: npm dotenv 16 takes that as a comment even without a blank before.
fn bare(text: &str, start: usize) -> RawValue {
    let line_end = line_end(text, start);
    let line = text.get(start..line_end).unwrap_or("");
    let hash = line.find('#').map(|offset| start + offset);
    let value = line.split('#').next().unwrap_or("").trim_end_matches(is_blank);
    let first = value.chars().next().filter(|first| "'\"`".contains(*first));
    let inner = first.and_then(|quote| value.strip_prefix(quote));
    let stripped = first.and_then(|quote| inner?.strip_suffix(quote));
    let taken = stripped.unwrap_or(value);
    RawValue {
        quote: Quote::None,
        range: start..start + value.len(),
        value: if first == Some('"') { newlines(taken) } else { taken.to_owned() },
        hash,
        line_end,
        unclosed: first.is_some_and(|quote| inner.is_some_and(|inner| !inner.contains(quote))),
    }
}

fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn newlines(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\r", "\r")
}
