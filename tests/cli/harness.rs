//! The sandbox: a project, a home and an emptied environment for the real program.
//!
//! An [`Output`] can be had in one way only, [`Run::output`], and that one scans for canaries: it cannot be forgotten.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use crate::canary::{self, Canary};

/// How long a run may take before it counts as hanging. A guard, not a measurement.
const HANGS_AFTER: Duration = Duration::from_mins(1);
/// The one place that may hold plaintext: generated development secrets, readable by their owner alone.
const LOCAL_STORE: &str = "home/.local/share/envctl/local/";

/// A temporary directory with `project/`, `home/`, `bin/` (first in `PATH`) and `run/` (the runtime directory).
pub(crate) struct Sandbox {
    _directory: TempDir,
    root: PathBuf,
    canaries: RefCell<Vec<Canary>>,
}

impl Sandbox {
    /// Makes the directories; nothing is in them.
    pub(crate) fn new() -> Self {
        let directory = TempDir::with_prefix("envctl-test-").unwrap();
        let root = directory.path().canonicalize().unwrap();
        for name in ["project", "home/.config", "home/.local/share", "bin", "run"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        set_mode(&root.join("run"), 0o700);
        Self { _directory: directory, root, canaries: RefCell::default() }
    }

    /// A path in the sandbox: `project/envctl.toml`, `home/.config/envctl/…`.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Writes a file of the project, and the directories above it.
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        self.place(&format!("project/{path}"), content)
    }

    /// Writes a file anywhere in the sandbox.
    pub(crate) fn place(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Puts an executable script first in `PATH`.
    pub(crate) fn script(&self, name: &str, text: &str) -> &Self {
        self.place(&format!("bin/{name}"), text);
        set_mode(&self.path(&format!("bin/{name}")), 0o755);
        self
    }

    /// The text of a project file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("project").join(path)).unwrap()
    }

    /// A new secret that no run may show, unless it says [`Run::reveals`].
    pub(crate) fn canary(&self, name: &str) -> String {
        let value = canary::fresh();
        self.register(name, &value);
        value
    }

    /// Watches for a secret of the test's own making: at least 16 characters that nothing else would print.
    pub(crate) fn register(&self, name: &str, value: &str) {
        self.canaries.borrow_mut().push(Canary::new(name, value));
    }

    /// A run of envctl, in `project/`, without standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run<'_> {
        self.program(env!("CARGO_BIN_EXE_envctl"), arguments)
    }

    /// A run of another program under the same conditions.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().current_dir(self.path("project"));
        for (name, place) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/.config"),
            ("XDG_DATA_HOME", "home/.local/share"),
            ("XDG_RUNTIME_DIR", "run"),
        ] {
            command.env(name, self.path(place));
        }
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display()));
        command.env("LANG", "C.UTF-8");
        Run { sandbox: self, command, stdin: None, reveals: false, started: false }
    }

    /// What of `bytes` is a canary, in any form.
    pub(crate) fn leaks(&self, bytes: &[u8]) -> Vec<String> {
        self.canaries.borrow().iter().flat_map(|canary| canary.find(bytes)).collect()
    }

    /// Every file of the sandbox with its content, by path below the root. A link counts as its target's name.
    fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root, &self.root, &mut files);
        files
    }

    /// Replaces the sandbox's own path, which differs from run to run.
    fn filtered(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace(self.root.to_str().unwrap(), "[ROOT]")
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if kind.is_dir() {
            collect(root, &path, files);
        } else if kind.is_file() {
            files.insert(name, fs::read(&path).unwrap_or_default());
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            files.insert(name, target.to_string_lossy().into_owned().into_bytes());
        }
    }
}

/// Sets the permission bits of a file or directory.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A run that has not been started yet; [`Self::output`] starts it.
#[must_use = "nothing runs before `output`"]
pub(crate) struct Run<'a> {
    sandbox: &'a Sandbox,
    command: Command,
    stdin: Option<Vec<u8>>,
    reveals: bool,
    started: bool,
}

