//! What commands that change an environment file have in common: the lock, the project read under it, the write.

use std::path::Path;
use std::sync::Arc;

use crate::context::{Channel, Context, Exit, Outcome};
use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics, Severity};
use crate::environment::EnvironmentFile;
use crate::model::Model;
use crate::project::{self, Loaded, Wanted};
use crate::store::{self, Lock};
use crate::unseal::{Opened, Unsealer};
use crate::update::Finished;

/// How summaries of problems end.
pub(super) const TAIL: &str = "nothing was written";

/// A project that nobody else is changing.
pub(super) struct Writing<'c> {
    pub(super) context: &'c Context,
    pub(super) loaded: Loaded,
    pub(super) model: Model,
    pub(super) unsealer: Unsealer<'c>,
    /// What was wrong before.
    problems: Diagnostics,
    /// Given back while a person is asked: others are not to wait for that.
    lock: Option<Lock>,
}

impl<'c> Writing<'c> {
    /// Takes the project's lock, then reads it.
    pub(super) fn begin(context: &'c Context, wanted: &Wanted) -> Result<Self, Exit> {
        Self::locked(context, wanted, lock(context, &context.root()?)?)
    }

    /// Takes the lock of a project that was read before; it is read again only if it has changed since.
    pub(super) fn of(context: &'c Context, wanted: &Wanted, mut loaded: Loaded, model: Model) -> Result<Self, Exit> {
        let lock = lock(context, &loaded.root)?;
        if !project::is_current(&loaded) {
            return Self::locked(context, wanted, lock);
        }
        let problems = std::mem::take(&mut loaded.problems);
        Ok(Self { context, loaded, model, unsealer: context.unsealer(), problems, lock: Some(lock) })
    }

    fn locked(context: &'c Context, wanted: &Wanted, lock: Lock) -> Result<Self, Exit> {
        let mut loaded = context.load(wanted)?;
        let model = context.model(&mut loaded, TAIL)?;
        let problems = std::mem::take(&mut loaded.problems);
        Ok(Self { context, loaded, model, unsealer: context.unsealer(), problems, lock: Some(lock) })
    }

    /// The file of an environment; its name was checked.
    pub(super) fn file(&self, environment: &str) -> Result<&EnvironmentFile, Exit> {
        self.model.environments.get(environment).ok_or(Exit(Class::Bug.exit_code()))
    }

    /// The text of an environment.
    pub(super) fn text(&self, environment: &str) -> Arc<str> {
        let file = self.model.environments.get(environment);
        file.map_or_else(|| Arc::from(""), |file| self.loaded.sources.text(file.source))
    }

    /// Whether the environment is protected.
    pub(super) fn is_protected(&self, environment: &str) -> bool {
        self.model.chain(environment).is_none_or(|chain| chain.is_protected())
    }

    /// Opens the sealed part of an environment, if it has one.
    pub(super) fn open(&mut self, environment: &str) -> Result<Option<Opened>, Exit> {
        let file = self.model.environments.get(environment);
        match file.and_then(|file| self.unsealer.open(file)) {
            Some(Ok(opened)) => Ok(Some(opened)),
            Some(Err(problem)) => Err(self.stop(problem)),
            None => Ok(None),
        }
    }

    /// Ends the command with a problem that has a place in the project.
    pub(super) fn stop(&self, problem: Diagnostic) -> Exit {
        let mut problems = Diagnostics::default();
        problems.push(problem);
        self.stop_on(problems).err().unwrap_or(Exit(1))
    }

    /// Ends the command if one of the problems is an error; shows warnings.
    pub(super) fn stop_on(&self, problems: Diagnostics) -> Outcome {
        self.context.stop_on_errors(problems, &self.loaded.sources, TAIL)
    }

    /// Shows a warning, if there is one.
    pub(super) fn warn(&self, warning: Option<Diagnostic>) -> Outcome {
        let mut problems = Diagnostics::default();
        problems.extend(warning);
        if problems.is_empty() {
            Ok(())
        } else {
            self.context.report(problems, &self.loaded.sources, "", Channel::Remark)
        }
    }

