//! Files: the one reader, the one writer, the lock of a project, and directories in memory for what a disk must not see.
//!
//! What writes holds a [`Lock`], reads the file again under it, changes that and hands the whole to [`replace_verified`]:
//! at every moment the file is the old one or the new one, and when success is told it is the new one on the disk.

mod directory;
mod leftover;
mod lock;
mod private_dir;
mod problem;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::path::Path;

pub use lock::{DEADLINE, Lock, LockError};
pub use private_dir::{PrivateDir, PrivateDirError};
pub use problem::{Refusal, Step, WriteError};
pub use read::{ReadProblem, read_limited};
pub use write::{Written, replace, replace_verified, write_new, write_private, write_private_new};

/// An input or output error in our own words: the system's text can hold more than is meant for people.
pub fn describe(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::AlreadyExists => "it exists already",
        io::ErrorKind::StorageFull => "no space left",
        io::ErrorKind::QuotaExceeded => "the quota is used up",
        io::ErrorKind::FileTooLarge => "it is larger than files may be here",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        io::ErrorKind::IsADirectory => "it is a directory",
        io::ErrorKind::NotADirectory => "a part of its path is not a directory",
        io::ErrorKind::InvalidFilename => "its name is too long or not allowed here",
        io::ErrorKind::Unsupported => "the file system cannot do that",
        io::ErrorKind::TimedOut => "it took too long",
        io::ErrorKind::BrokenPipe => "the reader has gone",
        _ => "input/output error",
    }
}

/// Makes a directory and those above it, private to the user.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
