//! `ENV NAME` on the command line, where ENV may be left out; what else stands there is never repeated.

use super::complete;
use crate::context::{Context, Exit};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::unknown_environment;
use crate::model::Model;
use crate::name;
use crate::project::Loaded;

/// The words `ENV NAME`, or `NAME` alone.
#[derive(Debug, clap::Args)]
pub(super) struct Words {
    /// The environment; may be left out where the project has a default
    #[arg(value_name = "ENV", add = complete::environments_and_variables())]
    first: String,
    /// The variable
    #[arg(value_name = "NAME", add = complete::variables())]
    second: Option<String>,
    // A word too many is told in our own words.
    #[arg(hide = true)]
    rest: Vec<String>,
}

impl Words {
    /// The environment, if one is named, and the variable.
    pub(super) fn named(&self, context: &Context) -> Result<(Option<&str>, &str), Exit> {
        if !self.rest.is_empty() {
            let problem = Diagnostic::error(Code::Usage, "there is a word too many");
            return Err(context.fail(problem.note("it is not repeated here: it may be a secret")));
        }
        Ok(match &self.second {
            Some(name) => (Some(&self.first), name),
            None => (None, &self.first),
        })
    }

    /// The same for a command that takes a value, which many try to write behind the name.
    pub(super) fn without_value(&self, context: &Context) -> Result<(Option<&str>, &str), Exit> {
        let both = || self.second.iter().chain([&self.first]);
        let instead_of_environment = self.second.is_some() && !name::is_word(&self.first);
        if self.rest.is_empty() && !instead_of_environment && !both().any(|word| word.contains('=')) {
            return self.named(context);
        }
        let problem = Diagnostic::error(Code::Usage, "a value is never an argument");
        let why = "every user of this machine can see a command line, and the shell writes it to its history";
        let help = "leave the value out: it is asked for, or comes from --stdin or --file FILE";
        Err(context.fail(problem.note(why).help(help)))
    }
}

/// The environment that is meant. A word that is none may be a value and is not repeated; a protected one has to be named.
pub(super) fn environment(
    context: &Context,
    given: Option<&str>,
    loaded: &Loaded,
    model: &Model,
) -> Result<String, Exit> {
    if let Some(word) = given.filter(|word| !model.environments.contains_key(*word)) {
        let names: Vec<&str> = model.environment_names.iter().map(String::as_str).collect();
        let problem = unknown_environment(word, names.into_iter());
        let message = String::from("there is no environment of that name");
        return Err(context.fail(Diagnostic { code: Code::Usage, message, ..problem }));
    }
    let name = context.environment_name(given, loaded, model)?;
    let named = given.or_else(|| context.environment.text("ENVCTL_ENVIRONMENT").filter(|name| !name.is_empty()));
    if named.is_none() && model.chain(&name).is_none_or(|chain| chain.is_protected()) {
        let problem = Diagnostic::error(Code::ProtectedDefault, format!("`{name}` is protected and was not named"));
        return Err(context.fail(problem.help("name it: a protected environment is never the default")));
    }
    Ok(name)
}
