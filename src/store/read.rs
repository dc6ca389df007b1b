//! The one reader of files: regular ones, up to a size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
    options.read(true).custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0));
    let file: File = options.open(path).map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::path::Path;

    use super::{ReadProblem, read_limited};

    #[test]
    fn refuses_what_is_no_file_or_too_large() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x");
        super::super::write_private(&path, b"two").unwrap();
        assert_eq!(read_limited(&path, 3).unwrap(), b"two");
        assert_eq!(read_limited(&path, 2), Err(ReadProblem::TooLarge { limit: 2 }));
        assert_eq!(read_limited(directory.path(), 1), Err(ReadProblem::NotRegular { kind: "a directory" }));
        assert!(matches!(read_limited(Path::new("/dev/zero"), 1), Err(ReadProblem::NotRegular { .. })));
        assert_eq!(read_limited(&directory.path().join("no"), 1), Err(ReadProblem::Io(ErrorKind::NotFound)));
    }
}
