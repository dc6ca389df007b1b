//! Checks of files against each other that need no plan: names that exist, protection, secrets in clear, defaults.

mod readers;

pub use readers::differences;

use crate::config::bad_word;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::document::Located;
use crate::environment::{Assignment, Entry, EnvironmentFile};
use crate::model::Model;
use crate::name;
use crate::schema::Variable;
use crate::source::Span;
use crate::validate::{self, Place};

/// Every problem between the files of a project.
pub fn lint(model: &Model, problems: &mut Diagnostics) {
    config(model, problems);
    for schema in model.schemas.values() {
        for variable in schema.variables.values() {
            declaration(model, variable, problems);
        }
    }
    for file in model.environments.values().chain(model.overlays.values()) {
        environment(model, file, problems);
        for (schema, entry) in file.all() {
            assignment(model, schema, entry, (&file.name, file.is_overlay), problems);
        }
    }
    for name in model.environments.keys() {
        ancestry(model, name, problems);
    }
}

fn config(model: &Model, problems: &mut Diagnostics) {
    if let Some(default) = &model.config.default_environment {
        known_environment(model, default, problems);
        if model.chain(&default.value).is_some_and(|chain| chain.is_protected()) {
            let message = format!("`{}` is protected and cannot be the default environment", default.value);
            let diagnostic =
                Diagnostic::error(Code::ProtectedDefault, message).at(default.span, "would be used unnamed");
            problems.push(diagnostic.help("a protected environment has to be named each time; choose another default"));
        }
    }
    if let Some(schema) = &model.config.default_schema {
        known_schema(model, &schema.value, schema.span, problems);
    }
}

fn known_environment(model: &Model, environment: &Located<String>, problems: &mut Diagnostics) {
    let names = || model.environment_names.iter().map(String::as_str);
    if !model.environment_names.contains(&environment.value) {
        problems.push(unknown_environment(&environment.value, names()).at(environment.span, ""));
    }
}

/// The diagnostic for an environment that does not exist; the caller adds the place.
pub fn unknown_environment<'a>(wanted: &str, names: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let help = match name::nearest(wanted, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.clone().next().is_none() => format!("there is none yet: make environments/{wanted}.toml"),
        None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error(Code::UnknownEnvironment, format!("there is no environment `{wanted}`")).help(help)
}

fn known_schema(model: &Model, schema: &str, span: Span, problems: &mut Diagnostics) {
    if !model.schemas.contains_key(schema) {
        let names: Vec<&str> = model.schemas.keys().map(String::as_str).collect();
        problems.push(unknown_schema(schema, &names).at(span, ""));
    }
}

/// The diagnostic for a schema that does not exist; the caller adds the place.
pub fn unknown_schema(wanted: &str, names: &[&str]) -> Diagnostic {
    let help = match name::nearest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => format!("there is none yet: make schemas/{wanted}.toml"),
        None => format!("there are: {}", names.join(", ")),
    };
    Diagnostic::error(Code::UnknownSchema, format!("there is no schema `{wanted}`")).help(help)
}

/// Rules of one declaration that need the environments, and its default.
fn declaration(model: &Model, variable: &Variable, problems: &mut Diagnostics) {
    let lists = variable.required_in.iter().chain(&variable.only_in);
    for environment in lists.flatten() {
        known_environment(model, environment, problems);
    }
    let Some(default) = &variable.default else {
        return;
    };
    let place = Place { protected: false, sensitive: variable.is_secret() };
    for finding in validate::findings(variable, &default.value, place) {
        if finding.severity == Severity::Warning {
            continue;
        }
        let message = format!("the default of `{}` is refused by its own schema", variable.name);
        problems.push(
            Diagnostic::error(Code::InvalidDefault, message)
                .at(default.span, finding.label)
                .at(finding.rule, "by this"),
        );
    }
    if variable.is_secret() && !is_development_only(model, variable) {
        let message = format!("`{}` is a secret and has a default", variable.name);
        let diagnostic =
            Diagnostic::error(Code::SecretDefault, message).at(default.span, "anybody who reads this file knows it");
        problems.push(diagnostic.help("delete it, or say `only_in` with environments that are not protected"));
    }
}

fn is_development_only(model: &Model, variable: &Variable) -> bool {
    let Some(only_in) = &variable.only_in else {
        return false;
    };
    only_in.iter().all(|name| model.chain(&name.value).is_none_or(|chain| !chain.is_protected()))
}

/// Rules of one environment file as a whole.
fn environment(model: &Model, file: &EnvironmentFile, problems: &mut Diagnostics) {
    if let Some(parent) = &file.extends {
        known_environment(model, parent, problems);
    }
    for (schema, (span, _)) in &file.per_schema {
        known_schema(model, schema, *span, problems);
    }
    for recipient in file.recipients.iter().flat_map(|recipients| &recipients.value) {
        if !name::is_word(&recipient.value) {
            problems.push(bad_word("a recipient", recipient.span));
        } else if !model.config.recipients.contains_key(&recipient.value) {
            let near = name::nearest(&recipient.value, model.config.recipients.keys().map(String::as_str));
            let message = format!("there is no recipient `{}`", recipient.value);
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let help = help.unwrap_or_else(|| String::from("add it to `[recipients]` in envctl.toml"));
            problems.push(Diagnostic::error(Code::UnknownRecipient, message).at(recipient.span, "").help(help));
        }
    }
    readers::file(model, file, problems);
}

