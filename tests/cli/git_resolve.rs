//! `envctl resolve` after merges that were made without envctl.

use crate::repository::Repository;

/// The file of all tests.
const FILE: &str = "environments/dev.toml";

/// Two branches that changed different secrets, merged without the driver; gives the values of A and C.
fn merged_by_lines(repository: &Repository) -> (String, String) {
    repository.without_driver();
    repository.branch("topic", "main");
    let a = repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    let c = repository.set("C");
    repository.commit("C");
    repository.git(&["merge", "topic"]).assert_status(1);
    assert!(repository.read().contains("<<<<<<< "));
    (a, c)
}

/// Takes ours everywhere, as a person might.
fn edited(text: &str) -> String {
    let mut kept = String::new();
    let mut in_theirs = false;
    for line in text.split_inclusive('\n') {
        match line.get(..7) {
            Some("<<<<<<<") => {}
            Some("=======") => in_theirs = true,
            Some(">>>>>>>") => in_theirs = false,
            _ if in_theirs => {}
            _ => kept.push_str(line),
        }
    }
    kept
}

#[test]
fn markers_of_git_are_resolved_by_name() {
    let repository = Repository::new();
    let (a, c) = merged_by_lines(&repository);
    repository.envctl(&["resolve"]).assert_status(0).assert_stdout(&format!("git add {FILE}\n"));
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("C")), (Some(a), Some(c)));
}

#[test]
fn a_merge_that_was_committed_with_a_broken_seal() {
    let repository = Repository::new();
    let (a, c) = merged_by_lines(&repository);
    repository.file(FILE, &edited(&repository.read()));
    repository.git(&["commit", "-q", "-a", "--no-verify", "-m", "merge"]).assert_status(0);
    repository.envctl(&["check", "dev", "--seal"]).assert_status(6);
    repository.envctl(&["resolve"]).assert_status(0);
    repository.commit("sealed");
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("C")), (Some(a), Some(c)));
}

#[test]
fn an_added_file_of_an_unfinished_merge() {
    let repository = Repository::new();
    let (a, c) = merged_by_lines(&repository);
    repository.file(FILE, &edited(&repository.read()));
    repository.git(&["add", FILE]).assert_status(0);
    repository.envctl(&["resolve", FILE]).assert_status(0);
    repository.commit("merge");
    assert_eq!((repository.get("A"), repository.get("C")), (Some(a), Some(c)));
}

#[test]
fn entries_that_neither_side_has_are_named() {
    let repository = Repository::new();
    merged_by_lines(&repository);
    let text = edited(&repository.read());
    let line = |name: &str| text.lines().find(|line| line.starts_with(&format!("{name} = {{"))).unwrap().to_owned();
    let swapped = text.replace(&line("B"), &line("C").replacen('C', "B", 1));
    let older =
        text.replace(&line("B"), &line("B").replace("since = 1, rotated = ", "since = 1, rotated = 2020-01-01 #"));
    let older = older.replace("2020-01-01 #", "2020-01-01 } #");
    let missing = text.replace(&line("B"), "");
    for (text, name) in [(swapped, "B"), (older, "B"), (missing, "B")] {
        repository.file(FILE, &text);
        let output = repository.envctl(&["resolve", FILE]);
        output.assert_status(6);
        assert!(
            output.stderr.contains("[not-in-either-parent]") && output.stderr.contains(&format!(": {name}\n")),
            "{output}"
        );
        assert_eq!(repository.read(), text);
    }
    repository.file(FILE, &text);
    repository.envctl(&["resolve", FILE]).assert_status(0);
}

#[test]
fn a_change_that_a_merge_by_hand_has_lost_is_taken_all_the_same() {
    let repository = Repository::new();
    repository.without_driver();
    let old = repository.get("A");
    repository.branch("topic", "main");
    let new = repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    let c = repository.set("C");
    repository.commit("C");
    let ours = repository.read();
    repository.git(&["merge", "topic"]).assert_status(1);
    // All of ours, and a comment: it says nothing of theirs.
    repository.file(FILE, &format!("{ours}# by hand\n").replace("revision = 3", "revision = 9"));
    let output = repository.envctl(&["resolve", FILE, "--take", "ours", "D"]);
    output.assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("C")), (Some(new), Some(c)));
    assert_ne!(repository.get("A"), old);
}

#[test]
fn words_that_make_no_sense() {
    let repository = Repository::new();
    for arguments in [
        vec!["resolve", "--take", "A", "ours"],
        vec!["resolve", "--take", "ours"],
        vec!["resolve", "--key", "mine"],
        vec!["resolve", "envctl.toml"],
        vec!["resolve", "environments/none.toml"],
    ] {
        repository.envctl(&arguments).assert_status(2);
    }
    repository.envctl(&["resolve", FILE]).assert_status(0).assert_stderr("nothing to resolve\n");
}

#[test]
fn of_several_files_the_worst_tells_the_exit_code() {
    let repository = Repository::new();
    // `prod` comes after `dev`: what is only asked for does not hide that the first one was refused.
    let (dev, prod) = (FILE, "environments/prod.toml");
    repository.file(prod, "recipients = [\"alice\", \"bob\"]\n");
    let set = |name: &str, arguments: &[&str]| {
        let value = repository.sandbox.canary(name);
        let identity = repository.sandbox.path("home/alice.txt");
        let run = repository.sandbox.run(&[&["set", "prod", name, "--stdin"], arguments].concat());
        run.env("ENVCTL_IDENTITY_FILE", identity).stdin(value).output().assert_status(0);
    };
    set("A", &["--recipients", "alice,bob"]);
    repository.commit("prod");
    repository.branch("topic", "main");
    set("A", &[]);
    repository.file(dev, &repository.read().replace("revision = 2", "revision = 7"));
    repository.git(&["commit", "-q", "-a", "--no-verify", "-m", "topic"]).assert_status(0);
    repository.checkout("main");
    set("A", &[]);
    repository.set("B");
    repository.commit("main");
    repository.git(&["merge", "topic"]).assert_status(1);
    let output = repository.envctl(&["resolve"]);
    output.assert_status(6);
    assert!(output.stderr.contains("[seal-broken]") && output.stderr.contains("[merge-entry-conflict]"), "{output}");
}

#[test]
fn nobody_waits_for_what_is_asked() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    repository.set("A");
    repository.commit("A");
    repository.git(&["merge", "topic"]).assert_status(1);
    // Another one writes, and the question comes all the same; only the answer has to wait.
    let lock = std::fs::File::options().write(true).open(repository.sandbox.path("project/.envctl/lock")).unwrap();
    lock.lock().unwrap();
    let output = repository.envctl(&["resolve"]);
    output.assert_status(1);
    assert!(output.stderr.contains("[merge-entry-conflict]"), "{output}");
    let output = repository.envctl(&["resolve", FILE, "--take", "ours", "A"]);
    output.assert_status(5);
    assert!(output.stderr.contains("cannot be locked"), "{output}");
    lock.unlock().unwrap();
    repository.envctl(&["resolve", FILE, "--take", "ours", "A"]).assert_status(0);
}
