//! `envctl init`: a new project, from nothing or from `.env` files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::backend::Backends;
use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, safe};
use crate::dotenv::{self, Doubt, DoubtKind, ProblemKind};
use crate::generate;
use crate::name;
use crate::project::{CONFIG, MAX_FILE};
use crate::resolve::Generate;
use crate::scaffold::{GITATTRIBUTES, GITIGNORE, Input, Scaffold, scaffold};
use crate::secret::Secret;
use crate::source::SourceMap;
use crate::store::{self, ReadProblem};

/// Make a project: schema, environments, your identity, .gitignore, git integration
///
/// With `--from` the variables of an existing `.env` file are declared and typed; what looks like a secret goes into the
/// local store of this machine and never into a file of the project. Nothing is overwritten: run it again for what is
/// missing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory, instead of this one
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Take the variables of a .env file, for `dev` or the environment named
    #[arg(long, value_name = "[ENV=]FILE")]
    from: Vec<String>,
    /// The project's name, instead of the directory's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Your name among the recipients, instead of the login name
    #[arg(long = "as", value_name = "NAME")]
    owner: Option<String>,
}

const TAIL: &str = "nothing was written";

/// Reads what there is, decides, writes, tells.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let directory = args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let exists = directory.join(CONFIG).symlink_metadata().is_ok();
    if exists && !args.from.is_empty() {
        let problem = Diagnostic::error(Code::Usage, "there is a project already; `--from` is for a new one");
        return Err(context.fail(problem.help("add the variables to the schema, and their values to an environment")));
    }
    let (inputs, mut remarks) = read_inputs(&args.from, context)?;
    let failed = |message: String| context.fail(Diagnostic::error(Code::Io, message));
    let made = std::fs::create_dir_all(&directory).and_then(|()| directory.canonicalize());
    let root = made.map_err(|error| failed(cannot(&directory, error.kind())))?;
    if args.owner.as_ref().is_some_and(|name| !name::is_word(name)) {
        let problem = Diagnostic::error(Code::Usage, "this cannot be the name of a recipient");
        return Err(context.fail(problem.help("lower-case letters, digits, `_` and `-`")));
    }
    let made = if exists { None } else { Some(new_project(args, &root, inputs, context)?) };
    remarks.tell(made.as_ref().map(|(_, made)| made), context)?;
    let mut written = Vec::new();
    if let Some((id, made)) = &made {
        keep_secrets(id, made, &root, context)?;
        written = write_files(made, &root).map_err(failed)?;
    }
    for (file, lines) in [(".gitignore", GITIGNORE), (".gitattributes", GITATTRIBUTES)] {
        if add_lines(&root, file, lines).map_err(failed)? {
            written.push(file.to_owned());
        }
    }
    tell(made.as_ref().map(|(_, made)| made), &written, context)?;
    super::owner::git(context, &root);
    Ok(())
}

/// What is to be said of the `.env` files.
#[derive(Default)]
struct Remarks {
    sources: SourceMap,
    problems: Diagnostics,
    /// With the environment of each.
    doubts: Vec<(String, Doubt)>,
}

impl Remarks {
    /// Shows everything, and ends the command if there is an error. A reference is no matter of doubt where it was
    /// followed; before anything was `made` none is told. One variable's alike doubts are told once.
    fn tell(&mut self, made: Option<&Scaffold>, context: &Context) -> Outcome {
        let mut seen = BTreeSet::new();
        for (environment, doubt) in self.doubts.drain(..) {
            let text = self.sources.text(doubt.span.source);
            if let (Some(name), Some(other)) = (&doubt.name, doubt.reference(&text))
                && made.is_none_or(|made| made.followed.contains(&(environment, name.clone(), other.to_owned())))
            {
                continue;
            }
            let again = !seen.insert((doubt.span.source, doubt.name.clone(), doubt.message.clone()));
            if again && doubt.name.is_some() && doubt.kind != DoubtKind::Duplicate {
                continue;
            }
            let diagnostic = Diagnostic::warning(Code::DotenvDoubt, doubt.message).at(doubt.span, "");
            let diagnostic = diagnostic.at_some(doubt.other, "first here").help_some(doubt.help.map(str::to_owned));
            self.problems.push(diagnostic);
        }
        context.stop_on_errors(std::mem::take(&mut self.problems), &self.sources, TAIL)
    }
}

/// The `.env` files, each for its environment, and what is to be said of them once it is known what becomes of them.
fn read_inputs(from: &[String], context: &Context) -> Result<(Vec<Input>, Remarks), Exit> {
    let mut remarks = Remarks::default();
    let mut inputs = Vec::new();
    for given in from {
        let (environment, file) = match given.split_once('=') {
            Some((environment, file)) if name::is_word(environment) => (environment, file),
            _ => ("dev", given.as_str()),
        };
        let Some(text) = read(Path::new(file), &mut remarks.problems) else {
            continue;
        };
        let source = remarks.sources.add_closed(file, text.as_str());
        let mut parsed = dotenv::parse(&text, source);
        for problem in &parsed.problems {
            let skipped = problem.kind == ProblemKind::InvalidName;
            let make = if skipped { Diagnostic::warning } else { Diagnostic::error };
            let diagnostic = make(Code::DotenvSyntax, problem.message.clone()).at(problem.span, "");
            remarks.problems.push(diagnostic.help(problem.help));
        }
        let doubts = std::mem::take(&mut parsed.doubts).into_iter();
        remarks.doubts.extend(doubts.map(|doubt| (environment.to_owned(), doubt)));
        inputs.push(Input { environment: environment.to_owned(), parsed });
    }
    if remarks.problems.has_errors() {
        remarks.tell(None, context)?;
    }
    Ok((inputs, remarks))
}

