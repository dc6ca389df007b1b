//! `envctl unset`: take a variable's assignment out of an environment.

use super::complete;
use super::writing::Writing;
use crate::context::{Context, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::{Assignment, Entry};
use crate::project::Wanted;
use crate::update::{Draft, Finished};

/// Take a variable's value out of an environment
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, and the variable
    #[arg(value_names = ["ENV", "NAME"], required = true, num_args = 1.., add = complete::environments())]
    words: Vec<String>,
    /// Change a protected environment without asking
    #[arg(long)]
    yes: bool,
}

/// Takes it out wherever the environment's own file assigns it.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let (environment, name) = super::words::two(&args.words, context)?;
    let mut writing = Writing::begin(context, &Wanted::Named(vec![environment.map(str::to_owned)]))?;
    let environment = context.environment_name(environment, &writing.loaded, &writing.model)?;
    let file = writing.file(&environment)?;
    let entries: Vec<Entry> = file.named(name).cloned().collect();
    if entries.is_empty() {
        super::set::declared(&writing.model, name, context)?;
        return Err(writing.stop(not_here(&writing, &environment, name)));
    }
    writing.settle(&environment, &[name])?;
    writing.confirm_protected(&environment, &format!("Take `{name}` out"), args.yes)?;
    let in_clear = |entry: &&Entry| !matches!(entry.assignment, Assignment::Sealed(_));
    let clear: Vec<&Entry> = entries.iter().filter(in_clear).collect();
    let text = super::sealing::without(&writing, &writing.text(&environment), &clear)?;
    let finished = if clear.len() == entries.len() {
        Finished::cleartext(text, writing.file(&environment)?)
    } else {
        let Some(opened) = writing.open(&environment)? else { return Ok(()) };
        let mut draft = Draft::of(&opened);
        draft.remove(name);
        draft.finish(&text).map_err(|problem| writing.stop(problem))?
    };
    writing.write(&environment, &finished)?;
    context.remark(&format!("took `{name}` out of environments/{environment}.toml\n"));
    Ok(())
}

/// The environment's own file does not assign it; perhaps a parent does.
fn not_here(writing: &Writing<'_>, environment: &str, name: &str) -> Diagnostic {
    let message = format!("`{name}` is not assigned in environments/{environment}.toml");
    let problem = Diagnostic::error(Code::Usage, message);
    let chain = writing.model.chain(environment);
    let parent = chain.and_then(|chain| {
        let above = chain.levels.iter().rev().find_map(|level| Some((*level, level.named(name).next()?)));
        above.map(|(level, entry)| (level.name.clone(), entry.key_span))
    });
    match parent {
        Some((parent, span)) => problem
            .at(span, format!("`{parent}` assigns it"))
            .help(format!("say `{name} = {{ absent = true }}` in `{environment}` to have it without a value there")),
        None => problem,
    }
}
