//! Writes variables as text for other programs: `.env` files, JSON, YAML, TOML, shell scripts, and documentation.
//!
//! Same input, same bytes: the order of the items is kept, lines end in LF, there is no date and no heading.
//! A value that a format cannot carry is refused, never approximated. One file per format; each is a `Layout`.

mod dotenv;
mod example;
mod json;
mod markdown;
mod quoted;
mod row;
mod shell;
mod shown;
mod text;
mod toml;
mod yaml;

pub use example::example;
pub use markdown::markdown;
pub use row::{Required, Row};

use crate::secret::Secret;
use text::Text;

/// One variable to be written.
pub struct Item<'a> {
    /// The name: `[A-Za-z_][A-Za-z0-9_]*`, at most 255 bytes.
    pub name: &'a str,
    /// The value.
    pub value: &'a Secret,
    /// Whether the value is a secret; formats that keep the two kinds apart ask for it.
    pub sensitive: bool,
}

/// What kind of text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines `NAME='value'`.
    Dotenv,
    /// One JSON object (RFC 8259) of strings.
    Json,
    /// One YAML mapping of double-quoted strings, read alike by YAML 1.1 and 1.2.
    Yaml,
    /// TOML 1.0: `NAME = "value"`.
    Toml,
    /// A script that sets environment variables.
    Shell,
}

impl Format {
    /// All formats, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Dotenv, Self::Json, Self::Yaml, Self::Toml, Self::Shell];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dotenv => "dotenv",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Shell => "shell",
        }
    }

    /// The format of a name, in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The dialects, the default first; none for a format that has one spelling only.
    pub fn dialects(self) -> &'static [Dialect] {
        match self {
            Self::Dotenv => &[Dialect::Portable, Dialect::Posix],
            Self::Shell => &[Dialect::Posix, Dialect::Fish, Dialect::Powershell],
            Self::Json | Self::Yaml | Self::Toml => &[],
        }
    }

    /// How to write this format; nothing if it does not have this dialect.
    fn layout(self, dialect: Option<Dialect>) -> Option<Layout> {
        let dialect = dialect.or_else(|| self.dialects().first().copied());
        match (self, dialect) {
            (Self::Dotenv, Some(Dialect::Portable)) => Some(dotenv::PORTABLE),
            (Self::Dotenv, Some(Dialect::Posix)) => Some(dotenv::POSIX),
            (Self::Json, None) => Some(json::LAYOUT),
            (Self::Yaml, None) => Some(yaml::LAYOUT),
            (Self::Toml, None) => Some(toml::LAYOUT),
            (Self::Shell, Some(Dialect::Posix)) => Some(shell::POSIX),
            (Self::Shell, Some(Dialect::Fish)) => Some(shell::FISH),
            (Self::Shell, Some(Dialect::Powershell)) => Some(shell::POWERSHELL),
            _ => None,
        }
    }
}

/// Who reads the text, where readers of one format differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `dotenv`: only spellings that every known reader takes alike.
    Portable,
    /// The Bourne shell family: sh, bash, dash, zsh, ksh, busybox.
    Posix,
    /// fish.
    Fish,
    /// Windows `PowerShell` and `PowerShell` 7.
    Powershell,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Posix, Self::Fish, Self::Powershell];

    /// The name a user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Posix => "posix",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
        }
    }

    /// The dialect of a name, in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The option that chooses it.
    fn option(self) -> &'static str {
        match self {
            Self::Portable => "--dialect portable",
            Self::Posix => "--dialect posix",
            Self::Fish => "--dialect fish",
            Self::Powershell => "--dialect powershell",
        }
    }
}

/// A value that the format cannot carry. Tells the class of trouble, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The variable.
    pub name: String,
    /// What is in the way, as a sentence without its full stop: "it holds a newline".
    pub why: &'static str,
    /// Options that choose a dialect of this format, or another format, that carries this very value.
    pub instead: Vec<&'static str>,
}

