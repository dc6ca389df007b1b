//! Changing who can read: `recipients add`, `remove`, `apply`, and `rekey`.

use std::collections::{BTreeMap, BTreeSet};

use super::complete;
use super::recipients::{declared, declaring, differences};
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
struct Chosen {
    /// The environments
    #[arg(value_name = "ENV", add = complete::environments())]
    environments: Vec<String>,
    /// All environments that have secrets
    #[arg(long, conflicts_with = "environments")]
    all: bool,
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

/// Arguments of `recipients remove`.
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    /// The name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    chosen: Chosen,
    /// What they could read stays in use: exit with 0 all the same
    #[arg(long)]
    accept_exposure: bool,
    /// They go on reading what the environments inherit
    #[arg(long)]
    keep_parents: bool,
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

fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The project, locked, and the environments that are meant, in the order of their bytes.
fn begin<'c>(context: &'c Context, chosen: &Chosen) -> Result<(Writing<'c>, Vec<String>), Exit> {
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
    }
    for environment in &environments {
        writing.confirm_protected(environment, &format!("Let {} read it", args.name), args.yes)?;
    }
    // Opened before anything is written: without a key nothing is begun.
    for environment in &environments {
        writing.open(environment)?;
    }
    write_config(&writing, |text| assign::with_recipient(text, &args.name, &args.recipient))?;
    for environment in &environments {
        add_to(&mut writing, environment, &args.name, &args.recipient)?;
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

/// What is sealed counts as well: another key under the name is taken away by `remove` alone, which makes a new data key.
fn check_sealed(writing: &Writing<'_>, environment: &str, name: &str, key: &str) -> Outcome {
    let Some((sealed, spans)) = &writing.file(environment)?.sealed else { return Ok(()) };
    let other = sealed.recipients.iter().find(|(other, known)| (*other == name) != (*known == key));
    let Some((other, _)) = other else { return Ok(()) };
    let problem = if other == name {
        let message = format!("`{name}` reads `{environment}` with another key");
        let help =
            format!("`envctl recipients remove {name} {environment}` first: a key is replaced with a new data key");
        Diagnostic::error(Code::Usage, message).help(help)
    } else {
        let message = format!("this key reads `{environment}` already, as `{other}`");
        Diagnostic::error(Code::Usage, message).help("add it under that name")
    };
    Err(writing.stop(problem.at(spans.recipients, "sealed so")))
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
    writing
        .context
        .remark(&format!("{environment}: `{name}` can read {}\n", counted(opened.file().entries.len(), "secret")));
    Ok(())
}

fn finish(writing: &Writing<'_>, environment: &str, draft: Draft, text: &str) -> Outcome {
    let finished = if draft.is_changed() {
        draft.finish(text).map_err(|problem| writing.stop(problem))?
    } else {
        Finished::cleartext(text.to_owned(), writing.file(environment)?)
    };
    writing.write(environment, &finished)
}

fn write_config(writing: &Writing<'_>, change: impl FnOnce(&str) -> Option<String>) -> Outcome {
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

/// Removes somebody: files in the order of their names, `envctl.toml` last.
pub(super) fn remove(args: &Remove, context: &Context) -> Outcome {
    let (mut writing, environments) = begin(context, &args.chosen)?;
    let reads = |file: &EnvironmentFile| {
        let sealed = file.sealed.as_ref().is_some_and(|(sealed, _)| sealed.recipients.contains_key(&args.name));
        sealed || file.recipients.iter().flat_map(|list| &list.value).any(|one| one.value == args.name)
    };
    let concerned: Vec<String> =
        environments.into_iter().filter(|name| writing.model.environments.get(name).is_some_and(reads)).collect();
    let known = writing.model.config.recipients.contains_key(&args.name);
    if concerned.is_empty() && !known {
        let near = crate::name::nearest(&args.name, writing.model.config.recipients.keys().map(String::as_str));
        let problem = Diagnostic::error(Code::Usage, "there is no such recipient");
        return Err(context.fail(problem.help_some(near.map(|near| format!("did you mean `{near}`?")))));
    }
    for environment in &concerned {
        writing.confirm_protected(environment, &format!("Take the right to read from {}", args.name), args.yes)?;
        writing.open(environment)?;
        not_the_last(&writing, environment, &args.name)?;
    }
    let parents = still_readable(&writing, &concerned, &args.name);
    let mut lost = Vec::new();
    for environment in &concerned {
        lost.extend(remove_from(&mut writing, environment, &args.name)?);
    }
    let left =
        writing.model.environments.values().filter(|file| reads(file)).any(|file| !concerned.contains(&file.name));
    if !left {
        write_config(&writing, |text| assign::without_recipient(text, &args.name))?;
    }
    report_removal(&writing, args, &lost, &parents)
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

/// The ancestors of the environments that are not among them and that `name` goes on reading.
fn still_readable(writing: &Writing<'_>, environments: &[String], name: &str) -> Vec<String> {
    let chains = environments.iter().filter_map(|environment| writing.model.chain(environment));
    let files = chains.flat_map(|chain| chain.levels);
    let readable =
        files.filter(|file| file.sealed.as_ref().is_some_and(|(sealed, _)| sealed.recipients.contains_key(name)));
    let names: BTreeSet<&str> =
        readable.map(|file| file.name.as_str()).filter(|file| !environments.iter().any(|one| one == file)).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Seals one environment anew without `name`; gives what they could read.
fn remove_from(writing: &mut Writing<'_>, environment: &str, name: &str) -> Result<Vec<String>, Exit> {
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
        return Ok(Vec::new());
    };
    let mut recipients = opened.file().recipients.clone();
    recipients.remove(name);
    let draft = rekeyed(writing, Draft::of(&opened), recipients)?;
    let could_read = opened.file().entries.keys().map(|entry| format!("{environment} {entry}")).collect();
    finish(writing, environment, draft, &text)?;
    Ok(could_read)
}

/// The same values under a new key.
fn rekeyed(writing: &Writing<'_>, mut draft: Draft, recipients: BTreeMap<String, String>) -> Result<Draft, Exit> {
    let key = update::new_key().map_err(|problem| writing.stop(problem))?;
    let age_file = writing.context.wrap(&key, &recipients)?;
    draft.rekey(key, recipients, age_file).map_err(|problem| writing.stop(problem))?;
    Ok(draft)
}

fn report_removal(writing: &Writing<'_>, args: &Remove, lost: &[String], parents: &[String]) -> Outcome {
    let context = writing.context;
    context.remark(&format!("`{}` cannot read what is sealed from now on\n", args.name));
    let mut code = exposure(context, &args.name, lost, args.accept_exposure)?;
    if !parents.is_empty() {
        context.remark(&format!("`{}` still reads what these inherit: {}\n", args.name, parents.join(", ")));
        if !args.keep_parents {
            context.remark(&format!(
                "envctl recipients remove {} {}, or --keep-parents if that is meant\n",
                args.name,
                parents.join(" ")
            ));
            code = 1;
        }
    }
    if code == 0 { Ok(()) } else { Err(Exit(code)) }
}

/// Lists what somebody could read; gives the exit code.
fn exposure(context: &Context, who: &str, lost: &[String], accepted: bool) -> Result<u8, Exit> {
    if lost.is_empty() {
        return Ok(0);
    }
    context.print(&(lost.join("\n") + "\n"))?;
    context.remark(&format!(
        "`{who}` knows the {} above, and git keeps them readable for old keys: give each a new value\n",
        counted(lost.len(), "secret")
    ));
    if !accepted {
        context.remark("`envctl recipients check` lists what is left of them; with --accept-exposure the exit code is 0 all the same\n");
    }
    Ok(u8::from(!accepted))
}

/// Seals to those declared.
pub(super) fn apply(args: &Apply, context: &Context) -> Outcome {
    let mut writing = Writing::begin(context, &Wanted::All)?;
    let names = environments(&mut writing, &args.environments)?;
    let mut changed = Vec::new();
    for environment in &names {
        let differences = differences(&writing.model, writing.file(environment)?);
        if !differences.is_empty() {
            // All are asked for before the first is written.
            confirm_change(&mut writing, environment, &differences, &args.recipients)?;
            writing.open(environment)?;
            changed.push(environment);
        }
    }
    let mut lost = Vec::new();
    for environment in &changed {
        lost.extend(apply_to(&mut writing, environment)?);
    }
    if changed.is_empty() {
        context.remark(&format!("all are sealed to those declared: {TAIL}\n"));
    }
    let code = exposure(context, "who was removed", &lost, args.accept_exposure)?;
    if code == 0 { Ok(()) } else { Err(Exit(code)) }
}

/// A change of readers is shown by name. `--yes` does not answer here: without a terminal the readers have to be named.
fn confirm_change(writing: &mut Writing<'_>, environment: &str, differences: &[String], given: &[String]) -> Outcome {
    let wanted = declared(writing, environment)?;
    if !given.is_empty() {
        if given.iter().collect::<BTreeSet<_>>() == wanted.keys().collect::<BTreeSet<_>>() {
            return Ok(());
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
    writing.confirm(
        &format!("The readers of `{environment}` change:\n  {}\nSeal to those declared?", differences.join("\n  ")),
        false,
    )
}

/// Wraps the key for more readers, or makes a new one where somebody is gone or has another key; gives what they could read.
fn apply_to(writing: &mut Writing<'_>, environment: &str) -> Result<Vec<String>, Exit> {
    let wanted = declared(writing, environment)?;
    let Some(opened) = writing.open(environment)? else { return Ok(Vec::new()) };
    let gone = opened.file().recipients.values().any(|key| !wanted.values().any(|kept| kept == key));
    let mut draft = Draft::of(&opened);
    let mut lost = Vec::new();
    if gone {
        lost.extend(opened.file().entries.keys().map(|entry| format!("{environment} {entry}")));
        draft = rekeyed(writing, draft, wanted)?;
    } else {
        let age_file = writing.context.wrap(draft.key(), &wanted)?;
        draft.rewrap(wanted, age_file);
    }
    finish(writing, environment, draft, &writing.text(environment))?;
    writing.context.remark(&format!("{environment}: sealed to those declared\n"));
    Ok(lost)
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
