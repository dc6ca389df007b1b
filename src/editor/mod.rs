//! The user's editor on a text with secrets: in a private directory in memory, which is removed whatever happens.

mod choose;

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

pub use choose::Editor;

use crate::name;
use crate::process::EnvSnapshot;
use crate::project::MAX_FILE;
use crate::secret::Secret;
use crate::store::{self, PrivateDir, PrivateDirError, ReadProblem};

/// How long an editor may take to end once it was told to.
const GRACE: Duration = Duration::from_secs(2);

/// Whether signals that end a program end this one. Not while an editor is open: its files would stay behind.
static ENDS: AtomicBool = AtomicBool::new(true);

/// Why there is no edited text.
#[derive(Debug)]
pub enum EditorProblem {
    /// The command is no words.
    Words {
        /// The variable that gives it.
        origin: &'static str,
    },
    /// There is no such program.
    NotFound {
        /// The variable that names it, or the name.
        origin: &'static str,
    },
    /// It could not be started.
    Start(io::ErrorKind),
    /// It said that it failed.
    Failed(i32),
    /// It was ended by a signal.
    Killed(i32),
    /// This program was told to end by a signal.
    Interrupted(i32),
    /// There is no private directory.
    Directory(PrivateDirError),
    /// The file is gone or is no file any more.
    Gone,
    /// It is larger than files of a project are.
    TooLarge,
    /// There is nothing in it.
    Empty,
    /// It could not be read.
    Read(io::ErrorKind),
}

/// What came back.
#[derive(Debug)]
pub struct Returned {
    /// The edited text.
    pub text: Secret,
    /// Whether the directory was on a disk.
    pub on_disk: bool,
}

impl Editor {
    /// Opens `text` as a file of this name and waits. It is started in the private directory: some editors run what they
    /// find in the directory they are started in, and a repository may hold anything.
    pub fn edit(&self, environment: &EnvSnapshot, name: &str, text: &Secret) -> Result<Returned, EditorProblem> {
        let (_held, signals) = Held::new().map_err(|error| EditorProblem::Start(error.kind()))?;
        let directory = PrivateDir::create(environment, "edit").map_err(EditorProblem::Directory)?;
        let file = directory.write(name, text).map_err(EditorProblem::Directory)?;
        let on_disk = directory.on_disk();
        let ended = self.start(environment, &file, directory.path(), signals);
        let text = ended.and_then(|()| read(&file));
        directory.remove().map_err(EditorProblem::Directory).and(text).map(|text| Returned { text, on_disk })
    }

    fn start(
        &self,
        environment: &EnvSnapshot,
        file: &Path,
        directory: &Path,
        signals: Signals,
    ) -> Result<(), EditorProblem> {
        let modes = rustix::termios::tcgetattr(io::stdin()).ok();
        let own = |name: &OsStr| name.to_str().is_some_and(|name| name::is_ours(name) || name == "PWD");
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(file).current_dir(directory);
        command.env_clear().envs(environment.iter().filter(|(name, _)| !own(name)));
        let child = command.spawn().map_err(|error| EditorProblem::Start(error.kind()))?;
        let (status, signal) = wait(child, signals).map_err(|error| EditorProblem::Start(error.kind()))?;
        if !status.success()
            && let Some(modes) = modes
        {
            // One that was killed leaves the terminal as it needed it.
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &modes);
        }
        match (signal, status.code()) {
            (signal, _) if signal != 0 => Err(EditorProblem::Interrupted(signal)),
            (_, Some(0)) => Ok(()),
            (_, Some(code)) => Err(EditorProblem::Failed(code)),
            (_, None) => {
                Err(EditorProblem::Killed(std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)))
            }
        }
    }
}

/// Signals while an editor is open: those of the keyboard are the editor's affair; those that end this program end the
/// editor first, so that what it had open can be removed. Dropped when that is done.
struct Held;

impl Held {
    fn new() -> io::Result<(Self, Signals)> {
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_default(signal, &ENDS)?;
        }
        let signals = Signals::new([SIGTERM, SIGHUP])?;
        ENDS.store(false, Ordering::SeqCst);
        Ok((Self, signals))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        ENDS.store(true, Ordering::SeqCst);
    }
}

/// Waits for the editor; gives its status, and the signal that this program got.
fn wait(mut child: Child, mut signals: Signals) -> io::Result<(ExitStatus, i32)> {
    let (handle, process) = (signals.handle(), Pid::from_child(&child));
    let received = Arc::new(AtomicI32::new(0));
    let (ended, has_ended) = mpsc::channel::<()>();
    let seen = Arc::clone(&received);
    let watcher = std::thread::spawn(move || {
        for signal in signals.forever() {
            seen.store(signal, Ordering::SeqCst);
            let _ = kill_process(process, Signal::TERM);
            if has_ended.recv_timeout(GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    });
    // It is not reaped before the watcher has ended: its number belongs to it until then.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(process), options), Err(rustix::io::Errno::INTR)) {}
    drop(ended);
    handle.close();
    let _ = watcher.join();
    Ok((child.wait()?, received.load(Ordering::SeqCst)))
}

/// The text as it is at that path now: many editors put another file in the place of the one they read.
fn read(file: &Path) -> Result<Secret, EditorProblem> {
    if !std::fs::symlink_metadata(file).is_ok_and(|metadata| metadata.file_type().is_file()) {
        return Err(EditorProblem::Gone);
    }
    let bytes = store::read_limited(file, MAX_FILE).map_err(|problem| match problem {
        ReadProblem::NotRegular { .. } => EditorProblem::Gone,
        ReadProblem::TooLarge { .. } => EditorProblem::TooLarge,
        ReadProblem::Io(kind) => EditorProblem::Read(kind),
    })?;
    let empty = bytes.iter().all(u8::is_ascii_whitespace);
    let text = Secret::new(bytes);
    if empty { Err(EditorProblem::Empty) } else { Ok(text) }
}

impl EditorProblem {
    /// What happened, in one line.
    pub fn describe(&self) -> String {
        match self {
            Self::Words { origin } => format!("the command in ${origin} cannot be split into words"),
            Self::NotFound { origin: "vi" } => {
                String::from("there is no editor: $VISUAL and $EDITOR are not set, and there is no `vi`")
            }
            Self::NotFound { origin } => {
                format!("the program that ${origin} names does not exist or cannot be executed")
            }
            Self::Start(kind) => format!("the editor cannot be started: {}", store::describe(*kind)),
            Self::Failed(code) => format!("the editor ended with status {code}"),
            Self::Killed(signal) => format!("the editor was ended by signal {signal}"),
            Self::Interrupted(signal) => format!("envctl was ended by signal {signal}"),
            Self::Directory(error) => error.describe(),
            Self::Gone => String::from("the editor left no file"),
            Self::TooLarge => format!("the edited text is larger than {} MiB", MAX_FILE >> 20),
            Self::Empty => String::from("the edited text is empty"),
            Self::Read(kind) => format!("the edited text cannot be read: {}", store::describe(*kind)),
        }
    }

    /// What mends it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Words { .. } | Self::NotFound { .. } | Self::Start(_) => {
                Some(String::from("`EDITOR=nano envctl edit …`, or `envctl set ENV NAME` for one value"))
            }
            Self::Directory(error) => error.help(),
            _ => None,
        }
    }
}
