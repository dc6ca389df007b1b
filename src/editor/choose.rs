//! Which editor is started, and with which options it leaves no copy of the text behind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::EditorProblem;
use crate::process::EnvSnapshot;

/// What is known of an editor: what it leaves behind was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Vim,
    Emacs,
    Nano,
    /// VS Code and what is made from it: keeps copies of its own unless its settings say otherwise.
    Code,
    Unknown,
}

/// An editor with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub struct Editor {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    kind: Kind,
}

/// After the user's own configuration, which an option `--cmd` would come before: no swap file, no history, no copies.
const VIM: &[&str] = &["-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile"];
const EMACS: &[&str] = &[
    "--eval",
    "(setq make-backup-files nil auto-save-default nil create-lockfiles nil auto-save-list-file-prefix nil)",
];
/// Without the user's configuration, which can switch copies on and nothing else can switch off.
const NANO: &[&str] = &["--ignorercfiles"];

impl Editor {
    /// `$VISUAL`, else `$EDITOR`, else `vi`: split into words as a shell does, and found as one does. Neither comes from a
    /// file of a repository.
    pub fn choose(environment: &EnvSnapshot) -> Result<Self, EditorProblem> {
        let set = |name: &'static str| {
            let value = environment.get(name).filter(|value| !value.is_empty())?;
            Some((name, value.to_str().map(str::to_owned)))
        };
        let (origin, command) = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or(("vi", Some(String::from("vi"))));
        let words = command.and_then(|command| shlex::split(&command)).unwrap_or_default();
        let Some((program, arguments)) = words.split_first() else {
            return Err(EditorProblem::Words { origin });
        };
        let program = find(program, environment).ok_or(EditorProblem::NotFound { origin })?;
        let kind = kind(&program);
        let mut arguments = arguments.to_vec();
        let own: &[&str] = match kind {
            Kind::Vim => VIM,
            Kind::Emacs => EMACS,
            Kind::Nano => NANO,
            Kind::Code if arguments.iter().any(|word| ["--wait", "-w"].contains(&word.as_str())) => &[],
            Kind::Code => &["--wait"],
            Kind::Unknown => &[],
        };
        arguments.extend(own.iter().map(|word| (*word).to_owned()));
        // A window that goes into the background would seem to have ended.
        if kind == Kind::Vim && name(&program).is_some_and(|name| ["gvim", "mvim", "gview"].contains(&name)) {
            arguments.push(String::from("-f"));
        }
        Ok(Self { program, arguments, kind })
    }

    /// What has to be known before it is opened.
    pub fn advice(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Vim | Kind::Emacs | Kind::Nano => None,
            Kind::Code => Some(
                "this editor keeps copies of what it edits: `workbench.localHistory.enabled` and `files.hotExit` switch that off",
            ),
            Kind::Unknown => Some(
                "what this editor leaves behind is not known; known are vim, neovim, emacs, nano, and VS Code with `--wait`",
            ),
        }
    }
}

/// The program's file; one with a `/` in its name is taken from the working directory.
fn find(program: &str, environment: &EnvSnapshot) -> Option<PathBuf> {
    if program.contains('/') {
        return std::env::current_dir().ok().map(|here| here.join(program));
    }
    let path = environment.get("PATH")?;
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(program)).find(|path| {
        let executable = |path: &Path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
        path.is_file() && executable(path)
    })
}

fn name(path: &Path) -> Option<&str> {
    path.file_name().and_then(OsStr::to_str)
}

/// By the name of the file that a link leads to (`vi`, `editor`), else by its own.
fn kind(program: &Path) -> Kind {
    let real = program.canonicalize().ok();
    let by = |path: &Path| name(path).map_or(Kind::Unknown, named);
    match real.as_deref().map_or(Kind::Unknown, by) {
        Kind::Unknown => by(program),
        kind => kind,
    }
}

/// `vi` alone is unknown: some of that name do not have the options of vim.
fn named(name: &str) -> Kind {
    match name {
        "nvim" | "gvim" | "mvim" | "gview" => Kind::Vim,
        "nano" | "rnano" => Kind::Nano,
        "code" | "code-insiders" | "codium" | "vscodium" | "cursor" => Kind::Code,
        "vimdiff" | "emacsclient" => Kind::Unknown,
        _ if name.starts_with("emacsclient") => Kind::Unknown,
        _ if name == "vim" || name.starts_with("vim.") => Kind::Vim,
        _ if name == "emacs" || name.starts_with("emacs-") => Kind::Emacs,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::{Editor, EditorProblem, Kind};
    use crate::process::EnvSnapshot;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["vim.basic", "nvim", "emacs-nox", "emacsclient", "nano", "code", "ed", "gvim"] {
            let path = folder.path().join(name);
            crate::store::write_new(&path, b"").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        crate::store::write_new(&folder.path().join("notexec"), b"").unwrap();
        symlink("vim.basic", folder.path().join("vi")).unwrap();
        symlink("nano", folder.path().join("editor")).unwrap();
        folder
    }

    fn choose(folder: &Path, pairs: &[(&str, &str)]) -> Result<Editor, EditorProblem> {
        let path = [(OsString::from("PATH"), folder.as_os_str().to_owned())];
        let pairs = pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Editor::choose(&EnvSnapshot::from_pairs(path.into_iter().chain(pairs)))
    }

    #[test]
    fn chosen_and_known() {
        let folder = folder();
        for (pairs, kind, arguments) in [
            (&[][..], Kind::Vim, "-n -i NONE -c set nobackup nowritebackup noundofile"),
            (&[("EDITOR", "ed"), ("VISUAL", "")], Kind::Unknown, ""),
            (&[("EDITOR", "ed"), ("VISUAL", "editor")], Kind::Nano, "--ignorercfiles"),
            (&[("EDITOR", "nano -w 'a b'")], Kind::Nano, "-w a b --ignorercfiles"),
            (&[("EDITOR", "nvim")], Kind::Vim, "-n -i NONE -c set nobackup nowritebackup noundofile"),
            (&[("EDITOR", "gvim")], Kind::Vim, "-n -i NONE -c set nobackup nowritebackup noundofile -f"),
            (&[("EDITOR", "emacsclient -t")], Kind::Unknown, "-t"),
            (&[("EDITOR", "code")], Kind::Code, "--wait"),
            (&[("EDITOR", "code -w")], Kind::Code, "-w"),
            (&[("EDITOR", "ed '$(touch x)' '`x`;'")], Kind::Unknown, "$(touch x) `x`;"),
        ] {
            let editor = choose(folder.path(), pairs).unwrap();
            assert_eq!((editor.kind, editor.arguments.join(" ").as_str()), (kind, arguments), "{pairs:?}");
            assert!(editor.program.is_absolute());
            let silent = matches!(kind, Kind::Vim | Kind::Nano | Kind::Emacs);
            assert_eq!(editor.advice().is_none(), silent);
        }
        let emacs = choose(folder.path(), &[("EDITOR", "emacs-nox -nw")]).unwrap();
        assert_eq!((emacs.kind, emacs.arguments.len()), (Kind::Emacs, 3));
    }

    #[test]
    fn what_cannot_be_started() {
        let folder = folder();
        for (command, words) in [("no-such", false), ("notexec", false), ("'", true), (" ", true)] {
            let problem = choose(folder.path(), &[("VISUAL", command)]).unwrap_err();
            assert_eq!(matches!(problem, EditorProblem::Words { origin: "VISUAL" }), words, "{command}");
        }
    }
}
