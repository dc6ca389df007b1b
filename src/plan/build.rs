//! Building a plan: which assignment wins, what values are made of, and everything that can be said without a secret.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::problem::missing;
use super::{Origin, Plan, Planned, Supply, rules};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::Located;
use crate::environment::{Assignment, Entry, EnvironmentFile};
use crate::model::{Chain, Model};
use crate::schema::{Variable, View};
use crate::source::Span;

/// Plans what `environment` gives `view`. `overrides` are values from the command line.
///
/// All problems that can be known offline are reported; nothing is returned where the files do not even say which
/// assignments there are.
pub fn plan(
    model: &Model,
    environment: &str,
    view: &View,
    overrides: &BTreeMap<String, Located<String>>,
    wanted: Completeness,
    problems: &mut Diagnostics,
) -> Option<Plan> {
    // A parent is not checked for being complete: its children are.
    let is_abstract = model.environments.get(environment).is_some_and(|file| file.is_abstract);
    let complete = wanted == Completeness::Required && !is_abstract;
    let mut builder = Builder::new(model, environment, view, overrides, problems)?;
    builder.plan.complete = complete;
    for name in view.variables.keys() {
        builder.visit(name);
    }
    let Builder { plan, failed, problems, .. } = builder;
    // What failed was reported already; rules take it as present.
    let presence = |name: &str| match view.variables.get(name).filter(|_| failed.contains(name)) {
        Some(variable) => rules::Presence::Hidden(variable.span),
        None => rules::presence(&plan, name),
    };
    if complete {
        rules::check(view, &plan.environment, &presence, problems);
    }
    Some(plan)
}

/// Plans one variable and what it is made of, and looks at nothing else.
pub fn plan_one(model: &Model, environment: &str, view: &View, name: &str, problems: &mut Diagnostics) -> Option<Plan> {
    let overrides = BTreeMap::new();
    let mut builder = Builder::new(model, environment, view, &overrides, problems)?;
    builder.visit(name);
    let mut plan = builder.plan;
    plan.restricted = true;
    for (planned, variable) in &mut plan.variables {
        variable.delivered = planned == name;
    }
    Some(plan)
}

/// Whether a plan has to hold everything that is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// What is required and missing is a problem.
    Required,
    /// What is missing is only noted: for looking at an environment, never for its values.
    Tolerated,
}

/// A plan in the making.
pub(super) struct Builder<'m> {
    pub(super) model: &'m Model,
    pub(super) chain: Chain<'m>,
    pub(super) view: &'m View,
    pub(super) overrides: &'m BTreeMap<String, Located<String>>,
    pub(super) plan: Plan,
    /// Variables that have no value because of a problem that was reported.
    pub(super) failed: BTreeSet<String>,
    /// The bytes of all values made from others.
    pub(super) composed: usize,
    /// How deep values are made from others.
    pub(super) depths: BTreeMap<String, usize>,
    /// The variables being made, outermost first.
    pub(super) path: Vec<(String, Span)>,
    pub(super) problems: &'m mut Diagnostics,
}

/// What became of a variable.
pub(super) enum Outcome {
    Planned,
    Unset,
    Failed,
}

impl<'m> Builder<'m> {
    /// An empty plan; nothing where the files do not even say which assignments there are.
    fn new(
        model: &'m Model,
        environment: &str,
        view: &'m View,
        overrides: &'m BTreeMap<String, Located<String>>,
        problems: &'m mut Diagnostics,
    ) -> Option<Self> {
        let chain = model.chain(environment)?;
        let plan = Plan {
            environment: environment.to_owned(),
            schema: view.name.clone(),
            protected: chain.is_protected(),
            complete: true,
            restricted: false,
            variables: BTreeMap::new(),
            unset: BTreeMap::new(),
        };
        Some(Self {
            model,
            chain,
            view,
            overrides,
            plan,
            failed: BTreeSet::new(),
            depths: BTreeMap::new(),
            composed: 0,
            path: Vec::new(),
            problems,
        })
    }

