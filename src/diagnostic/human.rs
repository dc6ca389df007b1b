//! Diagnostics for people: message, place, the masked source line with marks under it, notes, help.
//!
//! The frame is drawn here and not by a library: the position in the header must be that of the original text, while
//! the line shown is the masked one.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::frame::Row;
use super::safe::safe;
use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{Excerpt, Position, SourceMap, Span};

/// A narrower terminal is treated as this wide: below, cut lines say nothing.
const NARROWEST: usize = 40;

/// All diagnostics as text, in the order given, one blank line between two; empty if there are none.
///
/// `color` adds ANSI styles; `width` is that of the terminal in columns, to which source lines are cut.
pub fn human(diagnostics: &Diagnostics, sources: &SourceMap, color: bool, width: usize) -> String {
    let mut page = Page { text: String::new(), color, width: width.max(NARROWEST) };
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            page.text.push('\n');
        }
        page.diagnostic(diagnostic, sources);
    }
    page.text
}

/// The text written so far, and how it is written.
struct Page {
    text: String,
    color: bool,
    width: usize,
}

/// A mark under a line.
struct Mark<'a> {
    excerpt: Excerpt,
    text: &'a str,
    primary: bool,
}

/// One place in one line, and all labels that are shown under it.
struct Snippet<'a> {
    label: &'a Label,
    position: Position,
    row: Option<Row>,
    marks: Vec<Mark<'a>>,
}

const FRAME: Style = AnsiColor::BrightBlue.on_default().bold();
const HELP: Style = AnsiColor::BrightCyan.on_default().bold();
const BOLD: Style = Style::new().bold();

/// The style of a severity's word and of its marks.
fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::BrightRed.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
    }
}

impl Page {
    fn diagnostic(&mut self, diagnostic: &Diagnostic, sources: &SourceMap) {
        let word = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let title = format!("{word}[{}]", diagnostic.code.slug());
        self.paint(style(diagnostic.severity), &title);
        let message = format!(": {}", safe(&diagnostic.message));
        self.paint(BOLD, message.trim_end());
        self.text.push('\n');

        let snippets = self.snippets(diagnostic, sources);
        let shown = snippets.iter().filter(|one| one.row.is_some());
        let last_line = shown.map(|one| one.position.line).max();
        let gutter = last_line.unwrap_or(1).to_string().len();
        for (index, snippet) in snippets.iter().enumerate() {
            let arrow = if index == 0 { "-->" } else { ":::" };
            self.place(arrow, snippet, sources, gutter);
            if let Some(row) = &snippet.row {
                self.edge(gutter);
                self.lines(snippet, row, gutter, diagnostic.severity);
            }
        }
        if last_line.is_some() && !diagnostic.notes.is_empty() {
            self.edge(gutter);
        }
        for note in &diagnostic.notes {
            self.note(gutter, note);
        }
        for help in &diagnostic.help {
            self.paint(HELP, "help:");
            self.rest(&safe(help));
        }
    }

    /// The labels, those of one line together where the line fits.
    fn snippets<'a>(&self, diagnostic: &'a Diagnostic, sources: &SourceMap) -> Vec<Snippet<'a>> {
        let mut snippets: Vec<Snippet<'a>> = Vec::new();
        for (index, label) in diagnostic.labels.iter().enumerate() {
            let position = sources.position(label.span);
            let mark = excerpt(label.span, sources).map(|excerpt| Mark {
                excerpt,
                text: label.text.trim_end(),
                primary: index == 0,
            });
            let fitting = snippets.iter_mut().find(|one| {
                one.label.span.source == label.span.source
                    && one.position.line == position.line
                    && one.row.as_ref().is_some_and(|row| row.width() <= self.room(6))
            });
            match (fitting, mark) {
                (Some(snippet), Some(mark)) => snippet.marks.push(mark),
                (_, mark) => snippets.push(Snippet {
                    label,
                    position,
                    row: mark.as_ref().map(|mark| Row::new(&mark.excerpt.text)),
                    marks: mark.into_iter().collect(),
                }),
            }
        }
        snippets
    }

    /// The columns that are left for a source line beside its number.
    fn room(&self, gutter: usize) -> usize {
        self.width.saturating_sub(gutter + 3)
    }

    /// ` --> path:line:column`; the text of a label whose line cannot be shown follows as a note.
    fn place(&mut self, arrow: &str, snippet: &Snippet<'_>, sources: &SourceMap, gutter: usize) {
        let span = snippet.label.span;
        let Position { line, column } = snippet.position;
        self.paint(FRAME, &format!("{:gutter$}{arrow}", ""));
        self.rest(&format!("{}:{line}:{column}", safe(sources.path(span.source))));
        if snippet.row.is_none() && !snippet.label.text.trim().is_empty() {
            self.note(gutter, &snippet.label.text);
        }
    }

    /// The source line and its marks.
    fn lines(&mut self, snippet: &Snippet<'_>, row: &Row, gutter: usize, severity: Severity) {
        let room = self.room(gutter);
        for (index, mark) in snippet.marks.iter().enumerate() {
            let (line, columns) = row.cut(&row.columns(&mark.excerpt.mark), room);
            if index == 0 {
                let number = snippet.position.line;
                self.paint(FRAME, &format!("{number:>gutter$} |"));
                self.rest(line.trim_end());
            }
            let (sign, style) = if mark.primary { ("^", style(severity)) } else { ("-", FRAME) };
            let under = format!("{} {}", sign.repeat(columns.len()), safe(mark.text));
            self.paint(FRAME, &format!("{:gutter$} |", ""));
            let _ = write!(self.text, " {:1$}", "", columns.start);
            self.paint(style, under.trim_end());
            self.text.push('\n');
        }
    }

    /// The frame's left edge with nothing beside it.
    fn edge(&mut self, gutter: usize) {
        self.paint(FRAME, &format!("{:gutter$} |", ""));
        self.text.push('\n');
    }

    fn note(&mut self, gutter: usize, text: &str) {
        self.paint(FRAME, &format!("{:gutter$} =", ""));
        self.text.push(' ');
        self.paint(BOLD, "note:");
        self.rest(&safe(text));
    }

    fn paint(&mut self, style: Style, text: &str) {
        // Writing to a String cannot fail.
        let _ = if self.color { write!(self.text, "{style}{text}{style:#}") } else { self.text.write_str(text) };
    }

    /// Ends a line with some text, if there is any.
    fn rest(&mut self, text: &str) {
        let text = text.trim_end();
        if !text.is_empty() {
            self.text.push(' ');
            self.text.push_str(text);
        }
        self.text.push('\n');
    }
}

/// The masked line of a span; an empty span marks the character that it stands before.
fn excerpt(span: Span, sources: &SourceMap) -> Option<Excerpt> {
    if span.end > span.start {
        return sources.excerpt(span);
    }
    let end = span.start.saturating_add(1);
    let mut excerpt = sources.excerpt(Span { end, ..span })?;
    excerpt.mark.end = excerpt.mark.start;
    Some(excerpt)
}
