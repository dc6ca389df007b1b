//! Locks: one writer at a time, and a word on who it is.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags, fstat};

use super::describe;
use super::directory::{Directory, is_regular, is_same};

/// How long a writer waits while another one gets nowhere.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The directory of a project for what is not shared; `init` keeps it out of git.
const PRIVATE: &str = ".envctl";

/// Why a lock was not had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// What should be a directory of the project is a link or a file.
    NotADirectory(PathBuf),
    /// The lock is a link, a directory or a device.
    NotAFile(PathBuf),
    /// The system refused.
    Failed {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// Somebody else had it until the deadline.
    Busy {
        /// The process, if it left its number.
        holder: Option<u32>,
    },
}

impl LockError {
    /// What happened, in one line.
    pub fn describe(&self) -> String {
        match self {
            Self::NotADirectory(path) => format!("{} is not a directory: no lock can be taken in it", path.display()),
            Self::NotAFile(path) => format!("{} is not a file: it cannot be locked", path.display()),
            Self::Failed { path, kind } => format!("{} cannot be locked: {}", path.display(), describe(*kind)),
            Self::Busy { holder: Some(process) } => format!("another envctl (process {process}) is writing"),
            Self::Busy { holder: None } => String::from("another envctl is writing"),
        }
    }
}

/// A held lock; given back when dropped, and by the system when its process ends. The lock's file stays: removing it
/// would let two others lock two files of one name.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of the project at `root`, `.envctl/lock` (directory 0700, file 0600, made if missing). It is for
    /// every write to a file of the project. `deadline`, usually [`DEADLINE`], begins anew whenever another writer has
    /// got the lock: a queue that moves is no failure.
    pub fn project(root: &Path, deadline: Duration) -> Result<Self, LockError> {
        let path = root.join(PRIVATE);
        let failed = |error: io::Error| LockError::Failed { path: path.join("lock"), kind: error.kind() };
        let name = OsStr::new(PRIVATE);
        let root = Directory::open(root).map_err(failed)?;
        match root.make(name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        let stat = root.stat(name).map_err(failed)?;
        if stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::Directory) {
            return Err(LockError::NotADirectory(path));
        }
        let directory = root.enter(name).map_err(failed)?;
        take(&directory, OsStr::new("lock"), &path.join("lock"), deadline)
    }

    /// Waits for the lock file at `path`, in a directory that exists, as [`Lock::project`] does.
    pub fn file(path: &Path, deadline: Duration) -> Result<Self, LockError> {
        let failed = |error: io::Error| LockError::Failed { path: path.to_owned(), kind: error.kind() };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(LockError::NotAFile(path.to_owned()));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        take(&Directory::open(parent).map_err(failed)?, name, path, deadline)
    }
}

/// Takes the lock `name` of `directory`; `path` is for messages.
fn take(directory: &Directory, name: &OsStr, path: &Path, deadline: Duration) -> Result<Lock, LockError> {
    let failed = |error: io::Error| LockError::Failed { path: path.to_owned(), kind: error.kind() };
    loop {
        if directory.stat(name).map_err(failed)?.is_some_and(|stat| !is_regular(&stat)) {
            return Err(LockError::NotAFile(path.to_owned()));
        }
        let mode = Mode::RUSR | Mode::WUSR;
        let file = directory.file(name, OFlags::RDWR | OFlags::CREATE, mode).map_err(failed)?;
        let own = fstat(&file).map_err(|error| failed(error.into()))?;
        if !is_regular(&own) {
            return Err(LockError::NotAFile(path.to_owned()));
        }
        wait(&file, path, deadline)?;
        // Somebody may have removed the file meanwhile, and others then lock the new one of this name.
        if directory.stat(name).map_err(failed)?.is_some_and(|stat| is_same(&stat, &own)) {
            sign(&file).map_err(failed)?;
            return Ok(Lock { _file: file });
        }
    }
}

/// Waits until `file` is locked. The system's locks have no deadline: it is tried again and again.
fn wait(file: &File, path: &Path, deadline: Duration) -> Result<(), LockError> {
    let mut since = Instant::now();
    let mut seen = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(LockError::Failed { path: path.to_owned(), kind: error.kind() });
            }
            Err(_) => {}
        }
        // Every holder writes its number into the file, so a new time is a new holder.
        let signed = file.metadata().and_then(|metadata| metadata.modified()).ok();
        if signed != seen {
            (since, seen) = (Instant::now(), signed);
        } else if since.elapsed() >= deadline {
            return Err(LockError::Busy { holder: holder(file) });
        }
        pause(since);
    }
}

/// A short pause of 2 to 20 ms, another one for each who waits: the nanoseconds are as good as chance.
#[expect(clippy::disallowed_methods, reason = "there is nothing to wait for: a lock that is given back tells nobody")]
fn pause(since: Instant) {
    std::thread::sleep(Duration::from_millis(2 + u64::from(since.elapsed().subsec_nanos() % 19)));
}

