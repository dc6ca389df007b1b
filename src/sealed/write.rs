//! Writing `[seal]` and `[secrets]` into a text: what did not change keeps its bytes, comments and order stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::layout::{Found, Layout, Lines, layout};
use super::{SealedEntry, SealedFile, armor};
use crate::outline::Outline;
use crate::patch::Patches;

/// `text` with `file` as its sealed part; nothing if it is no TOML.
pub fn rewrite(text: &str, file: &SealedFile) -> Option<String> {
    let text = match layout(text) {
        Found::Usual(layout) => return Some(patch(text, &layout, file)),
        Found::Unusual => without_sealed(text)?,
        Found::Nothing => return None,
    };
    match layout(&text) {
        Found::Usual(layout) => Some(patch(&text, &layout, file)),
        _ => None,
    }
}

fn patch(text: &str, layout: &Layout, file: &SealedFile) -> String {
    let mut patches = Patches::new(text);
    let start = layout.seal.as_ref().map_or(text.len(), |(seal, _)| match layout.secrets {
        Some(_) => seal.header.start,
        None => Outline::of(text).block_start(text, seal.header.start),
    });
    match &layout.secrets {
        Some(lines) => entries(&mut patches, text, lines, &file.entries),
        None if file.entries.is_empty() => {}
        None => {
            let all: Vec<String> = file.entries.iter().map(|(name, entry)| line(name, entry)).collect();
            let before = if layout.seal.is_some() { String::new() } else { gap(text) };
            let after = if layout.seal.is_some() { "\n" } else { "" };
            patches.insert(start, &format!("{before}[secrets]\n{}{after}", all.join("\n")));
        }
    }
    match &layout.seal {
        Some((seal, recipients)) => {
            fields(&mut patches, text, seal, file);
            self::recipients(&mut patches, text, recipients, &file.recipients);
        }
        None => {
            // What was inserted just before ends with a newline.
            let inserted = layout.secrets.is_none() && !file.entries.is_empty();
            let before = if inserted { String::from("\n") } else { gap(text) };
            patches.insert(text.len(), &(before + &seal(file)));
        }
    }
    patches.apply()
}

/// What has to stand between the text and a table behind it.
fn gap(text: &str) -> String {
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let blank = if text.trim_end_matches('\u{feff}').is_empty() || text.ends_with("\n\n") || text.ends_with("\n\r\n") {
        ""
    } else {
        "\n"
    };
    format!("{newline}{blank}")
}

fn line(name: &str, entry: &SealedEntry) -> String {
    format!("{name} = {}\n", entry.text())
}

/// A whole `[seal]`.
fn seal(file: &SealedFile) -> String {
    let lineage = file.lineage.as_ref().map(|code| format!("lineage = \"{code}\"\n")).unwrap_or_default();
    let recipients: String = file.recipients.iter().map(|(name, key)| recipient(name, key)).collect();
    format!(
        "[seal]\nformat = 1\nproject = \"{}\"\nenvironment = \"{}\"\nprotected = {}\ngeneration = {}\nkey = {}\n{lineage}revision = {}\nmac = \"{}\"\n\n[seal.recipients]\n{recipients}",
        file.project,
        file.environment,
        file.protected,
        file.generation,
        key(&file.age_file),
        file.revision,
        file.mac,
    )
}

fn recipient(name: &str, key: &str) -> String {
    format!("{name} = \"{key}\"\n")
}

/// The wrapped key as a multi-line string.
fn key(age_file: &[u8]) -> String {
    format!("\"\"\"\n{}\"\"\"", armor::armor(age_file))
}

