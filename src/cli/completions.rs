//! `envctl completions`: the script that makes a shell complete commands, environments and variables.

use clap_complete::env::Shells;

use crate::context::{Context, Outcome};
use crate::diagnostic::{Code, Diagnostic};

/// Print the completion script of a shell
///
/// For bash: `source <(envctl completions bash)` in ~/.bashrc. For zsh the same in ~/.zshrc. For fish:
/// `envctl completions fish > ~/.config/fish/completions/envctl.fish`. Names of environments, schemas and variables of the
/// project at hand are completed as well.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    shell: String,
}

/// Prints the script; it calls `envctl` by name, so that it survives an update to another place.
pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let written = shells
        .completer(&args.shell)
        .map(|shell| shell.write_registration("COMPLETE", "envctl", "envctl", "envctl", &mut script));
    match written {
        Some(Ok(())) => context.print(&String::from_utf8_lossy(&script)),
        _ => Err(context.fail(Diagnostic::error(Code::Bug, "the completion script cannot be made"))),
    }
}
