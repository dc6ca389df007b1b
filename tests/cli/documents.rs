//! README and the references say what is true: their commands are run, their examples are checked.
//!
//! - ```` ```dotenv ````: placed as `.env`; `*_SECRET`, `*_KEY` and passwords of URLs in it may not be shown afterwards.
//! - ```` ```console ````: `$ COMMAND`, then what it prints (both streams). All blocks of a document are one session of
//!   `sh`. `…` stands for any text in a line, alone on a line for any lines. `UPDATE=1` writes what is printed, with `…`
//!   for keys and ciphertext and one date for today.
//! - ```` ```sh ````: not run, because they build: their files, flags and envctl commands are looked up.
//! - ```` ```toml ````: files of a project, each below `# PATH`; checked together with those of earlier blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::example;
use crate::harness::Sandbox;

/// Comes between the outputs of two commands.
const MARK: &str = "====next-command====";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block: its language, the line after its fence (from 0), its text.
struct Block {
    language: String,
    line: usize,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => {
                open = true;
                blocks.push(Block { language: language.to_owned(), line: number + 1, text: String::new() });
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "a block is not closed");
    blocks
}

/// A command with what it is said to print.
struct Step {
    command: String,
    expected: String,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), expected: String::new() });
        } else {
            let step = steps.last_mut().expect("a console block begins with a command");
            step.expected.push_str(line);
            step.expected.push('\n');
        }
    }
    steps
}

/// Runs the commands in one shell, so that `cd` and `$?` mean what they say, and gives what each prints.
fn session(sandbox: &Sandbox, steps: &[Step]) -> Vec<String> {
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_envctl"), sandbox.path("bin/envctl")).unwrap();
    let mut script = String::from("exec 2>&1\nlast=0\nback() { return \"$1\"; }\nexport GIT_CONFIG_NOSYSTEM=1\n");
    for role in ["AUTHOR", "COMMITTER"] {
        script.extend(["export GIT_", role, "_NAME=alice GIT_", role, "_EMAIL=alice@example.com\n"]);
    }
    for step in steps {
        script.extend(["back $last\n", &step.command, "\nlast=$?\necho '", MARK, "'\n"]);
    }
    let output = sandbox.program("sh", &["-c", &script]).output();
    output.assert_status(0);
    let mut printed: Vec<_> = output.stdout.split(&format!("{MARK}\n")).map(stable).collect();
    assert_eq!(printed.pop().as_deref(), Some(""), "something after the last command");
    assert_eq!(printed.len(), steps.len(), "{output}");
    printed
}

/// A text without what is another one in each run: keys, ciphertext, digests, and the day.
fn stable(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, shown) in [
        (r"age1[0-9a-z]{58}", "age1…"),
        ("(?m)^(-----BEGIN AGE ENCRYPTED FILE-----\n)(?:[A-Za-z0-9+/=]+\n)+", "$1…\n"),
        (r#"\b(enc|mac|lineage|id|project) = "[^"]{4}[^"]*""#, "$1 = \"…\""),
        (r"\bnonce [A-Za-z0-9+/]{8}", "nonce …"),
        (r"\b(index|digest) [0-9a-f]{7,}(?:\.\.[0-9a-f]{7,})?", "$1 …"),
        (r"\[ROOT\]/home", "/home/alice"),
        (r"\b20\d\d-\d\d-\d\d\b", "2026-11-21"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, shown).into_owned();
    }
    text
}

/// Whether a text is the expected one, where `…` stands for anything.
fn matches(expected: &str, printed: &str) -> bool {
    let lines = expected.lines().map(|line| match line {
        "…" => String::from("(?:.*\n)*?"),
        line => format!("{}\n", regex::escape(line).replace('…', ".*")),
    });
    let pattern = Regex::new(&format!("^{}$", lines.collect::<String>())).unwrap();
    pattern.is_match(printed)
}

/// Runs the console blocks of a document; with UPDATE=1 rewrites those that print something else.
fn check_consoles(path: &Path) {
    let document = fs::read_to_string(path).unwrap();
    let blocks = blocks(&document);
    let sandbox = Sandbox::new();
    let secret = Regex::new("(?m)^[A-Z_]+_(?:SECRET|KEY)=(.*)$|://[^:\n]*:([^@\n]*)@").unwrap();
    for block in blocks.iter().filter(|block| block.language == "dotenv") {
        sandbox.file(".env", &block.text);
        for found in secret.captures_iter(&block.text) {
            sandbox.register(".env", found.get(1).or(found.get(2)).unwrap().as_str());
        }
    }
    let consoles: Vec<_> = blocks.iter().filter(|block| block.language == "console").collect();
    let all: Vec<Step> = consoles.iter().flat_map(|block| steps(&block.text)).collect();
    let mut printed = session(&sandbox, &all).into_iter();
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    let (mut failures, mut rewritten) = (Vec::new(), Vec::new());
    for block in consoles {
        let mut text = String::new();
        for step in steps(&block.text) {
            let printed = printed.next().unwrap();
            let same = matches(&step.expected, &printed);
            if !same {
                failures.push(format!("$ {}\n--- expected\n{}--- printed\n{printed}", step.command, step.expected));
            }
            let shown = if same { &step.expected } else { &printed };
            text.extend(["$ ", &step.command, "\n", shown]);
        }
        rewritten.push((block.line, block.text.lines().count(), text));
    }
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        for (line, count, text) in rewritten.into_iter().rev() {
            lines.splice(line..line + count, text.lines().map(str::to_owned));
        }
        fs::write(path, lines.join("\n") + "\n").unwrap();
    } else {
        assert!(failures.is_empty(), "{}:\n{}", path.display(), failures.join("\n"));
    }
}

