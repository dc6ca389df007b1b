//! What is said when no identity opens an environment: what was tried, by name, and what to do.

use super::Own;
use super::file::Flaw;
use super::keyring::KeyringProblem;
use super::plugins::PluginProblem;
use crate::diagnostic::{Code, Diagnostic};

/// Why an age file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenProblem {
    /// There are identities, and none of them is a recipient.
    NoneOpens,
    /// There is no identity at all.
    NoIdentity,
    /// A passphrase was wrong, or nobody could be asked for one.
    Passphrase,
    /// A plugin did not run or reported a problem.
    Plugin,
    /// An identity cannot be used: empty, unreadable, of an unknown kind.
    Unusable,
    /// The age file itself is damaged. This is no matter of identities, and the caller says what is damaged.
    Damaged,
}

/// What came of one place where an identity may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is no such file.
    Nothing,
    /// The keyring gave none.
    Keyring(KeyringProblem),
    /// What is there cannot be used.
    Unusable(Flaw),
    /// Its keys are not among the recipients.
    NotAmong,
    /// No recipient is an SSH key.
    NoSshRecipient,
    /// It is protected, and nobody can be asked for the passphrase.
    NobodyToAsk,
    /// It is protected, and the person gave no passphrase.
    NoPassphrase,
    /// It is protected, and the passphrase was wrong.
    WrongPassphrase,
    /// A plugin is needed.
    Plugin(PluginProblem),
    /// It has keys of plugins alone, which do not tell their recipient.
    RecipientUnknown,
}

impl Outcome {
    /// What it counts as.
    fn problem(&self) -> OpenProblem {
        match self {
            Self::Nothing | Self::Keyring(_) | Self::NoSshRecipient => OpenProblem::NoIdentity,
            Self::NotAmong | Self::RecipientUnknown => OpenProblem::NoneOpens,
            Self::NobodyToAsk | Self::NoPassphrase | Self::WrongPassphrase => OpenProblem::Passphrase,
            Self::Plugin(_) => OpenProblem::Plugin,
            Self::Unusable(_) => OpenProblem::Unusable,
        }
    }

    fn describe(&self) -> String {
        let text = match self {
            Self::Nothing => "it does not exist",
            Self::Keyring(KeyringProblem::Empty) => "no identity there",
            Self::Keyring(problem) => return format!("no identity there ({})", problem.describe()),
            Self::Unusable(flaw) => return flaw.describe(),
            Self::NotAmong => "its key is not among the recipients",
            Self::NoSshRecipient => "not tried, no SSH key is among the recipients",
            Self::NobodyToAsk => "it is protected by a passphrase, and there is no terminal to ask for it",
            Self::NoPassphrase => "it is protected by a passphrase, and none was given",
            Self::WrongPassphrase => "the passphrase was wrong",
            Self::Plugin(problem) => return problem.describe(),
            Self::RecipientUnknown => "it is the key of a plugin: the plugin prints its recipient",
        };
        text.to_owned()
    }
}

/// One place that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tried {
    /// The place by name.
    pub(super) source: String,
    pub(super) outcome: Outcome,
    /// Whether the file is envctl's own, so that its mode is envctl's affair.
    pub(super) default: bool,
}

/// Why no identity opened an age file. Holds no key.
#[derive(Debug)]
pub struct OpenError {
    problem: OpenProblem,
    tried: Vec<Tried>,
    own: Vec<Own>,
}

impl OpenError {
    pub(super) fn new(tried: Vec<Tried>, own: Vec<Own>) -> Self {
        let has = |problem| tried.iter().any(|one: &Tried| one.outcome.problem() == problem);
        let all = [OpenProblem::Passphrase, OpenProblem::Plugin, OpenProblem::NoneOpens, OpenProblem::Unusable];
        let problem = all.into_iter().find(|problem| has(*problem)).unwrap_or(OpenProblem::NoIdentity);
        Self { problem, tried, own }
    }

