//! Values that `envctl run` hands over as files, the store of generated values, and what is left behind: nothing.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::harness::Sandbox;
use crate::projects::{ENVCTL, left_out, plain, project, refused, there_is};

const GENERATED: &str = "[variables.KEY]\nsecret = true\ngenerate = { kind = \"base64url\", bytes = 48 }\n";
const LOCAL: &str = "[values]\nKEY = { backend = \"local\" }\n";

fn with_file() -> (Sandbox, String) {
    let sandbox = project(
        "[variables.CERT]\nsecret = true\nas_file = true\n[variables.MOTD]\nas_file = true\n[variables.PLAIN]\n",
        "[values]\nCERT = { backend = \"env\", name = \"CERT_TEXT\" }\nMOTD = \"hello\\nyou\\n\"\nPLAIN = \"p\"\n",
    );
    let secret = sandbox.canary("CERT");
    (sandbox, secret)
}

#[test]
fn a_file_is_read_as_often_as_wanted_and_by_grandchildren() {
    let (sandbox, secret) = with_file();
    let script = "cat \"$CERT\"; cat \"$CERT\"; cat < \"$CERT\"; sh -c 'sh -c \"cat \\$CERT; true\"; true'; cat \"$MOTD\"; head -c 3 \"$MOTD\"";
    let output = sandbox.run(&["run", "--", "sh", "-c", script]).env("CERT_TEXT", &secret).reveals().output();
    let expected = format!("{}hello\nyou\nhel", secret.repeat(4));
    output.assert_status(0).assert_stdout(&expected).assert_stderr("");
}

#[test]
fn a_file_has_no_place_on_disk_and_cannot_be_changed() {
    let (sandbox, secret) = with_file();
    let show = |script: &str| {
        let run = sandbox.run(&["run", "--", "sh", "-c", script]);
        run.env("CERT_TEXT", &secret).output()
    };
    let output = show("echo $CERT; echo $MOTD; stat -Lc '%a %F' $CERT; readlink $CERT");
    let lines: Vec<_> = output.assert_status(0).stdout.lines().collect();
    for path in &lines[..2] {
        let number = path.strip_prefix("/proc/self/fd/").expect("a descriptor");
        assert!(number.parse::<u32>().unwrap() >= 200, "{path}");
    }
    assert_ne!(lines[0], lines[1]);
    assert_eq!(lines[2], "400 regular file");
    assert!(lines[3].starts_with("/memfd:"), "{output}");
    let written = show(
        "(echo x > $CERT) 2>/dev/null && echo written; (echo x >> $CERT) 2>/dev/null && echo appended; truncate -s 0 $CERT 2>/dev/null && echo cut; true",
    );
    written.assert_status(0).assert_stdout("");
}

#[test]
fn the_command_inherits_its_files_and_nothing_else() {
    if !there_is("python3", "the_command_inherits_its_files_and_nothing_else") {
        return;
    }
    // What the tests themselves were started with is inherited by everything: compared with a run without envctl.
    let list = "import os; print(*(fd for fd in sorted(os.listdir('/proc/self/fd'), key=int) if os.path.exists('/proc/self/fd/' + fd) or int(fd) > 199)); print(*(os.environ.get(name, '').rsplit('/')[-1] for name in ['CERT', 'MOTD']))";
    let (sandbox, secret) = with_file();
    let bare = sandbox.program("python3", &["-c", list]).output();
    let without = bare.assert_status(0).stdout.lines().next().unwrap();
    let without: BTreeSet<_> = without.split(' ').collect();
    let output = sandbox.run(&["run", "--", "python3", "-c", list]).env("CERT_TEXT", &secret).output();
    let lines: Vec<_> = output.assert_status(0).stdout.lines().collect();
    let descriptors: BTreeSet<_> = lines[0].split(' ').collect();
    let files: BTreeSet<_> = lines[1].split(' ').collect();
    assert_eq!(files.len(), 2, "{output}");
    assert_eq!(descriptors, without.union(&files).copied().collect());
    let output = plain().run(&["run", "--", "python3", "-c", list]).output();
    output.assert_status(0).assert_stdout(&bare.stdout);
}