/// Rules of one assignment that do not depend on the environment that takes it.
fn assignment(
    model: &Model,
    schema: Option<&str>,
    entry: &Entry,
    (environment, overlay): (&str, bool),
    problems: &mut Diagnostics,
) {
    let view = schema.and_then(|schema| model.views.get(schema));
    let declared = match view {
        Some(view) => view.variables.contains_key(&entry.name),
        None => schema.is_some() || !model.declarations(&entry.name).is_empty(),
    };
    if !declared {
        problems.push(undeclared(model, schema, entry));
        return;
    }
    let Assignment::Value(written) = &entry.assignment else {
        return;
    };
    if written.has_inserts() {
        return;
    }
    if let Some(secret) = model.secret_declaration(&entry.name) {
        problems.push(secret_in_clear(entry, secret, (environment, overlay)));
    }
}

/// The diagnostic for a secret that stands in `[values]` or a local overlay.
pub fn secret_in_clear(entry: &Entry, secret: &Variable, (environment, overlay): (&str, bool)) -> Diagnostic {
    let place = secret.secret.as_ref().map_or(secret.span, |flag| flag.span);
    let label = if overlay {
        "readable by every program of yours"
    } else {
        "readable by everybody who reads this file, and in git for ever"
    };
    let name = &entry.name;
    let problem = Diagnostic::error(Code::SecretInClear, format!("`{name}` is a secret and stands here in clear"))
        .at(entry.span, label)
        .at(place, "declared secret here");
    if overlay {
        return problem
            .help(format!("`{name} = {{ backend = \"local\" }}` keeps it on this machine, outside of the project"));
    }
    problem
        .help(format!("`envctl seal {environment} {name}` moves it to `[secrets]`, encrypted"))
        .note("git keeps the old value: change it where it is used")
}

fn undeclared(model: &Model, schema: Option<&str>, entry: &Entry) -> Diagnostic {
    let name = &entry.name;
    let message = match schema {
        Some(schema) => format!("schema `{schema}` does not declare `{name}`"),
        None => format!("no schema declares `{name}`"),
    };
    let view = schema.and_then(|schema| model.views.get(schema));
    let near = match view {
        Some(view) => name::nearest(name, view.variables.keys().map(String::as_str)),
        None => name::nearest(name, model.declared_names()),
    };
    let help = match (model.declarations(name).first(), near) {
        (Some(elsewhere), _) => {
            let own = &elsewhere.schema;
            format!("schema `{own}` declares it: move it to `[for.{own}]` or `[values]`, or declare it here too")
        }
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => format!("declare it: `[variables.{name}]` in {}", schema_path(model, schema)),
    };
    Diagnostic::error(Code::UnknownVariable, message).at(entry.key_span, "not declared").help(help)
}

fn schema_path(model: &Model, schema: Option<&str>) -> String {
    let only = model.schemas.keys().next().filter(|_| model.schemas.len() == 1).map(String::as_str);
    schema.or(only).map_or_else(|| String::from("a file of schemas/"), |name| format!("schemas/{name}.toml"))
}

/// Rules between an environment, its ancestors and its overlay.
fn ancestry(model: &Model, name: &str, problems: &mut Diagnostics) {
    let Some(chain) = model.chain(name) else {
        circle(model, name, problems);
        return;
    };
    readers::ancestors(model, &chain, problems);
    for (level, file) in chain.levels.iter().enumerate().skip(1) {
        if let Some(flag) = file.protected.as_ref().filter(|flag| !flag.value && chain.is_protected_at(level - 1)) {
            let message = format!("`{}` extends a protected environment and is protected as well", file.name);
            let above =
                chain.levels.iter().take(level).find_map(|parent| parent.protected.as_ref().filter(|on| on.value));
            let diagnostic =
                Diagnostic::error(Code::ProtectionRemoved, message).at(flag.span, "cannot be switched off");
            let diagnostic = diagnostic.at_some(above.map(|above| above.span), "protected by this");
            problems.push(diagnostic.help("delete this line, or extend an environment that is not protected"));
        }
        if file.is_overlay && chain.is_protected() {
            let message = format!("`{}` is protected and takes no local overlay", file.name);
            let span = Span { source: file.source, start: 0, end: 0 };
            problems.push(Diagnostic::error(Code::LocalOverlayRefused, message).at(span, "").help("delete this file"));
        }
        for sealed in chain.levels.iter().take(level).flat_map(|parent| parent.secrets.values()) {
            let allowed = |entry: &&Entry| match entry.assignment {
                Assignment::Sealed(_) | Assignment::Broken => true,
                Assignment::Reference(_) => !file.is_overlay && !chain.is_protected_at(level),
                Assignment::Value(_) | Assignment::Absent => false,
            };
            for own in file.named(&sealed.name).filter(|entry| !allowed(entry)) {
                let message = format!("`{}` replaces a sealed value by something that is not sealed", own.name);
                let diagnostic = Diagnostic::error(Code::SealedReplaced, message).at(own.key_span, "here");
                let seal = matches!(own.assignment, Assignment::Value(_)) && !file.is_overlay;
                let seal = seal.then(|| format!("or seal the value: `envctl seal {} {}`", file.name, own.name));
                problems.push(diagnostic.at(sealed.key_span, "sealed here").help("delete this line").help_some(seal));
            }
        }
    }
}

fn circle(model: &Model, name: &str, problems: &mut Diagnostics) {
    let mut path = vec![name];
    while let Some(parent) =
        path.last().and_then(|last| model.environments.get(*last)).and_then(|file| file.extends.as_ref())
    {
        if let Some(start) = path.iter().position(|seen| *seen == parent.value) {
            // Each environment of the circle finds it; the one that begins it reports it.
            if start == 0 && path.iter().min() == path.first() {
                path.push(name);
                let message = format!("environments extend each other: {}", path.join(" → "));
                let diagnostic = Diagnostic::error(Code::ExtendsCircle, message).at(parent.span, "closes the circle");
                problems.push(diagnostic.help("take one `extends` out; what they share goes into a parent of all"));
            }
            return;
        }
        path.push(&parent.value);
    }
}
