//! One sealed value as it is written in an editor, and read back: TOML 1.0, and always the very bytes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::diagnostic::{Code, Diagnostic};
use crate::document::Value;
use crate::secret::Secret;

/// The longest value that is shown, in bytes.
const LONGEST: usize = 4096;

/// Written with padding, as other tools do; read with and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a person wrote behind a name of `[secrets]`.
pub(super) enum Written {
    /// A value.
    Value(Secret),
    /// `{ keep = true }`: the value that is there.
    Keep,
    /// `{ generate = true }`: a new one.
    Generate,
}

/// How many bytes [`spell`] writes, at most: a character as an escape is six times as long as its shortest form.
pub(super) fn room(value: Option<&Secret>) -> usize {
    value.filter(|value| value.size() <= LONGEST).map_or(0, |value| value.size() * 6) + 32
}

/// Writes a value in the form that is easiest to edit; one that is too long, or not there, as `{ keep = true }`.
pub(super) fn spell(value: Option<&Secret>, newline: &str, into: &mut String) {
    let Some(value) = value.filter(|value| value.size() <= LONGEST) else {
        into.push_str("{ keep = true }");
        return;
    };
    match std::str::from_utf8(value.expose()) {
        Ok(text) if fits_lines(text) => {
            into.push_str("'''");
            for line in std::iter::once("").chain(text.split('\n')).enumerate() {
                into.push_str(if line.0 == 0 { "" } else { newline });
                into.push_str(line.1);
            }
            into.push_str("'''");
        }
        Ok(text) => one_line(text, into),
        Err(_) => {
            into.push_str("{ base64 = \"");
            BASE64.encode_string(value.expose(), into);
            into.push_str("\" }");
        }
    }
}

/// Whether a text has several lines and can stand between `'''` as it is. What looks like a mark of git would be taken
/// for one, and what cannot be seen is better escaped.
fn fits_lines(text: &str) -> bool {
    let mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    text.contains('\n')
        && !text.contains("'''")
        && !text.ends_with('\'')
        && !text.chars().any(|letter| letter != '\n' && letter != '\t' && is_hidden(letter))
        && !text.split('\n').any(mark)
}

/// Control characters, and those that an editor does not show or that change how others are shown.
fn is_hidden(letter: char) -> bool {
    let marks = ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}', '\u{feff}'..='\u{feff}'];
    letter.is_control() || marks.iter().any(|range| range.contains(&letter))
}

/// A basic string on one line.
fn one_line(text: &str, into: &mut String) {
    into.push('"');
    for letter in text.chars() {
        match letter {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            letter if is_hidden(letter) => {
                // Writing to a text does not fail.
                let _ = write!(into, "\\u{:04X}", u32::from(letter));
            }
            letter => into.push(letter),
        }
    }
    into.push('"');
}

