//! Problems in a project's files, as values: code, message, labelled places, notes and help.
//!
//! No message, label, note or help ever quotes a value. Renderers (one module for each audience) show source lines
//! through [`crate::source::SourceMap`] alone, which masks them.

mod code;
mod frame;
mod github;
mod human;
#[cfg(test)]
mod human_tests;
mod json;
mod place;
#[cfg(test)]
mod renderer_tests;
mod safe;
mod sarif;
mod summary;

use std::collections::BTreeSet;

pub use code::{Class, Code};
pub use github::github;
pub use human::human;
pub use json::{json, pretty_json};
pub use safe::safe;
pub use sarif::sarif;
pub use summary::summary;

use crate::source::{SourceMap, Span};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the command.
    Error,
    /// Is shown; `check --strict` counts it.
    Warning,
}

/// A place and what it has to do with the problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there, in a few words; may be empty.
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of the kind of problem.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line, without values.
    pub message: String,
    /// The place of the problem first, then places that explain it.
    pub labels: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What mends it, best a command.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A problem that stops the command.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    /// A problem that is only shown.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: Code, severity: Severity, message: String) -> Self {
        Self { code, severity, message, labels: Vec::new(), notes: Vec::new(), help: Vec::new() }
    }

    /// Adds a place; the first one added is the place of the problem.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a place if there is one.
    #[must_use]
    pub fn at_some(self, span: Option<Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds what mends it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds help if there is some.
    #[must_use]
    pub fn help_some(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// The place of the problem.
    pub fn primary(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Problems as they are found.
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, problems: T) {
        self.0.extend(problems);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another collection.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Only those that stop the command.
    #[must_use]
    pub fn without_warnings(mut self) -> Self {
        self.0.retain(|diagnostic| diagnostic.severity == Severity::Error);
        self
    }

    /// Says once that more may be wrong: what depends on a file that could not be read was not checked.
    pub fn note_incomplete(&mut self) {
        if let Some(last) = self.0.iter_mut().rev().find(|diagnostic| diagnostic.severity == Severity::Error) {
            last.notes.push(String::from(
                "checks that need this file were left out; there may be more to say once it can be read",
            ));
        }
    }

    /// Whether all errors say that something is missing, and none that something is wrong.
    pub fn only_lacking(&self) -> bool {
        let lacking = [Code::MissingValue, Code::GroupViolation, Code::RuleViolation];
        self.0.iter().all(|one| one.severity == Severity::Warning || lacking.contains(&one.code))
    }

    /// Whether any of them stops the command.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The exit code they ask for, 0 if there is no error. With `strict` warnings count as errors.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let counted = self.0.iter().filter(|one| strict || one.severity == Severity::Error);
        let worst = counted.map(|one| one.code.class()).min_by_key(|class| class.precedence());
        worst.map_or(0, Class::exit_code)
    }

    /// Sorted by file, line and column, each problem once: two schemas that see the same problem report it together.
    #[must_use]
    pub fn finished(self, sources: &SourceMap) -> Self {
        let mut seen = BTreeSet::new();
        let mut all = self.0;
        all.sort_by_key(|one| {
            (one.primary().map(|span| (sources.path(span.source), span.source, span.start)), one.severity)
        });
        all.retain(|one| one.primary().is_none_or(|span| seen.insert((one.code, span, one.message.clone()))));
        Self(all)
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Diagnostic, Diagnostics};

    #[test]
    fn codes_have_unique_slugs_and_explanations() {
        for code in Code::ALL {
            assert_eq!(Code::from_slug(code.slug()), Some(*code));
            let title = code.explanation().lines().next().unwrap();
            assert_eq!(title, format!("# {}", code.slug()));
        }
    }

    #[test]
    fn the_worst_cause_decides_the_exit_code() {
        let mut all = Diagnostics::default();
        assert_eq!(all.exit_code(true), 0);
        all.push(Diagnostic::warning(Code::SealedStructure, "x"));
        assert_eq!((all.exit_code(false), all.exit_code(true)), (0, 6));
        all.push(Diagnostic::error(Code::MissingValue, "x"));
        assert_eq!(all.exit_code(false), 1);
        all.push(Diagnostic::error(Code::Io, "x"));
        assert_eq!(all.exit_code(false), 5);
        all.push(Diagnostic::error(Code::BackendFailed, "x"));
        assert_eq!(all.exit_code(false), 3);
        all.push(Diagnostic::error(Code::SealedUnreadable, "x"));
        assert_eq!(all.exit_code(false), 4);
        all.push(Diagnostic::error(Code::UnsafeOwner, "x"));
        assert_eq!(all.exit_code(false), 6);
    }
}
