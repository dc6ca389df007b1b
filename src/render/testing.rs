//! Nasty values and short ways to render them, for the tests of all formats.

use proptest::prelude::*;

use super::{Dialect, Format, Item, Refused, render};
use crate::secret::Secret;

pub(super) fn secret(text: &str) -> Secret {
    Secret::from_string(text.to_owned())
}

pub(super) fn item<'a>(name: &'a str, value: &'a Secret) -> Item<'a> {
    Item { name, value, sensitive: true }
}

/// The text for one variable `K`.
pub(super) fn one(format: Format, dialect: Option<Dialect>, value: &str) -> String {
    let value = secret(value);
    let text = render(format, dialect, &[item("K", &value)]).unwrap();
    String::from_utf8(text.expose().to_vec()).unwrap()
}

/// Why the value of `K` is refused.
pub(super) fn refusal(format: Format, dialect: Option<Dialect>, value: &[u8]) -> Refused {
    let value = Secret::new(value.to_vec());
    let mut refused = render(format, dialect, &[item("K", &value)]).unwrap_err();
    assert_eq!(refused.len(), 1);
    refused.remove(0)
}

/// The text for `A=1`, `K=value`, `Z=2`; nothing if the value is refused.
pub(super) fn between(format: Format, dialect: Option<Dialect>, value: &str) -> Option<String> {
    let values = [secret("1"), secret(value), secret("2")];
    let items: Vec<_> = ["A", "K", "Z"].iter().zip(&values).map(|(name, value)| item(name, value)).collect();
    let text = render(format, dialect, &items).ok()?;
    Some(String::from_utf8(text.expose().to_vec()).unwrap())
}

/// Values that have broken some reader or writer.
pub(super) const NASTY: &[&str] = &[
    "",
    " ",
    "two words",
    "=ls",
    "a:=ls",
    "x\nADMIN=1",
    "\r",
    "a\r\nb",
    "\n",
    "$HOME",
    "${HOME}",
    "pa$$word",
    "$(touch x)",
    "`touch x`",
    "'",
    "\"",
    "`",
    "'\"`",
    "\"x\"",
    "'x'",
    "\\",
    "\\\\",
    "a\\nb",
    "x\\",
    "# no comment",
    "a #b",
    "~",
    "*",
    "%self",
    "-n",
    "yes",
    "null",
    "012",
    "0x1F",
    "1e3",
    "2026-11-21",
    "---",
    "- a",
    "a: b",
    "{a: b}",
    "\u{2028}",
    "\u{85}",
    "\u{b}\u{c}",
    "\u{1c}\u{1d}\u{1e}",
    "\u{feff}x",
    "\u{7f}\u{9f}\u{1}",
    "\u{202e}x",
    "\u{fffe}\u{ffff}",
    "é🦀",
    "\u{2018}x\u{2019}",
    "-----BEGIN X-----\nAAAA\n-----END X-----\n",
    "$2b$12$abcdefghijklmnopqrstuv",
    "{\"a\":\"it's\",\"b\":[1,2]}",
];

/// What [`nasty`] is made of.
const PIECES: &[&str] = &[
    "a", "Z", "1", "_", " ", "'", "\"", "`", "$", "\\", "#", "=", ":", "\n", "\r", "\t", "{", "}", "(", ")", "[", "]",
    "!", "&", ";", "~", "*", "%", "|", "<", ">", "?", "^", "@", "+", ",", ".", "/", "-", "\\n", "\\r", "${a}", "$(a",
    "é", "🦀", "\u{1}", "\u{85}", "\u{2028}", "\u{feff}", "\u{7f}", "\u{2019}",
];

/// Values put together from pieces that mean something to some reader.
pub(super) fn nasty() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..14).prop_map(|pieces| pieces.concat())
}