    /// What was wrong before and is about to be told, or mended, is not told twice.
    pub(super) fn forget(&mut self, code: Code) {
        let problems = std::mem::take(&mut self.problems).into_iter().filter(|problem| problem.code != code);
        let mut left = Diagnostics::default();
        left.extend(problems);
        self.problems = left;
    }

    /// What was wrong before is no obstacle, unless it is a matter of trust; of the entries that are changed now, the old
    /// problems do not count. Shown as warnings.
    pub(super) fn settle(&mut self, environment: &str, names: &[&str]) -> Outcome {
        let file = self.model.environments.get(environment);
        let touched: Vec<_> = file
            .into_iter()
            .flat_map(|file| names.iter().flat_map(|name| file.named(name)))
            .flat_map(|entry| [entry.key_span, entry.span])
            .collect();
        let mut left = Diagnostics::default();
        for mut problem in std::mem::take(&mut self.problems) {
            let is_about_files = problem.code.class() == Class::Files;
            if is_about_files && problem.primary().is_some_and(|span| touched.contains(&span)) {
                continue;
            }
            if is_about_files {
                problem.severity = Severity::Warning;
            }
            left.push(problem);
        }
        self.stop_on(left)
    }

    /// Asks a question that only "y" answers with yes. Ends the command if somebody has changed the project meanwhile.
    pub(super) fn confirm(&mut self, question: &str, yes: bool) -> Outcome {
        if yes {
            return Ok(());
        }
        self.lock = None;
        self.context.confirm(question, false)?;
        self.lock = Some(lock(self.context, &self.loaded.root)?);
        if project::is_current(&self.loaded) {
            return Ok(());
        }
        let problem = Diagnostic::error(Code::ChangedMeanwhile, "the project was changed while you were asked");
        Err(self.context.fail(problem.help("look at it, and run the command again")))
    }

    /// Asks before a protected environment is changed.
    pub(super) fn confirm_protected(&mut self, environment: &str, what: &str, yes: bool) -> Outcome {
        if !self.is_protected(environment) {
            return Ok(());
        }
        self.confirm(&format!("`{environment}` is protected. {what}?"), yes)
    }

    /// Writes an environment file, whole or not at all; it is on the disk and read back when this returns.
    pub(super) fn write(&self, environment: &str, finished: &Finished) -> Outcome {
        let shown = format!("environments/{environment}.toml");
        if *finished.text() == *self.text(environment) {
            return Ok(());
        }
        self.write_file(&shown, finished.text().as_bytes(), |read| finished.verify(environment, read))
    }

    /// Writes a file of the project; `verify` says whether what was read back is what was meant.
    pub(super) fn write_file(&self, shown: &str, bytes: &[u8], verify: impl FnOnce(&[u8]) -> bool) -> Outcome {
        let path = self.loaded.root.join(shown);
        let verify = |read: &[u8]| if verify(read) { Ok(()) } else { Err("it does not read back as meant") };
        match store::replace_verified(&path, &self.loaded.root, bytes, verify) {
            Ok(written) if written.hard_links => {
                let message = format!("{shown} had other names by hard links: they still lead to the old file");
                let mut problems = Diagnostics::default();
                problems.push(Diagnostic::warning(Code::Io, message));
                self.stop_on(problems)
            }
            Ok(_) => Ok(()),
            Err(error) => Err(self.context.fail(Diagnostic::error(Code::Io, error.describe_as(shown)))),
        }
    }
}

/// Waits for the project's lock.
fn lock(context: &Context, root: &Path) -> Result<Lock, Exit> {
    Lock::project(root, store::DEADLINE).map_err(|error| {
        let problem = Diagnostic::error(Code::Io, format!("the project cannot be locked: {}", error.describe()));
        context.fail(problem)
    })
}
