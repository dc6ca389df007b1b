//! `envctl git merge`: the merge driver. Git gives three files and the path; the result goes into the second of them.

use std::path::{Path, PathBuf};

use super::open;
use crate::config::Config;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::git::Git;
use crate::merging::{self, Versions};
use crate::name;
use crate::project::{CONFIG, MAX_FILE};
use crate::sealed::merge::cleartext;
use crate::source::SourceMap;
use crate::store;

/// What is too large to be merged by name is kept up to this size, in bytes.
const MAX_RAW: u64 = 1 << 30;

/// Arguments as `merge.envctl.driver` has them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What both sides came from: `%O`
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// Ours, and where the result goes: `%A`
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// Theirs: `%B`
    #[arg(value_name = "THEIRS")]
    theirs: PathBuf,
    /// The path in the repository: `%P`
    #[arg(value_name = "PATH")]
    path: String,
}

/// Merges. Git takes 1 for a conflict; above 128 it would give the whole merge up.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    merge(args, context).map_err(|_| Exit(1))
}

fn merge(args: &Args, context: &Context) -> Outcome {
    let (mut sources, mut problems) = (SourceMap::default(), Diagnostics::default());
    let read = |path: &Path| store::read_limited(path, MAX_FILE);
    let bytes = match (read(&args.base), read(&args.ours), read(&args.theirs)) {
        (Ok(base), Ok(ours), Ok(theirs)) => Some([base, ours, theirs]),
        _ => {
            let message = format!("{}: a version cannot be read, or is too large", args.path);
            problems.push(Diagnostic::error(Code::Io, message));
            None
        }
    };
    let git = context.directory().and_then(|directory| open(context, &directory)).ok();
    let text = git.as_ref().zip(bytes.as_ref()).and_then(|(git, bytes)| {
        let mut versions = versions(git, &args.path, bytes.clone(), &mut sources, &mut problems)?;
        versions.commits = [Some(String::from("HEAD")), merged_commit(context)];
        versions.drive(git, &mut context.unsealer(), &mut problems)
    });
    let unmerged = git.is_none() || problems.has_errors();
    // What holds markers, or is no TOML, cannot be committed unseen.
    let text = match text.map(String::into_bytes) {
        Some(text) if !unmerged || is_marked(&text) || cleartext(&String::from_utf8_lossy(&text)).is_none() => text,
        _ => by_lines(git.as_ref(), &bytes.unwrap_or_else(|| raw(args))),
    };
    store::replace(&args.ours, &text)
        .map_err(|error| context.fail(Diagnostic::error(Code::Io, error.describe_as("the merged file"))))?;
    context.stop_on_errors(problems, &sources, "the file is left in conflict")?;
    if unmerged { Err(Exit(1)) } else { Ok(()) }
}

/// What can be had of versions that are too large to be merged; one that cannot be read is empty.
fn raw(args: &Args) -> [Vec<u8>; 3] {
    [&args.base, &args.ours, &args.theirs].map(|path| store::read_limited(path, MAX_RAW).unwrap_or_default())
}

fn is_marked(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< "))
}

/// Of what is not merged by name: git's merge of the lines, with markers in any case, so that nobody takes it for merged.
fn by_lines(git: Option<&Git>, [base, ours, theirs]: &[Vec<u8>; 3]) -> Vec<u8> {
    match git.map(|git| git.merge_bytes([base, ours, theirs])) {
        Some(Ok((text, false))) => text,
        Some(Ok((text, true))) => [b"<<<<<<< ours\n=======\n>>>>>>> theirs\n", text.as_slice()].concat(),
        _ => [b"<<<<<<< ours\n", ours.as_slice(), b"\n=======\n", theirs, b"\n>>>>>>> theirs\n"].concat(),
    }
}

/// The commit that is merged, which `git merge` tells in the name of a variable.
fn merged_commit(context: &Context) -> Option<String> {
    let names = context.environment.iter().filter_map(|(name, _)| name.to_str()?.strip_prefix("GITHEAD_"));
    let commits: Vec<&str> = names.filter(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit())).collect();
    match commits.as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

/// The three versions of an environment; nothing, and why, where the path or one of them is none.
fn versions(
    git: &Git,
    path: &str,
    [base, ours, theirs]: [Vec<u8>; 3],
    sources: &mut SourceMap,
    problems: &mut Diagnostics,
) -> Option<Versions> {
    let Some((root, environment)) = environment_of(path) else {
        let message = "this is no environment file: `environments/NAME.toml` of a project";
        problems.push(
            Diagnostic::error(Code::Usage, message).help("`.gitattributes` says which files are merged by envctl"),
        );
        return None;
    };
    let Some(project) = project_id(git, root) else {
        let message = format!("{path}: there is no readable envctl.toml in the directory above `environments`");
        problems.push(Diagnostic::error(Code::NotAProject, message));
        return None;
    };
    let mut version = |bytes, which| merging::read(environment, merging::label(path, which), bytes, sources, problems);
    // An empty base is what git gives where both sides made the file.
    let base = if base.is_empty() { Some(None) } else { version(base, "base").map(Some) };
    let (ours, theirs) = (version(ours, "ours"), version(theirs, "theirs"));
    let (environment, path, commits) = (environment.to_owned(), path.to_owned(), [None, None]);
    Some(Versions { environment, project, path, commits, base: base?, ours: ours?, theirs: theirs? })
}

/// The project's directory and the environment of a path in a repository.
pub(in crate::cli) fn environment_of(path: &str) -> Option<(&str, &str)> {
    let (folder, file) = path.rsplit_once('/')?;
    let root = folder.strip_suffix("environments").filter(|root| root.is_empty() || root.ends_with('/'))?;
    let environment = file.strip_suffix(".toml").filter(|name| name::is_word(name))?;
    Some((root.trim_end_matches('/'), environment))
}

/// The id of a project: as it was committed, since in the middle of a merge the file may be anything; else as it is.
pub(in crate::cli) fn project_id(git: &Git, root: &str) -> Option<String> {
    let path = super::below(root, CONFIG);
    let committed = git.content(&format!("HEAD:{path}")).ok().flatten();
    let bytes = committed.or_else(|| store::read_limited(&git.top().join(path), MAX_FILE).ok())?;
    let text = String::from_utf8(bytes).ok()?;
    let source = SourceMap::default().add_masked("", "");
    Config::read(&text, source, &mut Diagnostics::default()).map(|config| config.id.value)
}
