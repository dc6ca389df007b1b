//! Where in an assignment the readers of `.env` files differ.

use std::ops::Range;

use super::value::RawValue;
use super::{Doubt, DoubtKind, Form, Quote, dollars, lexer, subject};
use crate::source::{SourceId, Span};

/// Adds the doubts about one value.
pub(super) fn about_value(text: &str, source: SourceId, name: &str, raw: &RawValue, doubts: &mut Vec<Doubt>) {
    let shown = text.get(raw.range.clone()).unwrap_or("");
    let quotes = quotes(raw);
    let mut add = |kind, range: Range<usize>, message: &str, help| {
        doubts.push(Doubt {
            kind,
            span: Span { source, start: range.start, end: range.end },
            name: Some(name.to_owned()),
            other: None,
            message: format!("{}: {message}", subject(name)),
            help,
        });
    };
    let placed = |range: Range<usize>| raw.range.start + range.start..raw.range.start + range.end;
    for dollar in dollars(shown) {
        let (kind, message, help) = about_dollar(dollar.form, raw.quote);
        add(kind, placed(dollar.range), message, if help { quotes } else { None });
    }
    if let Some(range) = pair(shown, '`')
        && raw.quote != Quote::Single
    {
        let message = "backticks are kept as text; a shell runs what stands between them";
        add(DoubtKind::Command, placed(range), message, quotes);
    }
    if matches!(raw.quote, Quote::None | Quote::Double)
        && let Some(at) = doubtful_escape(shown, raw.quote)
    {
        let message = "a backslash is kept as text; some readers take it away together with what it escapes";
        add(DoubtKind::Escape, placed(at..at + 1), message, quotes);
    }
    if raw.quote == Quote::None
        && let Some(at) = shown.find(['\'', '"'])
    {
        let message = "a quote inside of the value is kept; some readers take it away or refuse the line";
        add(DoubtKind::InnerQuote, placed(at..at + 1), message, quotes);
    }
    if let Some((at, mark)) = ["{{", "{%"].iter().find_map(|mark| shown.find(mark).map(|at| (at, mark))) {
        let message = "the value looks like a place in a template that was not filled in; it is kept as text";
        add(DoubtKind::Jinja, placed(at..at + mark.len()), message, None);
    }
    if let Some(at) = swallowed(shown) {
        let message = "a line of the quoted value looks like an assignment";
        add(DoubtKind::Swallowed, placed(at..at + 1), message, Some("if it is one, close the quote before it"));
    }
    if let Some(hash) = glued_hash(text, raw) {
        let message = "what follows `#` is taken as a comment; most readers keep a `#` that touches the value";
        let help = "put the value in quotes to keep it, or a blank before the comment";
        add(DoubtKind::GluedHash, hash..hash + 1, message, Some(help));
    }
}

/// What to say of a dollar, and whether other quotes help.
fn about_dollar(form: Form, quote: Quote) -> (DoubtKind, &'static str, bool) {
    let literal = quote == Quote::Single;
    let (kind, message) = match form {
        Form::Command if literal => {
            (DoubtKind::Command, "`$(…)` is kept as text; a few readers run it even in single quotes")
        }
        Form::Command => (DoubtKind::Command, "`$(…)` is kept as text; shells and some readers run it"),
        Form::Operator if literal => {
            (DoubtKind::Default, "`${…}` is kept as text; a few readers insert another variable even in single quotes")
        }
        Form::Operator => (
            DoubtKind::Default,
            "`${…}` is kept as text; shells and some readers insert another variable or the text behind the operator",
        ),
        Form::Plain | Form::Braced if literal => {
            (DoubtKind::Reference, "a `$` is kept as text; a few readers insert another variable even in single quotes")
        }
        Form::Plain | Form::Braced => {
            (DoubtKind::Reference, "a `$` is kept as text; shells and some readers insert another variable")
        }
    };
    (kind, message, !literal)
}

/// The quotes in which most readers read the same value as here.
fn quotes(raw: &RawValue) -> Option<&'static str> {
    if raw.quote == Quote::Single {
        None
    } else if !raw.value.contains(['\'', '\n', '\r']) {
        Some("write the value in single quotes")
    } else if raw.quote != Quote::Double && !raw.value.contains(['"', '$', '`', '\\', '\n', '\r']) {
        Some("write the value in double quotes")
    } else {
        None
    }
}

/// A `#` that ends the value without a blank before it. Behind a closing quote every reader sees a comment.
fn glued_hash(text: &str, raw: &RawValue) -> Option<usize> {
    let hash = raw.hash.filter(|_| raw.quote == Quote::None)?;
    let before = text.get(..hash)?;
    (!before.ends_with(super::value::is_blank)).then_some(hash)
}

/// The first backslash that is not the `\n` or `\r` of a double-quoted value.
fn doubtful_escape(shown: &str, quote: Quote) -> Option<usize> {
    let mut characters = shown.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        if character == '\\' {
            if quote == Quote::Double && matches!(next, Some('n' | 'r')) {
                continue;
            }
            return Some(at);
        }
    }
    None
}

/// From the first to the second of a pair of the same character.
fn pair(shown: &str, of: char) -> Option<Range<usize>> {
    let first = shown.find(of)?;
    let rest = shown.get(first + of.len_utf8()..)?;
    let second = rest.find(of)?;
    Some(first..first + 2 * of.len_utf8() + second)
}

/// The first line after the first of a value that could be an assignment of its own.
fn swallowed(shown: &str) -> Option<usize> {
    let lines = shown.match_indices('\n').map(|(at, _)| at + 1);
    lines.into_iter().find(|start| {
        shown
            .get(*start..)
            .and_then(|rest| rest.lines().next())
            // Base64 ends in `=` too, with nothing behind it; a line that ends in the closing quote is the last one.
            .is_some_and(|line| lexer::looks_assigned(line.trim_end_matches(['=', '"', '\'', '`'])))
    })
}
