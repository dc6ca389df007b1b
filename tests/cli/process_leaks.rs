//! The process itself: what it hands to the system, what others can read of it while it runs, and what it leaves when it
//! crashes.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::projects::{ENVCTL, left_out};
use crate::trace::{READABLE, can_trace};
use crate::world::World;

/// The strings of one traced call as bytes: `-xx` writes each byte as `\xNN`.
fn unescaped(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.as_bytes();
    while let [first, tail @ ..] = rest {
        match rest {
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// Runs a command under strace; gives the calls that hand a secret to the system. What is read is no matter.
fn handed_over(world: &World, arguments: &[&str], stdin: &str) -> Vec<String> {
    let trace = world.sandbox.path("trace");
    let under = ["strace", "-f", "-qq", READABLE, "-xx", "-s", "2000000", "-o", trace.to_str().unwrap()];
    // The trace has what was read: the harness would find it there.
    world.run(&under, arguments).stdin(stdin).reveals().output().assert_status(0);
    let text = std::fs::read_to_string(&trace).unwrap();
    std::fs::remove_file(&trace).unwrap();
    let (mut found, mut reads) = (Vec::new(), 0);
    for line in text.lines() {
        let call = line.split_once(' ').map_or(line, |(_, call)| call.trim_start());
        let leaks = world.sandbox.leaks(&unescaped(call));
        if leaks.is_empty() {
            continue;
        }
        let name: String = call.chars().take_while(|letter| *letter != ',').collect();
        if ["read(", "pread64(", "readv("].iter().any(|start| call.starts_with(start)) {
            reads += 1;
        } else {
            found.push(name);
        }
    }
    // Otherwise the search finds nothing whatever is there.
    assert!(reads > 0, "{arguments:?}: not even what was read was seen");
    found.sort();
    found.dedup();
    found
}

/// Secrets go to standard output where that is asked for, to the memory file of `run`, and nowhere else: not in arguments,
/// names, messages to other processes, or files on a disk.
#[test]
fn secrets_are_handed_to_nobody_else() {
    if !can_trace("secrets_are_handed_to_nobody_else") {
        return;
    }
    let mut world = World::new();
    let schema =
        world.sandbox.read("schemas/api.toml") + "[variables.CERT]\nsecret = true\nas_file = true\nrequired = false\n";
    world.sandbox.file("schemas/api.toml", schema);
    world.save();
    let value = world.sandbox.canary("new value");
    let none: [&str; 0] = [];
    let bob = ["recipients", "remove", "bob", "dev", "--accept-exposure"];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["set", "dev", "A", "--stdin"], &none),
        (&["get", "dev", "A"], &["write(1"]),
        (&["get", "dev", "A", "-v"], &["write(1"]),
        (&["run", "dev", "--", "true"], &none),
        (&["run", "prod", "--clear", "--", "true"], &none),
        (&["rekey", "dev"], &none),
        (&["check", "--resolve", "--all"], &none),
        (&bob, &none),
        (&["seal", "dev", "OTHER", "--from", "local"], &none),
    ];
    for (arguments, allowed) in cases {
        assert_eq!(handed_over(&world, arguments, &value), allowed, "{arguments:?}");
        world.restore();
    }
    world.sandbox.run(&["set", "dev", "CERT", "--stdin"]).stdin(value.clone()).output().assert_status(0);
    let written = handed_over(&world, &["run", "dev", "--", "true"], "");
    assert!(matches!(written.as_slice(), [one] if one.starts_with("write(")), "{written:?}");
    world.restore();
    // The store of this machine holds plaintext: one private file, written whole and read back.
    let local = handed_over(&world, &["set", "dev", "OTHER", "--stdin", "--local"], &value);
    assert!(matches!(local.as_slice(), [one] if one.starts_with("write(")), "{local:?}");
}

/// The test of the test: what is handed over is found.
#[test]
fn a_leak_in_a_trace_is_found() {
    if !can_trace("a_leak_in_a_trace_is_found") {
        return;
    }
    let world = World::new();
    let found =
        handed_over(&world, &["run", "dev", "--", "sh", "-c", "cat /dev/null \"/$A\"; echo $A | tr C c >&2; true"], "");
    let expected = ["execve", "openat", "write(1", "write(2"];
    assert!(expected.iter().all(|part| found.iter().any(|one| one.starts_with(part))), "{found:?}");
}

/// envctl that waits for the rest of its standard input, with an identity in its environment. `before` is what a shell
/// does first; its last words are those that start a program.
fn waiting(world: &World, before: &str) -> Child {
    let key = std::fs::read_to_string(world.sandbox.path("home/bob.txt")).unwrap();
    let mut command = Command::new("sh");
    let script = format!("{before} \"$0\" \"$@\"");
    command.args(["-c", &script, ENVCTL, "set", "dev", "A", "--stdin"]);
    command.env_clear().current_dir(world.sandbox.path("project"));
    command.env("PATH", "/usr/bin:/bin").env("ENVCTL_IDENTITY", key.lines().last().unwrap());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), world.value("dev", "A").as_bytes()).unwrap();
    // It has begun when it has read the first part: nothing is left in the pipe.
    until(|| unread(&child) == 0);
    child
}

