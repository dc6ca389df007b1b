//! `envctl git install` and the check before a commit.

use crate::harness::Output;
use crate::repository::Repository;

const FILE: &str = "environments/dev.toml";

/// Tries to commit everything; the commit has to be refused for this reason.
#[track_caller]
fn refused(repository: &Repository, reason: &str) -> Output {
    repository.git(&["add", "-A"]).assert_status(0);
    let output = repository.git(&["commit", "-q", "-m", "x"]);
    output.assert_status(1);
    assert!(output.stderr.contains(&format!("[{reason}]")), "{reason}\n{output}");
    repository.git(&["reset", "-q", "--hard"]).assert_status(0);
    output
}

#[test]
fn a_commit_is_refused_for_each_of_these() {
    let repository = Repository::new();
    let text = repository.read();
    let clear = repository.sandbox.canary("C in clear");
    repository.file(FILE, &text.replace("LOG_LEVEL", &format!("C = \"{clear}\"\nLOG_LEVEL")));
    refused(&repository, "secret-in-clear");
    repository.file(FILE, &text.replace("since = 1", "since = 2"));
    refused(&repository, "sealed-structure");
    repository.file(FILE, &text.replace("\nB = {", "\nC = {"));
    refused(&repository, "seal-broken");
    repository.file(FILE, &text.replace("[values]", "<<<<<<< ours\n[values]"));
    refused(&repository, "merge-conflict");
    repository.file(FILE, &text.replace("[\"alice\", \"bob\"]", "[\"alice\"]"));
    refused(&repository, "stale-recipients");
    repository.file("environments/dev.local.toml", "[values]\nLOG_LEVEL = \"x\"\n");
    repository.git(&["add", "-f", "environments/dev.local.toml"]).assert_status(0);
    refused(&repository, "staged-file");
    repository.git(&["add", "-f", ".envctl/lock"]).assert_status(0);
    refused(&repository, "staged-file");
    let key = std::fs::read_to_string(repository.sandbox.path("home/alice.txt")).unwrap();
    for name in ["notes.md", "deep/key.txt"] {
        repository.file(name, &key);
        refused(&repository, "staged-file");
    }
    let bare = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    for (name, content) in
        [(".env.ci", format!("ENVCTL_IDENTITY={bare}\n")), ("ci.json", format!("{{\"key\":\"{bare}\"}}"))]
    {
        repository.file(name, &content);
        refused(&repository, "staged-file");
    }
    // Words about identities are none.
    repository.file("notes.md", "AGE-SECRET-KEY-1... is how they begin\n");
    repository.file(FILE, &text.replace("debug", "info")).commit("fine");
}

#[test]
fn what_is_staged_counts_and_not_what_lies_there() {
    let repository = Repository::new();
    let text = repository.read();
    let clear = repository.sandbox.canary("C in clear");
    let wrong = text.replace("LOG_LEVEL", &format!("C = \"{clear}\"\nLOG_LEVEL"));
    repository.file(FILE, &text.replace("debug", "info"));
    repository.git(&["add", FILE]).assert_status(0);
    repository.file(FILE, &wrong);
    repository.envctl(&["git", "check", "--staged"]).assert_status(0);
    repository.git(&["add", FILE]).assert_status(0);
    repository.file(FILE, &text);
    repository.envctl(&["git", "check", "--staged"]).assert_status(1);
    repository.envctl_as("nobody", &["git", "check"]).assert_status(1);
}

#[test]
fn installing_again_changes_nothing_and_uninstalling_takes_all_away() {
    let repository = Repository::new();
    let config = repository.sandbox.read(".git/config");
    let hook = repository.sandbox.read(".git/hooks/pre-commit");
    repository
        .envctl(&["git", "install"])
        .assert_status(0)
        .assert_stderr("nothing to do: git is set up for this project\n");
    assert_eq!(
        (repository.sandbox.read(".git/config"), repository.sandbox.read(".git/hooks/pre-commit")),
        (config, hook)
    );
    repository.envctl(&["git", "install", "--check"]).assert_status(0);
    repository.envctl(&["git", "uninstall"]).assert_status(0);
    assert!(!repository.sandbox.path("project/.git/hooks/pre-commit").exists());
    assert!(!repository.sandbox.read(".git/config").contains("envctl"));
    let missing = repository.envctl(&["git", "install", "--check"]);
    missing.assert_status(1);
    assert!(missing.stdout.contains("missing: git config merge.envctl.driver\n"), "{missing}");
    // Without the set-up nothing in the repository starts envctl.
    repository.set("A");
    let diff = repository.git(&["diff"]);
    assert!(diff.stdout.contains("enc = "), "{diff}");
}

#[test]
fn a_hook_of_somebody_else_stays_as_it_is() {
    let repository = Repository::new();
    repository.envctl(&["git", "uninstall"]).assert_status(0);
    repository.file(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    let output = repository.envctl(&["git", "install"]);
    output.assert_status(0);
    assert!(output.stderr.contains("add to it:\nif [ -f '.'/envctl.toml ]; then envctl"), "{output}");
    assert_eq!(repository.sandbox.read(".git/hooks/pre-commit"), "#!/bin/sh\nexit 0\n");
    // Hooks that all repositories of a user share are no place for this project.
    let shared = repository.sandbox.path("home/hooks");
    repository.git(&["config", "core.hooksPath", shared.to_str().unwrap()]).assert_status(0);
    repository.envctl(&["git", "install"]).assert_status(0);
    assert!(!shared.exists());
    repository.git(&["config", "core.hooksPath", "hooks"]).assert_status(0);
    repository.envctl(&["git", "install"]).assert_status(0);
    assert!(repository.sandbox.read("hooks/pre-commit").contains("git check --staged"));
}

#[test]
fn two_projects_share_one_hook() {
    let repository = Repository::below("one");
    repository.file("../two/envctl.toml", "[project]\nname = \"two\"\nid = \"00000000000000000000000000000002\"\n");
    repository.envctl(&["--project", "../two", "git", "install"]).assert_status(0);
    let hook = repository.sandbox.read(".git/hooks/pre-commit");
    assert!(hook.contains("'one'/envctl.toml") && hook.contains("'two'/envctl.toml"), "{hook}");
    repository.commit("two projects");
    repository.envctl(&["git", "uninstall"]).assert_status(0);
    let hook = repository.sandbox.read(".git/hooks/pre-commit");
    assert!(!hook.contains("'one'") && hook.contains("'two'"), "{hook}");
}

#[test]
fn outside_of_a_repository() {
    let repository = Repository::new();
    let away = repository.sandbox.path("away");
    std::fs::create_dir(&away).unwrap();
    std::fs::copy(repository.sandbox.path("project/envctl.toml"), away.join("envctl.toml")).unwrap();
    let output = repository.envctl(&["--project", away.to_str().unwrap(), "git", "install"]);
    output.assert_status(5);
    assert!(output.stderr.contains("[git-failed]"), "{output}");
    let without = repository.sandbox.run(&["git", "check"]).env("PATH", "/nowhere").output();
    without.assert_status(5);
    assert!(without.stderr.contains("no `git` on the PATH"), "{without}");
}
