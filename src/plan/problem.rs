//! Problems that planning and the later stages find alike.

use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Variable;
use crate::source::Span;
use crate::template::is_unreserved;

/// Whether a value put into this variable's URL has characters that mean something there.
pub(crate) fn needs_escapes(variable: &Variable, value: &[u8]) -> bool {
    variable.kind.value == crate::kind::Kind::Url && !value.iter().all(|byte| is_unreserved(*byte))
}

/// The diagnostic for a value that would change the URL it is put into.
pub(crate) fn unencoded(variable: &Variable, part: &str, span: Span) -> Diagnostic {
    let message = format!(
        "`{}` takes in `{part}`, which has characters that mean something in a URL",
        variable.name
    );
    Diagnostic::error(Code::UnencodedInUrl, message)
        .at(span, "would be another URL than is meant")
        .at(variable.kind.span, "a URL")
        .help(format!(
            "write `${{{part}:uri}}`: the value is then percent-encoded"
        ))
}

/// The diagnostic for a required variable without a value.
pub(crate) fn missing(variable: &Variable, environment: &str) -> Diagnostic {
    let message = format!("`{}` has no value in `{environment}`", variable.name);
    let label = if variable.required_in.is_some() {
        "required there"
    } else {
        "required"
    };
    let help = if variable.is_secret() && variable.generate.is_some() {
        format!(
            "add `{} = {{ backend = \"local\" }}` to `[values]` of environments/{environment}.toml: it is then made on first use",
            variable.name
        )
    } else if variable.is_secret() {
        format!("envctl set {environment} {}", variable.name)
    } else {
        format!(
            "add `{} = …` to `[values]` of environments/{environment}.toml",
            variable.name
        )
    };
    Diagnostic::error(Code::MissingValue, message)
        .at(variable.span, label)
        .help(help)
}
