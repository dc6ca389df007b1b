//! Merging two sealed files by name, against what they both came from: what is taken, what has to be asked, what is refused.
//!
//! All sides have been verified with their keys before. Nothing here says that a value is right: only whose it is.

mod change;
mod header;
mod seal;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

pub use change::Change;
pub use header::NewKey;
pub use seal::Fresh;
pub use text::{Hunks, Text, cleartext, mark_mac, merge_texts};

use super::{DataKey, SealedFile};
use header::Header;

/// A verified file with its key.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The file.
    pub file: &'a SealedFile,
    /// The key that verifies it.
    pub key: &'a DataKey,
}

/// One of the two that are merged, in git's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// What the work tree has.
    Ours,
    /// What is merged into it.
    Theirs,
}

impl Which {
    /// Git's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Ours => Self::Theirs,
            Self::Theirs => Self::Ours,
        }
    }
}

/// The two that are merged, and what they came from.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// Nothing where both made the file.
    pub base: Option<Side<'a>>,
    /// What the work tree has.
    pub ours: Side<'a>,
    /// What is merged into it.
    pub theirs: Side<'a>,
    /// Other versions of the file, which may prove a key that is more than one step away.
    pub between: &'a [Side<'a>],
    /// Names that one side alone has and that the other one's history had: removed there, they do not come back silently.
    pub returned: &'a BTreeSet<String>,
}

/// What a person has decided.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Whose entry is taken, by name; a side that has none takes it away.
    pub entries: BTreeMap<String, Which>,
    /// Whose key, or whose recipients where the key is one, go on.
    pub key: Option<Which>,
}

/// What each side did to an entry that has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// By us.
    pub ours: Change,
    /// By them.
    pub theirs: Change,
}

/// Why nothing is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The sides are of different projects or environments.
    Elsewhere,
    /// Both made the file, and only one of them protected.
    Protected,
    /// This side is older than what both came from: what was changed since would come back under a new seal.
    Older(Which),
    /// This side has another key, and no proof made with the one before it.
    NoProof(Which),
    /// Both sides made a new key.
    TwoKeys,
    /// Both sides changed who can read.
    TwoRecipients,
    /// Theirs changed who can read: these.
    TheirRecipients(Vec<String>),
    /// Nobody can read both sides.
    NobodyReadsBoth,
    /// The value of this entry does not open, though the seal matches.
    Unreadable(String),
}

/// A merge that is possible, perhaps with entries that have to be asked for.
#[derive(Debug)]
pub struct Merge<'a> {
    sides: Sides<'a>,
    header: Header,
    protected: bool,
    /// Whose entry is taken; names that both sides took away are missing.
    taken: BTreeMap<String, Which>,
    conflicts: BTreeMap<String, Conflict>,
}

impl<'a> Sides<'a> {
    /// One of the two.
    pub fn side(&self, which: Which) -> Side<'a> {
        match which {
            Which::Ours => self.ours,
            Which::Theirs => self.theirs,
        }
    }

    /// Merges.
    pub fn merge(self, choices: &Choices) -> Result<Merge<'a>, Refusal> {
        self.check_places()?;
        self.check_ages()?;
        let header = self.header(choices.key)?;
        let protected = self.protected()?;
        let mut merge = Merge { sides: self, header, protected, taken: BTreeMap::new(), conflicts: BTreeMap::new() };
        let all = self.base.iter().chain([&self.ours, &self.theirs]);
        let names: BTreeSet<&String> = all.flat_map(|side| side.file.entries.keys()).collect();
        for name in names {
            merge.entry(name, choices.entries.get(name).copied())?;
        }
        Ok(merge)
    }

    fn check_places(&self) -> Result<(), Refusal> {
        let place = |side: &Side<'a>| (side.file.project.as_str(), side.file.environment.as_str());
        let same = self.base.iter().chain([&self.theirs]).all(|side| place(side) == place(&self.ours));
        if same { Ok(()) } else { Err(Refusal::Elsewhere) }
    }

    /// A side is the base or newer than it. Otherwise old values could be brought in by whoever can push, without a key.
    fn check_ages(&self) -> Result<(), Refusal> {
        let Some(base) = self.base else { return Ok(()) };
        let age = |side: &Side<'_>| (side.file.generation, side.file.revision);
        for which in [Which::Ours, Which::Theirs] {
            let side = self.side(which);
            if side.file.mac != base.file.mac && age(&side) <= age(&base) {
                return Err(Refusal::Older(which));
            }
        }
        Ok(())
    }

    fn protected(&self) -> Result<bool, Refusal> {
        let (ours, theirs) = (self.ours.file.protected, self.theirs.file.protected);
        match self.base {
            _ if ours == theirs => Ok(ours),
            // One of the two is as the base was, so the other one was changed.
            Some(base) => Ok(!base.file.protected),
            None => Err(Refusal::Protected),
        }
    }
}

