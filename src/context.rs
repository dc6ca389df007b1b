//! What every command gets: the environment, the terminal and the global options; and how it reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, github, human, json, sarif, summary};
use crate::identity::{self, Ask, Identities, Plugins};
use crate::lint::{unknown_environment, unknown_schema};
use crate::model::Model;
use crate::person::Person;
use crate::process::EnvSnapshot;
use crate::project::{self, Loaded, Wanted};
use crate::schema::View;
use crate::sealed::DataKey;
use crate::source::SourceMap;
use crate::terminal::{Color, Terminal};
use crate::unseal::Unsealer;

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum MessageFormat {
    /// For people, with the lines concerned.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
    /// One SARIF 2.1.0 document.
    Sarif,
}

/// Options of every command.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Globals {
    /// The project's directory, instead of the nearest one with an envctl.toml
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub project: Option<PathBuf>,
    /// The file with the identity, instead of the identities at hand
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub identity: Option<PathBuf>,
    /// How diagnostics are written
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Global options")]
    pub message_format: MessageFormat,
    /// When colour is used
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = "Global options")]
    pub color: Color,
    /// No warnings and no remarks
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say what is planned, without values
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub verbose: bool,
}

/// The end of a command that has reported why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

/// What a command comes to.
pub type Outcome = Result<(), Exit>;

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// The environment of the process.
    pub environment: EnvSnapshot,
    /// Where to write.
    pub terminal: Terminal,
    /// The global options.
    pub globals: Globals,
}

/// Where diagnostics go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Standard error.
    Remark,
    /// Standard output, but for people: the report is the result.
    Result,
}

impl Context {
    /// The context of a command.
    pub fn new(environment: EnvSnapshot, globals: Globals) -> Self {
        let terminal = Terminal::new(globals.color, globals.quiet, &environment);
        Self { environment, terminal, globals }
    }

    /// Reports problems; `tail` ends the summary ("nothing was started"). Nothing is written if there are none.
    pub fn report(&self, problems: Diagnostics, sources: &SourceMap, tail: &str, channel: Channel) -> Outcome {
        let mut problems = problems.finished(sources);
        if self.globals.quiet {
            problems = problems.without_warnings();
        }
        self.write(&problems, sources, Some(tail), channel)
    }

    /// Writes problems in the format asked for; `tail` ends the summary for people, if there is to be one.
    fn write(&self, problems: &Diagnostics, sources: &SourceMap, tail: Option<&str>, channel: Channel) -> Outcome {
        let people = self.globals.message_format == MessageFormat::Human;
        let text = match self.globals.message_format {
            MessageFormat::Human => {
                let text = human(problems, sources, self.terminal.color(), self.terminal.width());
                let last = tail.map(|tail| summary(problems, sources, tail)).filter(|last| !last.is_empty());
                last.map_or_else(|| text.clone(), |last| format!("{text}\n{last}\n"))
            }
            MessageFormat::Json => json(problems, sources),
            MessageFormat::Github => github(problems, sources),
            MessageFormat::Sarif if problems.is_empty() && channel == Channel::Remark => String::new(),
            MessageFormat::Sarif => sarif(problems, sources),
        };
        let to_result = channel == Channel::Result && !people;
        if to_result {
            return self.print(&text);
        }
        // Nobody is left to tell if standard error is gone.
        self.terminal.remark(&text).map_err(|_| Exit(5))
    }

    /// Reports problems on standard error and ends the command if one of them is an error.
    pub fn stop_on_errors(&self, problems: Diagnostics, sources: &SourceMap, tail: &str) -> Outcome {
        let code = problems.exit_code(false);
        self.report(problems, sources, tail, Channel::Remark)?;
        if code == 0 { Ok(()) } else { Err(Exit(code)) }
    }

    /// Ends the command with one problem that has no place in a file.
    pub fn fail(&self, problem: Diagnostic) -> Exit {
        let code = problem.code.class().exit_code();
        let mut problems = Diagnostics::default();
        problems.push(problem);
        match self.write(&problems, &SourceMap::default(), None, Channel::Remark) {
            Ok(()) => Exit(code),
            Err(exit) => exit,
        }
    }

    /// Writes a part of the result.
    pub fn print(&self, text: &str) -> Outcome {
        self.terminal.result(text).map_err(|error| self.unwritable(error.kind()))
    }