/// Replaces the scalars of `[seal]` that changed.
fn fields(patches: &mut Patches<'_>, text: &str, seal: &Lines, file: &SealedFile) {
    let written = |range: &Range<usize>| text.get(range.clone()).unwrap_or("").replace("\r\n", "\n");
    let quoted = |text: &str| format!("\"{text}\"");
    let fields = [
        ("project", quoted(&file.project)),
        ("environment", quoted(&file.environment)),
        ("protected", file.protected.to_string()),
        ("generation", file.generation.to_string()),
        ("revision", file.revision.to_string()),
        ("mac", quoted(&file.mac)),
    ];
    for (name, value) in fields {
        if let Some(line) = seal.get(name).filter(|line| written(&line.value) != value) {
            patches.replace(line.value.clone(), &value);
        }
    }
    let Some(line) = seal.get("key") else { return };
    let old = written(&line.value);
    let old = old.trim_matches(['"', '\'']);
    if armor::dearmor(old).as_deref() != Some(&file.age_file) {
        patches.replace(line.value.clone(), &key(&file.age_file));
    }
    match (seal.get("lineage"), &file.lineage) {
        (Some(old), Some(code)) if written(&old.value) != quoted(code) => {
            patches.replace(old.value.clone(), &quoted(code));
        }
        (Some(old), None) => patches.remove_lines(old.key.start..old.value.end),
        (None, Some(code)) => patches.insert_after(line.value.end, &format!("lineage = \"{code}\"\n")),
        _ => {}
    }
}

/// Replaces, removes and adds entries of `[secrets]`.
fn entries(patches: &mut Patches<'_>, text: &str, lines: &Lines, new: &BTreeMap<String, SealedEntry>) {
    for line in &lines.lines {
        let Some(entry) = new.get(&line.name) else {
            patches.remove_lines(line.key.start..line.value.end);
            continue;
        };
        let values = [
            ("enc", format!("\"{}\"", entry.enc())),
            ("since", entry.since.to_string()),
            ("rotated", entry.rotated.clone()),
        ];
        for (key, value) in values {
            let old = line.inner.iter().find(|(name, _)| name == key).map(|(_, range)| range.clone());
            if let Some(old) = old.filter(|old| text.get(old.clone()) != Some(&value)) {
                patches.replace(old, &value);
            }
        }
    }
    let known: BTreeSet<&str> = lines.lines.iter().map(|line| line.name.as_str()).collect();
    let added: Vec<(&str, String)> = new
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()))
        .map(|(name, entry)| (name.as_str(), line(name, entry)))
        .collect();
    add(patches, text, lines, &added, "\n");
}

/// The same for `[seal.recipients]`.
fn recipients(patches: &mut Patches<'_>, text: &str, lines: &Lines, new: &BTreeMap<String, String>) {
    for line in &lines.lines {
        match new.get(&line.name) {
            Some(key) => {
                let value = format!("\"{key}\"");
                if text.get(line.value.clone()).map(|old| old.trim_matches(['"', '\''])) != Some(key) {
                    patches.replace(line.value.clone(), &value);
                }
            }
            None => patches.remove_lines(line.key.start..line.value.end),
        }
    }
    let added: Vec<(&str, String)> = new
        .iter()
        .filter(|(name, _)| lines.get(name).is_none())
        .map(|(name, key)| (name.as_str(), recipient(name, key)))
        .collect();
    add(patches, text, lines, &added, "");
}

/// Adds lines to a table: in the order of bytes if it is sorted, else at its end; `gap` stands between lines.
fn add(patches: &mut Patches<'_>, text: &str, lines: &Lines, added: &[(&str, String)], gap: &str) {
    if added.is_empty() {
        return;
    }
    let (sorted, outline) = (lines.is_sorted(), Outline::of(text));
    for (index, (name, new)) in added.iter().enumerate() {
        let next = lines.lines.iter().find(|line| sorted && line.name.as_str() > *name);
        match (next, lines.lines.last()) {
            (Some(next), _) => patches.insert(outline.block_start(text, next.key.start), &format!("{new}{gap}")),
            (None, Some(last)) => patches.insert_after(last.value.end, &format!("{gap}{new}")),
            (None, None) => {
                let before = if index == 0 { "" } else { gap };
                patches.insert_after(lines.header.end, &format!("{before}{new}"));
            }
        }
    }
}

/// The text without its sealed part, where that is spelled in a way that is only read. Comments in it are lost.
pub(super) fn without_sealed(text: &str) -> Option<String> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut document: toml_edit::DocumentMut = plain.parse().ok()?;
    document.remove("secrets");
    document.remove("seal");
    let mut kept = document.to_string();
    if crate::patch::newline(text) == "\r\n" {
        kept = kept.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    Some(if plain.len() == text.len() { kept } else { format!("\u{feff}{kept}") })
}
