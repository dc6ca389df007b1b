//! `envctl recipients remove`: a new data key, and what the one who is gone has seen.

use std::collections::BTreeSet;

use super::complete;
use super::readers::{Chosen, begin, counted, exposed, finish, rekeyed, write_config};
use super::recipients::declaring;
use super::sealing::lockout;
use super::writing::Writing;
use crate::assign;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::EnvironmentFile;
use crate::update::{Draft, Finished};

/// Arguments of `recipients remove`.
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    /// The name
    #[arg(value_name = "NAME", add = complete::recipients())]
    name: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Exit with 0 though what they could read stays in use
    #[arg(long)]
    accept_exposure: bool,
    /// Let them go on reading what the environments inherit
    #[arg(long)]
    keep_parents: bool,
    /// Change protected environments, or give up reading them yourself, without asking
    #[arg(long)]
    yes: bool,
}

/// Secrets that somebody who cannot read them any more has seen.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// `ENV NAME`.
    secrets: Vec<String>,
    who: BTreeSet<String>,
}

impl Lost {
    /// All entries of an environment.
    pub(super) fn add<'n>(
        &mut self,
        environment: &str,
        entries: impl Iterator<Item = &'n String>,
        who: impl IntoIterator<Item = String>,
    ) {
        self.secrets.extend(entries.map(|entry| format!("{environment} {entry}")));
        self.who.extend(who);
    }

    /// Lists them; the command ends with 1 if there are any and that was not accepted.
    pub(super) fn report(&self, context: &Context, accepted: bool) -> Outcome {
        if self.secrets.is_empty() {
            return Ok(());
        }
        context.print(&(self.secrets.join("\n") + "\n"))?;
        let who: Vec<&str> = self.who.iter().map(String::as_str).collect();
        let (count, are) = (counted(self.secrets.len(), "secret"), if self.secrets.len() == 1 { "is" } else { "are" });
        context.remark(&format!(
            "the {count} above {are} known to {}, and git keeps the old values: give each a new one, here and where it is used\n",
            who.join(", ")
        ));
        if accepted {
            return Ok(());
        }
        context.remark("until then `envctl recipients check` lists them; `--accept-exposure` makes the exit code 0\n");
        Err(Exit(1))
    }
}

fn reads(file: &EnvironmentFile, name: &str) -> bool {
    let sealed = file.sealed.as_ref().is_some_and(|(sealed, _)| sealed.recipients.contains_key(name));
    sealed || file.recipients.iter().flat_map(|list| &list.value).any(|one| one.value == name)
}

/// Removes somebody: files in the order of their names, `envctl.toml` last. Everything that could stop it is looked at
/// before the first write; an interrupted run is completed by running it again.
pub(super) fn remove(args: &Remove, context: &Context) -> Outcome {
    let (mut writing, environments) = begin(context, &args.chosen)?;
    let name = args.name.as_str();
    let reads =
        |environment: &String| writing.model.environments.get(environment).is_some_and(|file| reads(file, name));
    let (concerned, others): (Vec<String>, Vec<String>) = environments.iter().cloned().partition(reads);
    check_name(&writing, name, &concerned)?;
    for environment in &concerned {
        writing.confirm_protected(environment, &format!("Take the right to read from {name}"), args.yes)?;
        writing.open(environment)?;
        not_the_last(&writing, environment, name)?;
        not_yourself(&mut writing, environment, args)?;
    }
    let still = still_reads(&writing, name, &concerned);
    if still.is_empty() {
        writable(&writing, name)?;
    }
    let mut lost = Lost::default();
    for environment in &concerned {
        remove_from(&mut writing, environment, name, &mut lost)?;
    }
    if still.is_empty() {
        write_config(&writing, |text| assign::without_recipient(text, name))?;
    }
    report_others(&writing, &others, name, &mut lost)?;
    let parents = parents(&writing, &environments, name);
    report(&writing, args, &still, &parents, &lost)
}

/// A name that nobody has is a mistake.
fn check_name(writing: &Writing<'_>, name: &str, concerned: &[String]) -> Outcome {
    let known = &writing.model.config.recipients;
    if !concerned.is_empty() || known.contains_key(name) {
        return Ok(());
    }
    let names = || known.keys().map(String::as_str);
    let near = crate::name::nearest(name, names()).map(|near| format!("did you mean `{near}`?"));
    let all = || (!known.is_empty()).then(|| format!("there are: {}", names().collect::<Vec<_>>().join(", ")));
    let problem = Diagnostic::error(Code::Usage, "there is no such recipient");
    Err(writing.context.fail(problem.help_some(near.or_else(all))))
}

/// A file that nobody can read is lost.
fn not_the_last(writing: &Writing<'_>, environment: &str, name: &str) -> Outcome {
    let sealed = writing.file(environment)?.sealed.as_ref();
    let Some((_, spans)) =
        sealed.filter(|(sealed, _)| sealed.recipients.len() == 1 && sealed.recipients.contains_key(name))
    else {
        return Ok(());
    };
    let message = format!("`{name}` is the only one who can read `{environment}`");
    let problem = Diagnostic::error(Code::Usage, message).at(spans.recipients, "nobody would be left");
    Err(writing.stop(problem.help(format!("`envctl recipients add NAME RECIPIENT {environment}` first"))))
}

