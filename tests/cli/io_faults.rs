//! Full disks, broken disks, missing rights: the old file stays, and what went wrong is told with the file and the cause.
//!
//! `FAULT_POINTS` says how many faults of each command are tried: a number, or `all`.

use std::fs;
use std::process::Command;

use crate::harness::{Output, set_mode};
use crate::kill::{leftovers, old_or_new};
use crate::projects::{ENVCTL, left_out, unprivileged};
use crate::trace::{Call, calls, can_trace, points, spread};
use crate::world::World;

/// How many faults are tried when nobody says.
const FEW: usize = 20;
/// The calls that are made to fail.
const CALLS: [&str; 10] =
    ["openat", "write", "pwrite64", "ftruncate", "fsync", "renameat", "renameat2", "fchmod", "flock", "mkdirat"];
/// What the system may say, and the words for it.
const ERRORS: [(&str, &str); 6] = [
    ("ENOSPC", "no space left"),
    ("EDQUOT", "the quota is used up"),
    ("EIO", "input/output error"),
    ("EROFS", "the file system is read-only"),
    ("EACCES", "permission denied"),
    ("EMFILE", ""),
];

/// What a fault has to lead to.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// It stops with this code, and the file it was about is as it was.
    Stops(i32),
    /// The new file is in place, but may be lost.
    NotDurable,
    /// Done all the same: what failed was not needed.
    Done,
}

/// What the fault of the call at this place leads to.
fn expected(calls: &[Call], index: usize) -> Expected {
    let call = &calls[index];
    let path = |part: &str| call.text.contains(part);
    let again = |part: &str| calls[..index].iter().any(|call| call.name == "openat" && call.text.contains(part));
    match call.name.as_str() {
        // Looked at a second time to see whether somebody locks themselves out: only a warning would be missing.
        "openat" if path("identity.txt") && again("identity.txt") => Expected::Done,
        // Nobody is left to be told.
        "write" if call.text.starts_with("2<") => Expected::Done,
        "openat" if path("identity.txt") => Expected::Stops(4),
        // Leftovers are looked for, and another one may do that.
        "openat" if path(", \".\", ") => Expected::Done,
        "fsync" if calls[..index].iter().rev().take(3).any(|call| call.name.starts_with("rename")) => {
            Expected::NotDurable
        }
        _ => Expected::Stops(5),
    }
}

/// Lets each call fail in each way, and looks at what is there.
fn faults(world: &World, arguments: &[&str], stdin: &str, again: &[i32]) {
    let old = world.meanings();
    let status = world.run(&[], arguments).stdin(stdin).output().status;
    let (new, files) = (world.meanings(), world.files());
    world.restore();
    let all = calls(world, arguments, stdin);
    world.restore();
    let faults: Vec<(usize, (&str, &str))> = (0..all.len())
        .filter(|index| CALLS.contains(&all[*index].name.as_str()))
        .flat_map(|index| ERRORS.map(|error| (index, error)))
        .collect();
    let chosen = spread(&faults, points("FAULT_POINTS", FEW));
    assert!(faults.len() > 100, "{}", faults.len());
    for (index, (error, cause)) in chosen {
        let call = &all[index];
        let inject = format!("--inject={}:error={error}:when={}", call.name, call.at);
        let output = world.run(&["strace", "-f", "-qq", "-o", "/dev/null", &inject], arguments).stdin(stdin).output();
        let moment = format!("{error} of {} {} ({})\n{output}", call.name, call.at, call.text);
        let expected = expected(&all, index);
        match &expected {
            Expected::Done => assert_eq!(output.status, status, "{moment}"),
            Expected::NotDurable => {
                assert!(output.status == 5 && output.stderr.contains(" was written, but may not survive"), "{moment}");
            }
            Expected::Stops(code) => assert_eq!(output.status, *code, "{moment}"),
        }
        if expected != Expected::Done {
            told(&output, call, cause, &moment);
        }
        old_or_new(world, (&old, &new), &files, &moment);
        untouched(world, call, &expected, &moment);
        let left = leftovers(world);
        assert!(left.is_empty(), "{moment}: left behind: {left:?}");
        let rerun = world.run(&[], arguments).stdin(stdin).output();
        assert!(again.contains(&rerun.status), "{moment}, run again: {rerun}");
        assert_eq!(world.meanings(), new, "{moment}, run again");
        world.restore();
    }
}