#[test]
fn the_commands_of_the_readme_print_what_it_says() {
    check_consoles(&root().join("README.md"));
}

/// Commands that build from the clone: their files and flags exist, and what they hand to envctl works.
#[test]
#[expect(clippy::disallowed_macros, reason = "the test runner shows or captures it")]
fn the_commands_that_build_name_what_exists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shell = blocks(&readme).into_iter().filter(|block| block.language == "sh");
    let commands: Vec<String> =
        shell.flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    assert!(commands.len() >= 3, "{commands:?}");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("[[bin]]\nname = \"envctl\""));
    for command in commands {
        println!("looked up, not run: {command}");
        let words: Vec<&str> = command.split(' ').collect();
        match words.as_slice() {
            ["cargo", "run", "-q", "--", arguments @ ..] => {
                let sandbox = example::copy();
                sandbox.run(arguments).output().assert_status(0);
            }
            [identity, "cargo", "run", "-q", "--", arguments @ ..] if identity.starts_with("ENVCTL_IDENTITY_FILE=") => {
                let file = identity.split('=').nth(1).unwrap();
                let sandbox = example::copy();
                sandbox.run(arguments).env("ENVCTL_IDENTITY_FILE", root().join(file)).output().assert_status(0);
            }
            ["cargo", "install", "--locked", "--path", "."] => {
                assert!(root().join("Cargo.lock").is_file());
            }
            [script] if script.starts_with("scripts/") => {
                let mode = fs::metadata(root().join(script)).unwrap().permissions().mode();
                assert_ne!(mode & 0o100, 0, "{script} cannot be executed");
            }
            _ => panic!("this test does not know `{command}`"),
        }
    }
}

/// The table of commands is complete, and has none that is not there.
#[test]
fn the_readme_lists_the_commands_there_are() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let row = Regex::new(r"(?m)^\| `envctl ([a-z]+)").unwrap();
    let listed: BTreeSet<_> = row.captures_iter(&readme).map(|found| found[1].to_owned()).collect();
    let help = Sandbox::new().run(&["--help"]).output();
    let commands = help.stdout.split("Commands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let known: BTreeSet<_> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, known);
}

/// Every link of README and the references to a file of the repository leads somewhere.
#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    for path in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/schema.md",
        "docs/environments.md",
        "docs/git.md",
        "docs/format.md",
    ] {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let folder = root().join(path).parent().unwrap().to_owned();
        for found in link.captures_iter(&text) {
            assert!(folder.join(&found[1]).exists(), "{path}: {}", &found[1]);
        }
    }
}

/// The files of a block: each begins with a line `# PATH`.
fn project_files(block: &str) -> BTreeMap<String, String> {
    let path = Regex::new(r"^# ((?:schemas/|environments/)?[a-z.-]+\.toml)$").unwrap();
    let mut files: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        match (path.captures(line), files.last_mut()) {
            (Some(found), _) => files.push((found[1].to_owned(), String::new())),
            (None, Some((_, text))) => text.extend([line, "\n"]),
            (None, None) => panic!("a toml block begins with `# PATH`, not with `{line}`"),
        }
    }
    files.into_iter().collect()
}

/// The codes of the diagnostics that `check --all` gives.
fn codes(sandbox: &Sandbox) -> Vec<String> {
    let output = sandbox.run(&["check", "--all", "--message-format", "json"]).output();
    let objects = output.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    objects.filter_map(|object| object.get("code")?.as_str().map(str::to_owned)).collect()
}

/// Each block of a reference is accepted. Blocks that show schemas alone give no values: that alone may be missing.
fn check_examples(path: &str) {
    let document = fs::read_to_string(root().join(path)).unwrap();
    let sandbox = Sandbox::new();
    sandbox.file("envctl.toml", "[project]\nname = \"shop\"\nid = \"8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f\"\n");
    for name in ["dev", "staging", "prod"] {
        let protected = if name == "prod" { "protected = true\n" } else { "" };
        sandbox.file(&format!("environments/{name}.toml"), protected);
    }
    let mut assigns = false;
    for block in blocks(&document).iter().filter(|block| block.language == "toml") {
        for (name, text) in project_files(&block.text) {
            assigns |= name.starts_with("environments/");
            sandbox.file(&name, text);
        }
        let mut found = codes(&sandbox);
        found.retain(|code| assigns || code != "missing-value");
        assert!(found.is_empty(), "{path}:{}: {found:?}\n{}", block.line, sandbox.run(&["check", "--all"]).output());
    }
}

#[test]
fn the_examples_of_the_schema_reference_are_accepted() {
    check_examples("docs/schema.md");
}

#[test]
fn the_examples_of_the_environment_reference_are_accepted() {
    check_examples("docs/environments.md");
}

/// Both references name every word of the language, so that a new one is not forgotten.
#[test]
fn the_schema_reference_names_every_type_and_keyword() {
    let text = fs::read_to_string(root().join("docs/schema.md")).unwrap();
    let types = envctl::kind::Kind::ALL.iter().map(|kind| kind.name());
    let limits = envctl::schema::Limits::KEYS.iter().copied();
    for word in types.chain(limits) {
        let row = format!("| `{word}`");
        assert!(text.lines().any(|line| line.starts_with(&row)), "docs/schema.md has no row for `{word}`");
    }
}

#[test]
fn an_ellipsis_stands_for_anything() {
    for (expected, printed, same) in [
        ("", "", true),
        ("a\n", "a\n", true),
        ("a\n", "a\nb\n", false),
        ("id …\n", "id 12ab\n", true),
        ("id …x\n", "id 12ab\n", false),
        ("a\n…\nd\n", "a\nb\nc\nd\n", true),
        ("a.\n", "ab\n", false),
    ] {
        assert_eq!(matches(expected, printed), same, "{expected:?} {printed:?}");
    }
}
