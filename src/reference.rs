//! References to places in backends, and what each kind of backend can do, as data known without any request.

use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table};
use crate::name;
use crate::source::Span;

/// The kinds of store outside the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackendKind {
    /// `HashiCorp` Vault and `OpenBao`.
    Vault,
    /// AWS Secrets Manager.
    AwsSecretsManager,
    /// The keyring of the operating system.
    Keyring,
    /// GitHub Actions secrets and variables.
    Github,
    /// The environment envctl was started with.
    Env,
    /// A per-user store on this machine.
    Local,
}

/// What a kind of backend can do.
#[derive(Debug)]
pub struct Capability {
    /// The kind.
    pub kind: BackendKind,
    /// Its name in files.
    pub name: &'static str,
    /// Keys of a place that have to be given.
    pub needs: &'static [&'static str],
    /// Keys of a place that may be given.
    pub takes: &'static [&'static str],
    /// Whether it can be used without a `[backends]` table.
    pub built_in: bool,
}

/// One row for each kind of backend.
pub const CAPABILITIES: &[&Capability] = &[&VAULT, &AWS_SECRETS_MANAGER, &KEYRING, &GITHUB, &ENV, &LOCAL];

const VAULT: Capability = Capability {
    kind: BackendKind::Vault,
    name: "vault",
    needs: &["path", "field"],
    takes: &["version"],
    built_in: false,
};

const AWS_SECRETS_MANAGER: Capability = Capability {
    kind: BackendKind::AwsSecretsManager,
    name: "aws-secrets-manager",
    needs: &[],
    takes: &["name", "field", "stage"],
    built_in: false,
};

const KEYRING: Capability =
    Capability { kind: BackendKind::Keyring, name: "keyring", needs: &[], takes: &["service", "user"], built_in: true };

const GITHUB: Capability =
    Capability { kind: BackendKind::Github, name: "github", needs: &[], takes: &["name", "scope"], built_in: true };

const ENV: Capability =
    Capability { kind: BackendKind::Env, name: "env", needs: &[], takes: &["name"], built_in: true };

const LOCAL: Capability =
    Capability { kind: BackendKind::Local, name: "local", needs: &[], takes: &[], built_in: true };

impl BackendKind {
    /// What it can do; every kind has a row.
    pub fn capability(self) -> &'static Capability {
        match self {
            Self::Vault => &VAULT,
            Self::AwsSecretsManager => &AWS_SECRETS_MANAGER,
            Self::Keyring => &KEYRING,
            Self::Github => &GITHUB,
            Self::Env => &ENV,
            Self::Local => &LOCAL,
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        CAPABILITIES.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    /// Its name in files.
    pub fn name(self) -> &'static str {
        self.capability().name
    }
}

/// A reference as written: `{ backend = "vault", path = "kv/shop", field = "db" }`.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The backend's name.
    pub backend: Located<String>,
    /// The keys of the place: name, where the value stands, and its spelling.
    pub keys: Vec<(Located<String>, Located<String>)>,
    /// The day the value last changed, written by `rotate`.
    pub rotated: Option<Located<String>>,
    /// The whole reference.
    pub span: Span,
}

/// A place in a backend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A field of a secret in Vault.
    Vault {
        /// Mount and path.
        path: String,
        /// Key in the secret.
        field: String,
        /// Version, the newest unless given.
        version: Option<u64>,
    },
    /// A secret of AWS, or a field of it.
    Aws {
        /// Name or ARN.
        name: String,
        /// Key in a JSON secret.
        field: Option<String>,
        /// Version stage, `AWSCURRENT` unless given.
        stage: Option<String>,
    },
    /// An item of the keyring.
    Keyring {
        /// Service, `envctl:<project id>` unless given.
        service: Option<String>,
        /// User.
        user: String,
    },
    /// A secret or variable of GitHub Actions.
    Github {
        /// Name.
        name: String,
        /// Where it is kept.
        scope: Option<String>,
    },
    /// A variable of the environment envctl was started with.
    Env {
        /// Its name there.
        name: String,
    },
    /// The local store.
    Local,
}

impl Place {
    /// The place in a few words, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Vault { path, field, version: None } => format!("{path}#{field}"),
            Self::Vault { path, field, version: Some(version) } => format!("{path}#{field}@{version}"),
            Self::Aws { name, field: None, .. } | Self::Github { name, .. } => name.clone(),
            Self::Aws { name, field: Some(field), .. } => format!("{name}#{field}"),
            Self::Keyring { service, user } => {
                format!("{}/{user}", service.as_deref().unwrap_or("envctl"))
            }
            Self::Env { name } => format!("${name}"),
            Self::Local => String::from("local store"),
        }
    }
}

impl Reference {
    /// Reads an inline table that has the key `backend`; `text` is the document.
    pub fn read(table: &Table<'_>, text: &str, problems: &mut Diagnostics) -> Option<Self> {
        let backend = table.text("backend", problems)?;
        let mut keys = Vec::new();
        let mut rotated = None;
        for (key, value) in table.entries().filter(|(key, _)| key.value != "backend") {
            if key.value == "rotated" {
                let day = value.is_date().then(|| value.scalar(text)).flatten();
                rotated = value
                    .expect(day, "rotated", "a date such as 2026-11-21", problems)
                    .map(|day| Located::new(day, value.span));
            } else if let Some(spelling) =
                value.expect(value.scalar(text), key.value, "a string or an integer", problems)
            {
                keys.push((Located::new(key.value.to_owned(), key.span), Located::new(spelling, value.span)));
            }
        }
        Some(Self { backend, keys, rotated, span: table.span })
    }

