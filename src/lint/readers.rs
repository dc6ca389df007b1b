//! Who can read a sealed file, held against who shall: everything that is known without a key.

use std::collections::BTreeMap;

use crate::age_file::{self, StanzaKind};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::environment::EnvironmentFile;
use crate::model::{Chain, Model};
use crate::recipient::{self, RecipientKind};
use crate::sealed::{SealedFile, Spans};
use crate::source::Span;

/// What is said of one environment file.
pub(super) fn file(model: &Model, file: &EnvironmentFile, problems: &mut Diagnostics) {
    few(model, file, problems);
    let Some((sealed, spans)) = &file.sealed else { return };
    if sealed.project != model.config.id.value {
        let diagnostic = Diagnostic::error(Code::SealedElsewhere, elsewhere(sealed));
        let diagnostic = diagnostic.at(spans.project, "sealed for this one").at(model.config.id.span, "this project");
        problems.push(diagnostic.help("a sealed file cannot be copied: `envctl seal` the values here"));
    }
    wrapped(sealed, spans, problems);
    let differences = differences(model, file);
    if !differences.is_empty() {
        let message = format!("the secrets of `{}` are not sealed to those who are declared", file.name);
        let mut diagnostic = Diagnostic::warning(Code::StaleRecipients, message);
        diagnostic = diagnostic.at_some(file.recipients.as_ref().map(|list| list.span), "who shall read");
        diagnostic = diagnostic.at(spans.recipients, "who can read");
        diagnostic = differences.iter().fold(diagnostic, Diagnostic::note);
        problems.push(diagnostic.help(format!("`envctl recipients apply {}` seals to those declared", file.name)));
    }
}

/// A project's id is no secret, if it is one.
fn elsewhere(sealed: &SealedFile) -> String {
    let id = Some(&sealed.project).filter(|id| crate::name::is_project_id(id));
    id.map_or_else(
        || String::from("this file is sealed for another project"),
        |id| format!("this file is sealed for project {id}"),
    )
}

/// Every recipient is one, and the key is wrapped as often as there are recipients: an age file does not say for whom it
/// is, but how many can open it and of which kind. A plugin may write whatever it likes.
fn wrapped(sealed: &SealedFile, spans: &Spans, problems: &mut Diagnostics) {
    let (mut natives, mut keys, mut plugins) = (0, 0, false);
    for (name, key) in &sealed.recipients {
        match recipient::kind(key) {
            Ok(RecipientKind::Plugin) => plugins = true,
            Ok(RecipientKind::X25519) => natives += 1,
            Ok(RecipientKind::Ssh) => keys += 1,
            Err(flaw) => {
                let message = format!("the sealed recipient `{name}` is none: {}", flaw.message());
                problems.push(Diagnostic::error(Code::SealedStructure, message).at(spans.recipients, ""));
                return;
            }
        }
    }
    let Some(stanzas) = age_file::stanzas(&sealed.age_file) else {
        let problem = Diagnostic::error(Code::SealedKey, "`key` holds no age file").at(spans.key, "");
        problems.push(problem.help("take the file from git as it was"));
        return;
    };
    let count = |wanted: &dyn Fn(&StanzaKind) -> bool| stanzas.iter().filter(|stanza| wanted(&stanza.kind)).count();
    let x25519 = count(&|kind| matches!(kind, StanzaKind::X25519));
    let ssh = count(&|kind| matches!(kind, StanzaKind::SshEd25519 { .. }));
    let right = (x25519, ssh) == (natives, keys) && x25519 + ssh == stanzas.len();
    if !right && !plugins {
        let message = "the key is wrapped for others than the recipients that stand here";
        let problem = Diagnostic::error(Code::SealedKey, message)
            .at(spans.key, format!("for {}", kinds(x25519, ssh, stanzas.len())));
        let here = kinds(natives, keys, sealed.recipients.len());
        let problem = problem.at(spans.recipients, format!("here stand {here}"));
        problems.push(problem.help("take the file from git as it was"));
    }
}

/// How many recipients of which kind, in words.
fn kinds(natives: usize, keys: usize, all: usize) -> String {
    let others = all - natives - keys;
    let parts = [(natives, "age"), (keys, "ssh-ed25519"), (others, "other")];
    let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
    parts.collect::<Vec<_>>().join(" and ")
}