/// Reads what was written; `text` is the whole document. Nothing of it is in the problem.
pub(super) fn read(value: Value<'_>, text: &str) -> Result<Written, Diagnostic> {
    if value.text().is_some() {
        return Ok(Written::Value(Secret::from_string(value.scalar(text).unwrap_or_default())));
    }
    let refused = |code, message: &str| Err(Diagnostic::error(code, message).at(value.span, ""));
    let inline = text.get(value.span.start..value.span.end).is_some_and(|written| written.starts_with('{'));
    let Some(table) = value.table().filter(|_| inline) else {
        return refused(Code::WrongTomlType, "a secret is written as a string, or as `{ base64 = \"…\" }`");
    };
    let keys: Vec<_> = table.entries().map(|(key, value)| (key.value, value)).collect();
    match keys.as_slice() {
        [("keep", flag)] if flag.flag() == Some(true) => Ok(Written::Keep),
        [("generate", flag)] if flag.flag() == Some(true) => Ok(Written::Generate),
        [("base64", encoded)] => match encoded.text().and_then(|encoded| BASE64.decode(encoded).ok()) {
            Some(bytes) => Ok(Written::Value(Secret::new(bytes))),
            None => refused(Code::WrongTomlType, "this is not base64 (RFC 4648, standard alphabet)"),
        },
        keys if keys.iter().any(|(key, _)| *key == "enc") => {
            refused(Code::SealedStructure, "sealed text cannot be pasted: write the value itself")
        }
        keys if keys.iter().any(|(key, _)| ["backend", "absent"].contains(key)) => {
            refused(Code::WrongTomlType, "a reference does not stand in `[secrets]`: move the line to `[values]`")
        }
        _ => refused(
            Code::WrongTomlType,
            "this is none of `{ base64 = \"…\" }`, `{ keep = true }` and `{ generate = true }`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Written, read, room, spell};
    use crate::diagnostic::Diagnostics;
    use crate::document;
    use crate::secret::Secret;
    use crate::source::SourceMap;

    fn spelled(value: &[u8], newline: &str) -> String {
        let value = Secret::new(value.to_vec());
        let mut text = String::new();
        spell(Some(&value), newline, &mut text);
        assert!(text.len() <= room(Some(&value)), "{text}");
        text
    }

    fn reread(written: &str) -> Result<Written, String> {
        let text = format!("A = {written}\r\n");
        let source = SourceMap::default().add_masked("", "");
        let parsed = document::parse(&text, source, &mut Diagnostics::default()).ok_or("no TOML")?;
        let value = document::root(&parsed, source).get("A").unwrap();
        read(value, &text).map_err(|problem| problem.message)
    }

    #[test]
    fn forms() {
        let cases: [(&[u8], &str); 15] = [
            (b"", "\"\""),
            (b"hunter2", "\"hunter2\""),
            (b"a\"b\\c'd\t", "\"a\\\"b\\\\c'd\\t\""),
            (b"one\n", "'''\none\n'''"),
            (b"\none\n two", "'''\n\none\n two'''"),
            (b"\n", "'''\n\n'''"),
            (b"a\nb'", "\"a\\nb'\""),
            (b"a\n'''", "\"a\\n'''\""),
            (b"a\r\nb", "\"a\\r\\nb\""),
            (b"a\n>>>>>>> b", "\"a\\n>>>>>>> b\""),
            (b"\x1b[0m\0", "\"\\u001B[0m\\u0000\""),
            ("grün\u{202e}".as_bytes(), "\"grün\\u202E\""),
            (b"\xff\xfe", "{ base64 = \"//4=\" }"),
            (&[b'x'; 4097], "{ keep = true }"),
            (b"#: a\n#: b", "'''\n#: a\n#: b'''"),
        ];
        for (value, text) in cases {
            assert_eq!(spelled(value, "\n"), text);
        }
        assert_eq!(spelled(b"a\nb", "\r\n"), "'''\r\na\r\nb'''");
    }

    #[test]
    fn what_people_write() {
        let read = |text: &str| match reread(text) {
            Ok(Written::Value(value)) => String::from_utf8_lossy(value.expose()).into_owned(),
            Ok(Written::Keep) => String::from("keep"),
            Ok(Written::Generate) => String::from("generate"),
            Err(problem) => format!("! {problem}"),
        };
        assert_eq!(read("'''\r\na\r\nb'''"), "a\nb");
        assert_eq!(read("\"a\\r\\nb\""), "a\r\nb");
        assert_eq!(read("{ base64 = \"YQ\" }"), "a");
        assert_eq!(read("{base64='YQ=='}"), "a");
        assert_eq!(read("{ keep = true }"), "keep");
        assert_eq!(read("{ generate = true }"), "generate");
        for (text, told) in [
            ("1", "string"),
            ("[\"a\"]", "string"),
            ("{ base64 = \"Y\" }", "not base64"),
            ("{ base64 = \"YR\" }", "not base64"),
            ("{ base64 = 1 }", "not base64"),
            ("{ keep = false }", "none of"),
            ("{ keep = true, base64 = \"YQ\" }", "none of"),
            ("{}", "none of"),
            ("{ enc = \"AAAA\", since = 1, rotated = 2026-11-21 }", "pasted"),
            ("{ backend = \"env\" }", "reference"),
        ] {
            let problem = read(text);
            assert!(problem.starts_with("! ") && problem.contains(told), "{text}: {problem}");
        }
    }

    proptest! {
        #[test]
        fn the_very_bytes_come_back(
            value in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..40),
                "[a\n\r'\"\\\\#:<> \t\u{0}\u{7f}\u{85}é\u{202e}\u{feff}{}$]{0,24}".prop_map(String::into_bytes),
                "\\PC{0,30}".prop_map(String::into_bytes),
            ],
            crlf: bool,
        ) {
            let written = spelled(&value, if crlf { "\r\n" } else { "\n" });
            match reread(&written) {
                Ok(Written::Value(read)) => prop_assert_eq!(read.expose(), &value[..], "{}", written),
                _ => prop_assert!(false, "{}", written),
            }
        }
    }
}
