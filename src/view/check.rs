//! What was edited, held against the project: problems of what changed stop it, others are only told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Edited, Page};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::environment::{Assignment, Entries, Entry, EnvironmentFile, Sealed};
use crate::lint;
use crate::model::Model;
use crate::plan::{Completeness, plan};
use crate::source::Span;
use crate::validate::{self, Place};

/// Problems that only say that something is still missing: an environment is filled one by one.
const LACKING: &[Code] = &[Code::MissingValue, Code::GroupViolation, Code::RuleViolation];

/// Problems whose text repeats a word of the file. Of a text full of secrets that may be one of them.
const QUOTING: &[Code] = &[
    Code::UnknownKey,
    Code::UnknownVariable,
    Code::UnknownBackend,
    Code::UnknownSchema,
    Code::UnknownEnvironment,
    Code::UnknownRecipient,
    Code::ReservedName,
    Code::WrongTomlType,
    Code::InvalidPlace,
];

/// What is to be said of an edited text. What is told whenever the project is read is not among it.
#[derive(Debug, Default)]
pub struct Checked {
    /// Errors stop it.
    pub problems: Diagnostics,
    /// What has to be agreed to, each a question.
    pub questions: Vec<String>,
    /// The file as edited, if it can be read; its entries of `[secrets]` stand for what will be sealed.
    pub file: Option<EnvironmentFile>,
}

/// One check.
struct Check<'c> {
    page: &'c Page,
    edited: &'c Edited,
    name: &'c str,
    /// The file as it was, and its text.
    old: &'c EnvironmentFile,
    text: &'c str,
}

/// Checks an edited environment; `text` is the file as it was. The model is the same afterwards.
pub fn check(page: &Page, edited: &Edited, model: &mut Model, name: &str, text: &str) -> Checked {
    let (files, plans) = (linted(model), planned(model, name));
    let words = |problem: &Diagnostic| (problem.code, problem.message.clone());
    let told: BTreeSet<(Code, String)> = files.iter().map(words).collect();
    let known: BTreeSet<(Code, String)> = files.iter().chain(plans.iter()).map(words).collect();
    let mut found = Diagnostics::default();
    let file = EnvironmentFile::read(name, false, &edited.blanked, edited.source, &mut found);
    let (Some(mut file), Some(old)) = (file, model.environments.remove(name)) else {
        return Checked { problems: found, ..Checked::default() };
    };
    file.sealed.clone_from(&old.sealed);
    file.secrets = edited.entries.iter().map(|(name, spans)| (name.clone(), entry(name, *spans))).collect();
    let check = Check { page, edited, name, old: &old, text };
    let questions = check.questions(&file);
    let changed = check.changed(&file);
    let mut own = Diagnostics::default();
    check.moves(&file, &mut own);
    model.environments.insert(name.to_owned(), file);
    check.values(model, &mut own);
    found.append(linted(model));
    found.append(planned(model, name));
    let mut problems = Diagnostics::default();
    for problem in found.iter().chain(own.iter()) {
        let place = problem.primary().filter(|place| place.source == edited.source);
        let touched = place.is_some_and(|place| changed.iter().any(|span| overlap(*span, place)));
        let new = !known.contains(&words(problem));
        if !touched && told.contains(&words(problem)) {
            continue;
        }
        let stops = !LACKING.contains(&problem.code) && (touched || (new && place.is_some()));
        let severity = if stops { problem.severity } else { Severity::Warning };
        problems.push(Diagnostic { severity, ..bare(problem, edited) });
    }
    let file = model.environments.insert(name.to_owned(), old);
    Checked { problems, questions, file }
}

/// Problems between the files, which are told whenever they are read.
fn linted(model: &Model) -> Diagnostics {
    let mut problems = Diagnostics::default();
    lint::lint(model, &mut problems);
    problems
}

/// Problems of what the environment gives its programs.
fn planned(model: &Model, name: &str) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let chain = model.chain(name);
    for view in model.views.values().filter(|view| chain.as_ref().is_none_or(|chain| chain.is_for(&view.name))) {
        plan(model, name, view, &BTreeMap::new(), Completeness::Required, &mut problems);
    }
    problems
}

fn is_protected(file: &EnvironmentFile) -> bool {
    file.protected.as_ref().is_some_and(|flag| flag.value)
}

fn entry(name: &str, (key_span, span): (Span, Span)) -> Entry {
    let assignment = Assignment::Sealed(Sealed { since: 1, rotated: String::new() });
    Entry { name: name.to_owned(), key_span, span, assignment }
}

fn overlap(span: Span, place: Span) -> bool {
    span.source == place.source && span.start <= place.start && place.start <= span.end
}

