//! This process: its environment read once, its hardening, and what the system lets it pass on.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// The environment of this process, read once. A name that stands in it twice has its first value, as for getenv.
#[derive(Clone, Default)]
pub struct EnvSnapshot(BTreeMap<OsString, OsString>);

impl EnvSnapshot {
    /// Reads the environment.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn capture() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// An environment of these variables.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut variables = BTreeMap::new();
        for (name, value) in pairs {
            variables.entry(name).or_insert(value);
        }
        Self(variables)
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The value of a variable if it is text and not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(OsStr::to_str).filter(|text| !text.is_empty())
    }

    /// All variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Where the user's data of envctl is: `$XDG_DATA_HOME/envctl`, else `~/.local/share/envctl`
    /// (XDG Base Directory Specification: a relative path is ignored).
    pub fn data_dir(&self) -> Option<PathBuf> {
        let base = self.absolute("XDG_DATA_HOME").or_else(|| Some(self.absolute("HOME")?.join(".local/share")));
        base.map(|base| base.join("envctl"))
    }

    /// Where the user's configuration of envctl is: `$XDG_CONFIG_HOME/envctl`, else `~/.config/envctl`, on macOS too;
    /// on Windows `%APPDATA%\envctl` (not tested).
    pub fn config_dir(&self) -> Option<PathBuf> {
        let base = self.absolute("XDG_CONFIG_HOME").or_else(|| {
            if cfg!(windows) { self.absolute("APPDATA") } else { Some(self.absolute("HOME")?.join(".config")) }
        });
        base.map(|base| base.join("envctl"))
    }

    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

impl fmt::Debug for EnvSnapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.keys()).finish()
    }
}

/// What was changed of this process, and is put back before another program takes its place.
#[derive(Debug, Default)]
pub struct Hardening {
    #[cfg(unix)]
    core: Option<rustix::process::Rlimit>,
}

/// No core dump and no reading of this process by others of the same user. What cannot be had is done without.
#[cfg(unix)]
pub fn harden() -> Hardening {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Core);
    let changed = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: before.maximum }).is_ok();
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    Hardening { core: changed.then_some(before) }
}

/// Nothing is done on other systems.
#[cfg(not(unix))]
pub fn harden() -> Hardening {
    Hardening::default()
}

impl Hardening {
    /// The started program shall behave as without envctl. That it can be dumped again is done by `execve` itself.
    #[cfg(unix)]
    pub fn restore(self) {
        if let Some(core) = self.core {
            let _ = rustix::process::setrlimit(rustix::process::Resource::Core, core);
        }
    }

    /// Nothing was done on other systems.
    #[cfg(not(unix))]
    pub fn restore(self) {}
}

/// How much a program can be given, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One argument or `NAME=value`, with its final NUL.
    pub one: usize,
    /// All of them, with their NULs and pointers.
    pub total: usize,
}

impl Limits {
    /// The limits of `execve` on this system.
    ///
    /// Linux (fs/exec.c, `MAX_ARG_STRLEN` and `bprm_stack_limits`): 32 pages a string; in all a quarter of the stack
    /// limit, at most three quarters of 8 MiB and at least 128 KiB. macOS: 1 MiB (`ARG_MAX`).
    #[cfg(target_os = "linux")]
    pub fn of_system() -> Self {
        let stack = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
        let stack = stack.and_then(|stack| usize::try_from(stack).ok()).unwrap_or(usize::MAX);
        Self { one: 32 * 4096, total: (stack / 4).clamp(128 << 10, 6 << 20) }
    }

    /// See the Linux version.
    #[cfg(not(target_os = "linux"))]
    pub fn of_system() -> Self {
        Self { one: 1 << 20, total: 1 << 20 }
    }
}
