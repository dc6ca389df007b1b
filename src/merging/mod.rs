//! Versions of one environment file brought together: read, opened, merged, put into one text.

mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use work::Work;

use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::environment::EnvironmentFile;
use crate::git::{Git, GitError};
use crate::project::MAX_FILE;
use crate::sealed::SealedFile;
use crate::sealed::merge::{
    Change, Choices, Conflict, Fresh, Merge, Refusal, Side, Sides, Text, Which, mark_mac, merge_texts,
};
use crate::source::{SourceId, SourceMap};
use crate::unseal::{Opened, Unsealer};
use crate::update::no_random;

/// One version of the file.
#[derive(Debug)]
pub struct Version {
    /// Its text.
    pub text: Arc<str>,
    /// What it says.
    pub file: EnvironmentFile,
}

/// Three versions of one environment.
#[derive(Debug)]
pub struct Versions {
    /// The environment.
    pub environment: String,
    /// The id of the project that the file was found in.
    pub project: String,
    /// The file's path in the repository.
    pub path: String,
    /// The commits that ours and theirs are of, or come after, as far as they are known.
    pub commits: [Option<String>; 2],
    /// What both came from, if anything.
    pub base: Option<Version>,
    /// What the work tree has.
    pub ours: Version,
    /// What is merged into it.
    pub theirs: Version,
}

/// What has to be decided about the sealed parts.
#[derive(Debug)]
pub enum Need {
    /// Nothing: this one, or none.
    Nothing(Option<Arc<SealedFile>>),
    /// Whether to take the one that this side brings, where there was none.
    New(Which),
    /// Both have one, and they differ.
    Merge,
}

/// Versions that were opened and verified.
#[derive(Debug)]
pub struct Trio {
    base: Option<Opened>,
    ours: Opened,
    theirs: Opened,
    between: Vec<Opened>,
    returned: BTreeSet<String>,
}

/// The name of a version, for people.
pub fn label(path: &str, which: &str) -> String {
    format!("{path} ({which})")
}

/// Reads one version; nothing, and all its problems, if it is no well-formed environment.
pub fn read(
    environment: &str,
    shown: String,
    bytes: Vec<u8>,
    sources: &mut SourceMap,
    problems: &mut Diagnostics,
) -> Option<Version> {
    let Ok(text) = String::from_utf8(bytes) else {
        problems.push(Diagnostic::error(Code::NotUtf8, format!("{shown} is not UTF-8 text")));
        return None;
    };
    let text: Arc<str> = Arc::from(text);
    let source: SourceId = sources.add_masked(shown, Arc::clone(&text));
    let mut found = Diagnostics::default();
    let file = EnvironmentFile::read(environment, false, &text, source, &mut found);
    // What is wrong with its cleartext is told by `check`: it is merged by lines.
    let mut sealed = Diagnostics::default();
    let file_is_there = file.is_some();
    let trust = |one: &Diagnostic| one.code.class() == crate::diagnostic::Class::Trust;
    for problem in found.into_iter().filter(|one| !file_is_there || trust(one)) {
        sealed.push(problem);
    }
    let good = !sealed.has_errors();
    problems.append(sealed);
    Some(Version { text, file: file? }).filter(|_| good)
}

impl Version {
    /// Its sealed part.
    pub fn sealed(&self) -> Option<&Arc<SealedFile>> {
        self.file.sealed.as_ref().map(|(sealed, _)| sealed)
    }
}

impl Versions {
    /// What has to be decided; it is refused to take a sealed part away whole.
    pub fn need(&self) -> Result<Need, Diagnostic> {
        let base = self.base.as_ref().and_then(Version::sealed);
        match (base, self.ours.sealed(), self.theirs.sealed()) {
            (_, ours, theirs) if ours == theirs => Ok(Need::Nothing(ours.cloned())),
            (None, Some(_), None) => Ok(Need::New(Which::Ours)),
            (None, None, Some(_)) => Ok(Need::New(Which::Theirs)),
            (_, Some(_), Some(_)) => Ok(Need::Merge),
            (_, ours, _) => {
                let (who, kept) = if ours.is_none() { ("ours", "theirs") } else { ("theirs", "ours") };
                let message = format!("{}: {who} removed `[seal]` and all secrets", self.path);
                let help = format!(
                    "`git checkout --{kept} {0}` keeps them, `git checkout --{who} {0}` does not; then `git add`",
                    self.path
                );
                Err(Diagnostic::error(Code::MergeKeyConflict, message).help(help))
            }
        }
    }

