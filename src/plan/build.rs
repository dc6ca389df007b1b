//! Building a plan: which assignment wins, what values are made of, and everything that can be said without a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Origin, Plan, Planned, Supply, rules};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::document::Located;
use crate::environment::{Assignment, Entry, EnvironmentFile};
use crate::lint::secret_in_clear;
use crate::model::{Chain, Model};
use crate::schema::{Variable, View};
use crate::source::Span;
use crate::template::{Modifier, Part, Template, encode_uri, is_unreserved};
use crate::validate::{self, MAX_VALUE, Place};

/// Values may be made from values, but not deeper than anybody could follow.
const MAX_DEPTH: usize = 64;

/// Plans what `environment` gives `view`. `overrides` are values from the command line.
///
/// All problems that can be known offline are reported; nothing is returned where the files do not even say which
/// assignments there are.
pub fn plan(
    model: &Model,
    environment: &str,
    view: &View,
    overrides: &BTreeMap<String, Located<String>>,
    problems: &mut Diagnostics,
) -> Option<Plan> {
    let chain = model.chain(environment)?;
    let protected = chain.is_protected();
    let plan = Plan {
        environment: environment.to_owned(),
        schema: view.name.clone(),
        protected,
        variables: BTreeMap::new(),
        unset: BTreeMap::new(),
    };
    let mut builder = Builder {
        model,
        chain,
        view,
        overrides,
        plan,
        failed: BTreeSet::new(),
        path: Vec::new(),
        problems,
    };
    for name in view.variables.keys() {
        builder.visit(name);
    }
    let Builder {
        plan,
        failed,
        problems,
        ..
    } = builder;
    // What failed was reported already; rules take it as present.
    let presence = |name: &str| match view.variables.get(name).filter(|_| failed.contains(name)) {
        Some(variable) => rules::Presence::Hidden(variable.span),
        None => rules::presence(&plan, name),
    };
    rules::check(view, &plan.environment, &presence, problems);
    Some(plan)
}

struct Builder<'m> {
    model: &'m Model,
    chain: Chain<'m>,
    view: &'m View,
    overrides: &'m BTreeMap<String, Located<String>>,
    plan: Plan,
    /// Variables that have no value because of a problem that was reported.
    failed: BTreeSet<String>,
    /// The variables being made, outermost first.
    path: Vec<(String, Span)>,
    problems: &'m mut Diagnostics,
}

/// What became of a variable.
enum Outcome {
    Planned,
    Unset(&'static str),
    Failed,
}

impl<'m> Builder<'m> {
    /// Plans one variable and everything it is made of.
    fn visit(&mut self, name: &str) -> Outcome {
        if self.plan.variables.contains_key(name) {
            return Outcome::Planned;
        }
        if self.failed.contains(name) {
            return Outcome::Failed;
        }
        let Some(variable) = self.declaration(name) else {
            self.failed.insert(name.to_owned());
            return Outcome::Failed;
        };
        let (outcome, planned) = match self.assigned(name) {
            Some((file, entry)) => self.from_entry(&variable, file, entry),
            None => self.from_default(&variable),
        };
        match planned {
            Some(planned) => {
                self.check(&planned);
                self.plan.variables.insert(name.to_owned(), planned);
            }
            None if matches!(outcome, Outcome::Failed) => {
                self.failed.insert(name.to_owned());
            }
            None => {}
        }
        outcome
    }

    /// The declaration that counts: the view's own, else the only one elsewhere.
    fn declaration(&mut self, name: &str) -> Option<Arc<Variable>> {
        if let Some(variable) = self.view.variables.get(name) {
            return Some(Arc::clone(variable));
        }
        let all = self.model.declarations(name);
        if let [only] = all {
            return Some(Arc::clone(only));
        }
        let span = self.path.last().map(|(_, span)| *span);
        let diagnostic = if all.is_empty() {
            let near = crate::name::nearest(name, self.model.declared_names())
                .map(|near| format!("did you mean `{near}`?"));
            Diagnostic::error(
                Code::UnknownVariable,
                format!("no schema declares `{name}`"),
            )
            .at_some(span, "taken in here")
            .help_some(near)
        } else {
            let message = format!(
                "`{name}` is not in schema `{}`, and several other schemas declare it",
                self.view.name
            );
            let diagnostic =
                Diagnostic::error(Code::AmbiguousVariable, message).at_some(span, "which one?");
            let help = format!(
                "declare it in schemas/{}.toml, best with `internal = true`",
                self.view.name
            );
            all.iter()
                .fold(diagnostic, |diagnostic, one| {
                    diagnostic.at(one.span, "declared here")
                })
                .help(help)
        };
        self.problems.push(diagnostic);
        None
    }

