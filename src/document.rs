//! TOML documents as tables with spans: typed access to keys, every problem reported, no value ever quoted.
//!
//! Environment files are never deserialized into types: the errors of deserializers quote what they refuse.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::name;
use crate::source::{SourceId, SourceMap, Span};

/// Something with the place it was written at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Located<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A table of a document.
#[derive(Clone, Copy)]
pub struct Table<'t> {
    entries: &'t DeTable<'t>,
    source: SourceId,
    /// The header, or the whole of an inline table.
    pub span: Span,
}

/// A value of a document.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    raw: &'t DeValue<'t>,
    source: SourceId,
    /// Where it stands.
    pub span: Span,
}

/// Parses a text; all its syntax errors are reported, and then there is no document.
pub fn parse<'t>(text: &'t str, source: SourceId, problems: &mut Diagnostics) -> Option<Spanned<DeTable<'t>>> {
    if let Some(diagnostic) = merge_marker(text, source) {
        problems.push(diagnostic);
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(document);
    }
    // Nesting beyond the parser's limit makes everything after it look wrong as well.
    if let Some(deep) = errors.iter().find(|error| error.message().contains("recurs")) {
        let at = deep.span().unwrap_or(0..0);
        let span = Span { source, start: at.start.min(text.len()), end: at.end.min(text.len()) };
        let message = "not valid TOML: arrays and tables are nested more than 80 deep";
        problems.push(Diagnostic::error(Code::TomlSyntax, message).at(span, ""));
        return None;
    }
    let mut keys = Vec::new();
    collect_keys(document.get_ref(), &mut keys);
    for error in errors {
        let range = error.span().unwrap_or(0..0);
        problems.push(syntax_error(text, source, error.message(), range, &keys));
    }
    None
}

/// The root table of a parsed document.
pub fn root<'t>(document: &'t Spanned<DeTable<'t>>, source: SourceId) -> Table<'t> {
    Table { entries: document.get_ref(), source, span: Span { source, start: 0, end: 0 } }
}

/// Git leaves lines that begin with seven signs where a merge was not resolved.
fn merge_marker(text: &str, source: SourceId) -> Option<Diagnostic> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            let span = Span { source, start, end: start + line.trim_end().len() };
            let diagnostic = Diagnostic::error(Code::MergeConflict, "this file has an unresolved git merge")
                .at(span, "left by git merge")
                .help("keep one side of each conflict, then `envctl check`; `envctl resolve` does it for secrets");
            return Some(diagnostic);
        }
        start += line.len();
    }
    None
}

fn syntax_error(
    text: &str,
    source: SourceId,
    message: &str,
    range: Range<usize>,
    keys: &[(&str, Range<usize>)],
) -> Diagnostic {
    let span = Span { source, start: range.start.min(text.len()), end: range.end.min(text.len()) };
    if message != "duplicate key" {
        // These texts come from the parser's own table of expectations and hold nothing of the input.
        return Diagnostic::error(Code::TomlSyntax, format!("not valid TOML: {message}")).at(span, "");
    }
    let name = text.get(range.clone()).unwrap_or("").trim_matches(['[', ']', ' ']).trim_matches(['"', '\'']);
    let first = keys.iter().filter(|(key, at)| *key == name && at.start < range.start).max_by_key(|(_, at)| at.start);
    let first = first.map(|(_, at)| Span { source, start: at.start, end: at.end });
    Diagnostic::error(Code::DuplicateName, "this key is given twice")
        .at(span, "again here")
        .at_some(first, "first here")
}

fn collect_keys<'t>(table: &'t DeTable<'_>, keys: &mut Vec<(&'t str, Range<usize>)>) {
    for (key, value) in table {
        keys.push((key.get_ref(), key.span()));
        if let DeValue::Table(inner) = value.get_ref() {
            collect_keys(inner, keys);
        }
    }
}

impl<'t> Table<'t> {
    /// All entries: key and value.
    pub fn entries(&self) -> impl Iterator<Item = (Located<&'t str>, Value<'t>)> {
        let source = self.source;
        self.entries.iter().map(move |(key, value)| {
            let located = Located::new(key.get_ref().as_ref(), span_of(source, &key.span()));
            (located, Value { raw: value.get_ref(), source, span: span_of(source, &value.span()) })
        })
    }

