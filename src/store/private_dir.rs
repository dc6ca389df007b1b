//! A directory in memory, for plaintext that another program has to read from a file: nothing of it reaches a disk.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, Stat, fstat};

use super::directory::{Directory, is_own};
use super::{describe, leftover};
use crate::process::EnvSnapshot;
use crate::secret::Secret;

/// How all names begin.
const PREFIX: &str = "envctl-";

/// How often it is tried to remove a directory into which somebody, an editor that ends, still writes.
const REMOVALS: usize = 5;

/// Why there is no private directory, or no file in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrivateDirError {
    /// No directory of the system is in memory and safe from other users.
    NoPlace,
    /// The system refused.
    Failed {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// It is still there.
    NotRemoved {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl PrivateDirError {
    /// What happened, in one line.
    pub fn describe(&self) -> String {
        match self {
            Self::NoPlace => String::from("there is no directory in memory (tmpfs) that others cannot change"),
            Self::Failed { path, kind } => format!("{} cannot be made: {}", path.display(), describe(*kind)),
            Self::NotRemoved { path, kind } => {
                format!("{} holds secrets and cannot be removed: {}", path.display(), describe(*kind))
            }
        }
    }

    /// What mends it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoPlace => Some(String::from(
                "mount a tmpfs on /dev/shm, or let XDG_RUNTIME_DIR name a directory on one, your own and with mode 0700",
            )),
            Self::Failed { .. } => None,
            Self::NotRemoved { path, .. } => Some(format!("rm -rf {}", path.display())),
        }
    }
}

/// A directory only the user can enter (0700), removed with all that is in it when dropped. Until then it is locked: by
/// this, and by the process id in its name, others see that it is in use.
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    on_disk: bool,
    /// Nothing once it is removed.
    directory: Option<Directory>,
}

