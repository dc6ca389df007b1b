//! The sealed format between programs: what envctl writes is read without it, and the reverse, today's files and old ones.
//!
//! `tests/interop/` is the other side: a writer and reader of the format that shares no line with envctl. `docs/recover.py`
//! is what people have who have nothing else. `INTEROP_DOCUMENTS` is the number of random documents in each direction.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{Run, Sandbox, set_mode};
use crate::projects::{left_out, variables};

/// The values of the sealed environments of a project.
pub(crate) type Values = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// A path in the repository.
fn repository(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The fixtures of format 1 as a project; the identities are in `home/`.
pub(crate) fn fixtures() -> (Sandbox, Values) {
    let sandbox = Sandbox::new();
    let folder = repository("tests/fixtures/format-1");
    for name in ["envctl.toml", "schemas/api.toml"] {
        sandbox.file(name, fs::read(folder.join(name)).unwrap());
    }
    for entry in fs::read_dir(folder.join("environments")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        sandbox.file(&format!("environments/{name}"), fs::read(entry.path()).unwrap());
    }
    for name in ["alice.txt", "bob.txt", "deploy"] {
        sandbox.place(&format!("home/{name}"), fs::read(folder.join(name)).unwrap());
        set_mode(&sandbox.path(&format!("home/{name}")), 0o600);
    }
    let values = values(&fs::read(folder.join("expected.json")).unwrap());
    (sandbox, values)
}

/// Values as the Python side writes them.
fn values(json: &[u8]) -> Values {
    let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_slice(json).unwrap();
    let decoded = |(name, value): (String, String)| (name, STANDARD.decode(value).unwrap());
    all.into_iter().map(|(environment, values)| (environment, values.into_iter().map(decoded).collect())).collect()
}

/// A run of envctl with one of the identities in `home/`.
pub(crate) fn with<'s>(sandbox: &'s Sandbox, identity: &str, arguments: &[&str]) -> Run<'s> {
    sandbox.run(arguments).env("ENVCTL_IDENTITY_FILE", sandbox.path("home").join(identity))
}

/// The Python that has what the scripts need, if there is one, and age.
struct Python {
    program: String,
    path: OsString,
}

impl Python {
    /// Says what is left out if something is not there.
    #[track_caller]
    fn find(test: &str) -> Option<Self> {
        let needs = "import cryptography, tomllib, sys; print(sys.executable)";
        let output = Command::new("python3").args(["-c", needs]).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else {
            left_out(test, "no python3 of at least 3.11 with the package cryptography");
            return None;
        };
        for program in ["age", "age-keygen"] {
            if Command::new(program).arg("--version").output().is_err() {
                left_out(test, &format!("no {program}"));
                return None;
            }
        }
        let program = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Some(Self { program, path: std::env::var_os("PATH").unwrap_or_default() })
    }

    /// Runs a script of the repository: many documents in one process.
    fn run(&self, sandbox: &Sandbox, script: &str, arguments: &[&str]) -> Vec<u8> {
        let script = repository(script);
        let all = [&["-B", "-X", "utf8", script.to_str().unwrap()], arguments].concat();
        let output = sandbox.program(&self.program, &all).env("PATH", &self.path).output();
        output.assert_status(0);
        output.bytes
    }

    /// What the independent reader, and what `docs/recover.py` make of a project.
    fn read(&self, sandbox: &Sandbox, identity: &str) -> [Values; 2] {
        let identity = sandbox.path("home").join(identity);
        let read = |how| values(&self.run(sandbox, "tests/interop/sealed.py", &[how, ".", identity.to_str().unwrap()]));
        [read("read"), read("recover")]
    }
}

/// How many random documents are written by either side.
fn documents() -> usize {
    std::env::var("INTEROP_DOCUMENTS").ok().and_then(|number| number.parse().ok()).unwrap_or(8)
}

