//! The harness watched by itself: with programs that leak on purpose.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::harness::{Output, Run, Sandbox, set_mode};

/// The text with which a run failed; nothing if it was found clean.
fn failure(run: Run<'_>) -> Option<String> {
    let result = catch_unwind(AssertUnwindSafe(|| run.output()));
    result.err().map(|payload| payload.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_canary_on_either_stream_fails_the_run() {
    let sandbox = Sandbox::new();
    let canary = sandbox.canary("DB_PASSWORD");
    let found = failure(sandbox.program("echo", &[&canary])).unwrap();
    assert!(found.contains("standard output: DB_PASSWORD as itself"), "{found}");
    let on_stderr = sandbox.program("sh", &["-c", "printf %s \"$X\" | base64 >&2"]).env("X", &canary);
    let found = failure(on_stderr).unwrap();
    assert!(found.contains("standard error: DB_PASSWORD as base64"), "{found}");
    sandbox.program("echo", &[&canary]).reveals().output().assert_stdout(&format!("{canary}\n"));
    assert_eq!(failure(sandbox.program("echo", &["nothing"])), None);
}

#[test]
fn a_canary_in_a_file_fails_the_run_that_wrote_it() {
    let sandbox = Sandbox::new();
    let canary = sandbox.canary("TOKEN");
    sandbox.file("dev.toml", format!("A = '{canary}'\n"));
    assert_eq!(failure(sandbox.program("sh", &["-c", "echo '# note' >> dev.toml"])), None);
    for target in ["copy", "$HOME/.cache", "$XDG_RUNTIME_DIR/copy", "../bin/copy"] {
        let copy = sandbox.program("sh", &["-c", &format!("cat dev.toml > {target}")]);
        let found = failure(copy).unwrap();
        assert!(found.contains("TOKEN as itself"), "{target}: {found}");
    }
    let named = failure(sandbox.program("sh", &["-c", &format!(": > {canary}")])).unwrap();
    assert!(named.contains("a file name: TOKEN"), "{named}");
}

#[test]
fn the_local_store_may_hold_a_canary_but_nobody_else_may_read_it() {
    let sandbox = Sandbox::new();
    let canary = sandbox.canary("KEY");
    sandbox.place("home/.local/share/envctl/local/key", &canary);
    set_mode(&sandbox.path("home/.local/share/envctl/local/key"), 0o600);
    assert_eq!(failure(sandbox.program("true", &[])), None);
    set_mode(&sandbox.path("home/.local/share/envctl/local/key"), 0o640);
    let found = failure(sandbox.program("true", &[]).reveals()).unwrap();
    assert!(found.contains("mode 640"), "{found}");
}

#[test]
fn the_environment_is_empty_and_paths_are_replaced() {
    let sandbox = Sandbox::new();
    sandbox.script("hello", "#!/bin/sh\npwd\ncat\nexit 7\n").file("sub/x", "");
    let output = sandbox.program("sh", &["-c", "hello"]).dir("sub").stdin("in").output();
    output.assert_status(7).assert_stdout("[ROOT]/project/sub\nin").assert_stderr("");
    let output = sandbox.program("env", &[]).env("ADDED", "1").output();
    let mut names: Vec<_> = output.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    let expected = ["ADDED", "HOME", "LANG", "PATH", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"];
    assert_eq!(names, expected);
    assert_eq!(sandbox.read("sub/x"), "");
}

#[test]
fn a_signal_counts_as_in_a_shell_and_bytes_are_kept() {
    let sandbox = Sandbox::new();
    let output: Output = sandbox.program("sh", &["-c", "printf '\\377'; kill -TERM $$"]).output();
    assert_eq!((output.assert_status(143).bytes.as_slice(), output.stdout.as_str()), (&b"\xff"[..], "\u{fffd}"));
}

#[test]
fn a_run_that_is_never_started_fails() {
    let sandbox = Sandbox::new();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(sandbox.run(&["check"])))).is_err());
}