impl PrivateDir {
    /// Makes `envctl-KIND-PID-RANDOM` in `$XDG_RUNTIME_DIR` or else `/dev/shm`, each only if it is in memory; on macOS,
    /// which has neither, in the user's temporary directory. Before that, what dead processes have left there is removed.
    /// `kind` is a word of lower-case letters.
    pub fn create(environment: &EnvSnapshot, kind: &str) -> Result<Self, PrivateDirError> {
        let mut problem = PrivateDirError::NoPlace;
        for (place, on_disk) in places(environment) {
            sweep(&place);
            match make(&place, kind) {
                Ok((path, directory)) => return Ok(Self { path, on_disk, directory: Some(directory) }),
                Err(error) => problem = PrivateDirError::Failed { path: place, kind: error.kind() },
            }
        }
        Err(problem)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is on a disk after all (macOS): worth a notice.
    pub fn on_disk(&self) -> bool {
        self.on_disk
    }

    /// Writes a file that is not there yet (0600) and gives its path. `name` is one name, without `/`.
    pub fn write(&self, name: &str, secret: &Secret) -> Result<PathBuf, PrivateDirError> {
        let path = self.path.join(name);
        let written = match &self.directory {
            Some(directory) if !name.contains('/') => directory
                .create(OsStr::new(name), Mode::RUSR | Mode::WUSR)
                .and_then(|mut file| file.write_all(secret.expose())),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        };
        written.map_err(|error| PrivateDirError::Failed { path: path.clone(), kind: error.kind() })?;
        Ok(path)
    }

    /// Removes it and tells whether that worked, which dropping it cannot.
    pub fn remove(mut self) -> Result<(), PrivateDirError> {
        self.clear().map_err(|error| PrivateDirError::NotRemoved { path: self.path.clone(), kind: error.kind() })
    }

    fn clear(&mut self) -> io::Result<()> {
        if self.directory.take().is_some() { remove(&self.path) } else { Ok(()) }
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // Nobody is left to be told: the next start tries again.
        let _ = self.clear();
    }
}

/// Makes the directory and locks it.
fn make(place: &Path, kind: &str) -> io::Result<(PathBuf, Directory)> {
    let name = format!("{PREFIX}{kind}-{}", leftover::tag()?);
    let within = Directory::open(place)?;
    within.make(OsStr::new(&name))?;
    let directory = within.enter(OsStr::new(&name))?;
    directory.as_file().try_lock()?;
    Ok((place.join(name), directory))
}

/// Removes a directory with all that is in it. Links in it are removed, not followed.
fn remove(path: &Path) -> io::Result<()> {
    let mut last = Ok(());
    for _ in 0..REMOVALS {
        last = std::fs::remove_dir_all(path);
        if last.as_ref().err().is_none_or(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
    }
    last
}

/// Removes the directories of this user's dead processes. The lock decides where process ids do not: another container
/// may use the same memory and count its own.
fn sweep(place: &Path) {
    let Ok(within) = Directory::open(place) else { return };
    for name in within.names().unwrap_or_default() {
        let tag = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|name| name.split_once('-'));
        if !tag.is_some_and(|(_, tag)| leftover::is_dead(tag)) {
            continue;
        }
        let Ok(directory) = within.enter(&name) else { continue };
        let own = fstat(directory.as_file()).is_ok_and(|stat| is_own(&stat));
        if own && directory.as_file().try_lock().is_ok() {
            // Another one may be quicker: what counts is that it is gone.
            let _ = remove(&place.join(&name));
        }
    }
}

/// The directories that will do, best first, and whether each is on a disk.
fn places(environment: &EnvSnapshot) -> Vec<(PathBuf, bool)> {
    let named = |name: &str| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(target_os = "linux") {
        let runtime = named("XDG_RUNTIME_DIR").filter(|path| is_only_ours(path));
        let shared = Some(PathBuf::from("/dev/shm")).filter(|path| is_safe(path));
        return [runtime, shared]
            .into_iter()
            .flatten()
            .filter(|path| is_memory(path))
            .map(|path| (path, false))
            .collect();
    }
    named("TMPDIR").filter(|path| is_only_ours(path)).map(|path| (path, true)).into_iter().collect()
}

/// Whether it is a directory, no link, that only this user may enter (XDG Base Directory Specification: mode 0700).
fn is_only_ours(path: &Path) -> bool {
    let stat = rustix::fs::lstat(path);
    stat.is_ok_and(|stat| is_directory(&stat) && is_own(&stat) && rights(&stat) == Mode::RWXU)
}

/// Whether others may not remove or rename in it what is ours: the sticky bit, or no right to write.
fn is_safe(path: &Path) -> bool {
    rustix::fs::stat(path).is_ok_and(|stat| {
        let kept = Mode::from_raw_mode(stat.st_mode).contains(Mode::SVTX);
        let closed = !rights(&stat).intersects(Mode::WGRP | Mode::WOTH);
        is_directory(&stat) && (is_own(&stat) || stat.st_uid == 0) && (kept || closed)
    })
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

fn rights(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO)
}

/// Whether what is written there stays in memory: tmpfs or ramfs (`TMPFS_MAGIC` and `RAMFS_MAGIC` of linux/magic.h).
#[cfg(target_os = "linux")]
fn is_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|stat| matches!(u64::try_from(stat.f_type), Ok(0x0102_1994 | 0x8584_58f6)))
}

