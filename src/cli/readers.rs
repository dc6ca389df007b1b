//! Changing who can read: `recipients add` and `apply`, and `rekey`.

use std::collections::{BTreeMap, BTreeSet};

use super::complete;
use super::recipients::{declared, declaring, differences};
use super::removal::Lost;
use super::sealing::lockout;
use super::writing::{TAIL, Writing};
use crate::assign;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::environment::EnvironmentFile;
use crate::project::{CONFIG, Wanted};
use crate::recipient;
use crate::update::{self, Draft, Finished};

/// Which environments are meant.
#[derive(Debug, clap::Args)]
pub(super) struct Chosen {
    /// The environments
    #[arg(value_name = "ENV", add = complete::environments())]
    pub(super) environments: Vec<String>,
    /// All environments that have secrets
    #[arg(long, conflicts_with = "environments")]
    pub(super) all: bool,
}

/// Arguments of `recipients add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The person's or machine's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The public half of their identity: `age1…` or `ssh-ed25519 …`
    #[arg(value_name = "RECIPIENT")]
    recipient: String,
    #[command(flatten)]
    chosen: Chosen,
    /// Change protected environments without asking
    #[arg(long)]
    yes: bool,
}

/// Arguments of `recipients apply`.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The environments, instead of all that have secrets
    #[arg(value_name = "ENV", add = complete::environments())]
    environments: Vec<String>,
    /// Who shall read, to be named where nobody can be asked
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    recipients: Vec<String>,
    /// What removed ones could read stays in use: exit with 0 all the same
    #[arg(long)]
    accept_exposure: bool,
}

/// Make a new data key for an environment: same values, same recipients
#[derive(Debug, clap::Args)]
pub(super) struct Rekey {
    /// The environment
    #[arg(value_name = "ENV", add = complete::environments())]
    environment: String,
    /// Change a protected environment without asking
    #[arg(long)]
    yes: bool,
}

/// Secrets that somebody who cannot read them any more has seen.
pub(super) struct Exposed(Vec<String>);

/// What was last changed under an older data key than today's.
pub(super) fn exposed(file: &EnvironmentFile) -> Option<Exposed> {
    let (sealed, _) = file.sealed.as_ref()?;
    let old = sealed.entries.iter().filter(|(_, entry)| entry.since < sealed.generation);
    let names: Vec<String> = old.map(|(name, _)| name.clone()).collect();
    (!names.is_empty()).then_some(Exposed(names))
}

impl Exposed {
    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }

    /// A warning with the names.
    pub(super) fn diagnostic(&self, file: &EnvironmentFile) -> Diagnostic {
        let message = format!(
            "{} of `{}` {} not changed since the data key was",
            counted(self.0.len(), "secret"),
            file.name,
            if self.0.len() == 1 { "was" } else { "were" }
        );
        let problem = Diagnostic::warning(Code::ExposedSecret, message);
        let problem = problem.at_some(file.sealed.as_ref().map(|(_, spans)| spans.seal), "sealed with a new key");
        let problem = problem.note(format!("former recipients know: {}", self.0.join(", ")));
        problem.help(format!("`envctl set {} NAME` gives one a new value, here and where it is used", file.name))
    }
}

pub(super) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The project, locked, and the environments that are meant, in the order of their bytes.
pub(super) fn begin<'c>(context: &'c Context, chosen: &Chosen) -> Result<(Writing<'c>, Vec<String>), Exit> {
    if chosen.environments.is_empty() && !chosen.all {
        let problem = Diagnostic::error(Code::Usage, "no environment is named");
        return Err(context.fail(problem.help("name environments, or say `--all`")));
    }
    let mut writing = Writing::begin(context, &Wanted::All)?;
    let names = environments(&mut writing, &chosen.environments)?;
    Ok((writing, names))
}

fn environments(writing: &mut Writing<'_>, given: &[String]) -> Result<Vec<String>, Exit> {
    for name in given {
        writing.context.environment_name(Some(name), &writing.loaded, &writing.model)?;
    }
    writing.settle("", &[])?;
    let with_secrets = writing.model.environments.values().filter(|file| file.sealed.is_some());
    let names: BTreeSet<String> = if given.is_empty() {
        with_secrets.map(|file| file.name.clone()).collect()
    } else {
        given.iter().cloned().collect()
    };
    Ok(names.into_iter().collect())
}