    /// The end of a command whose result could not be written.
    pub fn unwritable(&self, kind: std::io::ErrorKind) -> Exit {
        let message = format!("standard output cannot be written: {}", crate::store::describe(kind));
        self.fail(Diagnostic::error(Code::Io, message))
    }

    /// Whether remarks are written.
    pub fn remarks(&self) -> bool {
        !self.globals.quiet && self.globals.message_format == MessageFormat::Human
    }

    /// Writes a remark for people, unless quiet is asked for.
    pub fn remark(&self, text: &str) {
        if self.remarks() {
            // Nobody is left to tell if standard error is gone.
            let _ = self.terminal.remark(text);
        }
    }

    /// Opens sealed files with the user's identities, which are looked for when the first file is opened.
    pub fn unsealer(&self) -> Unsealer<'_> {
        Unsealer::new(self.identities(None))
    }

    /// The identities of this user, or the one file instead of them that is named.
    pub fn identities(&self, file: Option<PathBuf>) -> Identities {
        Identities::new(&self.environment, file.or_else(|| self.globals.identity.clone()), self.person())
    }

    /// Who can be asked.
    pub fn person(&self) -> Arc<dyn Ask> {
        Arc::new(Person(self.terminal))
    }

    /// Wraps a data key for these recipients: the binary age file.
    pub fn wrap(&self, key: &DataKey, recipients: &BTreeMap<String, String>) -> Result<Vec<u8>, Exit> {
        let texts: Vec<&str> = recipients.values().map(String::as_str).collect();
        identity::wrap(&key.payload(), &texts, &Plugins::new(&self.environment), &self.person())
            .map_err(|error| self.fail(error.diagnostic()))
    }

    /// Asks a question that only "y" answers with yes; `given` is that of `--yes`. Without a terminal `--yes` is needed.
    pub fn confirm(&self, question: &str, given: bool) -> Outcome {
        if given {
            return Ok(());
        }
        if !self.terminal.can_ask() {
            let problem = Diagnostic::error(Code::Usage, format!("{question} There is no terminal to ask on"));
            return Err(self.fail(problem.help("`--yes` answers in scripts")));
        }
        let answer = self.terminal.ask(&format!("{question} [y/N] "));
        if answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())) {
            return Ok(());
        }
        self.remark("nothing was done\n");
        Err(Exit(1))
    }

    /// The directory the command was started in.
    pub fn directory(&self) -> Result<PathBuf, Exit> {
        let failed = |error: std::io::Error| {
            let message = format!("the working directory cannot be read: {}", crate::store::describe(error.kind()));
            self.fail(Diagnostic::error(Code::Io, message))
        };
        std::env::current_dir().map_err(failed)
    }

    /// The project's root.
    pub fn root(&self) -> Result<PathBuf, Exit> {
        let given = self
            .globals
            .project
            .clone()
            .or_else(|| self.environment.get("ENVCTL_PROJECT").filter(|name| !name.is_empty()).map(PathBuf::from));
        if let Some(given) = given {
            if given.join(project::CONFIG).symlink_metadata().is_ok() {
                return Ok(given);
            }
            let message = format!("there is no envctl.toml in {}", given.display());
            let word = if self.globals.project.is_some() { "`--project`" } else { "`ENVCTL_PROJECT`" };
            let help = format!("{word} names the directory that holds envctl.toml");
            return Err(self.fail(Diagnostic::error(Code::NotAProject, message).help(help)));
        }
        let directory = self.directory()?;
        project::find(&directory).ok_or_else(|| {
            let problem = Diagnostic::error(Code::NotAProject, "there is no envctl.toml here or in a directory above");
            self.fail(problem.help("`envctl init` makes a project here").help("`--project DIR` names one elsewhere"))
        })
    }

    /// Reads the project; `wanted` names environments of the command line.
    pub fn load(&self, wanted: &Wanted) -> Result<Loaded, Exit> {
        if let Wanted::Named(names) = wanted {
            for name in names.iter().flatten() {
                self.check_environment_name(name)?;
            }
        }
        // `<project id>`, or `<project id>:<digest>` where origins are approved as well.
        let trusted = self.environment.text("ENVCTL_TRUST").and_then(|text| text.split(':').next());
        let default = self.environment.text("ENVCTL_ENVIRONMENT");
        Ok(project::load(&self.root()?, wanted, default, trusted))
    }

    fn check_environment_name(&self, name: &str) -> Outcome {
        if crate::name::is_word(name) {
            return Ok(());
        }
        let problem = Diagnostic::error(Code::Usage, "this cannot be the name of an environment");
        Err(self.fail(problem.help("lower-case letters, digits, `_` and `-`; a command to run comes after `--`")))
    }

    /// The environment that is meant: the one named, else the default.
    pub fn environment_name(&self, given: Option<&str>, loaded: &Loaded, model: &Model) -> Result<String, Exit> {
        let names = || model.environment_names.iter().map(String::as_str).filter(|name| crate::name::is_word(name));
        let Some(name) = given.or(loaded.default_environment.as_deref()) else {
            let problem =
                Diagnostic::error(Code::EnvironmentNeeded, "no environment is named, and the project has no default");
            let all: Vec<&str> = names().collect();
            let help = if all.is_empty() {
                String::from("the project has none: put one into environments/")
            } else {
                format!("name one of: {}", all.join(", "))
            };
            return Err(self.fail(problem.help(help)));
        };
        if !model.environments.contains_key(name) {
            let problem =
                Diagnostic { code: Code::Usage, ..unknown_environment(name, names().collect::<Vec<_>>().into_iter()) };
            return Err(self.fail(problem));
        }
        Ok(name.to_owned())
    }

    /// The schema that is meant: the one named, `ENVCTL_SCHEMA`, that of the directory, the default, or the only one.
    pub fn view<'m>(&self, given: Option<&str>, loaded: &Loaded, model: &'m Model) -> Result<&'m View, Exit> {
        let given = given.or_else(|| self.environment.text("ENVCTL_SCHEMA"));
        let configured = model.config.default_schema.as_ref().map(|schema| schema.value.as_str());
        let only = model.views.keys().next().filter(|_| model.views.len() == 1).map(String::as_str);
        let wanted = given
            .map(str::to_owned)
            .or_else(|| Self::schema_of_directory(loaded, model))
            .or_else(|| configured.or(only).map(str::to_owned));
        if wanted.as_ref().is_some_and(|wanted| !crate::name::is_word(wanted)) {
            return Err(self.fail(Diagnostic::error(Code::Usage, "this cannot be the name of a schema")));
        }
        let names: Vec<&str> = model.views.keys().map(String::as_str).collect();
        let Some(wanted) = wanted else {
            let problem = if names.is_empty() {
                Diagnostic::error(Code::AmbiguousSchema, "the project has no schema").help("put one into schemas/")
            } else {
                let problem =
                    Diagnostic::error(Code::AmbiguousSchema, "the project has several schemas and none was chosen");
                problem.help(format!("add `--schema` with one of: {}", names.join(", ")))
            };
            return Err(self.fail(problem));
        };
        model
            .views
            .get(&wanted)
            .ok_or_else(|| self.fail(Diagnostic { code: Code::Usage, ..unknown_schema(&wanted, &names) }))
    }

    /// The schema whose `directory` the command was started in; the deepest wins.
    fn schema_of_directory(loaded: &Loaded, model: &Model) -> Option<String> {
        let here = std::env::current_dir().ok()?.canonicalize().ok()?;
        let inside = |directory: &str| here.starts_with(loaded.root.join(Path::new(directory)));
        let with_directory =
            model.schemas.values().filter_map(|schema| Some((schema.directory.as_ref()?.value.as_str(), &schema.name)));
        with_directory
            .filter(|(directory, _)| inside(directory))
            .max_by_key(|(directory, _)| directory.len())
            .map(|(_, name)| name.clone())
    }

    /// The model, or the end of the command: without it nothing else can be said.
    pub fn model(&self, loaded: &mut Loaded, tail: &str) -> Result<Model, Exit> {
        if let Some(model) = loaded.model.take() {
            return Ok(model);
        }
        let mut problems = std::mem::take(&mut loaded.problems);
        if problems.has_errors() {
            problems.note_incomplete();
        }
        let code = problems.exit_code(false);
        self.report(problems, &loaded.sources, tail, Channel::Remark)?;
        Err(Exit(if code == 0 { 1 } else { code }))
    }
}
