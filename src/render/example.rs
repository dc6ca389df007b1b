//! `.env.example`: every variable of a schema, explained, without values of environments.

use super::dotenv::portable;
use super::row::{Required, Row};
use super::shown::{shown, shown_lines};
use super::text::Text;

/// The text of an `.env.example` file. It can be copied to `.env` and filled in; the rows keep their order.
///
/// A default or example stands in the portable spelling of [`super::Dialect::Portable`]; one that has none stands in a
/// comment. Of a secret only the example is told, in a comment. Deprecated variables are commented out.
pub fn example(title: &str, rows: &[Row<'_>]) -> String {
    let mut out = String::new();
    comment(&mut out, title);
    for row in rows {
        if !out.is_empty() {
            out.push('\n');
        }
        variable(&mut out, row);
    }
    out
}

fn variable(out: &mut String, row: &Row<'_>) {
    comment(out, row.description.unwrap_or_default());
    if let Some(instead) = row.deprecated {
        comment(out, &format!("Deprecated: {instead}"));
    }
    comment_line(out, &facts(row));
    let name = shown(row.name);
    let (assignment, lost_default) = assignment(out, row);
    // An empty assignment would take the place of a default that could not be written here.
    let off = if row.deprecated.is_some() || lost_default { "# " } else { "" };
    for piece in [off, &name, "=", &assignment, "\n"] {
        out.push_str(piece);
    }
}

/// What stands behind `=`, and whether a default is missing there. Writes comments for what cannot stand there.
fn assignment(out: &mut String, row: &Row<'_>) -> (String, bool) {
    if row.secret {
        if let Some(example) = row.example {
            comment_line(out, &format!("for example: {}", shown(example)));
        }
        return (String::new(), false);
    }
    let (word, value) = match (row.default, row.example) {
        (Some(default), _) => ("default", default),
        (None, Some(example)) => ("for example", example),
        (None, None) => return (String::new(), false),
    };
    let mut spelled = Text::with_room(value.len().saturating_add(2));
    // The byte order mark and its like would be invisible in the file.
    if shown(value) == value && portable(&mut spelled, value).is_ok() {
        return (spelled.as_str().to_owned(), false);
    }
    comment_line(out, &format!("{word}: {}", shown(value)));
    (String::new(), row.default.is_some())
}

/// `url, required in staging, prod, secret, one of: a, b`.
fn facts(row: &Row<'_>) -> String {
    let mut facts = vec![
        shown(row.kind),
        match row.required {
            Required::Always => "required".to_owned(),
            Required::Optional | Required::In([]) => "optional".to_owned(),
            Required::In(names) => format!("required in {}", joined(names)),
            Required::Only(names) => format!("in {} only", joined(names)),
        },
    ];
    if row.secret {
        facts.push("secret".to_owned());
    }
    if row.public {
        facts.push("public".to_owned());
    }
    if !row.secret && !row.choices.is_empty() {
        facts.push(format!("one of: {}", joined(row.choices)));
    }
    facts.join(", ")
}

fn joined(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| shown(word)).collect();
    words.join(", ")
}

/// Writes a text of any number of lines as comments.
fn comment(out: &mut String, text: &str) {
    for line in shown_lines(text) {
        comment_line(out, &line);
    }
}

fn comment_line(out: &mut String, line: &str) {
    out.push_str(if line.is_empty() { "#" } else { "# " });
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::row::testing::row;
    use super::{Required, Row, example};

    #[test]
    fn a_whole_file() {
        let places = ["staging".to_owned(), "prod".to_owned()];
        let choices = ["debug".to_owned(), "info".to_owned()];
        let rows = [
            Row {
                kind: "url",
                description: Some("Main database\r\n\r\nAsk bob.\n"),
                example: Some("postgresql://user:pass@localhost/shop"),
                secret: true,
                default: Some("hunter2"),
                ..row("DATABASE_URL")
            },
            Row { default: Some("info"), required: Required::Optional, choices: &choices, ..row("LOG_LEVEL") },
            Row {
                deprecated: Some("use LOG_LEVEL"),
                default: Some("two words"),
                required: Required::Optional,
                ..row("VERBOSE")
            },
            Row {
                required: Required::In(&places),
                example: Some("https://example.org"),
                public: true,
                kind: "url",
                ..row("WEB_URL")
            },
        ];
        assert_eq!(
            example("Public HTTP API", &rows),
            "# Public HTTP API\n\
             \n\
             # Main database\n\
             #\n\
             # Ask bob.\n\
             # url, required, secret\n\
             # for example: postgresql://user:pass@localhost/shop\n\
             DATABASE_URL=\n\
             \n\
             # string, optional, one of: debug, info\n\
             LOG_LEVEL=info\n\
             \n\
             # Deprecated: use LOG_LEVEL\n\
             # string, optional\n\
             # VERBOSE='two words'\n\
             \n\
             # url, required in staging, prod, public\n\
             WEB_URL=https://example.org\n"
        );
    }

    #[test]
    fn what_the_portable_form_cannot_carry_is_a_comment() {
        let with_default = Row { default: Some("a\nB=$x"), ..row("A") };
        assert_eq!(example("", &[with_default]), "# string, required\n# default: a\\u{a}B=$x\n# A=\n");
        let with_example = Row { example: Some("$x"), ..row("A") };
        assert_eq!(example("", &[with_example]), "# string, required\n# for example: $x\nA=\n");
    }

    #[test]
    fn texts_cannot_leave_their_comment() {
        let nasty = "x\nEVIL=1\r\nEVIL=2\rEVIL=3\u{2028}EVIL=4\u{1b}[2J\u{202e}";
        let list = [nasty.to_owned()];
        for secret in [false, true] {
            let text = example(
                nasty,
                &[Row {
                    kind: nasty,
                    description: Some(nasty),
                    example: Some(nasty),
                    default: Some(nasty),
                    required: Required::In(&list),
                    secret,
                    deprecated: Some(nasty),
                    choices: &list,
                    ..row("A")
                }],
            );
            for line in text.split('\n').filter(|line| !line.is_empty()) {
                assert!(line.starts_with('#'), "{line:?}");
            }
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\u{2028}']));
        }
    }

    #[test]
    fn nothing_to_tell() {
        assert_eq!(example("", &[]), "");
        assert_eq!(example("Empty", &[]), "# Empty\n");
    }
}
