//! A sealed file being changed: what is set, removed, wrapped anew; then the text that goes to the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics};
use crate::environment::EnvironmentFile;
use crate::sealed::{DataKey, MAX_VALUE, SUFFIXES, SealedEntry, SealedFile, rewrite};
use crate::secret::Secret;
use crate::source::SourceMap;
use crate::unseal::Opened;

/// Changes to the sealed part of one environment.
#[derive(Debug)]
pub struct Draft {
    file: SealedFile,
    key: Arc<DataKey>,
    /// What the file was; nothing for a first seal.
    before: Option<Arc<SealedFile>>,
    today: String,
    /// New values, to be compared with what can be read back from the disk.
    written: BTreeMap<String, Secret>,
}

/// Today's date (UTC), as `rotated` has it.
pub fn today() -> String {
    jiff::Timestamp::now().to_string().chars().take(10).collect()
}

/// The system gave no random bytes.
pub fn no_random() -> Diagnostic {
    Diagnostic::error(Code::Io, "the system's random generator failed")
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Diagnostic> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(&mut *bytes).map_err(|_| no_random())?;
    Ok(bytes)
}

/// A new data key.
pub fn new_key() -> Result<Arc<DataKey>, Diagnostic> {
    Ok(Arc::new(DataKey::new(&random()?)))
}

impl Draft {
    /// Changes to a file that was opened.
    pub fn of(opened: &Opened) -> Self {
        Self {
            file: SealedFile::clone(opened.file()),
            key: Arc::clone(opened.key()),
            before: Some(Arc::clone(opened.file())),
            today: today(),
            written: BTreeMap::new(),
        }
    }

    /// A first seal: no entries yet. `age_file` is `key`, wrapped for the `recipients`.
    pub fn first(
        project: &str,
        environment: &str,
        protected: bool,
        recipients: BTreeMap<String, String>,
        age_file: Vec<u8>,
        key: Arc<DataKey>,
    ) -> Self {
        let file = SealedFile {
            project: project.to_owned(),
            environment: environment.to_owned(),
            protected,
            generation: 1,
            revision: 0,
            age_file,
            lineage: None,
            mac: String::new(),
            recipients,
            entries: BTreeMap::new(),
        };
        Self { file, key, before: None, today: today(), written: BTreeMap::new() }
    }

    /// What the file is to be.
    pub fn file(&self) -> &SealedFile {
        &self.file
    }

    /// The key it is sealed with.
    pub fn key(&self) -> &Arc<DataKey> {
        &self.key
    }

    /// The value of an entry as it stands.
    pub fn value(&self, name: &str) -> Option<Secret> {
        self.file.open(name, &self.key)
    }

    fn sealed(&self, name: &str, value: &Secret) -> Result<Vec<u8>, Diagnostic> {
        self.key.seal(self.file.place(name), value, &*random()?).ok_or_else(|| {
            let message = format!("`{name}` is longer than {} MiB", MAX_VALUE >> 20);
            let help = "keep it in a file, and the file's path in a variable of type `path`";
            Diagnostic::error(Code::ValueTooLarge, message).help(help)
        })
    }

    /// Seals a value; nothing happens if it is the one that is there. Tells whether anything did.
    pub fn set(&mut self, name: &str, value: Secret) -> Result<bool, Diagnostic> {
        if self.value(name).is_some_and(|old| old.same_bytes(&value)) {
            return Ok(false);
        }
        let (since, rotated) = (self.file.generation, self.today.clone());
        self.put(name, value, since, rotated)?;
        Ok(true)
    }

    /// Seals a value that changed at another time than now.
    pub fn put(&mut self, name: &str, value: Secret, since: u64, rotated: String) -> Result<(), Diagnostic> {
        let sealed = self.sealed(name, &value)?;
        self.file.entries.insert(name.to_owned(), SealedEntry { sealed, since, rotated });
        self.written.insert(name.to_owned(), value);
        Ok(())
    }

    /// Whether a rotation of this variable is under way: its old or next value stands beside it.
    pub fn is_rotating(&self, name: &str) -> bool {
        SUFFIXES.iter().any(|suffix| self.file.entries.contains_key(&format!("{name}{suffix}")))
    }

