//! Values made from other values: their parts, circles, and putting cleartext together.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::build::{Builder, Outcome};
use super::problem::{assign, needs_escapes, unencoded};
use super::{Origin, Planned, Supply};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Entry;
use crate::lint::secret_in_clear;
use crate::schema::Variable;
use crate::source::Span;
use crate::template::{Modifier, Part, Template, encode_uri};
use crate::validate::{self, MAX_MADE, MAX_VALUE};

/// Values may be made from values, but not deeper than anybody could follow.
const MAX_DEPTH: usize = 64;

impl Builder<'_> {
    /// A value made from a template.
    pub(super) fn made(
        &mut self,
        variable: &Arc<Variable>,
        entry: &Entry,
        template: &Template,
        origin: Origin,
    ) -> Option<Planned> {
        if !template.has_inserts() {
            return Some(self.planned(variable, Supply::Clear(literal(template)), origin, entry.span));
        }
        let mut planned = self.planned(variable, Supply::Made(template.clone()), origin, entry.span);
        planned.parts = template.names().map(str::to_owned).collect();
        if !self.visit_parts(variable, entry, &planned.parts) {
            return None;
        }
        // Counted from below as well: which variable is looked at first must not matter.
        let deepest = planned.parts.iter().filter_map(|part| self.depths.get(part)).max().copied().unwrap_or(0);
        if deepest + 1 >= MAX_DEPTH {
            self.too_deep(entry);
            return None;
        }
        self.depths.insert(variable.name.clone(), deepest + 1);
        let parts = || planned.parts.iter().filter_map(|name| self.plan.variables.get(name));
        let takes_in_secret = parts().any(|part| part.sensitive);
        if let Some(secret) = self.model.secret_declaration(&variable.name).filter(|_| !takes_in_secret)
            && let Origin::Assigned { environment, overlay, .. } = &planned.origin
        {
            self.problems.push(secret_in_clear(entry, secret, (environment, *overlay)));
        }
        if parts().all(|part| matches!(part.supply, Supply::Clear(_))) {
            let clear = self.composed(variable, entry, template)?;
            planned.supply = Supply::Clear(clear);
        }
        planned.sensitive |= takes_in_secret;
        Some(planned)
    }

    /// Plans everything a value is made of; false if a part has no value.
    fn visit_parts(&mut self, variable: &Variable, entry: &Entry, parts: &BTreeSet<String>) -> bool {
        self.path.push((variable.name.clone(), entry.span));
        let mut complete = true;
        for part in parts {
            complete &= self.visit_part(part, entry);
        }
        self.path.pop();
        complete
    }

    fn visit_part(&mut self, part: &str, entry: &Entry) -> bool {
        if let Some(start) = self.path.iter().position(|(name, _)| name == part) {
            self.circle(start, part);
            return false;
        }
        if self.path.len() >= MAX_DEPTH {
            self.too_deep(entry);
            return false;
        }
        match self.visit(part) {
            Outcome::Planned => true,
            Outcome::Failed => false,
            Outcome::Unset if !self.plan.complete => false,
            Outcome::Unset => {
                let message = format!("`{part}` is taken in here and has no value in `{}`", self.plan.environment);
                let declared = self.model.declarations(part).first().map(|variable| variable.span);
                let diagnostic = Diagnostic::error(Code::MissingValue, message).at(entry.span, "cannot be made");
                let help =
                    self.model.declarations(part).first().map(|variable| assign(variable, &self.plan.environment));
                self.problems.push(diagnostic.at_some(declared, "declared here").help_some(help));
                false
            }
        }
    }

    fn too_deep(&mut self, entry: &Entry) {
        let message = format!("values are made from each other more than {MAX_DEPTH} deep");
        let diagnostic = Diagnostic::error(Code::TemplateCircle, message).at(entry.span, "the one too many");
        self.problems.push(diagnostic.help("put fewer values into each other"));
    }

    /// Every variable of the circle finds it; it is reported once, from the smallest name.
    fn circle(&mut self, start: usize, part: &str) {
        let members: Vec<&(String, Span)> = self.path.iter().skip(start).collect();
        let smallest = members.iter().enumerate().min_by_key(|(_, (name, _))| name).map_or(0, |(at, _)| at);
        let turned: Vec<&(String, Span)> = members.iter().cycle().skip(smallest).take(members.len()).copied().collect();
        let names: Vec<&str> = turned.iter().chain(turned.first()).map(|(name, _)| name.as_str()).collect();
        let message = format!("values of `{}` are made from each other: {}", self.plan.environment, names.join(" → "));
        let labels = turned.iter().zip(names.iter().skip(1));
        let diagnostic = labels
            .fold(Diagnostic::error(Code::TemplateCircle, message), |diagnostic, ((_, span), next)| {
                diagnostic.at(*span, format!("takes in `{next}`"))
            });
        self.failed.insert(part.to_owned());
        self.problems.push(diagnostic.help("give one of them a value of its own"));
    }

    /// Puts cleartext parts together.
    fn composed(&mut self, variable: &Variable, entry: &Entry, template: &Template) -> Option<String> {
        let mut text = Vec::new();
        for (part, encode) in template.parts.iter().zip(template.needs_encoding()) {
            match part {
                Part::Text(literal) => text.extend_from_slice(literal.as_bytes()),
                Part::Insert { name, modifier } => {
                    let Some(Supply::Clear(value)) = self.plan.variables.get(name).map(|planned| &planned.supply)
                    else {
                        return None;
                    };
                    if encode && *modifier == Modifier::Plain && needs_escapes(variable, value.as_bytes()) {
                        self.problems.push(unencoded(variable, name, entry.span));
                    }
                    match modifier {
                        Modifier::Plain => text.extend_from_slice(value.as_bytes()),
                        Modifier::Uri => encode_uri(value.as_bytes(), &mut text),
                    }
                }
            }
            if text.len() > MAX_VALUE {
                self.problems.push(validate::too_large(variable, entry.span));
                return None;
            }
        }
        let before = self.composed;
        self.composed += text.len();
        if self.composed > MAX_MADE {
            // Told once: every value after this one is one too many as well.
            if before <= MAX_MADE {
                self.problems.push(validate::too_much(entry.span));
            }
            return None;
        }
        String::from_utf8(text).ok()
    }
}

fn literal(template: &Template) -> String {
    template.parts.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "" }).collect()
}
