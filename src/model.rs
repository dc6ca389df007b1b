//! A project as its files say it: configuration, schemas and environments together, and questions about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::environment::{Assignment, EnvironmentFile};
use crate::reference::Reference;
use crate::schema::{SchemaFile, Variable, View};
use crate::source::SourceMap;

/// All files of a project that a command needs.
#[derive(Debug)]
pub struct Model {
    /// `envctl.toml`.
    pub config: Config,
    /// `schemas/*.toml`.
    pub schemas: BTreeMap<String, SchemaFile>,
    /// Each schema with what it includes.
    pub views: BTreeMap<String, View>,
    /// The environments that were asked for and their ancestors.
    pub environments: BTreeMap<String, EnvironmentFile>,
    /// The overlays of these environments.
    pub overlays: BTreeMap<String, EnvironmentFile>,
    /// Every environment there is, loaded or not.
    pub environment_names: BTreeSet<String>,
    declarations: BTreeMap<String, Vec<Arc<Variable>>>,
}

/// An environment with its ancestors: lowest precedence first, the environment's overlay last.
#[derive(Debug)]
pub struct Chain<'m> {
    /// The files.
    pub levels: Vec<&'m EnvironmentFile>,
}

impl Model {
    /// Puts the parts together.
    pub fn new(
        config: Config,
        schemas: BTreeMap<String, SchemaFile>,
        views: BTreeMap<String, View>,
        environments: BTreeMap<String, EnvironmentFile>,
        overlays: BTreeMap<String, EnvironmentFile>,
        environment_names: BTreeSet<String>,
    ) -> Self {
        let mut declarations: BTreeMap<String, Vec<Arc<Variable>>> = BTreeMap::new();
        for variable in schemas.values().flat_map(|schema| schema.variables.values()) {
            declarations.entry(variable.name.clone()).or_default().push(Arc::clone(variable));
        }
        Self { config, schemas, views, environments, overlays, environment_names, declarations }
    }

    /// Every declaration of a name, in any schema.
    pub fn declarations(&self, name: &str) -> &[Arc<Variable>] {
        self.declarations.get(name).map_or(&[], Vec::as_slice)
    }

    /// All declared names.
    pub fn declared_names(&self) -> impl Iterator<Item = &str> {
        self.declarations.keys().map(String::as_str)
    }

    /// Where a name is called secret, if any schema does.
    pub fn secret_declaration(&self, name: &str) -> Option<&Arc<Variable>> {
        self.declarations(name).iter().find(|variable| variable.is_secret())
    }

    /// The environment with its ancestors and overlay; nothing if a file of it is missing or they form a circle.
    pub fn chain(&self, environment: &str) -> Option<Chain<'_>> {
        let mut levels = Vec::new();
        let mut next = Some(environment);
        while let Some(name) = next {
            let file = self.environments.get(name)?;
            if levels.iter().any(|level: &&EnvironmentFile| level.name == name) {
                return None;
            }
            levels.push(file);
            next = file.extends.as_ref().map(|parent| parent.value.as_str());
        }
        levels.reverse();
        levels.extend(self.overlays.get(environment));
        Some(Chain { levels })
    }

    /// Opens for display what is no secret: the shape of the files, places of references, and values of variables that
    /// no schema calls secret.
    pub fn open_sources(&self, sources: &mut SourceMap) {
        for file in self.environments.values().chain(self.overlays.values()) {
            file.head.iter().for_each(|span| sources.open(*span));
            for (_, entry) in file.all() {
                match &entry.assignment {
                    Assignment::Value(_) if self.is_open(&entry.name) => sources.open(entry.span),
                    Assignment::Reference(reference) => self.open_reference(reference, sources),
                    Assignment::Value(_) | Assignment::Absent | Assignment::Broken | Assignment::Sealed(_) => {}
                }
            }
        }
    }

    fn is_open(&self, name: &str) -> bool {
        let all = self.declarations(name);
        // A misspelt `secret` must not open what was meant to be closed.
        !all.is_empty() && all.iter().all(|variable| !variable.is_secret() && !variable.is_doubtful)
    }

    /// Of a reference the backend and what it knows as a place; a key that is misspelt may hold anything.
    fn open_reference(&self, reference: &Reference, sources: &mut SourceMap) {
        sources.open(reference.backend.span);
        let Some(kind) = self.config.backend_kind(&reference.backend.value) else {
            return;
        };
        let row = kind.capability();
        for (key, value) in &reference.keys {
            if row.needs.iter().chain(row.takes).any(|known| *known == key.value) {
                sources.open(value.span);
            }
        }
    }
}

impl Chain<'_> {
    /// Whether the environment or an ancestor has one of these names.
    pub fn matches<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        names.into_iter().any(|name| self.levels.iter().any(|level| level.name == name))
    }

    /// Whether the environment is for this schema: the nearest file that lists schemas decides.
    pub fn is_for(&self, schema: &str) -> bool {
        let listed = self.levels.iter().rev().find_map(|level| level.schemas.as_ref());
        listed.is_none_or(|schemas| schemas.iter().any(|listed| listed.value == schema))
    }

    /// Whether the environment or an ancestor is protected.
    pub fn is_protected(&self) -> bool {
        self.levels.iter().any(|level| level.protected.as_ref().is_some_and(|flag| flag.value))
    }

    /// Whether the ancestors up to and including this level are protected.
    pub fn is_protected_at(&self, level: usize) -> bool {
        let upto = self.levels.iter().take(level + 1);
        upto.into_iter().any(|level| level.protected.as_ref().is_some_and(|flag| flag.value))
    }
}
