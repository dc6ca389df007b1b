//! `envctl keygen`: a new identity, into the user's own file or the keyring.

use std::path::{Path, PathBuf};

use crate::context::{Context, Exit, Outcome};
use crate::diagnostic::{Code, Diagnostic};
use crate::identity::{self, Identities, KeyringProblem, WORK_FACTOR};
use crate::secret::Secret;
use crate::store;

/// Make an identity: the key that opens what is sealed for you
///
/// The identity goes to `~/.config/envctl/identity.txt`, readable by you alone, and its recipient, which others may
/// know, to standard output. An identity that is there is never replaced.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file, instead of the default one
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Keep it in the keyring of the operating system
    #[arg(long, conflicts_with_all = ["output", "passphrase"])]
    keyring: bool,
    /// Protect it by a passphrase
    #[arg(long)]
    passphrase: bool,
    /// Print the recipient of the identity there is
    #[arg(long, conflicts_with = "passphrase")]
    show: bool,
}

/// Makes an identity, or shows the recipient of one.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    if args.show {
        return show(args, context);
    }
    let created = created();
    let (recipient, place) = if args.keyring {
        let (text, recipient) = identity::generate(&created);
        identity::keep(&text).map_err(|problem| not_kept(problem, context))?;
        (recipient, String::from("the keyring of this system"))
    } else {
        let path = free_file(args, context)?;
        let passphrase = args.passphrase.then(|| new_passphrase(context)).transpose()?;
        let (text, recipient) = identity::generate(&created);
        write(&path, &text, passphrase.as_ref(), context)?;
        (recipient, path.display().to_string())
    };
    context.print(&format!("{recipient}\n"))?;
    context.remark(&format!(
        "the identity is in {place}; what is printed is its recipient\n\
         keep a copy of it in a safe place: what is sealed for it alone is lost with it\n"
    ));
    Ok(())
}

/// Makes an identity in the usual place, without a passphrase; gives its recipient. Nothing if it cannot be kept, which is
/// then reported.
pub(super) fn default_identity(context: &Context) -> Option<(String, PathBuf)> {
    let path = identity::default_file(&context.environment).filter(|path| path.symlink_metadata().is_err())?;
    let (text, recipient) = identity::generate(&created());
    write(&path, &text, None, context).ok()?;
    Some((recipient, path))
}

/// Now (UTC), as identity files show it.
fn created() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn show(args: &Args, context: &Context) -> Outcome {
    let mut identities = if args.keyring {
        Identities::in_keyring(&context.environment, context.person())
    } else {
        context.identities(args.output.clone())
    };
    let own = identities.show().map_err(|error| context.fail(error.diagnostic(None)))?;
    for one in &own {
        context.print(&format!("{}\n", one.recipient))?;
    }
    if let Some(first) = own.first() {
        context.remark(&format!("of {}\n", first.source));
    }
    Ok(())
}

/// The file to be made; one that is there is not touched.
fn free_file(args: &Args, context: &Context) -> Result<PathBuf, Exit> {
    let default = || identity::default_file(&context.environment);
    let Some(path) = args.output.clone().or_else(default) else {
        let problem = Diagnostic::error(Code::Io, "neither XDG_CONFIG_HOME nor HOME says where identities are");
        return Err(context.fail(problem.help("name a file with `-o`")));
    };
    if path.symlink_metadata().is_ok() {
        return Err(occupied(&path, context));
    }
    Ok(path)
}

fn occupied(path: &Path, context: &Context) -> Exit {
    let message = format!("{} exists already, and an identity is never replaced", path.display());
    let problem =
        Diagnostic::error(Code::Io, message).help("`envctl keygen --show` prints the recipient of what is there");
    context.fail(problem.help("to make a new one, move it away and keep it: it opens what is sealed for it"))
}

/// Asks twice.
fn new_passphrase(context: &Context) -> Result<Secret, Exit> {
    let person = context.person();
    let wrong = |message: &str| context.fail(Diagnostic::error(Code::Usage, message));
    let nobody = || wrong("`--passphrase` asks for it, and there is no terminal to ask on");
    let first = person.passphrase("passphrase of the new identity").ok_or_else(nobody)?;
    if first.size() == 0 {
        return Err(wrong("no passphrase was given; nothing was made"));
    }
    let again = person.passphrase("the same again").ok_or_else(nobody)?;
    if !first.same_bytes(&again) {
        return Err(wrong("the two passphrases differ; nothing was made"));
    }
    Ok(first)
}

fn write(path: &Path, text: &Secret, passphrase: Option<&Secret>, context: &Context) -> Outcome {
    let failed = |error: store::WriteError| match error {
        store::WriteError::Failed { kind: std::io::ErrorKind::AlreadyExists, .. } => occupied(path, context),
        error => context.fail(Diagnostic::error(Code::Io, error.describe())),
    };
    if Some(path) == identity::default_file(&context.environment).as_deref()
        && let Some(directory) = path.parent()
    {
        store::create_private_dir(directory).map_err(|error| {
            let message = format!("{} cannot be made: {}", directory.display(), store::describe(error.kind()));
            context.fail(Diagnostic::error(Code::Io, message))
        })?;
    }
    let Some(passphrase) = passphrase else {
        return store::write_private_new(path, text.expose()).map(drop).map_err(failed);
    };
    let Some(protected) = identity::protect(text, passphrase, WORK_FACTOR) else {
        return Err(context.fail(Diagnostic::error(Code::Usage, "the passphrase has to be UTF-8 text")));
    };
    store::write_private_new(path, &protected).map(drop).map_err(failed)
}

fn not_kept(problem: KeyringProblem, context: &Context) -> Exit {
    let message = format!("the keyring cannot keep the identity: {}", problem.describe());
    let diagnostic = Diagnostic::error(Code::Io, message);
    context.fail(match problem {
        KeyringProblem::Occupied => {
            diagnostic.help("`envctl keygen --keyring --show` prints the recipient of what is there")
        }
        _ => diagnostic.help("without `--keyring` it goes into a file that only you can read"),
    })
}
