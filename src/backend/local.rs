//! The backend `local`: values of this user on this machine, outside the repository.
//!
//! One JSON file for each project root, mode 0600, in the user's data directory. Values are base64 in clear: the file is
//! as private as an SSH key without a passphrase. Sealing it for the user comes with the identities.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Backend, BackendError, Fetched, Want};
use crate::resolve::Generate;
use crate::secret::Secret;
use crate::{generate, store};

const FORMAT: u32 = 1;
const MAX_FILE: u64 = 20 << 20;

/// The local store of one environment.
#[derive(Debug)]
pub struct Local {
    path: PathBuf,
    root: String,
    environment: String,
    generate: Generate,
}

/// The file: environment → name → base64 of the value.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    root: String,
    environments: BTreeMap<String, BTreeMap<String, Encoded>>,
}

/// The base64 of a value, wiped when dropped.
#[derive(Serialize, Deserialize)]
struct Encoded(String);

impl Drop for Encoded {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Local {
    /// The store of `environment` in the project with this id at this root. Another root is another store: a copied
    /// repository does not get at the values of the original.
    pub fn new(data: &Path, project_id: &str, root: &Path, environment: &str, generate: Generate) -> Self {
        let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
        let short: String = digest.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let path = data.join("local").join(format!("{project_id}-{short}.json"));
        Self { path, root: root.to_string_lossy().into_owned(), environment: environment.to_owned(), generate }
    }

    /// Keeps values; those that are there are replaced.
    pub fn put(&self, values: &[(&str, &Secret)]) -> Result<(), BackendError> {
        let _lock = self.lock()?;
        let mut stored = self.read()?;
        let names = stored.environments.entry(self.environment.clone()).or_default();
        for (name, value) in values {
            names.insert((*name).to_owned(), Encoded(STANDARD.encode(value.expose())));
        }
        self.write(&stored)
    }

    fn failed(&self, error: &std::io::Error) -> BackendError {
        BackendError::Io(self.path.clone(), error.kind())
    }

    fn lock(&self) -> Result<store::Lock, BackendError> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        store::create_private_dir(directory).map_err(|error| self.failed(&error))?;
        store::Lock::file(&directory.join(".lock"), store::DEADLINE).map_err(BackendError::NotLocked)
    }