impl<'a> Merge<'a> {
    /// Decides on one entry.
    fn entry(&mut self, name: &str, choice: Option<Which>) -> Result<(), Refusal> {
        let ours = self.sides.change(Which::Ours, name)?;
        let theirs = self.sides.change(Which::Theirs, name)?;
        let same = Sides::same(self.sides.ours, self.sides.theirs, name)?;
        let take = match (ours, theirs) {
            _ if same.entry => Some(self.later(name)),
            _ if choice.is_some() => choice,
            (Change::Absent | Change::Unchanged, theirs) if theirs.is_plain() => Some(Which::Theirs),
            (ours, Change::Absent | Change::Unchanged) if ours.is_plain() => Some(Which::Ours),
            // The same new value on both sides: the later date.
            (ours, theirs) if same.value && ours.is_plain() && theirs.is_plain() => Some(self.later(name)),
            _ => None,
        };
        if take.is_none() {
            self.conflicts.insert(name.to_owned(), Conflict { ours, theirs });
        }
        let fallback = if self.sides.ours.has(name) { Which::Ours } else { Which::Theirs };
        let taken = take.unwrap_or(fallback);
        if self.sides.side(taken).has(name) {
            self.taken.insert(name.to_owned(), taken);
        }
        Ok(())
    }

    /// Of two entries that say the same, one that does not depend on which side is which.
    fn later(&self, name: &str) -> Which {
        let key = |side: Side<'a>| {
            let entry = side.file.entries.get(name);
            entry.map(|entry| (side.file.generation, entry.since, entry.rotated.as_str(), entry.sealed.as_slice()))
        };
        if key(self.sides.ours) >= key(self.sides.theirs) { Which::Ours } else { Which::Theirs }
    }

    /// The entries that have to be asked for, with what each side did.
    pub fn conflicts(&self) -> &BTreeMap<String, Conflict> {
        &self.conflicts
    }

    /// Whose entry of that name is taken; nothing if there is to be none.
    pub fn taken(&self, name: &str) -> Option<Which> {
        self.taken.get(name).copied()
    }

    /// The new key that is needed, where both sides had made one.
    pub fn new_key(&self) -> Option<&NewKey> {
        match &self.header {
            Header::Of(_) => None,
            Header::New(new) => Some(new),
        }
    }

    /// Recipients of one side who cannot read the result.
    pub fn left_out(&self) -> BTreeSet<&'a str> {
        let recipients = match &self.header {
            Header::Of(which) => &self.sides.side(*which).file.recipients,
            Header::New(new) => &new.recipients,
        };
        let all = [self.sides.ours, self.sides.theirs].into_iter().flat_map(|side| &side.file.recipients);
        let out = all.filter(|(name, key)| recipients.get(*name) != Some(*key));
        // Whom one side took out on purpose is no loss.
        let base = self.sides.base.map(|base| &base.file.recipients);
        let added = out.filter(|(name, key)| base.is_none_or(|base| base.get(*name) != Some(*key)));
        added.map(|(name, _)| name.as_str()).collect()
    }
}
