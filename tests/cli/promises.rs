//! Promises of SECURITY.md that no other test holds: what the process does to itself, what it never starts or opens, and
//! whom a removed recipient is said to have known.

use std::fs;

use crate::trace::can_trace;
use crate::world::World;

/// The system calls of a run, each as strace writes it with the file behind each descriptor.
fn traced(world: &World, calls: &str, arguments: &[&str], stdin: &str) -> Vec<String> {
    let trace = world.sandbox.path("trace");
    let filter = format!("trace={calls}");
    let under = ["strace", "-f", "-qq", "-y", "-s", "100000", "-e", &filter, "-o", trace.to_str().unwrap()];
    // The trace quotes what was read and written: the test looks through it, not the harness.
    world.run(&under, arguments).stdin(stdin).reveals().output().assert_status(0);
    let text = String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
    fs::remove_file(&trace).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// No core file and no reading by others of the same user, before there is anything to read.
#[test]
fn the_process_is_hardened_before_it_reads_anything() {
    if !can_trace("the_process_is_hardened_before_it_reads_anything") {
        return;
    }
    let world = World::new();
    let calls = traced(&world, "prctl,prlimit64,openat", &["check", "dev", "--seal"], "");
    let at = |part: &str| calls.iter().position(|call| call.contains(part)).unwrap_or_else(|| panic!("{part}"));
    let core = at("RLIMIT_CORE, {rlim_cur=0");
    let dumpable = at("PR_SET_DUMPABLE, SUID_DUMP_DISABLE");
    let first = at("/envctl.toml\", O_RDONLY");
    assert!(core < first && dumpable < first, "{core} {dumpable} {first}\n{}", calls.join("\n"));
}

/// Every kind of command, in a project that is as it should be.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["check", "--all", "--seal"], ""),
    (&["check", "dev", "--resolve"], ""),
    (&["list", "dev"], ""),
    (&["explain", "dev", "A"], ""),
    (&["diff", "dev", "prod"], ""),
    (&["render", "dev", "--format", "json"], ""),
    (&["get", "dev", "A"], ""),
    (&["recipients", "list"], ""),
    (&["recipients", "check"], ""),
    (&["set", "dev", "A", "--stdin"], "a-value-that-is-new-here\n"),
    (&["seal", "dev", "OTHER", "--from", "local"], ""),
    (&["unset", "dev", "B"], ""),
    (&["rekey", "prod", "--yes"], ""),
    (&["recipients", "remove", "bob", "dev", "--accept-exposure"], ""),
];

/// The first call starts envctl itself; there is no second, and no connection to anywhere.
#[test]
fn no_command_starts_a_program_or_opens_a_connection() {
    if !can_trace("no_command_starts_a_program_or_opens_a_connection") {
        return;
    }
    let world = World::new();
    for (arguments, stdin) in COMMANDS {
        let calls = traced(&world, "execve,execveat,connect", arguments, stdin);
        assert!(calls.len() == 1 && calls[0].contains("execve(\""), "{arguments:?}\n{}", calls.join("\n"));
    }
    let calls = traced(&world, "execve,execveat,connect", &["run", "dev", "--", "/bin/true"], "");
    assert!(calls.len() == 2 && calls[1].contains("execve(\"/bin/true\""), "{}", calls.join("\n"));
}

/// Not in a temporary file, not in one that is removed again: what is written of a secret is ciphertext.
#[test]
fn nothing_that_is_written_holds_a_secret_in_clear() {
    if !can_trace("nothing_that_is_written_holds_a_secret_in_clear") {
        return;
    }
    let world = World::new();
    for (arguments, stdin) in COMMANDS.iter().filter(|(arguments, _)| !["get", "render"].contains(&arguments[0])) {
        let calls =
            traced(&world, "write,writev,pwrite64,pwritev,sendto,openat,mkdir,rename,renameat", arguments, stdin);
        let values = world.values.values().map(String::as_str).chain([stdin.trim_end()]);
        for value in values.filter(|value| !value.is_empty()) {
            let found: Vec<_> = calls.iter().filter(|call| call.contains(value)).collect();
            assert!(found.is_empty(), "{arguments:?}\n{found:?}");
        }
    }
}

/// What was removed is listed by name until each has a new value, by the command that removes and by the check without a key.
#[test]
fn what_a_removed_reader_knows_is_listed_until_it_is_changed() {
    let mut world = World::new();
    let remove = world.sandbox.run(&["recipients", "remove", "bob", "dev"]).output();
    remove.assert_status(1);
    assert!(remove.stdout.contains("dev A\n") && remove.stdout.contains("dev B\n"), "{remove}");
    assert_eq!(world.number("dev", "generation"), 2);
    let left = |world: &World| {
        let output = world.sandbox.run(&["recipients", "check", "dev"]).output();
        let known =
            output.stdout.lines().chain(output.stderr.lines()).find_map(|line| line.split("recipients know: ").nth(1));
        (output.status, known.map(str::to_owned))
    };
    assert_eq!(left(&world), (1, Some(String::from("A, B"))));
    world.set("dev", "A");
    assert_eq!(left(&world), (1, Some(String::from("B"))));
    world.set("dev", "B");
    assert_eq!(left(&world), (0, None));
}

/// The help of every command names no option that would switch the seal off.
#[test]
fn no_option_ignores_a_broken_seal() {
    let world = World::new();
    let manual = world.sandbox.path("manual");
    fs::create_dir_all(&manual).unwrap();
    world.done(&["man", manual.to_str().unwrap()]);
    let pages: Vec<String> =
        fs::read_dir(&manual).unwrap().map(|page| fs::read_to_string(page.unwrap().path()).unwrap()).collect();
    assert!(pages.len() > 20, "{} pages", pages.len());
    for word in ["ignore", "no\\-verify", "insecure", "skip", "force", "unsafe", "no\\-check", "no\\-mac"] {
        let option = format!("\\-\\-{word}");
        assert!(!pages.iter().any(|page| page.contains(&option)), "{word}");
    }
}
