//! The `git` program: found once, run with fixed arguments and without a shell; nothing that its configuration names is
//! started for us.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::name;
use crate::process::EnvSnapshot;
use crate::sealed::merge::Text;

/// The most that is read of an answer, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// How many objects are asked for at once.
const BATCH: usize = 500;
/// How many versions of a file are looked at for a proof.
const MAX_VERSIONS: &str = "200";

/// Why git did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitError {
    /// There is no `git` on the PATH.
    NotFound,
    /// This is no repository, or git does not trust its owner.
    NoRepository,
    /// It failed at this.
    Failed(&'static str),
    /// The answer was longer than is read.
    TooMuch,
}

impl GitError {
    /// What is wrong, in our own words.
    pub fn describe(self) -> String {
        match self {
            Self::NotFound => String::from("there is no `git` on the PATH"),
            Self::NoRepository => String::from("this is no git repository, or one that git does not trust"),
            Self::Failed(what) => format!("git failed: {what}"),
            Self::TooMuch => format!("git answered with more than {} MiB", MAX_ANSWER >> 20),
        }
    }
}

/// A file in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its mode, in octal: `100644`, `120000` for a link.
    pub mode: String,
    /// Its content's name.
    pub object: String,
    /// 0, or in an unfinished merge 1 for the base, 2 for ours, 3 for theirs.
    pub stage: u8,
    /// Its path in the repository.
    pub path: String,
}

/// A repository as the directory that commands are run in sees it.
#[derive(Debug)]
pub struct Git {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    /// The root of the work tree.
    top: PathBuf,
}

impl Git {
    /// Finds git and the repository around a directory.
    pub fn open(environment: &EnvSnapshot, directory: &Path) -> Result<Self, GitError> {
        let program = find(environment).ok_or(GitError::NotFound)?;
        // Our own variables are none of git's business: one of them may be an identity.
        let kept = environment.iter().filter(|(name, _)| !name.to_str().is_some_and(name::is_ours));
        let mut environment: Vec<(OsString, OsString)> =
            kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // No translated words, no password prompts, nothing fetched, no lock on the index for looking at it.
        for (name, value) in
            [("LC_ALL", "C"), ("GIT_TERMINAL_PROMPT", "0"), ("GIT_NO_LAZY_FETCH", "1"), ("GIT_OPTIONAL_LOCKS", "0")]
        {
            environment.push((OsString::from(name), OsString::from(value)));
        }
        let mut git = Self { program, environment, directory: directory.to_owned(), top: PathBuf::new() };
        let (code, top) = git.ask(&["rev-parse", "--show-toplevel"], None)?;
        if code != 0 {
            return Err(GitError::NoRepository);
        }
        git.top = path(line(&top));
        Ok(git)
    }

