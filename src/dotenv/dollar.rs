//! Finds `$NAME`, `${NAME}`, `${NAME:-text}` and `$(…)` in a text. Finds only: nothing is expanded or run.

use std::ops::Range;

/// The form of a dollar construct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `$NAME`
    Plain,
    /// `${NAME}`
    Braced,
    /// `${NAME:-text}` and every other use of `${`.
    Operator,
    /// `$(…)`
    Command,
}

/// One dollar construct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dollar {
    /// Bytes of the text it covers.
    pub range: Range<usize>,
    /// Its form.
    pub form: Form,
    /// The name after the dollar; empty for a command.
    pub name: String,
}

/// The dollar constructs of a text, in order, none inside another. A dollar after a backslash is literal for every
/// reader that expands, so it is passed over; so is one before anything that is no name, `{` or `(`.
pub fn dollars(text: &str) -> Vec<Dollar> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(offset) = text.get(from..).and_then(|rest| rest.find('$')) {
        let at = from + offset;
        from = at + 1;
        if text.get(..at).is_some_and(|before| before.ends_with('\\')) {
            continue;
        }
        if let Some(dollar) = dollar_at(text, at) {
            from = dollar.range.end;
            found.push(dollar);
        }
    }
    found
}

fn dollar_at(text: &str, at: usize) -> Option<Dollar> {
    let rest = text.get(at + 1..)?;
    let dollar =
        |length: usize, form, name: &str| Some(Dollar { range: at..at + 1 + length, form, name: name.to_owned() });
    if let Some(inner) = rest.strip_prefix('{') {
        let name = leading_name(inner);
        let after = inner.get(name.len()..).unwrap_or("");
        if !name.is_empty() && after.starts_with('}') {
            return dollar(name.len() + 2, Form::Braced, name);
        }
        return dollar(closing(rest, '{', '}'), Form::Operator, name);
    }
    if rest.starts_with('(') {
        return dollar(closing(rest, '(', ')'), Form::Command, "");
    }
    let name = leading_name(rest);
    if name.is_empty() {
        return None;
    }
    dollar(name.len(), Form::Plain, name)
}

/// The variable name a text begins with, or nothing.
fn leading_name(text: &str) -> &str {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return "";
    }
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}

/// Bytes up to and with the bracket that closes the first one; 1 if none does.
fn closing(text: &str, open: char, close: char) -> usize {
    /// What is longer is text that happens to have brackets; looking on from each would take quadratic time.
    const LONGEST: usize = 1024;
    let mut depth = 0_usize;
    for (at, character) in text.char_indices().take(LONGEST) {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::{Form, dollars};

    #[test]
    fn finds_each_form() {
        type Found<'a> = (&'a str, Form, &'a str);
        let table: &[(&str, &[Found])] = &[
            ("plain", &[]),
            ("$A", &[("$A", Form::Plain, "A")]),
            ("x${A}y", &[("${A}", Form::Braced, "A")]),
            ("${A:-${B}}z", &[("${A:-${B}}", Form::Operator, "A")]),
            ("${A", &[("${", Form::Operator, "A")]),
            ("${}", &[("${}", Form::Operator, "")]),
            ("$(ls (a)) b", &[("$(ls (a))", Form::Command, "")]),
            ("$2b$12$abc", &[("$abc", Form::Plain, "abc")]),
            ("a$", &[]),
            ("\\$A \\${B}", &[]),
            ("$A$B", &[("$A", Form::Plain, "A"), ("$B", Form::Plain, "B")]),
            ("é$É", &[]),
        ];
        for (text, expected) in table {
            let found = dollars(text);
            let found: Vec<_> = found
                .iter()
                .map(|one| (text.get(one.range.clone()).unwrap_or_default(), one.form, one.name.as_str()))
                .collect();
            assert_eq!(found, *expected, "{text}");
        }
    }
}
