//! `envctl.toml`: the project, its recipients and its backends.

mod visible;

use std::collections::{BTreeMap, BTreeSet};

pub use visible::visible;

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{self, Located, Table};
use crate::name;
use crate::recipient;
use crate::reference::{BackendKind, CAPABILITIES};
use crate::source::{SourceId, Span};

/// What `envctl.toml` says.
#[derive(Debug)]
pub struct Config {
    /// The project's name.
    pub name: Located<String>,
    /// 128 random bits in hex that tell this project from all others.
    pub id: Located<String>,
    /// The environment meant where none is named.
    pub default_environment: Option<Located<String>>,
    /// The schema meant where none is named.
    pub default_schema: Option<Located<String>>,
    /// People and machines that can read secrets: name and age recipient.
    pub recipients: BTreeMap<String, Located<String>>,
    /// Configured backends: name and kind.
    pub backends: BTreeMap<String, Located<BackendKind>>,
    /// Environment variables that hold credentials of the configured backends.
    credentials: BTreeSet<String>,
}

const BACKEND_KEYS: &[(BackendKind, &[&str])] = &[
    (BackendKind::Vault, &["address", "namespace", "ca_file", "client_cert", "client_key", "auth"]),
    (BackendKind::AwsSecretsManager, &["region", "profile", "endpoint", "ca_file"]),
    (BackendKind::Github, &["repository", "organization", "environment", "api", "token_env"]),
    (BackendKind::Keyring, &[]),
    (BackendKind::Env, &[]),
    (BackendKind::Local, &[]),
];

/// Methods of `auth`: the key each needs, and those it takes.
const AUTH_KEYS: &[(&str, Option<&str>, &[&str])] = &[
    ("token", None, &["token_env"]),
    ("approle", Some("role_id"), &["role_id", "secret_id_env", "secret_id_file", "mount"]),
    ("kubernetes", Some("role"), &["role", "mount", "token_file"]),
    ("jwt", Some("role"), &["role", "mount", "audience", "source"]),
    ("userpass", Some("username"), &["username", "password_env", "mount"]),
];

impl Config {
    /// Reads `envctl.toml`; nothing if it is no TOML or has no usable `[project]`.
    pub fn read(text: &str, source: SourceId, problems: &mut Diagnostics) -> Option<Self> {
        let document = document::parse(text, source, problems)?;
        let root = document::root(&document, source);
        root.only(&["project", "recipients", "backends", "outputs"], "envctl.toml", problems);
        let (recipients, backends) = (recipients(&root, problems), root.tables("backends", problems));
        outputs(&root, problems);
        let Some(project) = root.table("project", problems) else {
            if root.get("project").is_none() {
                let diagnostic =
                    Diagnostic::error(Code::MissingKey, "envctl.toml has no `[project]` table").at(root.span, "");
                problems.push(diagnostic.help("`envctl init` makes a project"));
            }
            return None;
        };
        project.only(&["name", "id", "default_environment", "default_schema"], "`[project]`", problems);
        let name = needed(&project, "name", problems);
        let id = needed(&project, "id", problems).filter(|id| id_is_right(id, problems));
        let mut config = Self {
            name: name?,
            id: id?,
            default_environment: project.text("default_environment", problems),
            default_schema: project.text("default_schema", problems),
            recipients,
            backends: BTreeMap::new(),
            credentials: BTreeSet::new(),
        };
        for (name, table) in backends {
            config.add_backend(&name, &table, problems);
        }
        Some(config)
    }

    /// The kind of a backend, configured or built in.
    pub fn backend_kind(&self, name: &str) -> Option<BackendKind> {
        let configured = self.backends.get(name).map(|kind| kind.value);
        configured.or_else(|| BackendKind::from_name(name).filter(|kind| kind.capability().built_in))
    }

    /// The names of all backends that can be referred to.
    pub fn backend_names(&self) -> impl Iterator<Item = &str> {
        let built_in = CAPABILITIES.iter().filter(|row| row.built_in).map(|row| row.name);
        built_in.chain(self.backends.keys().map(String::as_str))
    }

    /// Whether an environment variable holds a credential of a configured backend.
    pub fn is_credential(&self, variable: &str) -> bool {
        self.credentials.contains(variable)
    }

    /// The environment variables that hold credentials of the configured backends.
    pub fn credentials(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().map(String::as_str)
    }