    /// The winning assignment: the highest level first.
    fn assigned(&self, name: &str) -> Option<(Option<&'m EnvironmentFile>, &'m Entry)> {
        let find =
            |file: &&'m EnvironmentFile| Some((Some(*file), file.find(name, &self.view.name)?));
        self.chain.levels.iter().rev().find_map(find)
    }

    fn from_default(&mut self, variable: &Arc<Variable>) -> (Outcome, Option<Planned>) {
        if let Some(given) = self.overrides.get(&variable.name) {
            return (
                Outcome::Planned,
                Some(self.planned(
                    variable,
                    Supply::Clear(given.value.clone()),
                    Origin::CommandLine,
                    given.span,
                )),
            );
        }
        if !self.is_in_scope(variable) {
            return (Outcome::Unset("not in this environment"), None);
        }
        if let Some(default) = &variable.default {
            let supply = Supply::Clear(default.value.clone());
            return (
                Outcome::Planned,
                Some(self.planned(variable, supply, Origin::Default, default.span)),
            );
        }
        self.no_value(variable, None)
    }

    fn from_entry(
        &mut self,
        variable: &Arc<Variable>,
        file: Option<&'m EnvironmentFile>,
        entry: &'m Entry,
    ) -> (Outcome, Option<Planned>) {
        if self.overrides.contains_key(&variable.name) {
            return self.from_default(variable);
        }
        let absent = matches!(entry.assignment, Assignment::Absent);
        if !absent && !self.is_in_scope(variable) {
            self.out_of_scope(variable, entry);
            return (Outcome::Failed, None);
        }
        let own = file.is_some_and(|file| {
            file.per_schema
                .get(&self.view.name)
                .is_some_and(|(_, own)| own.contains_key(&entry.name))
        });
        let origin = Origin::Assigned {
            environment: file.map(|file| file.name.clone()).unwrap_or_default(),
            overlay: file.is_some_and(|file| file.is_overlay),
            own,
        };
        let planned = match &entry.assignment {
            Assignment::Absent => return self.no_value(variable, Some(entry)),
            Assignment::Sealed(sealed) => {
                self.check_sealed_level(variable, entry);
                Some(self.planned(variable, Supply::Sealed(sealed.clone()), origin, entry.span))
            }
            Assignment::Reference(reference) => {
                let place = reference.place(&variable.name, &self.model.config, self.problems);
                place.map(|(kind, place)| {
                    let supply = Supply::Fetch {
                        backend: reference.backend.value.clone(),
                        kind,
                        place,
                    };
                    self.planned(variable, supply, origin, entry.span)
                })
            }
            Assignment::Value(written) => {
                if written.is_array && variable.kind.value != crate::kind::Kind::List {
                    self.problems.push(array_for_scalar(variable, entry));
                    None
                } else {
                    self.made(
                        variable,
                        entry,
                        &written.joined(variable.limits.separator()),
                        origin,
                    )
                }
            }
        };
        (
            if planned.is_some() {
                Outcome::Planned
            } else {
                Outcome::Failed
            },
            planned,
        )
    }

    fn planned(
        &self,
        variable: &Arc<Variable>,
        supply: Supply,
        origin: Origin,
        span: Span,
    ) -> Planned {
        let secret = self.model.secret_declaration(&variable.name).is_some();
        let sensitive = match supply {
            Supply::Fetch { .. } => secret || !variable.is_declared_open(),
            Supply::Sealed(_) => true,
            Supply::Clear(_) | Supply::Made(_) => secret,
        };
        let delivered = self.view.variables.contains_key(&variable.name) && !variable.internal;
        let required = self.is_required(variable);
        Planned {
            variable: Arc::clone(variable),
            supply,
            sensitive,
            required,
            delivered,
            origin,
            span,
            parts: BTreeSet::new(),
        }
    }

    /// Whether `only_in` allows the variable here.
    fn is_in_scope(&self, variable: &Variable) -> bool {
        let Some(only_in) = &variable.only_in else {
            return true;
        };
        self.chain
            .matches(only_in.iter().map(|name| name.value.as_str()))
    }

