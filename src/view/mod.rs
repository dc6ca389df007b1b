//! An environment as it is edited: the file without `[seal]` and the entries of rotations, each secret as its value; and
//! the way back.
//!
//! Pure: opened values are given, and what comes back is a list of changes by name and a [`Skeleton`] without a secret in
//! it, from which the file is made again.

mod check;
mod merge;
mod read;
mod scan;
mod spell;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use zeroize::Zeroizing;

pub use check::{Checked, check};
pub use merge::merge;
pub use read::{Change, Edited, outline};

use crate::diagnostic::Diagnostics;
use crate::document;
use crate::name;
use crate::sealed::{SUFFIXES, SealedFile, rewrite};
use crate::secret::Secret;
use crate::source::SourceMap;
use scan::{Row, Scan};

/// What the lines begin with that are for the reader alone.
const REMARK: &str = "#:";

/// Stands around the name of a secret in a [`Skeleton`]; TOML has no such character.
const MARK: char = '\0';

/// A file as it is shown.
pub struct Page {
    body: Secret,
    newlines: Newlines,
    skeleton: Skeleton,
    values: BTreeMap<String, Secret>,
    /// Lines of the file itself that look like ours.
    remarks: BTreeSet<String>,
    hidden: Hidden,
}

/// The text of a file with a mark in the place of each secret: what is cleartext of it, and where the secrets stand. A mark
/// without a name stands behind the header of `[secrets]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skeleton(String);

/// The line endings of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Newlines {
    Lf,
    CrLf,
    Mixed,
}

/// What of a file is not shown.
#[derive(Debug, Default)]
struct Hidden {
    file: Option<SealedFile>,
    /// `[seal]` and `[seal.recipients]` with their comments.
    seal: String,
    /// The lines of the entries of rotations, by the entry they stand behind, or none.
    rotations: BTreeMap<String, String>,
    /// Each entry as it is written.
    written: BTreeMap<String, String>,
}

impl Newlines {
    fn of(text: &str) -> Self {
        match (text.matches('\n').count(), text.matches("\r\n").count()) {
            (_, 0) => Self::Lf,
            (all, crlf) if all == crlf => Self::CrLf,
            _ => Self::Mixed,
        }
    }

    fn word(self) -> &'static str {
        if self == Self::CrLf { "\r\n" } else { "\n" }
    }

    /// The same text with these line endings.
    fn apply(self, text: &str) -> String {
        match self {
            Self::Lf => text.replace("\r\n", "\n"),
            Self::CrLf => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            Self::Mixed => text.to_owned(),
        }
    }
}

impl Page {
    /// A file with its sealed part, if it has one, and the opened values of its variables. Nothing if it is no TOML.
    pub fn new(text: &str, file: Option<&SealedFile>, values: BTreeMap<String, Secret>) -> Option<Self> {
        // In the usual spelling each entry has a line.
        let text = &file.map_or_else(|| Some(text.to_owned()), |file| rewrite(text, file))?;
        let source = SourceMap::default().add_masked("", "");
        let parsed = document::parse(text, source, &mut Diagnostics::default())?;
        let scan = Scan::of(&document::root(&parsed, source), text);
        let newlines = Newlines::of(text);
        let mut hidden = Hidden { file: file.cloned(), ..Hidden::default() };
        let mut cuts: Vec<(Range<usize>, Option<&str>)> = Vec::new();
        for range in scan.tables(text, "seal") {
            hidden.seal.push_str(text.get(range.clone())?);
            cuts.push((range, None));
        }
        let mut last: Option<&Row> = None;
        for row in &scan.rows {
            if name::is_variable(&row.name) {
                last = Some(row);
                hidden.written.insert(row.name.clone(), text.get(row.value.clone())?.to_owned());
                cuts.push((row.value.clone(), Some(&row.name)));
                continue;
            }
            let range = scan.block(text, row.key.start)..crate::patch::line_end(text, row.value.end);
            let lines = hidden.rotations.entry(last.map_or_else(String::new, |row| row.name.clone())).or_default();
            lines.push_str(text.get(range.clone())?);
            cuts.push((range, None));
        }
        cuts.sort_by_key(|(range, _)| range.start);
        let is_remark = |line: &&str| line.trim_start_matches('\u{feff}').starts_with(REMARK);
        let remarks = text.lines().filter(is_remark).map(|line| line.trim_start_matches('\u{feff}').to_owned());
        let mut page = Self {
            body: body(text, &cuts, &values, newlines),
            newlines,
            skeleton: Skeleton(String::new()),
            values,
            remarks: remarks.collect(),
            hidden,
        };
        page.skeleton = read::skeleton(&page, &page.body)?;
        Some(page)
    }

    /// What is put into the editor: remarks above, then the file.
    pub fn text(&self, remarks: &[String]) -> Secret {
        self.with_remarks(remarks, &self.body)
    }

    /// A text that was edited, with other remarks above it.
    pub fn again(&self, edited: &Secret, remarks: &[String]) -> Secret {
        self.with_remarks(remarks, &self.without_remarks(edited))
    }