/// How many bytes the child has not yet read of its standard input.
fn unread(child: &Child) -> u64 {
    rustix::io::ioctl_fionread(child.stdin.as_ref().unwrap()).unwrap()
}

#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not come to that");
        std::thread::yield_now();
    }
}

/// The words that start a program without the rights of root.
fn as_user() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &["setpriv", "--bounding-set", "-all"] } else { &["env"] }
}

/// Reads a file as another process of the same user; nothing if that is refused.
fn read_as_user(path: &str) -> Option<Vec<u8>> {
    let [program, options @ ..] = as_user() else { return None };
    let output = Command::new(program).args(options).args(["cat", path]).stdin(Stdio::null()).output().unwrap();
    output.status.success().then_some(output.stdout)
}

#[test]
#[cfg(target_os = "linux")]
fn others_read_nothing_of_it() {
    let test = "others_read_nothing_of_it";
    if rustix::process::geteuid().is_root() && !crate::projects::there_is("setpriv", test) {
        return;
    }
    // A program that does nothing about it can be read: else the test shows nothing.
    let [program, options @ ..] = as_user() else { return };
    let mut open = Command::new(program);
    let mut open = open.args(options).arg("cat").env("SEEN", "yes").stdin(Stdio::piped()).spawn().unwrap();
    until(|| std::fs::read(format!("/proc/{}/comm", open.id())).unwrap() == b"cat\n");
    let seen = read_as_user(&format!("/proc/{}/environ", open.id()));
    open.kill().unwrap();
    open.wait().unwrap();
    if seen.is_none_or(|seen| !seen.windows(8).any(|part| part == b"SEEN=yes")) {
        return left_out(test, "processes of one user cannot read each other here");
    }
    let world = World::new();
    let mut child = waiting(&world, &format!("exec {}", as_user().join(" ")));
    let proc = format!("/proc/{}", child.id());
    for file in ["environ", "mem", "maps", "auxv"] {
        assert_eq!(read_as_user(&format!("{proc}/{file}")), None, "{file}");
    }
    for file in ["cmdline", "comm", "status", "stat"] {
        let content = read_as_user(&format!("{proc}/{file}")).unwrap();
        assert_eq!(world.sandbox.leaks(&content), <[String; 0]>::default(), "{file}");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_crash_leaves_no_core() {
    let core = |signal: &str| {
        let script = format!("ulimit -c unlimited 2>/dev/null; kill -{signal} $$");
        let mut shell = Command::new("sh");
        let directory = tempfile::tempdir().unwrap();
        shell.args(["-c", &script]).current_dir(directory.path()).status().unwrap().core_dumped()
    };
    if !core("SEGV") {
        return left_out("a_crash_leaves_no_core", "nothing leaves a core here");
    }
    let world = World::new();
    for (name, signal) in [
        ("SEGV", rustix::process::Signal::SEGV),
        ("ABRT", rustix::process::Signal::ABORT),
        ("QUIT", rustix::process::Signal::QUIT),
    ] {
        let mut child = waiting(&world, "ulimit -c unlimited; exec");
        // Rust's runtime takes the first SIGSEGV for a full stack, looks, and lets the second one through.
        until(|| {
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
            child.try_wait().unwrap().is_some()
        });
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{name}");
        assert!(!status.core_dumped(), "{name}");
        assert_eq!(&world.files(), world.start(), "{name}");
    }
}