    fn out_of_scope(&mut self, variable: &Variable, entry: &Entry) {
        let place = variable
            .only_in
            .as_ref()
            .and_then(|only_in| only_in.first())
            .map(|first| first.span);
        let message = format!(
            "`{}` is not for environment `{}`",
            variable.name, self.plan.environment
        );
        let diagnostic = Diagnostic::error(Code::NotInThisEnvironment, message)
            .at(entry.key_span, "assigned here");
        self.problems
            .push(diagnostic.at_some(place, "allowed in these only"));
    }

    /// A variable without a value: fine if it is optional here.
    fn no_value(
        &mut self,
        variable: &Arc<Variable>,
        absent: Option<&Entry>,
    ) -> (Outcome, Option<Planned>) {
        // A variable that is only a part of others is missed where it is taken in.
        let in_view = self.view.variables.contains_key(&variable.name);
        if in_view && self.is_required(variable) {
            let diagnostic = missing(variable, &self.plan.environment);
            self.problems
                .push(diagnostic.at_some(absent.map(|entry| entry.span), "set to nothing here"));
            return (Outcome::Failed, None);
        }
        let why = if absent.is_some() {
            "absent"
        } else {
            "optional"
        };
        if in_view {
            self.plan
                .unset
                .insert(variable.name.clone(), (Arc::clone(variable), why));
        }
        (Outcome::Unset(why), None)
    }

    fn is_required(&self, variable: &Variable) -> bool {
        if !self.is_in_scope(variable) {
            return false;
        }
        match (&variable.required_in, &variable.required) {
            (Some(environments), _) => self
                .chain
                .matches(environments.iter().map(|name| name.value.as_str())),
            (None, Some(required)) => required.value,
            (None, None) => !self.view.is_conditional(&variable.name),
        }
    }

    /// A value made from a template.
    fn made(
        &mut self,
        variable: &Arc<Variable>,
        entry: &Entry,
        template: &Template,
        origin: Origin,
    ) -> Option<Planned> {
        if !template.has_inserts() {
            return Some(self.planned(
                variable,
                Supply::Clear(literal(template)),
                origin,
                entry.span,
            ));
        }
        let mut planned =
            self.planned(variable, Supply::Made(template.clone()), origin, entry.span);
        planned.parts = template.names().map(str::to_owned).collect();
        if !self.visit_parts(variable, entry, &planned.parts) {
            return None;
        }
        let parts = || {
            planned
                .parts
                .iter()
                .filter_map(|name| self.plan.variables.get(name))
        };
        let takes_in_secret = parts().any(|part| part.sensitive);
        if let Some(secret) = self
            .model
            .secret_declaration(&variable.name)
            .filter(|_| !takes_in_secret)
        {
            self.problems.push(secret_in_clear(entry, secret));
        }
        if parts().all(|part| matches!(part.supply, Supply::Clear(_))) {
            let clear = self.composed(variable, entry, template)?;
            planned.supply = Supply::Clear(clear);
        }
        planned.sensitive |= takes_in_secret;
        Some(planned)
    }

    /// Plans everything a value is made of; false if a part has no value.
    fn visit_parts(
        &mut self,
        variable: &Variable,
        entry: &Entry,
        parts: &BTreeSet<String>,
    ) -> bool {
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
            let message = format!("values are made from each other more than {MAX_DEPTH} deep");
            self.problems
                .push(Diagnostic::error(Code::TemplateCircle, message).at(entry.span, ""));
            return false;
        }
        match self.visit(part) {
            Outcome::Planned => true,
            Outcome::Failed => false,
            Outcome::Unset(_) => {
                let message = format!(
                    "`{part}` is taken in here and has no value in `{}`",
                    self.plan.environment
                );
                let declared = self
                    .model
                    .declarations(part)
                    .first()
                    .map(|variable| variable.span);
                let diagnostic =
                    Diagnostic::error(Code::MissingValue, message).at(entry.span, "cannot be made");
                self.problems
                    .push(diagnostic.at_some(declared, "declared here"));
                false
            }
        }
    }

    /// Every variable of the circle finds it; it is reported once, from the smallest name.
    fn circle(&mut self, start: usize, part: &str) {
        let members: Vec<&(String, Span)> = self.path.iter().skip(start).collect();
        let smallest = members
            .iter()
            .map(|(name, _)| name)
            .enumerate()
            .min_by_key(|(_, name)| *name)
            .map_or(0, |(at, _)| at);
        let turned: Vec<&(String, Span)> = members
            .iter()
            .cycle()
            .skip(smallest)
            .take(members.len())
            .copied()
            .collect();
        let Some((first, span)) = turned.first() else {
            return;
        };
        let names: Vec<&str> = turned
            .iter()
            .map(|(name, _)| name.as_str())
            .chain([first.as_str()])
            .collect();
        let message = format!("values are made from each other: {}", names.join(" → "));
        let span = *span;
        self.failed.insert(part.to_owned());
        self.problems
            .push(Diagnostic::error(Code::TemplateCircle, message).at(span, "part of the circle"));
    }