/// Who takes the right from themselves is asked, or told where nobody can be asked.
fn not_yourself(writing: &mut Writing<'_>, environment: &str, args: &Remove) -> Outcome {
    let Some((sealed, _)) = &writing.file(environment)?.sealed else { return Ok(()) };
    let mut left = sealed.recipients.clone();
    left.remove(&args.name);
    let Some(warning) = lockout(writing.context, environment, &left) else { return Ok(()) };
    if lockout(writing.context, environment, &sealed.recipients).is_some() {
        return Ok(());
    }
    if args.yes || !writing.context.terminal.can_ask() {
        return writing.warn(Some(warning));
    }
    writing.confirm(&format!("`{}` is you: you could not read `{environment}` any more. Go on?", args.name), false)
}

/// The environments that are not among these and that `name` reads.
fn still_reads(writing: &Writing<'_>, name: &str, concerned: &[String]) -> Vec<String> {
    let files = writing.model.environments.values().filter(|file| reads(file, name));
    files.map(|file| file.name.clone()).filter(|file| !concerned.contains(file)).collect()
}

/// Whether `[recipients]` can be changed.
fn writable(writing: &Writing<'_>, name: &str) -> Outcome {
    let text = writing.loaded.sources.text(writing.model.config.id.span.source);
    if assign::without_recipient(&text, name).is_some() {
        return Ok(());
    }
    write_config(writing, |_| None)
}

/// The ancestors of the environments that are not among them and that `name` goes on reading.
fn parents(writing: &Writing<'_>, environments: &[String], name: &str) -> Vec<String> {
    let chains = environments.iter().filter_map(|environment| writing.model.chain(environment));
    let files = chains.flat_map(|chain| chain.levels);
    let readable =
        files.filter(|file| file.sealed.as_ref().is_some_and(|(sealed, _)| sealed.recipients.contains_key(name)));
    let names: BTreeSet<&str> =
        readable.map(|file| file.name.as_str()).filter(|file| !environments.iter().any(|one| one == file)).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Seals one environment anew without `name`, and notes what they could read.
fn remove_from(writing: &mut Writing<'_>, environment: &str, name: &str, lost: &mut Lost) -> Outcome {
    let file = writing.file(environment)?;
    let text = match &file.recipients {
        Some(declared) => {
            let names = declared.value.iter().map(|one| one.value.as_str()).filter(|one| *one != name);
            declaring(writing, environment, &names.collect::<Vec<_>>())?
        }
        None => writing.text(environment).to_string(),
    };
    let opened = writing.open(environment)?;
    let Some(opened) = opened.filter(|opened| opened.file().recipients.contains_key(name)) else {
        writing.write(environment, &Finished::cleartext(text, writing.file(environment)?))?;
        writing.context.remark(&format!("{environment}: `{name}` is not declared any more, and could not read it\n"));
        return Ok(());
    };
    let mut recipients = opened.file().recipients.clone();
    recipients.remove(name);
    let draft = rekeyed(writing, Draft::of(&opened), recipients)?;
    finish(writing, environment, draft, &text)?;
    writing.context.remark(&format!("{environment}: `{name}` cannot read what is sealed from now on\n"));
    lost.add(environment, opened.file().entries.keys(), [format!("`{name}`")]);
    Ok(())
}

/// Environments that `name` does not read: perhaps they did until an earlier run, which was interrupted before it could
/// say what they have seen.
fn report_others(writing: &Writing<'_>, others: &[String], name: &str, lost: &mut Lost) -> Outcome {
    for environment in others {
        let file = writing.file(environment)?;
        writing.context.remark(&format!("{environment}: `{name}` is not among its readers\n"));
        if let Some(seen) = exposed(file) {
            lost.add(environment, seen.names(), [String::from("former readers")]);
        }
    }
    Ok(())
}

fn report(writing: &Writing<'_>, args: &Remove, still: &[String], parents: &[String], lost: &Lost) -> Outcome {
    let (context, name) = (writing.context, &args.name);
    let elsewhere: Vec<&str> =
        still.iter().map(String::as_str).filter(|one| !parents.iter().any(|p| p == one)).collect();
    if !elsewhere.is_empty() {
        context.remark(&format!("`{name}` still reads: {}\n", elsewhere.join(", ")));
    }
    let mut outcome = lost.report(context, args.accept_exposure);
    if !parents.is_empty() {
        context.remark(&format!("`{name}` still reads what these inherit: {}\n", parents.join(", ")));
        if !args.keep_parents {
            let line = format!("envctl recipients remove {name} {}", parents.join(" "));
            context.remark(&format!("{line}\nor --keep-parents if that is meant\n"));
            outcome = outcome.and(Err(Exit(1)));
        }
    }
    outcome
}