/// How one format, in one dialect, is written.
#[derive(Clone, Copy)]
struct Layout {
    /// The whole text when there is no variable.
    empty: &'static str,
    /// Before the first variable.
    open: &'static str,
    /// Between two variables.
    between: &'static str,
    /// After the last variable.
    close: &'static str,
    /// Writes one variable. What was written before a refusal is thrown away.
    item: fn(&mut Text, name: &str, value: &str) -> Result<(), Why>,
}

impl Layout {
    /// A layout of one line, or more, for each variable.
    const fn lines(item: fn(&mut Text, &str, &str) -> Result<(), Why>) -> Self {
        Self { empty: "", open: "", between: "", close: "", item }
    }
}

/// Why a value is refused: [`Refused::why`].
type Why = &'static str;

/// The text, or everything that stands in its way. The caller sorts the items; their order is kept.
///
/// Refused by every format: NUL, which no environment can hold, and bytes that are not UTF-8.
/// A dialect that `format` does not have ([`Format::dialects`]) refuses every item.
pub fn render(format: Format, dialect: Option<Dialect>, items: &[Item<'_>]) -> Result<Secret, Vec<Refused>> {
    let mut text = Text::with_room(room(items));
    let mut refused = Vec::new();
    let layout = format.layout(dialect);
    text.push(match layout {
        Some(layout) if items.is_empty() => layout.empty,
        Some(layout) => layout.open,
        None => "",
    });
    for (index, item) in items.iter().enumerate() {
        if let (Some(layout), 1..) = (layout, index) {
            text.push(layout.between);
        }
        // The only place where the bytes leave: a format gets no more than a name and a text.
        let value = item.value.expose();
        let written = value_text(item.name, value).and_then(|value| {
            let layout = layout.ok_or("the format does not have this dialect")?;
            (layout.item)(&mut text, item.name, value)
        });
        if let Err(why) = written {
            refused.push(Refused {
                name: item.name.to_owned(),
                why,
                instead: instead(format, dialect, item.name, value),
            });
        }
    }
    if let (Some(layout), false) = (layout, items.is_empty()) {
        text.push(layout.close);
    }
    if refused.is_empty() { Ok(text.into_secret()) } else { Err(refused) }
}

/// The value as text, if it and the name may stand in any format at all.
fn value_text<'a>(name: &str, value: &'a [u8]) -> Result<&'a str, Why> {
    // A schema takes no other names; here the check keeps a name from becoming code in a script.
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !starts || name.len() > 255 || !name.bytes().all(rest) {
        return Err("its name is not one of letters, digits and `_`");
    }
    if value.contains(&0) {
        return Err("it holds a NUL");
    }
    std::str::from_utf8(value).map_err(|_| "it is not UTF-8")
}

/// What carries this value, found by trying: dialects of the same format first, then other formats.
fn instead(format: Format, dialect: Option<Dialect>, name: &str, value: &[u8]) -> Vec<&'static str> {
    let Ok(value) = value_text(name, value) else {
        return Vec::new();
    };
    let carries = |format: Format, dialect| {
        let mut scratch = Text::with_room(value.len().saturating_mul(2).saturating_add(64));
        format.layout(dialect).is_some_and(|layout| (layout.item)(&mut scratch, name, value).is_ok())
    };
    let used = dialect.or_else(|| format.dialects().first().copied());
    let dialects = format
        .dialects()
        .iter()
        .filter(|other| Some(**other) != used && carries(format, Some(**other)))
        .map(|other| other.option());
    let formats =
        Format::ALL.into_iter().filter(|other| *other != format && carries(*other, None)).map(|other| match other {
            Format::Dotenv => "--format dotenv",
            Format::Json => "--format json",
            Format::Yaml => "--format yaml",
            Format::Toml => "--format toml",
            Format::Shell => "--format shell",
        });
    dialects.chain(formats).collect()
}

/// A first guess at the size of the text, in bytes; most values need no escapes.
fn room(items: &[Item<'_>]) -> usize {
    items.iter().fold(64, |sum: usize, item| {
        let line = item.name.len().saturating_add(24);
        sum.saturating_add(line).saturating_add(item.value.size()).saturating_add(item.value.size() / 8)
    })
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