    fn add_backend(&mut self, name: &Located<&str>, table: &Table<'_>, problems: &mut Diagnostics) {
        if !name::is_word(name.value) {
            problems.push(bad_word("a backend", name.span));
            return;
        }
        let Some(kind) = needed(table, "kind", problems) else {
            return;
        };
        let Some(known) = BackendKind::from_name(&kind.value) else {
            let mut names: Vec<&str> = CAPABILITIES.iter().map(|row| row.name).collect();
            names.sort_unstable();
            let diagnostic =
                Diagnostic::error(Code::InvalidBackend, format!("there is no kind of backend `{}`", kind.value));
            problems.push(diagnostic.at(kind.span, "").help(near_or_all(&kind.value, &names)));
            return;
        };
        if BackendKind::from_name(name.value).is_some_and(|own| own.capability().built_in && own != known) {
            let message = format!("`{0}` is always there, and of the kind `{0}`", name.value);
            problems.push(Diagnostic::error(Code::InvalidBackend, message).at(name.span, "choose another name"));
        }
        let keys = BACKEND_KEYS.iter().find(|(kind, _)| *kind == known).map_or(&[][..], |(_, keys)| keys);
        let all: Vec<&str> = std::iter::once("kind").chain(keys.iter().copied()).collect();
        table.only(&all, &format!("a backend of kind `{}`", kind.value), problems);
        for key in ["address", "endpoint", "api"] {
            check_address(table, key, problems);
        }
        if known == BackendKind::Vault {
            needed(table, "address", problems);
            self.credentials.extend(["VAULT_TOKEN", "BAO_TOKEN"].map(str::to_owned));
        }
        check_region(table, problems);
        self.credentials.extend(table.text("token_env", problems).map(|name| name.value));
        self.read_auth(table, problems);
        self.backends.insert(name.value.to_owned(), Located::new(known, kind.span));
    }

    /// `auth` is a table or an ordered list of tables.
    fn read_auth(&mut self, table: &Table<'_>, problems: &mut Diagnostics) {
        let Some(value) = table.get("auth") else {
            return;
        };
        let several = value.items().map(|items| items.iter().filter_map(document::Value::table).collect::<Vec<_>>());
        let tables = several.or_else(|| value.table().map(|one| vec![one]));
        for auth in value.expect(tables, "auth", "a table or an array of tables", problems).unwrap_or_default() {
            let Some(method) = needed(&auth, "method", problems) else {
                continue;
            };
            let Some((_, needs, keys)) = AUTH_KEYS.iter().find(|(name, ..)| *name == method.value) else {
                let names: Vec<&str> = AUTH_KEYS.iter().map(|(name, ..)| *name).collect();
                let diagnostic =
                    Diagnostic::error(Code::InvalidBackend, format!("there is no `auth` method `{}`", method.value));
                problems.push(diagnostic.at(method.span, "").help(near_or_all(&method.value, &names)));
                continue;
            };
            let all: Vec<&str> = std::iter::once("method").chain(keys.iter().copied()).collect();
            auth.only(&all, &format!("method `{}`", method.value), problems);
            if let Some(needs) = needs.filter(|needs| auth.get(needs).is_none()) {
                let message = format!("method `{}` needs `{needs}`", method.value);
                problems.push(Diagnostic::error(Code::InvalidBackend, message).at(auth.span, ""));
            }
            for key in ["token_env", "secret_id_env", "password_env"] {
                self.credentials.extend(auth.text(key, problems).map(|name| name.value));
            }
        }
    }
}

fn recipients(root: &Table<'_>, problems: &mut Diagnostics) -> BTreeMap<String, Located<String>> {
    let mut recipients = BTreeMap::new();
    let Some(table) = root.table("recipients", problems) else {
        return recipients;
    };
    for (name, value) in table.entries() {
        if !name::is_word(name.value) {
            problems.push(bad_word("a recipient", name.span));
            continue;
        }
        if let Some(key) = value.expect(value.text(), name.value, "an age recipient as a string", problems) {
            if let Err(flaw) = recipient::kind(key) {
                problems.push(flaw.diagnostic().at(value.span, "not shown"));
            }
            recipients.insert(name.value.to_owned(), Located::new(key.to_owned(), value.span));
        }
    }
    recipients
}

