//! The writer under real faults, and against itself: what is there afterwards is the old file or the new one.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{
    DEADLINE, Lock, Refusal, Step, WriteError, read_limited, replace, replace_verified, write_new, write_private,
    write_private_new,
};
use crate::process::EnvSnapshot;

type Verified = Result<super::Written, WriteError<&'static str>>;

fn put(path: &Path, root: &Path, bytes: &[u8]) -> Verified {
    replace_verified(path, root, bytes, |read| if read == bytes { Ok(()) } else { Err("not what was written") })
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn refusal(result: &Verified) -> Option<Refusal> {
    match result {
        Err(WriteError::Refused { why, .. }) => Some(*why),
        _ => None,
    }
}

fn step<E>(result: &Result<super::Written, WriteError<E>>) -> Option<(Step, ErrorKind)> {
    match result {
        Err(WriteError::Failed { step, kind, .. }) => Some((*step, *kind)),
        _ => None,
    }
}

#[test]
fn replaces_whole_files_and_keeps_who_may_read_them() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x");
    put(&path, root.path(), b"one").unwrap();
    let usual = mode(&path);
    assert_eq!(usual & 0o600, 0o600);
    assert_eq!(usual & 0o111, 0);
    for bits in [0o640, 0o600, 0o444, 0o755] {
        chmod(&path, bits);
        let before = std::fs::metadata(&path).unwrap().ino();
        assert!(!put(&path, root.path(), b"two").unwrap().hard_links);
        assert_eq!(mode(&path), bits);
        assert_ne!(std::fs::metadata(&path).unwrap().ino(), before);
    }
    write_private(&path, b"three").unwrap();
    assert_eq!((read_limited(&path, 9).unwrap(), mode(&path)), (b"three".to_vec(), 0o600));
    chmod(&path, 0o640);
    replace(&path, b"").unwrap();
    assert_eq!((read_limited(&path, 9).unwrap(), mode(&path)), (b"".to_vec(), 0o640));
    let new = [("n", usual, write_new as fn(&Path, &[u8]) -> _), ("p", 0o600, write_private_new)];
    for (name, bits, write) in new {
        let path = root.path().join(name);
        write(&path, b"new").unwrap();
        assert_eq!(mode(&path), bits, "{name}");
        assert_eq!(step(&write(&path, b"other")), Some((Step::Find, ErrorKind::AlreadyExists)), "{name}");
        assert_eq!(read_limited(&path, 9).unwrap(), b"new");
    }
    assert_eq!(names(root.path()), ["n", "p", "x"]);
}

#[test]
fn a_file_that_appears_meanwhile_is_not_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let directory = super::directory::Directory::open(root.path()).unwrap();
    for name in ["a", "b"] {
        write_new(&root.path().join(name), name.as_bytes()).unwrap();
    }
    let error = directory.rename_new("a".as_ref(), "b".as_ref()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    directory.rename_new("a".as_ref(), "c".as_ref()).unwrap();
    assert_eq!(names(root.path()), ["b", "c"]);
    assert_eq!(read_limited(&root.path().join("b"), 9).unwrap(), b"b");
}

#[test]
fn further_names_are_told_of() {
    let root = tempfile::tempdir().unwrap();
    let (path, other) = (root.path().join("x"), root.path().join("y"));
    put(&path, root.path(), b"one").unwrap();
    std::fs::hard_link(&path, &other).unwrap();
    assert!(put(&path, root.path(), b"two").unwrap().hard_links);
    assert_eq!(read_limited(&other, 9).unwrap(), b"one");
    assert!(!put(&path, root.path(), b"two").unwrap().hard_links);
}