/// What the command gets that `run` starts: without the entries of a rotation, which have a suffix.
fn delivered(values: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, &[u8]> {
    let own = values.iter().filter(|(name, _)| !name.contains('-'));
    own.map(|(name, value)| (name.as_str(), value.as_slice())).collect()
}

/// Checks that `run` delivers these values.
#[track_caller]
fn delivers(sandbox: &Sandbox, identity: &str, environment: &str, expected: &BTreeMap<&str, &[u8]>) {
    let got = variables(&with(sandbox, identity, &["run", environment, "--clear", "--", "env", "-0"]).output());
    let own = |name: &&String| !["PATH", "HOME", "LANG", "TERM"].contains(&name.as_str());
    let got: BTreeMap<&str, &[u8]> =
        got.iter().filter(|(name, _)| own(name)).map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let names = |values: &BTreeMap<&str, &[u8]>| values.keys().map(|name| String::from(*name)).collect::<Vec<_>>();
    assert_eq!(names(&got), names(expected), "{environment}");
    let other: Vec<_> = got.iter().filter(|(name, value)| expected[*name] != **value).map(|(name, _)| name).collect();
    assert!(other.is_empty(), "{environment}: other values of {other:?}");
}

/// Checks that two readers agree, without a page of numbers if they do not.
#[track_caller]
fn same(read: &Values, expected: &Values) {
    for (environment, values) in expected {
        let expected: BTreeMap<_, _> = values.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let read = read.get(environment).unwrap_or_else(|| panic!("{environment} was not read"));
        let names: Vec<_> = read.keys().map(String::as_str).collect();
        assert_eq!(names, expected.keys().copied().collect::<Vec<_>>(), "{environment}");
        let other: Vec<_> = names.into_iter().filter(|name| expected[name] != read[*name]).collect();
        assert!(other.is_empty(), "{environment}: other values of {other:?}");
    }
    assert_eq!(read.len(), expected.len());
}

#[test]
fn every_fixture_opens() {
    let (sandbox, all) = fixtures();
    let check = with(&sandbox, "alice.txt", &["check", "--all", "--seal"]).output();
    check.assert_status(0);
    assert_eq!(check.stderr.matches("seal verified").count(), all.len() - 1, "all but the one without values\n{check}");
    assert_eq!(fs::read_dir(sandbox.path("project/environments")).unwrap().count(), all.len());
    for (environment, values) in &all {
        for (name, value) in &delivered(values) {
            let got = with(&sandbox, "alice.txt", &["get", environment, name, "--raw", "--yes"]).output();
            got.assert_status(0);
            assert!(got.bytes == *value, "{environment}: {name}");
        }
        let mut expected = delivered(values);
        match environment.as_str() {
            // It is abstract.
            "parent" => continue,
            "child" => expected.extend(delivered(&all["parent"])),
            _ => {}
        }
        delivers(&sandbox, "alice.txt", environment, &expected);
    }
}

#[test]
fn a_fixture_opens_for_each_of_its_recipients_and_nobody_else() {
    let (sandbox, _) = fixtures();
    for (environment, identity, status) in [
        ("first", "alice.txt", 0),
        ("first", "bob.txt", 4),
        ("people", "alice.txt", 0),
        ("people", "bob.txt", 0),
        ("people", "deploy", 0),
        ("later", "bob.txt", 0),
        ("later", "deploy", 4),
        ("crlf", "bob.txt", 0),
        ("spelling", "bob.txt", 0),
    ] {
        let output = with(&sandbox, identity, &["get", environment, "API_KEY"]).output();
        assert_eq!(output.status, status, "{environment} by {identity}\n{output}");
    }
}

#[test]
fn every_fixture_is_read_without_envctl() {
    let Some(python) = Python::find("every_fixture_is_read_without_envctl") else { return };
    let (sandbox, all) = fixtures();
    for read in python.read(&sandbox, "alice.txt") {
        same(&read, &all);
    }
}

/// A fixture that any command has changed can still be read: each keeps its spelling and stays of the format.
#[test]
fn a_changed_fixture_is_read_without_envctl() {
    let Some(python) = Python::find("a_changed_fixture_is_read_without_envctl") else { return };
    let (sandbox, mut all) = fixtures();
    for environment in ["first", "people", "later", "crlf", "spelling", "dotted", "nothing", "sizes", "rotating"] {
        let set = with(&sandbox, "alice.txt", &["set", environment, "API_KEY", "--stdin"]).stdin("changed\n").output();
        set.assert_status(0);
        let values = all.get_mut(environment).unwrap();
        values.insert(String::from("API_KEY"), b"changed".to_vec());
        with(&sandbox, "alice.txt", &["rekey", environment]).output().assert_status(0);
        let last = values.keys().rfind(|name| !name.contains('-') && *name != "API_KEY").cloned();
        if let Some(name) = last {
            with(&sandbox, "alice.txt", &["unset", environment, &name]).output().assert_status(0);
            values.remove(&name);
        }
    }
    assert!(!sandbox.read("environments/crlf.toml").replace("\r\n", "").contains('\n'));
    for read in python.read(&sandbox, "alice.txt") {
        same(&read, &all);
    }
}

/// A project of random documents by the Python side.
fn random(python: &Python, seed: &str) -> (Sandbox, Values) {
    let sandbox = Sandbox::new();
    python.run(&sandbox, "tests/interop/documents.py", &["make", ".", &documents().to_string(), seed]);
    for name in ["alice.txt", "bob.txt", "deploy.txt"] {
        fs::rename(sandbox.path("project").join(name), sandbox.path("home").join(name)).unwrap();
    }
    let all = values(sandbox.read("expected.json").as_bytes());
    fs::remove_file(sandbox.path("project/expected.json")).unwrap();
    (sandbox, all)
}

#[test]
fn what_others_write_is_opened() {
    let Some(python) = Python::find("what_others_write_is_opened") else { return };
    let (sandbox, all) = random(&python, "what others write");
    with(&sandbox, "alice.txt", &["check", "--all", "--seal"]).output().assert_status(0);
    for (environment, values) in &all {
        delivers(&sandbox, "alice.txt", environment, &delivered(values));
    }
    println!("interop: {} documents written by Python and opened", all.len());
}

#[test]
fn what_is_written_opens_for_others() {
    let Some(python) = Python::find("what_is_written_opens_for_others") else { return };
    let (sandbox, all) = random(&python, "what is written");
    for (number, (environment, values)) in all.iter().enumerate() {
        let file = format!("environments/{environment}.toml");
        if number % 2 == 0 && !values.is_empty() {
            let line = |(name, value): (&String, &Vec<u8>)| {
                let value = std::str::from_utf8(value).unwrap().replace("${", "$${");
                format!("{name} = {}\n", toml_edit::Value::from(value))
            };
            sandbox.file(&file, format!("[values]\n{}", values.iter().map(line).collect::<String>()));
            let seal = ["seal", environment, "--recipients", "alice,bob"];
            with(&sandbox, "alice.txt", &seal).output().assert_status(0);
        } else {
            sandbox.file(&file, "");
            for (name, value) in values {
                let path = sandbox.path("home/value");
                fs::write(&path, value).unwrap();
                let set =
                    ["set", environment, name, "--empty", "--recipients", "alice", "--file", path.to_str().unwrap()];
                with(&sandbox, "alice.txt", &set).output().assert_status(0);
            }
        }
        if number % 3 == 0 && !values.is_empty() {
            with(&sandbox, "alice.txt", &["rekey", environment]).output().assert_status(0);
        }
    }
    let written: Values = all.into_iter().filter(|(_, values)| !values.is_empty()).collect();
    for read in python.read(&sandbox, "alice.txt") {
        same(&read, &written);
    }
    println!("interop: {} documents written by envctl and opened", written.len());
}

/// The largest value there can be, which no environment of a process carries.
#[test]
fn a_value_of_one_mebibyte_goes_both_ways() {
    let Some(python) = Python::find("a_value_of_one_mebibyte_goes_both_ways") else { return };
    let (sandbox, mut all) = fixtures();
    let value = "0123456789abcdef".repeat(65_536).into_bytes();
    sandbox.place("home/value", &value);
    let path = sandbox.path("home/value");
    let set = ["set", "first", "TEXT", "--file", path.to_str().unwrap()];
    with(&sandbox, "alice.txt", &set).output().assert_status(0);
    assert!(with(&sandbox, "alice.txt", &["get", "first", "TEXT", "--raw"]).output().bytes == value);
    all.get_mut("first").unwrap().insert(String::from("TEXT"), value);
    assert!(python.read(&sandbox, "alice.txt").iter().all(|read| *read == all));
}

/// The script says that it has verified the seal, and prints nothing where it does not match.
#[test]
fn the_recovery_script_verifies_the_seal() {
    let Some(python) = Python::find("the_recovery_script_verifies_the_seal") else { return };
    let (sandbox, _) = fixtures();
    let script = repository("docs/recover.py");
    assert!(fs::read_to_string(&script).unwrap().lines().count() <= 30);
    let file = sandbox.read("environments/first.toml");
    let recover = |identity: &str| {
        let (file, identity) = (sandbox.path("project/environments/first.toml"), sandbox.path("home").join(identity));
        let arguments = [script.to_str().unwrap(), file.to_str().unwrap(), identity.to_str().unwrap()];
        sandbox.program(&python.program, &[&["-B"], &arguments[..]].concat()).env("PATH", &python.path).output()
    };
    let good = recover("alice.txt");
    assert!(good.status == 0 && good.stderr.starts_with("seal verified: first of project "), "{good}");
    assert!(good.stdout.contains("\nEMPTY=''\n"), "{good}");
    let bytes = |from: &str, to: &str| file.replacen(from, to, 1);
    let entry = file.lines().find(|line| line.starts_with("TEXT")).unwrap();
    for (why, changed) in [
        ("an entry is gone", bytes(entry, "")),
        ("another date", bytes("rotated = 2026-", "rotated = 2025-")),
        ("another revision", bytes("revision = ", "revision = 1")),
        ("protected", bytes("protected = false", "protected = true")),
        ("protected outside", format!("protected = true\n{file}")),
        ("in clear too", format!("[values]\nTEXT = \"x\"\n{file}")),
        ("another format", bytes("format = 1", "format = 2")),
        ("no TOML", bytes("[seal]", "[seal")),
    ] {
        sandbox.file("environments/first.toml", changed);
        let bad = recover("alice.txt");
        assert!(bad.status != 0 && bad.stdout.is_empty(), "{why}\n{bad}");
    }
    sandbox.file("environments/first.toml", &file);
    let bad = recover("bob.txt");
    assert!(bad.status != 0 && bad.stdout.is_empty(), "{bad}");
}

/// The example in docs/format.md opens, and the values on the way are those that stand there.
#[test]
fn the_example_of_the_format_is_true() {
    let page = fs::read_to_string(repository("docs/format.md")).unwrap();
    let between = |start: &str, end: &str| page.split_once(start).unwrap().1.split_once(end).unwrap().0.to_owned();
    let sandbox = Sandbox::new();
    let project = between("Project `", "`");
    sandbox.file("envctl.toml", format!("[project]\nname = \"shop\"\nid = \"{project}\"\n"));
    let schema = "[variables.API_KEY]\nsecret = true\n[variables.DB_PASSWORD]\nsecret = true\nmin_length = 0\n";
    sandbox.file("schemas/api.toml", schema).file("environments/prod.toml", between("```toml\n", "```"));
    sandbox.place("home/alice.txt", between("made for this page:\n\n    ", "\n"));
    set_mode(&sandbox.path("home/alice.txt"), 0o600);
    for (name, value) in [("API_KEY", "sk-example-0123456789\n"), ("DB_PASSWORD", "\n")] {
        with(&sandbox, "alice.txt", &["get", "prod", name]).output().assert_status(0).assert_stdout(value);
    }
    let Some(python) = Python::find("the_example_of_the_format_is_true") else { return };
    let identity = sandbox.path("home/alice.txt");
    let arguments = ["steps", ".", "prod", identity.to_str().unwrap(), &between("data key before it was `", "`")];
    let steps = String::from_utf8(python.run(&sandbox, "tests/interop/sealed.py", &arguments)).unwrap();
    assert_eq!(between("```text\n", "```"), steps);
}