/// The file and the cause are named.
fn told(output: &Output, call: &Call, cause: &str, moment: &str) {
    assert!(output.stderr.contains("error["), "{moment}");
    assert!(output.stderr.contains(cause), "{moment}: no `{cause}`");
    let places = ["envctl.toml", "schemas", "environments/", "environments cannot", ".envctl/lock", "identity.txt"];
    let on_output = call.text.starts_with("1<") && output.stderr.contains("standard output");
    assert!(on_output || places.iter().any(|place| output.stderr.contains(place)), "{moment}: no file");
    if let Some(file) = written(call) {
        assert!(output.stderr.contains(file), "{moment}: no `{file}`");
    }
}

/// The file that a call to its temporary file is about.
fn written(call: &Call) -> Option<&str> {
    let (start, _) = call.text.split_once(".envctl-")?;
    start.rsplit_once("/.").or(start.rsplit_once("\".")).map(|(_, name)| name)
}

/// The file that could not be written is as it was.
fn untouched(world: &World, call: &Call, expected: &Expected, moment: &str) {
    let Some(file) = written(call).filter(|_| matches!(expected, Expected::Stops(_))) else { return };
    let path = |path: &&String| path.ends_with(&format!("/{file}"));
    let start = world.start().iter().find(|(name, _)| path(name));
    let (name, content) = start.unwrap_or_else(|| panic!("{moment}: {file} is not known"));
    assert_eq!(world.files().get(name), Some(content), "{moment}: {name}");
}

#[test]
fn set() {
    if !can_trace("io_faults::set") {
        return;
    }
    let world = World::new();
    let value = world.sandbox.canary("new value");
    faults(&world, &["set", "dev", "C", "--stdin"], &value, &[0]);
}

#[test]
fn recipients_remove() {
    if !can_trace("io_faults::recipients_remove") {
        return;
    }
    faults(&World::new(), &["recipients", "remove", "bob", "--all", "--yes"], "", &[0, 1, 2]);
}

/// A call that a signal interrupted is made again.
#[test]
fn interrupted_calls_are_repeated() {
    if !can_trace("io_faults::interrupted_calls_are_repeated") {
        return;
    }
    let world = World::new();
    let value = world.sandbox.canary("new value");
    let arguments = ["set", "dev", "C", "--stdin"];
    let all = calls(&world, &arguments, &value);
    world.restore();
    // Those that wait for a disk, a lock or a person; that a directory is opened is not interrupted (signal(7)).
    let waits = |call: &&Call| {
        let directory = call.text.contains("O_DIRECTORY") || call.text.starts_with("2<");
        ["openat", "read", "write", "pwrite64", "ftruncate", "fsync", "flock"].contains(&call.name.as_str())
            && !directory
    };
    let waiting: Vec<&Call> = all.iter().filter(waits).collect();
    assert!(waiting.len() > 20);
    for call in spread(&waiting, points("FAULT_POINTS", 12)) {
        let inject = format!("--inject={}:error=EINTR:when={}", call.name, call.at);
        let run = world.run(&["strace", "-f", "-qq", "-o", "/dev/null", &inject], &arguments);
        let output = run.stdin(value.clone()).output();
        assert_eq!(output.status, 0, "{call:?}\n{output}");
        let got = world.sandbox.run(&["get", "dev", "C"]).reveals().output();
        assert_eq!(got.stdout.trim_end(), value, "{call:?}");
        world.restore();
    }
}