    /// Takes an entry out; tells whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.written.remove(name);
        self.file.entries.remove(name).is_some()
    }

    /// Gives a value another name: it changed when it changed.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), Diagnostic> {
        let (Some(value), Some(entry)) = (self.value(from), self.file.entries.get(from).cloned()) else {
            return Ok(());
        };
        self.remove(from);
        self.put(to, value, entry.since, entry.rotated)
    }

    /// Whether the environment is production-like.
    pub fn protect(&mut self, protected: bool) {
        self.file.protected = protected;
    }

    /// The same key for other recipients: `age_file` is the key, wrapped for them.
    pub fn rewrap(&mut self, recipients: BTreeMap<String, String>, age_file: Vec<u8>) {
        self.file.recipients = recipients;
        self.file.age_file = age_file;
    }

    /// A new key, wrapped for these recipients in `age_file`: every value is sealed anew, and when it changed stays.
    pub fn rekey(
        &mut self,
        key: Arc<DataKey>,
        recipients: BTreeMap<String, String>,
        age_file: Vec<u8>,
    ) -> Result<(), Diagnostic> {
        let names: Vec<(String, SealedEntry)> =
            self.file.entries.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect();
        let mut values = Vec::with_capacity(names.len());
        for (name, entry) in names {
            let value = self.value(&name).ok_or_else(|| unreadable(&name))?;
            values.push((name, value, entry));
        }
        self.file.generation += 1;
        self.file.lineage = Some(self.key.lineage(self.file.generation, &key));
        self.key = key;
        self.rewrap(recipients, age_file);
        for (name, value, entry) in values {
            self.put(&name, value, entry.since, entry.rotated)?;
        }
        Ok(())
    }

    /// Whether anything is to be written.
    pub fn is_changed(&self) -> bool {
        self.before.as_ref().is_none_or(|before| **before != self.file)
    }

    /// Ends the changes: the next revision, sealed; `text` is the file's text, with changes of its cleartext.
    pub fn finish(mut self, text: &str) -> Result<Finished, Diagnostic> {
        if self.is_changed() {
            self.file.revision += 1;
            self.file.mac = self.key.mac(&self.file);
        }
        let text = rewrite(text, &self.file)
            .ok_or_else(|| Diagnostic::error(Code::Bug, "the changed file would be no TOML; nothing was written"))?;
        Ok(Finished { text, sealed: Some(self.file), changed: Some((self.key, self.written)) })
    }
}

fn unreadable(name: &str) -> Diagnostic {
    Diagnostic::error(Code::SealBroken, format!("the sealed value of `{name}` does not open"))
}

/// A text that is ready to be written, and what has to be found when it is read back.
#[derive(Debug)]
pub struct Finished {
    text: String,
    sealed: Option<SealedFile>,
    /// The key and new values, where the sealed part changed.
    changed: Option<(Arc<DataKey>, BTreeMap<String, Secret>)>,
}

impl Finished {
    /// A text of this environment whose sealed part, if it has one, is to be as it was.
    pub fn cleartext(text: String, file: &EnvironmentFile) -> Self {
        let sealed = file.sealed.as_ref().map(|(sealed, _)| SealedFile::clone(sealed));
        Self { text, sealed, changed: None }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether what was read back from the disk is what was meant: well-formed, its seal true, every new value as given.
    pub fn verify(&self, environment: &str, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let mut problems = Diagnostics::default();
        let source = SourceMap::default().add_masked("", "");
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Some(read) = EnvironmentFile::read(environment, false, text, source, &mut problems) else { return false };
        let again = read.sealed.map(|(sealed, _)| sealed);
        // A name both sealed and in clear, say: no writer makes such a file.
        let untrusted = problems.iter().any(|problem| problem.code.class() == Class::Trust);
        if untrusted || again.as_deref() != self.sealed.as_ref() {
            return false;
        }
        let (Some(again), Some((key, values))) = (again, &self.changed) else { return true };
        let same = |name: &String, value: &Secret| again.open(name, key).is_some_and(|read| read.same_bytes(value));
        key.verifies(&again) && values.iter().all(|(name, value)| same(name, value))
    }
}
