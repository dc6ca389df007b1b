//! A new value: from a prompt, standard input, a file or a generator, and never from the command line.

use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::context::{Context, Exit};
use crate::diagnostic::{Code, Diagnostic};
use crate::generate;
use crate::kind::Kind;
use crate::schema::Variable;
use crate::sealed::MAX_VALUE;
use crate::secret::Secret;
use crate::store::{self, ReadProblem};
use crate::terminal::Hidden;

/// Where the value comes from.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Input {
    /// Read the value from standard input; one final newline is dropped
    #[arg(long, conflicts_with_all = ["file", "generate"])]
    stdin: bool,
    /// Take the bytes of a file, exactly
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    file: Option<PathBuf>,
    /// Make the value as the schema's `generate` says
    #[arg(long)]
    generate: bool,
    /// Keep a final newline of standard input
    #[arg(long, requires = "stdin")]
    raw: bool,
    /// Allow the empty value
    #[arg(long)]
    empty: bool,
}

impl Input {
    /// Gets the value for a variable.
    pub(super) fn value(&self, context: &Context, variable: &Variable) -> Result<Secret, Exit> {
        let value = match (&self.file, self.stdin, self.generate) {
            (Some(path), _, _) => from_file(context, path)?,
            (None, true, _) => from_stdin(context, self.raw)?,
            (None, false, true) => generated(context, variable)?,
            (None, false, false) => prompted(context, variable)?,
        };
        if value.size() == 0 && !self.empty {
            let problem = Diagnostic::error(Code::Usage, "the value is empty");
            return Err(
                context.fail(problem.help("`--empty` says that this is meant; `envctl unset` takes a value away"))
            );
        }
        Ok(value)
    }
}

fn too_large(context: &Context) -> Exit {
    let message = format!("the value is longer than {} MiB", MAX_VALUE >> 20);
    let help = "keep it in a file, and the file's path in a variable of type `path`";
    context.fail(Diagnostic::error(Code::ValueTooLarge, message).help(help))
}

fn from_file(context: &Context, path: &std::path::Path) -> Result<Secret, Exit> {
    let shown = path.display();
    store::read_limited(path, MAX_VALUE as u64).map(Secret::new).map_err(|problem| {
        let problem = match problem {
            ReadProblem::NotRegular { kind } => {
                let problem = Diagnostic::error(Code::NotARegularFile, format!("{shown} is {kind}, not a file"));
                problem.help("`--stdin` takes what comes through a pipe")
            }
            ReadProblem::TooLarge { .. } => return too_large(context),
            ReadProblem::Io(kind) => {
                Diagnostic::error(Code::Io, format!("{shown} cannot be read: {}", store::describe(kind)))
            }
        };
        context.fail(problem)
    })
}

fn from_stdin(context: &Context, raw: bool) -> Result<Secret, Exit> {
    // Of the full size from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_VALUE + 2));
    let read = std::io::stdin().lock().take(MAX_VALUE as u64 + 2).read_to_end(&mut bytes);
    if let Err(error) = read {
        let message = format!("standard input cannot be read: {}", store::describe(error.kind()));
        return Err(context.fail(Diagnostic::error(Code::Io, message)));
    }
    if !raw && bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.len() > MAX_VALUE {
        return Err(too_large(context));
    }
    Ok(Secret::new(bytes.to_vec()))
}

fn generated(context: &Context, variable: &Variable) -> Result<Secret, Exit> {
    let Some(recipe) = &variable.generate else {
        let message = format!("`{}` has no `generate` in schema `{}`", variable.name, variable.schema);
        let help = "say for example `generate = { kind = \"base64url\", bytes = 32 }` there";
        return Err(context.fail(Diagnostic::error(Code::Usage, message).help(help)));
    };
    generate::generate(&recipe.value)
        .map_err(|_| context.fail(Diagnostic::error(Code::Io, "the system's random generator failed")))
}

fn prompted(context: &Context, variable: &Variable) -> Result<Secret, Exit> {
    let name = &variable.name;
    let many_lines = matches!(variable.kind.value, Kind::Pem | Kind::Json) || variable.as_file.is_some();
    if many_lines {
        let problem =
            Diagnostic::error(Code::Usage, format!("`{name}` can have several lines, and a prompt reads one"));
        return Err(context.fail(problem.help("`--file FILE` or `--stdin` takes all of it")));
    }
    if !context.terminal.can_ask() {
        let problem = Diagnostic::error(Code::Usage, "there is no terminal to ask for the value on");
        return Err(context.fail(problem.help("`--stdin`, `--file FILE` or `--generate` says where it comes from")));
    }
    if !variable.is_secret()
        && let Some(line) = context.terminal.line(&format!("{name}: "))
    {
        return Ok(Secret::from_string(line));
    }
    match context.terminal.ask_hidden(&format!("{name} (not shown): ")) {
        Some(Hidden::Answer(value)) => Ok(value),
        Some(Hidden::SeveralLines) => {
            let problem = Diagnostic::error(Code::Usage, "more than one line was pasted; all of it was thrown away");
            Err(context.fail(problem.help("`--file FILE` or `--stdin` takes several lines")))
        }
        // The end of the input, or a terminal that has gone: a person's "no".
        None => {
            context.remark("no value was given: nothing was written\n");
            Err(Exit(1))
        }
    }
}
