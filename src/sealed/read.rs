//! Reading `[seal]` and `[secrets]`: every rule that needs no key, every problem with its place.

use std::collections::BTreeMap;

use super::{SUFFIXES, SealedEntry, SealedFile, armor, base64};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table, Value};
use crate::name;
use crate::source::Span;

const KEYS: &[&str] =
    &["format", "project", "environment", "protected", "generation", "key", "lineage", "revision", "mac", "recipients"];
const WRITTEN_BY_ENVCTL: &str = "`[seal]` and `[secrets]` are written by envctl alone: take the file from git as it was, then `envctl set` or `edit`";

/// Where parts of a seal stand.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// The header of `[seal]`.
    pub seal: Span,
    /// The project's id.
    pub project: Span,
    /// `mac`.
    pub mac: Span,
    /// `key`.
    pub key: Span,
    /// `[seal.recipients]`.
    pub recipients: Span,
}

/// Whether a key of `[secrets]` has the form of one: a variable, perhaps with the suffix of a rotation.
pub fn is_entry(key: &str) -> bool {
    name::is_variable(SUFFIXES.iter().find_map(|suffix| key.strip_suffix(suffix)).unwrap_or(key))
}

/// Reads the sealed part of an environment; nothing if there is none or anything in it is wrong, which is then reported.
/// `environment` is the name of the file, which counts and not what is written in it.
pub fn read(
    root: &Table<'_>,
    environment: &str,
    text: &str,
    problems: &mut Diagnostics,
) -> Option<(SealedFile, Spans)> {
    let mut found = Diagnostics::default();
    let entries = root.get("secrets").and_then(|secrets| entries(secrets, text, &mut found));
    let Some(value) = root.get("seal") else {
        if let Some(span) = root.key_span("secrets") {
            let message =
                "there is `[secrets]` but no `[seal]`: nothing says who can read them, nor that they are complete";
            found.push(refused(span, message));
        }
        problems.append(found);
        return None;
    };
    let seal = Seal { problems: &mut found };
    let file = seal.read(root, value, environment, entries.unwrap_or_default());
    let good = !found.has_errors();
    problems.append(found);
    file.filter(|_| good)
}

fn refused(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::SealedStructure, message).at(span, "").help(WRITTEN_BY_ENVCTL)
}

/// The entries of `[secrets]`.
fn entries(value: Value<'_>, text: &str, problems: &mut Diagnostics) -> Option<BTreeMap<String, SealedEntry>> {
    let Some(table) = value.table() else {
        problems.push(refused(value.span, "`secrets` has to be a table"));
        return None;
    };
    let mut entries = Vec::new();
    let mut folded = Vec::new();
    for (key, value) in table.entries() {
        if !is_entry(key.value) {
            problems.push(refused(key.span, "this cannot be the name of a sealed entry"));
            continue;
        }
        folded.push((key.value.to_ascii_lowercase(), key.span));
        match entry(value, text) {
            Ok(entry) => {
                entries.push((key.value.to_owned(), entry));
            }
            Err((span, why)) => problems.push(refused(span, format!("this is not a sealed entry: {why}"))),
        }
    }
    folded.sort_unstable();
    for (one, other) in folded.iter().zip(folded.iter().skip(1)).filter(|(one, other)| one.0 == other.0) {
        let message = "two sealed entries are the same but for upper and lower case";
        problems.push(refused(other.1, message).at(one.1, "and here"));
    }
    // Made at once: entries mostly stand in order, and one by one each would be looked for.
    Some(entries.into_iter().collect())
}

/// An entry has exactly `enc`, `since` and `rotated`.
fn entry(value: Value<'_>, text: &str) -> Result<SealedEntry, (Span, &'static str)> {
    let Some(table) = value.table() else {
        return Err((value.span, "a table with `enc`, `since` and `rotated` is wanted"));
    };
    if let Some((key, _)) = table.entries().find(|(key, _)| !["enc", "since", "rotated"].contains(&key.value)) {
        return Err((key.span, "it has another key"));
    }
    let get = |key, missing| table.get(key).ok_or((value.span, missing));
    let enc = get("enc", "`enc` is missing")?;
    let sealed = enc.text().ok_or((enc.span, "`enc` has to be a string"))?;
    let sealed =
        base64::decode(sealed).ok_or((enc.span, "`enc` is not base64 as envctl writes it (no padding, no blanks)"))?;
    let since = get("since", "`since` is missing")?;
    let rotated = get("rotated", "`rotated` is missing")?;
    let day = rotated.scalar(text).filter(|day| rotated.is_date() && day.len() == 10);
    Ok(SealedEntry {
        sealed,
        since: counter(since).ok_or((since.span, "`since` has to be an integer from 1"))?,
        rotated: day.ok_or((rotated.span, "`rotated` has to be a date, without quotes"))?,
    })
}

