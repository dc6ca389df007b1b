//! Environment files: where each variable's value comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::bad_word;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{self, Located, Table, Value};
use crate::name;
use crate::reference::Reference;
use crate::sealed::{self, SealedFile};
use crate::source::{SourceId, Span};
use crate::template::{Template, Written};

/// What stands behind a name.
#[derive(Debug, Clone)]
pub enum Assignment {
    /// Cleartext, perhaps made from other variables.
    Value(Written),
    /// An encrypted value.
    Sealed(Sealed),
    /// A place in a backend.
    Reference(Reference),
    /// Explicitly nothing, though a parent assigns it.
    Absent,
    /// Something that was reported: nothing more is said of the variable.
    Broken,
}

/// An entry of `[secrets]`.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Generation in which the value last changed.
    pub since: u64,
    /// Day on which it last changed, `YYYY-MM-DD`.
    pub rotated: String,
}

/// A name with what is assigned to it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// Where the name stands.
    pub key_span: Span,
    /// Where the value stands.
    pub span: Span,
    /// What is assigned.
    pub assignment: Assignment,
}

/// The entries of one table by name.
pub type Entries = BTreeMap<String, Entry>;

/// One file of `environments/`.
#[derive(Debug)]
pub struct EnvironmentFile {
    /// The environment's name.
    pub name: String,
    /// The file.
    pub source: SourceId,
    /// Whether it is the overlay of this machine.
    pub is_overlay: bool,
    /// The parent.
    pub extends: Option<Located<String>>,
    /// Whether it is production-like.
    pub protected: Option<Located<bool>>,
    /// Whether it is only a parent.
    pub is_abstract: bool,
    /// Who shall be able to read the secrets.
    pub recipients: Option<Located<Vec<Located<String>>>>,
    /// `[seal]` and `[secrets]`, well-formed, and where their parts stand.
    pub sealed: Option<(Arc<SealedFile>, sealed::Spans)>,
    /// The schemas it is for; all of them where neither it nor a parent says.
    pub schemas: Option<Vec<Located<String>>>,
    /// `[values]`.
    pub values: Entries,
    /// `[for.SCHEMA]` by schema, with the place of the schema's name.
    pub per_schema: BTreeMap<String, (Span, Entries)>,
    /// `[secrets]`.
    pub secrets: Entries,
    /// What of the head of the file may be shown: it is of the right type.
    pub head: Vec<Span>,
}

const KEYS: &[&str] =
    &["extends", "protected", "abstract", "schemas", "recipients", "values", "for", "secrets", "seal", "push"];
const OVERLAY_KEYS: &[&str] = &["values", "for"];

impl EnvironmentFile {
    /// Reads an environment; nothing if it is no TOML.
    pub fn read(
        name: &str,
        is_overlay: bool,
        text: &str,
        source: SourceId,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let document = document::parse(text, source, problems)?;
        let root = document::root(&document, source);
        // Without its tables nothing can be said of the environment: it counts as one that could not be read.
        let tables = ["values", "for"].iter().filter(|key| root.get(key).is_some());
        if tables.filter(|key| root.table(key, problems).is_none()).count() > 0 {
            return None;
        }
        let reader = Reader { text };
        let mut file = Self { name: name.to_owned(), source, is_overlay, ..Self::empty(source) };
        file.values = root.table("values", problems).map(|table| reader.entries(&table, problems)).unwrap_or_default();
        for (schema, table) in root.tables("for", problems) {
            file.per_schema.insert(schema.value.to_owned(), (schema.span, reader.entries(&table, problems)));
        }
        if is_overlay {
            root.only(OVERLAY_KEYS, "a local overlay", problems);
        } else {
            root.only(KEYS, "an environment", problems);
            file.read_head(&root, problems);
            file.sealed = sealed::read(&root, name, text, problems).map(|(sealed, spans)| (Arc::new(sealed), spans));
            file.secrets = secrets(&root, file.sealed.as_ref().map(|(sealed, _)| sealed));
        }
        file.check_tables(problems);
        Some(file)
    }

