//! Cleartext assignments in the text of an environment: one replaced, added or removed, every other byte kept.

use toml_writer::{ToTomlValue as _, TomlStringBuilder};

use crate::diagnostic::Diagnostics;
use crate::document;
use crate::environment::{Entry, EnvironmentFile};
use crate::outline::Outline;
use crate::patch::{Patches, line_end};
use crate::source::{SourceMap, Span};

/// The TOML string of a text, on one line.
pub fn literal(text: &str) -> String {
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// Replaces what stands behind a name.
pub fn replaced(text: &str, entry: &Entry, literal: &str) -> String {
    let mut patches = Patches::new(text);
    patches.replace(entry.span.start..entry.span.end, literal);
    patches.apply()
}

/// Takes assignments out; nothing if one does not have its line to itself.
pub fn without(text: &str, entries: &[&Entry]) -> Option<String> {
    let mut patches = Patches::new(text);
    for entry in entries {
        let start = crate::patch::line_start(text, entry.key_span.start);
        let before = text.get(start..entry.key_span.start)?;
        let between = text.get(entry.key_span.end..entry.span.start)?;
        let after = text.get(entry.span.end..line_end(text, entry.span.end))?.trim();
        if !before.trim().is_empty() || between.trim() != "=" || !(after.is_empty() || after.starts_with('#')) {
            return None;
        }
        patches.remove_lines(entry.key_span.start..entry.span.end);
    }
    Some(patches.apply())
}

/// Adds an assignment to `[values]`: in the order of bytes if that is sorted, else at its end. Nothing where `[values]`
/// is not written as a table with a header.
pub fn added(text: &str, file: &EnvironmentFile, name: &str, literal: &str) -> Option<String> {
    let line = format!("{name} = {literal}\n");
    let mut patches = Patches::new(text);
    let mut entries: Vec<&Entry> = file.values.values().collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    let sorted = entries.is_sorted_by(|a, b| a.name < b.name);
    let next = entries.iter().find(|entry| sorted && entry.name.as_str() > name);
    let header = header(text)?;
    match (next, entries.last(), header) {
        (Some(next), _, Some(_)) => patches.insert(Outline::of(text).block_start(text, next.key_span.start), &line),
        (None, Some(last), Some(_)) => after(&mut patches, text, last.span.end, &line),
        (None, None, Some(header)) => after(&mut patches, text, header, &line),
        (_, _, None) => {
            let first = first_table(text);
            let blank = |upto: &str| upto.is_empty() || upto.ends_with("\n\n") || upto.ends_with("\n\r\n");
            let before = text.get(..first)?;
            let newline = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
            let gap = if blank(before) || before == "\u{feff}" { "" } else { "\n" };
            let end = if first == text.len() { "" } else { "\n" };
            patches.insert(first, &format!("{newline}{gap}[values]\n{line}{end}"));
        }
    }
    Some(patches.apply())
}

/// `text` with `recipients = [...]` at its head; `old` is the array that stands there.
pub fn with_recipients(text: &str, old: Option<Span>, names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let list = format!("[{}]", quoted.join(", "));
    let mut patches = Patches::new(text);
    match old {
        Some(old) => patches.replace(old.start..old.end, &list),
        None => {
            let at = end_of_head(text);
            let before = text.get(..at).unwrap_or("");
            let newline = if before.is_empty() || before.ends_with(['\n', '\u{feff}']) { "" } else { "\n" };
            let blank = if text.get(at..).is_some_and(|after| after.starts_with('[')) { "\n" } else { "" };
            patches.insert(at, &format!("{newline}recipients = {list}\n{blank}"));
        }
    }
    patches.apply()
}

/// `text`, which is `envctl.toml`, with this name in `[recipients]`; nothing where that is not a table with a header.
pub fn with_recipient(text: &str, name: &str, key: &str) -> Option<String> {
    let line = format!("{name} = \"{key}\"\n");
    let source = SourceMap::default().add_masked("", "");
    let parsed = document::parse(text, source, &mut Diagnostics::default())?;
    let root = document::root(&parsed, source);
    let mut patches = Patches::new(text);
    let Some(value) = root.get("recipients") else {
        let newline = if text.ends_with('\n') { "\n" } else { "\n\n" };
        patches.insert(text.len(), &format!("{newline}[recipients]\n{line}"));
        return Some(patches.apply());
    };
    let table = value.table()?;
    if !text.get(value.span.start..)?.starts_with('[') {
        return None;
    }
    if table.get(name).is_some() {
        return Some(text.to_owned());
    }
    let last = table.entries().map(|(_, value)| value.span.end).max();
    after(&mut patches, text, last.unwrap_or(value.span.end), &line);
    Some(patches.apply())
}

/// `text`, which is `envctl.toml`, without this name in `[recipients]`.
pub fn without_recipient(text: &str, name: &str) -> Option<String> {
    let source = SourceMap::default().add_masked("", "");
    let parsed = document::parse(text, source, &mut Diagnostics::default())?;
    let root = document::root(&parsed, source);
    let table = root.get("recipients").and_then(|value| value.table());
    let Some((key, value)) = table.and_then(|table| table.entries().find(|(key, _)| key.value == name)) else {
        return Some(text.to_owned());
    };
    let start = crate::patch::line_start(text, key.span.start);
    if !text.get(start..key.span.start)?.trim().is_empty() {
        return None;
    }
    let mut patches = Patches::new(text);
    patches.remove_lines(key.span.start..value.span.end);
    Some(patches.apply())
}

/// The end of the header of `[values]`: inner nothing if there is none, outer nothing if it is not a header.
#[expect(clippy::option_option, reason = "not there, and there in a form that cannot be added to")]
fn header(text: &str) -> Option<Option<usize>> {
    let source = SourceMap::default().add_masked("", "");
    let parsed = document::parse(text, source, &mut Diagnostics::default())?;
    let root = document::root(&parsed, source);
    let Some(value) = root.get("values") else { return Some(None) };
    text.get(value.span.start..value.span.end)?.starts_with('[').then_some(Some(value.span.end))
}

/// Where the first table begins, with the comments above it.
fn first_table(text: &str) -> usize {
    let outline = Outline::of(text);
    outline.first_header().map_or(text.len(), |header| outline.block_start(text, header))
}

/// Where a key of the head may stand: behind those that are there, else behind the comment that the file begins with.
fn end_of_head(text: &str) -> usize {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut offset, mut comment, mut end) = (start, true, start);
    for line in
        text.get(start..Outline::of(text).first_header().unwrap_or(text.len())).unwrap_or("").split_inclusive('\n')
    {
        offset += line.len();
        let is_comment = line.starts_with('#');
        comment &= is_comment;
        if comment || !(is_comment || line.trim().is_empty()) {
            end = offset;
        }
    }
    end
}

