//! `envctl resolve`: finish a merge of sealed files that was left in conflict or made without envctl.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::git::{below, environment_of, failed, open, project_id, project_path};
use super::versions::{self, Found};
use super::writing::TAIL;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, safe};
use crate::git::Git;
use crate::merging::{self, Need, Trio, Versions, Work};
use crate::project::MAX_FILE;
use crate::sealed::SealedFile;
use crate::sealed::merge::{Choices, Merge, Which};
use crate::source::SourceMap;
use crate::store::{self, Lock};
use crate::unseal::Unsealer;

/// Finish a merge of sealed secrets
///
/// Both sides and what they came from are taken from git and verified; what nobody has changed twice is merged by name, and
/// the rest is asked for. Without FILE: every environment of the project that is in conflict.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment file
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Whose entries are taken: `ours` or `theirs`, then the names
    #[arg(long, value_names = ["SIDE", "NAME"], num_args = 2.., action = clap::ArgAction::Append)]
    take: Vec<String>,
    /// Whose key and recipients go on, where both sides changed them
    #[arg(long, value_name = "SIDE", value_parser = side)]
    key: Option<Which>,
}

fn side(word: &str) -> Result<Which, &'static str> {
    match word {
        "ours" => Ok(Which::Ours),
        "theirs" => Ok(Which::Theirs),
        _ => Err("`ours` or `theirs`"),
    }
}

/// One run over the files of a repository.
struct Resolving<'c> {
    context: &'c Context,
    git: Git,
    root: PathBuf,
    choices: Choices,
    unsealer: Unsealer<'c>,
    sources: SourceMap,
}

/// Resolves one file or all.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let root = context.root()?;
    let git = open(context, &root)?;
    let project = project_path(context, &git, &root)?;
    let choices = Choices { entries: taken(args, context)?, key: args.key };
    let paths = match &args.file {
        Some(file) => vec![path_of(context, &git, &project, file)?],
        None => paths(context, &git, &project)?,
    };
    let unsealer = context.unsealer();
    let mut resolving = Resolving { context, git, root, choices, unsealer, sources: SourceMap::default() };
    let mut done = Ok(());
    let mut any = false;
    for path in &paths {
        match resolving.file(path) {
            Ok(written) => any |= written,
            // Each file says what is wrong with it.
            Err(exit) => done = Err(worse(done, exit)),
        }
    }
    if !any && done.is_ok() {
        context.remark("nothing to resolve\n");
    }
    done
}

/// Of what several files come to, the one that matters most.
fn worse(before: Outcome, exit: Exit) -> Exit {
    const ORDER: [u8; 7] = [101, 2, 6, 4, 3, 5, 1];
    let rank = |exit: &Exit| ORDER.iter().position(|code| *code == exit.0);
    match before {
        Err(before) if rank(&before) < rank(&exit) => before,
        _ => exit,
    }
}

/// `--take ours A B --take theirs C`.
fn taken(args: &Args, context: &Context) -> Result<std::collections::BTreeMap<String, Which>, Exit> {
    let mut entries = std::collections::BTreeMap::new();
    let mut now = None;
    for word in &args.take {
        match (side(word), now) {
            (Ok(which), _) => now = Some(which),
            (Err(_), Some(which)) if crate::sealed::is_entry(word) => drop(entries.insert(word.clone(), which)),
            _ => {
                let problem = Diagnostic::error(Code::Usage, "`--take` wants `ours` or `theirs`, then names");
                return Err(context.fail(problem.help("envctl resolve FILE --take ours NAME")));
            }
        }
    }
    Ok(entries)
}

/// The path of a file in the repository.
fn path_of(context: &Context, git: &Git, project: &str, file: &Path) -> Result<String, Exit> {
    let top = git.top().canonicalize().unwrap_or_else(|_| git.top().to_owned());
    let real = file.canonicalize().ok();
    let path = real.as_ref().and_then(|real| real.strip_prefix(top).ok()?.to_str());
    path.filter(|path| environment_of(path).is_some_and(|(root, _)| root == project)).map(str::to_owned).ok_or_else(
        || {
            let message = "FILE has to be an environment of this project";
            context.fail(Diagnostic::error(Code::Usage, message).help("envctl resolve environments/NAME.toml"))
        },
    )
}

/// The environments of a project that are in conflict; all of them where none is: the merge may be committed.
fn paths(context: &Context, git: &Git, project: &str) -> Result<Vec<String>, Exit> {
    let staged = git.staged(&below(project, "environments")).map_err(|error| failed(context, error))?;
    let open: BTreeSet<&str> = staged.iter().filter(|one| one.stage > 0).map(|one| one.path.as_str()).collect();
    let all: BTreeSet<&str> = staged.iter().map(|one| one.path.as_str()).collect();
    let paths = if open.is_empty() { all } else { open };
    Ok(paths.into_iter().filter(|path| environment_of(path).is_some()).map(str::to_owned).collect())
}