#[test]
fn links_are_followed_only_inside() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = |name: &str| root.path().join(name);
    let (inside, outside) = (at("d/real"), other.path().join("real"));
    std::fs::create_dir(at("d")).unwrap();
    for path in [&inside, &outside] {
        write_new(path, b"old").unwrap();
    }
    symlink("d/real", at("link")).unwrap();
    symlink("d", at("dlink")).unwrap();
    symlink(&outside, at("out")).unwrap();
    symlink(other.path(), at("dout")).unwrap();
    symlink("nothing", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for (name, text) in [("link", "1"), ("dlink/real", "2"), ("d/../d/real", "3")] {
        put(&at(name), root.path(), text.as_bytes()).unwrap();
        assert_eq!(read_limited(&inside, 9).unwrap(), text.as_bytes());
    }
    assert!(at("link").is_symlink() && at("dlink").is_symlink());
    // The root, too, may be reached through a link.
    symlink(root.path(), other.path().join("root")).unwrap();
    put(&other.path().join("root/d/new"), &other.path().join("root"), b"4").unwrap();
    assert_eq!(names(&at("d")), ["new", "real"]);
    for (path, why) in [
        (at("out"), Refusal::Outside),
        (at("dout/real"), Refusal::Outside),
        (at("dout/new"), Refusal::Outside),
        (at("../new"), Refusal::Outside),
        (outside.clone(), Refusal::Outside),
        (root.path().join(".."), Refusal::Outside),
        (at("dangling"), Refusal::Dangling),
        (at("d"), Refusal::NotRegular),
        (root.path().to_owned(), Refusal::NotRegular),
    ] {
        assert_eq!(refusal(&put(&path, root.path(), b"x")), Some(why), "{path:?}");
    }
    assert_eq!(step(&put(&at("loop"), root.path(), b"x")).map(|(step, _)| step), Some(Step::Find));
    assert_eq!(read_limited(&outside, 9).unwrap(), b"old");
    assert_eq!(names(other.path()), ["real", "root"]);
    // What follows no link refuses one.
    for write in [replace, write_private] {
        assert!(matches!(write(&at("link"), b"x"), Err(WriteError::Refused { why: Refusal::NotRegular, .. })));
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        assert_eq!(refusal(&put(Path::new("/etc/passwd"), Path::new("/etc"), b"x")), Some(Refusal::OtherOwner));
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x");
    write_new(&path, b"old").unwrap();
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    assert_eq!(refusal(&put(&path, root.path(), b"x")), Some(Refusal::OtherOwner));
    // A group that can be kept is kept.
    std::os::unix::fs::chown(&path, Some(0), Some(12345)).unwrap();
    put(&path, root.path(), b"new").unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().gid(), 12345);
}

#[test]
fn what_does_not_verify_is_not_written() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x");
    let refuse = |bytes: &[u8]| Err(if bytes == b"new" { "no" } else { "other bytes" });
    let expected = WriteError::Unverified { path: path.clone(), error: "no" };
    assert_eq!(replace_verified(&path, root.path(), b"new", refuse), Err(expected.clone()));
    assert_eq!(names(root.path()), <[String; 0]>::default());
    put(&path, root.path(), b"old").unwrap();
    assert_eq!(replace_verified(&path, root.path(), b"new", refuse), Err(expected.clone()));
    assert_eq!((names(root.path()), read_limited(&path, 9).unwrap()), (vec!["x".to_owned()], b"old".to_vec()));
    assert!(expected.describe_as("x").starts_with("x was not written: "));
    assert!(expected.describe().starts_with(path.to_str().unwrap()));
}

#[test]
fn a_directory_that_is_none_or_missing_and_long_names() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write_new(&at("file"), b"old").unwrap();
    let missing = write_private(&at("no/x"), b"x");
    assert_eq!(step(&missing), Some((Step::Find, ErrorKind::NotFound)));
    assert_eq!(missing.unwrap_err().describe_as("no/x"), "no/x cannot be written: its directory does not exist");
    assert_eq!(step(&put(&at("no/x"), root.path(), b"x")), Some((Step::Find, ErrorKind::NotFound)));
    for result in [put(&at("file/x"), root.path(), b"x"), put(&at("file"), &at("file"), b"x")] {
        assert!(result.is_err(), "{result:?}");
    }
    assert_eq!(step(&write_private(&at("file/x"), b"x")), Some((Step::Find, ErrorKind::NotADirectory)));
    put(&at(&"é".repeat(127)), root.path(), b"x").unwrap();
    let long = put(&at(&"x".repeat(256)), root.path(), b"x");
    assert_eq!(step(&long), Some((Step::Find, ErrorKind::InvalidFilename)));
    assert!(write_private(Path::new("/"), b"x").is_err() && write_private(Path::new(""), b"x").is_err());
    assert_eq!(names(root.path()), ["file", &"é".repeat(127)]);
    // Nobody may make files there, root included.
    #[cfg(target_os = "linux")]
    assert_eq!(step(&write_private(Path::new("/proc/x"), b"x")).map(|(step, _)| step), Some(Step::Open));
}

/// What a child of these tests shall do, if this is one: variable `ENVCTL_TEST_CHILD`.
fn is_child() -> Option<PathBuf> {
    EnvSnapshot::capture().get("ENVCTL_TEST_CHILD").map(PathBuf::from)
}