    /// The root of the work tree.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Runs git; gives its exit code and standard output.
    fn ask(&self, arguments: &[&str], input: Option<Vec<u8>>) -> Result<(i32, Vec<u8>), GitError> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        self.ask_os(&arguments, input)
    }

    fn ask_os(&self, arguments: &[&OsStr], input: Option<Vec<u8>>) -> Result<(i32, Vec<u8>), GitError> {
        let mut command = Command::new(&self.program);
        command.args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false"]);
        command.args(arguments).current_dir(&self.directory);
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        // Its words are for other ears; what failed is said in ours.
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let failed = |_| GitError::Failed("it could not be run");
        let mut child = command.spawn().map_err(failed)?;
        let writer = child.stdin.take().zip(input).map(|(mut pipe, input)| {
            // A program that reads no further is told of by its exit code.
            std::thread::spawn(move || drop(pipe.write_all(&input)))
        });
        let mut answer = Vec::new();
        let read = child.stdout.take().map(|pipe| pipe.take(MAX_ANSWER + 1).read_to_end(&mut answer));
        let status = child.wait().map_err(failed)?;
        drop(writer.map(std::thread::JoinHandle::join));
        read.transpose().map_err(failed)?;
        if answer.len() as u64 > MAX_ANSWER {
            return Err(GitError::TooMuch);
        }
        Ok((status.code().unwrap_or(255), answer))
    }

    fn must(&self, arguments: &[&str], what: &'static str) -> Result<Vec<u8>, GitError> {
        match self.ask(arguments, None)? {
            (0, answer) => Ok(answer),
            _ => Err(GitError::Failed(what)),
        }
    }

    /// A path of the repository's own directory, such as `hooks`, wherever its configuration has put it.
    pub fn own_path(&self, name: &str) -> Result<PathBuf, GitError> {
        let answer = self.must(&["rev-parse", "--git-path", name], "where its files are")?;
        Ok(self.directory.join(path(line(&answer))))
    }

    /// The directory that all work trees of the repository share.
    pub fn common(&self) -> Result<PathBuf, GitError> {
        let answer = self.must(&["rev-parse", "--git-common-dir"], "where its files are")?;
        Ok(self.directory.join(path(line(&answer))))
    }

    /// A setting of this repository.
    pub fn setting(&self, key: &str) -> Result<Option<String>, GitError> {
        let (code, answer) = self.ask(&["config", "--local", "--get", key], None)?;
        Ok((code == 0).then(|| String::from_utf8_lossy(line(&answer)).into_owned()))
    }

    /// Changes a setting of this repository.
    pub fn set(&self, key: &str, value: &str) -> Result<(), GitError> {
        self.must(&["config", "--local", key, value], "changing its configuration").map(drop)
    }

    /// Takes a section out of the configuration of this repository; tells whether it was there.
    pub fn unset_section(&self, section: &str) -> Result<bool, GitError> {
        Ok(self.ask(&["config", "--local", "--remove-section", section], None)?.0 == 0)
    }

    /// The files of the index below a directory of the work tree; the empty path is the root.
    pub fn staged(&self, below: &str) -> Result<Vec<Staged>, GitError> {
        let spec = format!(":(top,literal){below}");
        let answer = self.must(&["ls-files", "-s", "-z", "--full-name", "--", &spec], "listing the index")?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.split('\0').filter_map(staged).collect())
    }

    /// The files of the whole index that the next commit adds or changes.
    pub fn changed(&self) -> Result<Vec<Staged>, GitError> {
        if self.commit("HEAD")?.is_none() {
            return self.staged("");
        }
        let plain = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--diff-filter=AMT", "HEAD"];
        let answer = self.must(&plain, "comparing the index")?;
        let text = String::from_utf8_lossy(&answer);
        let mut fields = text.split('\0');
        let mut changed = Vec::new();
        while let (Some(head), Some(path)) = (fields.next(), fields.next()) {
            let mut words = head.split(' ').skip(1);
            let (Some(mode), _, Some(object)) = (words.next(), words.next(), words.next()) else { continue };
            changed.push(Staged { mode: mode.to_owned(), object: object.to_owned(), stage: 0, path: path.to_owned() });
        }
        Ok(changed)
    }

    /// The contents of objects that are files of at most `limit` bytes, in their order.
    pub fn contents(&self, objects: &[&str], limit: u64) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        let mut contents = Vec::new();
        for some in objects.chunks(BATCH) {
            let sizes = self.sizes(some)?;
            let (mut wanted, mut room) = (Vec::new(), MAX_ANSWER / 2);
            let mut read = Vec::new();
            for (object, size) in some.iter().zip(&sizes) {
                let Some(size) = size.filter(|size| *size <= limit) else { continue };
                if size > room {
                    read.extend(self.batch(&std::mem::take(&mut wanted))?);
                    room = MAX_ANSWER / 2;
                }
                wanted.push(*object);
                room = room.saturating_sub(size);
            }
            read.extend(self.batch(&wanted)?);
            let mut read = read.into_iter();
            contents.extend(sizes.into_iter().map(|size| size.filter(|size| *size <= limit).and_then(|_| read.next())));
        }
        Ok(contents)
    }

    /// The sizes of objects in bytes; nothing for what is no file.
    fn sizes(&self, objects: &[&str]) -> Result<Vec<Option<u64>>, GitError> {
        let input = objects.iter().flat_map(|object| [object, "\n"]).collect::<String>().into_bytes();
        let (code, answer) = self.ask(&["cat-file", "--batch-check=%(objecttype) %(objectsize)"], Some(input))?;
        let answer = String::from_utf8_lossy(&answer);
        let size = |line: &str| line.strip_prefix("blob ").and_then(|size| size.parse().ok());
        let sizes: Vec<Option<u64>> = answer.lines().map(size).collect();
        // Nothing may look as if it had been looked at: a short answer would also shift those that follow.
        if code != 0 || sizes.len() != objects.len() || answer.lines().any(|line| line.ends_with(" missing")) {
            return Err(GitError::Failed("reading objects, of which some may be missing"));
        }
        Ok(sizes)
    }

    /// The contents of files, all of them.
    fn batch(&self, objects: &[&str]) -> Result<Vec<Vec<u8>>, GitError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let input = objects.iter().flat_map(|object| [object, "\n"]).collect::<String>().into_bytes();
        let (code, answer) = self.ask(&["cat-file", "--batch=%(objectsize)"], Some(input))?;
        let mut rest = answer.as_slice();
        let contents: Vec<Vec<u8>> = std::iter::from_fn(|| next_content(&mut rest)).take(objects.len()).collect();
        let whole = code == 0 && contents.len() == objects.len();
        whole.then_some(contents).ok_or(GitError::Failed("reading objects"))
    }

    /// The content of an object: its name, or `COMMIT:PATH`. Nothing if there is none.
    pub fn content(&self, object: &str) -> Result<Option<Vec<u8>>, GitError> {
        let (code, answer) = self.ask(&["cat-file", "blob", object], None)?;
        Ok((code == 0).then_some(answer))
    }

    /// The full name of a commit; nothing if there is none.
    pub fn commit(&self, name: &str) -> Result<Option<String>, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let (code, answer) = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted], None)?;
        Ok((code == 0).then(|| String::from_utf8_lossy(line(&answer)).into_owned()))
    }

    /// What two commits came from: several after merges that crossed, none if they have nothing in common.
    pub fn merge_bases(&self, one: &str, other: &str) -> Result<Vec<String>, GitError> {
        match self.ask(&["merge-base", "--all", one, other], None)? {
            (0, answer) => Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect()),
            (1, _) => Ok(Vec::new()),
            _ => Err(GitError::Failed("looking for what two commits came from")),
        }
    }

    /// Whether the history of this clone ends before its beginning.
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        let answer = self.must(&["rev-parse", "--is-shallow-repository"], "whether the clone is shallow")?;
        Ok(line(&answer) != b"false")
    }

    /// The names of all contents that a file has had in the history of a commit, those of merges among them.
    pub fn history(&self, commit: &str, path: &str) -> Result<Vec<String>, GitError> {
        let failed = GitError::Failed("looking through the history");
        let spec = format!(":(top,literal){path}");
        // Every parent of a merge is followed: what one of them brought may have been replaced on the way. Nothing here
        // depends on the configuration, as `git log` does.
        let commits =
            self.must(&["rev-list", "--full-history", "--end-of-options", commit, "--", &spec], "listing the history")?;
        let plain = ["diff-tree", "--stdin", "-m", "-r", "--root", "--raw", "--no-abbrev", "--no-renames"];
        let arguments = [&plain[..], &["--no-commit-id", "-z", "--", &spec]].concat();
        let (0, answer) = self.ask(&arguments, Some(commits))? else { return Err(failed) };
        let mut objects = std::collections::BTreeSet::new();
        for head in String::from_utf8_lossy(&answer).split('\0').filter_map(|field| field.strip_prefix(':')) {
            let mut words = head.split(' ').skip(2);
            let (Some(old), Some(new)) = (words.next(), words.next()) else { continue };
            objects
                .extend([old, new].into_iter().filter(|name| name.bytes().any(|byte| byte != b'0')).map(str::to_owned));
        }
        Ok(objects.into_iter().collect())
    }

    /// Versions of a file in all branches, the newest first, each content once; not more than 200.
    pub fn versions(&self, path: &str) -> Result<Vec<Vec<u8>>, GitError> {
        let spec = format!(":(top,literal){path}");
        let count = format!("--max-count={MAX_VERSIONS}");
        let answer = self.must(&["rev-list", &count, "--all", "HEAD", "--", &spec], "listing the history")?;
        let mut seen = std::collections::BTreeSet::new();
        let mut versions = Vec::new();
        for commit in String::from_utf8_lossy(&answer).lines() {
            let named = format!("{commit}:{path}");
            let (code, object) = self.ask(&["rev-parse", "--verify", "--quiet", "--end-of-options", &named], None)?;
            if code == 0 && seen.insert(object.clone()) {
                versions.extend(self.content(&String::from_utf8_lossy(line(&object)))?);
            }
        }
        Ok(versions)
    }

    /// Merges base, ours and theirs by lines.
    pub fn merge_lines(&self, texts: [&str; 3]) -> Result<Text, GitError> {
        let (bytes, clean) = self.merge_bytes(texts.map(str::as_bytes))?;
        let text = String::from_utf8(bytes).map_err(|_| GitError::Failed("merging lines"))?;
        Ok(Text { text, clean })
    }

    /// Merges base, ours and theirs by lines, whatever they are; tells whether it left no markers.
    pub fn merge_bytes(&self, [base, ours, theirs]: [&[u8]; 3]) -> Result<(Vec<u8>, bool), GitError> {
        let failed = |_: std::io::Error| GitError::Failed("no room for the texts to be merged");
        // What is written there is what git has anyway: ciphertext and cleartext values.
        let own = self.own_path(".")?;
        let folder = tempfile::Builder::new().prefix("envctl-merge-").tempdir_in(own).map_err(failed)?;
        let mut files = Vec::new();
        for (name, text) in [("ours", ours), ("base", base), ("theirs", theirs)] {
            let mut file = tempfile::Builder::new().prefix(name).tempfile_in(folder.path()).map_err(failed)?;
            file.write_all(text).map_err(failed)?;
            files.push(file);
        }
        let mut arguments: Vec<&OsStr> =
            ["merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs"].map(OsStr::new).to_vec();
        arguments.extend(files.iter().map(|file| file.path().as_os_str()));
        match self.ask_os(&arguments, None)? {
            (code @ 0..=127, answer) => Ok((answer, code == 0)),
            _ => Err(GitError::Failed("merging lines")),
        }
    }
}

/// A line of `ls-files -s -z`: mode, object and stage, a tab, the path.
fn staged(line: &str) -> Option<Staged> {
    let (head, path) = line.split_once('\t')?;
    let mut words = head.split(' ');
    let (mode, object, stage) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
    Some(Staged { mode: mode.to_owned(), object: object.to_owned(), stage, path: path.to_owned() })
}

/// Takes one content off an answer of `cat-file --batch`: its length, a newline, the bytes, a newline.
fn next_content(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = rest.split_at_checked(end)?;
    let length: usize = std::str::from_utf8(head).ok()?.parse().ok()?;
    let (content, after) = body.get(1..)?.split_at_checked(length)?;
    *rest = after.get(1..)?;
    Some(content.to_vec())
}

/// `git` in the directories of the PATH, of which relative ones do not count: they may be the repository's.
fn find(environment: &EnvSnapshot) -> Option<PathBuf> {
    let name = if cfg!(windows) { "git.exe" } else { "git" };
    let directories = std::env::split_paths(environment.get("PATH")?);
    directories
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

/// An answer without its newline.
fn line(answer: &[u8]) -> &[u8] {
    answer.strip_suffix(b"\n").unwrap_or(answer)
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
