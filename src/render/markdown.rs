//! A reference table of a schema, in GitHub's Markdown.

use std::fmt::Write;

use super::row::{Required, Row};
use super::shown::{shown, shown_lines};

/// A heading and a table with one row for each variable. No default, example or choice of a secret is shown.
pub fn markdown(title: &str, rows: &[Row<'_>]) -> String {
    let mut out = String::new();
    let title = words(title);
    if !title.is_empty() {
        out.push_str("# ");
        out.push_str(&title);
        out.push_str("\n\n");
    }
    out.push_str("| Name | Type | Required | Default | Description |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for row in rows {
        let cells = [code(row.name), kind(row), required(row.required), default(row), description(row)];
        out.push('|');
        for cell in cells {
            out.push(' ');
            out.push_str(&cell);
            // One blank between the bars of an empty cell.
            out.push_str(if cell.is_empty() { "|" } else { " |" });
        }
        out.push('\n');
    }
    out
}

/// The type and what narrows or marks it: `string, secret`.
fn kind(row: &Row<'_>) -> String {
    let mut out = words(row.kind);
    if row.secret {
        out.push_str(", **secret**");
    }
    if row.public {
        out.push_str(", public");
    }
    if !row.secret && !row.choices.is_empty() {
        let choices: Vec<_> = row.choices.iter().map(|choice| code(choice)).collect();
        out.push_str(", one of ");
        out.push_str(&choices.join(", "));
    }
    out
}

fn required(required: Required<'_>) -> String {
    match required {
        Required::Always => "yes".to_owned(),
        Required::Optional | Required::In([]) => "no".to_owned(),
        Required::In(names) => {
            let names: Vec<_> = names.iter().map(|name| words(name)).collect();
            format!("in {}", names.join(", "))
        }
        Required::Only(names) => {
            let names: Vec<_> = names.iter().map(|name| words(name)).collect();
            format!("in {} only", names.join(", "))
        }
    }
}

fn default(row: &Row<'_>) -> String {
    match row.default {
        Some(default) if !row.secret => code(default),
        _ => String::new(),
    }
}

fn description(row: &Row<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(instead) = row.deprecated {
        parts.push(format!("**Deprecated:** {}", words(instead)));
    }
    if let Some(description) = row.description {
        parts.push(words(description));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("<br>")
}

/// Text on one line, in which nothing means anything to Markdown or HTML.
fn words(text: &str) -> String {
    let lines: Vec<_> = shown_lines(text).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    let mut out = String::new();
    for character in lines.join(" ").chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Backslash escapes (CommonMark 2.4); the bar is the one of GFM tables, `$` begins GitHub's formulas.
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

/// A literal value. Where a code span would need escapes it is HTML with character references, which are never markup.
fn code(text: &str) -> String {
    let text = shown(text);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    if !text.contains(['`', '|', '\\']) && text.trim() == text {
        return format!("`{text}`");
    }
    let mut out = String::from("<code>");
    for character in text.chars() {
        if character.is_alphanumeric() {
            out.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "&#{};", u32::from(character));
        }
    }
    out.push_str("</code>");
    out
}

#[cfg(test)]
mod tests {
    use super::super::row::testing::row;
    use super::{Required, Row, code, markdown, words};

    #[test]
    fn a_whole_table() {
        let places = ["prod".to_owned()];
        let choices = ["a".to_owned(), "b".to_owned()];
        let rows = [
            Row {
                kind: "url",
                description: Some("Main database\nof the_shop"),
                default: Some("hunter2"),
                example: Some("hunter3"),
                choices: &choices,
                secret: true,
                ..row("DATABASE_URL")
            },
            Row {
                default: Some(""),
                required: Required::In(&places),
                public: true,
                choices: &choices,
                deprecated: Some("use B"),
                description: Some("Mode"),
                ..row("MODE")
            },
            Row { required: Required::Optional, ..row("X") },
        ];
        assert_eq!(
            markdown("The API", &rows),
            "# The API\n\
             \n\
             | Name | Type | Required | Default | Description |\n\
             | --- | --- | --- | --- | --- |\n\
             | `DATABASE_URL` | url, **secret** | yes | | Main database of the\\_shop |\n\
             | `MODE` | string, public, one of `a`, `b` | in prod | (empty) | **Deprecated:** use B<br>Mode |\n\
             | `X` | string | no | | |\n"
        );
    }

    #[test]
    fn text_is_no_markup() {
        let table = [
            ("a|b", r"a\|b"),
            (r"a\|b", r"a\\\|b"),
            ("`x` *y* _z_", r"\`x\` \*y\* \_z\_"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("[x](javascript:y)", r"\[x\](javascript:y)"),
            ("a\r\n\n b\n", "a b"),
            ("\u{1b}[2J", r"\\u{1b}\[2J"),
        ];
        for (text, expected) in table {
            assert_eq!(words(text), expected);
        }
    }

    #[test]
    fn code_is_literal() {
        let table = [
            ("8000", "`8000`"),
            ("<b> & $x", "`<b> & $x`"),
            ("a|b", "<code>a&#124;b</code>"),
            ("`", "<code>&#96;</code>"),
            (" x", "<code>&#32;x</code>"),
            ("a\nb", "<code>a&#92;u&#123;a&#125;b</code>"),
        ];
        for (text, expected) in table {
            assert_eq!(code(text), expected);
        }
    }

    #[test]
    fn every_row_has_five_cells() {
        let nasty = "a|b\n|c`d\\|<e>\u{2028}";
        let list = [nasty.to_owned()];
        let text = markdown(
            nasty,
            &[Row {
                kind: nasty,
                description: Some(nasty),
                default: Some(nasty),
                required: Required::In(&list),
                deprecated: Some(nasty),
                choices: &list,
                ..row("A")
            }],
        );
        let table_row = text.lines().last().unwrap();
        let bars = table_row.replace(r"\\", "").replace(r"\|", "").matches('|').count();
        assert_eq!(bars, 6);
        assert_eq!(text.lines().count(), 5);
    }
}