    /// Plans one variable and everything it is made of.
    pub(super) fn visit(&mut self, name: &str) -> Outcome {
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
        let (outcome, planned) = match (self.overrides.get(name), self.assigned(name)) {
            (Some(given), _) => self.overridden(&variable, given),
            (None, Some((file, entry))) => self.assigned_by(&variable, file, entry),
            (None, None) => self.default_of(&variable),
        };
        match planned {
            Some(planned) => {
                self.check(&planned);
                self.plan.variables.insert(name.to_owned(), planned);
            }
            None if matches!(outcome, Outcome::Failed) => {
                self.failed.insert(name.to_owned());
                if !self.plan.complete && self.view.variables.contains_key(name) {
                    self.plan.unset.insert(name.to_owned(), (variable, "a part is missing"));
                }
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
        let diagnostic =
            if all.is_empty() {
                let near = crate::name::nearest(name, self.model.declared_names())
                    .map(|near| format!("did you mean `{near}`?"));
                Diagnostic::error(Code::UnknownVariable, format!("no schema declares `{name}`"))
                    .at_some(span, "taken in here")
                    .help(near.unwrap_or_else(|| {
                        format!("declare it: `[variables.{name}]` in schemas/{}.toml", self.view.name)
                    }))
            } else {
                let message =
                    format!("`{name}` is not in schema `{}`, and several other schemas declare it", self.view.name);
                let diagnostic = Diagnostic::error(Code::AmbiguousVariable, message).at_some(span, "which one?");
                let help = format!("declare it in schemas/{}.toml, best with `internal = true`", self.view.name);
                all.iter().fold(diagnostic, |diagnostic, one| diagnostic.at(one.span, "declared here")).help(help)
            };
        self.problems.push(diagnostic);
        None
    }

    /// The winning assignment: the highest level first.
    fn assigned(&self, name: &str) -> Option<(Option<&'m EnvironmentFile>, &'m Entry)> {
        let find = |file: &&'m EnvironmentFile| Some((Some(*file), file.find(name, &self.view.name)?));
        self.chain.levels.iter().rev().find_map(find)
    }

    fn default_of(&mut self, variable: &Arc<Variable>) -> (Outcome, Option<Planned>) {
        if !self.is_in_scope(variable) {
            return (Outcome::Unset, None);
        }
        if let Some(default) = &variable.default {
            let supply = Supply::Clear(default.value.clone());
            return (Outcome::Planned, Some(self.planned(variable, supply, Origin::Default, default.span)));
        }
        self.no_value(variable, None)
    }

    /// A value of the command line.
    fn overridden(&mut self, variable: &Arc<Variable>, given: &Located<String>) -> (Outcome, Option<Planned>) {
        if !self.is_in_scope(variable) {
            self.out_of_scope(variable, given.span, String::from("leave `--set` out"));
            return (Outcome::Failed, None);
        }
        let supply = Supply::Clear(given.value.clone());
        (Outcome::Planned, Some(self.planned(variable, supply, Origin::CommandLine, given.span)))
    }

    fn assigned_by(
        &mut self,
        variable: &Arc<Variable>,
        file: Option<&'m EnvironmentFile>,
        entry: &'m Entry,
    ) -> (Outcome, Option<Planned>) {
        let absent = matches!(entry.assignment, Assignment::Absent);
        if !absent && !self.is_in_scope(variable) {
            let absent =
                format!("say `{} = {{ absent = true }}` in environments/{}.toml", entry.name, self.plan.environment);
            let inherited = self.chain.levels.last().is_some_and(|own| own.source != entry.key_span.source);
            let help = if inherited { absent } else { String::from("delete this line") };
            self.out_of_scope(variable, entry.key_span, help);
            return (Outcome::Failed, None);
        }
        let own = file.is_some_and(|file| {
            file.per_schema.get(&self.view.name).is_some_and(|(_, own)| own.contains_key(&entry.name))
        });
        let origin = Origin::Assigned {
            environment: file.map(|file| file.name.clone()).unwrap_or_default(),
            overlay: file.is_some_and(|file| file.is_overlay),
            own,
        };
        let planned = match &entry.assignment {
            Assignment::Absent => return self.no_value(variable, Some(entry)),
            Assignment::Broken => return (Outcome::Failed, None),
            Assignment::Sealed(sealed) => {
                self.check_sealed_level(variable, entry);
                Some(self.planned(variable, Supply::Sealed(sealed.clone()), origin, entry.span))
            }
            Assignment::Reference(reference) => {
                let place = reference.place(&variable.name, &self.model.config, self.problems);
                place.map(|(kind, place)| {
                    let supply = Supply::Fetch { backend: reference.backend.value.clone(), kind, place };
                    self.planned(variable, supply, origin, entry.span)
                })
            }
            Assignment::Value(written) => {
                if written.is_array && variable.kind.value != crate::kind::Kind::List {
                    self.problems.push(array_for_scalar(variable, entry));
                    None
                } else {
                    self.made(variable, entry, &written.joined(variable.limits.separator()), origin)
                }
            }
        };
        (if planned.is_some() { Outcome::Planned } else { Outcome::Failed }, planned)
    }

    pub(super) fn planned(&self, variable: &Arc<Variable>, supply: Supply, origin: Origin, span: Span) -> Planned {
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
    pub(super) fn is_in_scope(&self, variable: &Variable) -> bool {
        let Some(only_in) = &variable.only_in else { return true };
        if self.model.environments.get(&self.plan.environment).is_some_and(|file| file.is_abstract) {
            return true;
        }
        self.chain.matches(only_in.iter().map(|name| name.value.as_str()))
    }

    fn out_of_scope(&mut self, variable: &Variable, span: Span, help: String) {
        let place = variable.only_in.as_ref().and_then(|only_in| only_in.first()).map(|first| first.span);
        let message = format!("`{}` is not for environment `{}`", variable.name, self.plan.environment);
        let diagnostic = Diagnostic::error(Code::NotInThisEnvironment, message).at(span, "assigned here");
        self.problems.push(diagnostic.at_some(place, "allowed in these only").help(help));
    }

    /// A variable without a value: fine if it is optional here.
    fn no_value(&mut self, variable: &Arc<Variable>, absent: Option<&Entry>) -> (Outcome, Option<Planned>) {
        // A variable that is only a part of others is missed where it is taken in.
        let in_view = self.view.variables.contains_key(&variable.name);
        let required = in_view && self.is_required(variable);
        if required && self.plan.complete {
            let diagnostic = missing(variable, &self.plan.environment);
            self.problems.push(match absent {
                None => diagnostic,
                Some(entry) => Diagnostic { help: Vec::new(), ..diagnostic }
                    .at(entry.span, "set to nothing here")
                    .help("give it a value there, or delete that line to take what a parent or the schema gives"),
            });
            return (Outcome::Failed, None);
        }
        let why = if required {
            "missing"
        } else if absent.is_some() {
            "absent"
        } else {
            "optional"
        };
        if in_view {
            self.plan.unset.insert(variable.name.clone(), (Arc::clone(variable), why));
        }
        (Outcome::Unset, None)
    }

    fn is_required(&self, variable: &Variable) -> bool {
        if !self.is_in_scope(variable) {
            return false;
        }
        match (&variable.required_in, &variable.required) {
            (Some(environments), _) => self.chain.matches(environments.iter().map(|name| name.value.as_str())),
            (None, Some(required)) => required.value,
            (None, None) => variable.default.is_none() && !self.view.is_conditional(&variable.name),
        }
    }
}

fn array_for_scalar(variable: &Variable, entry: &Entry) -> Diagnostic {
    let message = format!("`{}` is no list", variable.name);
    Diagnostic::error(Code::TypeMismatch, message)
        .at(entry.span, "an array")
        .at(variable.kind.span, format!("of type `{}`", variable.kind.value.name()))
}
