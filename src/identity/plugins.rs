//! Plugins of age: only those run that the user's own configuration names, and only from the place it names.
//!
//! `$XDG_CONFIG_HOME/envctl/config.toml`: `[plugins]` with `NAME = "/absolute/path/age-plugin-NAME"`. The age library
//! looks for the program in `PATH`, and so it is refused unless `PATH` gives that very file.

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::diagnostic::Diagnostics;
use crate::document;
use crate::process::EnvSnapshot;
use crate::source::SourceMap;
use crate::store::{self, ReadProblem};

/// The largest configuration, in bytes.
const MAX_CONFIG: u64 = 64 << 10;

/// Which plugins may run.
#[derive(Debug, Clone)]
pub struct Plugins {
    config: Option<PathBuf>,
    path: Option<OsString>,
    debug: bool,
}

/// Why a plugin does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginProblem {
    /// The user's configuration does not name it.
    NotListed {
        /// The plugin.
        name: String,
        /// The configuration, if there is a place for one.
        config: Option<PathBuf>,
    },
    /// The user's configuration cannot be used.
    Config {
        /// The file.
        config: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The program named cannot be used.
    Program {
        /// The file.
        program: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// `PATH` gives another program, or none.
    Elsewhere {
        /// The program named in the configuration.
        program: PathBuf,
        /// What `PATH` gives.
        found: Option<PathBuf>,
    },
    /// `PATH` has a relative part before the program: what it gives depends on the working directory.
    RelativePath,
    /// `AGEDEBUG=plugin` is set.
    Debug,
    /// It ran and reported a problem, or ended early.
    Failed {
        /// The plugin.
        name: String,
    },
}

impl PluginProblem {
    /// What is the matter.
    pub fn describe(&self) -> String {
        match self {
            Self::NotListed { name, .. } => format!("plugin `{name}` is not named in your own configuration"),
            Self::Config { config, what } => format!("{} cannot be used: {what}", config.display()),
            Self::Program { program, what } => format!("plugin {} cannot be used: {what}", program.display()),
            Self::Elsewhere { program, found: None } => format!("plugin {} is not found by PATH", program.display()),
            Self::Elsewhere { program, found: Some(found) } => {
                format!("PATH gives {}, not {}, which your configuration names", found.display(), program.display())
            }
            Self::RelativePath => String::from("PATH has a relative part: which plugin it gives is not certain"),
            Self::Debug => String::from("AGEDEBUG=plugin would have keys printed that a plugin gives"),
            Self::Failed { name } => format!("plugin `{name}` reported a problem or ended early"),
        }
    }

    /// What mends it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotListed { name, config } => {
                let config = config.as_deref().unwrap_or(Path::new("envctl/config.toml")).display();
                Some(format!(
                    "if you trust that plugin, add to {config}: [plugins] {name} = \"/absolute/path/age-plugin-{name}\""
                ))
            }
            Self::Config { config, .. } => Some(format!("edit {}", config.display())),
            Self::Program { .. } => None,
            Self::Elsewhere { program, .. } => {
                let directory = program.parent().unwrap_or(program);
                Some(format!("put {} at the front of PATH", directory.display()))
            }
            Self::RelativePath => Some(String::from("take parts that do not begin with `/` out of PATH")),
            Self::Debug => Some(String::from("unset AGEDEBUG")),
            Self::Failed { name } => Some(format!("see that the key of `{name}` is there, then try again")),
        }
    }
}

impl Plugins {
    /// What the user's configuration allows; it is read when a plugin is needed.
    pub fn new(environment: &EnvSnapshot) -> Self {
        Self {
            config: environment.config_dir().map(|directory| directory.join("config.toml")),
            path: environment.get("PATH").map(ToOwned::to_owned),
            debug: environment.get("AGEDEBUG").is_some_and(|value| value == "plugin"),
        }
    }