    /// Opens and verifies all versions that have a sealed part.
    pub fn open(&self, unsealer: &mut Unsealer<'_>) -> Result<Trio, Diagnostic> {
        let mut open = |version: &Version| self.open_one(version, unsealer);
        let missing = || Diagnostic::error(Code::SealedStructure, format!("{} has no `[seal]`", self.path));
        Ok(Trio {
            base: self.base.as_ref().and_then(&mut open).transpose()?,
            ours: open(&self.ours).ok_or_else(missing)??,
            theirs: open(&self.theirs).ok_or_else(missing)??,
            between: Vec::new(),
            returned: BTreeSet::new(),
        })
    }

    fn open_one(&self, version: &Version, unsealer: &mut Unsealer<'_>) -> Option<Result<Opened, Diagnostic>> {
        let file = &version.file;
        if let Some((sealed, spans)) = file.sealed.as_ref().filter(|(sealed, _)| sealed.project != self.project) {
            let message = format!("`{}` is sealed for another project", sealed.environment);
            let problem = Diagnostic::error(Code::SealedElsewhere, message).at(spans.project, "sealed for this one");
            return Some(Err(problem.help("a sealed file cannot be copied from another project")));
        }
        unsealer.open(file)
    }

    /// Verifies the sealed part that one side alone brings: anybody can put one into a branch.
    pub fn verify_new(
        &self,
        which: Which,
        git: &Git,
        unsealer: &mut Unsealer<'_>,
    ) -> Result<Arc<SealedFile>, Diagnostic> {
        let [ours, theirs] = &self.commits;
        let (version, other) = match which {
            Which::Ours => (&self.ours, theirs),
            Which::Theirs => (&self.theirs, ours),
        };
        let missing = || Diagnostic::error(Code::SealedStructure, format!("{} has no `[seal]`", self.path));
        self.open_one(version, unsealer).ok_or_else(missing)??;
        let sealed = version.sealed().ok_or_else(missing)?;
        if let Some(commit) = other {
            self.past(git, commit, which, sealed, &mut |_| {})?;
        }
        Ok(Arc::clone(sealed))
    }

    /// Looks for what only git knows: that one side is what the other one once was, and versions that prove a key several steps away.
    pub fn consult(&self, git: &Git, trio: &mut Trio, unsealer: &mut Unsealer<'_>) -> Result<(), Diagnostic> {
        self.look_back(git, trio)?;
        let unproved = matches!(trio.sides(&[]).merge(&Choices::default()), Err(Refusal::NoProof(_)));
        if !unproved {
            return Ok(());
        }
        for bytes in git.versions(&self.path).map_err(git_failed)? {
            let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
            let version = read(&self.environment, String::new(), bytes, &mut sources, &mut problems);
            // What does not open proves nothing.
            let Some(Ok(opened)) = version.and_then(|version| unsealer.open(&version.file)) else { continue };
            if !trio.between.iter().any(|known| known.key().is_same(opened.key())) {
                trio.between.push(opened);
            }
        }
        Ok(())
    }

