//! A line that is typed and not shown.
//!
//! The library that edits the line is given the keys, not the terminal: it would show the question before it switches
//! the echo off, and what is typed in between would be seen; and on Ctrl-C it would end this program without switching
//! the echo on again.

use std::fs::File;
use std::io::{self, Read, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios};

use super::Hidden;
use crate::secret::Secret;

/// Asks on this terminal. Nothing if the terminal is closed or the input ends; Ctrl-C ends this program.
pub(super) fn ask(terminal: File, question: &str) -> Option<Hidden> {
    let silent = Silent::new(terminal)?;
    (&silent.terminal).write_all(question.as_bytes()).ok()?;
    let keys = Keys(silent.terminal.try_clone().ok()?);
    let config = rpassword::ConfigBuilder::new().input_reader(keys).output_discard().build();
    let typed = rpassword::read_password_with_config(config);
    let more = silent.forget_more();
    // The return was not shown. A terminal that has gone needs none.
    let _ = (&silent.terminal).write_all(b"\n");
    drop(silent);
    if typed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionAborted) {
        // As if the terminal had sent it.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
    }
    let typed = Secret::from_string(typed.ok()?);
    Some(if more { Hidden::SeveralLines } else { Hidden::Answer(typed) })
}

/// What is typed; Ctrl-C ends it.
struct Keys(File);

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        match buffer.get(..count) {
            Some(typed) if typed.contains(&0x03) => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(count),
        }
    }
}

/// A terminal without echo, line editing and signals; it is as before when this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: File) -> Option<Self> {
        let before = termios::tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        let off = LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        silent.local_modes.remove(off);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        termios::tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
        Some(Self { terminal, before })
    }

    /// Whether more was typed than was read; it is thrown away, or a shell would take it for commands.
    fn forget_more(&self) -> bool {
        let more = rustix::io::ioctl_fionread(&self.terminal).is_ok_and(|bytes| bytes > 0);
        if more {
            let _ = termios::tcflush(&self.terminal, QueueSelector::IFlush);
        }
        more
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
