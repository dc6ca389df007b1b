//! TOML 1.0: `NAME = "value"`.

use toml_writer::{TomlStringBuilder, WriteTomlValue};

use super::Layout;

/// Basic strings on one line. The name is always a bare key.
///
/// The library writes into the text directly; its escapes are those of TOML 1.0 (no `\e`, no `\x`).
pub(super) const LAYOUT: Layout = Layout::lines(|out, name, value| {
    out.push(name);
    out.push(" = ");
    TomlStringBuilder::new(value).as_basic().write_toml_value(out).map_err(|_| "TOML cannot hold it")?;
    out.push("\n");
    Ok(())
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Format;
    use super::super::testing::{NASTY, between, nasty, one};

    #[test]
    fn spellings() {
        let table = [
            ("", "K = \"\"\n"),
            ("1", "K = \"1\"\n"),
            ("a\"b\\c'''", "K = \"a\\\"b\\\\c'''\"\n"),
            ("a\nb\r", "K = \"a\\nb\\r\"\n"),
            ("\u{1b}\u{7f}é🦀", "K = \"\\u001B\\u007Fé🦀\"\n"),
        ];
        for (value, expected) in table {
            assert_eq!(one(Format::Toml, None, value), expected);
        }
    }

    fn check(value: &str) {
        let text = between(Format::Toml, None, value).unwrap();
        let read: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read["K"].as_str(), Some(value));
    }

    #[test]
    fn reads_back_chosen_values() {
        for value in NASTY {
            check(value);
        }
    }

    proptest! {
        #[test]
        fn reads_back(value in nasty()) {
            check(&value);
        }

        #[test]
        fn reads_back_any_text(value in "[^\0]{0,20}") {
            check(&value);
        }
    }
}