    /// Whether the plugin of this name may run, as the age library would run it.
    pub fn approve(&self, name: &str) -> Result<(), PluginProblem> {
        if self.debug {
            return Err(PluginProblem::Debug);
        }
        let program = self.program(name)?;
        let wrong = |what| PluginProblem::Program { program: program.clone(), what };
        if !program.is_absolute() {
            return Err(wrong("its path has to be absolute"));
        }
        let real = program.canonicalize().map_err(|error| wrong(store::describe(error.kind())))?;
        let metadata = real.metadata().map_err(|error| wrong(store::describe(error.kind())))?;
        if !metadata.is_file() {
            return Err(wrong("it is not a file"));
        }
        if let Some(what) = unsafe_owner(&metadata) {
            return Err(wrong(what));
        }
        let found = self.on_path(&format!("age-plugin-{name}"))?;
        if found.as_deref().and_then(|found| found.canonicalize().ok()).as_ref() != Some(&real) {
            return Err(PluginProblem::Elsewhere { program, found });
        }
        Ok(())
    }

    /// The program that the user's configuration names.
    fn program(&self, name: &str) -> Result<PathBuf, PluginProblem> {
        let not_listed = || PluginProblem::NotListed { name: name.to_owned(), config: self.config.clone() };
        let path = self.config.as_ref().ok_or_else(not_listed)?;
        let wrong = |what: &str| PluginProblem::Config { config: path.clone(), what: what.to_owned() };
        let bytes = match store::read_limited(path, MAX_CONFIG) {
            Ok(bytes) => bytes,
            Err(ReadProblem::Io(std::io::ErrorKind::NotFound)) => return Err(not_listed()),
            Err(ReadProblem::Io(kind)) => return Err(wrong(store::describe(kind))),
            Err(ReadProblem::NotRegular { .. }) => return Err(wrong("it is not a file")),
            Err(ReadProblem::TooLarge { .. }) => return Err(wrong("it is too large")),
        };
        if let Some(what) = path.metadata().ok().as_ref().and_then(unsafe_owner) {
            return Err(wrong(what));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8 text"))?;
        let program = listed(&text, name).map_err(|what| wrong(&what))?;
        program.map(PathBuf::from).ok_or_else(not_listed)
    }

    /// What the age library would find: the first in `PATH`. A file that cannot be executed counts too, to be on the
    /// safe side.
    fn on_path(&self, file: &str) -> Result<Option<PathBuf>, PluginProblem> {
        for directory in self.path.iter().flat_map(std::env::split_paths) {
            if !directory.is_absolute() {
                return Err(PluginProblem::RelativePath);
            }
            let candidate = directory.join(file);
            if candidate.symlink_metadata().is_ok() {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }
}

/// The program of a plugin by the text of the configuration; the error is what is wrong with the text.
fn listed(text: &str, name: &str) -> Result<Option<String>, String> {
    let mut sources = SourceMap::default();
    let source = sources.add_closed("config.toml", text);
    let mut problems = Diagnostics::default();
    let mut program = None;
    if let Some(document) = document::parse(text, source, &mut problems) {
        let root = document::root(&document, source);
        root.only(&["plugins"], "config.toml", &mut problems);
        if let Some(plugins) = root.table("plugins", &mut problems) {
            for (key, value) in plugins.entries() {
                let path = value.expect(value.text(), key.value, "a path as a string", &mut problems);
                if key.value == name {
                    program = path.map(str::to_owned);
                }
            }
        }
    }
    let Some(first) = problems.iter().next() else { return Ok(program) };
    let line = first.primary().map_or(1, |span| sources.position(span).line);
    Err(format!("line {line}: {}", first.message))
}

/// What is wrong with who may change a file; nothing if it is this user or root alone.
#[cfg(unix)]
fn unsafe_owner(metadata: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt;
    if ![0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
        return Some("it belongs to another user");
    }
    (metadata.mode() & 0o022 != 0).then_some("others may write to it")
}

/// Who may change a file is not looked at on other systems.
#[cfg(not(unix))]
fn unsafe_owner(_metadata: &Metadata) -> Option<&'static str> {
    None
}
