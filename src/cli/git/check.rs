//! `envctl git check`: what is about to be committed, as it stands in the index. Nothing is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{below, failed, open, project_path};
use crate::context::{Channel, Context, Exit, Outcome};
use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics, Severity};
use crate::git::{Git, GitError, Staged};
use crate::identity::{Ask, Identities};
use crate::model::Model;
use crate::project::{CONFIG, Files, Loaded, Wanted, load_from};
use crate::secret::Secret;
use crate::unseal::Unsealer;

/// Arguments of `git check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is staged, which is what it checks anyway
    #[arg(long)]
    staged: bool,
}

/// How an age identity begins, wherever it stands: in a variable, a list, a string.
const IDENTITY: &[&[u8]] = &[b"AGE-SECRET-KEY-1", b"AGE-SECRET-KEY-PQ-1"];
/// The characters that follow, and how many there are at least: data and checksum of 32 bytes in Bech32 (BIP 173).
const BECH32: &[u8] = b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
const IDENTITY_LENGTH: usize = 58;
/// How the identity of a plugin begins, on a line of its own.
const PLUGIN: &[u8] = b"AGE-PLUGIN-";
/// The mode of a commit of another repository.
const SUBMODULE: &str = "160000";
/// Files in which an identity is looked for are not larger than this, in bytes.
const MAX_IDENTITY: u64 = 1 << 20;
/// Problems that stop a commit; others are the affair of `envctl check`.
const STOPPING: &[Code] = &[
    Code::SecretInClear,
    Code::StaleRecipients,
    Code::MergeConflict,
    Code::TomlSyntax,
    Code::NotUtf8,
    Code::FileTooLarge,
    Code::StagedFile,
    Code::DuplicateName,
];

/// Nobody: a hook asks no questions.
struct Nobody;

impl Ask for Nobody {
    fn passphrase(&self, _what: &str) -> Option<Secret> {
        None
    }

    fn message(&self, _text: &str) {}

    fn confirm(&self, _text: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn line(&self, _text: &str) -> Option<String> {
        None
    }
}

/// Checks the index.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let Args { staged: _ } = args;
    let root = context.root()?;
    let git = open(context, &context.directory()?)?;
    let project = project_path(context, &git, &root)?;
    let staged = git.staged(&project).map_err(|error| failed(context, error))?;
    let mut problems = Diagnostics::default();
    identities(&git, &mut problems).map_err(|error| failed(context, error))?;
    let files = files(context, &git, &project, &staged, &mut problems)?;
    if !files.contains_key(CONFIG) {
        let about =
            if files.is_empty() { "nothing of this project is staged\n" } else { "envctl.toml is not staged\n" };
        context.remark(about);
        return context.stop_on_errors(problems, &crate::source::SourceMap::default(), "nothing was committed");
    }
    let mut loaded = load_from(Files::Given(&files), &root, &Wanted::All, None, None);
    for problem in std::mem::take(&mut loaded.problems) {
        if STOPPING.contains(&problem.code) || problem.code.class() == Class::Trust {
            problems.push(Diagnostic { severity: Severity::Error, ..problem });
        }
    }
    let verified = loaded.model.as_ref().map(|model| verify(context, model, &mut problems));
    finish(context, &loaded, problems, verified.unwrap_or_default())
}

fn finish(context: &Context, loaded: &Loaded, problems: Diagnostics, unverified: usize) -> Outcome {
    let code = problems.exit_code(false);
    context.report(problems, &loaded.sources, "nothing was committed", Channel::Remark)?;
    if code != 0 {
        return Err(Exit(code));
    }
    if unverified > 0 {
        let seals = if unverified == 1 { "seal" } else { "seals" };
        context.remark(&format!("ok, {unverified} {seals} not verified (no key)\n"));
    }
    Ok(())
}

/// The files of the project, by their path in it; those that must not be staged are reported.
fn files(
    context: &Context,
    git: &Git,
    project: &str,
    staged: &[Staged],
    problems: &mut Diagnostics,
) -> Result<BTreeMap<String, Vec<u8>>, Exit> {
    let mut wanted = Vec::new();
    for entry in staged.iter().filter(|entry| entry.stage == 0) {
        let prefix = below(project, "");
        let Some(path) = entry.path.strip_prefix(&prefix) else { continue };
        if path.starts_with(".envctl/") {
            problems.push(refused(&entry.path, "it is envctl's own, for one machine"));
        }
        let is_ours = path == CONFIG || path.starts_with("environments/") || path.starts_with("schemas/");
        if !is_ours {
            continue;
        }
        if path.starts_with("environments/") && path.ends_with(".local.toml") {
            problems.push(refused(&entry.path, "the overlay of one machine is no part of the project"));
        } else if entry.mode == "120000" {
            problems.push(refused(&entry.path, "a link is not followed out of a commit"));
        } else if entry.mode != SUBMODULE {
            wanted.push((path.to_owned(), entry.object.as_str()));
        }
    }
    let objects: Vec<&str> = wanted.iter().map(|(_, object)| *object).collect();
    let contents = git.contents(&objects, u64::MAX).map_err(|error| failed(context, error))?;
    Ok(wanted.into_iter().zip(contents).map(|((path, _), bytes)| (path, bytes.unwrap_or_default())).collect())
}

/// Identities in what the commit adds, anywhere in the repository.
fn identities(git: &Git, problems: &mut Diagnostics) -> Result<(), GitError> {
    let mut changed = git.changed()?;
    changed.retain(|one| one.mode != SUBMODULE);
    let objects: Vec<&str> = changed.iter().map(|one| one.object.as_str()).collect();
    let contents = git.contents(&objects, MAX_IDENTITY)?;
    for (entry, bytes) in changed.iter().zip(contents) {
        if bytes.is_some_and(|bytes| has_identity(&bytes)) {
            problems.push(refused(&entry.path, "it holds an age identity: whoever has it can read the secrets"));
        }
    }
    Ok(())
}

/// Whether an identity stands anywhere in a file.
fn has_identity(bytes: &[u8]) -> bool {
    let plugin = |line: &[u8]| line.trim_ascii_start().starts_with(PLUGIN);
    let is_key = |rest: &[u8]| rest.iter().take_while(|byte| BECH32.contains(byte)).count() >= IDENTITY_LENGTH;
    let ends = |part: &[u8]| IDENTITY.iter().any(|start| part.strip_prefix(*start).is_some_and(is_key));
    let mut starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'A').map(|(start, _)| start);
    bytes.split(|byte| *byte == b'\n').any(plugin) || starts.any(|start| bytes.get(start..).is_some_and(ends))
}

fn refused(path: &str, why: &str) -> Diagnostic {
    let problem = Diagnostic::error(Code::StagedFile, format!("{path} must not be committed: {why}"));
    problem.help(format!("`git rm --cached {path}`, and a line for it in `.gitignore`"))
}

/// Verifies the seals that an identity at hand opens without a question; gives the number of the others.
fn verify(context: &Context, model: &Model, problems: &mut Diagnostics) -> usize {
    let identities = Identities::new(&context.environment, context.globals.identity.clone(), Arc::new(Nobody));
    let mut unsealer = Unsealer::new(identities);
    let mut unverified = 0;
    for file in model.environments.values() {
        match unsealer.open(file) {
            Some(Err(problem)) if problem.code.class() == Class::Trust => problems.push(problem),
            Some(Err(_)) => unverified += 1,
            Some(Ok(_)) | None => {}
        }
    }
    unverified
}
