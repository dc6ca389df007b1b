//! The one writer of files: whole files or none, read back before they take their place, durable when it says so.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, OFlags, Stat, fchmod, fchown, fstat};
use zeroize::Zeroizing;

use super::directory::{Directory, is_own, is_regular};
use super::leftover;
use super::problem::{Refusal, Step, WriteError};

/// Characters of the file's name that a temporary file's name repeats: with the rest at most 255 bytes, which is what
/// file systems allow.
const NAME_MAX: usize = 50;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The old file had further names (hard links). They still lead to the old content: worth a warning.
    pub hard_links: bool,
}

/// Replaces a file of a project, or makes it, under the project's [`Lock`](super::Lock).
///
/// The real file must be regular, the user's own and inside `root` even through links; a link on the way stays one. The
/// new content goes to a temporary file beside it, is flushed, read back, compared, and handed to `verify`; only then it
/// takes the old one's place, and its directory is flushed. The mode is kept; a new file gets what the user's mask leaves.
/// `bytes` is what the temporary file holds for a moment: never the plaintext of a secret.
pub fn replace_verified<E>(
    path: &Path,
    root: &Path,
    bytes: &[u8],
    verify: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<Written, WriteError<E>> {
    write(&Target::inside(path, root)?, bytes, Access::Kept, true, verify)
}

/// Replaces a file whole or not at all, and keeps who may read it. A link is refused.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<Written, WriteError> {
    write(&Target::at(path)?, bytes, Access::Kept, true, |_| Ok(()))
}

/// Writes a file whole or not at all, private to the user (0600). A link is refused.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<Written, WriteError> {
    write(&Target::at(path)?, bytes, Access::Private, true, |_| Ok(()))
}

/// Writes a file that is not there yet, private to the user (0600); one that is there is an error (`AlreadyExists`).
pub fn write_private_new(path: &Path, bytes: &[u8]) -> Result<Written, WriteError> {
    write(&Target::at(path)?, bytes, Access::Private, false, |_| Ok(()))
}

/// Writes a file that is not there yet, for everybody the user lets read new files; one that is there is an error.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<Written, WriteError> {
    write(&Target::at(path)?, bytes, Access::Kept, false, |_| Ok(()))
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// The user.
    Private,
    /// Who may read the old file; for a new one, whom the user's mask does not exclude.
    Kept,
}

/// Where to write: a name in an open directory.
struct Target {
    directory: Directory,
    name: OsString,
    /// As the caller said it; for messages only.
    path: PathBuf,
    old: Option<Stat>,
}

impl Target {
    /// The real file behind `path`, which must be inside `root` and belong to the user.
    fn inside<E>(path: &Path, root: &Path) -> Result<Self, WriteError<E>> {
        let find = |error| failed(path, Step::Find, &error);
        let refused = |why| WriteError::Refused { path: path.to_owned(), why };
        let root = root.canonicalize().map_err(find)?;
        let real = match path.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.is_symlink() {
                    return Err(refused(Refusal::Dangling));
                }
                let (parent, name) = split(path).ok_or(refused(Refusal::NotRegular))?;
                parent.canonicalize().map_err(find)?.join(name)
            }
            real => real.map_err(find)?,
        };
        let relative = real.strip_prefix(&root).map_err(|_| refused(Refusal::Outside))?;
        let name = relative.file_name().ok_or(refused(Refusal::NotRegular))?;
        let directory = Directory::below(&root, relative.parent().unwrap_or(Path::new(""))).map_err(find)?;
        let target = Self::new(directory, name, path)?;
        if target.old.is_some_and(|old| !is_own(&old)) {
            return Err(refused(Refusal::OtherOwner));
        }
        Ok(target)
    }

    /// The file at `path`, which is not a link.
    fn at<E>(path: &Path) -> Result<Self, WriteError<E>> {
        let (parent, name) =
            split(path).ok_or(WriteError::Refused { path: path.to_owned(), why: Refusal::NotRegular })?;
        let directory = Directory::open(parent).map_err(|error| failed(path, Step::Find, &error))?;
        Self::new(directory, name, path)
    }

    fn new<E>(directory: Directory, name: &OsStr, path: &Path) -> Result<Self, WriteError<E>> {
        let old = directory.stat(name).map_err(|error| failed(path, Step::Find, &error))?;
        if old.is_some_and(|old| !is_regular(&old)) {
            return Err(WriteError::Refused { path: path.to_owned(), why: Refusal::NotRegular });
        }
        Ok(Self { directory, name: name.to_owned(), path: path.to_owned(), old })
    }
}