impl Run<'_> {
    /// Sets a variable of the process environment.
    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives these bytes on standard input.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Runs in a directory below `project/`.
    pub(crate) fn dir(mut self, below: &str) -> Self {
        self.command.current_dir(self.sandbox.path("project").join(below));
        self
    }

    /// Says that this run is meant to show or write a secret.
    pub(crate) fn reveals(mut self) -> Self {
        self.reveals = true;
        self
    }

    /// Runs to the end, looks for canaries in all that came out, and gives it.
    pub(crate) fn output(mut self) -> Output {
        self.started = true;
        let before = self.sandbox.snapshot();
        let (status, stdout, stderr) = self.wait();
        let mut findings = self.findings(&before, &stdout, &stderr);
        if self.reveals {
            findings.retain(|finding| finding.starts_with(LOCAL_STORE));
        }
        let output = Output {
            status,
            stdout: self.sandbox.filtered(&stdout),
            stderr: self.sandbox.filtered(&stderr),
            bytes: stdout,
        };
        assert!(findings.is_empty(), "LEAK in {:?}:\n  {}\n{output}", self.command, findings.join("\n  "));
        output
    }

    /// Starts the program, in a group of its own so that a hanging one can be ended with its children.
    fn wait(&mut self) -> (i32, Vec<u8>, Vec<u8>) {
        use std::os::unix::process::CommandExt;
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        let group = group_of(&child);
        if let (Some(bytes), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            // A program may end without reading everything: that is not the harness's affair.
            std::thread::spawn(move || pipe.write_all(&bytes).ok());
        }
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(HANGS_AFTER) else {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
            panic!("{:?}: still running after {HANGS_AFTER:?}", self.command);
        };
        let output = output.unwrap();
        (code(output.status), output.stdout, output.stderr)
    }

    /// Every canary in the output and in files that this run made or changed.
    fn findings(&self, before: &BTreeMap<String, Vec<u8>>, stdout: &[u8], stderr: &[u8]) -> Vec<String> {
        let mut findings = Vec::new();
        let mut add = |place: &str, leaks: Vec<String>| {
            findings.extend(leaks.into_iter().map(|leak| format!("{place}: {leak}")));
        };
        add("standard output", self.sandbox.leaks(stdout));
        add("standard error", self.sandbox.leaks(stderr));
        for (path, content) in self.sandbox.snapshot() {
            let old = before.get(&path);
            if path.starts_with(LOCAL_STORE) {
                let mode = mode(&self.sandbox.path(&path));
                let open = (mode & 0o077 != 0).then(|| format!("mode {mode:o}"));
                add(&path, open.into_iter().collect());
            } else if old != Some(&content) {
                // What the test itself had put there is no leak of this run.
                let known = old.map(|old| self.sandbox.leaks(old)).unwrap_or_default();
                let mut leaks = self.sandbox.leaks(&content);
                leaks.retain(|leak| !known.contains(leak));
                add(&path, leaks);
                if old.is_none() {
                    add("a file name", self.sandbox.leaks(path.as_bytes()));
                }
            }
        }
        findings
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        assert!(self.started || std::thread::panicking(), "a run was described and never started: {:?}", self.command);
    }
}

fn group_of(child: &Child) -> rustix::process::Pid {
    rustix::process::Pid::from_child(child)
}

/// The exit code, or 128 and the number of the signal, as a shell counts.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

/// What came out of a run, with the sandbox's path replaced by `[ROOT]`.
#[derive(Debug)]
pub(crate) struct Output {
    /// Exit code, or 128 and the signal.
    pub(crate) status: i32,
    /// Standard output as text.
    pub(crate) stdout: String,
    /// Standard error as text.
    pub(crate) stderr: String,
    /// Standard output byte for byte.
    pub(crate) bytes: Vec<u8>,
}

impl Output {
    /// Checks the status.
    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) -> &Self {
        assert!(self.status == status, "expected status {status}\n{self}");
        self
    }

    /// Checks standard output, exactly.
    #[track_caller]
    pub(crate) fn assert_stdout(&self, text: &str) -> &Self {
        assert!(self.stdout == text, "expected standard output:\n{text}\n{self}");
        self
    }

    /// Checks standard error, exactly.
    #[track_caller]
    pub(crate) fn assert_stderr(&self, text: &str) -> &Self {
        assert!(self.stderr == text, "expected standard error:\n{text}\n{self}");
        self
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "status {}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
