//! The texts around sealed parts being merged: comments and cleartext by lines, as git does it, sealed entries by name.

use super::{Merge, Which};
use crate::sealed::{SealedFile, rewrite};

/// What the merge of three texts came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text, perhaps with git's markers.
    pub text: String,
    /// Whether there are no markers, and it is TOML.
    pub clean: bool,
}

/// The text without its sealed part, to be compared with another one; nothing if it is no TOML.
pub fn cleartext(text: &str) -> Option<String> {
    crate::sealed::write::without_sealed(text)
}

/// Merges three texts whose sealed parts come to `merged`. All three get that sealed part first, so that what is left to
/// `three_way` (base, ours, theirs) is comments and cleartext. Nothing if one of them is no TOML.
pub fn merge_texts(
    [base, ours, theirs]: [&str; 3],
    merged: &SealedFile,
    three_way: impl FnOnce([&str; 3]) -> Option<Text>,
) -> Option<Text> {
    let [base, ours, theirs] = [rewrite(base, merged)?, rewrite(ours, merged)?, rewrite(theirs, merged)?];
    let found = three_way([&base, &ours, &theirs])?;
    if found.clean {
        return Some(whole(found.text, merged));
    }
    let hunks = Hunks::of(&found.text)?;
    let mut picks: Vec<Option<Which>> = vec![Some(Which::Ours); hunks.count()];
    let plain = cleartext(&hunks.resolve(&picks));
    let mut open = Vec::new();
    for hunk in 0..hunks.count() {
        let mut other = picks.clone();
        other.iter_mut().skip(hunk).take(1).for_each(|pick| *pick = Some(Which::Theirs));
        // A conflict between comments of the sealed part is none: ours are kept.
        if plain.is_none() || cleartext(&hunks.resolve(&other)) != plain {
            open.push(hunk);
        }
    }
    for hunk in &open {
        picks.iter_mut().skip(*hunk).take(1).for_each(|pick| *pick = None);
    }
    let text = hunks.resolve(&picks);
    Some(if open.is_empty() { whole(text, merged) } else { Text { text, clean: false } })
}

/// A text that was merged by lines without a conflict: still one key can have come to stand there twice.
fn whole(text: String, merged: &SealedFile) -> Text {
    match rewrite(&text, merged) {
        Some(text) => Text { text, clean: true },
        None => Text { text, clean: false },
    }
}

impl Merge<'_> {
    /// Puts markers around the entries in conflict; `text` has `merged`, made by [`Merge::seal`], as its sealed part.
    /// Nothing if an entry does not have a line to itself.
    pub fn mark(&self, text: &str, merged: &SealedFile) -> Option<String> {
        let mut marked = text.to_owned();
        for name in self.conflicts().keys() {
            let line_of = |which: Which| {
                let entry = self.sides.side(which).file.entries.get(name);
                entry.map(|entry| format!("{name} = {}\n", entry.text())).unwrap_or_default()
            };
            let enc = merged.entries.get(name)?.enc();
            marked = block(&marked, name, &enc, &line_of(Which::Ours), &line_of(Which::Theirs))?;
        }
        Some(marked)
    }
}

/// Leaves the sealed part of `text` as it is and marks its `mac` as one of two, so that nobody takes it for merged.
pub fn mark_mac(text: &str, ours: &SealedFile, theirs: &SealedFile) -> Option<String> {
    let line = |file: &SealedFile| format!("mac = \"{}\"\n", file.mac);
    block(text, "mac", &ours.mac, &line(ours), &line(theirs))
}

/// Replaces the line of a key that holds `value` by a conflict of two.
fn block(text: &str, key: &str, value: &str, ours: &str, theirs: &str) -> Option<String> {
    let quoted = format!("\"{value}\"");
    let is_it = |line: &&str| line.trim_start().starts_with(key) && line.contains(&quoted);
    let line = text.split_inclusive('\n').find(is_it)?;
    let start = line.as_ptr().addr() - text.as_ptr().addr();
    let block = format!("<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n");
    let mut patches = crate::patch::Patches::new(text);
    patches.replace(start..start + line.len(), &block);
    Some(patches.apply())
}

/// A text with git's conflict markers, taken apart.
#[derive(Debug)]
pub struct Hunks<'t>(Vec<Part<'t>>);

#[derive(Debug)]
enum Part<'t> {
    Plain(&'t str),
    Hunk { whole: String, ours: String, theirs: String },
}

/// Where the reader is in a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Ours,
    Base,
    Theirs,
}

impl<'t> Hunks<'t> {
    /// Takes a text apart; nothing if its markers make no sense.
    pub fn of(text: &'t str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut hunk: Option<(At, [String; 3])> = None;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\r', '\n']);
            let (at, [whole, ours, theirs]) = match &mut hunk {
                None if bare.starts_with("<<<<<<< ") => {
                    hunk = Some((At::Ours, [line.to_owned(), String::new(), String::new()]));
                    continue;
                }
                None if bare.starts_with(">>>>>>> ") => return None,
                None => {
                    parts.push(Part::Plain(line));
                    continue;
                }
                Some((at, texts)) => (at, texts),
            };
            whole.push_str(line);
            match *at {
                _ if bare.starts_with("<<<<<<< ") => return None,
                At::Ours if bare.starts_with("|||||||") => *at = At::Base,
                At::Ours | At::Base if bare == "=======" => *at = At::Theirs,
                At::Theirs if bare.starts_with(">>>>>>> ") => {
                    let [whole, ours, theirs] = hunk.take()?.1;
                    parts.push(Part::Hunk { whole, ours, theirs });
                }
                At::Ours => ours.push_str(line),
                At::Theirs => theirs.push_str(line),
                At::Base => {}
            }
        }
        hunk.is_none().then_some(Self(parts))
    }

    /// How many conflicts there are.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|part| matches!(part, Part::Hunk { .. })).count()
    }

    /// The text with one side of every conflict.
    pub fn pick(&self, which: Which) -> String {
        self.resolve(&vec![Some(which); self.count()])
    }

    /// The text with a side of each conflict; one for which there is no side keeps its markers.
    fn resolve(&self, picks: &[Option<Which>]) -> String {
        let mut picks = picks.iter();
        let mut text = String::new();
        for part in &self.0 {
            text.push_str(match part {
                Part::Plain(line) => line,
                Part::Hunk { whole, ours, theirs } => match picks.next().copied().flatten() {
                    Some(Which::Ours) => ours,
                    Some(Which::Theirs) => theirs,
                    None => whole,
                },
            });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Hunks, Which};

    #[test]
    fn markers_are_taken_apart() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\r\n>>>>>>> topic\nd\n<<<<<<< ours\n=======\ne\n>>>>>>> theirs\n";
        let hunks = Hunks::of(text).unwrap();
        assert_eq!(hunks.count(), 2);
        assert_eq!(hunks.pick(Which::Ours), "a\nb\nd\n");
        assert_eq!(hunks.pick(Which::Theirs), "a\nc\r\nd\ne\n");
        assert_eq!(hunks.resolve(&[None, Some(Which::Ours)]), text.split("<<<<<<< ours").next().unwrap());
        assert_eq!(Hunks::of("=======\n").unwrap().count(), 0);
        for wrong in ["<<<<<<< a\n", ">>>>>>> a\n", "<<<<<<< a\n<<<<<<< b\n", "<<<<<<< a\n>>>>>>> b\n"] {
            assert!(Hunks::of(wrong).is_none(), "{wrong:?}");
        }
    }
}