/// `[[outputs]]` is read by `render --outputs`; its keys are checked wherever the file is read.
fn outputs(root: &Table<'_>, problems: &mut Diagnostics) {
    for output in root.table_array("outputs", problems) {
        output.only(&["environment", "schema", "format", "dialect", "path"], "an output", problems);
    }
}

fn needed(table: &Table<'_>, key: &str, problems: &mut Diagnostics) -> Option<Located<String>> {
    if table.get(key).is_none() {
        problems
            .push(Diagnostic::error(Code::MissingKey, format!("`{key}` is missing")).at(table.span, "in this table"));
        return None;
    }
    table.text(key, problems)
}

fn id_is_right(id: &Located<String>, problems: &mut Diagnostics) -> bool {
    let right = name::is_project_id(&id.value);
    if !right {
        let diagnostic =
            Diagnostic::error(Code::InvalidName, "the project's `id` has to be 32 hex digits in lower case");
        problems.push(diagnostic.at(id.span, "").help("`envctl init` makes one; it never changes afterwards"));
    }
    right
}

/// The nearest of the names there are, or all of them.
fn near_or_all(word: &str, names: &[&str]) -> String {
    match name::nearest(word, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", names.join(", ")),
    }
}

/// The diagnostic for a name that is no word.
pub fn bad_word(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::InvalidName, format!("this cannot be the name of {what}"))
        .at(span, "")
        .help("lower-case letters, digits, `_` and `-`, beginning with a letter or digit, at most 64")
}

/// Reports an address that cannot be used.
fn check_address(table: &Table<'_>, key: &str, problems: &mut Diagnostics) {
    let Some(address) = table.text(key, problems) else { return };
    if let Some(flaw) = address_flaw(&address.value) {
        let message = format!("`{key}` cannot be used: {flaw}");
        problems.push(Diagnostic::error(Code::InvalidBackend, message).at(address.span, ""));
    }
}

/// Only `https://host[:port]`, or `http://` for this very machine; no credentials, path, query or fragment in it.
fn address_flaw(address: &str) -> Option<&'static str> {
    match address.split_once("://") {
        Some(("https", rest)) => rest_flaw(rest),
        Some(("http", rest)) if host_and_port(rest).is_some_and(|(host, _)| is_loopback(host)) => rest_flaw(rest),
        Some(("http", _)) => Some("`http://` is accepted for a loopback address only"),
        _ => Some("it has to begin with `https://`"),
    }
}

fn rest_flaw(rest: &str) -> Option<&'static str> {
    let host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    match host_and_port(rest) {
        _ if rest.contains('@') => Some("it holds credentials"),
        _ if rest.contains(['?', '#']) => Some("it has a query or a fragment"),
        _ if rest.trim_end_matches('/').contains('/') => Some("it has a path, which belongs into the references"),
        Some((name, _)) if name.is_empty() || !name.bytes().all(host) => Some("it has no valid host"),
        Some((name, _)) if name.starts_with("169.254.") => Some("link-local addresses are refused"),
        Some((_, Some(port))) if port.parse::<u16>().is_err() => Some("its port is not a number up to 65535"),
        Some(_) => None,
        None => Some("it has no valid host"),
    }
}

/// Host and port of what stands behind `://`; an IPv6 address without its brackets.
fn host_and_port(rest: &str) -> Option<(&str, Option<&str>)> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if let Some(v6) = authority.strip_prefix('[') {
        let (host, port) = v6.split_once(']')?;
        return if port.is_empty() { Some((host, None)) } else { Some((host, Some(port.strip_prefix(':')?))) };
    }
    Some(authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A region becomes a part of a host name.
fn check_region(table: &Table<'_>, problems: &mut Diagnostics) {
    let Some(region) = table.text("region", problems) else {
        return;
    };
    let parts: Vec<&str> = region.value.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let good = match parts.as_slice() {
        [first, middle @ .., last] if !middle.is_empty() => {
            letters(first)
                && (2..=8).contains(&first.len())
                && middle.iter().all(letters)
                && (1..=2).contains(&last.len())
                && last.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    };
    if !good {
        let diagnostic =
            Diagnostic::error(Code::InvalidBackend, "`region` is not the name of an AWS region").at(region.span, "");
        problems.push(diagnostic.help("write for example `eu-central-1`"));
    }
}
