//! Scripts that set environment variables: POSIX shells, fish, `PowerShell`.

use super::{Layout, dotenv};

/// `export K='v'`.
pub(super) const POSIX: Layout = Layout::lines(|out, name, value| {
    out.push("export ");
    out.push(name);
    out.push("=");
    dotenv::posix(out, value);
    out.push("\n");
    Ok(())
});

/// `set -gx K 'v'`, always quoted: without a word fish would set an empty list.
///
/// Between single quotes fish knows `\\` and `\'` alone (fish documentation, "Quotes").
pub(super) const FISH: Layout = Layout::lines(|out, name, value| {
    out.push("set -gx ");
    out.push(name);
    out.push(" '");
    for character in value.chars() {
        if matches!(character, '\\' | '\'') {
            out.push("\\");
        }
        out.push_char(character);
    }
    out.push("'\n");
    Ok(())
});

/// `$env:K = 'v'`, each quote doubled; typographic single quotes end a string too (`about_Quoting_Rules`).
///
/// An empty value is refused: `PowerShell` before 7.5 removes the variable instead (`about_Environment_Variables`).
pub(super) const POWERSHELL: Layout = Layout::lines(|out, name, value| {
    if value.is_empty() {
        return Err("it is empty, and assigning that removes the variable in most versions");
    }
    out.push("$env:");
    out.push(name);
    out.push(" = '");
    for character in value.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            out.push_char(character);
        }
        out.push_char(character);
    }
    out.push("'\n");
    Ok(())
});

#[cfg(test)]
mod tests {
    use super::super::testing::{one, refusal};
    use super::super::{Dialect, Format};

    #[test]
    fn spellings() {
        let table = [
            ("abc", "export K=abc\n", "set -gx K 'abc'\n", "$env:K = 'abc'\n"),
            ("it's", "export K='it'\\''s'\n", "set -gx K 'it\\'s'\n", "$env:K = 'it''s'\n"),
            (r"a\b\", "export K='a\\b\\'\n", "set -gx K 'a\\\\b\\\\'\n", "$env:K = 'a\\b\\'\n"),
            (
                "\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}",
                "export K='\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}'\n",
                "set -gx K '\u{2018}\u{2019}\u{201a}\u{201b}\u{201c}'\n",
                "$env:K = '\u{2018}\u{2018}\u{2019}\u{2019}\u{201a}\u{201a}\u{201b}\u{201b}\u{201c}'\n",
            ),
            ("a\n$(b) `c`", "export K='a\n$(b) `c`'\n", "set -gx K 'a\n$(b) `c`'\n", "$env:K = 'a\n$(b) `c`'\n"),
            ("a:=ls", "export K='a:=ls'\n", "set -gx K 'a:=ls'\n", "$env:K = 'a:=ls'\n"),
        ];
        for (value, posix, fish, powershell) in table {
            assert_eq!(one(Format::Shell, None, value), posix);
            assert_eq!(one(Format::Shell, Some(Dialect::Posix), value), posix);
            assert_eq!(one(Format::Shell, Some(Dialect::Fish), value), fish);
            assert_eq!(one(Format::Shell, Some(Dialect::Powershell), value), powershell);
        }
    }

    #[test]
    fn empty_values() {
        assert_eq!(one(Format::Shell, None, ""), "export K=\n");
        assert_eq!(one(Format::Shell, Some(Dialect::Fish), ""), "set -gx K ''\n");
        let refused = refusal(Format::Shell, Some(Dialect::Powershell), b"");
        assert!(refused.why.starts_with("it is empty"));
        assert_eq!(
            refused.instead,
            ["--dialect posix", "--dialect fish", "--format dotenv", "--format json", "--format yaml", "--format toml"]
        );
    }
}
