//! The file that a merge makes.

use super::header::Header;
use super::{Merge, NewKey, Which};
use crate::sealed::{DataKey, SealedEntry, SealedFile};

/// A new key, wrapped for those of [`NewKey`].
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'f> {
    /// The key.
    pub key: &'f DataKey,
    /// The age file that holds it, binary.
    pub age_file: &'f [u8],
}

impl<'a> Merge<'a> {
    /// The merged file, sealed with the revision after both. Entries in conflict stand in it as they were taken by
    /// default: ours, else theirs. `fresh` is the key that [`Merge::new_key`] asks for; `nonce` gives random bytes that
    /// were never used. Nothing if one of them is missing.
    pub fn seal(&self, fresh: Option<Fresh<'_>>, nonce: &mut dyn FnMut() -> Option<[u8; 24]>) -> Option<SealedFile> {
        let mut file = self.head(fresh)?;
        let key = self.key(fresh)?;
        for (name, which) in &self.taken {
            let side = self.sides.side(*which);
            let entry = side.file.entries.get(name)?;
            // Sealed under another key it is the same entry: it did not change.
            let sealed = if side.key.is_same(key) {
                entry.sealed.clone()
            } else {
                let value = side.file.open(name, side.key)?;
                key.seal(file.place(name), &value, &nonce()?)?
            };
            file.entries.insert(name.clone(), SealedEntry { sealed, ..entry.clone() });
        }
        if let Some(whole) = self.as_it_was(&file) {
            return Some(whole.clone());
        }
        file.mac = key.mac(&file);
        Some(file)
    }

    /// The key of the merged file.
    pub fn key<'k>(&self, fresh: Option<Fresh<'k>>) -> Option<&'k DataKey>
    where
        'a: 'k,
    {
        match &self.header {
            Header::Of(which) => Some(self.sides.side(*which).key),
            Header::New(_) => fresh.map(|fresh| fresh.key),
        }
    }

    /// The merged file without entries and seal.
    fn head(&self, fresh: Option<Fresh<'_>>) -> Option<SealedFile> {
        let mut file = match &self.header {
            Header::Of(which) => self.sides.side(*which).file.clone(),
            Header::New(NewKey { prover, generation, recipients }) => {
                let (side, fresh) = (self.sides.side(*prover), fresh?);
                SealedFile {
                    generation: *generation,
                    age_file: fresh.age_file.to_vec(),
                    lineage: Some(side.key.lineage(*generation, fresh.key)),
                    recipients: recipients.clone(),
                    ..side.file.clone()
                }
            }
        };
        let revisions = [Which::Ours, Which::Theirs].map(|which| self.sides.side(which).file.revision);
        file.revision = revisions.into_iter().max()?.checked_add(1)?;
        file.protected = self.protected;
        file.mac.clear();
        file.entries.clear();
        Some(file)
    }

    /// The side that the merge comes to, where the other one has nothing to add: it keeps its revision and seal, as it
    /// does where git itself takes the whole file.
    fn as_it_was(&self, file: &SealedFile) -> Option<&'a SealedFile> {
        let (ours, theirs) = (self.sides.ours.file, self.sides.theirs.file);
        let is_base = |side: &SealedFile| self.sides.base.is_some_and(|base| base.file.mac == side.mac);
        let side = match () {
            () if is_base(theirs) || ours.mac == theirs.mac => ours,
            () if is_base(ours) => theirs,
            () => return None,
        };
        let bare = |file: &SealedFile| SealedFile { revision: 0, mac: String::new(), ..file.clone() };
        (bare(side) == bare(file)).then_some(side)
    }
}
