//! A file in the middle of a merge: what was made of it by hand or by git, held against both sides.

use std::collections::{BTreeMap, BTreeSet};

use super::{Trio, Versions, read};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::sealed::merge::{Change, Choices, Hunks, Merge, Which, cleartext};
use crate::sealed::{DataKey, SealedEntry, SealedFile, rewrite};
use crate::source::SourceMap;

/// The file of the work tree, without markers.
#[derive(Debug)]
pub struct Work {
    /// Its text; of its sealed part comments and order count.
    text: String,
    /// The sealed parts that stand in it: one, or those of both sides of its markers.
    sealed: Vec<std::sync::Arc<SealedFile>>,
    /// Whether there were markers.
    marked: bool,
}

/// An entry of one side that says the same as another one.
struct Matches {
    ours: bool,
    theirs: bool,
}

impl Work {
    /// Reads the file. Its cleartext has to be free of conflicts: only sealed entries are resolved here.
    pub fn read(
        versions: &Versions,
        bytes: Vec<u8>,
        sources: &mut SourceMap,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let path = versions.path.clone();
        let anew = format!("`git checkout -m -- {path}` begins the merge of this file anew");
        let Ok(text) = String::from_utf8(bytes) else {
            problems.push(Diagnostic::error(Code::NotUtf8, format!("{path} is not UTF-8 text")).help(anew));
            return None;
        };
        let Some(hunks) = Hunks::of(&text) else {
            problems
                .push(Diagnostic::error(Code::MergeConflict, format!("{path}: the markers make no sense")).help(anew));
            return None;
        };
        let marked = hunks.count() > 0;
        let picks = [hunks.pick(Which::Ours), hunks.pick(Which::Theirs)];
        let [ours, theirs] = [cleartext(&picks[0]), cleartext(&picks[1])];
        if marked && (ours.is_none() || ours != theirs) {
            let message = format!("{path}: cleartext, or a comment, is in conflict");
            let problem = Diagnostic::error(Code::MergeConflict, message);
            problems.push(problem.help("edit it first; sealed entries may keep their markers").help(anew));
            return None;
        }
        let mut sealed = Vec::new();
        for text in picks.iter().take(if marked { 2 } else { 1 }) {
            let mut found = Diagnostics::default();
            let version = read(&versions.environment, path.clone(), text.clone().into_bytes(), sources, &mut found);
            sealed.extend(version.and_then(|version| version.sealed().cloned()));
            // Between markers much is not of the format; what stands there alone has to be.
            if !marked && found.has_errors() {
                problems.append(found);
                problems.push(
                    Diagnostic::warning(Code::MergeConflict, format!("{path} cannot be resolved like this")).help(anew),
                );
                return None;
            }
        }
        let [text, _] = picks;
        Some(Self { text, sealed, marked })
    }

    /// Its sealed part, if it has one and no markers.
    pub fn whole(&self) -> Option<&std::sync::Arc<SealedFile>> {
        self.sealed.first().filter(|_| !self.marked)
    }

    /// The text with a sealed part.
    pub fn with(&self, sealed: Option<&SealedFile>) -> Option<String> {
        sealed.map_or_else(|| Some(self.text.clone()), |sealed| rewrite(&self.text, sealed))
    }

    /// Every entry has to be one side's, and every entry that both have has to be there: what is not is named.
    pub fn strangers(&self, trio: &Trio) -> BTreeSet<String> {
        let (ours, theirs) = (trio.ours.file(), trio.theirs.file());
        let mut strangers = BTreeSet::new();
        for sealed in &self.sealed {
            for (name, entry) in &sealed.entries {
                let matches = Self::matches(trio, name, entry);
                if !matches.ours && !matches.theirs {
                    strangers.insert(name.clone());
                }
            }
        }
        if let Some(whole) = self.whole() {
            let both = ours.entries.keys().filter(|name| theirs.entries.contains_key(*name));
            strangers.extend(both.filter(|name| !whole.entries.contains_key(*name)).cloned());
        }
        strangers
    }

    /// What was decided by hand: of an entry that both sides changed, git leaves markers, so that somebody took one side.
    /// Everything else git can have merged by itself, and says nothing of what a person wants.
    pub fn choices(&self, trio: &Trio, merge: &Merge<'_>, choices: &mut Choices) {
        let is_side = |sealed: &SealedFile| [&trio.ours, &trio.theirs].iter().any(|side| side.file().mac == sealed.mac);
        let Some(whole) = self.whole().filter(|whole| !is_side(whole)) else { return };
        for (name, conflict) in merge.conflicts() {
            let untouched = [Change::Unchanged, Change::Absent];
            if untouched.contains(&conflict.ours) || untouched.contains(&conflict.theirs) {
                continue;
            }
            let taken = match whole.entries.get(name) {
                Some(entry) => Self::matches(trio, name, entry),
                None => Matches { ours: conflict.ours == Change::Removed, theirs: conflict.theirs == Change::Removed },
            };
            match (taken.ours, taken.theirs) {
                (true, false) => drop(choices.entries.entry(name.clone()).or_insert(Which::Ours)),
                (false, true) => drop(choices.entries.entry(name.clone()).or_insert(Which::Theirs)),
                _ => {}
            }
        }
    }

    /// Names of which the merge takes something else than what stands in the file.
    pub fn overruled(&self, trio: &Trio, merge: &Merge<'_>) -> BTreeMap<String, Which> {
        let is_side = |sealed: &SealedFile| [&trio.ours, &trio.theirs].iter().any(|side| side.file().mac == sealed.mac);
        let Some(whole) = self.whole().filter(|whole| !is_side(whole)) else { return BTreeMap::new() };
        let mut overruled = BTreeMap::new();
        for (name, entry) in &whole.entries {
            let matches = Self::matches(trio, name, entry);
            match merge.taken(name) {
                Some(Which::Ours) if !matches.ours => drop(overruled.insert(name.clone(), Which::Ours)),
                Some(Which::Theirs) if !matches.theirs => drop(overruled.insert(name.clone(), Which::Theirs)),
                _ => {}
            }
        }
        overruled
    }

    fn matches(trio: &Trio, name: &str, entry: &SealedEntry) -> Matches {
        let says = |file: &SealedFile, key: &DataKey| {
            let Some(other) = file.entries.get(name) else { return false };
            if entry == other {
                return true;
            }
            let keys = [trio.ours.key(), trio.theirs.key()];
            let mut opened = keys.into_iter().filter_map(|key| key.open(file.place(name), &entry.sealed));
            let value = file.open(name, key);
            let same = opened.any(|opened| value.as_ref().is_some_and(|value| value.same_bytes(&opened)));
            same && entry.since == other.since && entry.rotated == other.rotated
        };
        Matches { ours: says(trio.ours.file(), trio.ours.key()), theirs: says(trio.theirs.file(), trio.theirs.key()) }
    }
}