/// Runs the test `name` of this module again as a process of its own, from a shell that does `prepare` first.
fn child(name: &str, prepare: &str, path: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{prepare}\nexec \"$@\""), "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("store::tests::{name}"), "--test-threads=1"]);
    command.env("ENVCTL_TEST_CHILD", path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn count(path: &Path) -> usize {
    match read_limited(path, 99) {
        Err(super::ReadProblem::Io(ErrorKind::NotFound)) => 0,
        read => read.unwrap().len(),
    }
}

#[test]
fn fifty_processes_lose_no_update() {
    if let Some(root) = is_child() {
        let _lock = Lock::project(&root, DEADLINE).unwrap();
        let count = count(&root.join("counter")) + 1;
        put(&root.join("counter"), &root, &vec![b'x'; count]).unwrap();
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let start = |_| child("fifty_processes_lose_no_update", "", root.path()).spawn().unwrap();
    let children: Vec<_> = (0..50).map(start).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert_eq!(std::fs::metadata(root.path().join("counter")).unwrap().len(), 50);
    assert_eq!(names(root.path()), [".envctl", "counter"]);
}

/// A limit on the size of files is a full disk that needs no root: what does not fit fails, and the old file stays.
#[test]
fn a_file_that_does_not_fit_leaves_the_old_one() {
    const NAME: &str = "a_file_that_does_not_fit_leaves_the_old_one";
    let large = vec![b'x'; 1 << 20];
    if let Some(root) = is_child() {
        let result = put(&root.join("x"), &root, &large);
        assert_eq!(step(&result), Some((Step::Write, ErrorKind::FileTooLarge)));
        put(&root.join("y"), &root, b"small").unwrap();
        return;
    }
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("x"), root.path(), b"old").unwrap();
    assert!(child(NAME, "trap '' XFSZ; ulimit -f 8", root.path()).status().unwrap().success());
    assert_eq!(names(root.path()), ["x", "y"]);
    // Without the trap the signal kills it in the midst of writing; the next writer sweeps.
    assert!(!child(NAME, "ulimit -c 0; ulimit -f 8", root.path()).status().unwrap().success());
    let left = names(root.path());
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left[0].starts_with(".x.envctl-") && mode(&root.path().join(&left[0])) == 0o600, "{left:?}");
    assert_eq!(read_limited(&root.path().join("x"), 9).unwrap(), b"old");
    put(&root.path().join("x"), root.path(), &large).unwrap();
    assert_eq!(names(root.path()), ["x", "y"]);
}

/// A directory that may not be written to, for root too.
#[test]
fn a_closed_directory_keeps_the_old_file() {
    if let Some(root) = is_child() {
        for result in [put(&root.join("d/x"), &root, b"new"), put(&root.join("d/y"), &root, b"new")] {
            assert_eq!(step(&result), Some((Step::Open, ErrorKind::PermissionDenied)));
        }
        let locked = Lock::project(&root.join("d"), DEADLINE).unwrap_err();
        assert!(locked.describe().ends_with("d/.envctl/lock cannot be locked: permission denied"), "{locked:?}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("d")).unwrap();
    write_new(&root.path().join("d/x"), b"old").unwrap();
    chmod(&root.path().join("d"), 0o555);
    let drop = "set -- setpriv --bounding-set -dac_override,-dac_read_search \"$@\"";
    let prepare = if rustix::process::geteuid().is_root() { drop } else { "" };
    let done = child("a_closed_directory_keeps_the_old_file", prepare, root.path()).status().unwrap();
    assert!(done.success());
    chmod(&root.path().join("d"), 0o755);
    assert_eq!(names(&root.path().join("d")), ["x"]);
    assert_eq!(read_limited(&root.path().join("d/x"), 9).unwrap(), b"old");
}

/// Too few descriptors: whichever step fails, the file is the old one or, after success, the new one.
#[test]
fn without_descriptors_old_or_new() {
    const NAME: &str = "without_descriptors_old_or_new";
    if let Some(root) = is_child() {
        // All but `spare` descriptors are taken: every step gets its turn to be the one that fails.
        let mut taken: Vec<_> = std::iter::from_fn(|| std::fs::File::open(&root).ok()).collect();
        let mut outcomes = Vec::new();
        for spare in 0..8 {
            let bytes = format!("new {spare}");
            let held = Lock::project(&root, DEADLINE).map(|lock| {
                let result = put(&root.join("x"), &root, bytes.as_bytes());
                drop(lock);
                result.is_ok()
            });
            taken.pop();
            let text = read_limited(&root.join("x"), 9).unwrap();
            assert_eq!(text == bytes.as_bytes(), held == Ok(true));
            assert!(names(&root).iter().all(|name| name == "x" || name == ".envctl"));
            outcomes.push(held == Ok(true));
        }
        assert!(outcomes.is_sorted() && !outcomes[0] && outcomes[7], "{outcomes:?}");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("x"), root.path(), b"old").unwrap();
    assert!(child(NAME, "ulimit -n 40", root.path()).status().unwrap().success());
}
