//! `.env` files: the portable spelling, and the one of POSIX shells.

use super::{Layout, Text, Why};

/// Spellings that every known reader takes alike; other values are refused.
pub(super) const PORTABLE: Layout = Layout::lines(|out, name, value| {
    out.push(name);
    out.push("=");
    portable(out, value)?;
    out.push("\n");
    Ok(())
});

/// What a POSIX shell reads after `set -a`, newlines and all.
pub(super) const POSIX: Layout = Layout::lines(|out, name, value| {
    out.push(name);
    out.push("=");
    posix(out, value);
    out.push("\n");
    Ok(())
});

/// Whether all readers take the value as it is, without quotes.
///
/// zsh replaces `=word` by the path of the program `word` at the start of an assigned value and after a colon.
fn is_bare(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    value.bytes().all(plain) && !value.starts_with('=') && !value.contains(":=")
}

/// Writes a value in the portable spelling.
///
/// Readers differ in escapes and in substitution, so nothing is ever escaped: a value fits as it is, or not at all.
pub(super) fn portable(out: &mut Text, value: &str) -> Result<(), Why> {
    if is_bare(value) {
        out.push(value);
        return Ok(());
    }
    if value.contains('\n') {
        return Err("it holds a newline");
    }
    if value.contains('\r') {
        return Err("it holds a carriage return");
    }
    if value.contains(is_separator) {
        return Err("it holds a character that some readers take for the end of a line");
    }
    if value.contains('$') {
        return Err("it holds a `$`, which some readers replace");
    }
    let backslashes = value.contains(r"\\") || value.ends_with('\\');
    let wrapped = value.starts_with('"') && value.ends_with('"');
    let quote = if !value.contains('\'') && !backslashes && !wrapped {
        "'"
    } else if !value.contains(['"', '`', '\\']) {
        "\""
    } else if backslashes {
        return Err("it holds backslashes that readers take differently");
    } else {
        return Err("it holds quotes that readers take differently");
    };
    out.push(quote);
    out.push(value);
    out.push(quote);
    Ok(())
}

/// Characters other than CR and LF at which some reader (Python's `splitlines`) ends a line.
fn is_separator(character: char) -> bool {
    matches!(character, '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Writes a value as one word of a POSIX shell (POSIX.1-2024, Shell Command Language 2.2.2).
pub(super) fn posix(out: &mut Text, value: &str) {
    if is_bare(value) {
        out.push(value);
        return;
    }
    out.push("'");
    for (index, part) in value.split('\'').enumerate() {
        if index > 0 {
            out.push(r"'\''");
        }
        out.push(part);
    }
    out.push("'");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{NASTY, nasty, one, refusal};
    use super::super::{Dialect, Format};

    #[test]
    fn portable_spellings() {
        let table = [
            ("", "K=\n"),
            ("postgres://a:b@h:5432/x,y%20+1", "K=postgres://a:b@h:5432/x,y%20+1\n"),
            ("=ls", "K='=ls'\n"),
            ("a:=ls", "K='a:=ls'\n"),
            ("two words", "K='two words'\n"),
            (" edge ", "K=' edge '\n"),
            ("#no comment", "K='#no comment'\n"),
            ("it's", "K=\"it's\"\n"),
            ("say \"hi\" ", "K='say \"hi\" '\n"),
            (r"a\nb", "K='a\\nb'\n"),
            ("`touch x`", "K='`touch x`'\n"),
            ("é🦀", "K='é🦀'\n"),
            ("a\tb", "K='a\tb'\n"),
            ("~", "K='~'\n"),
        ];
        for (value, expected) in table {
            assert_eq!(one(Format::Dotenv, None, value), expected);
        }
    }

    #[test]
    fn portable_refusals() {
        let table = [
            ("x\nADMIN=1", "newline"),
            ("x\r", "carriage return"),
            ("x\u{2028}y", "end of a line"),
            ("x\u{85}y", "end of a line"),
            ("x\u{b}y'", "end of a line"),
            ("$HOME", "`$`"),
            ("$(touch x)", "`$`"),
            (r"a\\b", "backslashes"),
            (r"a'\", "backslashes"),
            ("x\\", "backslashes"),
            (r#"it's "x""#, "quotes"),
            (r#""x""#, "quotes"),
            ("\"", "quotes"),
            ("it's `x`", "quotes"),
            (r"it's \n", "quotes"),
        ];
        for (value, expected) in table {
            let refused = refusal(Format::Dotenv, None, value.as_bytes());
            assert!(refused.why.contains(expected), "{value:?}: {}", refused.why);
            assert_eq!(
                refused.instead,
                ["--dialect posix", "--format json", "--format yaml", "--format toml", "--format shell"]
            );
        }
    }

    #[test]
    fn posix_spellings() {
        let table = [
            ("", "K=\n"),
            ("abc", "K=abc\n"),
            ("it's", "K='it'\\''s'\n"),
            ("'", "K=''\\'''\n"),
            ("a\nb", "K='a\nb'\n"),
            ("=ls", "K='=ls'\n"),
            ("$(touch x)", "K='$(touch x)'\n"),
        ];
        for (value, expected) in table {
            assert_eq!(one(Format::Dotenv, Some(Dialect::Posix), value), expected);
        }
    }

    /// What dotenvy reads from a text: (first, tested, last).
    fn read(text: &str) -> Vec<(String, String)> {
        dotenvy::from_read_iter(text.as_bytes()).map(Result::unwrap).collect()
    }

    fn check_with_dotenvy(value: &str) {
        if let Some(text) = super::super::testing::between(Format::Dotenv, None, value) {
            let read = read(&text);
            assert_eq!(read.len(), 3, "{text:?}");
            assert_eq!(read[0].1, "1");
            assert_eq!(read[1].1, value);
            assert_eq!(read[2].1, "2");
        }
    }

    #[test]
    fn dotenvy_reads_back_chosen_values() {
        for value in NASTY {
            check_with_dotenvy(value);
        }
    }

    proptest! {
        #[test]
        fn dotenvy_reads_back(value in nasty()) {
            check_with_dotenvy(&value);
        }
    }
}
