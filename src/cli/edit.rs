//! `envctl edit`: an environment with its secrets in the user's editor.

mod save;

use std::collections::BTreeMap;

use super::complete;
use super::sealing::First;
use super::writing::TAIL;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Class, Code, Diagnostic, Diagnostics, Severity};
use crate::editor::{Editor, EditorProblem};
use crate::model::Model;
use crate::project::{Loaded, Wanted};
use crate::secret::Secret;
use crate::source::SourceId;
use crate::unseal::{Opened, Unsealer};
use crate::view::{Checked, Edited, Page, check, outline};

/// Edit an environment, its secrets as values, in $VISUAL or $EDITOR
///
/// The text is in memory only, and checked before it is sealed and written; nothing is written if nothing changed. Plugins
/// of an editor can keep copies all the same: `envctl set ENV NAME` is safer for a single value.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: Option<String>,
    #[command(flatten)]
    first: First,
    /// Answer yes to every question
    #[arg(long)]
    yes: bool,
}

/// How many problems are listed in the text itself.
const LISTED: usize = 20;

/// An environment that is being edited.
struct Editing<'c> {
    context: &'c Context,
    args: &'c Args,
    name: String,
    loaded: Loaded,
    model: Model,
    unsealer: Unsealer<'c>,
    page: Page,
}

/// Shows, lets edit, checks, and writes.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    if !context.terminal.can_ask() {
        let problem = Diagnostic::error(Code::Usage, "`edit` needs a terminal");
        return Err(context.fail(problem.help("in scripts: `envctl set ENV NAME --stdin`")));
    }
    let editor = Editor::choose(&context.environment).map_err(|problem| failed(context, &problem))?;
    let mut editing = Editing::begin(args, context)?;
    if let Some(advice) = editor.advice() {
        context.remark(&format!("note: {advice}\n"));
    }
    match editing.edit(&editor)? {
        Some((edited, checked)) => editing.save(edited, checked),
        None => {
            context.remark(&format!("nothing changed: {TAIL}\n"));
            Ok(())
        }
    }
}

/// Ends the command. To leave the editor with a status, or an empty text, is a person's "no".
fn failed(context: &Context, problem: &EditorProblem) -> Exit {
    if matches!(problem, EditorProblem::Failed(_) | EditorProblem::Empty) {
        context.remark(&format!("{}: {TAIL}\n", problem.describe()));
        return Exit(1);
    }
    let code = match problem {
        EditorProblem::Words { .. } | EditorProblem::NotFound { .. } => Code::Usage,
        _ => Code::Io,
    };
    let exit =
        context.fail(Diagnostic::error(code, format!("{}: {TAIL}", problem.describe())).help_some(problem.help()));
    match problem {
        EditorProblem::Interrupted(signal) => Exit(u8::try_from(128 + signal).unwrap_or(exit.0)),
        _ => exit,
    }
}

