//! What of `envctl.toml` may be shown: its shape, and values of known keys that are no credential.
//!
//! A token under a key that does not exist is the likeliest mistake of all, so what is not known is not shown.

use std::ops::Range;

use super::{AUTH_KEYS, BACKEND_KEYS, address_flaw};
use crate::diagnostic::Diagnostics;
use crate::document::{self, Table, Value};
use crate::recipient;
use crate::source::{SourceMap, Span};

/// The parts of the file that may be shown; nothing if it is no TOML.
pub fn visible(text: &str) -> Vec<Range<usize>> {
    let source = SourceMap::default().add_masked("", "");
    let mut ignored = Diagnostics::default();
    let Some(document) = document::parse(text, source, &mut ignored) else { return Vec::new() };
    let root = document::root(&document, source);
    let mut found = Vec::new();
    if let Some(project) = root.table("project", &mut ignored) {
        show(&project, &["name", "id", "default_environment", "default_schema"], &mut found);
    }
    for output in root.table_array("outputs", &mut ignored) {
        show(&output, &["environment", "schema", "format", "dialect", "path"], &mut found);
    }
    if let Some(recipients) = root.table("recipients", &mut ignored) {
        let public = |value: &Value<'_>| value.text().is_some_and(|text| recipient::kind(text).is_ok());
        found.extend(recipients.entries().map(|(_, value)| value).filter(public).map(|value| value.span));
    }
    for (_, backend) in root.tables("backends", &mut ignored) {
        let keys = BACKEND_KEYS.iter().flat_map(|(_, keys)| keys.iter().copied());
        show(&backend, &keys.chain(["kind"]).collect::<Vec<_>>(), &mut found);
        let auth = backend.get("auth");
        let listed = auth.and_then(|auth| auth.items()).unwrap_or_default();
        for method in auth.into_iter().chain(listed).filter_map(|auth| auth.table()) {
            let keys = AUTH_KEYS.iter().flat_map(|(.., keys)| keys.iter().copied());
            show(&method, &keys.chain(["method"]).collect::<Vec<_>>(), &mut found);
        }
    }
    document::shape(text).into_iter().chain(found.into_iter().map(|span| span.start..span.end)).collect()
}

/// Shows the values of these keys; not of those that are tables, nor of addresses that may hold a credential.
fn show(table: &Table<'_>, keys: &[&str], found: &mut Vec<Span>) {
    for (key, value) in keys.iter().filter_map(|key| Some((*key, table.get(key)?))) {
        let address = ["address", "endpoint", "api"].contains(&key);
        let doubtful = |text: &str| if address { address_flaw(text).is_some() } else { text.contains(['@', '?', '#']) };
        if !value.text().is_some_and(doubtful) && value.table().is_none() && value.items().is_none() {
            found.push(value.span);
        }
    }
}
