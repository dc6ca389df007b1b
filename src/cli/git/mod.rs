//! `envctl git`: what git calls for environment files, and setting that up.

mod check;
mod install;

pub(super) use install::install_at;
mod merge;
mod setup;

use std::path::{Path, PathBuf};

pub(super) use merge::{environment_of, project_id};

use clap::Subcommand;

use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::git::{Git, GitError};
use crate::project::MAX_FILE;
use crate::sealed;
use crate::store;

/// Readable diffs, merges by name and a check before each commit, for the git repository around the project
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set this repository up: diffs, merges, the hook before a commit
    ///
    /// It changes the configuration and the hooks of this clone, which are not part of what is pushed: each clone is set
    /// up once. What it finds done it leaves alone.
    Install(install::Args),
    /// Take the set-up of this repository away
    Uninstall,
    /// Print an environment file as a diff shows it: without values and without a key (called by git)
    Textconv {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Merge an environment file by name (called by git)
    Merge(merge::Args),
    /// Check what is about to be committed: no secret in clear, no broken seal, no stale recipients
    Check(check::Args),
}

/// Carries the action out.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.action {
        Action::Install(args) => install::run(args, context),
        Action::Uninstall => install::uninstall(context),
        Action::Textconv { file } => textconv(file, context),
        Action::Merge(args) => merge::run(args, context),
        Action::Check(args) => check::run(args, context),
    }
}

/// Git puts old versions into files of its own choosing: nothing but the file itself is looked at.
fn textconv(file: &Path, context: &Context) -> Outcome {
    let bytes = store::read_limited(file, MAX_FILE)
        .map_err(|_| context.fail(Diagnostic::error(Code::Io, format!("{} cannot be read", file.display()))))?;
    match String::from_utf8(bytes) {
        Ok(text) => context.print(&sealed::shown(&text)),
        Err(_) => context.print("# envctl: this is not UTF-8 text, so nothing of it is shown\n"),
    }
}

/// The repository around a directory.
pub(super) fn open(context: &Context, directory: &Path) -> Result<Git, Exit> {
    Git::open(&context.environment, directory).map_err(|error| failed(context, error))
}

/// The end of a command for which git did not do its part.
pub(super) fn failed(context: &Context, error: GitError) -> Exit {
    context.fail(problem(error))
}

/// What is said of a git that did not do its part.
pub(super) fn problem(error: GitError) -> Diagnostic {
    let problem = Diagnostic::error(Code::GitFailed, error.describe());
    match error {
        GitError::NotFound => problem.help("install git, or put it on the PATH"),
        _ => problem.help("`git status` in this directory says more"),
    }
}

/// The path of the project in the repository: empty where it is its root.
pub(super) fn project_path(context: &Context, git: &Git, root: &Path) -> Result<String, Exit> {
    let outside = || context.fail(Diagnostic::error(Code::GitFailed, "the project is outside of the work tree"));
    let (root, top) = (root.canonicalize().map_err(|_| outside())?, git.top().canonicalize().map_err(|_| outside())?);
    let below = root.strip_prefix(&top).map_err(|_| outside())?;
    below.to_str().map(|path| path.replace('\\', "/")).ok_or_else(outside)
}

/// A path below the project, in the repository.
pub(super) fn below(project: &str, path: &str) -> String {
    if project.is_empty() { path.to_owned() } else { format!("{project}/{path}") }
}