/// No other system says.
#[cfg(not(target_os = "linux"))]
fn is_memory(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::{PrivateDir, PrivateDirError, Secret};
    use crate::process::EnvSnapshot;

    fn environment(runtime: &Path) -> EnvSnapshot {
        let name = if cfg!(target_os = "linux") { "XDG_RUNTIME_DIR" } else { "TMPDIR" };
        EnvSnapshot::from_pairs([(OsString::from(name), runtime.as_os_str().to_owned())])
    }

    /// A directory that stands for the user's: in memory where the system has such a thing.
    fn runtime() -> tempfile::TempDir {
        let mut builder = tempfile::Builder::new();
        builder.prefix("test-");
        builder.permissions(std::fs::Permissions::from_mode(0o700));
        if cfg!(target_os = "linux") { builder.tempdir_in("/dev/shm") } else { builder.tempdir() }.unwrap()
    }

    fn secret() -> Secret {
        Secret::from_string(String::from("hunter2"))
    }

    fn names(path: &Path) -> Vec<PathBuf> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn private_written_once_and_removed_with_everything() {
        let (runtime, other) = (runtime(), tempfile::tempdir().unwrap());
        std::fs::create_dir(other.path().join("kept")).unwrap();
        let directory = PrivateDir::create(&environment(runtime.path()), "edit").unwrap();
        assert_eq!(directory.path().parent(), Some(runtime.path()));
        assert_eq!(directory.on_disk(), cfg!(not(target_os = "linux")));
        let file = directory.write("staging.toml", &secret()).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(directory.path()), mode(&file)), (0o700, 0o600));
        assert_eq!(std::fs::read(&file).unwrap(), b"hunter2");
        for name in ["staging.toml", "../x", "a/b", "", ".."] {
            assert!(matches!(directory.write(name, &secret()), Err(PrivateDirError::Failed { .. })), "{name}");
        }
        // What editors and users put beside it.
        std::fs::create_dir(directory.path().join("d")).unwrap();
        symlink(other.path(), directory.path().join("d/link")).unwrap();
        directory.write("staging.toml~", &secret()).unwrap();
        assert_eq!(directory.remove(), Ok(()));
        assert_eq!(names(runtime.path()), <[PathBuf; 0]>::default());
        assert!(other.path().join("kept").exists());
        drop(PrivateDir::create(&environment(runtime.path()), "edit").unwrap());
        assert_eq!(names(runtime.path()), <[PathBuf; 0]>::default());
    }

    #[test]
    fn what_the_dead_left_is_swept_and_nothing_else() {
        let (runtime, other) = (runtime(), tempfile::tempdir().unwrap());
        let path = |name: &str| runtime.path().join(name);
        let held = PrivateDir::create(&environment(runtime.path()), "edit").unwrap();
        let dead = path("envctl-edit-2147483646-abc");
        let locked = path("envctl-edit-2147483645-abc");
        let others = ["envctl-edit-1-abc", "envctl-2147483646-abc", "other-edit-2147483646-abc"].map(path);
        for path in others.iter().chain([&dead, &locked]) {
            std::fs::create_dir_all(path.join("d")).unwrap();
        }
        symlink(other.path(), path("envctl-edit-2147483644-abc")).unwrap();
        symlink(other.path(), dead.join("link")).unwrap();
        let user = std::fs::File::open(&locked).unwrap();
        user.lock().unwrap();
        drop(PrivateDir::create(&environment(runtime.path()), "file").unwrap());
        assert!(!dead.exists());
        assert!(others.iter().all(|path| path.exists()));
        assert!(locked.exists() && held.path().exists() && other.path().exists());
        assert!(path("envctl-edit-2147483644-abc").is_symlink());
    }

    /// What is not surely the user's own memory is passed over.
    #[test]
    fn unsafe_places_are_not_taken() {
        let runtime = runtime();
        let made = |name: &str, mode: u32| {
            let path = runtime.path().join(name);
            std::fs::DirBuilder::new().mode(mode).create(&path).unwrap();
            path
        };
        let (good, open) = (made("good", 0o700), made("open", 0o755));
        let (link, file) = (runtime.path().join("link"), runtime.path().join("file"));
        symlink(&good, &link).unwrap();
        super::super::write_private(&file, b"").unwrap();
        for place in [open, link, file, runtime.path().join("no"), PathBuf::from("relative"), PathBuf::from("/proc")] {
            match PrivateDir::create(&environment(&place), "edit") {
                Ok(directory) => assert_eq!(directory.path().parent(), Some(Path::new("/dev/shm")), "{place:?}"),
                Err(error) => assert_eq!(error, PrivateDirError::NoPlace, "{place:?}"),
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_is_known_from_disks() {
        assert!(super::is_memory(Path::new("/dev/shm")) && super::is_safe(Path::new("/dev/shm")));
        assert!(!super::is_memory(Path::new("/proc")) && !super::is_memory(Path::new("/no")));
    }
}
