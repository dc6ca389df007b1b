//! Whose key and recipients a merge has.

use std::collections::BTreeMap;

use super::{Refusal, Side, Sides, Which};

/// Where key, generation, lineage and recipients come from.
#[derive(Debug)]
pub(super) enum Header {
    /// From this side, all of them.
    Of(Which),
    /// From nowhere: both sides had made a new key.
    New(NewKey),
}

/// What a new key has to be made for.
#[derive(Debug)]
pub struct NewKey {
    /// The side whose key proves the new one.
    pub prover: Which,
    /// The new generation.
    pub generation: u64,
    /// Those who can read both sides.
    pub recipients: BTreeMap<String, String>,
}

impl Sides<'_> {
    pub(super) fn header(&self, choice: Option<Which>) -> Result<Header, Refusal> {
        for which in [Which::Ours, Which::Theirs] {
            if self.base.is_some_and(|base| !self.follows(base, self.side(which))) {
                return Err(Refusal::NoProof(which));
            }
        }
        if self.ours.key.is_same(self.theirs.key) {
            return self.one_key(choice).map(Header::Of);
        }
        // With a base one side alone has another key than it; without one the proof has to tell.
        let newer = match self.base {
            Some(base) if base.key.is_same(self.ours.key) => Some(Which::Theirs),
            Some(base) if base.key.is_same(self.theirs.key) => Some(Which::Ours),
            None if self.follows(self.ours, self.theirs) => Some(Which::Theirs),
            None if self.follows(self.theirs, self.ours) => Some(Which::Ours),
            _ => None,
        };
        match (newer, choice) {
            (Some(newer), _) => Ok(Header::Of(newer)),
            (None, Some(prover)) => self.new_key(prover).map(Header::New),
            (None, None) => Err(Refusal::TwoKeys),
        }
    }

    /// Both have one key: whose recipients.
    fn one_key(&self, choice: Option<Which>) -> Result<Which, Refusal> {
        let (ours, theirs) = (self.ours.file, self.theirs.file);
        if (ours.generation, &ours.lineage) != (theirs.generation, &theirs.lineage) {
            return Err(Refusal::NoProof(Which::Theirs));
        }
        let readers = |side: Side<'_>| (side.file.age_file.clone(), side.file.recipients.clone());
        let base = self.base.map(readers);
        if base == Some(readers(self.theirs)) {
            return Ok(Which::Ours);
        }
        if base == Some(readers(self.ours)) {
            // Who reads here changes by no merge that nobody has looked at.
            return match choice {
                Some(which) => Ok(which),
                None if ours.recipients == theirs.recipients => Ok(Which::Theirs),
                None => Err(Refusal::TheirRecipients(differing(&ours.recipients, &theirs.recipients))),
            };
        }
        match choice {
            // The same people, wrapped twice: one of the two, whichever side is which.
            _ if ours.recipients == theirs.recipients && ours.age_file >= theirs.age_file => Ok(Which::Ours),
            _ if ours.recipients == theirs.recipients => Ok(Which::Theirs),
            Some(which) => Ok(which),
            None => Err(Refusal::TwoRecipients),
        }
    }

    fn new_key(&self, prover: Which) -> Result<NewKey, Refusal> {
        let (ours, theirs) = (self.ours.file, self.theirs.file);
        let both = ours.recipients.iter().filter(|(name, key)| theirs.recipients.get(*name) == Some(*key));
        let recipients: BTreeMap<String, String> = both.map(|(name, key)| (name.clone(), key.clone())).collect();
        if recipients.is_empty() {
            return Err(Refusal::NobodyReadsBoth);
        }
        let generation = ours.generation.max(theirs.generation).saturating_add(1);
        Ok(NewKey { prover, generation, recipients })
    }

    /// Whether a file has the key of another one, or one that was proved with it, step by step. Each key has been proved
    /// with one other, so that the steps are gone back.
    fn follows(&self, before: Side<'_>, after: Side<'_>) -> bool {
        if before.key.is_same(after.key) {
            return before.file.generation == after.file.generation && before.file.lineage == after.file.lineage;
        }
        let mut first = after;
        while !proves(before, first) {
            let Some(last) = self.between.iter().find(|last| proves(**last, first)) else { return false };
            first = *last;
        }
        true
    }
}

/// The names that two lists of recipients do not have alike.
fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

/// Whether the key of one file says of the other one's that it is the next.
fn proves(last: Side<'_>, next: Side<'_>) -> bool {
    let generation = next.file.generation;
    last.file.generation.checked_add(1) == Some(generation)
        && next.file.lineage.as_deref() == Some(last.key.lineage(generation, next.key).as_str())
}