    /// Holds each side against what the other one was: without this a removed entry comes back with an old copy of the
    /// file that is newer than an old base, or from between two bases.
    fn look_back(&self, git: &Git, trio: &mut Trio) -> Result<(), Diagnostic> {
        let crossed = match &self.commits {
            [Some(ours), Some(theirs)] => git.merge_bases(ours, theirs).map_err(git_failed)?.len() > 1,
            _ => false,
        };
        let (ours, theirs) = (trio.ours.file(), trio.theirs.file());
        if crossed && ours.protected != theirs.protected {
            return Err(self.refused(&Refusal::Protected));
        }
        let base = trio.base.as_ref().map(Opened::file);
        let mut returned = BTreeSet::new();
        let [our_commit, their_commit] = &self.commits;
        for (which, side, other, commit) in
            [(Which::Theirs, theirs, ours, our_commit), (Which::Ours, ours, theirs, their_commit)]
        {
            let Some(commit) = commit.as_ref().filter(|_| base.is_none_or(|base| base.mac != side.mac)) else {
                continue;
            };
            let is_added = |name: &&String| {
                !other.entries.contains_key(*name) && base.is_none_or(|base| !base.entries.contains_key(*name))
            };
            let added: Vec<&String> = side.entries.keys().filter(is_added).collect();
            self.past(git, commit, which, side, &mut |bytes| {
                let names = if crossed && !added.is_empty() { self.names(bytes) } else { BTreeSet::new() };
                let was = |name: &str| {
                    names.contains(name) || side.entries.get(name).is_some_and(|entry| holds(bytes, &entry.enc()))
                };
                returned.extend(added.iter().filter(|name| was(name)).map(|name| (*name).clone()));
            })?;
        }
        trio.returned = returned;
        Ok(())
    }

