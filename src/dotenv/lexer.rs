//! Cuts a `.env` file into assignments.

use std::collections::BTreeMap;
use std::ops::Range;

use super::value::{RawValue, is_blank, line_end, next_line, read, skip_blanks};
use super::{Doubt, DoubtKind, Entry, Parsed, Problem, ProblemKind, Quote, doubts, subject};
use crate::name::is_variable;
use crate::source::{SourceId, Span};

/// Reads a `.env` file. `source` is only written into the spans; `text` is the whole text of that source.
///
/// Takes any text and never fails: what cannot be read is a [`Problem`], and the lines after it are read.
pub fn parse(text: &str, source: SourceId) -> Parsed {
    let mut lexer = Lexer {
        text,
        source,
        comments: Vec::new(),
        places: BTreeMap::new(),
        entries: Vec::new(),
        parsed: Parsed::default(),
    };
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while at < text.len() {
        at = lexer.line(at);
    }
    lexer.parsed.entries = lexer.entries.into_iter().flatten().collect();
    lexer.parsed.doubts.sort_by_key(|doubt| doubt.span.start);
    lexer.parsed
}

struct Lexer<'a> {
    text: &'a str,
    source: SourceId,
    /// Comment lines directly above the line being read.
    comments: Vec<String>,
    /// Where in `entries` each name is.
    places: BTreeMap<String, usize>,
    /// `None` where a later assignment took the place of this one.
    entries: Vec<Option<Entry>>,
    parsed: Parsed,
}

/// The left side of an assignment.
struct Head {
    exported: bool,
    name: Range<usize>,
    colon: bool,
    /// Where the value begins, behind the separator.
    value: usize,
}

impl Lexer<'_> {
    /// Reads the line, or lines, from `at`; gives the beginning of the next.
    fn line(&mut self, at: usize) -> usize {
        let end = line_end(self.text, at);
        let start = skip_blanks(self.text, at);
        let line = self.text.get(start..end).unwrap_or("");
        if line.is_empty() {
            self.comments.clear();
            return next_line(self.text, end);
        }
        if let Some(comment) = line.strip_prefix('#') {
            self.comments.extend(comment_text(comment));
            return next_line(self.text, end);
        }
        let end = match head(self.text, start, end) {
            Some(head) => self.assignment(&head),
            None => self.no_assignment(start, end),
        };
        self.comments.clear();
        next_line(self.text, end)
    }

    /// Reads an assignment; gives the end of its last line.
    fn assignment(&mut self, head: &Head) -> usize {
        let raw = read(self.text, head.value);
        let name = self.text.get(head.name.clone()).unwrap_or("");
        if let Some(problem) = self.problem(head, name, &raw) {
            let pem = problem.kind == ProblemKind::UnquotedPem;
            self.parsed.problems.push(problem);
            // An earlier value is stale: it must not be taken for the one that could not be read.
            if let Some(entry) = self.places.remove(name).and_then(|old| self.entries.get_mut(old)) {
                *entry = None;
            }
            return if pem { pem_end(self.text, raw.line_end).unwrap_or(raw.line_end) } else { raw.line_end };
        }
        if head.colon {
            self.doubt(
                DoubtKind::Colon,
                head.name.end..head.name.end + 1,
                Some(name),
                "`:` is read like `=`; most readers want `=`",
                Some("write `=` instead of `:`"),
            );
        }
        doubts::about_value(self.text, self.source, name, &raw, &mut self.parsed.doubts);
        let comment = self.comment(&raw);
        let entry = Entry {
            name: name.to_owned(),
            quote: raw.quote,
            name_span: self.span(head.name.clone()),
            value_span: self.span(raw.range.clone()),
            comment,
            exported: head.exported,
            value: raw.value,
        };
        self.take(entry);
        raw.line_end
    }

    /// What forbids to take an assignment.
    fn problem(&self, head: &Head, name: &str, raw: &RawValue) -> Option<Problem> {
        let value = self.span(raw.range.clone());
        let subject = subject(name);
        let (kind, span, message, help) = if !is_variable(name) {
            (
                ProblemKind::InvalidName,
                self.span(head.name.clone()),
                String::from("a variable cannot have this name; its line is skipped"),
                "a name has letters, digits and `_`, no digit first, and at most 255 bytes",
            )
        } else if raw.quote == Quote::None && opens_pem(&raw.value) {
            (
                ProblemKind::UnquotedPem,
                value,
                format!("{subject}: a PEM block over several lines is not in quotes"),
                "put double quotes around it, from BEGIN to END",
            )
        } else if raw.unclosed {
            (
                ProblemKind::UnclosedQuote,
                value,
                format!("the quote of {subject} is not closed"),
                "end the value with the quote it begins with; behind that, only a comment may follow",
            )
        } else if raw.value.chars().any(is_control) {
            (
                ProblemKind::ControlCharacter,
                value,
                format!("{subject} holds NUL or another control character"),
                "take it out; bytes that are no text are written in base64, and declared with type `base64`",
            )
        } else {
            return None;
        };
        Some(Problem { kind, span, message, help })
    }

    /// A line that is no assignment: a name alone, a template's own line, or nothing known.
    fn no_assignment(&mut self, start: usize, end: usize) -> usize {
        let line = self.text.get(start..end).unwrap_or("");
        let code = line.split('#').next().unwrap_or("").trim_end_matches(is_blank);
        let word = code
            .strip_prefix("export")
            .map_or(code, |rest| if rest.starts_with(is_blank) { rest.trim_start_matches(is_blank) } else { code });
        if line.starts_with("{%") || line.starts_with("{{") || line.starts_with("{#") {
            self.doubt(
                DoubtKind::Jinja,
                start..end,
                None,
                "this line is skipped: it looks like one of a template that was not filled in",
                None,
            );
        } else if is_variable(word) {
            // The name is not told: a line of its own may be a piece of a value that lacks its quotes.
            self.doubt(
                DoubtKind::NameAlone,
                start..start + code.len(),
                None,
                "a name without `=` is skipped; docker and kubectl take the value from the caller's environment",
                Some("write `=` behind it, and its value"),
            );
        } else {
            let span = self.span(start..end);
            self.parsed.problems.push(Problem {
                kind: ProblemKind::NotAnAssignment,
                span,
                message: String::from("this line is no assignment, no comment and not blank"),
                help: "write `NAME=value`, or `#` before it; if it belongs to the value above, put that in quotes",
            });
        }
        end
    }

    /// Adds an entry; one of the same name before it gives way.
    fn take(&mut self, entry: Entry) {
        let place = self.entries.len();
        let before = self
            .places
            .insert(entry.name.clone(), place)
            .and_then(|old| self.entries.get_mut(old))
            .and_then(Option::take);
        if let Some(before) = before {
            self.parsed.doubts.push(Doubt {
                kind: DoubtKind::Duplicate,
                span: entry.name_span,
                name: Some(entry.name.clone()),
                other: Some(before.name_span),
                message: format!(
                    "{} is assigned twice; the last one counts, for some readers the first",
                    subject(&entry.name)
                ),
                help: Some("delete one of them"),
            });
        }
        self.entries.push(Some(entry));
    }

    /// The comment lines above, then the one behind the value. A `#` that touches the value or its own text may be a
    /// part of the value that was cut off, so it is no description.
    fn comment(&self, raw: &RawValue) -> Option<String> {
        let behind = raw.hash.and_then(|hash| {
            let before = self.text.get(..hash)?;
            let comment = self.text.get(hash + 1..raw.line_end)?;
            (before.ends_with(is_blank) && comment.starts_with(is_blank)).then(|| comment_text(comment)).flatten()
        });
        let all: Vec<_> = self.comments.iter().cloned().chain(behind).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    /// Adds a doubt; a message about a variable begins with its name.
    fn doubt(
        &mut self,
        kind: DoubtKind,
        range: Range<usize>,
        name: Option<&str>,
        message: &str,
        help: Option<&'static str>,
    ) {
        let span = self.span(range);
        let message = name.map_or_else(|| message.to_owned(), |name| format!("{}: {message}", subject(name)));
        let name = name.map(str::to_owned);
        self.parsed.doubts.push(Doubt { kind, span, name, other: None, message, help });
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { source: self.source, start: range.start, end: range.end }
    }
}

