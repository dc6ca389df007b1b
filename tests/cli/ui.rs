//! What a user sees for each diagnostic code: `tests/ui/CODE/CASE/`, compared byte for byte.
//!
//! A case is a folder with `project/` (copied into a sandbox) and `expected`; see CONTRIBUTING.md for the rest.
//! `UPDATE=1 cargo test --test cli ui` writes `expected` anew.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::canary;
use crate::harness::{Output, Sandbox, set_mode};

#[test]
fn every_case_shows_what_is_expected() {
    let update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let cases: Vec<_> = folders(&root).iter().flat_map(|code| folders(code)).collect();
    let failures: Vec<_> = cases.iter().filter_map(|case| check(case, update).err()).collect();
    assert!(failures.is_empty(), "{} of {} cases\n\n{}", failures.len(), cases.len(), failures.join("\n\n"));
}

/// The folders directly below `path`, sorted.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Runs a case; the error is the text for a person.
fn check(case: &Path, update: bool) -> Result<(), String> {
    let code = case.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
    let name = format!("{code}/{}", case.file_name().unwrap().to_str().unwrap());
    let output = run(case);
    let shown = shown(&output);
    if !shown.contains(&format!("[{code}]")) {
        return Err(format!("{name}: the output does not show [{code}]\n{shown}"));
    }
    if update {
        fs::write(case.join("expected"), shown).unwrap();
        return Ok(());
    }
    let Ok(expected) = fs::read_to_string(case.join("expected")) else {
        return Err(format!("{name}: no file `expected`; UPDATE=1 writes it\n{shown}"));
    };
    if expected == shown {
        return Ok(());
    }
    Err(format!("{name}: other than expected\n{}", difference(&expected, &shown)))
}

fn shown(output: &Output) -> String {
    let Output { status, stdout, stderr, .. } = output;
    format!("status {status}\n--- stdout\n{stdout}--- stderr\n{stderr}")
}

/// Both texts line by line, from the first line that differs.
fn difference(expected: &str, shown: &str) -> String {
    let same = expected.lines().zip(shown.lines()).take_while(|(left, right)| left == right).count();
    let rest = |mark: &str, text: &str| -> String {
        let lines = text.lines().skip(same).take(12);
        lines.flat_map(|line| [mark, " ", line, "\n"]).collect()
    };
    format!("from line {}:\n{}{}", same + 1, rest("-", expected), rest("+", shown))
}

fn run(case: &Path) -> Output {
    let sandbox = Sandbox::new();
    watch(&sandbox, case);
    copy(&case.join("project"), &sandbox.path("project"));
    for line in lines(case, "special") {
        special(&sandbox.path("project"), &line);
    }
    let arguments = match lines(case, "args") {
        lines if lines.is_empty() => vec!["check".to_owned(), "--all".to_owned()],
        lines => lines,
    };
    let mut run = sandbox.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    // Bytes: a value need not be UTF-8.
    let variables = fs::read(case.join("env")).unwrap_or_default();
    for line in variables.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b'=') else {
            assert!(line.is_empty(), "`env` has lines NAME=VALUE");
            continue;
        };
        run = run.env(OsStr::from_bytes(&line[..at]), OsStr::from_bytes(&line[at + 1..]));
    }
    if let Some(folder) = lines(case, "directory").first() {
        run = run.dir(folder);
    }
    if let Ok(bytes) = fs::read(case.join("stdin")) {
        run = run.stdin(bytes);
    }
    run.output()
}

/// The lines of an optional file of the case.
fn lines(case: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(case.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Registers every word `CANARY-…` in the files of the case.
fn watch(sandbox: &Sandbox, folder: &Path) {
    let word = regex::Regex::new(&format!("{}[0-9A-Za-z]+", canary::PREFIX)).unwrap();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            watch(sandbox, &path);
        } else if entry.file_name() != "expected" {
            let bytes = fs::read(&path).unwrap();
            for found in word.find_iter(&String::from_utf8_lossy(&bytes)) {
                sandbox.register(&path.file_name().unwrap().to_string_lossy(), found.as_str());
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::write(target, fs::read(source).unwrap()).unwrap();
        }
    }
}

/// One line of `special`: what git cannot hold or nobody wants to read.
fn special(project: &Path, line: &str) {
    let words: Vec<_> = line.splitn(3, ' ').collect();
    match words.as_slice() {
        [] | [""] => {}
        ["dir", path] => fs::create_dir_all(project.join(path)).unwrap(),
        ["fifo", path] => {
            let made = std::process::Command::new("mkfifo").arg(project.join(path)).status();
            assert!(made.unwrap().success(), "{line}");
        }
        ["symlink", target, path] => {
            std::os::unix::fs::symlink(target, project.join(path)).unwrap();
        }
        ["chmod", mode, path] => {
            set_mode(&project.join(path), u32::from_str_radix(mode, 8).unwrap());
        }
        ["bytes", path, hex] => append(&project.join(path), &unhex(hex)),
        ["repeat", path, rest] => {
            let (text, count) = rest.rsplit_once(' ').expect("TEXT COUNT");
            let text = if text.starts_with('"') { serde_json::from_str(text).unwrap() } else { text.to_owned() };
            append(&project.join(path), text.repeat(count.parse().unwrap()).as_bytes());
        }
        _ => panic!("`special` has no `{line}`"),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut content = fs::read(path).unwrap_or_default();
    content.extend_from_slice(bytes);
    fs::write(path, content).unwrap();
}

#[test]
fn special_files_are_made() {
    let sandbox = Sandbox::new();
    let project = sandbox.path("project");
    for line in [
        "dir environments/x.toml",
        "fifo pipe",
        "symlink ../home link",
        "bytes raw ff 00fe",
        "repeat big/file \"ab\\n\" 3",
        "repeat big/file c d 2",
        "chmod 640 raw",
        "",
    ] {
        special(&project, line);
    }
    assert!(project.join("environments/x.toml").is_dir());
    assert_eq!(fs::read_link(project.join("link")).unwrap(), Path::new("../home"));
    assert_eq!(fs::read(project.join("raw")).unwrap(), [0xff, 0, 0xfe]);
    assert_eq!(sandbox.read("big/file"), "ab\nab\nab\nc dc d");
    let listed = sandbox.program("ls", &["-l", "pipe", "raw"]).output();
    let starts = |line: usize, with| listed.stdout.lines().nth(line).unwrap().starts_with(with);
    assert!(starts(0, "prw") && starts(1, "-rw-r-----"), "{listed}");
}

#[test]
fn a_difference_begins_where_the_texts_part() {
    assert_eq!(difference("a\nb\nc", "a\nx\nc"), "from line 2:\n- b\n- c\n+ x\n+ c\n");
}