    fn empty(source: SourceId) -> Self {
        Self {
            name: String::new(),
            source,
            is_overlay: false,
            extends: None,
            protected: None,
            is_abstract: false,
            recipients: None,
            sealed: None,
            schemas: None,
            values: Entries::new(),
            per_schema: BTreeMap::new(),
            secrets: Entries::new(),
            head: Vec::new(),
        }
    }

    /// What stands above the tables; it may be shown once it is of the right type.
    fn read_head(&mut self, root: &Table<'_>, problems: &mut Diagnostics) {
        self.extends = root.text("extends", problems).filter(|parent| is_environment(parent, problems));
        self.protected = root.flag("protected", problems);
        let is_abstract = root.flag("abstract", problems);
        let recipients_span = root.get("recipients").map(|value| value.span);
        let recipients = root.texts("recipients", problems);
        self.recipients = recipients.zip(recipients_span).map(|(names, span)| Located::new(names, span));
        self.schemas = root.texts("schemas", problems);
        self.head.extend(self.extends.iter().map(|extends| extends.span));
        self.head.extend(self.protected.iter().chain(&is_abstract).map(|flag| flag.span));
        if let Some(empty) = root.get("schemas").filter(|_| self.schemas.as_ref().is_some_and(Vec::is_empty)) {
            let problem = Diagnostic::error(Code::InvalidKeyword, "`schemas` names none: nothing would be checked");
            problems.push(problem.at(empty.span, "").help("name the schemas it is for, or delete the line"));
        }
        let words = |list: &Vec<Located<String>>| list.iter().all(|name| name::is_word(&name.value));
        self.head.extend(self.recipients.iter().filter(|list| words(&list.value)).map(|list| list.span));
        self.head.extend(self.schemas.iter().flatten().map(|schema| schema.span));
        self.is_abstract = is_abstract.is_some_and(|flag| flag.value);
    }

    /// All entries with the schema they are for, if they are for one only.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Entry)> {
        let common = self.values.values().chain(self.secrets.values()).map(|entry| (None, entry));
        let own = self
            .per_schema
            .iter()
            .flat_map(|(schema, (_, entries))| entries.values().map(|entry| (Some(schema.as_str()), entry)));
        common.chain(own)
    }

    /// All entries of one name: in clear for all schemas, in clear for some, sealed.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Entry> {
        let own = self.per_schema.values().filter_map(move |(_, entries)| entries.get(name));
        self.values.get(name).into_iter().chain(own).chain(self.secrets.get(name))
    }

    /// What this file assigns to a name for a schema: `[for.SCHEMA]` wins.
    pub fn find(&self, name: &str, schema: &str) -> Option<&Entry> {
        let own = self.per_schema.get(schema).and_then(|(_, entries)| entries.get(name));
        own.or_else(|| self.values.get(name)).or_else(|| self.secrets.get(name))
    }

    /// A name in `[secrets]` stands nowhere else; names that differ in case only are one name.
    fn check_tables(&self, problems: &mut Diagnostics) {
        let own = self.per_schema.values().map(|(_, entries)| entries);
        for table in std::iter::once(&self.values).chain(own) {
            let mut folded: BTreeMap<String, Span> = BTreeMap::new();
            for entry in table.values() {
                if let Some(sealed) = self.secrets.get(&entry.name) {
                    let message = format!("`{}` stands in `[secrets]` and in clear", entry.name);
                    let diagnostic = Diagnostic::error(Code::SealedStructure, message).at(entry.key_span, "here");
                    let help = "keep the sealed entry and delete the other";
                    problems.push(diagnostic.at(sealed.key_span, "sealed here").help(help));
                }
                if let Some(first) = folded.insert(entry.name.to_ascii_uppercase(), entry.key_span) {
                    let message = "two names are the same but for upper and lower case";
                    problems.push(
                        Diagnostic::error(Code::DuplicateName, message)
                            .at(entry.key_span, "here")
                            .at(first, "and here"),
                    );
                }
            }
        }
    }
}