    /// Reports every key that is not in `known`, with the nearest one that is.
    pub fn only(&self, known: &[&str], what: &str, problems: &mut Diagnostics) {
        for (key, _) in self.entries() {
            if known.contains(&key.value) {
                continue;
            }
            let help = match name::nearest(key.value, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{what} has: {}", known.join(", ")),
            };
            let message = format!("{what} has no key `{}`", key.value);
            problems.push(Diagnostic::error(Code::UnknownKey, message).at(key.span, "unknown key").help(help));
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value<'t>> {
        let value = self.entries.get(key)?;
        Some(Value { raw: value.get_ref(), source: self.source, span: span_of(self.source, &value.span()) })
    }

    /// The place of a key.
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get_key_value(key).map(|(key, _)| span_of(self.source, &key.span()))
    }

    /// A text; reported if it is something else.
    pub fn text(&self, key: &str, problems: &mut Diagnostics) -> Option<Located<String>> {
        let value = self.get(key)?;
        value.expect(value.text().map(|text| Located::new(text.to_owned(), value.span)), key, "a string", problems)
    }

    /// True or false; reported if it is something else.
    pub fn flag(&self, key: &str, problems: &mut Diagnostics) -> Option<Located<bool>> {
        let value = self.get(key)?;
        value.expect(value.flag().map(|flag| Located::new(flag, value.span)), key, "`true` or `false`", problems)
    }

    /// A whole number; reported if it is something else.
    pub fn integer(&self, key: &str, problems: &mut Diagnostics) -> Option<Located<i64>> {
        let value = self.get(key)?;
        value.expect(value.integer().map(|number| Located::new(number, value.span)), key, "an integer", problems)
    }

    /// A length or count: a whole number that is not negative.
    pub fn count(&self, key: &str, problems: &mut Diagnostics) -> Option<Located<usize>> {
        let value = self.get(key)?;
        if value.integer().is_some_and(i64::is_negative) {
            let message = format!("`{key}` cannot be negative");
            problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(value.span, "this is negative"));
            return None;
        }
        let count = value.integer().and_then(|number| usize::try_from(number).ok());
        value.expect(count.map(|count| Located::new(count, value.span)), key, "an integer", problems)
    }

    /// An array of texts; reported if it is something else.
    pub fn texts(&self, key: &str, problems: &mut Diagnostics) -> Option<Vec<Located<String>>> {
        let value = self.get(key)?;
        let texts = value.items().and_then(|items| {
            items.into_iter().map(|item| Some(Located::new(item.text()?.to_owned(), item.span))).collect()
        });
        value.expect(texts, key, "an array of strings", problems)
    }

    /// An array of scalars in their canonical spelling (texts, numbers, booleans, dates as written).
    pub fn scalars(&self, key: &str, text: &str, problems: &mut Diagnostics) -> Option<Vec<Located<String>>> {
        let value = self.get(key)?;
        let scalars = value.items().and_then(|items| {
            items.into_iter().map(|item| Some(Located::new(item.scalar(text)?, item.span))).collect()
        });
        value.expect(scalars, key, "an array of strings or numbers", problems)
    }

    /// A table; reported if it is something else.
    pub fn table(&self, key: &str, problems: &mut Diagnostics) -> Option<Table<'t>> {
        let value = self.get(key)?;
        value.expect(value.table(), key, "a table", problems)
    }

    /// A table of tables, such as `[variables]`; what is no table is reported.
    pub fn tables(&self, key: &str, problems: &mut Diagnostics) -> Vec<(Located<&'t str>, Table<'t>)> {
        let Some(table) = self.table(key, problems) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (name, value) in table.entries() {
            if let Some(inner) = value.expect(value.table(), name.value, "a table", problems) {
                tables.push((name, inner));
            }
        }
        tables
    }

    /// An array of tables, such as `[[rules]]`; what is no table is reported.
    pub fn table_array(&self, key: &str, problems: &mut Diagnostics) -> Vec<Table<'t>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let tables = value.items().and_then(|items| items.iter().map(Value::table).collect());
        value.expect(tables, key, "an array of tables", problems).unwrap_or_default()
    }
}