    fn key(&self, name: &str) -> Option<&Located<String>> {
        self.keys.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    /// The backend's kind and the place, checked; `variable` stands in for a name that is not given.
    pub fn place(&self, variable: &str, config: &Config, problems: &mut Diagnostics) -> Option<(BackendKind, Place)> {
        let Some(kind) = config.backend_kind(&self.backend.value) else {
            problems.push(self.unknown_backend(config));
            return None;
        };
        let row = kind.capability();
        let before = problems.len();
        for (key, _) in &self.keys {
            if !row.needs.iter().chain(row.takes).any(|known| *known == key.value) {
                problems.push(unknown_key(key, row));
            }
        }
        // A key that is misspelt is not also missing.
        let misspelt = problems.len() > before;
        for needed in row.needs.iter().filter(|needed| !misspelt && self.key(needed).is_none()) {
            let message = format!("a place in `{}` needs `{needed}`", row.name);
            problems
                .push(Diagnostic::error(Code::InvalidPlace, message).at(self.span, format!("`{needed}` is missing")));
        }
        let place = self.build(kind, variable);
        self.check(&place, config, problems);
        (problems.len() == before).then_some((kind, place))
    }

    fn build(&self, kind: BackendKind, variable: &str) -> Place {
        let text = |key: &str| self.key(key).map(|value| value.value.clone());
        let name = || text("name").unwrap_or_else(|| variable.to_owned());
        match kind {
            BackendKind::Vault => Place::Vault {
                path: text("path").unwrap_or_default(),
                field: text("field").unwrap_or_default(),
                version: text("version").and_then(|version| version.parse().ok()),
            },
            BackendKind::AwsSecretsManager => Place::Aws { name: name(), field: text("field"), stage: text("stage") },
            BackendKind::Keyring => {
                Place::Keyring { service: text("service"), user: text("user").unwrap_or_else(|| variable.to_owned()) }
            }
            BackendKind::Github => Place::Github { name: name(), scope: text("scope") },
            BackendKind::Env => Place::Env { name: name() },
            BackendKind::Local => Place::Local,
        }
    }

    fn check(&self, place: &Place, config: &Config, problems: &mut Diagnostics) {
        let flaw = match place {
            Place::Vault { path, .. } if self.key("path").is_some() => vault_path_flaw(path).map(|flaw| ("path", flaw)),
            Place::Env { name } => env_flaw(name, config).map(|flaw| ("name", flaw)),
            Place::Github { scope: Some(scope), .. } => {
                let known = ["repository", "environment", "organization"].contains(&scope.as_str());
                (!known).then_some(("scope", "has to be `repository`, `environment` or `organization`"))
            }
            _ => None,
        };
        let version = self.key("version").filter(|version| version.value.parse::<u64>().is_ok_and(|number| number > 0));
        let flaw = flaw.or_else(|| {
            (self.key("version").is_some() && version.is_none()).then_some(("version", "has to be a positive integer"))
        });
        if let Some((key, flaw)) = flaw {
            let span = self.key(key).map_or(self.span, |value| value.span);
            problems.push(Diagnostic::error(Code::InvalidPlace, format!("`{key}` {flaw}")).at(span, ""));
        }
    }

    fn unknown_backend(&self, config: &Config) -> Diagnostic {
        let known: std::collections::BTreeSet<&str> = config.backend_names().collect();
        let help = match name::nearest(&self.backend.value, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no backend `{}`", self.backend.value);
        let mut diagnostic =
            Diagnostic::error(Code::UnknownBackend, message).at(self.backend.span, "unknown backend").help(help);
        if let Some(kind) = BackendKind::from_name(&self.backend.value) {
            diagnostic = diagnostic.help(format!(
                "add a `[backends.{}]` table with `kind = \"{}\"` to envctl.toml",
                kind.name(),
                kind.name()
            ));
        }
        diagnostic
    }
}

fn unknown_key(key: &Located<String>, row: &Capability) -> Diagnostic {
    let known: Vec<&str> = row.needs.iter().chain(row.takes).copied().collect();
    let help = match name::nearest(&key.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("a place in `{}` has no keys", row.name),
        None => format!("a place in `{}` has: {}", row.name, known.join(", ")),
    };
    let message = format!("a place in `{}` has no key `{}`", row.name, key.value);
    Diagnostic::error(Code::InvalidPlace, message).at(key.span, "unknown key").help(help)
}

/// Servers normalise paths on their own: one that is not plain could be allowed as one place and read as another.
fn vault_path_flaw(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    match () {
        () if path.len() > 1024 => Some("is longer than 1,024 bytes"),
        () if segments.len() < 2 => Some("has to be a mount and a path, such as `kv/shop`"),
        () if segments.len() > 16 => Some("has more than 16 segments"),
        () if segments.iter().any(|segment| segment.is_empty()) => Some("has an empty segment"),
        () if segments.iter().any(|segment| segment.bytes().all(|byte| byte == b'.')) => Some("has a segment of dots"),
        () if ["%2e", "%2f", "%5c"].iter().any(|escape| lower.contains(escape)) => {
            Some("has a percent-encoded dot or slash")
        }
        () if path.contains(['\\', '?', '#']) => Some("has a backslash, `?` or `#`"),
        () if path.chars().any(char::is_control) => Some("has a control character"),
        () => None,
    }
}

/// A repository must not be able to hand envctl's own credentials to a program.
fn env_flaw(name: &str, config: &Config) -> Option<&'static str> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Some("cannot be the name of an environment variable");
    }
    if name::is_ours(name) {
        return Some("names a variable of envctl itself");
    }
    config.is_credential(name).then_some("names a variable that holds a credential of a configured backend")
}