/// How those declared differ from those sealed to, in words; nothing where none are declared.
pub fn differences(model: &Model, file: &EnvironmentFile) -> Vec<String> {
    let (Some(declared), Some((sealed, _))) = (&file.recipients, &file.sealed) else {
        return Vec::new();
    };
    let is_declared = |name: &str| declared.value.iter().any(|one| one.value == name);
    let mut all = Vec::new();
    for name in declared.value.iter().map(|one| one.value.as_str()) {
        match (sealed.recipients.get(name), model.config.recipients.get(name)) {
            (None, _) => all.push(format!("`{name}` is declared and cannot read them")),
            (Some(key), Some(now)) if *key != now.value => {
                all.push(format!("`{name}` has another key in envctl.toml than the one sealed to"));
            }
            _ => {}
        }
    }
    let undeclared = sealed.recipients.keys().filter(|name| !is_declared(name));
    all.extend(undeclared.map(|name| format!("`{name}` can read them and is not declared")));
    all
}

/// One key that is lost must not be the end of a protected environment's secrets.
fn few(model: &Model, file: &EnvironmentFile, problems: &mut Diagnostics) {
    let declared = file.recipients.as_ref().map(|list| (list.value.len(), list.span));
    let sealed = file.sealed.as_ref().map(|(sealed, spans)| (sealed.recipients.len(), spans.recipients));
    let protected = model.chain(&file.name).is_some_and(|chain| chain.is_protected());
    let readers = sealed.or(declared).filter(|_| !file.secrets.is_empty());
    if let Some((_, span)) = readers.filter(|(count, _)| *count < 2 && protected) {
        let message = format!("the secrets of `{}` can be read by one recipient only", file.name);
        let diagnostic = Diagnostic::warning(Code::FewRecipients, message).at(span, "if this key is lost, so are they");
        let help = format!("`envctl recipients add NAME RECIPIENT {}`, best a key that is kept offline", file.name);
        problems.push(diagnostic.help(help));
    }
}

/// Who reads an environment has to read what it inherits; a protected one is not to inherit from a file with more readers.
pub(super) fn ancestors(model: &Model, chain: &Chain<'_>, problems: &mut Diagnostics) {
    let Some((at, file)) = chain.levels.iter().enumerate().rfind(|(_, level)| !level.is_overlay) else { return };
    let Some((readers, span)) = readers(model, file) else { return };
    let parents = chain.levels.iter().take(at).filter_map(|parent| Some((*parent, parent.sealed.as_ref()?)));
    for (parent, (above, parent_spans)) in parents.filter(|(_, (above, _))| !above.entries.is_empty()) {
        let missing = lacking(&readers, &above.recipients);
        if !missing.is_empty() {
            let message =
                format!("`{}` extends `{}`, which not all of its recipients can read", file.name, parent.name);
            let diagnostic = Diagnostic::error(Code::ParentUnreadable, message).at(span, "these read it");
            let diagnostic = diagnostic.at(parent_spans.recipients, "these read its parent");
            let diagnostic = diagnostic.note(format!("cannot read the parent: {}", missing.join(", ")));
            let commands = missing.iter().map(|name| {
                let key = readers.get(*name).map_or("", String::as_str);
                format!("`envctl recipients add {name} {key} {}`", parent.name)
            });
            problems.push(commands.fold(diagnostic, Diagnostic::help));
        }
        let more = lacking(&above.recipients, &readers);
        if chain.is_protected() && !more.is_empty() {
            let message = format!("`{}` is protected and inherits secrets that more can read", file.name);
            let diagnostic =
                Diagnostic::warning(Code::ParentReaders, message).at(parent_spans.recipients, "these read them");
            let diagnostic = diagnostic.at(span, "these read the environment");
            let diagnostic = diagnostic.note(format!("can read inherited secrets only: {}", more.join(", ")));
            let help = format!("seal them in `{}`, or remove these readers from `{}`", file.name, parent.name);
            problems.push(diagnostic.help(help));
        }
    }
}

/// Who can read an environment, with their keys; who shall, where nothing is sealed yet.
fn readers(model: &Model, file: &EnvironmentFile) -> Option<(BTreeMap<String, String>, Span)> {
    if let Some((sealed, spans)) = &file.sealed {
        return Some((sealed.recipients.clone(), spans.recipients));
    }
    let declared = file.recipients.as_ref()?;
    let known = declared
        .value
        .iter()
        .filter_map(|name| Some((name.value.clone(), model.config.recipients.get(&name.value)?.value.clone())));
    Some((known.collect(), declared.span))
}

/// The recipients of one file whose keys another has not.
fn lacking<'s>(of: &'s BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<&'s str> {
    let keys: Vec<&String> = other.values().collect();
    of.iter().filter(|(_, key)| !keys.contains(key)).map(|(name, _)| name.as_str()).collect()
}
