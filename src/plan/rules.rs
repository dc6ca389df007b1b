//! `[[groups]]` and `[[rules]]`, checked against what is known of each variable.

use super::{Plan, Supply};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Count, Group, Rule, View};
use crate::source::Span;

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It has no value.
    Unset,
    /// It has one that is not known here.
    Hidden(Span),
    /// It has this cleartext value.
    Clear(String, Span),
}

/// What a plan knows of a variable.
pub(crate) fn presence(plan: &Plan, name: &str) -> Presence {
    match plan.variables.get(name) {
        None => Presence::Unset,
        Some(planned) => match &planned.supply {
            Supply::Clear(value) => Presence::Clear(value.clone(), planned.span),
            _ => Presence::Hidden(planned.span),
        },
    }
}

/// Checks the groups and rules of a view.
pub(crate) fn check(view: &View, environment: &str, presence: &dyn Fn(&str) -> Presence, problems: &mut Diagnostics) {
    for group in &view.groups {
        check_group(group, environment, presence, problems);
    }
    for rule in &view.rules {
        check_rule(view, rule, environment, presence, problems);
    }
}

fn check_group(group: &Group, environment: &str, presence: &dyn Fn(&str) -> Presence, problems: &mut Diagnostics) {
    let names: Vec<&str> = group.members.iter().map(|member| member.value.as_str()).collect();
    let filled: Vec<(&str, Span)> = names
        .iter()
        .filter_map(|name| match presence(name) {
            Presence::Unset => None,
            Presence::Hidden(span) | Presence::Clear(_, span) => Some((*name, span)),
        })
        .collect();
    if group.count.allows(filled.len(), names.len()) {
        return;
    }
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = format!("`{environment}` {} {}", group.count.wanted(), list(&names));
    let label = match filled.as_slice() {
        [] => String::from("none has a value"),
        [(one, _)] => format!("only `{one}` has a value"),
        several => format!("{} have values", list(&several.iter().map(|(name, _)| *name).collect::<Vec<_>>())),
    };
    let diagnostic = Diagnostic::error(Code::GroupViolation, message).at(group.span, label);
    let diagnostic = filled.iter().fold(diagnostic, |diagnostic, (_, span)| diagnostic.at(*span, "assigned here"));
    let help = match (filled.len(), group.count) {
        (0, _) => format!("assign one of them in environments/{environment}.toml"),
        (_, Count::AllOrNone) => format!("assign the others in environments/{environment}.toml, or none"),
        _ => String::from("delete all but one; say `NAME = { absent = true }` where a parent assigns it"),
    };
    problems.push(diagnostic.help(help));
}

fn check_rule(
    view: &View,
    rule: &Rule,
    environment: &str,
    presence: &dyn Fn(&str) -> Presence,
    problems: &mut Diagnostics,
) {
    let mut places = Vec::new();
    for (name, values) in &rule.when {
        match presence(&name.value) {
            Presence::Clear(value, span) if values.contains(&value) => places.push(span),
            Presence::Clear(..) | Presence::Unset => return,
            // That a secret is compared was reported where the rule stands.
            Presence::Hidden(_) if view.variables.get(&name.value).is_some_and(|variable| variable.is_secret()) => {
                return;
            }
            Presence::Hidden(span) => {
                let message = format!("`when` compares `{}`, which is not cleartext in `{environment}`", name.value);
                problems.push(
                    Diagnostic::error(Code::RuleViolation, message)
                        .at(name.span, "cannot be known")
                        .at(span, "not cleartext here"),
                );
                return;
            }
        }
    }
    let because = |diagnostic: Diagnostic| {
        places.iter().fold(diagnostic, |diagnostic, place| diagnostic.at(*place, "because of this"))
    };
    for name in &rule.require {
        if presence(&name.value) == Presence::Unset {
            let message = format!("`{environment}` needs `{}`", name.value);
            problems
                .push(because(Diagnostic::error(Code::RuleViolation, message).at(name.span, "required by this rule")));
        }
    }
    for (name, values) in &rule.forbid {
        if let Presence::Clear(value, span) = presence(&name.value)
            && values.contains(&value)
        {
            let message = format!("`{}` has a value that a rule forbids in `{environment}`", name.value);
            problems.push(because(
                Diagnostic::error(Code::RuleViolation, message).at(span, "forbidden").at(name.span, "by this rule"),
            ));
        }
    }
}
