//! What can go wrong when a file is written, in our own words and without a word of its content.

use std::convert::Infallible;
use std::io;
use std::path::PathBuf;

use super::describe;

/// What was being done when a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Finding the file and its directory.
    Find,
    /// Making the temporary file.
    Open,
    /// Writing it.
    Write,
    /// Giving it the old file's mode.
    Mode,
    /// Waiting until it is on the disk.
    Sync,
    /// Reading it back.
    ReadBack,
    /// Putting it in the old one's place.
    Rename,
}

impl Step {
    fn describe(self) -> &'static str {
        match self {
            Self::Find => "while looking for it",
            Self::Open => "while making a temporary file beside it",
            Self::Write => "while writing a temporary file beside it",
            Self::Mode => "while setting who may read it",
            Self::Sync => "while waiting for the disk",
            Self::ReadBack => "while reading it back",
            Self::Rename => "while putting it in place",
        }
    }
}

/// Why a file is none that envctl writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It, or what a link leads to, is outside of the directory it must be in.
    Outside,
    /// It is a directory, a pipe, a device or a link that is not followed.
    NotRegular,
    /// It is a link to nothing.
    Dangling,
    /// It belongs to another user.
    OtherOwner,
}

impl Refusal {
    fn describe(self) -> &'static str {
        match self {
            Self::Outside => "it is outside of the project",
            Self::NotRegular => "it is not a regular file",
            Self::Dangling => "it is a link to nothing",
            Self::OtherOwner => "it belongs to another user",
        }
    }
}

/// Why a file was not written, or may not stay. All but [`WriteError::NotDurable`] leave the old file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteError<E = Infallible> {
    /// It is none that envctl writes.
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
    /// The system refused.
    Failed {
        /// The file.
        path: PathBuf,
        /// What was being done.
        step: Step,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// What was read back is not what was written.
    Differs {
        /// The file.
        path: PathBuf,
    },
    /// What was read back is not what the caller wants to have written.
    Unverified {
        /// The file.
        path: PathBuf,
        /// What the caller said.
        error: E,
    },
    /// The new file is in place, but after a loss of power the old one may be back.
    NotDurable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl<E> WriteError<E> {
    /// What happened, in one line that begins with the path.
    pub fn describe(&self) -> String {
        let (Self::Refused { path, .. }
        | Self::Failed { path, .. }
        | Self::Differs { path }
        | Self::Unverified { path, .. }
        | Self::NotDurable { path, .. }) = self;
        self.describe_as(&path.to_string_lossy())
    }

    /// What happened, in one line that begins with `shown`, the path as the user knows it.
    pub fn describe_as(&self, shown: &str) -> String {
        match self {
            Self::Refused { why, .. } => format!("{shown} cannot be written: {}", why.describe()),
            Self::Failed { step: Step::Find, kind: io::ErrorKind::NotFound, .. } => {
                format!("{shown} cannot be written: its directory does not exist")
            }
            Self::Failed { step, kind, .. } => {
                format!("{shown} cannot be written: {}, {}", describe(*kind), step.describe())
            }
            Self::Differs { .. } => {
                format!("{shown} was not written: what came back from the disk is not what was written")
            }
            Self::Unverified { .. } => {
                format!("{shown} was not written: what came back from the disk does not verify")
            }
            Self::NotDurable { kind, .. } => {
                format!("{shown} was written, but may not survive a loss of power: {}", describe(*kind))
            }
        }
    }
}
