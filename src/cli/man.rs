//! `envctl man`: manual pages, made from the same description as `--help`.

use std::path::PathBuf;

use clap_mangen::Man;

use crate::context::{Context, Outcome};
use crate::diagnostic::{Code, Diagnostic};

/// Print the manual page, or write one page for each command
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A directory for one page each of envctl and its commands
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Prints or writes manual pages.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let command = super::command();
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        return match Man::new(command).render(&mut page) {
            Ok(()) => context.print(&String::from_utf8_lossy(&page)),
            Err(error) => Err(context.unwritable(error.kind())),
        };
    };
    let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command, directory));
    written.map_err(|error| {
        let message = format!("{} cannot be written: {}", directory.display(), crate::store::describe(error.kind()));
        context.fail(Diagnostic::error(Code::Io, message))
    })
}
