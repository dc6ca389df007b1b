//! Reading `.env` files: what npm dotenv 16 reads, and where other readers would read something else.
//!
//! There is no `.env` format, there are readers. One reading is chosen here, the commonest, and each construct on
//! which readers differ becomes a [`Doubt`]. Nothing is ever expanded or run. No message quotes a value.

mod dollar;
mod doubts;
mod lexer;
mod value;

use std::fmt;

use crate::name;
use crate::source::Span;

pub use dollar::{Dollar, Form, dollars};
pub use lexer::parse;

/// How a value was quoted in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// Bare.
    None,
    /// `'…'`: literal.
    Single,
    /// `"…"`: the two characters `\n` and `\r` stand for a newline and a carriage return.
    Double,
    /// `` `…` ``: literal.
    Backtick,
}

/// One assignment.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// A valid variable name.
    pub name: String,
    /// The value as npm dotenv 16 gives it. May be secret: `Debug` leaves it out.
    pub value: String,
    /// How it was quoted.
    pub quote: Quote,
    /// Place of the name.
    pub name_span: Span,
    /// Place of the value, quotes included; empty where the value is.
    pub value_span: Span,
    /// Comment lines directly above, then the comment on the same line, joined by blanks. Commented-out assignments
    /// are left out. May hold anything a person writes.
    pub comment: Option<String>,
    /// Whether `export` stands before the name.
    pub exported: bool,
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("name", &self.name)
            .field("quote", &self.quote)
            .field("name_span", &self.name_span)
            .field("value_span", &self.value_span)
            .field("exported", &self.exported)
            .finish_non_exhaustive()
    }
}

/// A construct that readers of `.env` files read in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DoubtKind {
    /// `$NAME` or `${NAME}`: some readers insert another variable.
    Reference,
    /// `${NAME:-text}` and its relatives.
    Default,
    /// `$(…)` or backticks: some readers run it. This one never does.
    Command,
    /// A backslash that some readers take away.
    Escape,
    /// A `#` that touches the value.
    GluedHash,
    /// A quote in the middle of a value.
    InnerQuote,
    /// A name without `=`; skipped.
    NameAlone,
    /// A name that was assigned before; the last one wins.
    Duplicate,
    /// `NAME: value`.
    Colon,
    /// `{{ … }}` or `{% … %}`: the file is a template of another program.
    Jinja,
    /// A quoted value over several lines with what looks like an assignment in it: a quote may be missing.
    Swallowed,
}

/// A place where readers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What it is.
    pub kind: DoubtKind,
    /// Where.
    pub span: Span,
    /// The variable, unless it is a line without one.
    pub name: Option<String>,
    /// A second place: for [`DoubtKind::Duplicate`] the assignment that is superseded.
    pub other: Option<Span>,
    /// What it concerns, how it was read, and how others read it.
    pub message: String,
    /// How to write it so that all read the same, where there is a way.
    pub help: Option<&'static str>,
}

impl Doubt {
    /// For [`DoubtKind::Reference`] the name behind the dollar, cut from the `text` that was parsed. It may be a piece
    /// of a password: it is to be compared, never shown.
    pub fn reference<'a>(&self, text: &'a str) -> Option<&'a str> {
        let shown = text.get(self.span.start..self.span.end).filter(|_| self.kind == DoubtKind::Reference)?;
        Some(shown.trim_start_matches(['$', '{']).trim_end_matches('}'))
    }
}

/// Why something could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The name is not `[A-Za-z_][A-Za-z0-9_]*` of at most 255 bytes; the assignment is skipped.
    InvalidName,
    /// The line is no assignment, comment or blank.
    NotAnAssignment,
    /// A quote is opened and not closed.
    UnclosedQuote,
    /// NUL or another control character in a value.
    ControlCharacter,
    /// A PEM block that is not quoted: readers keep its first line alone.
    UnquotedPem,
}

/// Something that could not be taken; it is in no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// Where.
    pub span: Span,
    /// What it concerns and what is wrong, without values.
    pub message: String,
    /// What mends it.
    pub help: &'static str,
}

/// A name as the subject of a sentence.
fn subject(name: &str) -> String {
    // A longer one is hardly a name; it could be anything. What is no name at all could be a piece of a value.
    if name.len() <= 64 && name::is_variable(name) { format!("`{name}`") } else { String::from("this variable") }
}

/// What was read from one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The assignments in file order, each name once.
    pub entries: Vec<Entry>,
    /// Where readers differ, in file order.
    pub doubts: Vec<Doubt>,
    /// What could not be taken, in file order.
    pub problems: Vec<Problem>,
}

#[cfg(test)]
mod tests;