    /// Puts cleartext parts together.
    fn composed(
        &mut self,
        variable: &Variable,
        entry: &Entry,
        template: &Template,
    ) -> Option<String> {
        let mut text = Vec::new();
        for (part, encode) in template.parts.iter().zip(template.needs_encoding()) {
            match part {
                Part::Text(literal) => text.extend_from_slice(literal.as_bytes()),
                Part::Insert { name, modifier } => {
                    let Some(Supply::Clear(value)) =
                        self.plan.variables.get(name).map(|planned| &planned.supply)
                    else {
                        return None;
                    };
                    if encode
                        && *modifier == Modifier::Plain
                        && needs_escapes(variable, value.as_bytes())
                    {
                        self.problems.push(unencoded(variable, name, entry.span));
                    }
                    match modifier {
                        Modifier::Plain => text.extend_from_slice(value.as_bytes()),
                        Modifier::Uri => encode_uri(value.as_bytes(), &mut text),
                    }
                }
            }
            if text.len() > MAX_VALUE {
                self.problems
                    .push(validate::too_large(variable, entry.span));
                return None;
            }
        }
        String::from_utf8(text).ok()
    }

    /// A protected environment takes no sealed entry from a file that is not.
    fn check_sealed_level(&mut self, variable: &Variable, entry: &Entry) {
        let level = self
            .chain
            .levels
            .iter()
            .position(|level| level.source == entry.key_span.source);
        if self.plan.protected && level.is_some_and(|level| !self.chain.is_protected_at(level)) {
            let message = format!(
                "`{}` takes `{}` from an environment that is not protected",
                self.plan.environment, variable.name
            );
            let diagnostic = Diagnostic::error(Code::UnprotectedParent, message)
                .at(entry.key_span, "sealed for more readers");
            self.problems.push(diagnostic.help(format!(
                "seal a value of its own in environments/{}.toml",
                self.plan.environment
            )));
        }
    }

    /// What is known of a planned variable without its value, and the value if it is clear.
    fn check(&mut self, planned: &Planned) {
        if let Some(public) = planned.variable.public.filter(|_| planned.sensitive) {
            let message = format!(
                "`{}` may reach a browser, and its value here is secret",
                planned.variable.name
            );
            let label = if planned.parts.is_empty() {
                "a secret"
            } else {
                "made from a secret"
            };
            self.problems.push(
                Diagnostic::error(Code::SecretExposed, message)
                    .at(planned.span, label)
                    .at(public, "public by this"),
            );
        }
        if let (Some(deprecated), Origin::Assigned { .. }) =
            (&planned.variable.deprecated, &planned.origin)
        {
            let message = format!("`{}` is deprecated", planned.variable.name);
            let diagnostic = Diagnostic::warning(Code::DeprecatedVariable, message)
                .at(planned.span, "still assigned");
            self.problems.push(
                diagnostic
                    .at(deprecated.span, "declared here")
                    .help(deprecated.value.clone()),
            );
        }
        let Supply::Clear(value) = &planned.supply else {
            return;
        };
        let place = Place {
            protected: self.plan.protected,
            sensitive: planned.sensitive,
        };
        let mut found = validate::findings(&planned.variable, value, place);
        if matches!(planned.origin, Origin::Default) {
            // What the schema refuses everywhere was reported where the default is declared.
            let known = validate::findings(
                &planned.variable,
                value,
                Place {
                    protected: false,
                    ..place
                },
            );
            found.retain(|finding| finding.severity == Severity::Error && !known.contains(finding));
        }
        for finding in found {
            self.problems
                .push(finding.at(&planned.variable, planned.span));
        }
    }
}

fn literal(template: &Template) -> String {
    template
        .parts
        .iter()
        .map(|part| {
            if let Part::Text(text) = part {
                text.as_str()
            } else {
                ""
            }
        })
        .collect()
}

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

fn array_for_scalar(variable: &Variable, entry: &Entry) -> Diagnostic {
    let message = format!("`{}` is no list", variable.name);
    Diagnostic::error(Code::TypeMismatch, message)
        .at(entry.span, "an array")
        .at(
            variable.kind.span,
            format!("of type `{}`", variable.kind.value.name()),
        )
}
