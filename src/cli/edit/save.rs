//! What was edited goes into the file as it is now: others may have changed it while the editor was open.

use std::collections::BTreeMap;

use super::super::sealing::{self, First};
use super::super::writing::{TAIL, Writing};
use super::Editing;
use crate::assign;
use crate::context::{Channel, Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::EnvironmentFile;
use crate::generate::generate;
use crate::model::Model;
use crate::project::Wanted;
use crate::sealed::SealedFile;
use crate::secret::Secret;
use crate::update::{Draft, Finished};
use crate::view::{Change, Checked, Edited, Page, Skeleton, merge};

impl Editing<'_> {
    /// Takes the lock, reads again, puts the changes into that, and writes.
    pub(super) fn save(self, edited: Edited, checked: Checked) -> Outcome {
        let Self { context, args, name, loaded, model, unsealer, page } = self;
        context.report(checked.problems, &loaded.sources, "", Channel::Remark)?;
        let mut writing = Writing::begin(context, &Wanted::Named(vec![Some(name.clone())]))?;
        writing.unsealer = unsealer;
        let touched: Vec<&str> = edited.changes.keys().map(String::as_str).collect();
        writing.settle(&name, &touched)?;
        let done = summary(&name, &edited, &page);
        let sealed = writing.file(&name)?.sealed.is_some();
        if !sealed && page.file().is_some() {
            return Err(changed_meanwhile(context, &name));
        }
        let new = checked.file.as_ref().map(is_protected);
        let protected = new.filter(|new| model.environments.get(&name).map(is_protected) != Some(*new));
        if let (false, Some(file), Some(new)) = (sealed, writing.model.environments.get_mut(&name), checked.file) {
            // A first seal is for those, and of the kind, that the edited text says.
            (file.recipients, file.protected) = (new.recipients, new.protected);
        }
        if !sealed && edited.changes.is_empty() {
            let text = merged(context, (&name, &page), &edited.skeleton, (&writing.text(&name), None), None)?;
            writing.write(&name, &Finished::cleartext(text, writing.file(&name)?))?;
        } else {
            sealed_part(&mut writing, &args.first, (&name, &page), edited, protected)?;
        }
        context.remark(&done);
        Ok(())
    }
}

/// Changes the sealed part as well.
fn sealed_part(
    writing: &mut Writing<'_>,
    first: &First,
    (name, page): (&str, &Page),
    edited: Edited,
    protected: Option<bool>,
) -> Outcome {
    let text = writing.text(name);
    let (mut draft, _) = sealing::draft(writing, name, text.to_string(), first)?;
    refuse_conflicts(writing.context, page, &edited, &draft)?;
    if let Some(protected) = protected {
        draft.protect(protected);
    }
    let Edited { changes, skeleton, .. } = edited;
    apply(writing, changes, &mut draft)?;
    let before = writing.file(name)?.sealed.as_ref().map(|(file, _)| &**file);
    let mut text = merged(writing.context, (name, page), &skeleton, (&text, before), Some(draft.file()))?;
    if before.is_none() && writing.file(name)?.recipients.is_none() {
        // Those who were agreed to for the first seal.
        let names: Vec<&str> = draft.file().recipients.keys().map(String::as_str).collect();
        text = assign::with_recipients(&text, None, &names);
    }
    sealing::finish(writing, name, draft, &text)
}

fn is_protected(file: &EnvironmentFile) -> bool {
    file.protected.as_ref().is_some_and(|flag| flag.value)
}

/// The text of the file as it is now, with its sealed part, changed as it was changed in the editor; `new` is its sealed
/// part from now on.
fn merged(
    context: &Context,
    (name, page): (&str, &Page),
    skeleton: &Skeleton,
    (now, sealed): (&str, Option<&SealedFile>),
    new: Option<&SealedFile>,
) -> Result<String, Exit> {
    // Values are not needed: only the cleartext is looked at.
    let now = Page::new(now, sealed, BTreeMap::new());
    let text = now.and_then(|now| now.assemble(&merge(page.skeleton(), skeleton, now.skeleton())?, new));
    text.ok_or_else(|| changed_meanwhile(context, name))
}

/// Others keep what they did: an entry that was changed here and there is a matter for people.
fn refuse_conflicts(context: &Context, page: &Page, edited: &Edited, draft: &Draft) -> Outcome {
    let names = edited.changes.iter().flat_map(|(name, change)| match change {
        Change::Rename { from } => vec![name, from],
        _ => vec![name],
    });
    for name in names {
        let (before, now) = (page.value(name), draft.value(name));
        let same = match (before, &now) {
            (Some(before), Some(now)) => before.same_bytes(now),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let problem = format!("somebody else has changed `{name}` meanwhile: {TAIL}");
            let problem = Diagnostic::error(Code::ChangedMeanwhile, problem);
            return Err(context.fail(problem.help("look at what changed, and edit again; the text was not kept")));
        }
    }
    Ok(())
}

fn changed_meanwhile(context: &Context, name: &str) -> Exit {
    let message = format!("somebody else has changed the same lines of environments/{name}.toml meanwhile: {TAIL}");
    let problem = Diagnostic::error(Code::ChangedMeanwhile, message);
    context.fail(problem.help("look at what changed, and edit again; the text was not kept"))
}

/// Makes the changes of `[secrets]`.
fn apply(writing: &Writing<'_>, changes: BTreeMap<String, Change>, draft: &mut Draft) -> Outcome {
    for (name, change) in changes {
        let done = match change {
            Change::Set(value) => draft.set(&name, value).map(|_| ()),
            Change::Generate => {
                let value = generated(writing.context, &writing.model, &name)?;
                draft.set(&name, value).map(|_| ())
            }
            Change::Unset => {
                draft.remove(&name);
                Ok(())
            }
            Change::Rename { from } => draft.rename(&from, &name),
        };
        done.map_err(|problem| writing.stop(problem))?;
    }
    Ok(())
}

fn generated(context: &Context, model: &Model, name: &str) -> Result<Secret, Exit> {
    let recipe = model.declarations(name).iter().find_map(|variable| variable.generate.as_ref());
    let Some(recipe) = recipe else {
        let message = format!("no schema says how `{name}` is generated");
        return Err(context.fail(Diagnostic::error(Code::MissingKey, message)));
    };
    generate(&recipe.value)
        .map_err(|_| context.fail(Diagnostic::error(Code::Io, format!("`{name}` could not be generated"))))
}

/// What was done, by name.
fn summary(environment: &str, edited: &Edited, page: &Page) -> String {
    let was = |name: &str| page.value(name).is_some();
    let words = edited.changes.iter().map(|(name, change)| match change {
        Change::Set(_) if was(name) => format!("changed `{name}`"),
        Change::Set(_) => format!("added `{name}`"),
        Change::Generate => format!("generated `{name}`"),
        Change::Unset => format!("took `{name}` out"),
        Change::Rename { from } => format!("`{from}` is now `{name}`"),
    });
    let words: Vec<String> = words.collect();
    let rest = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    format!("wrote environments/{environment}.toml{rest}\n")
}
