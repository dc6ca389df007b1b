//! Double-quoted strings that are right in JSON (RFC 8259) and in YAML 1.1 and 1.2 at once.

use std::fmt::Write;

use super::Text;

/// Writes `value` between double quotes.
///
/// Only escapes that both languages have; everything that YAML does not call printable (YAML 1.2.2, `c-printable`) or
/// takes for a line end or a byte order mark is escaped. Characters beyond U+FFFF are printable in both, so no
/// surrogate pairs are ever written, which YAML would refuse.
pub(super) fn quoted(out: &mut Text, value: &str) {
    out.push("\"");
    for character in value.chars() {
        match character {
            '"' => out.push(r#"\""#),
            '\\' => out.push(r"\\"),
            '\n' => out.push(r"\n"),
            '\r' => out.push(r"\r"),
            '\t' => out.push(r"\t"),
            _ if is_escaped(character) => {
                // `Text` takes everything: it cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push_char(character),
        }
    }
    out.push("\"");
}

fn is_escaped(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::super::Text;
    use super::quoted;

    #[test]
    fn spellings() {
        let table = [
            ("", r#""""#),
            ("yes", r#""yes""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\r\t\u{8}\u{c}", r#""\n\r\t\u0008\u000c""#),
            ("\u{1b}\u{7f}\u{85}\u{9f}", r#""\u001b\u007f\u0085\u009f""#),
            ("\u{2028}\u{2029}\u{feff}", r#""\u2028\u2029\ufeff""#),
            ("\u{fffe}\u{ffff}\u{fffd}", "\"\\ufffe\\uffff\u{fffd}\""),
            ("é🦀/", "\"é🦀/\""),
        ];
        for (value, expected) in table {
            let mut out = Text::with_room(0);
            quoted(&mut out, value);
            assert_eq!(out.as_str(), expected);
        }
    }
}