/// Without the words of the edited text that it repeats.
fn bare(problem: &Diagnostic, edited: &Edited) -> Diagnostic {
    let here = problem.primary().filter(|place| place.source == edited.source);
    match here.filter(|_| QUOTING.contains(&problem.code)) {
        Some(place) => Diagnostic {
            severity: problem.severity,
            ..Diagnostic::error(problem.code, problem.code.meaning()).at(place, "")
        },
        None => problem.clone(),
    }
}

impl Check<'_> {
    /// What nobody should do by a slip.
    fn questions(&self, file: &EnvironmentFile) -> Vec<String> {
        let mut questions = Vec::new();
        if is_protected(self.old) && !is_protected(file) {
            questions.push(format!("`{}` would no longer be protected", self.name));
        }
        let clear = |name: &String| file.named(name).any(|entry| is_clear(entry) && !file.secrets.contains_key(name));
        for name in self.old.secrets.keys().filter(|name| clear(name)) {
            questions.push(format!("`{name}` was sealed and would stand in clear, for everybody who reads the file"));
        }
        questions
    }

    /// The places of what is not as it was.
    fn changed(&self, file: &EnvironmentFile) -> Vec<Span> {
        let whole = |(key, value): (Span, Span)| Span { end: value.end, ..key };
        let names = self.edited.changes.keys().filter_map(|name| self.edited.entries.get(name));
        let mut changed: Vec<Span> = names.map(|spans| whole(*spans)).collect();
        let written = |text: &str, entry: &Entry| text.get(entry.span.start..entry.span.end).map(str::to_owned);
        let mut compare = |new: &Entries, old: Option<&Entries>| {
            for entry in new.values() {
                let before = old.and_then(|old| old.get(&entry.name)).and_then(|old| written(self.text, old));
                if before.is_none() || before != written(&self.edited.blanked, entry) {
                    changed.push(whole((entry.key_span, entry.span)));
                }
            }
        };
        compare(&file.values, Some(&self.old.values));
        for (schema, (_, entries)) in &file.per_schema {
            compare(entries, self.old.per_schema.get(schema).map(|(_, entries)| entries));
        }
        changed
    }

    /// Names that stand in both tables, and those that came from `[values]`.
    fn moves(&self, file: &EnvironmentFile, problems: &mut Diagnostics) {
        for (name, (key, _)) in &self.edited.entries {
            let own = file.per_schema.values().filter_map(|(_, entries)| entries.get(name));
            for other in file.values.get(name).into_iter().chain(own) {
                let message = "this name stands in `[secrets]` and in clear";
                let problem = Diagnostic::error(Code::SealedStructure, message).at(other.key_span, "here");
                problems.push(problem.at(*key, "and here").help("keep one of them"));
            }
            let was_clear = self.old.named(name).any(is_clear) && !self.old.secrets.contains_key(name);
            if was_clear && self.edited.changes.contains_key(name) {
                let message = format!("`{name}` stood in clear: git keeps that value for ever");
                let problem = Diagnostic::warning(Code::SecretInClear, message).at(*key, "sealed from now on");
                problems.push(problem.help("change the value where it is used, then here"));
            }
        }
    }

    /// The new values, held against every declaration; all of them if what is protected is decided anew.
    fn values(&self, model: &Model, problems: &mut Diagnostics) {
        let protected = model.chain(self.name).is_some_and(|chain| chain.is_protected());
        let all = protected && !is_protected(self.old);
        for (name, (_, span)) in &self.edited.entries {
            let value = match self.edited.changes.get(name) {
                Some(Change::Set(value)) => Some(value),
                Some(Change::Rename { from }) => self.page.values.get(from),
                Some(Change::Generate) => {
                    check_generated(model, name, *span, problems);
                    None
                }
                Some(Change::Unset) => None,
                None => self.page.values.get(name).filter(|_| all),
            };
            for variable in model.declarations(name) {
                if let Some(value) = value {
                    validate::value_at(variable, value, Place { protected, sensitive: true }, *span, problems);
                }
            }
        }
    }
}

/// A value is generated as its schema says.
fn check_generated(model: &Model, name: &str, span: Span, problems: &mut Diagnostics) {
    if model.declarations(name).iter().all(|variable| variable.generate.is_none()) {
        let message = "no schema says how this value is generated";
        let help = "give the value, or say `generate = { kind = … }` in the schema";
        problems.push(Diagnostic::error(Code::MissingKey, message).at(span, "").help(help));
    }
}

/// Whether it can be read by whoever reads the file: a template may take in a secret, and is judged elsewhere.
fn is_clear(entry: &Entry) -> bool {
    matches!(&entry.assignment, Assignment::Value(written) if !written.has_inserts())
}