fn after(patches: &mut Patches<'_>, text: &str, offset: usize, line: &str) {
    let at = line_end(text, offset);
    if text.get(..at).is_some_and(|before| before.ends_with('\n')) {
        patches.insert(at, line);
    } else {
        patches.insert(at, &format!("\n{}", line.trim_end_matches('\n')));
    }
}

#[cfg(test)]
mod tests {
    use super::{added, literal, replaced, with_recipient, with_recipients, without, without_recipient};
    use crate::diagnostic::Diagnostics;
    use crate::environment::EnvironmentFile;
    use crate::source::SourceMap;

    fn file(text: &str) -> EnvironmentFile {
        let source = SourceMap::default().add_masked("", "");
        EnvironmentFile::read("dev", false, text, source, &mut Diagnostics::default()).unwrap()
    }

    fn add(text: &str, name: &str) -> Option<String> {
        let added = added(text, &file(text), name, "1")?;
        assert!(file(&added).values.contains_key(name), "{added}");
        Some(added)
    }

    #[test]
    fn adds_where_a_reader_would_look() {
        assert_eq!(add("[values]\nA = 1\nC = 1\n", "B").unwrap(), "[values]\nA = 1\nB = 1\nC = 1\n");
        assert_eq!(add("[values]\nC = 1\nA = 1", "B").unwrap(), "[values]\nC = 1\nA = 1\nB = 1");
        assert_eq!(add("[values]\n", "B").unwrap(), "[values]\nB = 1\n");
        assert_eq!(add("", "B").unwrap(), "[values]\nB = 1\n");
        assert_eq!(add("extends = 'x'\r\n", "B").unwrap(), "extends = 'x'\r\n\r\n[values]\r\nB = 1\r\n");
        let with = "# head\n\n# api\n[for.api]\nX = 1\n";
        assert_eq!(add(with, "B").unwrap(), "# head\n\n[values]\nB = 1\n\n# api\n[for.api]\nX = 1\n");
        assert_eq!(add("values = { A = 1 }\n", "B"), None);
        assert_eq!(add("values.A = 1\n", "B"), None);
    }

