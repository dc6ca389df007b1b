//! One YAML mapping of double-quoted strings, read alike by YAML 1.1 and 1.2.

use super::Layout;
use super::quoted::quoted;

/// Values are always quoted, so that none becomes a number, a boolean, a date or null.
pub(super) const LAYOUT: Layout = Layout {
    empty: "{}\n",
    open: "",
    between: "",
    close: "",
    item: |out, name, value| {
        if is_word(name) {
            quoted(out, name);
        } else {
            out.push(name);
        }
        out.push(": ");
        quoted(out, value);
        out.push("\n");
        Ok(())
    },
};

/// Whether a variable's name is, in some letter case, a boolean or null of YAML 1.1 (yaml.org/type/bool, null).
///
/// Numbers, dates and merge keys are no variable names: those begin with a letter or `_`.
fn is_word(name: &str) -> bool {
    ["y", "n", "yes", "no", "true", "false", "on", "off", "null"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{item, one, secret};
    use super::super::{Format, render};

    #[test]
    fn spellings() {
        assert_eq!(one(Format::Yaml, None, ""), "K: \"\"\n");
        assert_eq!(one(Format::Yaml, None, "no"), "K: \"no\"\n");
        assert_eq!(one(Format::Yaml, None, "a\n b: c"), "K: \"a\\n b: c\"\n");
        let none = render(Format::Yaml, None, &[]).unwrap();
        assert_eq!(none.expose(), b"{}\n");
    }

    #[test]
    fn names_that_are_words_are_quoted() {
        let value = secret("1");
        for (name, expected) in [
            ("y", "\"y\": \"1\"\n"),
            ("NO", "\"NO\": \"1\"\n"),
            ("Null", "\"Null\": \"1\"\n"),
            ("ON", "\"ON\": \"1\"\n"),
            ("NOT", "NOT: \"1\"\n"),
            ("_", "_: \"1\"\n"),
            ("E1", "E1: \"1\"\n"),
        ] {
            let text = render(Format::Yaml, None, &[item(name, &value)]).unwrap();
            assert_eq!(text.expose(), expected.as_bytes());
        }
    }
}