#[test]
fn large_and_binary_values_fit_into_a_file() {
    let sandbox = project(
        "[variables.BIG]\nas_file = true\n[variables.NUL]\nas_file = true\n",
        &format!("[values]\nBIG = \"{}\"\nNUL = \"a\\u0001b\"\n", "x".repeat(1_000_000)),
    );
    let output = sandbox.run(&["run", "--", "sh", "-c", "wc -c < $BIG; od -An -tx1 $NUL"]).output();
    output.assert_status(0).assert_stdout("1000000\n 61 01 62\n");
}

#[test]
fn nothing_is_left_in_the_project() {
    let (sandbox, secret) = with_file();
    sandbox
        .file("schemas/keys.toml", GENERATED)
        .file("environments/dev.toml", sandbox.read("environments/dev.toml") + "KEY = { backend = \"local\" }\n");
    let list = || {
        let found = sandbox
            .program("find", &[".", "../home", "../run", "../bin", "-newer", "envctl.toml", "-o", "-type", "f"])
            .output();
        found.stdout.lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let before = list();
    for schema in ["api", "keys"] {
        let run = sandbox.run(&["run", "--schema", schema, "--", "true"]).env("CERT_TEXT", &secret);
        run.output().assert_status(0).assert_stdout("").assert_stderr("");
    }
    let added: Vec<_> =
        list().difference(&before).filter(|path| !path.starts_with("../home/.local/share/envctl")).cloned().collect();
    assert_eq!(added.iter().filter(|path| *path != "../home/.local/share").count(), 0, "{added:?}");
}

#[test]
fn a_generated_value_is_made_once_and_kept_private() {
    let sandbox = project(GENERATED, LOCAL);
    sandbox.run(&["check", "--resolve"]).output().assert_status(0);
    assert!(!sandbox.path("home/.local/share/envctl").exists(), "check makes nothing");
    let show = || {
        let output = sandbox.run(&["run", "--", "sh", "-c", "printf %s \"$KEY\""]).output();
        output.assert_status(0).assert_stderr("").stdout.clone()
    };
    let first = show();
    assert_eq!(first.len(), 64);
    assert_eq!(show(), first);
    private(&sandbox);
    // A copied project has a store of its own.
    sandbox.program("cp", &["-r", ".", "../copy"]).output().assert_status(0);
    let copy = sandbox.run(&["--project", "../copy", "run", "--", "sh", "-c", "printf %s \"$KEY\""]).output();
    assert_ne!(copy.assert_status(0).stdout, first);
}

/// The store's directories are 0700 and its files 0600.
fn private(sandbox: &Sandbox) {
    let mut folders = vec![sandbox.path("home/.local/share/envctl")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
                let name = entry.file_name().to_string_lossy().into_owned();
                assert!(name == ".lock" || name.ends_with("json"), "left behind: {name}");
            }
        }
    }
    assert!(files >= 1);
}

#[test]
fn forty_first_runs_at_once_see_one_value() {
    let sandbox = project(GENERATED, LOCAL);
    let start = || {
        let mut command = Command::new(ENVCTL);
        command
            .args(["run", "--", "sh", "-c", "printf %s \"$KEY\""])
            .current_dir(sandbox.path("project"))
            .env_clear()
            .env("HOME", sandbox.path("home"))
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..40).map(|_| start()).collect();
    let mut seen = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && text.is_empty(), "{text}");
        seen.insert(output.stdout);
    }
    assert_eq!(seen.len(), 1);
    assert_eq!(seen.first().unwrap().len(), 64);
    private(&sandbox);
}

