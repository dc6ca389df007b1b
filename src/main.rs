//! The `envctl` program.

use std::process::ExitCode;

use envctl::process::{EnvSnapshot, harden};

fn main() -> ExitCode {
    // A panic's message may quote data: only the place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|location| format!(" at {}:{}", location.file(), location.line()));
        let text = format!("error[bug]: envctl has a bug{}; please report it\n", place.unwrap_or_default());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }));
    let hardening = harden();
    let environment = EnvSnapshot::capture();
    if environment.get("COMPLETE").is_some() {
        envctl::cli::complete();
    }
    let arguments: Vec<_> = std::env::args_os().collect();
    let run = || envctl::cli::main(&arguments, environment, hardening);
    ExitCode::from(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or(101))
}