/// A disk of 64 KiB that is full.
#[test]
fn a_full_disk() {
    let test = "a_full_disk";
    let root = rustix::process::geteuid().is_root();
    let options: &[&str] = if root { &["-m"] } else { &["-r", "-m"] };
    let mount = "mount -t tmpfs -o size=64k none \"$PWD\"";
    let works = Command::new("unshare").args(options).args(["sh", "-c", mount]).output();
    if !works.is_ok_and(|output| output.status.success()) {
        return left_out(test, "no tmpfs can be mounted");
    }
    let world = World::new();
    let value = world.sandbox.canary("new value");
    let kept = world.sandbox.path("after");
    fs::create_dir(&kept).unwrap();
    // The project is put on the small disk, which is filled; what is there afterwards is taken out to be looked at.
    let script = format!(
        "project=$PWD; cd / && cp -a \"$project\" {kept}/start && mount -t tmpfs -o size=64k none \"$project\" &&
         cp -a {kept}/start/. \"$project\" && cd \"$project\" || exit 99
         head -c 65536 /dev/zero >filler 2>/dev/null
         '{ENVCTL}' \"$@\"; code=$?
         rm filler; cp -a . {kept}/end; '{ENVCTL}' check --all --seal >&2 || code=98
         exit $code",
        kept = kept.display()
    );
    let [old, new] = ["start", "end"].map(|name| kept.join(name));
    let remove = ["recipients", "remove", "bob", "--all", "--yes"];
    for arguments in [&["set", "dev", "C", "--stdin"][..], &["unset", "dev", "A"], &["rekey", "dev"], &remove] {
        let run = [options, &["sh", "-c", &script, "sh"], arguments].concat();
        let output = world.sandbox.program("unshare", &run).stdin(value.clone()).output();
        assert_eq!(output.status, 5, "{arguments:?}: {output}");
        assert!(output.stderr.contains("environments/dev.toml cannot be written: no space left"), "{output}");
        let mut difference = Command::new("diff");
        let difference = difference.args(["-r", "-x", "lock"]).args([&old, &new]).output().unwrap();
        assert!(difference.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&difference.stdout));
        for path in [&old, &new] {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

/// Directories and files that may not be written.
#[test]
fn without_the_right_to_write() {
    let world = World::new();
    let value = world.sandbox.canary("new value");
    let arguments = ["set", "dev", "C", "--stdin"];
    let closed = [
        ("project/environments", 0o555, 5, "environments/dev.toml cannot be written: permission denied"),
        ("project/.envctl/lock", 0o400, 5, ".envctl/lock cannot be locked: permission denied"),
        ("project/.envctl", 0o000, 5, ".envctl/lock cannot be locked: permission denied"),
        ("project/environments/dev.toml", 0o000, 5, "environments/dev.toml cannot be read: permission denied"),
        ("home/.config/envctl/identity.txt", 0o000, 4, "identity.txt"),
    ];
    for (path, mode, status, said) in closed {
        let path = world.sandbox.path(path);
        let before = fs::metadata(&path).unwrap().permissions();
        set_mode(&path, mode);
        let Some(run) = unprivileged(&world.sandbox, &arguments) else {
            return left_out("without_the_right_to_write", "setpriv may not drop rights");
        };
        let output = run.stdin(value.clone()).output();
        fs::set_permissions(&path, before).unwrap();
        assert_eq!(output.status, status, "{path:?}: {output}");
        assert!(output.stderr.contains(said), "{path:?}: {output}");
        let mut files = world.files();
        let lock = "project/.envctl/lock";
        files.insert(lock.to_owned(), world.start()[lock].clone());
        assert_eq!(&files, world.start(), "{path:?}");
    }
    // A file that may only be read is replaced all the same: the right to do that is the directory's.
    set_mode(&world.sandbox.path("project/environments/dev.toml"), 0o444);
    let run = unprivileged(&world.sandbox, &arguments).unwrap();
    run.stdin(value).output().assert_status(0);
    assert_eq!(world.files()["project/environments/dev.toml"].1, 0o444);
}