fn read(path: &Path, problems: &mut Diagnostics) -> Option<String> {
    let shown = path.display();
    let bytes = match store::read_limited(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(problem) => {
            let (code, message) = match problem {
                ReadProblem::NotRegular { kind } => (Code::NotARegularFile, format!("{shown} is {kind}, not a file")),
                ReadProblem::TooLarge { limit } => {
                    (Code::FileTooLarge, format!("{shown} is larger than {} MiB", limit >> 20))
                }
                ReadProblem::Io(kind) => (Code::Io, format!("{shown} cannot be read: {}", store::describe(kind))),
            };
            problems.push(Diagnostic::error(code, message));
            return None;
        }
    };
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let hint = if utf16 { " (it looks like UTF-16)" } else { "" };
            let message =
                format!("{shown} is not UTF-8 text: wrong at byte {}{hint}", error.utf8_error().valid_up_to());
            problems.push(Diagnostic::error(Code::NotUtf8, message));
            None
        }
    }
}

fn new_project(args: &Args, root: &Path, inputs: Vec<Input>, context: &Context) -> Result<(String, Scaffold), Exit> {
    let name = args.name.clone().or_else(|| Some(root.file_name()?.to_string_lossy().into_owned()));
    let id = generate::project_id()
        .map_err(|_| context.fail(Diagnostic::error(Code::Io, "the system's random generator failed")))?;
    let owner = super::owner::owner(context, args.owner.as_deref());
    let made = scaffold(name.as_deref().unwrap_or("project"), &id, owner.as_ref(), inputs);
    Ok((id, made))
}

/// Secrets go first: a project without them would have lost them.
fn keep_secrets(id: &str, made: &Scaffold, root: &Path, context: &Context) -> Outcome {
    let mut by_environment: BTreeMap<&str, Vec<(&str, &Secret)>> = BTreeMap::new();
    for value in &made.local {
        by_environment.entry(&value.environment).or_default().push((&value.name, &value.value));
    }
    let backends = Backends::new(&context.environment, id, root);
    for (environment, values) in by_environment {
        let kept = backends.local(environment, Generate::Store).and_then(|local| local.put(&values));
        kept.map_err(|error| {
            let message = format!("the secrets could not be kept: {}", error.describe());
            context.fail(Diagnostic::error(error.code(), message).help_some(error.help()))
        })?;
    }
    Ok(())
}

fn cannot(path: &Path, kind: ErrorKind) -> String {
    format!("{} cannot be written: {}", path.display(), store::describe(kind))
}

/// Writes what is not there yet, `envctl.toml` last: until then it is no project and `init` begins anew.
fn write_files(made: &Scaffold, root: &Path) -> Result<Vec<String>, String> {
    let mut written = Vec::new();
    let (config, others): (Vec<_>, Vec<_>) = made.files.iter().partition(|(path, _)| path == CONFIG);
    for (path, text) in others.into_iter().chain(config) {
        let full = root.join(path);
        if let Some(parent) = full.parent() {
            let made = std::fs::create_dir_all(parent).and_then(|()| parent.canonicalize());
            // A link in a repository must not make `init` write somewhere else.
            if !made.map_err(|error| cannot(&full, error.kind()))?.starts_with(root) {
                return Err(cannot(&full, ErrorKind::NotADirectory));
            }
        }
        if full.symlink_metadata().is_err() {
            store::write_new(&full, text.as_bytes()).map_err(|error| error.describe())?;
            written.push(path.clone());
        }
    }
    Ok(written)
}

/// Appends the lines that a file of `root` lacks; tells whether there were any.
pub(super) fn add_lines(root: &Path, file: &str, lines: &[&str]) -> Result<bool, String> {
    let path = &root.join(file);
    let before = match store::read_limited(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(ReadProblem::Io(ErrorKind::NotFound)) => Vec::new(),
        Err(ReadProblem::Io(kind)) => return Err(cannot(Path::new(file), kind)),
        Err(_) => return Err(cannot(Path::new(file), ErrorKind::InvalidData)),
    };
    let there: Vec<&[u8]> = before.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let missing: Vec<&str> = lines.iter().copied().filter(|line| !there.contains(&line.as_bytes())).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let mut text = before.clone();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    for line in missing {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    store::replace(path, &text).map_err(|error| error.describe_as(file))?;
    Ok(true)
}

/// What was decided and what to do next.
fn tell(made: Option<&Scaffold>, written: &[String], context: &Context) -> Outcome {
    let mut lines = Vec::new();
    if let Some(made) = made {
        for decision in &made.decisions {
            lines.push(format!("{}: {}\n", safe(&decision.text), decision.names.join(", ")));
        }
        // Two files may well have the same name that cannot be taken.
        let skipped = made.skipped.iter().map(|one| (&one.name, &one.reason)).collect::<BTreeSet<_>>();
        for (name, reason) in skipped {
            lines.push(format!("skipped {}: {}\n", safe(name), safe(reason)));
        }
    }
    if written.is_empty() {
        lines.push(String::from("nothing was missing\n"));
    } else {
        lines.push(format!("wrote {}\n", written.join(", ")));
        lines.push(String::from("next: envctl check, then envctl run -- COMMAND\n"));
        let local = made.iter().flat_map(|made| &made.local).map(|value| value.environment.as_str());
        for environment in local.collect::<BTreeSet<_>>() {
            let seal = format!("`envctl seal {environment} --from local` puts them into git, encrypted");
            lines.push(format!("the secrets of {environment} are on this machine alone: {seal}\n"));
        }
    }
    context.print(&lines.concat())
}