    /// How many lines of remarks stand above a text that was edited: [`Self::again`] takes them away.
    pub fn remarks_above(&self, edited: &Secret) -> usize {
        let lines = |text: &Secret| text.expose().split(|byte| *byte == b'\n').count();
        lines(edited) - lines(&self.without_remarks(edited))
    }

    /// The value of an entry as it was.
    pub fn value(&self, name: &str) -> Option<&Secret> {
        self.values.get(name)
    }

    /// The cleartext of the file.
    pub fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    /// The sealed part.
    pub fn file(&self) -> Option<&SealedFile> {
        self.hidden.file.as_ref()
    }

    fn with_remarks(&self, remarks: &[String], body: &Secret) -> Secret {
        let newline = self.newlines.word();
        let room: usize = remarks.iter().map(|remark| remark.len() + REMARK.len() + 3).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room + body.size()));
        // A byte order mark stands before everything.
        let mark = "\u{feff}".as_bytes();
        let rest = body.expose();
        let (start, rest) = match rest.strip_prefix(mark) {
            Some(rest) => (mark, rest),
            None => (&b""[..], rest),
        };
        bytes.extend_from_slice(start);
        for remark in remarks {
            for part in [REMARK, " ", remark, newline] {
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes.extend_from_slice(rest);
        Secret::new(std::mem::take(&mut *bytes))
    }

    /// The text without the remarks at its top.
    fn without_remarks(&self, edited: &Secret) -> Secret {
        let mark = "\u{feff}".as_bytes();
        let (start, mut rest) = match edited.expose().strip_prefix(mark) {
            Some(rest) => (mark, rest),
            None => (&b""[..], edited.expose()),
        };
        while rest.starts_with(REMARK.as_bytes()) {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 1);
            let (line, after) = rest.split_at(end);
            if std::str::from_utf8(line).is_ok_and(|line| self.remarks.contains(line.trim_end_matches(['\r', '\n']))) {
                break;
            }
            rest = after;
        }
        let mut bytes = Vec::with_capacity(start.len() + rest.len());
        bytes.extend_from_slice(start);
        bytes.extend_from_slice(rest);
        Secret::new(bytes)
    }

    /// The text of a file with this cleartext and `file` as its sealed part; what is hidden comes from this page.
    /// Nothing if that is no TOML.
    pub fn assemble(&self, skeleton: &Skeleton, file: Option<&SealedFile>) -> Option<String> {
        let mut text = String::with_capacity(skeleton.0.len() + self.hidden.seal.len() + 1024);
        let mut parts = skeleton.0.split(MARK);
        text.push_str(parts.next().unwrap_or(""));
        while let (Some(name), Some(after)) = (parts.next(), parts.next()) {
            let new = file.and_then(|file| file.entries.get(name));
            let old = self.hidden.file.as_ref().and_then(|file| file.entries.get(name));
            match (new, self.hidden.written.get(name)) {
                (Some(_), Some(written)) if new == old => text.push_str(written),
                (Some(new), _) => text.push_str(&new.text()),
                (None, _) if name.is_empty() => {}
                // It was removed: the line goes as well.
                (None, _) => text.push_str("{}"),
            }
            let lines = self.hidden.rotations.get(name).map_or("", String::as_str);
            let (line, rest) = after.split_at(after.find('\n').map_or(after.len(), |newline| newline + 1));
            text.push_str(line);
            if !lines.is_empty() && !line.ends_with('\n') {
                text.push_str(self.newlines.word());
            }
            text.push_str(lines);
            text.push_str(rest);
        }
        let Some(file) = file else { return Some(text) };
        if !self.hidden.seal.is_empty() {
            let newline = self.newlines.word();
            let empty = text.is_empty() || text == "\u{feff}";
            if !empty && !text.ends_with('\n') {
                text.push_str(newline);
            }
            if !empty && !self.hidden.seal.starts_with(['\n', '\r']) {
                text.push_str(newline);
            }
            text.push_str(&self.hidden.seal);
        }
        rewrite(&text, file)
    }

    /// Whether a rotation of a variable is under way.
    fn is_rotating(&self, name: &str) -> bool {
        let entries = self.hidden.file.as_ref().map(|file| &file.entries);
        SUFFIXES.iter().any(|suffix| entries.is_some_and(|all| all.contains_key(&format!("{name}{suffix}"))))
    }
}

/// The text without what is hidden, and with the values.
fn body(
    text: &str,
    cuts: &[(Range<usize>, Option<&str>)],
    values: &BTreeMap<String, Secret>,
    newlines: Newlines,
) -> Secret {
    let of = |name: Option<&str>| name.and_then(|name| values.get(name));
    let room: usize = cuts.iter().map(|(_, name)| spell::room(of(*name))).sum();
    let mut body = Zeroizing::new(String::with_capacity(text.len() + room));
    let mut done = 0;
    for (range, name) in cuts {
        body.push_str(text.get(done..range.start).unwrap_or(""));
        if name.is_some() {
            spell::spell(of(*name), newlines.word(), &mut body);
        }
        done = range.end;
    }
    body.push_str(text.get(done..).unwrap_or(""));
    Secret::from_string(std::mem::take(&mut *body))
}

impl std::fmt::Debug for Page {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Page").field(&self.skeleton).finish_non_exhaustive()
    }
}
