//! Takes the values of one environment apart into text and references to each other.

use std::collections::BTreeMap;

use crate::dotenv::{Entry, Form, Quote, dollars};
use crate::infer;

/// Longest value that is put together here, in bytes: references to references can grow without end.
const LONGEST: usize = 65_536;

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Literal.
    Text(String),
    /// Another variable of the same environment.
    Reference {
        /// Its name.
        name: String,
        /// Whether it is inserted percent-encoded (`${NAME:uri}`).
        uri: bool,
    },
}

/// Why a reference was kept as text. Other uses of a dollar are doubts of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// A reference to nothing in this file.
    Unknown,
    /// A reference that leads back to itself.
    Circle,
}

/// A value taken apart.
pub(super) struct Split {
    /// Its parts; one text if it takes in nothing.
    pub parts: Vec<Part>,
    /// The value with references replaced, as envctl will deliver it.
    pub resolved: String,
    /// What was kept as text.
    pub kept: Vec<Kept>,
}

impl Split {
    /// Names it takes in.
    pub(super) fn references(&self) -> impl Iterator<Item = &str> {
        references(&self.parts)
    }

    /// Whether it takes in another variable.
    pub(super) fn is_template(&self) -> bool {
        self.references().next().is_some()
    }

    /// Whether a `${NAME}` that is no `${NAME:uri}` may be refused in a variable of type `url` (DETAILS 2).
    pub(super) fn unsafe_in_url(&self, splits: &BTreeMap<String, Split>) -> bool {
        self.parts.len() > 1
            && self.parts.iter().any(|part| match part {
                Part::Reference { name, uri: false } => {
                    splits.get(name).is_none_or(|split| !split.resolved.bytes().all(unreserved))
                }
                _ => false,
            })
    }

    /// The literal text alone.
    pub(super) fn literal(&self) -> String {
        self.parts.iter().fold(String::new(), |mut all, part| {
            if let Part::Text(text) = part {
                all.push_str(text);
            }
            all
        })
    }
}

fn references(parts: &[Part]) -> impl Iterator<Item = &str> {
    parts.iter().filter_map(|part| match part {
        Part::Reference { name, .. } => Some(name.as_str()),
        Part::Text(_) => None,
    })
}

/// RFC 3986, section 2.3.
fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Takes all values apart. What leads back to itself, or to such a value, stays text.
pub(super) fn split_all(entries: &[Entry]) -> BTreeMap<String, Split> {
    let known: BTreeMap<&str, &Entry> =
        entries.iter().filter(|entry| !entry.value.is_empty()).map(|entry| (entry.name.as_str(), entry)).collect();
    let mut waiting: BTreeMap<&str, (Vec<Part>, Vec<Kept>, usize)> = BTreeMap::new();
    let mut takers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut ready = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.value.is_empty()) {
        let (parts, kept) = split(entry, &known);
        let open = references(&parts).count();
        for name in references(&parts) {
            takers.entry(name.to_owned()).or_default().push(&entry.name);
        }
        if open == 0 {
            ready.push(entry.name.as_str());
        }
        waiting.insert(&entry.name, (parts, kept, open));
    }
    let mut done: BTreeMap<String, Split> = BTreeMap::new();
    while let Some(name) = ready.pop() {
        let (Some((parts, kept, _)), Some(entry)) = (waiting.remove(name), known.get(name)) else {
            continue;
        };
        done.insert(name.to_owned(), resolve(parts, kept, &entry.value, &done));
        for taker in takers.get(name).into_iter().flatten() {
            if let Some((_, _, open)) = waiting.get_mut(taker) {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    ready.push(taker);
                }
            }
        }
    }
    for (name, (_, mut kept, _)) in waiting {
        if let Some(entry) = known.get(name) {
            kept.push(Kept::Circle);
            done.insert(name.to_owned(), as_text(&entry.value, kept));
        }
    }
    done
}

fn as_text(value: &str, kept: Vec<Kept>) -> Split {
    Split { parts: vec![Part::Text(value.to_owned())], resolved: value.to_owned(), kept }
}

