//! What shells and readers of manuals get: completions, manual pages, help.

use crate::commands::two;
use crate::harness::{Output, Sandbox};
use crate::projects::{ENVCTL, plain, refused, there_is};

/// A sandbox in which `envctl` is found by name, as a shell's completion does.
fn with_program_in_path() -> Sandbox {
    let (sandbox, _) = two();
    std::os::unix::fs::symlink(ENVCTL, sandbox.path("bin/envctl")).unwrap();
    sandbox
}

/// What real shells complete: words typed so far, and what has to be offered.
const COMPLETED: &[(&[&str], &[&str], &[&str])] = &[
    (&["envctl", "ru"], &["run"], &["render"]),
    (&["envctl", "run", ""], &["dev", "prod"], &[]),
    (&["envctl", "run", "d"], &["dev"], &["prod"]),
    (&["envctl", "run", "--schema", ""], &["api"], &["dev"]),
    (&["envctl", "run", "--only", ""], &["PORT", "TOKEN", "EXTRA"], &["dev"]),
    (&["envctl", "explain", "dev", "P"], &["PORT"], &["TOKEN"]),
    (&["envctl", "explain", "missing-v"], &["missing-value"], &[]),
    (&["envctl", "diff", "dev", "p"], &["prod"], &["dev"]),
    (&["envctl", "render", "--format", "j"], &["json"], &["yaml"]),
    (&["envctl", "--color", "n"], &["never"], &["always"]),
];

#[test]
fn bash_completes_the_names_of_the_project() {
    if !there_is("bash", "bash_completes_the_names_of_the_project") {
        return;
    }
    let sandbox = with_program_in_path();
    for (words, offered, not) in COMPLETED {
        let typed: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source <(envctl completions bash) || exit 9; COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; _clap_complete_envctl envctl '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            typed.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = sandbox.program("bash", &["--norc", "-c", &script]).output();
        completes(&output, words, offered, not, "bash");
    }
}

#[track_caller]
fn completes(output: &Output, words: &[&str], offered: &[&str], not: &[&str], shell: &str) {
    let found: Vec<_> = output.stdout.lines().map(|line| line.split('\t').next().unwrap().trim()).collect();
    for word in offered {
        assert!(found.contains(word), "{shell} {words:?}: no `{word}`\n{output}");
    }
    for word in not {
        assert!(!found.contains(word), "{shell} {words:?}: `{word}`\n{output}");
    }
}

#[test]
fn fish_and_zsh_complete_the_names_of_the_project() {
    let sandbox = with_program_in_path();
    if there_is("fish", "fish completions") {
        for (words, offered, not) in COMPLETED {
            let script = format!("envctl completions fish | source; complete -C '{}'", words.join(" "));
            let output = sandbox.program("fish", &["--no-config", "-c", &script]).output();
            completes(&output, words, offered, not, "fish");
        }
    }
    if there_is("zsh", "zsh completions") {
        let script =
            "autoload -Uz compinit && compinit -D -u && source <(envctl completions zsh) && print ${_comps[envctl]}";
        let output = sandbox.program("zsh", &["-f", "-c", script]).output();
        assert!(output.assert_status(0).stdout.contains("envctl"), "{output}");
    }
}

#[test]
fn completion_is_quiet_in_a_broken_project() {
    let sandbox = with_program_in_path();
    let ask = |index: &str, words: &[&str]| {
        let run = sandbox.run(&[&["--"], words].concat());
        let run = run.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index);
        let output = run.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_IFS", "\n").output();
        output.assert_status(0).assert_stderr("").stdout.clone()
    };
    assert!(ask("3", &["envctl", "run", "--only", ""]).contains("PORT"));
    sandbox.file("environments/dev.toml", "[values\n").file("environments/Bad Name.toml", "");
    assert!(ask("2", &["envctl", "run", ""]).contains("prod"));
    assert!(!ask("2", &["envctl", "run", ""]).contains("Bad"));
    ask("3", &["envctl", "run", "--only", ""]);
    sandbox.file("envctl.toml", "\u{0}");
    ask("3", &["envctl", "run", "--only", ""]);
    std::fs::remove_file(sandbox.path("project/envctl.toml")).unwrap();
    ask("2", &["envctl", "run", ""]);
    // The command that is started never sees what asks for completions.
    let output = plain().run(&["run", "--", "true"]).env("COMPLETE", "").output();
    assert_ne!(output.status, 101, "{output}");
}

#[test]
fn manual_pages_are_well_formed() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["man", "pages"]).output();
    output.assert_status(0).assert_stderr("");
    let pages: Vec<_> = std::fs::read_dir(sandbox.path("project/pages")).unwrap().flatten().collect();
    assert!(pages.len() >= 10, "{}", pages.len());
    let single = sandbox.run(&["man"]).output();
    assert_eq!(single.stdout, sandbox.read("pages/envctl.1"));
    if !there_is("groff", "manual_pages_are_well_formed") {
        return;
    }
    for page in pages {
        let path = page.path();
        let output =
            sandbox.program("groff", &["-man", "-Tutf8", "-Kutf8", "-ww", "-z", path.to_str().unwrap()]).output();
        output.assert_status(0).assert_stderr("");
    }
    refused(&sandbox.run(&["man", "/dev/null/x"]).output(), 5, "io", "");
}

#[test]
fn help_and_version_are_results() {
    let sandbox = Sandbox::new();
    for arguments in [&["--help"][..], &["-h"], &["--version"], &["run", "--help"], &["check", "-h"]] {
        let output = sandbox.run(arguments).output();
        output.assert_status(0).assert_stderr("");
        assert!(!output.stdout.is_empty() && !output.stdout.contains('\u{1b}'), "{output}");
        assert!(output.stdout.lines().all(|line| line.chars().count() <= 100), "{output}");
    }
    let output = sandbox.run(&[]).output();
    assert_eq!((output.status, output.stdout.as_str()), (2, ""), "{output}");
}