    /// Shows every version that the other side's commit comes from; one that is this side is refused.
    fn past(
        &self,
        git: &Git,
        commit: &str,
        which: Which,
        side: &SealedFile,
        look: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Diagnostic> {
        let objects = git.history(commit, &self.path).map_err(git_failed)?;
        for some in objects.chunks(32) {
            let some: Vec<&str> = some.iter().map(String::as_str).collect();
            for bytes in git.contents(&some, MAX_FILE).map_err(git_failed)?.into_iter().flatten() {
                if holds(&bytes, &side.mac) {
                    return Err(self.refused(&Refusal::Older(which)));
                }
                look(&bytes);
            }
        }
        if git.is_shallow().map_err(git_failed)? {
            let message =
                format!("{}: in a shallow clone nothing tells whether {} is an older copy", self.path, which.word());
            let help = "`git fetch --unshallow` gets the whole history; then merge again";
            return Err(Diagnostic::error(Code::GitFailed, message).help(help));
        }
        Ok(())
    }

    /// The names of the sealed entries of a version.
    fn names(&self, bytes: &[u8]) -> BTreeSet<String> {
        let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
        let version = read(&self.environment, String::new(), bytes.to_vec(), &mut sources, &mut problems);
        let sealed = version.and_then(|version| version.sealed().cloned());
        sealed.map(|sealed| sealed.entries.keys().cloned().collect()).unwrap_or_default()
    }

    /// Merges the texts by lines around a sealed part.
    pub fn texts(&self, git: &Git, sealed: Option<&SealedFile>) -> Result<Text, Diagnostic> {
        let texts = [self.base.as_ref().map_or("", |base| &base.text), &self.ours.text, &self.theirs.text];
        let mut error = None;
        let mut three_way = |texts: [&str; 3]| git.merge_lines(texts).map_err(|found| error = Some(found)).ok();
        let merged = match sealed {
            Some(sealed) => merge_texts(texts, sealed, three_way),
            None => three_way(texts),
        };
        let what = error.map_or_else(|| String::from("the texts could not be merged"), GitError::describe);
        merged.ok_or_else(|| Diagnostic::error(Code::GitFailed, format!("{}: {what}", self.path)))
    }

    /// The diagnostic of a refusal.
    pub fn refused(&self, refusal: &Refusal) -> Diagnostic {
        let path = &self.path;
        let error = |code, text: &str| Diagnostic::error(code, format!("{path}: {text}"));
        match refusal {
            Refusal::Elsewhere => error(Code::SealedElsewhere, "the sides are sealed for different projects or environments"),
            Refusal::Protected => error(Code::MergeKeyConflict, "only one side is protected, and nothing tells which is newer")
                .help("make `protected` the same on both sides, then merge again"),
            Refusal::Older(which) => {
                let (old, kept) = (which.word(), which.other().word());
                error(Code::OlderCopy, &format!("{old} is an older copy of the sealed part: its old values would come back"))
                    .note("nobody needs a key to put an old version of a file into a branch")
                    .help(format!("`git checkout --{kept} {path}` and `git add {path}` keep the newer one; set anew with `envctl set` what you miss"))
            }
            Refusal::NoProof(which) => error(Code::KeyReplaced, &format!("{} has a new data key that the one before does not prove", which.word()))
                .note("anybody can make a file with a new key for public recipients")
                .help("ask who made it; then merge the commits of each `rekey` one after the other, or keep the side you trust"),
            Refusal::TwoKeys => error(Code::MergeKeyConflict, "both sides have made a new data key")
                .help(format!("`envctl resolve {path} --key ours` or `--key theirs`: a new key, proved by that one, for those who can read both")),
            Refusal::TwoRecipients => error(Code::MergeKeyConflict, "both sides have changed who can read")
                .help(format!("`envctl resolve {path} --key ours` or `--key theirs` takes that side's recipients; then `envctl recipients add`")),
            Refusal::TheirRecipients(names) => error(Code::MergeKeyConflict, &format!("theirs has changed who can read: {}", names.join(", ")))
                .help(format!("`envctl resolve {path} --key theirs` takes their recipients, `--key ours` keeps those that are here")),
            Refusal::NobodyReadsBoth => error(Code::MergeKeyConflict, "nobody can read both sides")
                .help("keep one side and set anew what you miss"),
            Refusal::Unreadable(name) => error(Code::SealBroken, &format!("the sealed value of `{name}` does not open, though the seal matches"))
                .help("set it anew on the side it was changed on"),
        }
    }

    /// The diagnostic of an entry in conflict.
    pub fn in_conflict(&self, name: &str, conflict: Conflict) -> Diagnostic {
        let message = format!("{}: whose `{name}` is right has to be decided", self.path);
        let told = format!("ours {}, theirs {}", conflict.ours.words(), conflict.theirs.words());
        let problem = Diagnostic::error(Code::MergeEntryConflict, message).note(told);
        let removed = [conflict.ours, conflict.theirs].contains(&Change::Removed);
        let problem =
            if removed { problem.note("whoever removed it has none: taking that side removes it") } else { problem };
        problem.help(format!(
            "`envctl resolve {}` asks; `--take ours {name}` or `--take theirs {name}` in scripts",
            self.path
        ))
    }

    /// A warning for recipients whom the result leaves out.
    pub fn left_out(&self, merge: &Merge<'_>) -> Option<Diagnostic> {
        let out: Vec<&str> = merge.left_out().into_iter().collect();
        let first = out.first()?;
        let message = format!("{}: not among the recipients of the result: {}", self.path, out.join(", "));
        let help = format!("`envctl recipients add {first} …` lets them read again");
        Some(Diagnostic::warning(Code::StaleRecipients, message).help(help))
    }

    /// What the merge driver makes of the three: the text to write, if there is one, and what is to be said. Clean if
    /// there are no errors.
    pub fn drive(&self, git: &Git, unsealer: &mut Unsealer<'_>, problems: &mut Diagnostics) -> Option<String> {
        let done = self.need().and_then(|need| match need {
            Need::Nothing(sealed) => self.texts(git, sealed.as_deref()),
            Need::New(which) => {
                let sealed = self.verify_new(which, git, unsealer)?;
                self.texts(git, Some(&sealed))
            }
            Need::Merge => self.driven(git, unsealer, problems),
        });
        let text = match done {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                return self.untouched(git);
            }
        };
        if !text.clean && !problems.has_errors() {
            let message = format!("{}: the cleartext of both sides does not go together", self.path);
            let help = "edit it as after any git merge, then `git add`; sealed entries are merged";
            problems.push(Diagnostic::error(Code::MergeConflict, message).help(help));
        }
        Some(text.text)
    }