/// The parts of a text that are shape and not content: keys, and the signs around them. Nothing of what is no TOML.
///
/// Only what parsed is known to be shape, so this is what of a file with secrets may always be shown.
pub fn shape(text: &str) -> Vec<Range<usize>> {
    let source = SourceMap::default().add_masked("", "");
    let mut found = Vec::new();
    if let Some(document) = parse(text, source, &mut Diagnostics::default()) {
        table_shape(&root(&document, source), text, &mut found);
    }
    found
}

/// `DATABASE-URL`, `A.B`: what people write who do not know the rule for names.
fn is_plain(key: &str) -> bool {
    let of = |letter: fn(&u8) -> bool| key.bytes().all(|byte| letter(&byte) || b"_-. ".contains(&byte));
    key.len() <= 64 && (of(u8::is_ascii_uppercase) || of(u8::is_ascii_lowercase))
}

fn table_shape(table: &Table<'_>, text: &str, found: &mut Vec<Range<usize>>) {
    // What cannot be a name may be a value that slipped, unless it is letters of one case only.
    let is_name = |key: &str| name::is_word(key) || crate::sealed::is_entry(key) || is_plain(key);
    for (key, value) in table.entries().filter(|(key, _)| is_name(key.value)) {
        let before = text.get(..key.span.start).unwrap_or("");
        let after = text.get(key.span.end..).unwrap_or("");
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[ ".contains(&byte);
        let header = before.get(line..).is_some_and(|line| line.starts_with('[') && line.bytes().all(bare));
        let left = if header { before.len() - line } else { 0 };
        let left = left.max(before.len() - before.trim_end_matches(['[', '{', ',', '.', ' ', '\t']).len());
        let right = after.len() - after.trim_start_matches([']', '=', '.', ' ', '\t']).len();
        found.push(key.span.start - left..key.span.end + right);
        let Some(inner) = value.table() else { continue };
        if text.get(..value.span.end).is_some_and(|upto| upto.ends_with('}')) {
            let inside = text.get(..value.span.end - 1).unwrap_or("");
            found.push(inside.trim_end_matches([' ', '\t']).len()..value.span.end);
        }
        table_shape(&inner, text, found);
    }
}

impl<'t> Value<'t> {
    /// The text of a string.
    pub fn text(&self) -> Option<&'t str> {
        self.raw.as_str()
    }

    /// The value of a boolean.
    pub fn flag(&self) -> Option<bool> {
        self.raw.as_bool()
    }

    /// The value of an integer that fits 64 bits.
    pub fn integer(&self) -> Option<i64> {
        let integer = self.raw.as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// The items of an array.
    pub fn items(&self) -> Option<Vec<Value<'t>>> {
        let source = self.source;
        let item =
            |item: &'t Spanned<DeValue<'t>>| Value { raw: item.get_ref(), source, span: span_of(source, &item.span()) };
        Some(self.raw.as_array()?.iter().map(item).collect())
    }

    /// The table.
    pub fn table(&self) -> Option<Table<'t>> {
        Some(Table { entries: self.raw.as_table()?, source: self.source, span: self.span })
    }

    /// Whether it is a date or time.
    pub fn is_date(&self) -> bool {
        self.raw.is_datetime()
    }

    /// The canonical spelling of a scalar; dates are taken from `text`, the document, as they are written there.
    /// Infinities, NaN and integers beyond 64 bits have none.
    pub fn scalar(&self, text: &str) -> Option<String> {
        match self.raw {
            DeValue::String(value) if value.contains("\r\n") => Some(self.with_plain_newlines(text, value)),
            DeValue::String(value) => Some(value.to_string()),
            DeValue::Integer(_) => self.integer().map(|number| number.to_string()),
            DeValue::Float(float) => float_spelling(float.as_str()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Datetime(_) => text.get(self.span.start..self.span.end).map(str::to_owned),
            DeValue::Array(_) | DeValue::Table(_) => None,
        }
    }

    /// Newlines of multi-line strings are LF whatever the line endings of the file; `\r\n` written as escapes stays.
    fn with_plain_newlines(&self, text: &str, value: &str) -> String {
        let written = text.get(self.span.start..self.span.end).unwrap_or("").replace("\r\n", "\n");
        let again = DeValue::parse(&written).ok().and_then(|value| value.get_ref().as_str().map(str::to_owned));
        again.unwrap_or_else(|| value.to_owned())
    }

    /// Gives `found`, or reports that `key` has to be `wanted`.
    pub fn expect<T>(&self, found: Option<T>, key: &str, wanted: &str, problems: &mut Diagnostics) -> Option<T> {
        if found.is_none() {
            let message = format!("`{key}` has to be {wanted}");
            let label = format!("this is {}", self.type_name());
            problems.push(Diagnostic::error(Code::WrongTomlType, message).at(self.span, label));
        }
        found
    }

    /// What a scalar has to be, said so that it fits what is there instead.
    pub fn wanted_scalar(&self) -> &'static str {
        match self.raw {
            DeValue::Integer(_) => "an integer that fits 64 bits; write a longer one as a string",
            DeValue::Float(_) => "a finite number",
            _ => "a string, number, boolean or date",
        }
    }

    /// What kind of TOML value it is, for people.
    pub fn type_name(&self) -> &'static str {
        match self.raw {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        }
    }
}