/// Adds somebody: `envctl.toml` first, so that an interrupted run is completed by running it again.
pub(super) fn add(args: &Add, context: &Context) -> Outcome {
    recipient::kind(&args.recipient)
        .map_err(|flaw| context.fail(Diagnostic { code: Code::Usage, ..flaw.diagnostic() }))?;
    let (mut writing, environments) = begin(context, &args.chosen)?;
    check_name(&writing, &args.name, &args.recipient)?;
    for environment in &environments {
        check_sealed(&writing, environment, &args.name, &args.recipient)?;
        writing.confirm_protected(environment, &format!("Let {} read it", args.name), args.yes)?;
    }
    // Opened before anything is written: without a key nothing is begun.
    for environment in &environments {
        writing.open(environment)?;
    }
    // A plugin may be missing or refuse: tried with a key of no use, before anything is written.
    let trial = update::new_key().map_err(|problem| writing.stop(problem))?;
    context.wrap(&trial, &BTreeMap::from([(args.name.clone(), args.recipient.clone())]))?;
    write_config(&writing, |text| assign::with_recipient(text, &args.name, &args.recipient))?;
    for environment in &environments {
        add_to(&mut writing, environment, &args.name, &args.recipient)?;
    }
    let unsealed = writing.model.environments.values().filter(|file| args.chosen.all && file.sealed.is_none());
    let unsealed: Vec<&str> =
        unsealed.filter(|file| file.recipients.is_some()).map(|file| file.name.as_str()).collect();
    if !unsealed.is_empty() {
        context.remark(&format!("not sealed yet, and not changed: {}\n", unsealed.join(", ")));
    }
    Ok(())
}

fn check_name(writing: &Writing<'_>, name: &str, key: &str) -> Outcome {
    let known = &writing.model.config.recipients;
    if !crate::name::is_word(name) {
        let problem = Diagnostic::error(Code::Usage, "this cannot be the name of a recipient");
        return Err(writing.context.fail(problem.help("lower-case letters, digits, `_` and `-`")));
    }
    if let Some(other) = known.get(name).filter(|other| other.value != key) {
        let problem = Diagnostic::error(Code::Usage, format!("`{name}` has another key")).at(other.span, "this one");
        let help = format!("`envctl recipients remove {name} --all` first, or add the new key under another name");
        return Err(writing.stop(problem.help(help)));
    }
    if let Some((other, located)) = known.iter().find(|(other, located)| *other != name && located.value == key) {
        let problem = Diagnostic::error(Code::Usage, format!("this key is already there, as `{other}`"));
        return Err(writing.stop(problem.at(located.span, "here")));
    }
    Ok(())
}

/// Who has another key than the one sealed to is to get a new data key as well; and a key has one name.
fn check_sealed(writing: &Writing<'_>, environment: &str, name: &str, key: &str) -> Outcome {
    let Some((sealed, spans)) = &writing.file(environment)?.sealed else { return Ok(()) };
    let problem = if sealed.recipients.get(name).is_some_and(|other| other != key) {
        let message = format!("`{environment}` is sealed to another key of `{name}`");
        let help =
            format!("`envctl recipients apply {environment}` takes the old key its right and lets the new one read");
        Diagnostic::error(Code::Usage, message).help(help)
    } else if let Some((other, _)) = sealed.recipients.iter().find(|(other, known)| *other != name && *known == key) {
        Diagnostic::error(Code::Usage, format!("this key can read `{environment}` already, as `{other}`"))
    } else {
        return Ok(());
    };
    Err(writing.stop(problem.at(spans.recipients, "these can read it")))
}

