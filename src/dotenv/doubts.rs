//! Where in an assignment the readers of `.env` files differ.

use std::ops::Range;

use super::value::RawValue;
use super::{Doubt, DoubtKind, Form, Quote, dollars, lexer};
use crate::source::{SourceId, Span};

/// Adds the doubts about one value.
pub(super) fn about_value(text: &str, source: SourceId, raw: &RawValue, doubts: &mut Vec<Doubt>) {
    let shown = text.get(raw.range.clone()).unwrap_or("");
    let mut add = |kind, range: Range<usize>, message: &str| {
        doubts.push(Doubt {
            kind,
            span: Span { source, start: raw.range.start + range.start, end: raw.range.start + range.end },
            other: None,
            message: message.to_owned(),
        });
    };
    about_dollars(shown, raw.quote, &mut add);
    if let Some(range) = pair(shown, '`')
        && raw.quote != Quote::Single
    {
        add(DoubtKind::Command, range, "kept as text; a shell runs what stands between backticks");
    }
    if matches!(raw.quote, Quote::None | Quote::Double)
        && let Some(at) = doubtful_escape(shown, raw.quote)
    {
        add(
            DoubtKind::Escape,
            at..at + 1,
            "the backslash is kept; other readers take it away together with what it escapes",
        );
    }
    if raw.quote == Quote::None
        && let Some(at) = shown.find(['\'', '"'])
    {
        add(
            DoubtKind::InnerQuote,
            at..at + 1,
            "a quote in the middle of a value is kept; other readers take it away or refuse the line",
        );
    }
    if let Some((at, mark)) = ["{{", "{%"].iter().find_map(|mark| shown.find(mark).map(|at| (at, mark))) {
        add(
            DoubtKind::Jinja,
            at..at + mark.len(),
            "kept as text; it looks like a placeholder of a template that was not filled in",
        );
    }
    if let Some(at) = swallowed(shown) {
        add(
            DoubtKind::Swallowed,
            at..at + 1,
            "this line is taken as part of the quoted value that begins above; is a quote missing?",
        );
    }
    about_hash(text, source, raw, doubts);
}

fn about_dollars(shown: &str, quote: Quote, add: &mut impl FnMut(DoubtKind, Range<usize>, &str)) {
    for dollar in dollars(shown) {
        let (kind, message) = match dollar.form {
            Form::Command => (DoubtKind::Command, "kept as text; shells and some readers run `$(…)`"),
            Form::Operator => (
                DoubtKind::Default,
                "kept as text; shells and some readers insert another variable or the text behind the operator",
            ),
            Form::Plain | Form::Braced if quote == Quote::Single => {
                (DoubtKind::Reference, "kept as text; a few readers insert another variable even in single quotes")
            }
            Form::Plain | Form::Braced => (
                DoubtKind::Reference,
                "kept as text by the commonest reader; shells and others insert another variable",
            ),
        };
        add(kind, dollar.range, message);
    }
}

fn about_hash(text: &str, source: SourceId, raw: &RawValue, doubts: &mut Vec<Doubt>) {
    let Some(hash) = raw.hash else { return };
    // Behind a closing quote every reader sees a comment.
    if raw.quote != Quote::None || text.get(..hash).is_some_and(|before| before.ends_with(super::value::is_blank)) {
        return;
    }
    doubts.push(Doubt {
        kind: DoubtKind::GluedHash,
        span: Span { source, start: hash, end: hash + 1 },
        other: None,
        message: "taken as the beginning of a comment; most other readers keep a `#` that touches the value: \
                  quote the value to keep it"
            .to_owned(),
    });
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