impl Resolving<'_> {
    /// Resolves a file; tells whether there was anything to do.
    fn file(&mut self, path: &str) -> Result<bool, Exit> {
        let found = versions::find(&self.git, path).map_err(|error| failed(self.context, error))?;
        let Some(found) = found else { return self.no_merge(path) };
        let mut problems = Diagnostics::default();
        let committed = found.committed;
        let read = self.versions(path, found, &mut problems);
        let bytes = store::read_limited(&self.git.top().join(path), MAX_FILE)
            .map_err(|_| self.context.fail(Diagnostic::error(Code::Io, format!("{path} cannot be read"))))?;
        let work = read.as_ref().and_then(|one| Work::read(one, bytes.clone(), &mut self.sources, &mut problems));
        let (Some(versions), Some(work)) = (read, work) else {
            return Err(self.stop(problems));
        };
        if committed && self.is_whole(&versions, &work) {
            return Ok(false);
        }
        let sealed = match versions.need().map_err(|problem| self.stop_on(problem))? {
            Need::Nothing(sealed) => sealed.map(|sealed| SealedFile::clone(&sealed)),
            Need::New(which) => {
                let new = versions.verify_new(which, &self.git, &mut self.unsealer);
                Some(SealedFile::clone(&*new.map_err(|problem| self.stop_on(problem))?))
            }
            Need::Merge => Some(self.merged(&versions, &work)?),
        };
        self.write(&versions, &work, &bytes, sealed.as_ref())?;
        Ok(true)
    }

    /// Git knows of no merge of this file: then it is not to be left in the middle of one.
    fn no_merge(&self, path: &str) -> Result<bool, Exit> {
        let text = store::read_limited(&self.git.top().join(path), MAX_FILE).unwrap_or_default();
        let marked = text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"<<<<<<< "));
        if !marked {
            return Ok(false);
        }
        let message = format!("{path}: there are markers of a merge, and git knows of none");
        let problem = Diagnostic::error(Code::MergeConflict, message);
        Err(self
            .stop_on(problem.help("take the file as one side had it, `git checkout COMMIT -- FILE`, and merge again")))
    }

    fn versions(&mut self, path: &str, found: Found, problems: &mut Diagnostics) -> Option<Versions> {
        let (root, environment) = environment_of(path)?;
        let project = project_id(&self.git, root).or_else(|| {
            problems.push(Diagnostic::error(Code::NotAProject, format!("{path}: there is no readable envctl.toml")));
            None
        })?;
        let Found { base, ours, theirs, commits, .. } = found;
        let sources = &mut self.sources;
        let mut read = |bytes, which| merging::read(environment, merging::label(path, which), bytes, sources, problems);
        let base = base.map(|base| read(base, "base"));
        let (ours, theirs) = (read(ours, "ours"), read(theirs, "theirs"));
        let base = if let Some(base) = base { Some(base?) } else { None };
        let (environment, path) = (environment.to_owned(), path.to_owned());
        Some(Versions { environment, project, path, commits, base, ours: ours?, theirs: theirs? })
    }

    /// Whether the file is sealed as it stands: then a committed merge needs nothing.
    fn is_whole(&mut self, versions: &Versions, work: &Work) -> bool {
        let plain = versions.ours.sealed().is_none() && versions.theirs.sealed().is_none();
        let unsealer = &mut self.unsealer;
        plain || work.whole().is_some_and(|sealed| unsealer.open_sealed(sealed, &versions.environment, None).is_ok())
    }

    fn merged(&mut self, versions: &Versions, work: &Work) -> Result<SealedFile, Exit> {
        let mut trio = versions.open(&mut self.unsealer).map_err(|problem| self.stop_on(problem))?;
        versions.consult(&self.git, &mut trio, &mut self.unsealer).map_err(|problem| self.stop_on(problem))?;
        let strangers = work.strangers(&trio);
        if !strangers.is_empty() {
            return Err(self.strange(versions, &strangers));
        }
        let between = trio.between();
        let mut choices = self.choices.clone();
        let refused = |refusal| self.stop_on(versions.refused(&refusal));
        let first = trio.sides(&between).merge(&choices).map_err(refused)?;
        work.choices(&trio, &first, &mut choices);
        self.ask(versions, &first, &mut choices)?;
        let merge = trio.sides(&between).merge(&choices).map_err(refused)?;
        self.tell(versions, work, &trio, &merge);
        let wrapped = merging::sealed(&merge, |key, recipients| self.context.wrap(key, recipients));
        wrapped.map_err(|error| error.map_or_else(|exit| exit, |problem| self.stop_on(problem)))
    }

    /// Asks for every entry that has not been decided; without a terminal they are listed.
    fn ask(&self, versions: &Versions, merge: &Merge<'_>, choices: &mut Choices) -> Outcome {
        let mut open = Diagnostics::default();
        for (name, conflict) in merge.conflicts() {
            if choices.entries.contains_key(name) {
                continue;
            }
            let (ours, theirs) = (conflict.ours.words(), conflict.theirs.words());
            let question = format!("{name}: ours {ours}, theirs {theirs}. Take (o)urs or (t)heirs? ");
            let answer = self.context.terminal.ask(&question).unwrap_or_default().to_ascii_lowercase();
            match answer.as_str() {
                "o" | "ours" => drop(choices.entries.insert(name.clone(), Which::Ours)),
                "t" | "theirs" => drop(choices.entries.insert(name.clone(), Which::Theirs)),
                _ => open.push(versions.in_conflict(name, *conflict)),
            }
        }
        self.context.stop_on_errors(open, &self.sources, TAIL)
    }

    /// What a person may not expect.
    fn tell(&self, versions: &Versions, work: &Work, trio: &Trio, merge: &Merge<'_>) {
        let mut problems = Diagnostics::default();
        problems.extend(versions.left_out(merge));
        // A warning never ends a command.
        let _ = self.context.stop_on_errors(problems, &self.sources, "");
        for (name, which) in work.overruled(trio, merge) {
            let (kept, other) = (which.word(), which.other().word());
            let line = format!(
                "{name}: the change by {kept} is taken, which the file had lost; `--take {other} {name}` drops it\n"
            );
            self.context.remark(&line);
        }
    }

    fn strange(&self, versions: &Versions, names: &BTreeSet<String>) -> Exit {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = format!("{}: entries that neither side of the merge has so: {}", versions.path, names.join(", "));
        let problem = Diagnostic::error(Code::NotInEitherParent, message);
        let problem = problem
            .note("changed by hand, copied from elsewhere, put in by somebody, or missing though both sides have them");
        self.stop_on(problem.help(format!("`git checkout -m -- {}` begins the merge of this file anew", versions.path)))
    }

    /// Writes what was decided, if the file still is what it was decided of: nobody had to wait meanwhile.
    fn write(&self, versions: &Versions, work: &Work, before: &[u8], sealed: Option<&SealedFile>) -> Outcome {
        let path = &versions.path;
        let text = work.with(sealed).ok_or_else(|| {
            self.context
                .fail(Diagnostic::error(Code::MergeConflict, format!("{path} is no TOML")).help("edit it first"))
        })?;
        let _lock = self.lock(path, before)?;
        let (environment, mut sources) = (&versions.environment, SourceMap::default());
        let verify = |bytes: &[u8]| {
            let read =
                merging::read(environment, path.clone(), bytes.to_vec(), &mut sources, &mut Diagnostics::default());
            let same = read.is_some_and(|read| read.sealed().map(AsRef::as_ref) == sealed);
            if same { Ok(()) } else { Err("it does not read back as meant") }
        };
        store::replace_verified(&self.git.top().join(path), &self.root, text.as_bytes(), verify)
            .map_err(|error| self.context.fail(Diagnostic::error(Code::Io, error.describe_as(path))))?;
        let revision = sealed.map(|sealed| format!(", sealed as revision {}", sealed.revision)).unwrap_or_default();
        self.context.remark(&format!("{}: resolved{revision}\n", safe(path)));
        // To be copied into a shell: quoted where it has to be, and left out where nothing can carry it.
        match shlex::try_quote(path).ok().filter(|quoted| matches!(safe(quoted), Cow::Borrowed(_))) {
            Some(quoted) => self.context.print(&format!("git add {quoted}\n")),
            None => Ok(()),
        }
    }

    fn lock(&self, path: &str, before: &[u8]) -> Result<Lock, Exit> {
        let lock = Lock::project(&self.root, store::DEADLINE).map_err(|error| {
            let message = format!("the project cannot be locked: {}", error.describe());
            self.context.fail(Diagnostic::error(Code::Io, message))
        })?;
        if store::read_limited(&self.git.top().join(path), MAX_FILE).is_ok_and(|now| now == before) {
            return Ok(lock);
        }
        let problem = Diagnostic::error(Code::ChangedMeanwhile, format!("{path} was changed meanwhile"));
        Err(self.context.fail(problem.help("run `envctl resolve` again")))
    }

    fn stop_on(&self, problem: Diagnostic) -> Exit {
        let mut problems = Diagnostics::default();
        problems.push(problem);
        self.stop(problems)
    }

    fn stop(&self, problems: Diagnostics) -> Exit {
        self.context.stop_on_errors(problems, &self.sources, TAIL).err().unwrap_or(Exit(1))
    }
}