/// The left side of the assignment on the line `start..end`, if it is one.
fn head(text: &str, start: usize, end: usize) -> Option<Head> {
    let line = text.get(..end)?;
    let exported = line
        .get(start..)?
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(is_blank))
        .and_then(|_| head_at(line, skip_blanks(line, start + "export".len())));
    match exported {
        Some(head) => Some(Head { exported: true, ..head }),
        None => head_at(line, start),
    }
}

fn head_at(line: &str, start: usize) -> Option<Head> {
    let rest = line.get(start..)?;
    let in_name = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
    let length = rest.len() - rest.trim_start_matches(in_name).len();
    if length == 0 {
        return None;
    }
    let name = start..start + length;
    let colon = line.get(name.end..)?.strip_prefix(':').is_some_and(|after| after.starts_with(is_blank));
    let separator = if colon {
        name.end
    } else {
        let at = skip_blanks(line, name.end);
        line.get(at..)?.starts_with('=').then_some(at)?
    };
    Some(Head { exported: false, name, colon, value: separator + 1 })
}

/// Whether a line begins as an assignment does.
pub(super) fn looks_assigned(line: &str) -> bool {
    let start = skip_blanks(line, 0);
    head(line, start, line.len()).is_some_and(|head| !head.colon)
}

/// The text of a comment, or nothing if it has none or is an assignment that was commented out: those hold values.
fn comment_text(comment: &str) -> Option<String> {
    let comment = comment.trim_matches(|character: char| is_blank(character) || character == '#');
    let worded = comment.chars().any(char::is_alphanumeric);
    (worded && !looks_assigned(comment)).then(|| comment.to_owned())
}

fn is_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t')
}

fn opens_pem(value: &str) -> bool {
    value.contains("-----BEGIN ") && !value.contains("-----END ")
}

/// The end of the line with the END of a PEM block, if all lines up to it could be inside one.
fn pem_end(text: &str, mut end: usize) -> Option<usize> {
    loop {
        let start = next_line(text, end);
        end = line_end(text, start);
        let line = text.get(start..end)?.trim_matches(is_blank);
        if line.contains("-----END ") {
            return Some(end);
        }
        let inside = |character: char| character.is_ascii_alphanumeric() || "+/:,- ".contains(character);
        if end >= text.len() || !line.trim_end_matches('=').chars().all(inside) {
            return None;
        }
    }
}
