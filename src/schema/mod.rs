//! Schemas: the variables one service needs, as files say it and as views with everything they include.

mod limits;
mod rotate;
mod rule;
mod variable;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use limits::{Bound, Limits, Pattern};
pub use rotate::{Mode, Rotate};
pub use rule::{Count, Group, Rule};
pub use variable::{AsFile, Variable};

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{self, Located};
use crate::name;
use crate::source::{SourceId, Span};

/// One file of `schemas/`.
#[derive(Debug)]
pub struct SchemaFile {
    /// Its name: the file's name without `.toml`.
    pub name: String,
    /// What the service is.
    pub description: Option<String>,
    /// The schemas it includes.
    pub include: Vec<Located<String>>,
    /// The directory below which it is the default schema.
    pub directory: Option<Located<String>>,
    /// What it declares itself.
    pub variables: BTreeMap<String, Arc<Variable>>,
    groups: Vec<Group>,
    rules: Vec<Rule>,
}

/// A schema with everything it includes: what one program gets.
#[derive(Debug, Default)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What the service is.
    pub description: Option<String>,
    /// Its variables by name.
    pub variables: BTreeMap<String, Arc<Variable>>,
    /// Rules on how many of some variables have a value.
    pub groups: Vec<Group>,
    /// Rules with a condition.
    pub rules: Vec<Rule>,
    /// Variables that a group or a rule asks for, and that are therefore optional unless they say otherwise.
    conditional: BTreeSet<String>,
}

const KEYS: &[&str] = &["description", "include", "directory", "variables", "groups", "rules"];

impl SchemaFile {
    /// Reads a schema; nothing if it is no TOML.
    pub fn read(name: &str, text: &str, source: SourceId, problems: &mut Diagnostics) -> Option<Self> {
        let document = document::parse(text, source, problems)?;
        let root = document::root(&document, source);
        root.only(KEYS, "a schema", problems);
        // Without its variables nothing can be said of the schema: it counts as one that could not be read.
        if root.get("variables").is_some() && root.table("variables", problems).is_none() {
            return None;
        }
        let mut variables = BTreeMap::new();
        let mut folded: BTreeMap<String, Span> = BTreeMap::new();
        for (key, table) in root.tables("variables", problems) {
            let span = key.span;
            if let Some(first) = folded.insert(key.value.to_ascii_uppercase(), span) {
                problems.push(same_when_folded(span, first));
            }
            if let Some(variable) = Variable::read(&key, &table, name, text, problems) {
                variables.insert(variable.name.clone(), Arc::new(variable));
            }
        }
        Some(Self {
            name: name.to_owned(),
            description: root.text("description", problems).map(|text| text.value),
            include: root.texts("include", problems).unwrap_or_default(),
            directory: root.text("directory", problems).filter(|path| directory_is_inside(path, problems)),
            variables,
            groups: rule::groups(&root, problems),
            rules: rule::rules(&root, text, problems),
        })
    }
}

fn directory_is_inside(path: &Located<String>, problems: &mut Diagnostics) -> bool {
    let good = !path.value.is_empty() && !path.value.starts_with('/') && path.value.split('/').all(|part| part != "..");
    if !good {
        let message = "`directory` has to be a path below the project's root";
        problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(path.span, ""));
    }
    good
}

/// Windows and GitHub do not tell upper from lower case in names.
fn same_when_folded(again: Span, first: Span) -> Diagnostic {
    Diagnostic::error(Code::DuplicateName, "two variables have the same name but for upper and lower case")
        .at(again, "again here")
        .at(first, "first here")
}

/// Where literals stand in declarations of secrets: somebody may use such a value, so it is not shown.
pub fn hidden(files: &BTreeMap<String, SchemaFile>) -> Vec<Span> {
    let variables = || files.values().flat_map(|file| file.variables.values());
    let secret: BTreeSet<&str> = variables().filter(|one| one.is_secret()).map(|one| one.name.as_str()).collect();
    let declared = variables().filter(|one| secret.contains(one.name.as_str()));
    let spans = |one: &'_ Arc<Variable>| {
        let default = one.default.as_ref().map(|default| default.span);
        default.into_iter().chain(one.limits.literal_spans()).collect::<Vec<_>>()
    };
    declared.flat_map(spans).collect()
}

impl View {
    /// Whether a variable without a word on it needs a value in every environment.
    pub fn is_conditional(&self, name: &str) -> bool {
        self.conditional.contains(name)
    }

