//! Opening sealed files: the data key from an identity, and nothing of a file before its seal was verified.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic};
use crate::environment::EnvironmentFile;
use crate::identity::{Identities, OpenError, OpenProblem};
use crate::sealed::{DataKey, SealedFile, Spans};
use crate::secret::Secret;

/// Why an age file was not opened.
#[derive(Debug)]
pub enum UnwrapError {
    /// No identity opens it.
    Identity(Box<OpenError>),
    /// It was opened, or begun to be, and is damaged.
    Damaged,
}

/// Whatever holds identities.
pub trait Unwrap {
    /// The content of a binary age file that says to be for these recipients.
    fn unwrap_key(&mut self, age_file: &[u8], recipients: &[&str]) -> Result<Secret, UnwrapError>;
}

impl Unwrap for Identities {
    fn unwrap_key(&mut self, age_file: &[u8], recipients: &[&str]) -> Result<Secret, UnwrapError> {
        self.open_for(age_file, recipients).map_err(|error| match error.problem() {
            OpenProblem::Damaged => UnwrapError::Damaged,
            _ => UnwrapError::Identity(Box::new(error)),
        })
    }
}

/// Opens sealed files; each wrapped key is asked for once, whatever the answer.
pub struct Unsealer<'i> {
    identities: Box<dyn Unwrap + 'i>,
    keys: BTreeMap<Vec<u8>, Result<Arc<DataKey>, Refused>>,
}

/// Why there is no key.
#[derive(Debug, Clone)]
enum Refused {
    Identity(Arc<OpenError>),
    Damaged,
    /// The age file holds something else.
    NoDataKey,
}

/// A sealed file whose seal was verified with its key; only [`Unsealer::open`] makes one.
#[derive(Debug, Clone)]
pub struct Opened {
    file: Arc<SealedFile>,
    key: Arc<DataKey>,
}

impl<'i> Unsealer<'i> {
    /// Opens with these identities.
    pub fn new(identities: impl Unwrap + 'i) -> Self {
        Self { identities: Box::new(identities), keys: BTreeMap::new() }
    }

    /// Opens the sealed part of an environment, if it has one, and verifies its seal.
    pub fn open(&mut self, file: &EnvironmentFile) -> Option<Result<Opened, Diagnostic>> {
        let (sealed, spans) = file.sealed.as_ref()?;
        Some(self.open_sealed(sealed, &file.name, Some(spans)))
    }

    /// Opens a sealed part; `spans` say where its parts stand, if that is a file of the project.
    pub fn open_sealed(
        &mut self,
        sealed: &Arc<SealedFile>,
        shown: &str,
        spans: Option<&Spans>,
    ) -> Result<Opened, Diagnostic> {
        let key = self.key(sealed).map_err(|refused| explain_key(refused, sealed, shown, spans))?;
        if !key.verifies(sealed) {
            return Err(broken(sealed, &key, shown, spans));
        }
        Ok(Opened { file: Arc::clone(sealed), key })
    }

    fn key(&mut self, sealed: &SealedFile) -> Result<Arc<DataKey>, Refused> {
        if let Some(known) = self.keys.get(&sealed.age_file) {
            return known.clone();
        }
        let recipients: Vec<&str> = sealed.recipients.values().map(String::as_str).collect();
        let key = match self.identities.unwrap_key(&sealed.age_file, &recipients) {
            Ok(payload) => DataKey::from_payload(&payload).map(Arc::new).ok_or(Refused::NoDataKey),
            Err(UnwrapError::Identity(error)) => Err(Refused::Identity(Arc::from(error))),
            Err(UnwrapError::Damaged) => Err(Refused::Damaged),
        };
        self.keys.insert(sealed.age_file.clone(), key.clone());
        key
    }

    /// Remembers the key of an age file that was just made.
    pub fn remember(&mut self, age_file: &[u8], key: &Arc<DataKey>) {
        self.keys.insert(age_file.to_vec(), Ok(Arc::clone(key)));
    }
}

impl Opened {
    /// What was opened.
    pub fn file(&self) -> &Arc<SealedFile> {
        &self.file
    }

    /// Its key.
    pub fn key(&self) -> &Arc<DataKey> {
        &self.key
    }

    /// The value of an entry. A seal that matches over a value that does not open was made by somebody with the key.
    pub fn value(&self, name: &str) -> Result<Secret, Diagnostic> {
        self.file.open(name, &self.key).ok_or_else(|| {
            let message = format!("the sealed value of `{name}` is damaged, though the seal matches");
            let help = format!("set it anew: `envctl set {} {name}`", self.file.environment);
            Diagnostic::error(Code::SealBroken, message).note("a broken program with the key has written it").help(help)
        })
    }
}

fn explain_key(refused: Refused, sealed: &SealedFile, shown: &str, spans: Option<&Spans>) -> Diagnostic {
    match refused {
        Refused::Identity(error) => {
            let problem = error.diagnostic(Some(shown));
            let readers: Vec<&str> = sealed.recipients.keys().map(String::as_str).collect();
            let label = format!("these can open it: {}", readers.join(", "));
            match spans {
                Some(spans) => problem.at(spans.recipients, label),
                None => problem.note(label),
            }
        }
        Refused::Damaged | Refused::NoDataKey => {
            let what =
                if matches!(refused, Refused::Damaged) { "is damaged" } else { "holds no data key of this format" };
            let problem = Diagnostic::error(Code::SealedKey, format!("the wrapped key of `{shown}` {what}"));
            let problem = problem.at_some(spans.map(|spans| spans.key), "opened, and refused");
            problem.help(format!("take the file as it was: `git log -p environments/{shown}.toml`"))
        }
    }
}

