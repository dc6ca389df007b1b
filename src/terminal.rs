//! The terminal: the only place that writes to standard output and standard error.

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

/// Standard output and standard error of this process.
#[derive(Debug)]
pub struct Terminal {
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
        Self { color, width: width().unwrap_or(140), quiet }
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

#[cfg(unix)]
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col >= 40).then_some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn width() -> Option<usize> {
    None
}
