//! Becoming the command: its environment, what the system can carry, and `execve`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::name;
use crate::process::{EnvSnapshot, Hardening, Limits};
use crate::secret::Secret;

/// One variable for the command.
#[derive(Debug)]
pub struct Delivery {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// Whether the variable holds the path of a file with the value.
    pub as_file: bool,
}

/// A command with what it is given.
#[derive(Debug)]
pub struct Command {
    /// The program, as typed.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The variables it is given.
    pub deliver: Vec<Delivery>,
    /// Variables that are taken out of the inherited environment.
    pub remove: BTreeSet<String>,
    /// Whether nothing is inherited but `keep`.
    pub clear: bool,
    /// What is inherited although `clear` is set.
    pub keep: BTreeSet<String>,
}

/// Why the command was not started.
#[derive(Debug, PartialEq, Eq)]
pub enum InjectError {
    /// A value is longer than the system passes on.
    TooLarge(String),
    /// All together are longer than the system passes on.
    TooLargeInAll {
        /// What would be needed, in bytes.
        needed: usize,
        /// What the system takes, in bytes.
        limit: usize,
        /// The names of the longest variables.
        largest: Vec<String>,
    },
    /// A value holds a NUL byte.
    Nul(String),
    /// There is no such program.
    NotFound,
    /// There is one that cannot be executed.
    NotExecutable(&'static str),
    /// The system refused.
    Failed(io::ErrorKind),
    /// A value could not be handed over as a file.
    File(String),
}

/// The longest path that a descriptor has.
const DESCRIPTOR_PATH: usize = "/proc/self/fd/4294967295".len();

/// What the command inherits and is given, each name once, sorted; values of files are not in it yet.
fn environment<'c>(command: &'c Command, inherited: &'c EnvSnapshot) -> BTreeMap<&'c OsStr, &'c OsStr> {
    let mut all = BTreeMap::new();
    for (name, value) in inherited.iter() {
        let text = name.to_string_lossy();
        let kept = !command.clear || command.keep.contains(text.as_ref());
        if kept && !name::is_ours(&text) && !command.remove.contains(text.as_ref()) {
            all.insert(name, value);
        }
    }
    for delivery in &command.deliver {
        all.remove(OsStr::new(&delivery.name));
    }
    all
}

/// Everything that the system would not carry, found before anything is started.
pub fn preflight(command: &Command, inherited: &EnvSnapshot, limits: Limits) -> Vec<InjectError> {
    const POINTER: usize = size_of::<usize>();
    let mut errors = Vec::new();
    let mut sizes: Vec<(usize, String)> = Vec::new();
    for delivery in &command.deliver {
        let value = if delivery.as_file { DESCRIPTOR_PATH } else { delivery.value.size() };
        let size = delivery.name.len() + 1 + value + 1;
        if !delivery.as_file && delivery.value.expose().contains(&0) {
            errors.push(InjectError::Nul(delivery.name.clone()));
        } else if size > limits.one {
            errors.push(InjectError::TooLarge(delivery.name.clone()));
        }
        sizes.push((size + POINTER, delivery.name.clone()));
    }
    for (name, value) in environment(command, inherited) {
        sizes.push((name.len() + value.len() + 2 + POINTER, name.to_string_lossy().into_owned()));
    }
    let words = std::iter::once(&command.program).chain(&command.arguments);
    // The program's path is counted once more, as the kernel does; looking it up can make it longer.
    let argv: usize = words.map(|word| word.len() + 1 + POINTER).sum::<usize>() + command.program.len() + 1;
    let needed = argv + sizes.iter().map(|(size, _)| size).sum::<usize>();
    if needed > limits.total && errors.is_empty() {
        sizes.sort_by(|a, b| b.cmp(a));
        let largest = sizes.into_iter().take(3).map(|(_, name)| name).collect();
        errors.push(InjectError::TooLargeInAll { needed, limit: limits.total, largest });
    }
    errors
}

