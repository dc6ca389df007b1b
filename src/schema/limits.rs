//! What a value may be, beyond its type: the constraint keywords of a variable.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table};
use crate::kind::{Kind, Measure};

/// The largest compiled pattern, in bytes.
const SIZE: usize = 1 << 20;

/// A regular expression, compiled when it is first needed: start-up does not pay for those that are not.
#[derive(Debug)]
pub struct Pattern {
    /// The expression as written.
    pub text: Located<String>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(text: Located<String>) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Whether the expression is found in `value`; nothing if it cannot be compiled (too large).
    pub fn finds(&self, value: &str) -> Option<bool> {
        // A pattern of a schema is small; the limit keeps a hostile one from taking the memory.
        let compile = || RegexBuilder::new(&self.text.value).size_limit(SIZE).dfa_size_limit(SIZE).build().ok();
        let compiled = self.compiled.get_or_init(compile);
        compiled.as_ref().map(|regex| regex.is_match(value))
    }
}

/// A bound of `minimum` or `maximum`.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The bound in the unit of the type.
    pub measure: Measure,
    /// The bound as written.
    pub text: Located<String>,
}

/// The constraint keywords; names follow JSON Schema.
#[derive(Debug, Default)]
pub struct Limits {
    /// The value, or each item, matches this expression somewhere.
    pub pattern: Option<Pattern>,
    /// Least number of characters; 1 unless given.
    pub min_length: Option<Located<usize>>,
    /// Greatest number of characters.
    pub max_length: Option<Located<usize>>,
    /// Least value.
    pub minimum: Option<Bound>,
    /// Greatest value.
    pub maximum: Option<Bound>,
    /// The only values there are.
    pub choices: Option<Located<Vec<String>>>,
    /// Schemes a URL may have.
    pub schemes: Option<Located<Vec<String>>>,
    /// Type of the items of a list.
    pub items: Option<Located<Kind>>,
    /// What stands between the items of a list; `,` unless given.
    pub separator: Option<Located<String>>,
    /// Least number of items.
    pub min_items: Option<Located<usize>>,
    /// Greatest number of items.
    pub max_items: Option<Located<usize>>,
    /// No item twice.
    pub unique_items: Option<Located<bool>>,
    /// Values that must never be used.
    pub forbid: Option<Located<Vec<String>>>,
    /// Values that must not be used in protected environments.
    pub forbid_protected: Option<Located<Vec<String>>>,
    /// Literals accepted beside the type.
    pub allow: Option<Located<Vec<String>>>,
}

impl Limits {
    /// The keys read here.
    pub const KEYS: &'static [&'static str] = &[
        "pattern",
        "min_length",
        "max_length",
        "minimum",
        "maximum",
        "enum",
        "schemes",
        "items",
        "separator",
        "min_items",
        "max_items",
        "unique_items",
        "forbid",
        "forbid_protected",
        "allow",
    ];

    /// Keywords that mean something for lists only.
    const LIST_ONLY: &'static [&'static str] = &["items", "separator", "min_items", "max_items", "unique_items"];

    /// Reads the constraint keywords of a variable of type `kind`; `text` is the document.
    pub fn read(table: &Table<'_>, kind: Kind, text: &str, problems: &mut Diagnostics) -> Self {
        let items = table.text("items", problems).and_then(|name| item_kind(&name, problems));
        let checked = items.as_ref().map_or(if kind == Kind::List { Kind::String } else { kind }, |items| items.value);
        let mut limits = Self {
            pattern: table.text("pattern", problems).and_then(|pattern| read_pattern(pattern, problems)),
            min_length: table.count("min_length", problems),
            max_length: table.count("max_length", problems),
            minimum: bound(table, "minimum", checked, text, problems),
            maximum: bound(table, "maximum", checked, text, problems),
            choices: literals(table, "enum", text, problems),
            schemes: literals(table, "schemes", text, problems),
            items,
            separator: table.text("separator", problems),
            min_items: table.count("min_items", problems),
            max_items: table.count("max_items", problems),
            unique_items: table.flag("unique_items", problems),
            forbid: literals(table, "forbid", text, problems),
            forbid_protected: literals(table, "forbid_protected", text, problems),
            allow: literals(table, "allow", text, problems),
        };
        limits.check(table, kind, checked, problems);
        // What was reported does not judge values as well.
        let choices = limits.choices.take().filter(|choices| !choices.value.is_empty());
        Self { choices, ..limits }
    }

    /// Where literal values stand: of a secret these are not shown.
    pub fn literal_spans(&self) -> impl Iterator<Item = crate::source::Span> {
        let lists = [&self.choices, &self.forbid, &self.forbid_protected, &self.allow];
        lists.into_iter().flatten().map(|list| list.span)
    }

    /// What stands between the items of a list.
    pub fn separator(&self) -> &str {
        self.separator.as_ref().map_or(",", |separator| separator.value.as_str())
    }

    /// The type of the items of a list.
    pub fn item_kind(&self) -> Kind {
        self.items.as_ref().map_or(Kind::String, |items| items.value)
    }

    /// Keywords that do not fit the type or contradict each other.
    fn check(&self, table: &Table<'_>, kind: Kind, checked: Kind, problems: &mut Diagnostics) {
        if kind != Kind::List {
            for key in Self::LIST_ONLY {
                misplaced(table, key, "the type `list`", kind, problems);
            }
        }
        if checked != Kind::Url {
            misplaced(table, "schemes", "the type `url`", kind, problems);
        }
        if let Some(separator) = self.separator.as_ref().filter(|separator| separator.value.is_empty()) {
            problems.push(
                Diagnostic::error(Code::InvalidKeyword, "`separator` is empty").at(separator.span, "needs a character"),
            );
        }
        let lengths = (
            self.min_length.as_ref().map(|one| (one.value, one.span)),
            self.max_length.as_ref().map(|one| (one.value, one.span)),
        );
        contradiction("min_length", lengths.0, "max_length", lengths.1, problems);
        let items = (
            self.min_items.as_ref().map(|one| (one.value, one.span)),
            self.max_items.as_ref().map(|one| (one.value, one.span)),
        );
        contradiction("min_items", items.0, "max_items", items.1, problems);
        let bounds = (
            self.minimum.as_ref().map(|one| (one.measure, one.text.span)),
            self.maximum.as_ref().map(|one| (one.measure, one.text.span)),
        );
        contradiction("minimum", bounds.0, "maximum", bounds.1, problems);
        self.check_choices(checked, problems);
    }

    fn check_choices(&self, checked: Kind, problems: &mut Diagnostics) {
        let Some(choices) = &self.choices else { return };
        if choices.value.is_empty() {
            problems.push(
                Diagnostic::error(Code::InvalidKeyword, "`enum` is empty").at(choices.span, "allows no value at all"),
            );
        }
        if choices.value.iter().any(|choice| !choice.is_empty() && !checked.accepts(choice)) {
            let message = format!("`enum` lists something that is not {}", checked.expects());
            problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(choices.span, "does not fit the type"));
        }
    }
}

