//! What a side did to an entry.

use super::{Refusal, Side, Sides, Which};

/// What a side did to an entry, seen from the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is not there and was not there.
    Absent,
    /// Nothing.
    Unchanged,
    /// Another value, or a later date.
    Changed,
    /// `since` or `rotated` is earlier than it was: an older value was put back.
    WentBack,
    /// It was taken away.
    Removed,
    /// It is new.
    Added,
    /// It is not in the base and says that it is older than the base's key: it was taken away once.
    CameBack,
}

impl Change {
    /// Whether it is taken without a question where the other side did nothing.
    pub(super) fn is_plain(self) -> bool {
        matches!(self, Self::Absent | Self::Unchanged | Self::Changed | Self::Added)
    }

    /// In words, after "ours" or "theirs".
    pub fn words(self) -> &'static str {
        match self {
            Self::Absent => "never had it",
            Self::Unchanged => "left it as it was",
            Self::Changed => "changed it",
            Self::WentBack => "put an earlier state of it back",
            Self::Removed => "removed it",
            Self::Added => "added it",
            Self::CameBack => "brought back one that was removed before",
        }
    }
}

/// How far two entries agree.
pub(super) struct Same {
    /// The value.
    pub(super) value: bool,
    /// The value and its dates; also two that are not there.
    pub(super) entry: bool,
}

impl Side<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        self.file.entries.contains_key(name)
    }
}

impl<'a> Sides<'a> {
    /// What one side did to an entry.
    pub(super) fn change(&self, which: Which, name: &str) -> Result<Change, Refusal> {
        let side = self.side(which);
        let old = self.base.and_then(|base| Some((base, base.file.entries.get(name)?)));
        Ok(match (old, side.file.entries.get(name)) {
            (None, None) => Change::Absent,
            (Some(_), None) => Change::Removed,
            (None, Some(new)) if self.base.is_some_and(|base| new.since < base.file.generation) => Change::CameBack,
            (None, Some(_)) if self.returned.contains(name) => Change::CameBack,
            (None, Some(_)) => Change::Added,
            (Some((base, old)), Some(new)) => {
                if Self::same(base, side, name)?.entry {
                    Change::Unchanged
                } else if new.since < old.since || new.rotated < old.rotated {
                    Change::WentBack
                } else {
                    Change::Changed
                }
            }
        })
    }

    /// Compares an entry of two sides; opens it where the bytes alone do not tell.
    pub(super) fn same(a: Side<'a>, b: Side<'a>, name: &str) -> Result<Same, Refusal> {
        let (old, new) = match (a.file.entries.get(name), b.file.entries.get(name)) {
            (Some(old), Some(new)) => (old, new),
            (None, None) => return Ok(Same { value: true, entry: true }),
            _ => return Ok(Same { value: false, entry: false }),
        };
        let value = if old.sealed == new.sealed && a.key.is_same(b.key) {
            true
        } else {
            let open =
                |side: Side<'a>| side.file.open(name, side.key).ok_or_else(|| Refusal::Unreadable(name.to_owned()));
            open(a)?.same_bytes(&open(b)?)
        };
        Ok(Same { value, entry: value && old.since == new.since && old.rotated == new.rotated })
    }
}