/// A seal that does not match: with the key it can be told what was done to the file.
fn broken(sealed: &SealedFile, key: &DataKey, shown: &str, spans: Option<&Spans>) -> Diagnostic {
    let message =
        format!("the seal of `{shown}` does not match: it was changed by somebody without its key, or merged by hand");
    let mut problem =
        Diagnostic::error(Code::SealBroken, message).at_some(spans.map(|spans| spans.mac), "does not match");
    let mut strange: Vec<&str> =
        sealed.entries.keys().map(String::as_str).filter(|name| sealed.open(name, key).is_none()).collect();
    let origin = |name: &str| {
        let entry = sealed.entries.get(name)?.sealed.as_slice();
        sealed.entries.keys().find(|other| key.open(sealed.place(other), entry).is_some())
    };
    if strange.is_empty() {
        problem = problem.note(
            "every value opens: an entry was added, removed or put back, or dates, counters or recipients were changed",
        );
    } else if strange.len() == sealed.entries.len() && strange.iter().all(|name| origin(name).is_none()) {
        problem = problem.note("no value opens: the key is not the one they were sealed with");
        strange.clear();
    }
    for name in strange {
        problem = problem.note(match origin(name) {
            Some(origin) => format!("`{name}` holds what was sealed as `{origin}`"),
            None => format!("`{name}` was changed, or comes from another name, environment or project"),
        });
    }
    let log = format!("`git log -p environments/{shown}.toml` shows what was changed; take back what you do not know");
    problem.help(log).help("after a merge without envctl: `envctl resolve`")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::{Unsealer, Unwrap, UnwrapError};
    use crate::diagnostic::Code;
    use crate::sealed::{DataKey, SealedEntry, SealedFile};
    use crate::secret::Secret;

    fn key() -> DataKey {
        DataKey::new(&Zeroizing::new([5; 32]))
    }

    /// Opens every age file but empty ones, and counts.
    struct Fixed<'c>(&'c std::cell::Cell<usize>);

    impl Unwrap for Fixed<'_> {
        fn unwrap_key(&mut self, age_file: &[u8], _: &[&str]) -> Result<Secret, UnwrapError> {
            self.0.set(self.0.get() + 1);
            match age_file.first() {
                Some(0) => Ok(Secret::new(b"something else".to_vec())),
                Some(_) => Ok(key().payload()),
                None => Err(UnwrapError::Damaged),
            }
        }
    }

    fn file() -> SealedFile {
        let mut file = SealedFile {
            project: "ab".repeat(16),
            environment: String::from("dev"),
            protected: false,
            generation: 1,
            revision: 1,
            age_file: vec![1],
            lineage: None,
            mac: String::new(),
            recipients: BTreeMap::from([(String::from("alice"), String::from("age1alice"))]),
            entries: BTreeMap::new(),
        };
        for (name, value) in [("A", "1"), ("B", "2"), ("C", "3")] {
            let sealed = key().seal(file.place(name), &Secret::from_string(value.to_owned()), &[1; 24]).unwrap();
            let entry = SealedEntry { sealed, since: 1, rotated: String::from("2026-11-21") };
            file.entries.insert(name.to_owned(), entry);
        }
        file.mac = key().mac(&file);
        file
    }

    fn refusal(file: SealedFile) -> (Code, String) {
        let count = std::cell::Cell::new(0);
        let problem = Unsealer::new(Fixed(&count)).open_sealed(&Arc::new(file), "dev", None).unwrap_err();
        (problem.code, problem.notes.join("; "))
    }

    #[test]
    fn a_key_is_asked_for_once() {
        let count = std::cell::Cell::new(0);
        let mut unsealer = Unsealer::new(Fixed(&count));
        let file = Arc::new(file());
        for _ in 0..3 {
            let opened = unsealer.open_sealed(&file, "dev", None).unwrap();
            assert_eq!(opened.value("B").unwrap().expose(), b"2");
        }
        assert_eq!(count.get(), 1);
    }

    #[test]
    fn what_was_done_to_a_file_is_told() {
        let changed = |change: fn(&mut SealedFile)| {
            let mut file = file();
            change(&mut file);
            refusal(file)
        };
        let swapped = changed(|file| {
            let (a, b) = (file.entries["A"].clone(), file.entries["B"].clone());
            file.entries.insert(String::from("A"), b);
            file.entries.insert(String::from("B"), a);
        });
        let told = "`A` holds what was sealed as `B`; `B` holds what was sealed as `A`";
        assert_eq!(swapped, (Code::SealBroken, told.to_owned()));
        let (code, told) = changed(|file| drop(file.entries.remove("A")));
        assert!(code == Code::SealBroken && told.starts_with("every value opens"), "{told}");
        let (_, told) = changed(|file| file.entries.values_mut().for_each(|entry| entry.sealed[30] ^= 1));
        assert!(told.starts_with("no value opens"), "{told}");
        let two = changed(|file| {
            file.entries.remove("C");
            let (a, b) = (file.entries["A"].clone(), file.entries["B"].clone());
            file.entries.insert(String::from("A"), b);
            file.entries.insert(String::from("B"), a);
        });
        assert_eq!(two.1, swapped.1);
        let (_, told) = changed(|file| file.entries.get_mut("C").unwrap().sealed[30] ^= 1);
        assert!(told.starts_with("`C` was changed"), "{told}");
        assert_eq!(changed(|file| file.age_file.clear()).0, Code::SealedKey);
        assert_eq!(changed(|file| file.age_file = vec![0]).0, Code::SealedKey);
    }
}