    /// Takes in what a file declares; a name that is there already is an error.
    fn take(&mut self, file: &SchemaFile, folded: &mut BTreeMap<String, Span>, problems: &mut Diagnostics) {
        for (name, variable) in &file.variables {
            let first = folded.insert(name.to_ascii_uppercase(), variable.span);
            if let Some(first) = first.filter(|first| first.source != variable.span.source) {
                let message = format!("schema `{}` gets `{name}` from two files", self.name);
                let diagnostic = Diagnostic::error(Code::DuplicateName, message).at(variable.span, "declared here");
                problems.push(diagnostic.at(first, "and here").help("keep one of the two declarations"));
            }
            self.variables.insert(name.clone(), Arc::clone(variable));
        }
        self.groups.extend(file.groups.iter().cloned());
        self.rules.extend(file.rules.iter().cloned());
    }

    /// Names in groups and rules have to be declared; those asked for are optional unless they say otherwise.
    fn link_rules(&mut self, problems: &mut Diagnostics) {
        let members = self.groups.iter().flat_map(|group| &group.members);
        let required = self.rules.iter().flat_map(|rule| &rule.require);
        let compared = self.rules.iter().flat_map(|rule| rule.when.iter().chain(&rule.forbid).map(|(name, _)| name));
        for name in members.clone().chain(required.clone()).chain(compared) {
            if !self.variables.contains_key(&name.value) {
                let known = self.variables.keys().map(String::as_str);
                let near = name::nearest(&name.value, known).map(|near| format!("did you mean `{near}`?"));
                let message = format!("schema `{}` has no variable `{}`", self.name, name.value);
                problems.push(
                    Diagnostic::error(Code::UnknownVariable, message).at(name.span, "not declared").help_some(near),
                );
            }
        }
        self.conditional = members.chain(required).map(|name| name.value.clone()).collect();
        for (name, _) in self.rules.iter().flat_map(|rule| &rule.when) {
            if let Some(secret) = self.variables.get(&name.value).filter(|variable| variable.is_secret()) {
                let message = format!("`when` compares `{}`, which is a secret", name.value);
                let diagnostic = Diagnostic::error(Code::InvalidKeyword, message).at(name.span, "has to be cleartext");
                problems.push(diagnostic.at(secret.span, "declared here"));
            }
        }
    }
}

/// All views of a project: each schema with what it includes.
pub fn views(files: &BTreeMap<String, SchemaFile>, problems: &mut Diagnostics) -> BTreeMap<String, View> {
    let mut views = BTreeMap::new();
    for (name, file) in files {
        let mut view = View { name: name.clone(), description: file.description.clone(), ..View::default() };
        let mut order = Vec::new();
        visit(file, files, &mut Vec::new(), &mut order, problems);
        let mut folded = BTreeMap::new();
        for included in order.iter().filter_map(|name| files.get(name)) {
            view.take(included, &mut folded, problems);
        }
        view.link_rules(problems);
        views.insert(name.clone(), view);
    }
    views
}

/// Depth first; `path` holds the includes that lead here.
fn visit(
    file: &SchemaFile,
    files: &BTreeMap<String, SchemaFile>,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
    problems: &mut Diagnostics,
) {
    path.push(file.name.clone());
    for include in &file.include {
        if let Some(start) = path.iter().position(|name| *name == include.value) {
            let circle: Vec<&str> = path.iter().skip(start).chain([&include.value]).map(String::as_str).collect();
            // Each schema of the circle finds it; the one that comes first by name reports it.
            if start == 0 && circle.iter().min() == circle.first() {
                let message = format!("schemas include each other: {}", circle.join(" → "));
                let diagnostic = Diagnostic::error(Code::IncludeCircle, message).at(include.span, "closes the circle");
                problems.push(diagnostic.help("take one `include` out; what both need goes into a schema of its own"));
            }
            continue;
        }
        match files.get(&include.value) {
            Some(_) if order.contains(&include.value) => {}
            Some(included) => visit(included, files, path, order, problems),
            None => problems.push(unknown(include, files)),
        }
    }
    path.pop();
    order.push(file.name.clone());
}

fn unknown(include: &Located<String>, files: &BTreeMap<String, SchemaFile>) -> Diagnostic {
    let near = name::nearest(&include.value, files.keys().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", files.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error(Code::UnknownSchema, format!("there is no schema `{}`", include.value))
        .at(include.span, "")
        .help(help)
}