    fn driven(&self, git: &Git, unsealer: &mut Unsealer<'_>, problems: &mut Diagnostics) -> Result<Text, Diagnostic> {
        let mut trio = self.open(unsealer)?;
        self.consult(git, &mut trio, unsealer)?;
        let between = trio.between();
        let merge = trio.sides(&between).merge(&Choices::default()).map_err(|refusal| self.refused(&refusal))?;
        let merged = merge.seal(None, &mut nonce).ok_or_else(no_random)?;
        let mut text = self.texts(git, Some(&merged))?;
        if !merge.conflicts().is_empty() {
            text.text = merge.mark(&text.text, &merged).ok_or_else(unmarked)?;
        }
        if text.clean && merge.conflicts().is_empty() {
            self.check(&text.text, &merged)?;
        }
        for (name, conflict) in merge.conflicts() {
            problems.push(self.in_conflict(name, *conflict));
        }
        if let Some(warning) = self.left_out(&merge) {
            problems.push(warning);
        }
        Ok(text)
    }

    /// Whether the merged text has the merged sealed part, and nothing is wrong with it.
    fn check(&self, text: &str, merged: &SealedFile) -> Result<(), Diagnostic> {
        let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
        let bytes = text.as_bytes().to_vec();
        let version = read(&self.environment, self.path.clone(), bytes, &mut sources, &mut problems);
        if version.is_some_and(|version| version.sealed().is_some_and(|sealed| **sealed == *merged)) {
            return Ok(());
        }
        let message = format!("{}: what was merged by lines does not fit what is sealed", self.path);
        let help = "is `protected` at the top of the file the same on both sides?";
        Err(Diagnostic::error(Code::MergeConflict, message).help(help))
    }

    /// The cleartext merged, ours left as it is sealed, and marked so that it is not taken for merged.
    fn untouched(&self, git: &Git) -> Option<String> {
        let (ours, theirs) = (self.ours.sealed()?, self.theirs.sealed()?);
        let text = self.texts(git, Some(ours)).ok()?;
        mark_mac(&text.text, ours, theirs)
    }
}

impl Trio {
    /// The versions that may prove a key, for [`Self::sides`].
    pub fn between(&self) -> Vec<Side<'_>> {
        self.between.iter().map(side).collect()
    }

    /// What is merged.
    pub fn sides<'a>(&'a self, between: &'a [Side<'a>]) -> Sides<'a> {
        let (ours, theirs) = (side(&self.ours), side(&self.theirs));
        Sides { base: self.base.as_ref().map(side), ours, theirs, between, returned: &self.returned }
    }
}

fn side(opened: &Opened) -> Side<'_> {
    Side { file: opened.file(), key: opened.key() }
}

fn git_failed(error: GitError) -> Diagnostic {
    Diagnostic::error(Code::GitFailed, error.describe())
}

/// Whether a text stands in a file.
fn holds(bytes: &[u8], text: &str) -> bool {
    !text.is_empty() && bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Random bytes from the system.
pub fn nonce() -> Option<[u8; 24]> {
    let mut bytes = [0; 24];
    SysRng.try_fill_bytes(&mut bytes).ok()?;
    Some(bytes)
}

fn unmarked() -> Diagnostic {
    let message = "an entry in conflict does not have a line to itself";
    Diagnostic::error(Code::MergeKeyConflict, message).help("write each sealed entry on one line, as `envctl set` does")
}

/// Seals a merge, with a new key where both sides have made one; `wrap` wraps it for recipients.
pub fn sealed<E>(
    merge: &Merge<'_>,
    wrap: impl FnOnce(&crate::sealed::DataKey, &BTreeMap<String, String>) -> Result<Vec<u8>, E>,
) -> Result<SealedFile, Result<Diagnostic, E>> {
    let fresh = match merge.new_key() {
        Some(wanted) => {
            let key = crate::update::new_key().map_err(Ok)?;
            let age_file = wrap(&key, &wanted.recipients).map_err(Err)?;
            Some((key, age_file))
        }
        None => None,
    };
    let fresh = fresh.as_ref().map(|(key, age_file)| Fresh { key, age_file });
    merge.seal(fresh, &mut nonce).ok_or_else(|| Ok(no_random()))
}