impl<'c> Editing<'c> {
    /// Reads the project, asks where that is due, and opens the environment. The lock is not taken: a person needs time.
    fn begin(args: &'c Args, context: &'c Context) -> Result<Self, Exit> {
        let mut loaded = context.load(&Wanted::Named(vec![args.environment.clone()]))?;
        let model = context.model(&mut loaded, TAIL)?;
        let name = context.environment_name(args.environment.as_deref(), &loaded, &model)?;
        let mut grave = Diagnostics::default();
        std::mem::take(&mut loaded.problems)
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error && problem.code.class() != Class::Files)
            .for_each(|problem| grave.push(problem));
        context.stop_on_errors(grave, &loaded.sources, TAIL)?;
        if model.chain(&name).is_none_or(|chain| chain.is_protected()) {
            context.confirm(&format!("`{name}` is protected. Edit it?"), args.yes)?;
        }
        let mut unsealer = context.unsealer();
        let page = page(context, &name, &loaded, &model, &mut unsealer)?;
        Ok(Self { context, args, name, loaded, model, unsealer, page })
    }

    /// Lets edit until it is right, unchanged or given up; nothing if it is unchanged.
    fn edit(&mut self, editor: &Editor) -> Result<Option<(Edited, Checked)>, Exit> {
        let mut text = self.page.text(&self.header());
        let file = format!("{}.toml", self.name);
        loop {
            let returned = editor.edit(&self.context.environment, &file, &text);
            let returned = returned.map_err(|problem| failed(self.context, &problem))?;
            if returned.on_disk {
                self.context.remark("note: the text was in a file on the disk for that time\n");
            }
            let source = self.loaded.sources.add_closed(self.shown(), outline(&returned.text));
            let mut problems = Diagnostics::default();
            let edited = self.page.read(&returned.text, source, &mut problems);
            let Some(edited) = edited else {
                text = self.again(&returned.text, source, problems)?;
                continue;
            };
            if edited.is_unchanged(&self.page) {
                return Ok(None);
            }
            let old = self.model.environments.get(&self.name).map(|file| self.loaded.sources.text(file.source));
            let checked = check(&self.page, &edited, &mut self.model, &self.name, &old.unwrap_or_default());
            if checked.problems.has_errors() {
                text = self.again(&returned.text, source, checked.problems)?;
                continue;
            }
            if self.agree(&checked)? {
                return Ok(Some((edited, checked)));
            }
            text = self.page.again(&returned.text, &self.header());
        }
    }

    /// Shows problems, asks whether to go on, and gives the text with their places above it.
    fn again(&mut self, text: &Secret, source: SourceId, problems: Diagnostics) -> Result<Secret, Exit> {
        let mut header = self.header();
        let problems = problems.finished(&self.loaded.sources);
        let errors: Vec<&Diagnostic> = problems.iter().filter(|one| one.severity == Severity::Error).collect();
        let above = header.len() + errors.len().min(LISTED) + usize::from(errors.len() > LISTED) + 1;
        let before = self.page.remarks_above(text);
        header.push(String::from("Problems; the line is that of this text:"));
        for problem in errors.iter().take(LISTED) {
            let place = problem.primary().filter(|span| span.source == source && span.end > 0);
            let place = place.map(|span| self.loaded.sources.position(span)).map_or_else(String::new, |position| {
                format!("line {}, column {}: ", (position.line + above).saturating_sub(before), position.column)
            });
            header.push(format!("  {place}{}", problem.code.slug()));
        }
        if errors.len() > LISTED {
            header.push(format!("  and {} more", errors.len() - LISTED));
        }
        let text = self.page.again(text, &header);
        self.tell(problems, source, &text)?;
        self.ask_again()?;
        Ok(text)
    }

    /// Reports problems of an edited text with their places in the text that is shown next.
    fn tell(&mut self, problems: Diagnostics, source: SourceId, text: &Secret) -> Outcome {
        let old = self.loaded.sources.text(source).len();
        let next = self.loaded.sources.add_closed(self.shown(), outline(text));
        let moved = |at: usize| (at + text.size()).saturating_sub(old);
        let mut shifted = Diagnostics::default();
        for mut problem in problems {
            for label in problem.labels.iter_mut().filter(|label| label.span.source == source) {
                label.span.source = next;
                (label.span.start, label.span.end) = (moved(label.span.start), moved(label.span.end));
            }
            shifted.push(problem);
        }
        self.context.report(shifted, &self.loaded.sources, TAIL, crate::context::Channel::Remark)
    }

    /// Whether to open the editor again; ends the command if not.
    fn ask_again(&self) -> Outcome {
        let question = "Edit again, or discard what was edited? [E/d] ";
        match self.context.terminal.ask(question) {
            Some(answer) if ["", "e", "edit"].contains(&answer.to_ascii_lowercase().as_str()) => Ok(()),
            _ => {
                self.context.remark(&format!("discarded: {TAIL}\n"));
                Err(Exit(1))
            }
        }
    }

    /// Asks what has to be agreed to.
    fn agree(&self, checked: &Checked) -> Result<bool, Exit> {
        for question in checked.questions.iter().filter(|_| !self.args.yes) {
            let answer = self.context.terminal.ask(&format!("{question}. Do that? [y/N] "));
            if !answer.is_some_and(|answer| ["y", "yes"].contains(&answer.to_ascii_lowercase().as_str())) {
                self.ask_again()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn shown(&self) -> String {
        format!("environments/{}.toml, as edited", self.name)
    }

    /// What the reader has to know.
    fn header(&self) -> Vec<String> {
        let readers = self.page.file().map(|file| file.recipients.keys().cloned().collect::<Vec<_>>().join(", "));
        let readers = readers.unwrap_or_else(|| String::from("nobody yet, it has no seal"));
        [
            format!("Environment `{}` of envctl. Who can read its secrets: {readers}.", self.name),
            String::from("Values below [secrets] are sealed when this is saved; lines like this one are dropped."),
            String::from("{ base64 = \"…\" } is for bytes, { keep = true } keeps a value too long to show,"),
            String::from("{ generate = true } makes a new one. A line that is deleted is unset; the same value under"),
            String::from("another name is a rename. An editor that fails, or an empty text, changes nothing."),
        ]
        .into()
    }
}

/// The environment as it is shown.
fn page(
    context: &Context,
    name: &str,
    loaded: &Loaded,
    model: &Model,
    unsealer: &mut Unsealer<'_>,
) -> Result<Page, Exit> {
    let Some(file) = model.environments.get(name) else { return Err(Exit(Class::Bug.exit_code())) };
    let stop = |problem: Diagnostic| {
        let mut problems = Diagnostics::default();
        problems.push(problem);
        context.stop_on_errors(problems, &loaded.sources, TAIL).err().unwrap_or(Exit(1))
    };
    let opened = unsealer.open(file).transpose().map_err(stop)?;
    let values = opened.as_ref().map(values).transpose().map_err(stop)?.unwrap_or_default();
    let sealed = opened.as_ref().map(|opened| &**opened.file());
    Page::new(&loaded.sources.text(file.source), sealed, values).ok_or_else(|| {
        context.fail(Diagnostic::error(Code::Bug, format!("environments/{name}.toml cannot be shown: {TAIL}")))
    })
}

/// The values of all entries but those of rotations.
fn values(opened: &Opened) -> Result<BTreeMap<String, Secret>, Diagnostic> {
    let names = opened.file().entries.keys().filter(|name| crate::name::is_variable(name));
    names.map(|name| Ok((name.clone(), opened.value(name)?))).collect()
}
