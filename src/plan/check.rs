//! What is known of a planned variable before anything is opened, held against its schema.

use super::build::Builder;
use super::{Origin, Planned, Supply};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::environment::Entry;
use crate::schema::Variable;
use crate::validate::{self, MAX_VALUE, Place};

impl Builder<'_> {
    /// A protected environment takes no sealed entry from a file that is not.
    pub(super) fn check_sealed_level(&mut self, variable: &Variable, entry: &Entry) {
        let level = self.chain.levels.iter().position(|level| level.source == entry.key_span.source);
        if self.plan.protected && level.is_some_and(|level| !self.chain.is_protected_at(level)) {
            let message = format!(
                "`{}` takes `{}` from an environment that is not protected",
                self.plan.environment, variable.name
            );
            let diagnostic = Diagnostic::error(Code::UnprotectedParent, message)
                .at(entry.key_span, "sealed in an environment that is not protected");
            self.problems.push(
                diagnostic.help(format!("seal a value of its own in environments/{}.toml", self.plan.environment)),
            );
        }
    }

    /// What is known of a planned variable without its value, and the value if it is clear.
    pub(super) fn check(&mut self, planned: &Planned) {
        // A declaration that contradicts itself was reported where it stands.
        if let Some(public) = planned.variable.public.filter(|_| planned.sensitive && !planned.variable.is_secret()) {
            let message = format!("`{}` may reach a browser, and its value here is secret", planned.variable.name);
            let (label, help) = match &planned.supply {
                _ if !planned.parts.is_empty() => ("made from a secret", None),
                Supply::Fetch { .. } => {
                    let help = "say `secret = false` in the schema if everybody may see it";
                    ("values from a backend count as secrets", Some(String::from(help)))
                }
                _ => ("a secret", None),
            };
            let diagnostic = Diagnostic::error(Code::SecretExposed, message).at(planned.span, label);
            self.problems.push(diagnostic.at(public, "public by this").help_some(help));
        }
        if let (Some(deprecated), Origin::Assigned { .. }) = (&planned.variable.deprecated, &planned.origin) {
            let message = format!("`{}` is deprecated", planned.variable.name);
            let diagnostic = Diagnostic::warning(Code::DeprecatedVariable, message).at(planned.span, "still assigned");
            self.problems.push(diagnostic.at(deprecated.span, "declared here").help(deprecated.value.clone()));
        }
        if let Supply::Clear(value) = &planned.supply
            && value.len() > MAX_VALUE
        {
            self.problems.push(validate::too_large(&planned.variable, planned.span));
            return;
        }
        let Supply::Clear(value) = &planned.supply else {
            return;
        };
        let place = Place { protected: self.plan.protected, sensitive: planned.sensitive };
        let mut found = validate::findings(&planned.variable, value, place);
        if matches!(planned.origin, Origin::Default) {
            // What the schema refuses everywhere was reported where the default is declared.
            let known = validate::findings(&planned.variable, value, Place { protected: false, ..place });
            found.retain(|finding| finding.severity == Severity::Error && !known.contains(finding));
        }
        for finding in found {
            self.problems.push(finding.at(&planned.variable, planned.span));
        }
    }
}