/// The entries of `[secrets]` that are variables; broken ones were reported with the seal.
fn secrets(root: &Table<'_>, sealed: Option<&Arc<SealedFile>>) -> Entries {
    let table = root.get("secrets").and_then(|value| value.table());
    let variables = table.iter().flat_map(Table::entries).filter(|(key, _)| name::is_variable(key.value));
    let entries = variables.map(|(key, value)| {
        let found = sealed.and_then(|sealed| sealed.entries.get(key.value));
        let assignment = found.map_or(Assignment::Broken, |found| {
            Assignment::Sealed(Sealed { since: found.since, rotated: found.rotated.clone() })
        });
        (key.value.to_owned(), entry(&key, value, assignment))
    });
    entries.collect()
}

fn is_environment(parent: &Located<String>, problems: &mut Diagnostics) -> bool {
    let right = name::is_word(&parent.value);
    if !right {
        problems.push(bad_word("an environment", parent.span));
    }
    right
}

/// Reads the tables of one document.
struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn entries(&self, table: &Table<'_>, problems: &mut Diagnostics) -> Entries {
        let mut entries = Entries::new();
        for (key, value) in table.entries() {
            if !name::is_variable(key.value) {
                problems.push(bad_variable(key.span));
                continue;
            }
            let assignment = match value.table() {
                Some(_) => self.table_assignment(value, problems),
                None => self.value(key.value, value, problems),
            };
            entries.insert(key.value.to_owned(), entry(&key, value, assignment.unwrap_or(Assignment::Broken)));
        }
        entries
    }

    /// `{ absent = true }` or a reference.
    fn table_assignment(&self, value: Value<'_>, problems: &mut Diagnostics) -> Option<Assignment> {
        let table = value.table()?;
        if table.get("absent").is_some() {
            if let Some((key, _)) = table.entries().find(|(key, _)| key.value != "absent") {
                let diagnostic = Diagnostic::error(Code::UnknownKey, "`absent = true` stands alone").at(key.span, "");
                problems.push(diagnostic.help("delete this key, or `absent`"));
            }
            let flag = table.flag("absent", problems)?;
            if !flag.value {
                let diagnostic =
                    Diagnostic::error(Code::WrongTomlType, "`absent` can only be `true`").at(flag.span, "");
                problems.push(diagnostic.help("delete the line to take the parent's value"));
            }
            return flag.value.then_some(Assignment::Absent);
        }
        if table.get("enc").is_some() {
            let diagnostic = Diagnostic::error(Code::SealedStructure, "a sealed entry stands outside of `[secrets]`");
            problems.push(diagnostic.at(value.span, "").help("sealed entries stand in `[secrets]` alone"));
            return None;
        }
        if table.get("backend").is_none() {
            let diagnostic = Diagnostic::error(Code::MissingKey, "this table is neither a reference nor `absent`")
                .at(value.span, "");
            problems.push(diagnostic.help("`{ backend = \"env\" }` and the like, or `{ absent = true }`"));
            return None;
        }
        Reference::read(&table, self.text, problems).map(Assignment::Reference)
    }

    fn value(&self, name: &str, value: Value<'_>, problems: &mut Diagnostics) -> Option<Assignment> {
        let (items, is_array) = match value.items() {
            Some(items) => (items, true),
            None => (vec![value], false),
        };
        let mut templates = Vec::with_capacity(items.len());
        for item in items {
            let spelling = item.expect(item.scalar(self.text), name, item.wanted_scalar(), problems)?;
            // Only strings are templates: nothing else can hold a `$`.
            match if item.text().is_some() { Template::parse(&spelling) } else { Ok(Template::literal(spelling)) } {
                Ok(template) => templates.push(template),
                Err(flaw) => {
                    let diagnostic = Diagnostic::error(Code::TemplateSyntax, flaw.message()).at(item.span, "");
                    problems.push(diagnostic.help("`${NAME}` inserts a variable; write `$${` for a literal `${`"));
                    return None;
                }
            }
        }
        Some(Assignment::Value(Written { items: templates, is_array, span: value.span }))
    }
}

fn entry(key: &Located<&str>, value: Value<'_>, assignment: Assignment) -> Entry {
    Entry { name: key.value.to_owned(), key_span: key.span, span: value.span, assignment }
}

fn bad_variable(span: Span) -> Diagnostic {
    Diagnostic::error(Code::InvalidName, "this cannot be the name of a variable")
        .at(span, "")
        .help("letters, digits and `_`, no digit first, at most 255")
}