/// An integer from 1 to 2⁶³−1.
fn counter(value: Value<'_>) -> Option<u64> {
    u64::try_from(value.integer()?).ok().filter(|number| *number >= 1)
}

/// `[seal]` being read.
struct Seal<'p> {
    problems: &'p mut Diagnostics,
}

impl Seal<'_> {
    fn read(
        mut self,
        root: &Table<'_>,
        value: Value<'_>,
        environment: &str,
        entries: BTreeMap<String, SealedEntry>,
    ) -> Option<(SealedFile, Spans)> {
        let Some(table) = value.table() else {
            return self.refuse(value.span, "`seal` has to be a table");
        };
        if !self.is_known_format(&table) {
            return None;
        }
        for (key, _) in table.entries().filter(|(key, _)| !KEYS.contains(&key.value)) {
            self.problems.push(refused(key.span, "`[seal]` has no such key"));
        }
        let (project, named) = (self.text(&table, "project"), self.text(&table, "environment"));
        if let Some(named) = named.filter(|named| named.value != environment) {
            // The name of an environment is no secret, if it is one.
            let message = match Some(&named.value).filter(|name| name::is_word(name)) {
                Some(other) => format!("this file is sealed for `{other}`, not for `{environment}`"),
                None => format!("this file is sealed for another environment than `{environment}`"),
            };
            let diagnostic = Diagnostic::error(Code::SealedElsewhere, message).at(named.span, "sealed for this one");
            self.problems
                .push(diagnostic.help("a sealed file cannot be copied or renamed: `envctl seal` the values there"));
        }
        let protected = self.protected(root, &table);
        let generation = self.counter(&table, "generation");
        let revision = self.counter(&table, "revision");
        let age_file = self.key(&table);
        let lineage = self.lineage(&table, generation);
        let mac = self.code(&table, "mac");
        let recipients = self.recipients(&table);
        self.check_since(root, &entries, generation?);
        let (project, mac, recipients, key) = (project?, mac?, recipients?, age_file?);
        let spans = Spans {
            seal: value.span,
            project: project.span,
            mac: mac.span,
            key: key.span,
            recipients: recipients.span,
        };
        let file = SealedFile {
            project: project.value,
            environment: environment.to_owned(),
            protected: protected?,
            generation: generation?,
            revision: revision?,
            age_file: key.value,
            lineage: lineage.map(|code| code.value),
            mac: mac.value,
            recipients: recipients.value,
            entries,
        };
        Some((file, spans))
    }

    fn refuse<T>(&mut self, span: Span, message: impl Into<String>) -> Option<T> {
        self.problems.push(refused(span, message));
        None
    }

    /// The rest of another format is not looked at.
    fn is_known_format(&mut self, table: &Table<'_>) -> bool {
        let format = table.get("format");
        match format.map(|format| format.integer()) {
            Some(Some(1)) => true,
            Some(Some(number)) => {
                let span = format.map_or(table.span, |format| format.span);
                let problem = Diagnostic::error(
                    Code::UnknownFormat,
                    format!("sealed format {number} is not known to this version"),
                );
                self.problems.push(problem.at(span, "").help("a newer envctl has written it: update"));
                false
            }
            Some(None) => self
                .refuse::<()>(format.map_or(table.span, |format| format.span), "`format` has to be an integer")
                .is_some(),
            None => self.refuse::<()>(table.span, "`[seal]` lacks `format`").is_some(),
        }
    }

    fn get<'t>(&mut self, table: &Table<'t>, key: &str) -> Option<Value<'t>> {
        let value = table.get(key);
        if value.is_none() {
            self.problems.push(refused(table.span, format!("`[seal]` lacks `{key}`")));
        }
        value
    }

    fn text(&mut self, table: &Table<'_>, key: &str) -> Option<Located<String>> {
        let value = self.get(table, key)?;
        match value.text() {
            Some(text) => Some(Located::new(text.to_owned(), value.span)),
            None => self.refuse(value.span, format!("`{key}` has to be a string")),
        }
    }

    fn counter(&mut self, table: &Table<'_>, key: &str) -> Option<u64> {
        let value = self.get(table, key)?;
        counter(value).or_else(|| self.refuse(value.span, format!("`{key}` has to be an integer from 1")))
    }

    /// What the seal says has to be what the file says.
    fn protected(&mut self, root: &Table<'_>, table: &Table<'_>) -> Option<bool> {
        let value = self.get(table, "protected")?;
        let Some(sealed) = value.flag() else {
            return self.refuse(value.span, "`protected` has to be `true` or `false`");
        };
        let own = root.get("protected");
        if own.is_some_and(|own| own.flag().is_none()) || sealed == own.is_some_and(|own| own.flag() == Some(true)) {
            return Some(sealed);
        }
        let message = format!("the file says `protected = {}`, and its seal `protected = {sealed}`", !sealed);
        let diagnostic = Diagnostic::error(Code::SealedStructure, message).at(value.span, "sealed so");
        let help = "`protected` is sealed: put the line at the top of the file back, then `envctl edit` to change it";
        self.problems.push(diagnostic.at_some(own.map(|own| own.span), "changed here").help(help));
        None
    }

    fn key(&mut self, table: &Table<'_>) -> Option<Located<Vec<u8>>> {
        let text = self.text(table, "key")?;
        if let Some(binary) = armor::dearmor(&text.value) {
            return Some(Located::new(binary, text.span));
        }
        let message = "`key` is not an armored age file as envctl writes it";
        self.problems.push(Diagnostic::error(Code::SealedKey, message).at(text.span, "").help(WRITTEN_BY_ENVCTL));
        None
    }

    /// 32 bytes in base64.
    fn code(&mut self, table: &Table<'_>, key: &str) -> Option<Located<String>> {
        let text = self.text(table, key)?;
        if base64::decode(&text.value).is_some_and(|bytes| bytes.len() == 32) {
            return Some(text);
        }
        self.refuse(text.span, format!("`{key}` has to be 43 characters of base64"))
    }

    /// From generation 2 there is a lineage, before there is none.
    fn lineage(&mut self, table: &Table<'_>, generation: Option<u64>) -> Option<Located<String>> {
        match (table.get("lineage"), generation?) {
            (None, 1) => None,
            (Some(value), 1) => self.refuse(value.span, "generation 1 has no `lineage`"),
            _ => self.code(table, "lineage"),
        }
    }

    fn recipients(&mut self, table: &Table<'_>) -> Option<Located<BTreeMap<String, String>>> {
        let value = self.get(table, "recipients")?;
        let Some(table) = value.table() else {
            return self.refuse(value.span, "`[seal.recipients]` has to be a table");
        };
        let mut recipients = BTreeMap::new();
        let mut keys: BTreeMap<&str, Span> = BTreeMap::new();
        for (name, value) in table.entries() {
            let Some(key) = value.text() else {
                self.problems.push(refused(value.span, "a recipient has to be a string"));
                continue;
            };
            if !name::is_word(name.value) {
                self.problems.push(refused(name.span, "this cannot be the name of a recipient"));
            }
            if let Some(first) = keys.insert(key, value.span) {
                self.problems.push(refused(value.span, "one key stands under two names").at(first, "and here"));
            }
            recipients.insert(name.value.to_owned(), key.to_owned());
        }
        if recipients.is_empty() {
            return self.refuse(value.span, "`[seal.recipients]` names nobody");
        }
        Some(Located::new(recipients, value.span))
    }

    fn check_since(&mut self, root: &Table<'_>, entries: &BTreeMap<String, SealedEntry>, generation: u64) {
        let table = root.get("secrets").and_then(|secrets| secrets.table());
        for (name, _) in entries.iter().filter(|(_, entry)| entry.since > generation) {
            let value = table.and_then(|table| table.get(name));
            let span = value
                .and_then(|value| value.table()?.get("since"))
                .map_or(table.map_or(root.span, |table| table.span), |since| since.span);
            self.problems.push(refused(span, "`since` is later than the seal's `generation`"));
        }
    }
}
