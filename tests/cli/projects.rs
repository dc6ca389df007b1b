//! Small projects for the tests, and what several of them ask of a run.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use crate::harness::{Output, Run, Sandbox};

/// The program under test.
pub(crate) const ENVCTL: &str = env!("CARGO_BIN_EXE_envctl");

/// `envctl.toml` of a project with nothing special.
pub(crate) const CONFIG: &str =
    "[project]\nname = \"shop\"\nid = \"8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f\"\ndefault_environment = \"dev\"\n";

/// A sandbox with a project of one schema, `api`, and the environment `dev`.
pub(crate) fn project(schema: &str, dev: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("envctl.toml", CONFIG).file("schemas/api.toml", schema).file("environments/dev.toml", dev);
    sandbox
}

/// A project in which nothing is wrong: `MODE` is `"plain"`.
pub(crate) fn plain() -> Sandbox {
    project("[variables.MODE]\n", "[values]\nMODE = \"plain\"\n")
}

/// What `env -0` printed, by name. A name that stands there twice fails the test.
#[track_caller]
pub(crate) fn variables(output: &Output) -> BTreeMap<String, Vec<u8>> {
    output.assert_status(0);
    let mut all = BTreeMap::new();
    for pair in output.bytes.split(|byte| *byte == 0) {
        if pair.is_empty() {
            continue;
        }
        let at = pair.iter().position(|byte| *byte == b'=').unwrap();
        let name = String::from_utf8_lossy(&pair[..at]).into_owned();
        let old = all.insert(name.clone(), pair[at + 1..].to_vec());
        assert!(old.is_none(), "{name} stands twice in the environment");
    }
    all
}

/// The value of a variable in what [`variables`] gave, as text.
pub(crate) fn text<'v>(all: &'v BTreeMap<String, Vec<u8>>, name: &str) -> Option<&'v str> {
    all.get(name).map(|value| std::str::from_utf8(value).unwrap())
}

/// Whether a program is there; says what is left out if not. In CI that is a failure.
#[track_caller]
pub(crate) fn there_is(program: &str, test: &str) -> bool {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    left_out(test, &format!("no {program}"));
    false
}

/// Says that a test did not run. In CI that is a failure.
#[track_caller]
pub(crate) fn left_out(test: &str, why: &str) {
    println!("left out: {test} ({why})");
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "left out in CI: {test} ({why})");
}

/// A run of envctl for which permission bits count, for root too; nothing where that cannot be had.
pub(crate) fn unprivileged<'s>(sandbox: &'s Sandbox, arguments: &[&str]) -> Option<Run<'s>> {
    if !rustix::process::geteuid().is_root() {
        return Some(sandbox.run(arguments));
    }
    let drop = ["--bounding-set", "-dac_override,-dac_read_search"];
    let works = Command::new("setpriv").args(drop).arg("true").status().is_ok_and(|status| status.success());
    works.then(|| sandbox.program("setpriv", &[&drop, &[ENVCTL][..], arguments].concat()))
}

/// Checks that a run failed with this status and diagnostic code, and says `part`.
#[track_caller]
pub(crate) fn refused(output: &Output, status: i32, code: &str, part: &str) {
    output.assert_status(status);
    let start = format!("error[{code}]: ");
    assert!(output.stderr.contains(&start), "expected [{code}]\n{output}");
    assert!(output.stderr.contains(part), "expected `{part}`\n{output}");
    assert!(output.stdout.is_empty(), "{output}");
}