/// Becomes the command; returns only if that failed.
#[cfg(unix)]
pub fn exec(command: &Command, inherited: &EnvSnapshot, hardening: Hardening) -> InjectError {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::process::CommandExt;
    let all = environment(command, inherited);
    // The command's own PATH finds it; with `--clear`, when it has none, the one envctl was started with.
    let delivered = command.deliver.iter().find(|delivery| delivery.name == "PATH" && !delivery.as_file);
    let delivered = delivered.map(|delivery| OsStr::from_bytes(delivery.value.expose()));
    let path = delivered.or_else(|| all.get(OsStr::new("PATH")).copied()).or_else(|| inherited.get("PATH"));
    let program = match find(&command.program, path) {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut process = std::process::Command::new(&program);
    process.arg0(&command.program).args(&command.arguments).env_clear().envs(all);
    let mut files = Vec::new();
    for delivery in &command.deliver {
        if delivery.as_file {
            match file(delivery) {
                Ok((descriptor, path)) => {
                    process.env(&delivery.name, path);
                    files.push(descriptor);
                }
                Err(error) => return error,
            }
        } else {
            process.env(&delivery.name, OsStr::from_bytes(delivery.value.expose()));
        }
    }
    hardening.restore();
    let error = process.exec();
    match error.kind() {
        // The file is there: what is missing is what its first line names.
        io::ErrorKind::NotFound => InjectError::NotExecutable("the interpreter in its first line does not exist"),
        io::ErrorKind::PermissionDenied => InjectError::NotExecutable("permission denied"),
        io::ErrorKind::ExecutableFileBusy => InjectError::NotExecutable("it is being written to"),
        kind => InjectError::Failed(kind),
    }
}

/// Looks a program up as `execvp` does, so that "not found" and "not executable" can be told apart.
fn find(program: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, InjectError> {
    if program.is_empty() {
        return Err(InjectError::NotFound);
    }
    let typed = Path::new(program);
    if program.as_encoded_bytes().contains(&b'/') {
        return executable(typed).map(|()| typed.to_owned());
    }
    let mut refused = None;
    for directory in std::env::split_paths(path.unwrap_or(OsStr::new("/usr/bin:/bin"))) {
        let directory = if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory };
        let candidate = directory.join(typed);
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(InjectError::NotFound) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or(InjectError::NotFound))
}

fn executable(path: &Path) -> Result<(), InjectError> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(InjectError::NotExecutable("it is a directory")),
        Ok(_) => {
            #[cfg(unix)]
            if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_err() {
                return Err(InjectError::NotExecutable("permission denied"));
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(InjectError::NotExecutable("permission denied"))
        }
        Err(_) => Err(InjectError::NotFound),
    }
}

/// A value as a file that has no name and that nobody can change; the program opens it by its number.
#[cfg(target_os = "linux")]
fn file(delivery: &Delivery) -> Result<(std::os::fd::OwnedFd, String), InjectError> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, Mode, SealFlags, fchmod, fcntl_add_seals, memfd_create};
    use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

    /// Above the numbers that shells and scripts use themselves.
    const FIRST: i32 = 200;
    let failed = |_| InjectError::File(delivery.name.clone());
    let made = memfd_create("envctl", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(|error| failed(error.into()))?;
    let mut made = std::fs::File::from(made);
    made.write_all(delivery.value.expose()).map_err(failed)?;
    fchmod(&made, Mode::RUSR).map_err(|error| failed(error.into()))?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&made, seals).map_err(|error| failed(error.into()))?;
    let kept = fcntl_dupfd_cloexec(&made, FIRST).map_err(|error| failed(error.into()))?;
    fcntl_setfd(&kept, FdFlags::empty()).map_err(|error| failed(error.into()))?;
    let path = format!("/proc/self/fd/{}", kept.as_raw_fd());
    Ok((kept, path))
}

/// Files without a name are a thing of Linux.
#[cfg(all(unix, not(target_os = "linux")))]
fn file(delivery: &Delivery) -> Result<(std::os::fd::OwnedFd, String), InjectError> {
    Err(InjectError::File(delivery.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::{Command, Delivery, InjectError, environment, preflight};
    use crate::process::{EnvSnapshot, Limits};
    use crate::secret::Secret;
    use std::collections::BTreeSet;
    use std::ffi::OsString;

    fn command(deliver: &[(&str, usize)]) -> Command {
        let deliver = deliver.iter().map(|(name, size)| Delivery {
            name: (*name).to_owned(),
            value: Secret::new(vec![b'x'; *size]),
            as_file: false,
        });
        Command {
            program: OsString::from("true"),
            arguments: Vec::new(),
            deliver: deliver.collect(),
            remove: BTreeSet::from([String::from("GONE")]),
            clear: false,
            keep: BTreeSet::from([String::from("HOME")]),
        }
    }

    fn inherited() -> EnvSnapshot {
        let pairs = [
            ("HOME", "/h"),
            ("GONE", "1"),
            ("ENVCTL_IDENTITY", "k"),
            ("envctl_x", "k"),
            ("A", "old"),
            ("PATH", "/bin"),
        ];
        EnvSnapshot::from_pairs(pairs.map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn inherits_what_is_not_taken_out() {
        let names = |command: &Command| {
            let inherited = inherited();
            environment(command, &inherited)
                .into_keys()
                .map(|name| name.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let mut command = command(&[("A", 1)]);
        assert_eq!(names(&command), ["HOME", "PATH"]);
        command.clear = true;
        assert_eq!(names(&command), ["HOME"]);
    }

    #[test]
    fn finds_what_cannot_be_carried() {
        let limits = Limits { one: 131_072, total: 2 << 20 };
        let errors = |deliver: &[(&str, usize)]| preflight(&command(deliver), &inherited(), limits);
        assert_eq!(errors(&[("A", 131_069)]), []);
        assert_eq!(errors(&[("A", 131_070)]), [InjectError::TooLarge(String::from("A"))]);
        let many: Vec<(String, usize)> = (0..250).map(|index| (format!("V{index}"), 10_000 + index)).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        match errors(&many).as_slice() {
            [InjectError::TooLargeInAll { largest, .. }] => {
                assert_eq!(largest, &["V249", "V248", "V247"]);
            }
            other => panic!("{other:?}"),
        }
        let mut nul = command(&[("A", 1)]);
        nul.deliver[0].value = Secret::new(b"a\0b".to_vec());
        assert_eq!(preflight(&nul, &inherited(), limits), [InjectError::Nul(String::from("A"))]);
    }
}
