//! The one reader and the one writer of files: no surprise kinds of file, whole files or none, durable when it says so.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Why a file was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadProblem {
    /// It is a directory, pipe or device.
    NotRegular {
        /// What it is, with its article.
        kind: &'static str,
    },
    /// It is larger than allowed.
    TooLarge {
        /// What is allowed, in bytes.
        limit: u64,
    },
    /// The system refused.
    Io(io::ErrorKind),
}

/// Reads a regular file of at most `limit` bytes. A pipe or device is refused at once: opening does not wait.
pub fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, ReadProblem> {
    let failed = |error: io::Error| ReadProblem::Io(error.kind());
    // Looked at before it is opened: opening a device can have effects.
    kind_of(&std::fs::metadata(path).map_err(failed)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0));
    }
    let file = options.open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    kind_of(&metadata)?;
    if metadata.len() > limit {
        return Err(ReadProblem::TooLarge { limit });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(ReadProblem::TooLarge { limit });
    }
    Ok(bytes)
}

fn kind_of(metadata: &std::fs::Metadata) -> Result<(), ReadProblem> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(ReadProblem::NotRegular { kind: if kind.is_dir() { "a directory" } else { "a pipe, socket or device" } })
}

/// An input or output error in our own words: the system's text can hold more than is meant for people.
pub fn describe(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::AlreadyExists => "it exists already",
        io::ErrorKind::StorageFull => "no space left",
        io::ErrorKind::QuotaExceeded => "the quota is used up",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        io::ErrorKind::IsADirectory => "it is a directory",
        io::ErrorKind::NotADirectory => "a part of its path is not a directory",
        io::ErrorKind::TimedOut => "it took too long",
        io::ErrorKind::BrokenPipe => "the reader has gone",
        _ => "input/output error",
    }
}

/// Writes a file whole or not at all, private to the user; when it returns the bytes are on the disk.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Mode::Private, true)
}

/// Writes a file that is not there yet, private to the user; one that is there is an error.
pub fn write_private_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Mode::Private, false)
}

/// Writes a file that is not there yet, for everybody the user lets read new files; one that is there is an error.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Mode::Usual, false)
}

/// Replaces a file whole or not at all, and keeps who may read it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, bytes, Mode::Kept, true)
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Private,
    Usual,
    Kept,
}

fn write(path: &Path, bytes: &[u8], mode: Mode, over: bool) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.file_type().is_file()) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sweep(directory);
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(path.file_name().unwrap_or_default());
    prefix.push(format!(".envctl-{}-", std::process::id()));
    // Made with O_EXCL and mode 0600, and removed again on every way out but the last.
    let mut temporary = tempfile::Builder::new().prefix(&prefix).tempfile_in(directory)?;
    temporary.write_all(bytes)?;
    set_mode(temporary.as_file(), path, mode)?;
    temporary.as_file().sync_all()?;
    if over {
        temporary.persist(path).map_err(|error| error.error)?;
    } else {
        temporary.persist_noclobber(path).map_err(|error| error.error)?;
    }
    File::open(directory)?.sync_all()
}

/// Removes what writers that were killed have left: temporary files of processes that are no more.
fn sweep(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().filter(|name| name.starts_with('.')).and_then(|name| {
            let (pid, _) = name.rsplit_once(".envctl-")?.1.split_once('-')?;
            pid.parse().ok()
        });
        if pid.is_some_and(|pid| !is_alive(pid)) {
            // Another writer may be quicker: what counts is that it is gone.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_alive(pid: i32) -> bool {
    let process = rustix::process::Pid::from_raw(pid);
    process.is_some_and(|process| rustix::process::test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn is_alive(_pid: i32) -> bool {
    true
}

#[cfg(unix)]
fn set_mode(file: &File, path: &Path, mode: Mode) -> io::Result<()> {
    use rustix::fs::{Mode as Bits, fchmod, stat};
    let bits = match mode {
        Mode::Private => return Ok(()),
        Mode::Kept => Bits::from_raw_mode(stat(path)?.st_mode),
        Mode::Usual => {
            // The mask can only be read by setting it; this program has one thread here.
            let mask = rustix::process::umask(Bits::empty());
            rustix::process::umask(mask);
            Bits::from_raw_mode(0o666).difference(mask)
        }
    };
    Ok(fchmod(file, bits)?)
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _path: &Path, _mode: Mode) -> io::Result<()> {
    Ok(())
}

/// Makes a directory and those above it, private to the user.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A held lock; given back when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Waits for the lock file at `path` to be free, at most until `deadline` has passed.
#[expect(clippy::disallowed_methods, reason = "the system's locks have no deadline: it is tried again and again")]
pub fn lock(path: &Path, deadline: Duration) -> io::Result<Lock> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let end = Instant::now() + deadline;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ReadProblem, read_limited, write_private};
    use std::io::ErrorKind;
    use std::path::Path;

    #[test]
    fn writes_whole_private_files_and_reads_them_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(read_limited(&path, 3).unwrap(), b"two");
        assert_eq!(read_limited(&path, 2), Err(ReadProblem::TooLarge { limit: 2 }));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn leftovers_of_dead_writers_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let name = |pid: u32| directory.path().join(format!(".x.envctl-{pid}-abc"));
        for pid in [std::process::id(), 0x7fff_fffe] {
            write_private(&name(pid), b"x").unwrap();
        }
        write_private(&directory.path().join("y"), b"y").unwrap();
        assert!(name(std::process::id()).exists());
        assert!(!name(0x7fff_fffe).exists());
    }

    #[test]
    fn refuses_what_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read_limited(directory.path(), 1), Err(ReadProblem::NotRegular { kind: "a directory" }));
        assert!(matches!(read_limited(Path::new("/dev/zero"), 1), Err(ReadProblem::NotRegular { .. })));
        assert_eq!(read_limited(&directory.path().join("no"), 1), Err(ReadProblem::Io(ErrorKind::NotFound)));
        assert!(write_private(directory.path(), b"x").is_err());
    }
}
