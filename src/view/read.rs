//! What was edited, read back: changes by name, the new cleartext, problems at places in the edited text.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::scan::{Row, Scan};
use super::spell::{self, Written};
use super::{MARK, Newlines, Page, REMARK, Skeleton};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document;
use crate::name;
use crate::patch::line_end;
use crate::secret::Secret;
use crate::source::{SourceId, SourceMap, Span};

/// What happens to an entry of `[secrets]`.
#[derive(Debug)]
pub enum Change {
    /// It gets this value.
    Set(Secret),
    /// It gets a generated value.
    Generate,
    /// It is removed.
    Unset,
    /// It is an old entry under a new name, with the same value.
    Rename {
        /// The old name.
        from: String,
    },
}

/// What came out of an editor.
#[derive(Debug)]
pub struct Edited {
    /// The source of the edited text.
    pub source: SourceId,
    /// The changes of `[secrets]` by name; the old name of one that got a new name is not among them.
    pub changes: BTreeMap<String, Change>,
    /// Where each entry of `[secrets]` stands: its name and its value.
    pub entries: BTreeMap<String, (Span, Span)>,
    /// The new cleartext.
    pub skeleton: Skeleton,
    /// The text with blanks in the place of `[secrets]`: every other place is the same.
    pub(super) blanked: String,
}

impl Edited {
    /// Whether nothing is to be written. An end of line at the end of the file is added by editors of their own accord.
    pub fn is_unchanged(&self, page: &Page) -> bool {
        let (new, old) = (&self.skeleton.0, &page.skeleton.0);
        let ended = || !old.ends_with('\n') && new.strip_prefix(old.as_str()).is_some_and(is_newline);
        self.changes.is_empty() && (new == old || ended())
    }
}

fn is_newline(text: &str) -> bool {
    text == "\n" || text == "\r\n"
}

/// The edited text with every character replaced: places in it are the same, and nothing else of it is there.
pub fn outline(edited: &Secret) -> String {
    let shape = |letter: char| match (letter, letter.len_utf8()) {
        ('\n' | '\r' | '\u{feff}', _) => letter,
        (_, 1) => 'x',
        (_, 2) => '·',
        (_, 3) => '•',
        _ => '\u{1f7c4}',
    };
    std::str::from_utf8(edited.expose()).unwrap_or("").chars().map(shape).collect()
}

/// The cleartext of a text that is known to be good.
pub(super) fn skeleton(page: &Page, text: &Secret) -> Option<Skeleton> {
    let text = std::str::from_utf8(text.expose()).ok()?;
    let source = SourceMap::default().add_closed("", "");
    let parsed = document::parse(text, source, &mut Diagnostics::default())?;
    Some(cleartext(page, text, &Scan::of(&document::root(&parsed, source), text)))
}

impl Page {
    /// Reads what came back; `source` is its [`outline`]. Nothing if it cannot be understood, which is then reported.
    pub fn read(&self, edited: &Secret, source: SourceId, problems: &mut Diagnostics) -> Option<Edited> {
        let Ok(text) = std::str::from_utf8(edited.expose()) else {
            let span = Span { source, start: 0, end: 0 };
            problems.push(Diagnostic::error(Code::NotUtf8, "the edited text is not UTF-8").at(span, ""));
            return None;
        };
        let mut found = Diagnostics::default();
        let Some(parsed) = document::parse(text, source, &mut found) else {
            problems.append(found);
            return None;
        };
        let root = document::root(&parsed, source);
        let scan = Scan::of(&root, text);
        if let Some(span) = root.key_span("seal") {
            let message = "`[seal]` cannot be pasted: envctl writes it";
            let help = "delete the table; the one of the file is kept";
            found.push(Diagnostic::error(Code::SealedStructure, message).at(span, "").help(help));
        }
        let table = root.get("secrets").and_then(|value| value.table());
        if let Some(span) = root.key_span("secrets").filter(|_| table.is_none() || scan.header.is_none()) {
            let message = "`[secrets]` has to be a table with a header of its own";
            found.push(Diagnostic::error(Code::WrongTomlType, message).at(span, ""));
        }
        let mut written = BTreeMap::new();
        for row in scan.rows.iter().filter(|_| scan.header.is_some()) {
            let value = table.and_then(|table| table.get(&row.name));
            match check_row(row, source).and_then(|()| value.map(|value| spell::read(value, text)).transpose()) {
                Ok(Some(value)) => drop(written.insert(row.name.clone(), value)),
                Ok(None) => {}
                Err(problem) => found.push(problem),
            }
        }
        let spans = spans(&scan, source);
        let changes = self.changes(written, &spans, &mut found);
        let good = !found.has_errors();
        problems.append(found);
        let skeleton = cleartext(self, text, &scan);
        good.then(|| Edited { source, changes, entries: spans, skeleton, blanked: blanked(text, &scan) })
    }

