//! `envctl git install` and `uninstall`: the configuration, the hook and `.gitattributes` of this repository.

use std::path::Path;

use super::setup::{self, Hook, SETTINGS};
use super::{failed, open, project_path};
use crate::cli::init::add_lines;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::git::Git;
use crate::scaffold::GITATTRIBUTES;
use crate::store;

/// Arguments of `git install`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only say what is missing; exit 1 if anything is
    #[arg(long)]
    check: bool,
}

/// A repository with the project in it.
struct Place<'c> {
    context: &'c Context,
    git: Git,
    root: std::path::PathBuf,
    project: String,
}

impl<'c> Place<'c> {
    fn find(context: &'c Context) -> Result<Self, Exit> {
        Self::at(context, context.root()?)
    }

    fn at(context: &'c Context, root: std::path::PathBuf) -> Result<Self, Exit> {
        let git = open(context, &root)?;
        let project = project_path(context, &git, &root)?;
        Ok(Self { context, git, root, project })
    }

    fn cannot(&self, what: &str) -> Exit {
        self.context.fail(Diagnostic::error(Code::Io, what))
    }

    fn hook_path(&self) -> Result<(std::path::PathBuf, bool), Exit> {
        setup::hook_path(&self.git).map_err(|error| failed(self.context, error))
    }

    /// The settings that are not as they should be.
    fn missing_settings(&self) -> Result<Vec<&'static (&'static str, &'static str)>, Exit> {
        let mut missing = Vec::new();
        for setting in SETTINGS {
            let now = self.git.setting(setting.0).map_err(|error| failed(self.context, error))?;
            if now.as_deref() != Some(setting.1) {
                missing.push(setting);
            }
        }
        Ok(missing)
    }
}

/// Sets the repository up, or says what is missing.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let place = Place::find(context)?;
    if args.check { missing(&place) } else { install(&place) }
}

/// Sets the repository around a new project up.
pub(in crate::cli) fn install_at(context: &Context, root: &Path) -> Outcome {
    install(&Place::at(context, root.to_owned())?)
}

fn missing(place: &Place<'_>) -> Outcome {
    let (path, _) = place.hook_path()?;
    let mut lines: Vec<String> = place.missing_settings()?.iter().map(|(key, _)| format!("git config {key}")).collect();
    if !setup::has_attributes(&place.root) {
        lines.push(String::from(".gitattributes"));
    }
    if !matches!(setup::hook(&path, &place.project), Hook::Done) {
        lines.push(String::from("hook pre-commit"));
    }
    if lines.is_empty() {
        place.context.remark("git is set up for this project\n");
        return Ok(());
    }
    for line in lines {
        place.context.print(&format!("missing: {line}\n"))?;
    }
    place.context.remark("`envctl git install` sets up what is missing\n");
    Err(Exit(1))
}

fn install(place: &Place<'_>) -> Outcome {
    let context = place.context;
    let mut done = Vec::new();
    for (key, value) in place.missing_settings()? {
        place.git.set(key, value).map_err(|error| failed(context, error))?;
        done.push(format!("git config {key} = {value}"));
    }
    if add_lines(&place.root, ".gitattributes", GITATTRIBUTES).map_err(|what| place.cannot(&what))? {
        done.push(String::from(".gitattributes: environment files are diffed and merged by envctl"));
    }
    let (path, is_own) = place.hook_path()?;
    match setup::hook(&path, &place.project) {
        Hook::Done => {}
        Hook::Missing if is_own => {
            write(place, &path, None)?;
            done.push(String::from("hook pre-commit: checks what is about to be committed"));
        }
        Hook::Ours(before) if is_own => {
            write(place, &path, Some(&before))?;
            done.push(String::from("hook pre-commit: checks this project as well"));
        }
        Hook::Missing | Hook::Ours(_) | Hook::Foreign => {
            let line = setup::hook_line(&place.project);
            context.remark(&format!("{} is not ours to change; add to it:\n{line}", path.display()));
        }
    }
    for line in &done {
        context.remark(&format!("{line}\n"));
    }
    if done.is_empty() {
        context.remark("nothing to do: git is set up for this project\n");
    }
    Ok(())
}

fn write(place: &Place<'_>, path: &Path, before: Option<&str>) -> Outcome {
    setup::write_hook(path, &setup::hook_text(before, &place.project)).map_err(|what| place.cannot(&what))
}

/// Takes away what was set up, but for `.gitattributes`, which is the project's.
pub(super) fn uninstall(context: &Context) -> Outcome {
    let place = Place::find(context)?;
    for section in ["diff.envctl", "merge.envctl"] {
        if place.git.unset_section(section).map_err(|error| failed(context, error))? {
            context.remark(&format!("git config: {section} removed\n"));
        }
    }
    let (path, _) = place.hook_path()?;
    let Hook::Done = setup::hook(&path, &place.project) else { return Ok(()) };
    let text = store::read_limited(&path, setup::MAX_HOOK).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let rest = setup::hook_without(&text.unwrap_or_default(), &place.project);
    let result = match rest {
        Some(rest) => setup::write_hook(&path, &rest),
        None => std::fs::remove_file(&path).map_err(|error| store::describe(error.kind()).to_owned()),
    };
    result.map_err(|what| place.cannot(&what))?;
    context.remark("hook pre-commit: this project is no longer checked\n");
    Ok(())
}
