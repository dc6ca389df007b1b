//! The sides of a merge, as far as git still has them.

use crate::git::{Git, GitError};

/// The sides of a merge of one file.
pub(super) struct Found {
    /// Nothing where both made the file.
    pub(super) base: Option<Vec<u8>>,
    pub(super) ours: Vec<u8>,
    pub(super) theirs: Vec<u8>,
    /// The commits that ours and theirs are of, as far as they are known.
    pub(super) commits: [Option<String>; 2],
    /// Whether git takes the file for merged already.
    pub(super) committed: bool,
}

/// What is being done, by the reference git keeps for it, and what the base is then.
const UNDER_WAY: &[(&str, Option<&str>)] =
    &[("MERGE_HEAD", None), ("CHERRY_PICK_HEAD", Some("CHERRY_PICK_HEAD^")), ("REBASE_HEAD", Some("REBASE_HEAD^"))];

/// The sides of the merge under way, else of the merge that the last commit is; nothing if there is none, or the file was
/// on one side only.
pub(super) fn find(git: &Git, path: &str) -> Result<Option<Found>, GitError> {
    let staged = git.staged(path)?;
    let under_way = UNDER_WAY.iter().find(|(reference, _)| matches!(git.commit(reference), Ok(Some(_))));
    if staged.iter().any(|one| one.stage > 0) {
        let stage = |number| {
            let found = staged.iter().find(|one| one.stage == number);
            found.map_or(Ok(None), |found| git.content(&found.object))
        };
        let commits = [Some("HEAD"), under_way.map(|(reference, _)| *reference)];
        let found = found(stage(1)?, stage(2)?, stage(3)?, commits);
        return Ok(found.map(|found| Found { committed: false, ..found }));
    }
    if let Some((reference, base)) = under_way {
        return between(git, path, "HEAD", reference, *base);
    }
    if git.commit("HEAD^2")?.is_some() {
        return between(git, path, "HEAD^1", "HEAD^2", None);
    }
    Ok(None)
}

fn between(git: &Git, path: &str, ours: &str, theirs: &str, base: Option<&str>) -> Result<Option<Found>, GitError> {
    let base = match base {
        Some(base) => Some(base.to_owned()),
        None => git.merge_bases(ours, theirs)?.into_iter().next(),
    };
    let at = |commit: &str| git.content(&format!("{commit}:{path}"));
    let base = base.map_or(Ok(None), |base| at(&base))?;
    Ok(found(base, at(ours)?, at(theirs)?, [Some(ours), Some(theirs)]))
}

fn found(
    base: Option<Vec<u8>>,
    ours: Option<Vec<u8>>,
    theirs: Option<Vec<u8>>,
    commits: [Option<&str>; 2],
) -> Option<Found> {
    let commits = commits.map(|commit| commit.map(str::to_owned));
    Some(Found { base, ours: ours?, theirs: theirs?, commits, committed: true })
}