    #[test]
    fn recipients_stand_at_the_head() {
        let with = |text: &str| with_recipients(text, file(text).recipients.map(|list| list.span), &["a", "b"]);
        let line = "recipients = [\"a\", \"b\"]\n";
        assert_eq!(with("recipients = ['x'] # who\n"), "recipients = [\"a\", \"b\"] # who\n");
        assert_eq!(with(""), line);
        assert_eq!(with("[values]\n"), format!("{line}\n[values]\n"));
        assert_eq!(with("extends = 'x'\n\n[values]\n"), format!("extends = 'x'\n{line}\n[values]\n"));
        assert_eq!(with("# dev\n[values]"), format!("# dev\n{line}\n[values]"));
        assert_eq!(with("# dev\n\n# a\n[values]"), format!("# dev\n{line}\n# a\n[values]"));
        assert_eq!(with("extends = 'x'"), format!("extends = 'x'\n{line}"));
    }

    #[test]
    fn recipients_of_a_project() {
        let (config, key) = ("[project]\nid = 'x'\n", "age1x");
        let with = with_recipient(config, "bob", key).unwrap();
        assert_eq!(with, format!("{config}\n[recipients]\nbob = \"age1x\"\n"));
        assert_eq!(with_recipient(&with, "bob", key).unwrap(), with);
        let two = with_recipient(&with, "alice", "age1y").unwrap();
        assert_eq!(two, format!("{with}alice = \"age1y\"\n"));
        assert_eq!(without_recipient(&two, "alice").unwrap(), with);
        assert_eq!(without_recipient(&with, "eve").unwrap(), with);
        assert_eq!(with_recipient("recipients = { a = 'b' }\n", "bob", key), None);
        assert_eq!(without_recipient("recipients = { a = 'b' }\n", "a"), None);
    }

    #[test]
    fn replaces_and_removes() {
        let text = "[values]\nA = 1 # one\n# two\nB = [\n 'x',\n]\nC = '''\n[z]'''\n";
        let parsed = file(text);
        let entry = |name: &str| parsed.values.get(name).unwrap();
        assert_eq!(replaced(text, entry("A"), "2"), text.replace("A = 1", "A = 2"));
        let without_b = without(text, &[entry("B")]).unwrap();
        assert_eq!(without_b, "[values]\nA = 1 # one\n# two\nC = '''\n[z]'''\n");
        assert!(without(text, &[entry("A"), entry("C")]).unwrap().ends_with("]\n"));
        let inline = "values = { A = 1, B = 2 }\n";
        assert_eq!(without(inline, &[file(inline).values.get("A").unwrap()]), None);
    }

    #[test]
    fn literals() {
        assert_eq!(literal("a"), "\"a\"");
        let read = |text: &str| format!("[values]\nA = {}\n", literal(text));
        for text in ["", "a\"b", "it's", "two\nlines", "C:\\x", "\u{1}", "'''\"\"\""] {
            assert!(file(&read(text)).values.contains_key("A"), "{}", read(text));
        }
    }
}
