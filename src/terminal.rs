//! The terminal: the only place that writes to standard output and standard error.

#[cfg(unix)]
mod hidden;

use std::io::{self, IsTerminal, Write};

use crate::process::EnvSnapshot;
use crate::secret::Secret;

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The longest line that is read from a person, in bytes.
const MAX_LINE: u64 = 4096;

/// What was typed where nothing is shown.
#[derive(Debug)]
pub enum Hidden {
    /// One line.
    Answer(Secret),
    /// More than one line was pasted; all of it was thrown away.
    SeveralLines,
}

/// Standard output and standard error of this process.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    attended: bool,
    color: bool,
    width: usize,
    quiet: bool,
}

impl Terminal {
    /// How to write, from the command line and the environment.
    pub fn new(color: Color, quiet: bool, environment: &EnvSnapshot) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let plain = environment.text("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
                io::stderr().is_terminal() && !plain
            }
        };
        let attended = environment.text("CI").is_none_or(|ci| ci == "false");
        Self { attended, color, width: width().unwrap_or(140), quiet }
    }

    /// Whether diagnostics are coloured.
    pub fn color(&self) -> bool {
        self.color
    }

    /// The width of diagnostics, in columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether warnings and summaries are left out.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Writes a part of the result. A reader that has gone is no error: `envctl list | head -1` ends quietly.
    pub fn result(&self, text: &str) -> io::Result<()> {
        write(&mut io::stdout().lock(), text.as_bytes())
    }

    /// Writes what is not the result: diagnostics and remarks.
    pub fn remark(&self, text: &str) -> io::Result<()> {
        write(&mut io::stderr().lock(), text.as_bytes())
    }

    /// Whether somebody can be asked: a terminal to write to and one to read from, and no CI.
    pub fn can_ask(&self) -> bool {
        self.attended && io::stderr().is_terminal() && tty().is_some()
    }

    /// Asks a question and gives the answer without white space around it; nothing if nobody can be asked.
    pub fn ask(&self, question: &str) -> Option<String> {
        self.line(question).map(|line| line.trim().to_owned())
    }

    /// Asks for a line as it is typed; nothing if nobody can be asked or the terminal is closed.
    pub fn line(&self, question: &str) -> Option<String> {
        let mut tty = tty().filter(|_| self.can_ask())?;
        write(&mut tty, question.as_bytes()).ok()?;
        let mut line = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(io::Read::take(tty, MAX_LINE)), &mut line).ok()?;
        Some(line.strip_suffix('\n')?.to_owned())
    }

    /// Asks for a secret on one line, which is not shown; nothing if nobody can be asked.
    pub fn ask_hidden(&self, question: &str) -> Option<Hidden> {
        hidden::ask(tty().filter(|_| self.can_ask())?, question)
    }

    /// Whether the result would be seen by whoever looks at the screen.
    pub fn shows_result(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The one door through which plaintext reaches standard output; the caller has checked [`Self::shows_result`].
    pub fn reveal(&self, secret: &Secret) -> io::Result<()> {
        write(&mut io::stdout().lock(), secret.expose())
    }
}

fn write(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    match stream.write_all(bytes).and_then(|()| stream.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// The terminal of this process, whatever its standard streams are.
fn tty() -> Option<std::fs::File> {
    let name = if cfg!(unix) { "/dev/tty" } else { "CON" };
    std::fs::OpenOptions::new().read(true).write(true).open(name).ok()
}

/// Asks on this terminal for a line that is not shown (not tested).
#[cfg(not(unix))]
mod hidden {
    pub(super) fn ask(_terminal: std::fs::File, question: &str) -> Option<super::Hidden> {
        let typed = rpassword::prompt_password(question).ok()?;
        Some(super::Hidden::Answer(crate::secret::Secret::from_string(typed)))
    }
}

#[cfg(unix)]
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col >= 40).then_some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn width() -> Option<usize> {
    None
}
