//! What belongs to the set-up of a repository: each part can be looked at, made and taken away.

use std::path::{Path, PathBuf};

use crate::git::{Git, GitError};
use crate::scaffold::GITATTRIBUTES;
use crate::store::{self, ReadProblem};

/// Settings of the repository.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("diff.envctl.textconv", "envctl git textconv"),
    ("diff.envctl.cachetextconv", "false"),
    ("merge.envctl.name", "envctl: sealed entries by name"),
    ("merge.envctl.driver", "envctl git merge %O %A %B %P"),
    // What several bases have in common is no version that anybody sealed: theirs is taken as it is.
    ("merge.envctl.recursive", "binary"),
];

/// The line by which a hook is known as ours.
const MARK: &str = "# Made by `envctl git install`; `envctl git uninstall` takes it away.";
/// Hooks are programs of at most this size, in bytes.
pub(super) const MAX_HOOK: u64 = 1 << 20;

/// What is there of the hook.
pub(super) enum Hook {
    /// None.
    Missing,
    /// One that checks this project.
    Done,
    /// One of ours, for other projects of the repository.
    Ours(String),
    /// Somebody else's.
    Foreign,
}

/// The file of the hook and whether it is this repository's alone: a directory for all repositories is not written to.
pub(super) fn hook_path(git: &Git) -> Result<(PathBuf, bool), GitError> {
    let hooks = git.own_path("hooks")?;
    let (own, top) = (git.own_path(".")?, git.top().to_owned());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let common = git.common()?;
    let inside = [own, top, common].iter().any(|place| real(&hooks).starts_with(real(place)));
    Ok((hooks.join("pre-commit"), inside))
}

/// The line of the hook that checks a project.
pub(super) fn hook_line(project: &str) -> String {
    let folder = if project.is_empty() { String::from(".") } else { project.to_owned() };
    let quoted = format!("'{}'", folder.replace('\'', "'\\''"));
    format!("if [ -f {quoted}/envctl.toml ]; then envctl --project {quoted} git check --staged || exit 1; fi\n")
}

/// What is there of the hook.
pub(super) fn hook(path: &Path, project: &str) -> Hook {
    match store::read_limited(path, MAX_HOOK) {
        Err(ReadProblem::Io(std::io::ErrorKind::NotFound)) => Hook::Missing,
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) if text.contains(&hook_line(project)) => Hook::Done,
            Ok(text) if text.lines().nth(1) == Some(MARK) => Hook::Ours(text),
            _ => Hook::Foreign,
        },
        Err(_) => Hook::Foreign,
    }
}

/// A hook for a project; `before` is one of ours for others.
pub(super) fn hook_text(before: Option<&str>, project: &str) -> String {
    let start = before.map_or_else(|| format!("#!/bin/sh\n{MARK}\n"), str::to_owned);
    start + &hook_line(project)
}

/// The hook without a project; nothing if that leaves nothing, or it was not ours.
pub(super) fn hook_without(text: &str, project: &str) -> Option<String> {
    let rest = text.replace(&hook_line(project), "");
    (rest != hook_text(None, "").replace(&hook_line(""), "")).then_some(rest)
}

/// Writes a hook, which is a program.
pub(super) fn write_hook(path: &Path, text: &str) -> Result<(), String> {
    let shown = "the hook";
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| store::describe(error.kind()).to_owned())?;
    }
    store::replace(path, text.as_bytes()).map_err(|error| error.describe_as(shown))?;
    executable(path).map_err(|error| store::describe(error.kind()).to_owned())
}

#[cfg(unix)]
fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    // Whoever may read it may run it.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

/// Git for Windows runs hooks by their first line.
#[cfg(not(unix))]
fn executable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Whether `.gitattributes` of the project has its lines.
pub(super) fn has_attributes(root: &Path) -> bool {
    let text = store::read_limited(&root.join(".gitattributes"), MAX_HOOK).unwrap_or_default();
    let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    GITATTRIBUTES.iter().all(|line| lines.contains(&line.as_bytes()))
}