    /// What is different from the values that were shown.
    fn changes(
        &self,
        written: BTreeMap<String, Written>,
        spans: &BTreeMap<String, (Span, Span)>,
        problems: &mut Diagnostics,
    ) -> BTreeMap<String, Change> {
        let old = self.hidden.file.as_ref().map(|file| &file.entries);
        let is_there = |name: &str| old.is_some_and(|entries| entries.contains_key(name));
        let variables = old.into_iter().flat_map(BTreeMap::keys).filter(|name| name::is_variable(name));
        let mut gone: BTreeSet<&str> =
            variables.map(String::as_str).filter(|name| !spans.contains_key(*name)).collect();
        let mut changes = BTreeMap::new();
        for (name, written) in written {
            let change = match written {
                Written::Keep if is_there(&name) => continue,
                Written::Keep => {
                    let message = "there is no value here that could be kept";
                    let help = "`keep = true` stands for a value that is too long to show, under the name it has";
                    let span = spans.get(&name).map(|(_, value)| *value);
                    problems.push(Diagnostic::error(Code::MissingValue, message).at_some(span, "").help(help));
                    continue;
                }
                Written::Generate => Change::Generate,
                Written::Value(value) if self.values.get(&name).is_some_and(|old| old.same_bytes(&value)) => continue,
                Written::Value(value) if is_there(&name) => Change::Set(value),
                Written::Value(value) => {
                    let same = |from: &&&str| self.values.get(**from).is_some_and(|old| old.same_bytes(&value));
                    match gone.iter().find(same).copied() {
                        Some(from) => {
                            gone.remove(from);
                            self.refuse_rotating(from, spans.get(&name).map(|(key, _)| *key), problems);
                            Change::Rename { from: from.to_owned() }
                        }
                        None => Change::Set(value),
                    }
                }
            };
            changes.insert(name, change);
        }
        for name in gone {
            self.refuse_rotating(name, None, problems);
            changes.insert(name.to_owned(), Change::Unset);
        }
        changes
    }

    /// What is being rotated cannot go, nor get another name.
    fn refuse_rotating(&self, name: &str, span: Option<Span>, problems: &mut Diagnostics) {
        if self.is_rotating(name) {
            let message = format!("`{name}` is being rotated and cannot be removed or get another name");
            let help = format!("end the rotation first: `envctl rotate {} {name} --resume`", self.environment());
            problems.push(Diagnostic::error(Code::SealedStructure, message).at_some(span, "").help(help));
        }
    }

    fn environment(&self) -> &str {
        self.hidden.file.as_ref().map_or("ENV", |file| &file.environment)
    }
}

/// Whether an entry can be one.
fn check_row(row: &Row, source: SourceId) -> Result<(), Diagnostic> {
    let span = Span { source, start: row.key.start, end: row.key.end };
    if !name::is_variable(&row.name) {
        let message = "this cannot be the name of a secret";
        let help = "letters, digits and `_`, no digit first, at most 255; entries of rotations are not edited";
        return Err(Diagnostic::error(Code::InvalidName, message).at(span, "").help(help));
    }
    if !row.alone {
        let message = "an entry of `[secrets]` is written as `NAME = …`, with nothing else on its line";
        return Err(Diagnostic::error(Code::WrongTomlType, message).at(span, ""));
    }
    Ok(())
}

fn spans(scan: &Scan, source: SourceId) -> BTreeMap<String, (Span, Span)> {
    let place = |range: &Range<usize>| Span { source, start: range.start, end: range.end };
    scan.rows.iter().map(|row| (row.name.clone(), (place(&row.key), place(&row.value)))).collect()
}

/// The text with a mark in the place of each secret, the line endings of the file, and without remarks.
fn cleartext(page: &Page, text: &str, scan: &Scan) -> Skeleton {
    let mut cuts: Vec<(Range<usize>, Option<&str>)> =
        scan.rows.iter().map(|row| (row.value.clone(), Some(row.name.as_str()))).collect();
    // Behind the header, for what stands before the first secret.
    cuts.extend(scan.header.iter().map(|header| (header.end..header.end, Some(""))));
    let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while start < text.len() {
        let end = line_end(text, start);
        let line = text.get(start..end).unwrap_or("");
        let own = page.remarks.contains(line.trim_end_matches(['\r', '\n']));
        if line.starts_with(REMARK) && !own && !scan.is_inside(start) {
            cuts.push((start..end, None));
        }
        start = end;
    }
    cuts.sort_by_key(|(range, _)| range.start);
    let mut skeleton = String::with_capacity(text.len());
    let mut done = 0;
    for (range, name) in cuts {
        skeleton.push_str(text.get(done..range.start).unwrap_or(""));
        if let Some(name) = name {
            skeleton.push(MARK);
            skeleton.push_str(name);
            skeleton.push(MARK);
        }
        done = range.end;
    }
    skeleton.push_str(text.get(done..).unwrap_or(""));
    let newlines = page.newlines;
    Skeleton(if newlines == Newlines::Mixed { skeleton } else { newlines.apply(&skeleton) })
}

/// The text with blanks for the header and the entries of `[secrets]`, of the same length in bytes.
fn blanked(text: &str, scan: &Scan) -> String {
    let mut cuts: Vec<Range<usize>> = scan.rows.iter().map(|row| row.key.start..row.value.end).collect();
    cuts.extend(scan.header.clone());
    cuts.sort_by_key(|range| range.start);
    let mut blanked = String::with_capacity(text.len());
    for range in cuts {
        blanked.push_str(text.get(blanked.len()..range.start).unwrap_or(""));
        blanked.extend(std::iter::repeat_n(' ', range.end.saturating_sub(blanked.len())));
    }
    blanked.push_str(text.get(blanked.len()..).unwrap_or(""));
    blanked
}
