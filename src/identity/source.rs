//! The places where an identity may be, and what is found there.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::file::{Content, Flaw, parse};
use super::keyring::{Keyring, KeyringProblem};
use crate::process::EnvSnapshot;
use crate::secret::Secret;
use crate::store::{self, ReadProblem};

/// The largest identity file, in bytes.
const MAX_FILE: u64 = 64 << 10;
/// The name of the default identity file.
pub(super) const DEFAULT_FILE: &str = "identity.txt";

/// A place where an identity may be.
pub(super) enum Place {
    /// `--identity`.
    Given(PathBuf),
    /// `ENVCTL_IDENTITY`: the key itself.
    Variable(Secret),
    /// `ENVCTL_IDENTITY_FILE`.
    VariableFile(PathBuf),
    /// The user's own file.
    Default(PathBuf),
    /// The keyring of the operating system.
    Keyring,
    /// The user's SSH key.
    Ssh(PathBuf),
}

/// What was found at a place.
pub(super) enum Found {
    /// Nobody has looked yet.
    Unread,
    /// There is no such file.
    Nothing,
    /// The keyring gave none.
    Keyring(KeyringProblem),
    /// What is there cannot be used.
    Unusable(Flaw),
    /// An identity.
    Content(Content),
}

/// A place, its name for people, and what is there.
pub(super) struct Source {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) found: Found,
}

impl Source {
    fn new(place: Place, home: Option<&Path>) -> Self {
        let name = match &place {
            Place::Given(path) => format!("--identity {}", shown(path, home)),
            Place::Variable(_) => String::from("ENVCTL_IDENTITY"),
            Place::VariableFile(path) => format!("ENVCTL_IDENTITY_FILE {}", shown(path, home)),
            Place::Default(path) => format!("identity file {}", shown(path, home)),
            Place::Keyring => String::from("OS keyring"),
            Place::Ssh(path) => format!("SSH key {}", shown(path, home)),
        };
        Self { place, name: name.trim_end().to_owned(), found: Found::Unread }
    }

    /// Looks, once.
    pub(super) fn load(&mut self, keyring: &dyn Keyring) {
        if !matches!(self.found, Found::Unread) {
            return;
        }
        let read = match &self.place {
            Place::Given(path) | Place::VariableFile(path) => required(path).map(Some),
            Place::Variable(text) => Ok(Some(Zeroizing::new(text.expose().to_vec()))),
            Place::Default(path) => private(path),
            Place::Ssh(path) => optional(path),
            Place::Keyring => match keyring.load() {
                Ok(text) => Ok(Some(Zeroizing::new(text.expose().to_vec()))),
                Err(problem) => {
                    self.found = Found::Keyring(problem);
                    return;
                }
            },
        };
        self.found = match read {
            Ok(None) => Found::Nothing,
            Err(flaw) => Found::Unusable(flaw),
            Ok(Some(bytes)) => match parse(&bytes) {
                Ok(content) => Found::Content(content),
                Err(flaw) => Found::Unusable(flaw),
            },
        };
    }
}

/// The places for this environment: the one that is given, else all there are, in their order.
pub(super) fn places(environment: &EnvSnapshot, given: Option<PathBuf>) -> Vec<Source> {
    let home = home(environment);
    let exclusive = given.map(Place::Given).or_else(|| {
        let key = environment.get("ENVCTL_IDENTITY");
        let file = environment.get("ENVCTL_IDENTITY_FILE");
        key.map(|key| Place::Variable(Secret::new(key.as_encoded_bytes().to_vec())))
            .or_else(|| file.map(|file| Place::VariableFile(PathBuf::from(file))))
    });
    let places = match exclusive {
        Some(place) => vec![place],
        None => [
            environment.config_dir().map(|directory| Place::Default(directory.join(DEFAULT_FILE))),
            Some(Place::Keyring),
            home.as_ref().map(|home| Place::Ssh(home.join(".ssh").join("id_ed25519"))),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    places.into_iter().map(|place| Source::new(place, home.as_deref())).collect()
}

/// The keyring and nothing else.
pub(super) fn keyring_only() -> Vec<Source> {
    vec![Source::new(Place::Keyring, None)]
}

fn home(environment: &EnvSnapshot) -> Option<PathBuf> {
    environment.get("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// A path as people write it.
fn shown(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// A file that was named: it has to be there.
fn required(path: &Path) -> Result<Zeroizing<Vec<u8>>, Flaw> {
    if path.as_os_str().is_empty() {
        return Err(Flaw::Empty);
    }
    store::read_limited(path, MAX_FILE).map(Zeroizing::new).map_err(|problem| match problem {
        ReadProblem::NotRegular { .. } => Flaw::NotAFile,
        ReadProblem::TooLarge { .. } => Flaw::TooLarge,
        ReadProblem::Io(kind) => Flaw::Io(kind),
    })
}

/// A file that need not be there.
fn optional(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Flaw> {
    match required(path) {
        Err(Flaw::Io(std::io::ErrorKind::NotFound)) => Ok(None),
        other => other.map(Some),
    }
}

/// A file that need not be there, and that nobody else may read.
fn private(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Flaw> {
    #[cfg(unix)]
    if let Ok(metadata) = path.metadata()
        && std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0
        && metadata.is_file()
    {
        return Err(Flaw::Readable);
    }
    optional(path)
}
