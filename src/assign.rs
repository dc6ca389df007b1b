//! Cleartext assignments in the text of an environment: one replaced, added or removed, every other byte kept.

mod tables;

use tables::{Place, Tables};
use toml_writer::{ToTomlValue as _, TomlStringBuilder};

use crate::diagnostic::Diagnostics;
use crate::document;
use crate::environment::{Entry, EnvironmentFile};
use crate::outline::Outline;
use crate::patch::{Patches, line_end, line_start};
use crate::source::{SourceMap, Span};

/// The TOML string of a text, on one line.
pub fn literal(text: &str) -> String {
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// Whether an assignment is written as `NAME = value`, not as a table of its own or with dots.
fn is_plain(text: &str, entry: &Entry) -> bool {
    text.get(entry.key_span.end..entry.span.start).is_some_and(|between| between.trim() == "=")
}

/// Replaces what stands behind a name; nothing if the assignment is not written as `NAME = value`.
pub fn replaced(text: &str, entry: &Entry, literal: &str) -> Option<String> {
    if !is_plain(text, entry) {
        return None;
    }
    let mut patches = Patches::new(text);
    patches.replace(entry.span.start..entry.span.end, literal);
    Some(patches.apply())
}

/// Takes assignments out; nothing if one does not have its line to itself.
pub fn without(text: &str, entries: &[&Entry]) -> Option<String> {
    let mut patches = Patches::new(text);
    for entry in entries {
        let start = line_start(text, entry.key_span.start);
        let before = text.get(start..entry.key_span.start)?;
        let after = text.get(entry.span.end..line_end(text, entry.span.end))?.trim();
        let alone = matches!(before.trim(), "" | "\u{feff}") && (after.is_empty() || after.starts_with('#'));
        if !alone || !is_plain(text, entry) {
            return None;
        }
        patches.remove_lines(entry.key_span.start..entry.span.end);
    }
    Some(patches.apply())
}

/// Adds an assignment to `[values]`, or to `[for.SCHEMA]`: in the order of bytes if that is sorted, else at its end.
/// Nothing where that is not written as a table with a header.
pub fn added(text: &str, file: &EnvironmentFile, schema: Option<&str>, name: &str, literal: &str) -> Option<String> {
    let line = format!("{name} = {literal}\n");
    let (entries, title) = match schema {
        None => (Some(&file.values), String::from("values")),
        Some(schema) => (file.per_schema.get(schema).map(|(_, own)| own), format!("for.{schema}")),
    };
    let mut entries: Vec<&Entry> =
        entries.into_iter().flat_map(|own| own.values()).filter(|entry| is_plain(text, entry)).collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    let sorted = entries.is_sorted_by(|a, b| a.name < b.name);
    let next = entries.iter().find(|entry| sorted && entry.name.as_str() > name);
    let tables = Tables::of(text)?;
    let mut patches = Patches::new(text);
    match (tables.place(schema), next, entries.last()) {
        (Place::Closed, _, _) => return None,
        (Place::Header(_), Some(next), _) => patches.insert(tables.above(text, next.key_span.start), &line),
        (Place::Header(_), None, Some(last)) => patches.insert_after(last.span.end, &line),
        (Place::Header(end), None, None) => patches.insert_after(end, &line),
        (Place::Nowhere, _, _) => {
            // `[values]` comes before all tables, one for a schema before what is sealed.
            let at = if schema.is_none() { tables.first } else { tables.sealed };
            let at = at.map_or(text.len(), |header| tables.above(text, header));
            let before = text.get(..at)?;
            let blank = before.ends_with("\n\n") || before.ends_with("\n\r\n");
            let empty = before.is_empty() || before == "\u{feff}";
            let newline = if empty || before.ends_with('\n') { "" } else { "\n" };
            let gap = if blank || empty { "" } else { "\n" };
            let end = if at == text.len() { "" } else { "\n" };
            patches.insert(at, &format!("{newline}{gap}[{title}]\n{line}{end}"));
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
            let at = end_of_head(text, Outline::of(text).first_header().unwrap_or(text.len()));
            let before = text.get(..at).unwrap_or("");
            let newline = if before.is_empty() || before.ends_with(['\n', '\u{feff}']) { "" } else { "\n" };
            let blank = if text.get(at..).is_some_and(|after| after.trim_start_matches([' ', '\t']).starts_with('[')) {
                "\n"
            } else {
                ""
            };
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
    patches.insert_after(last.unwrap_or(value.span.end), &line);
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
    let start = line_start(text, key.span.start);
    if !text.get(start..key.span.start)?.trim().is_empty() {
        return None;
    }
    let mut patches = Patches::new(text);
    patches.remove_lines(key.span.start..value.span.end);
    Some(patches.apply())
}

/// Where a key of the head may stand: behind those that are there, else behind the comment that the file begins with.
fn end_of_head(text: &str, first_table: usize) -> usize {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (mut offset, mut comment, mut end) = (start, true, start);
    for line in text.get(start..first_table).unwrap_or("").split_inclusive('\n') {
        offset += line.len();
        let is_comment = line.starts_with('#');
        comment &= is_comment;
        if comment || !(is_comment || line.trim().is_empty()) {
            end = offset;
        }
    }
    end
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
        let added = added(text, &file(text), None, name, "1")?;
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
        assert_eq!(add("\u{feff}", "B").unwrap(), "\u{feff}[values]\nB = 1\n");
        assert_eq!(add("\u{feff}# x\n[for.api]\n", "B").unwrap(), "\u{feff}# x\n\n[values]\nB = 1\n\n[for.api]\n");
        assert_eq!(add("  [values]\n  A = 1\n", "B").unwrap(), "  [values]\n  A = 1\nB = 1\n");
        assert_eq!(add(" [for.api]\n", "B").unwrap(), "[values]\nB = 1\n\n [for.api]\n");
        let nested = "[values]\nA = 1\n[values.C]\nabsent = true\n";
        assert_eq!(add(nested, "D").unwrap(), nested.replace("A = 1\n", "A = 1\nD = 1\n"));
        let text = "[values]\nA = '''\n[x]\n# no comment'''\nC = 1\n";
        assert_eq!(add(text, "B").unwrap(), text.replace("C = 1", "B = 1\nC = 1"));
    }

    #[test]
    fn adds_for_one_schema() {
        let add = |text: &str| {
            let added = added(text, &file(text), Some("api"), "B", "1")?;
            assert!(file(&added).per_schema["api"].1.contains_key("B"), "{added}");
            Some(added)
        };
        assert_eq!(add("").unwrap(), "[for.api]\nB = 1\n");
        assert_eq!(add("[values]\nA = 1\n").unwrap(), "[values]\nA = 1\n\n[for.api]\nB = 1\n");
        assert_eq!(add("[for.api]\nA = 1\nC = 1\n").unwrap(), "[for.api]\nA = 1\nB = 1\nC = 1\n");
        let sealed = "[for.web]\nA = 1\n\n# sealed\n[secrets]\n";
        assert_eq!(add(sealed).unwrap(), sealed.replace("# sealed", "[for.api]\nB = 1\n\n# sealed"));
        assert_eq!(add("for = { web = {} }\n"), None);
        assert_eq!(add("for.api.A = 1\n"), None);
    }

    #[test]
    fn recipients_stand_at_the_head() {
        let with = |text: &str| {
            let with = with_recipients(text, file(text).recipients.map(|list| list.span), &["a", "b"]);
            assert_eq!(file(&with).recipients.unwrap().value.len(), 2, "{with}");
            with
        };
        let line = "recipients = [\"a\", \"b\"]\n";
        assert_eq!(with("recipients = ['x'] # who\n"), "recipients = [\"a\", \"b\"] # who\n");
        assert_eq!(with(""), line);
        assert_eq!(with("[values]\n"), format!("{line}\n[values]\n"));
        assert_eq!(with("extends = 'x'\n\n[values]\n"), format!("extends = 'x'\n{line}\n[values]\n"));
        assert_eq!(with("# dev\n[values]"), format!("# dev\n{line}\n[values]"));
        assert_eq!(with("# dev\n\n# a\n[values]"), format!("# dev\n{line}\n# a\n[values]"));
        assert_eq!(with("extends = 'x'"), format!("extends = 'x'\n{line}"));
        assert_eq!(with("\u{feff}[values]\n"), format!("\u{feff}{line}\n[values]\n"));
        assert_eq!(with("  [values]\n  A = 1\n"), format!("{line}\n  [values]\n  A = 1\n"));
        assert_eq!(with("schemas = [\n'api',\n]\n[for.api]\n"), format!("schemas = [\n'api',\n]\n{line}\n[for.api]\n"));
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
        assert_eq!(replaced(text, entry("A"), "2").unwrap(), text.replace("A = 1", "A = 2"));
        for nested in ["[values.A]\nabsent = true\n", "[values]\nA.absent = true\n"] {
            assert_eq!(replaced(nested, &file(nested).values["A"], "2"), None);
        }
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