/// The parts of one value, and what of it stays text.
fn split(entry: &Entry, known: &BTreeMap<&str, &Entry>) -> (Vec<Part>, Vec<Kept>) {
    let mut parts = Vec::new();
    let mut kept = Vec::new();
    let mut text = String::new();
    let mut from = 0;
    // Other quotes say that a dollar is meant.
    if matches!(entry.quote, Quote::None | Quote::Double) {
        for dollar in dollars(&entry.value) {
            match dollar.form {
                Form::Plain | Form::Braced if dollar.name == entry.name => kept.push(Kept::Circle),
                Form::Plain | Form::Braced if known.contains_key(dollar.name.as_str()) => {
                    text.push_str(entry.value.get(from..dollar.range.start).unwrap_or(""));
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Reference { name: dollar.name, uri: false });
                    from = dollar.range.end;
                }
                Form::Braced => kept.push(Kept::Unknown),
                // A dollar and letters: as likely a password as a reference.
                Form::Plain | Form::Command | Form::Operator => {}
            }
        }
    }
    text.push_str(entry.value.get(from..).unwrap_or(""));
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    // A dollar before `${NAME}` would make it the literal `${`; many programs mean just that by `$${`.
    let doubled =
        parts.windows(2).any(|pair| matches!(pair, [Part::Text(text), Part::Reference { .. }] if text.ends_with('$')));
    if doubled {
        return (vec![Part::Text(entry.value.clone())], kept);
    }
    (parts, kept)
}

/// Puts the value together; all it takes in is done.
fn resolve(mut parts: Vec<Part>, mut kept: Vec<Kept>, value: &str, done: &BTreeMap<String, Split>) -> Split {
    encode_userinfo(&mut parts, done);
    let mut resolved = String::new();
    for part in &parts {
        match part {
            Part::Text(text) => resolved.push_str(text),
            Part::Reference { name, uri } => {
                let inserted = done.get(name).map_or("", |split| split.resolved.as_str());
                if *uri {
                    push_encoded(&mut resolved, inserted);
                } else {
                    resolved.push_str(inserted);
                }
            }
        }
        if resolved.len() > LONGEST && parts.len() > 1 {
            kept.push(Kept::Circle);
            return as_text(value, kept);
        }
    }
    Split { parts, resolved, kept }
}

/// Marks references in the userinfo of an address that must be encoded to stay inside it. A value with `%` seems to
/// be encoded already.
fn encode_userinfo(parts: &mut [Part], done: &BTreeMap<String, Split>) {
    let mut seen = String::new();
    let mut marks = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => seen.push_str(text),
            Part::Reference { .. } => {
                let in_authority = seen
                    .rsplit_once("://")
                    .is_some_and(|(_, authority)| !authority.contains(['/', '?', '#', '@', ' ']));
                if in_authority && before_at(parts.get(index + 1..).unwrap_or(&[])) {
                    marks.push(index);
                }
                seen.push('x');
            }
        }
    }
    for index in marks {
        if let Some(Part::Reference { name, uri }) = parts.get_mut(index)
            && let Some(value) = done.get(name).map(|split| &split.resolved)
        {
            *uri = !value.bytes().all(unreserved) && !value.contains('%');
        }
    }
}

/// Whether an `@` follows before the authority of an address ends.
fn before_at(parts: &[Part]) -> bool {
    for part in parts {
        if let Part::Text(text) = part
            && let Some(at) = text.find(['@', '/', '?', '#', ' '])
        {
            return text.get(at..).is_some_and(|rest| rest.starts_with('@'));
        }
    }
    false
}

fn push_encoded(to: &mut String, text: &str) {
    for byte in text.bytes() {
        if unreserved(byte) {
            to.push(char::from(byte));
        } else {
            to.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                to.push(digit.to_ascii_uppercase());
            }
        }
    }
}

/// Whether the literal text of a secret template may stand in a file: no credential in it, and for a variable that is
/// secret by its name, and no address, hardly any text at all.
pub(super) fn harmless(split: &Split, by_name: bool) -> bool {
    let literal = split.literal();
    if infer::secret_value("", &literal, false).is_some() {
        return false;
    }
    let letters = literal.chars().filter(|character| character.is_alphanumeric()).count();
    !by_name || literal.contains("://") || letters < 4
}
