//! How a person at a terminal is asked: on the terminal itself, so that standard input may be anything.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::context::Context;
use crate::diagnostic::safe;
use crate::identity::{Ask, Identities};
use crate::process::EnvSnapshot;
use crate::secret::Secret;

/// The longest line that is read from a person, in bytes.
const MAX_LINE: u64 = 4096;

/// A person at the terminal, if there is one.
#[derive(Debug)]
pub(super) struct Person {
    /// Whether somebody can be asked.
    there: bool,
}

impl Person {
    /// Nobody is asked in CI, nor where standard error is no terminal: the question would not be seen.
    pub(super) fn new(environment: &EnvSnapshot) -> Self {
        let ci = environment.get("CI").is_some_and(|value| !value.is_empty());
        Self { there: !ci && std::io::stderr().is_terminal() && terminal().is_some() }
    }

    /// Writes a question to the terminal and reads the answer, with echo.
    fn answer(&self, question: &str) -> Option<String> {
        if !self.there {
            return None;
        }
        let mut terminal = terminal()?;
        terminal.write_all(question.as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(terminal.take(MAX_LINE)).read_line(&mut line).ok()?;
        line.ends_with('\n').then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

impl Ask for Person {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        if !self.there {
            return None;
        }
        // Ctrl-C and a terminal that is closed: none was given.
        let typed = rpassword::prompt_password(format!("{}: ", safe(what))).unwrap_or_default();
        Some(Secret::from_string(typed))
    }

    fn message(&self, text: &str) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(std::io::stderr(), "{}", safe(text));
    }

    fn confirm(&self, text: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.unwrap_or("no");
        let choice = format!("{} [y: {}, n: {}] ", safe(text), safe(yes), safe(no));
        self.answer(&choice).map(|answer| ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }

    fn line(&self, text: &str) -> Option<String> {
        self.answer(&format!("{}: ", safe(text)))
    }
}

/// The terminal of this process.
#[cfg(unix)]
fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// The console (not tested).
#[cfg(not(unix))]
fn terminal() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("CON").ok()
}

/// The person who started this command.
pub(super) fn person(context: &Context) -> Arc<dyn Ask> {
    Arc::new(Person::new(&context.environment))
}

/// The identities of this user, or the one file instead of them that is named.
pub(super) fn identities(context: &Context, file: Option<PathBuf>) -> Identities {
    let file = file.or_else(|| context.globals.identity.clone());
    Identities::new(&context.environment, file, person(context))
}