    pub(super) fn damaged() -> Self {
        Self { problem: OpenProblem::Damaged, tried: Vec::new(), own: Vec::new() }
    }

    /// What kind of problem it is.
    pub fn problem(&self) -> OpenProblem {
        self.problem
    }

    /// Every place that was tried and what came of it, as a person reads it.
    pub fn tried(&self) -> impl Iterator<Item = String> {
        self.tried.iter().map(|tried| format!("{}: {}", tried.source, tried.outcome.describe()))
    }

    /// The recipients of the identities at hand.
    pub fn own(&self) -> &[Own] {
        &self.own
    }

    /// The diagnostic, without a place; `environment` is the one to be opened, if it is about one.
    pub fn diagnostic(&self, environment: Option<&str>) -> Diagnostic {
        let to_open = environment.map_or_else(String::new, |name| format!(" to open `{name}`"));
        let with = environment.map_or("", |_| " with");
        let unreadable = environment.map_or(Code::IdentityUnusable, |_| Code::SealedUnreadable);
        let (code, message) = match self.problem {
            OpenProblem::Damaged => {
                return Diagnostic::error(Code::SealedKey, "the wrapped data key is damaged or was changed");
            }
            OpenProblem::NoneOpens => match environment {
                Some(name) => (unreadable, format!("none of your identities opens `{name}`")),
                None => (unreadable, String::from("there is no recipient that could be shown")),
            },
            OpenProblem::NoIdentity => (unreadable, format!("there is no identity{to_open}{with}")),
            OpenProblem::Passphrase => (unreadable, format!("no identity was unlocked{to_open}")),
            OpenProblem::Plugin => (Code::IdentityUnusable, format!("no plugin could be used{to_open}")),
            OpenProblem::Unusable => (Code::IdentityUnusable, format!("no identity can be used{to_open}")),
        };
        let mut diagnostic = Diagnostic::error(code, message);
        diagnostic.notes.extend(self.tried().map(|tried| format!("tried {tried}")));
        diagnostic.help.extend(self.help(environment));
        diagnostic
    }

    fn help(&self, environment: Option<&str>) -> Vec<String> {
        let mut help: Vec<String> = self.tried.iter().filter_map(mend).collect();
        if self.problem == OpenProblem::NoIdentity {
            help.push(String::from("`envctl keygen` makes an identity and prints its recipient"));
        }
        let unknown = matches!(self.problem, OpenProblem::NoIdentity | OpenProblem::NoneOpens);
        if let Some(environment) = environment.filter(|_| unknown) {
            // Of several the first is enough: age's own keys come before SSH keys.
            let own = self.own.first().map_or("age1…", |own| own.recipient.as_str());
            // A recipient with a space is one argument.
            let own = if own.contains(' ') { format!("'{own}'") } else { own.to_owned() };
            help.push(format!("ask somebody who can read it to run: envctl recipients add NAME {own} {environment}"));
        }
        help
    }
}

/// What mends the outcome of one place.
fn mend(tried: &Tried) -> Option<String> {
    match &tried.outcome {
        Outcome::Plugin(problem) => problem.help(),
        Outcome::Unusable(Flaw::Readable) if tried.default => {
            let path = tried.source.strip_prefix("identity file ").unwrap_or(&tried.source);
            Some(format!("chmod 600 {path}"))
        }
        Outcome::Unusable(Flaw::SshCipher) => Some(String::from("ssh-keygen -p -Z aes256-ctr -f FILE changes it")),
        Outcome::Unusable(Flaw::PostQuantum | Flaw::SshRsa | Flaw::SshOther | Flaw::OtherPrivateKey) => {
            Some(String::from("`envctl keygen` makes an identity that can be used"))
        }
        Outcome::NobodyToAsk => {
            Some(String::from("run it in a terminal, or give ENVCTL_IDENTITY an identity without a passphrase"))
        }
        _ => None,
    }
}