/// The one spelling of a float: shortest digits that give it back, always with a point or an exponent.
fn float_spelling(written: &str) -> Option<String> {
    let number: f64 = written.replace('_', "").parse().ok()?;
    number.is_finite().then(|| format!("{number:?}"))
}

fn span_of(source: SourceId, range: &Range<usize>) -> Span {
    Span { source, start: range.start, end: range.end }
}

#[cfg(test)]
mod tests {
    use super::{parse, root};
    use crate::diagnostic::{Code, Diagnostics};
    use crate::source::{SourceId, SourceMap};

    fn read(text: &str) -> (SourceId, Diagnostics, Vec<String>) {
        let mut map = SourceMap::default();
        let id = map.add_open("x.toml", text);
        let mut problems = Diagnostics::default();
        let mut spellings = Vec::new();
        if let Some(document) = parse(text, id, &mut problems) {
            for (_, value) in root(&document, id).entries() {
                spellings.push(value.scalar(text).unwrap_or_default());
            }
        }
        (id, problems, spellings)
    }

    #[test]
    fn scalars_have_one_spelling() {
        let (_, problems, spellings) = read(
            "a = 1_000\nb = 0x10\nc = 1.50\nd = true\ne = 2026-11-21\nf = 1e3\ng = 'x'\nh = +5\ni = inf\nj = 07:32:00",
        );
        assert!(problems.is_empty());
        assert_eq!(spellings, ["1000", "16", "1.5", "true", "2026-11-21", "1000.0", "x", "5", "", "07:32:00"]);
    }

    #[test]
    fn newlines_of_multi_line_strings_are_plain() {
        let (_, problems, spellings) =
            read("a = \"\"\"\r\nx\r\ny\\r\\nz\"\"\"\r\nb = \'\'\'x\r\ny\'\'\'\r\nc = \"x\\r\\ny\"\r\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(spellings, ["x\ny\r\nz", "x\ny", "x\r\ny"]);
    }

    #[test]
    fn all_syntax_errors_are_reported_without_the_text() {
        let (_, problems, _) = read("a = \nb = hunter2\nc = \"hunter2\n");
        assert!(problems.len() >= 3, "{problems:?}");
        assert!(!format!("{problems:?}").contains("hunter2"));
    }

    #[test]
    fn a_key_given_twice_shows_both_places() {
        let (_, problems, _) = read("[t]\na = 1\nb = 2\na = 3\n");
        let one = problems.iter().next().unwrap();
        assert_eq!((one.code, one.labels.len()), (Code::DuplicateName, 2));
        assert_eq!(one.labels.iter().map(|label| label.span.start).collect::<Vec<_>>(), [16, 4]);
    }

    #[test]
    fn merge_markers_and_marks_at_the_start() {
        let (_, problems, _) = read("a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> x\n");
        assert_eq!(problems.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::MergeConflict]);
        let (_, problems, spellings) = read("\u{feff}a = 1\r\n");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(spellings, ["1"]);
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let (_, problems, _) = read(&format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)));
        assert!(!problems.is_empty());
        let (_, problems, _) = read(&format!("{} = 1", vec!["a"; 50_000].join(".")));
        assert!(!problems.is_empty());
    }
}
