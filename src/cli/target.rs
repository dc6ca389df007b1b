//! Where `set` writes a value: where the variable is assigned, else where it belongs.

use super::writing::Writing;
use crate::context::Exit;
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Assignment, Entry, EnvironmentFile};

/// Where a value is written.
pub(super) enum Target {
    /// Into the local store of this machine.
    Local,
    /// Into `[secrets]`; what assigns it in clear is taken out.
    Sealed {
        /// The assignments in clear.
        replaced: Vec<Entry>,
    },
    /// Into `[values]` or `[for.SCHEMA]`.
    Clear {
        /// The assignment that is there.
        entry: Option<Box<Entry>>,
        /// The one schema it is for.
        schema: Option<String>,
    },
}

/// Finds it. `schema` is that of `--schema`.
pub(super) fn target(
    writing: &Writing<'_>,
    environment: &str,
    name: &str,
    schema: Option<&str>,
) -> Result<Target, Exit> {
    let file = writing.file(environment)?;
    let entries = of(file, name, schema);
    if belongs_sealed(writing, environment, name) {
        if entries.iter().any(|entry| is_local(entry)) {
            return Ok(Target::Local);
        }
        if schema.is_some() {
            let message = format!("`{name}` is sealed in `{environment}`, and a sealed value is for all schemas");
            let problem = Diagnostic::error(Code::Usage, message);
            return Err(writing.stop(problem.help("leave `--schema` out, or use two names, one for each value")));
        }
        refuse_references(writing, environment, &entries)?;
        let in_clear = entries.into_iter().filter(|entry| !matches!(entry.assignment, Assignment::Sealed(_)));
        return Ok(Target::Sealed { replaced: in_clear.cloned().collect() });
    }
    let entry = match entries.as_slice() {
        [] => return Ok(Target::Clear { entry: None, schema: schema.map(str::to_owned) }),
        [entry] => *entry,
        [entry, ..] if file.values.contains_key(name) => *entry,
        _ => {
            let message = format!("`{name}` is assigned for several schemas in `{environment}`");
            return Err(writing.stop(Diagnostic::error(Code::Usage, message).help("`--schema` says which is meant")));
        }
    };
    if is_local(entry) {
        return Ok(Target::Local);
    }
    refuse_references(writing, environment, &[entry])?;
    Ok(Target::Clear { entry: Some(Box::new(entry.clone())), schema: schema.map(str::to_owned) })
}

/// What the file assigns to a name: for this schema, or anywhere.
fn of<'f>(file: &'f EnvironmentFile, name: &str, schema: Option<&str>) -> Vec<&'f Entry> {
    match schema {
        Some(schema) => file.per_schema.get(schema).and_then(|(_, own)| own.get(name)).into_iter().collect(),
        None => file.named(name).collect(),
    }
}

/// Whether the value may stand nowhere but in `[secrets]`: a schema calls it secret, or it is sealed here or in a parent.
fn belongs_sealed(writing: &Writing<'_>, environment: &str, name: &str) -> bool {
    let chain = writing.model.chain(environment);
    let sealed = || chain.iter().flat_map(|chain| &chain.levels).any(|level| level.secrets.contains_key(name));
    writing.model.secret_declaration(name).is_some() || sealed()
}

fn is_local(entry: &Entry) -> bool {
    matches!(&entry.assignment, Assignment::Reference(reference) if reference.backend.value == "local")
}

fn refuse_references(writing: &Writing<'_>, environment: &str, entries: &[&Entry]) -> Result<(), Exit> {
    for entry in entries {
        if let Assignment::Reference(reference) = &entry.assignment {
            let (name, backend) = (&entry.name, &reference.backend.value);
            let message = format!("`{name}` comes from `{backend}` in `{environment}`, where `set` does not write");
            let problem = Diagnostic::error(Code::Usage, message).at(entry.span, "a reference");
            let unset = format!("`envctl unset {environment} {name}` takes the reference out");
            return Err(writing.stop(problem.help("change the value in the backend").help(unset)));
        }
    }
    Ok(())
}

/// What wins over a value that stands in `[values]` or `[for.SCHEMA]` of an environment's file, in words.
pub(super) fn winners(
    writing: &Writing<'_>,
    environment: &str,
    name: &str,
    schema: Option<&str>,
) -> Result<Vec<String>, Exit> {
    let file = writing.file(environment)?;
    let own = file.per_schema.iter().filter(|(_, (_, own))| schema.is_none() && own.contains_key(name));
    let mut winners: Vec<String> = own
        .map(|(schema, _)| format!("`[for.{schema}]` has its own `{name}`: `--schema {schema}` sets that\n"))
        .collect();
    if writing.model.overlays.get(environment).is_some_and(|overlay| overlay.named(name).next().is_some()) {
        winners
            .push(format!("environments/{environment}.local.toml has its own `{name}`, which wins on this machine\n"));
    }
    Ok(winners)
}
