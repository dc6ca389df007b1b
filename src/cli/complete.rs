//! What shells complete: names of environments, schemas, variables and codes. Quick and silent, whatever the files hold.

use std::ffi::OsStr;
use std::path::Path;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::diagnostic::Code;
use crate::model::Model;
use crate::process::EnvSnapshot;
use crate::project::{self, Wanted};

/// Names of environments.
pub(super) fn environments() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(stems("environments")))
}

/// Names of environments, and of variables: the environment may be left out.
pub(super) fn environments_and_variables() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(stems("environments").into_iter().chain(declared()).collect()))
}

/// Names of recipients.
pub(super) fn recipients() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let config = model().map(|model| model.config.recipients.into_keys().collect());
        candidates(config.unwrap_or_default())
    })
}

/// Names of schemas.
pub(super) fn schemas() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(stems("schemas")))
}

/// Names of variables, of all schemas.
pub(super) fn variables() -> ArgValueCandidates {
    ArgValueCandidates::new(|| candidates(declared()))
}

/// Names of environments and diagnostic codes: what `explain` takes first.
pub(super) fn explainable() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let codes = Code::ALL.iter().map(|code| code.slug().to_owned());
        candidates(stems("environments").into_iter().chain(codes).collect())
    })
}

fn candidates(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn root() -> Option<std::path::PathBuf> {
    let environment = EnvSnapshot::capture();
    let named = environment.text("ENVCTL_PROJECT").map(std::path::PathBuf::from);
    named.or_else(|| project::find(&std::env::current_dir().ok()?))
}

/// The names of the files of a directory of the project at hand.
pub(super) fn stems(directory: &str) -> Vec<String> {
    let Some(entries) = root().and_then(|root| std::fs::read_dir(root.join(directory)).ok()) else {
        return Vec::new();
    };
    let stem = |path: &Path| {
        let name = path.file_stem().and_then(OsStr::to_str).filter(|name| crate::name::is_word(name))?;
        (path.extension() == Some(OsStr::new("toml"))).then(|| name.to_owned())
    };
    let mut stems: Vec<String> = entries.flatten().filter_map(|entry| stem(&entry.path())).collect();
    stems.sort();
    stems
}

fn model() -> Option<Model> {
    project::load(&root()?, &Wanted::Named(Vec::new()), None, None).model
}

fn declared() -> Vec<String> {
    model().map(|model| model.declared_names().map(str::to_owned).collect()).unwrap_or_default()
}