    fn read(&self) -> Result<Stored, BackendError> {
        let metadata = match std::fs::symlink_metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(self.empty()),
            Err(error) => return Err(self.failed(&error)),
        };
        if !metadata.is_file() {
            return Err(BackendError::Corrupt(self.path.clone()));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if metadata.mode() & 0o077 != 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
                return Err(BackendError::Open(self.path.clone()));
            }
        }
        let bytes = store::read_limited(&self.path, MAX_FILE).map_err(|problem| match problem {
            store::ReadProblem::Io(kind) => BackendError::Io(self.path.clone(), kind),
            _ => BackendError::Corrupt(self.path.clone()),
        })?;
        let bytes = Zeroizing::new(bytes);
        // The error of the parser quotes what it refuses: it is dropped.
        let stored: Stored = serde_json::from_slice(&bytes).map_err(|_| BackendError::Corrupt(self.path.clone()))?;
        if stored.format > FORMAT {
            return Err(BackendError::Newer(self.path.clone()));
        }
        Ok(stored)
    }

    fn empty(&self) -> Stored {
        Stored { format: FORMAT, root: self.root.clone(), environments: BTreeMap::new() }
    }

    fn write(&self, stored: &Stored) -> Result<(), BackendError> {
        let corrupt = |_| BackendError::Corrupt(self.path.clone());
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
        serde_json::to_writer_pretty(&mut *bytes, stored).map_err(corrupt)?;
        bytes.push(b'\n');
        store::write_private(&self.path, &bytes).map_err(BackendError::NotWritten)?;
        Ok(())
    }

    fn lookup(&self, stored: &Stored, name: &str) -> Result<Option<Secret>, BackendError> {
        let found = stored.environments.get(&self.environment).and_then(|names| names.get(name));
        let decode = |encoded: &Encoded| {
            STANDARD.decode(&encoded.0).map(Secret::new).map_err(|_| BackendError::Corrupt(self.path.clone()))
        };
        found.map(decode).transpose()
    }

    /// Makes what is missing and can be made. The file is read again under the lock: of many programs started at once
    /// all get the same value.
    fn make_missing(&self, wants: &[Want<'_>]) -> Result<Stored, BackendError> {
        let _lock = if self.generate == Generate::Store { Some(self.lock()?) } else { None };
        let mut stored = self.read()?;
        let names = stored.environments.entry(self.environment.clone()).or_default();
        for want in wants {
            if let Some(recipe) = want.recipe.filter(|_| !names.contains_key(want.name)) {
                let value = generate::generate(recipe).map_err(|_| BackendError::Generator)?;
                names.insert(want.name.to_owned(), Encoded(STANDARD.encode(value.expose())));
            }
        }
        if self.generate == Generate::Store {
            self.write(&stored)?;
        }
        Ok(stored)
    }

    fn answers(&self, wants: &[Want<'_>]) -> Result<Vec<Result<Fetched, BackendError>>, BackendError> {
        let mut stored = self.read()?;
        let there = |stored: &Stored, name: &str| {
            stored.environments.get(&self.environment).is_some_and(|names| names.contains_key(name))
        };
        if wants.iter().any(|want| want.recipe.is_some() && !there(&stored, want.name)) {
            stored = self.make_missing(wants)?;
        }
        let answer = |want: &Want<'_>| Ok(self.lookup(&stored, want.name)?.map_or(Fetched::Nothing, Fetched::Value));
        Ok(wants.iter().map(answer).collect())
    }
}

impl Backend for Local {
    fn get(&mut self, wants: &[Want<'_>]) -> Vec<Result<Fetched, BackendError>> {
        self.answers(wants).unwrap_or_else(|error| wants.iter().map(|_| Err(error.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Backend, BackendError, Fetched, Generate, Local, Want};
    use crate::recipe::Recipe;
    use crate::reference::{BackendKind, Place};
    use crate::secret::Secret;
    use std::path::Path;

    fn local(data: &Path, root: &str, generate: Generate) -> Local {
        Local::new(data, "8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f", Path::new(root), "dev", generate)
    }

    fn get(local: &mut Local, name: &str, recipe: Option<&Recipe>) -> Option<Vec<u8>> {
        let want = Want { name, kind: BackendKind::Local, place: &Place::Local, recipe };
        match local.get(&[want]).pop().unwrap().unwrap() {
            Fetched::Value(value) => Some(value.expose().to_vec()),
            Fetched::Nothing => None,
        }
    }

    #[test]
    fn keeps_values_apart_by_root() {
        let data = tempfile::tempdir().unwrap();
        let value = Secret::new(vec![0, 255, 10]);
        local(data.path(), "/a", Generate::Store).put(&[("A", &value)]).unwrap();
        assert_eq!(get(&mut local(data.path(), "/a", Generate::Store), "A", None), Some(vec![0, 255, 10]));
        assert_eq!(get(&mut local(data.path(), "/b", Generate::Store), "A", None), None);
        assert_eq!(get(&mut local(data.path(), "/a", Generate::Store), "B", None), None);
    }

    #[test]
    fn makes_a_missing_value_once() {
        let data = tempfile::tempdir().unwrap();
        let recipe = Recipe::new("hex", Some(16), None, None, None).unwrap();
        let pretended = get(&mut local(data.path(), "/a", Generate::Pretend), "A", Some(&recipe)).unwrap();
        let first = get(&mut local(data.path(), "/a", Generate::Store), "A", Some(&recipe)).unwrap();
        let again = get(&mut local(data.path(), "/a", Generate::Store), "A", Some(&recipe)).unwrap();
        assert_eq!(first.len(), 32);
        assert_eq!(first, again);
        assert_ne!(pretended, first, "a check keeps nothing");
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_file_that_is_not_private_or_not_ours() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        let mut local = local(data.path(), "/a", Generate::Store);
        local.put(&[("A", &Secret::new(b"x".to_vec()))]).unwrap();
        let want = Want { name: "A", kind: BackendKind::Local, place: &Place::Local, recipe: None };
        let mode = |mode| {
            std::fs::set_permissions(&local.path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o640);
        assert_eq!(
            local.clone_for_test().get(&[want]).pop().unwrap().unwrap_err(),
            BackendError::Open(local.path.clone())
        );
        mode(0o600);
        for (text, error) in [
            ("{", BackendError::Corrupt(local.path.clone())),
            ("{\"format\":2,\"root\":\"\",\"environments\":{}}", BackendError::Newer(local.path.clone())),
        ] {
            crate::store::write_private(&local.path, text.as_bytes()).unwrap();
            assert_eq!(local.get(&[want]).pop().unwrap().unwrap_err(), error);
        }
    }

    impl Local {
        fn clone_for_test(&self) -> Self {
            Self {
                path: self.path.clone(),
                root: self.root.clone(),
                environment: self.environment.clone(),
                generate: self.generate,
            }
        }
    }
}