fn add_to(writing: &mut Writing<'_>, environment: &str, name: &str, key: &str) -> Outcome {
    let file = writing.file(environment)?;
    let mut names: Vec<String> = match (&file.recipients, &file.sealed) {
        (Some(declared), _) => declared.value.iter().map(|name| name.value.clone()).collect(),
        (None, Some((sealed, _))) => sealed.recipients.keys().cloned().collect(),
        (None, None) => Vec::new(),
    };
    if !names.iter().any(|one| one == name) {
        names.push(name.to_owned());
    }
    let text = declaring(writing, environment, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let Some(opened) = writing.open(environment)? else {
        writing.write(environment, &Finished::cleartext(text, writing.file(environment)?))?;
        writing.context.remark(&format!("{environment}: `{name}` is declared; there are no secrets to read yet\n"));
        return Ok(());
    };
    let mut recipients = opened.file().recipients.clone();
    let before = recipients.insert(name.to_owned(), key.to_owned());
    let mut draft = Draft::of(&opened);
    if before.as_deref() != Some(key) {
        let age_file = writing.context.wrap(draft.key(), &recipients)?;
        draft.rewrap(recipients, age_file);
    }
    finish(writing, environment, draft, &text)?;
    let already = if before.is_some() { ", as before" } else { "" };
    let count = counted(opened.file().entries.len(), "secret");
    writing.context.remark(&format!("{environment}: `{name}` can read {count}{already}\n"));
    Ok(())
}

pub(super) fn finish(writing: &Writing<'_>, environment: &str, draft: Draft, text: &str) -> Outcome {
    let finished = if draft.is_changed() {
        draft.finish(text).map_err(|problem| writing.stop(problem))?
    } else {
        Finished::cleartext(text.to_owned(), writing.file(environment)?)
    };
    writing.write(environment, &finished)
}

pub(super) fn write_config(writing: &Writing<'_>, change: impl FnOnce(&str) -> Option<String>) -> Outcome {
    let text = writing.loaded.sources.text(writing.model.config.id.span.source);
    let Some(changed) = change(&text) else {
        let problem = Diagnostic::error(
            Code::Unsupported,
            "`[recipients]` of envctl.toml is not written as a table with a header",
        );
        return Err(
            writing.stop(problem.help("write `[recipients]` on a line of its own, a line for each name below it"))
        );
    };
    if *changed == *text {
        return Ok(());
    }
    writing.write_file(CONFIG, changed.as_bytes(), |_| true)
}

/// The same values under a new key.
pub(super) fn rekeyed(
    writing: &Writing<'_>,
    mut draft: Draft,
    recipients: BTreeMap<String, String>,
) -> Result<Draft, Exit> {
    let key = update::new_key().map_err(|problem| writing.stop(problem))?;
    let age_file = writing.context.wrap(&key, &recipients)?;
    draft.rekey(key, recipients, age_file).map_err(|problem| writing.stop(problem))?;
    Ok(draft)
}

/// Seals to those declared. All is asked and opened before the first file is written.
pub(super) fn apply(args: &Apply, context: &Context) -> Outcome {
    let mut writing = Writing::begin(context, &Wanted::All)?;
    writing.forget(Code::StaleRecipients);
    let names = environments(&mut writing, &args.environments)?;
    let mut differing = Vec::new();
    for environment in names {
        let differences = differences(&writing.model, writing.file(&environment)?);
        if !differences.is_empty() {
            confirm_change(&mut writing, &environment, &differences, &args.recipients)?;
            differing.push(environment);
        }
    }
    for environment in &differing {
        writing.open(environment)?;
    }
    let mut lost = Lost::default();
    for environment in &differing {
        apply_to(&mut writing, environment, &mut lost)?;
    }
    if differing.is_empty() {
        context.remark(&format!("all are sealed to those declared: {TAIL}\n"));
    }
    lost.report(context, args.accept_exposure)
}

/// A change of readers is shown by name. `--yes` does not answer here: without a terminal the readers have to be named.
fn confirm_change(writing: &mut Writing<'_>, environment: &str, differences: &[String], given: &[String]) -> Outcome {
    let wanted = declared(writing, environment)?;
    let lockout = lockout(writing.context, environment, &wanted);
    if !given.is_empty() {
        if given.iter().collect::<BTreeSet<_>>() == wanted.keys().collect::<BTreeSet<_>>() {
            return writing.warn(lockout);
        }
        let message = format!("`--recipients` names others than `recipients` of `{environment}`");
        return Err(writing.stop(Diagnostic::error(Code::Usage, message)));
    }
    if !writing.context.terminal.can_ask() {
        let message = format!("the readers of `{environment}` would change, and there is no terminal to ask on");
        let problem = differences.iter().fold(Diagnostic::error(Code::Usage, message), Diagnostic::note);
        let names: Vec<&str> = wanted.keys().map(String::as_str).collect();
        return Err(writing.stop(problem.help(format!("add `--recipients {}`", names.join(",")))));
    }
    let lockout = lockout.map(|problem| format!("\nMind: {}.", problem.message)).unwrap_or_default();
    let question = format!(
        "The readers of `{environment}` change:\n  {}{lockout}\nSeal to those declared?",
        differences.join("\n  ")
    );
    writing.confirm(&question, false)
}

/// Wraps the key for more readers, or makes a new one where somebody is gone or has another key.
fn apply_to(writing: &mut Writing<'_>, environment: &str, lost: &mut Lost) -> Outcome {
    let wanted = declared(writing, environment)?;
    let Some(opened) = writing.open(environment)? else { return Ok(()) };
    let gone = |key: &String| !wanted.values().any(|kept| kept == key);
    let gone = opened.file().recipients.iter().filter(|(_, key)| gone(key)).map(|(name, _)| format!("`{name}`"));
    let gone: Vec<String> = gone.collect();
    let mut draft = Draft::of(&opened);
    if gone.is_empty() {
        let age_file = writing.context.wrap(draft.key(), &wanted)?;
        draft.rewrap(wanted, age_file);
    } else {
        draft = rekeyed(writing, draft, wanted)?;
    }
    finish(writing, environment, draft, &writing.text(environment))?;
    writing.context.remark(&format!("{environment}: sealed to those declared\n"));
    if !gone.is_empty() {
        lost.add(environment, opened.file().entries.keys(), gone);
    }
    Ok(())
}

/// Makes a new data key.
pub(super) fn rekey(args: &Rekey, context: &Context) -> Outcome {
    let environment = args.environment.as_str();
    let mut writing = Writing::begin(context, &Wanted::Named(vec![Some(environment.to_owned())]))?;
    context.environment_name(Some(environment), &writing.loaded, &writing.model)?;
    writing.settle(environment, &[])?;
    writing.confirm_protected(environment, "Make a new data key", args.yes)?;
    let Some(opened) = writing.open(environment)? else {
        return Err(writing.stop(Diagnostic::error(Code::Usage, format!("`{environment}` has no secrets"))));
    };
    let recipients = opened.file().recipients.clone();
    let draft = rekeyed(&writing, Draft::of(&opened), recipients)?;
    let fingerprint = draft.key().fingerprint();
    finish(&writing, environment, draft, &writing.text(environment))?;
    context.remark(&format!(
        "{environment}: new data key, generation {}, fingerprint {fingerprint}\n",
        opened.file().generation + 1
    ));
    Ok(())
}