/// The directory and the name in it.
fn split(path: &Path) -> Option<(&Path, &OsStr)> {
    let parent = path.parent()?;
    Some((if parent.as_os_str().is_empty() { Path::new(".") } else { parent }, path.file_name()?))
}

fn failed<E>(path: &Path, step: Step, error: &io::Error) -> WriteError<E> {
    WriteError::Failed { path: path.to_owned(), step, kind: error.kind() }
}

/// The protocol. Until the file has its name, every way out removes it.
fn write<E>(
    target: &Target,
    bytes: &[u8],
    access: Access,
    over: bool,
    verify: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<Written, WriteError<E>> {
    let path = || target.path.clone();
    let fails = |step| move |error| failed(&target.path, step, &error);
    if !over && target.old.is_some() {
        return Err(WriteError::Failed { path: path(), step: Step::Find, kind: io::ErrorKind::AlreadyExists });
    }
    leftover::sweep(&target.directory);
    let old = target.old.as_ref().filter(|_| access == Access::Kept);
    let (mut temporary, mut file) = Temporary::create(target, access).map_err(fails(Step::Open))?;
    file.write_all(bytes).map_err(fails(Step::Write))?;
    old.map_or(Ok(()), |old| keep_access(&file, old)).map_err(fails(Step::Mode))?;
    // Not tried again: the system may have dropped what it could not write.
    file.sync_all().map_err(fails(Step::Sync))?;
    drop(file);
    let read = temporary.read(bytes.len()).map_err(fails(Step::ReadBack))?;
    if *read != bytes {
        return Err(WriteError::Differs { path: path() });
    }
    verify(&read).map_err(|error| WriteError::Unverified { path: path(), error })?;
    temporary.place(&target.name, over).map_err(fails(Step::Rename))?;
    target.directory.sync().map_err(|error| WriteError::NotDurable { path: path(), kind: error.kind() })?;
    Ok(Written { hard_links: target.old.is_some_and(|old| old.st_nlink > 1) })
}

/// Gives a new file the mode and group of the old one. Where the group cannot be had, it gets nothing: the rights were
/// meant for the other one.
fn keep_access(file: &File, old: &Stat) -> io::Result<()> {
    let mut mode = Mode::from_raw_mode(old.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
    let group = Some(Gid::from_raw(old.st_gid));
    if fstat(file)?.st_gid != old.st_gid && fchown(file, None, group).is_err() {
        mode.remove(Mode::RWXG);
    }
    Ok(fchmod(file, mode)?)
}

/// A file that is removed when dropped, unless it was put in place.
struct Temporary<'t> {
    directory: &'t Directory,
    name: OsString,
    placed: bool,
}

impl<'t> Temporary<'t> {
    fn create(target: &'t Target, access: Access) -> io::Result<(Self, File)> {
        let start: String = target.name.to_string_lossy().chars().take(NAME_MAX).collect();
        let name = OsString::from(format!(".{start}{}{}", leftover::MARK, leftover::tag()?));
        let private = Mode::RUSR | Mode::WUSR;
        // The mask is best applied by the system: to read it, one has to change it.
        let all = private | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
        let mode = if access == Access::Kept && target.old.is_none() { all } else { private };
        let file = target.directory.create(&name, mode)?;
        Ok((Self { directory: &target.directory, name, placed: false }, file))
    }

    /// What stands in the file, at most one byte more than `size`. In one buffer that is wiped: a private file may hold
    /// secrets.
    fn read(&self, size: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        let file = self.directory.file(&self.name, OFlags::RDONLY, Mode::empty())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(size as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn place(&mut self, name: &OsStr, over: bool) -> io::Result<()> {
        if over { self.directory.rename(&self.name, name) } else { self.directory.rename_new(&self.name, name) }?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now is removed by the next writer.
            let _ = self.directory.remove(&self.name);
        }
    }
}
