//! Where values come from, in words: for `list`, `explain`, `diff` and `-v`.

use serde_json::{Value, json};

use crate::plan::{Origin, Planned, Supply};
use crate::source::SourceMap;

/// How a value is had: "clear", "sealed", "vault", "made".
pub(super) fn supply(planned: &Planned) -> &str {
    match (&planned.supply, &planned.origin) {
        (_, Origin::Default) => "default",
        (Supply::Sealed(_), _) => "sealed",
        (Supply::Fetch { backend, .. }, _) => backend,
        (Supply::Made(_), _) => "made",
        (Supply::Clear(_), _) if !planned.parts.is_empty() => "made",
        (Supply::Clear(_), _) => "clear",
    }
}

/// The file and line, and what is there.
pub(super) fn place(planned: &Planned, sources: &SourceMap) -> String {
    if matches!(planned.origin, Origin::CommandLine) {
        return String::from("--set");
    }
    format!("{}:{}", sources.path(planned.span.source), sources.position(planned.span).line)
}

/// What else there is to say: the place in a backend, what it is made of, when it changed.
pub(super) fn detail(planned: &Planned) -> Option<String> {
    match &planned.supply {
        Supply::Fetch { place, .. } => Some(place.describe()),
        Supply::Sealed(sealed) => Some(format!("changed {}, generation {}", sealed.rotated, sealed.since)),
        _ if !planned.parts.is_empty() => {
            Some(format!("from {}", planned.parts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")))
        }
        _ => None,
    }
}

/// The same for programs.
pub(super) fn as_json(name: &str, planned: &Planned, sources: &SourceMap) -> Value {
    json!({
        "name": name,
        "type": planned.variable.kind.value.name(),
        "sensitive": planned.sensitive,
        "delivered": planned.delivered,
        "required": planned.required,
        "supply": supply(planned),
        "origin": place(planned, sources),
        "detail": detail(planned),
        "schema": planned.variable.schema,
        "description": planned.variable.description,
    })
}