/// Leaves the number of this process for those who wait. Written before it is cut: there is always a number to read.
fn sign(file: &File) -> io::Result<()> {
    let text = format!("{}\n", std::process::id());
    file.write_all_at(text.as_bytes(), 0)?;
    file.set_len(text.len() as u64)
}

/// The number the holder has left.
fn holder(file: &File) -> Option<u32> {
    let mut bytes = [0; 16];
    let length = file.read_at(&mut bytes, 0).ok()?;
    std::str::from_utf8(bytes.get(..length)?).ok()?.lines().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::super::{ReadProblem, read_limited, replace_verified};
    use super::{DEADLINE, Lock, LockError};

    const SHORT: Duration = Duration::from_millis(40);

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn open(path: &Path) -> std::fs::File {
        std::fs::OpenOptions::new().write(true).open(path).unwrap()
    }

    #[test]
    fn the_second_hears_of_the_first() {
        let root = tempfile::tempdir().unwrap();
        let first = Lock::project(root.path(), SHORT).unwrap();
        assert_eq!(mode(&root.path().join(".envctl")), 0o700);
        assert_eq!(mode(&root.path().join(".envctl/lock")), 0o600);
        let busy = Lock::project(root.path(), SHORT).unwrap_err();
        assert_eq!(busy, LockError::Busy { holder: Some(std::process::id()) });
        assert_eq!(busy.describe(), format!("another envctl (process {}) is writing", std::process::id()));
        drop(first);
        assert!(Lock::project(root.path(), SHORT).is_ok());
        assert!(root.path().join(".envctl/lock").exists());
    }

    #[test]
    fn a_longer_number_is_overwritten_and_nonsense_is_no_number() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        super::super::write_private(&path, b"4294967295 and more\n").unwrap();
        let _lock = Lock::file(&path, SHORT).unwrap();
        assert_eq!(read_limited(&path, 99).unwrap(), format!("{}\n", std::process::id()).as_bytes());
        open(&path).write_all_at(b"x", 0).unwrap();
        assert_eq!(Lock::file(&path, SHORT).unwrap_err(), LockError::Busy { holder: None });
    }

    /// A queue longer than the deadline is waited for as long as it moves.
    #[test]
    fn the_deadline_counts_from_the_last_holder() {
        let root = tempfile::tempdir().unwrap();
        let held = Lock::project(root.path(), SHORT).unwrap();
        let file = open(&root.path().join(".envctl/lock"));
        let (start, deadline) = (Instant::now(), Duration::from_secs(1));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::project(root.path(), deadline).map(drop));
            while start.elapsed() < deadline * 2 {
                super::sign(&file).unwrap();
                super::pause(start);
            }
            assert!(!waiting.is_finished());
            drop(held);
            assert_eq!(waiting.join().unwrap(), Ok(()));
        });
    }

    /// Whoever waited for a file that was removed holds nothing that others would see.
    #[test]
    fn a_removed_lock_file_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let held = Lock::file(&path, SHORT).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::file(&path, DEADLINE));
            super::pause(Instant::now());
            std::fs::remove_file(&path).unwrap();
            drop(held);
            let _got = waiting.join().unwrap().unwrap();
            assert!(matches!(Lock::file(&path, SHORT), Err(LockError::Busy { .. })));
        });
    }

    #[test]
    fn links_and_other_kinds_are_refused() {
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let private = root.path().join(".envctl");
        symlink(other.path(), &private).unwrap();
        assert_eq!(Lock::project(root.path(), SHORT).unwrap_err(), LockError::NotADirectory(private.clone()));
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
        std::fs::remove_file(&private).unwrap();
        std::fs::create_dir(&private).unwrap();
        let lock = private.join("lock");
        symlink(other.path().join("x"), &lock).unwrap();
        assert_eq!(Lock::project(root.path(), SHORT).unwrap_err(), LockError::NotAFile(lock.clone()));
        assert!(!other.path().join("x").exists());
        std::fs::remove_file(&lock).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
        assert_eq!(Lock::project(root.path(), SHORT).unwrap_err(), LockError::NotAFile(lock.clone()));
        let missing = Lock::project(&root.path().join("no"), SHORT).unwrap_err();
        assert!(missing.describe().ends_with("no/.envctl/lock cannot be locked: it does not exist"), "{missing:?}");
    }

    fn count(path: &Path) -> usize {
        match read_limited(path, 99) {
            Err(ReadProblem::Io(ErrorKind::NotFound)) => 0,
            read => read.unwrap().len(),
        }
    }

    #[test]
    fn fifty_threads_lose_no_update() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("counter");
        std::thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    let _lock = Lock::project(root.path(), DEADLINE).unwrap();
                    let count = count(&path) + 1;
                    replace_verified(&path, root.path(), &vec![b'x'; count], |_| Ok::<_, ()>(())).unwrap();
                });
            }
        });
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 50);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
