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
    let message = format!("`{}` takes in `{part}`, which has characters that mean something in a URL", variable.name);
    Diagnostic::error(Code::UnencodedInUrl, message)
        .at(span, "would be another URL than is meant")
        .at(variable.kind.span, "a URL")
        .help(format!("write `${{{part}:uri}}`: the value is then percent-encoded"))
}

/// The diagnostic for a required variable without a value.
pub(crate) fn missing(variable: &Variable, environment: &str) -> Diagnostic {
    let message = format!("`{}` has no value in `{environment}`", variable.name);
    let rule = variable.required_in.as_ref().and_then(|list| list.first());
    Diagnostic::error(Code::MissingValue, message)
        .at(variable.span, "declared here")
        .at_some(rule.map(|rule| rule.span), "required in these")
        .help(assign(variable, environment))
}

/// How a variable gets a value in an environment.
pub(crate) fn assign(variable: &Variable, environment: &str) -> String {
    let name = &variable.name;
    let generate = if variable.generate.is_some() { " --generate" } else { "" };
    format!("`envctl set {environment} {name}{generate}`")
}
