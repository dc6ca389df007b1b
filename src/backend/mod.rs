//! Stores outside the repository, behind one small interface.

mod env;
mod local;

use std::path::{Path, PathBuf};

use crate::diagnostic::Code;
use crate::process::EnvSnapshot;
use crate::recipe::Recipe;
use crate::reference::{BackendKind, Place};
use crate::resolve::Generate;
use crate::secret::Secret;
use crate::store::{LockError, WriteError};

pub use local::Local;

/// One value that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The variable.
    pub name: &'a str,
    /// The kind of backend.
    pub kind: BackendKind,
    /// Where it is.
    pub place: &'a Place,
    /// How a missing one may be made; only the local store does.
    pub recipe: Option<&'a Recipe>,
}

/// What a backend found. That there is nothing and that it could not be found out never meet: the second is an error.
#[derive(Debug)]
pub enum Fetched {
    /// The value.
    Value(Secret),
    /// The place is empty.
    Nothing,
}

/// Why a backend could not answer; never with a value or a foreign text in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendError {
    /// This version of envctl cannot speak to it.
    Unavailable(BackendKind),
    /// There is no home directory to keep things in.
    NoHome,
    /// A file of the local store could not be read or written.
    Io(PathBuf, std::io::ErrorKind),
    /// A file of the local store is not what envctl writes.
    Corrupt(PathBuf),
    /// A file of the local store was written by a newer version.
    Newer(PathBuf),
    /// Others can read a file of the local store.
    Open(PathBuf),
    /// A file of the local store could not be written.
    NotWritten(WriteError),
    /// The lock of the local store was not had.
    NotLocked(LockError),
    /// No value could be made.
    Generator,
}

impl BackendError {
    /// What happened.
    pub fn describe(&self) -> String {
        match self {
            Self::Unavailable(kind) => {
                format!("this version of envctl cannot read `{}`", kind.name())
            }
            Self::NoHome => String::from("neither XDG_DATA_HOME nor HOME says where it is"),
            Self::Io(path, kind) => {
                format!("{}: {}", path.display(), crate::store::describe(*kind))
            }
            Self::Corrupt(path) => format!("{} is damaged", path.display()),
            Self::Newer(path) => format!("{} was written by a newer version of envctl", path.display()),
            Self::Open(path) => format!("{} can be read by others", path.display()),
            Self::NotWritten(error) => error.describe(),
            Self::NotLocked(error) => error.describe(),
            Self::Generator => String::from("the system's random generator failed"),
        }
    }

    /// The code of the diagnostic.
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::BackendFailed,
            _ => Code::Io,
        }
    }

    /// What mends it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Open(path) => Some(format!("chmod 600 {}", path.display())),
            Self::Corrupt(path) => {
                Some(format!("move {} away; what can be generated is then made anew", path.display()))
            }
            Self::Newer(_) => Some(String::from("update envctl")),
            _ => None,
        }
    }
}

/// What every backend does: answers to many questions at once, in their order.
pub trait Backend {
    /// Looks the wanted values up.
    fn get(&mut self, wants: &[Want<'_>]) -> Vec<Result<Fetched, BackendError>>;
}

/// All backends of a project; each is opened when it is first asked.
#[derive(Debug)]
pub struct Backends<'e> {
    environment: &'e EnvSnapshot,
    project_id: String,
    root: PathBuf,
}

impl<'e> Backends<'e> {
    /// The backends of the project with this id at this root.
    pub fn new(environment: &'e EnvSnapshot, project_id: &str, root: &Path) -> Self {
        Self { environment, project_id: project_id.to_owned(), root: root.to_owned() }
    }

    /// The local store of an environment.
    pub fn local(&self, environment: &str, generate: Generate) -> Result<Local, BackendError> {
        let data = self.environment.data_dir().ok_or(BackendError::NoHome)?;
        Ok(Local::new(&data, &self.project_id, &self.root, environment, generate))
    }

    /// Looks up what `environment` wants of one backend; the answers are in the order of `wants`.
    pub fn get(
        &mut self,
        environment: &str,
        wants: &[Want<'_>],
        generate: Generate,
    ) -> Vec<Result<Fetched, BackendError>> {
        let all = |error: &BackendError| wants.iter().map(|_| Err(error.clone())).collect();
        match wants.first().map(|want| want.kind) {
            Some(BackendKind::Env) => env::Env(self.environment).get(wants),
            Some(BackendKind::Local) => match self.local(environment, generate) {
                Ok(mut local) => local.get(wants),
                Err(error) => all(&error),
            },
            Some(kind) => all(&BackendError::Unavailable(kind)),
            None => Vec::new(),
        }
    }
}