#[test]
fn without_a_place_for_the_store_nothing_is_started() {
    let sandbox = project(GENERATED, LOCAL);
    let without = ["-u", "HOME", "-u", "XDG_DATA_HOME", ENVCTL, "run", "--", "true"];
    let output = sandbox.program("env", &without).output();
    output.assert_status(125).assert_stdout("");
    assert!(output.stderr.contains("HOME"), "{output}");
    sandbox.place("home/file", "");
    for place in ["/dev/null", "/proc/1/nowhere", sandbox.path("home/file").to_str().unwrap()] {
        let output = sandbox.run(&["run", "--", "true"]).env("XDG_DATA_HOME", place).output();
        refused(&output, 125, "io", "nothing was started");
        let output = sandbox.run(&["render", "--format", "json"]).env("XDG_DATA_HOME", place).output();
        refused(&output, 5, "io", "nothing was written");
    }
    // A project that keeps nothing needs no home.
    let output = plain().program("env", &["-u", "HOME", "-u", "XDG_DATA_HOME", ENVCTL, "run", "--", "true"]).output();
    output.assert_status(0).assert_stderr("");
    // A relative path is ignored (XDG Base Directory Specification).
    let output = sandbox.run(&["run", "--", "true"]).env("XDG_DATA_HOME", "relative").output();
    output.assert_status(0);
    assert!(!sandbox.path("project/relative").exists());
}

#[test]
fn a_store_that_others_can_read_or_that_is_broken_is_refused() {
    let sandbox = project(GENERATED, LOCAL);
    sandbox.run(&["run", "--", "true"]).output().assert_status(0);
    let local = sandbox.path("home/.local/share/envctl/local");
    let mut files = std::fs::read_dir(&local).unwrap().flatten().map(|entry| entry.path());
    let store = files.find(|path| path.extension().is_some()).unwrap();
    let good = std::fs::read(&store).unwrap();
    for bad in ["", "{", "[]", "{\"format\": 99}", "not json at all hunter2hunter2"] {
        std::fs::write(&store, bad).unwrap();
        let output = sandbox.run(&["run", "--", "true"]).output();
        output.assert_status(125).assert_stdout("");
        assert!(!output.stderr.contains("hunter2"), "{output}");
        assert_eq!(std::fs::read(&store).unwrap(), bad.as_bytes(), "it is left as it is");
    }
    std::fs::write(&store, good).unwrap();
    sandbox.run(&["run", "--", "true"]).output().assert_status(0);
    crate::harness::set_mode(&store, 0o640);
    let output = sandbox
        .program(
            "sh",
            &["-c", "\"$0\" run -- true; code=$?; chmod 600 \"$1\"; exit $code", ENVCTL, store.to_str().unwrap()],
        )
        .output();
    output.assert_status(125);
    assert!(output.stderr.contains("chmod") || output.stderr.contains("others"), "{output}");
}

/// The value is in no argument, no path and no write but the file that it is meant to be in.
#[test]
fn the_system_calls_show_no_secret() {
    let test = "the_system_calls_show_no_secret";
    if !there_is("strace", test) {
        return;
    }
    let (sandbox, secret) = with_file();
    let trace = sandbox.path("trace");
    let traced = [
        "-f",
        "-qq",
        "-s",
        "4096",
        "-e",
        "trace=execve,write,writev,pwrite64,open,openat,rename,sendto",
        "-o",
        trace.to_str().unwrap(),
        ENVCTL,
        "run",
        "--",
        "true",
    ];
    let output = sandbox.program("strace", &traced).env("CERT_TEXT", &secret).reveals().output();
    let Ok(calls) = std::fs::read_to_string(&trace) else {
        return left_out(test, "strace may not trace");
    };
    if output.status != 0 {
        return left_out(test, "strace may not trace");
    }
    let lines: Vec<_> = calls.lines().filter(|line| line.contains(&secret)).collect();
    let writes = lines.iter().filter(|line| line.contains("write(")).count();
    assert_eq!((lines.len(), writes), (1, 1), "{lines:?}");
}
