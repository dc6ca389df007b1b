//! `${NAME}` in values: parsing, and which insertions into a URL need percent-encoding.

use crate::source::Span;

/// How an inserted value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// As it is.
    Plain,
    /// Percent-encoded: all but the unreserved characters of RFC 3986.
    Uri,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text.
    Text(String),
    /// Another variable's value.
    Insert {
        /// The variable.
        name: String,
        /// How its value is written.
        modifier: Modifier,
    },
}

/// A value as written, cut into literal text and insertions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// `${` without `}`.
    NotClosed,
    /// Nothing, or no variable name, between the braces.
    NotAName,
    /// A modifier other than `:uri`.
    UnknownModifier,
}

impl Flaw {
    /// What is wrong, for people; without any of the text.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotClosed => "a `${` is not closed by `}`",
            Self::NotAName => "there is no variable name between `${` and `}`",
            Self::UnknownModifier => "`:uri` is the only modifier of a `${NAME}`",
        }
    }
}

impl Template {
    /// A template that is only literal text, whatever it holds.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// Parses a value: `${NAME}` and `${NAME:uri}` insert, `$${` is a literal `${`, every other `$` is literal.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = after;
                continue;
            }
            literal.push_str(before);
            let (inside, after) = after.split_once('}').ok_or(Flaw::NotClosed)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(insert(inside)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The names it takes in, in order, each occurrence.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Insert { name, .. } => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text, if nothing is taken in.
    pub fn literal_text(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Insert { .. } => None,
        };
        self.parts.iter().map(text).collect()
    }

    /// Whether it takes in anything.
    pub fn has_inserts(&self) -> bool {
        self.names().next().is_some()
    }

    /// For each part whether, in a URL, plain text put there has to be percent-encoded: user information, path, query and
    /// fragment (RFC 3986, section 3). A template that is one insertion, and what stands before `://`, is exempt.
    pub fn needs_encoding(&self) -> Vec<bool> {
        let whole = self.parts.len() == 1;
        let starts_with_insert = matches!(self.parts.first(), Some(Part::Insert { .. }));
        // What is put in front brings its own scheme and host.
        let mut place = if starts_with_insert { UrlPlace::Authority } else { UrlPlace::Scheme };
        let mut needs = Vec::with_capacity(self.parts.len());
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => {
                    place = place.after(text);
                    needs.push(false);
                }
                Part::Insert { .. } => {
                    needs.push(!whole && index > 0 && self.is_sensitive_place(place, index));
                }
            }
        }
        needs
    }

    fn is_sensitive_place(&self, place: UrlPlace, index: usize) -> bool {
        match place {
            UrlPlace::Scheme => false,
            UrlPlace::Path => true,
            UrlPlace::Authority => {
                let following = self.parts.iter().skip(index + 1).filter_map(|part| match part {
                    Part::Text(text) => Some(text.as_str()),
                    Part::Insert { .. } => None,
                });
                let rest: String = following.collect();
                let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
                authority.contains('@')
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UrlPlace {
    Scheme,
    Authority,
    Path,
}

impl UrlPlace {
    fn after(self, text: &str) -> Self {
        match self {
            Self::Scheme => match text.split_once("://") {
                Some((_, rest)) => Self::Authority.after(rest),
                // `mailto:…` and the like have no authority: all of it is path.
                None if text.contains(':') => Self::Path,
                None => Self::Scheme,
            },
            Self::Authority if text.contains(['/', '?', '#']) => Self::Path,
            other => other,
        }
    }
}

fn insert(inside: &str) -> Result<Part, Flaw> {
    let (name, modifier) = match inside.split_once(':') {
        None => (inside, Modifier::Plain),
        Some((name, "uri")) => (name, Modifier::Uri),
        Some(_) => return Err(Flaw::UnknownModifier),
    };
    if !crate::name::is_variable(name) {
        return Err(Flaw::NotAName);
    }
    Ok(Part::Insert { name: name.to_owned(), modifier })
}

/// Whether a byte is an unreserved character (RFC 3986, section 2.3).
pub fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends `bytes` percent-encoded (RFC 3986, section 2.1) to `target`, which must have room for three times as many.
pub fn encode_uri(bytes: &[u8], target: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if is_unreserved(*byte) {
            target.push(*byte);
        } else {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            target.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// A template and where it was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The value, or the items of an array.
    pub items: Vec<Template>,
    /// Whether it was written as an array, to be joined by the variable's separator.
    pub is_array: bool,
    /// Where.
    pub span: Span,
}

impl Written {
    /// One template; array items are joined by `separator`.
    pub fn joined(&self, separator: &str) -> Template {
        let mut parts = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            if index > 0 {
                parts.push(Part::Text(separator.to_owned()));
            }
            parts.extend(item.parts.iter().cloned());
        }
        if parts.is_empty() {
            parts.push(Part::Text(String::new()));
        }
        Template { parts }
    }

    /// Whether it takes in anything.
    pub fn has_inserts(&self) -> bool {
        self.items.iter().any(Template::has_inserts)
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, Modifier, Part, Template, encode_uri};

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn insert(name: &str, modifier: Modifier) -> Part {
        Part::Insert { name: name.to_owned(), modifier }
    }

    #[test]
    fn parses() {
        let table: &[(&str, Vec<Part>)] = &[
            ("", vec![text("")]),
            ("a$b$", vec![text("a$b$")]),
            ("$$", vec![text("$$")]),
            ("$${A}", vec![text("${A}")]),
            ("$$${A}", vec![text("$${A}")]),
            ("$${A}${B}", vec![text("${A}"), insert("B", Modifier::Plain)]),
            ("x${A:uri}y", vec![text("x"), insert("A", Modifier::Uri), text("y")]),
            ("${A}${_b1}", vec![insert("A", Modifier::Plain), insert("_b1", Modifier::Plain)]),
        ];
        for (source, parts) in table {
            assert_eq!(&Template::parse(source).unwrap().parts, parts, "{source}");
        }
        for (source, flaw) in [
            ("${", Flaw::NotClosed),
            ("a${B", Flaw::NotClosed),
            ("${}", Flaw::NotAName),
            ("${a b}", Flaw::NotAName),
            ("${1a}", Flaw::NotAName),
            ("${A:-x}", Flaw::UnknownModifier),
            ("${A:}", Flaw::UnknownModifier),
        ] {
            assert_eq!(Template::parse(source), Err(flaw), "{source}");
        }
    }

    #[test]
    fn knows_the_places_of_a_url_that_need_encoding() {
        let table: &[(&str, &[bool])] = &[
            ("${A}", &[false]),
            ("${A}/${B}", &[false, false, true]),
            ("${A}://h/", &[false, false]),
            (
                "p://${A}:${B}@${C}:${D}/${E}?x=${F}#${G}",
                &[false, true, false, true, false, false, false, false, false, true, false, true, false, true],
            ),
            ("p://u:${B}@h", &[false, true, false]),
            ("p://${H}/a@b", &[false, false, false]),
            ("mailto:${A}", &[false, true]),
        ];
        for (source, needs) in table {
            assert_eq!(&Template::parse(source).unwrap().needs_encoding(), needs, "{source}");
        }
    }

    #[test]
    fn encodes() {
        let mut target = Vec::new();
        encode_uri("aZ9-._~ /é@".as_bytes(), &mut target);
        assert_eq!(target, b"aZ9-._~%20%2F%C3%A9%40");
    }
}