fn misplaced(table: &Table<'_>, key: &str, wanted: &str, kind: Kind, problems: &mut Diagnostics) {
    if let Some(span) = table.key_span(key) {
        let message = format!("`{key}` is for {wanted}; this variable is of type `{}`", kind.name());
        problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(span, "has no meaning here"));
    }
}

fn contradiction<T: PartialOrd>(
    least: &str,
    low: Option<(T, crate::source::Span)>,
    most: &str,
    high: Option<(T, crate::source::Span)>,
    problems: &mut Diagnostics,
) {
    if let (Some((low, low_span)), Some((high, high_span))) = (low, high)
        && low > high
    {
        let message = format!("`{least}` is greater than `{most}`");
        problems.push(
            Diagnostic::error(Code::InvalidKeyword, message)
                .at(low_span, "no value fits")
                .at(high_span, "the other bound"),
        );
    }
}

fn item_kind(name: &Located<String>, problems: &mut Diagnostics) -> Option<Located<Kind>> {
    match Kind::from_name(&name.value) {
        Some(Kind::List) => {
            let diagnostic =
                Diagnostic::error(Code::InvalidKeyword, "the items of a list cannot be lists").at(name.span, "");
            problems.push(diagnostic.help("use `json` for nested values"));
            None
        }
        Some(kind) => Some(Located::new(kind, name.span)),
        None => {
            problems.push(super::variable::unknown_type(name));
            None
        }
    }
}

fn read_pattern(pattern: Located<String>, problems: &mut Diagnostics) -> Option<Pattern> {
    // Parsing finds what is wrong at a hundredth of the price of compiling.
    match regex_syntax::parse(&pattern.value) {
        Ok(_) => Some(Pattern::new(pattern)),
        Err(error) => {
            let reason = match error {
                regex_syntax::Error::Parse(error) => error.kind().to_string(),
                regex_syntax::Error::Translate(error) => error.kind().to_string(),
                _ => String::from("it cannot be read"),
            };
            let diagnostic =
                Diagnostic::error(Code::InvalidPattern, format!("`pattern` is not a regular expression: {reason}"));
            let beyond = ["(?=", "(?!", "(?<=", "(?<!", "\\1"].iter().any(|sign| pattern.value.contains(sign));
            let note = "look-around and back-references are not part of the language: matching takes linear time";
            let diagnostic = diagnostic.at(pattern.span, "");
            problems.push(if beyond { diagnostic.note(note) } else { diagnostic });
            None
        }
    }
}

fn bound(table: &Table<'_>, key: &str, checked: Kind, text: &str, problems: &mut Diagnostics) -> Option<Bound> {
    let value = table.get(key)?;
    if !checked.is_measurable() {
        misplaced(table, key, "numbers, ports, durations and sizes", checked, problems);
        return None;
    }
    let written = value.expect(value.scalar(text), key, checked.expects(), problems)?;
    let measure = checked
        .measure(&written)
        .or_else(|| written.parse().ok().map(Measure::Number).filter(|_| value.text().is_none()));
    let measure = value.expect(measure, key, checked.expects(), problems)?;
    Some(Bound { measure, text: Located::new(written, value.span) })
}

fn literals(table: &Table<'_>, key: &str, text: &str, problems: &mut Diagnostics) -> Option<Located<Vec<String>>> {
    let span = table.get(key)?.span;
    let literals = table.scalars(key, text, problems)?;
    Some(Located::new(literals.into_iter().map(|literal| literal.value).collect(), span))
}
