//! Git with environment files: diffs, merges, rebases, with the real git calling the real program.

use crate::repository::Repository;

/// The file of most tests.
const FILE: &str = "environments/dev.toml";

#[test]
fn a_diff_shows_that_a_value_changed_and_nothing_of_it() {
    let repository = Repository::new();
    repository.set("A");
    let diff = repository.git(&["diff"]);
    let changed = |sign: &str| diff.stdout.lines().any(|line| line.starts_with(sign) && line.contains(", nonce "));
    assert!(changed("-A = sealed, since 1, rotated ") && changed("+A = sealed, since 1, rotated "), "{diff}");
    assert!(!diff.stdout.contains("enc =") && !diff.stdout.contains("mac"), "{diff}");
    repository.commit("A");
    let log = repository.git(&["log", "-p", "--", FILE]);
    assert!(log.stdout.contains("+B = sealed, ") && log.stdout.contains("+alice = \"age1"), "{log}");
    assert!(log.stdout.contains("+key = wrapped, digest ") && !log.stdout.contains("enc ="), "{log}");
}

#[test]
fn what_is_no_toml_shows_no_value_in_a_diff() {
    let repository = Repository::new();
    let canary = repository.sandbox.canary("pasted");
    repository.file(FILE, &format!("[values]\nA = {canary}\n{canary}\n"));
    let diff = repository.git(&["diff"]);
    diff.assert_status(0);
    assert!(diff.stdout.contains("+A = •••••"), "{diff}");
}

#[test]
fn changes_of_different_names_merge_without_a_word() {
    let repository = Repository::new();
    let b = repository.get("B");
    repository.branch("topic", "main");
    let a = repository.set("A");
    let text = repository.read().replace("\nA = {", "\n# the first\nA = {");
    repository.file(FILE, &text).commit("A");
    repository.checkout("main");
    let c = repository.set("C");
    let text = repository.read().replace("debug", "info").replace("\nC = {", "\n# the third\nC = {");
    repository.file(FILE, &text).commit("C, LOG_LEVEL");
    repository.git(&["merge", "-q", "topic", "-m", "merge"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!([repository.get("A"), repository.get("B"), repository.get("C")], [Some(a), b, Some(c)]);
    let text = repository.read();
    for part in ["# the first\nA = {", "# the third\nC = {", "LOG_LEVEL = \"info\"", "revision = 4\n"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    repository.envctl(&["resolve"]).assert_status(0).assert_stderr("nothing to resolve\n");
}

#[test]
fn one_name_changed_twice_is_asked_for() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    let theirs = repository.set("A");
    let d = repository.set("D");
    repository.commit("A, D");
    repository.checkout("main");
    repository.set("A");
    repository.commit("A");
    let merge = repository.git(&["merge", "topic", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("[merge-entry-conflict]"), "{merge}");
    let text = repository.read();
    assert!(text.contains("<<<<<<< ours\nA = {") && text.contains(">>>>>>> theirs\n\nB = {"), "{text}");
    assert_eq!(text.matches("<<<<<<<").count(), 1, "{text}");
    repository.envctl(&["check"]).assert_status(1);
    let listed = repository.envctl(&["resolve"]);
    listed.assert_status(1);
    assert!(listed.stderr.contains("ours changed it, theirs changed it"), "{listed}");
    assert_eq!(repository.read(), text);
    let resolved = repository.envctl(&["resolve", FILE, "--take", "theirs", "A"]);
    resolved.assert_status(0).assert_stdout(&format!("git add {FILE}\n"));
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("D")), (Some(theirs), Some(d)));
}

#[test]
fn a_conflict_that_was_edited_by_hand_is_taken_as_it_was_decided() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    let theirs = repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    repository.set("A");
    repository.commit("A");
    repository.git(&["merge", "topic"]).assert_status(1);
    let text = repository.read();
    let (before, rest) = text.split_once("<<<<<<< ours\n").unwrap();
    let (_, rest) = rest.split_once("=======\n").unwrap();
    let (picked, after) = rest.split_once(">>>>>>> theirs\n").unwrap();
    repository.file(FILE, &format!("{before}{picked}{after}"));
    repository.envctl(&["resolve", FILE]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!(repository.get("A"), Some(theirs));
}

#[test]
fn a_deletion_is_never_taken_silently() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    repository.envctl(&["unset", "dev", "A"]).assert_status(0);
    repository.commit("without A");
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let merge = repository.git(&["merge", "topic"]);
    assert!(merge.stderr.contains("ours left it as it was, theirs removed it"), "{merge}");
    let text = repository.read();
    assert!(text.contains("=======\n>>>>>>> theirs"), "{text}");
    repository.envctl(&["resolve", FILE]).assert_status(1);
    repository.envctl(&["resolve", FILE, "--take", "theirs", "A"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!(repository.get("A"), None);
}

#[test]
fn cleartext_in_conflict_keeps_gits_markers_and_secrets_are_merged() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    let a = repository.set("A");
    repository.file(FILE, &repository.read().replace("debug", "info")).commit("A, info");
    repository.checkout("main");
    let b = repository.set("B");
    repository.file(FILE, &repository.read().replace("debug", "error")).commit("B, error");
    repository.git(&["merge", "topic"]).assert_status(1);
    let text = repository.read();
    let marked = "<<<<<<< ours\nLOG_LEVEL = \"error\"\n=======\nLOG_LEVEL = \"info\"\n>>>>>>> theirs\n";
    assert!(text.contains(marked) && text.matches("<<<<<<<").count() == 1, "{text}");
    repository.envctl(&["resolve", FILE]).assert_status(1);
    repository.file(FILE, &text.replace(marked, "LOG_LEVEL = \"warning\"\n")).commit("merge");
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("B")), (Some(a), Some(b)));
}

#[test]
fn rebase_cherry_pick_and_stash() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    let a = repository.set("A");
    repository.commit("A");
    let c = repository.set("C");
    repository.commit("C");
    repository.checkout("main");
    let b = repository.set("B");
    repository.commit("B");
    repository.branch("picked", "main");
    repository.git(&["cherry-pick", "topic~1"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("B")), (Some(a.clone()), Some(b.clone())));
    repository.checkout("topic");
    repository.git(&["rebase", "-q", "main"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!([repository.get("A"), repository.get("B"), repository.get("C")], [Some(a), Some(b), Some(c)]);
    let d = repository.set("D");
    repository.git(&["stash", "-q"]).assert_status(0);
    let a = repository.set("A");
    repository.commit("A again");
    repository.git(&["stash", "pop", "-q"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("D")), (Some(a), Some(d)));
}

#[test]
fn a_revert_of_secrets_is_refused_and_the_newer_side_can_be_kept() {
    let repository = Repository::new();
    let new = repository.set("A");
    repository.commit("A");
    repository.set("B");
    repository.commit("B");
    let revert = repository.git(&["revert", "HEAD~1"]);
    revert.assert_status(1);
    assert!(revert.stderr.contains("[older-copy]"), "{revert}");
    let text = repository.read();
    assert!(text.contains("<<<<<<< ours\nmac = "), "{text}");
    let output = repository.envctl(&["resolve", FILE]);
    output.assert_status(6);
    assert!(output.stderr.contains("git checkout --ours"), "{output}");
    repository.git(&["checkout", "--ours", FILE]).assert_status(0);
    repository.git(&["add", FILE]).assert_status(0);
    repository.assert_sealed();
    assert_eq!(repository.get("A"), Some(new));
}

#[test]
fn an_old_copy_brought_in_without_a_key_is_not_laundered() {
    let repository = Repository::new();
    let leaked = repository.get("A");
    let new = repository.set("A");
    repository.commit("A changed: the old value had leaked");
    repository.branch("attack", "main");
    repository.git(&["checkout", "main~1", "--", FILE]).assert_status(0);
    repository.file("README.md", "harmless\n");
    repository.git(&["commit", "-q", "--no-verify", "-a", "-m", "attack"]).assert_status(0);
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let merge = repository.git(&["merge", "attack", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("[older-copy]"), "{merge}");
    repository.envctl(&["resolve", FILE]).assert_status(6);
    repository.git(&["merge", "--abort"]).assert_status(0);
    assert_eq!(repository.get("A"), Some(new.clone()));
    assert_ne!(Some(new), leaked);
}

#[test]
fn a_side_whose_seal_is_broken_is_not_merged() {
    let repository = Repository::new();
    repository.branch("attack", "main");
    let text = repository.read();
    let line = |name: &str| text.lines().find(|line| line.starts_with(&format!("{name} = {{"))).unwrap().to_owned();
    let swapped = text.replace(&line("A"), &line("B").replacen('B', "A", 1)).replace("revision = 2", "revision = 7");
    repository.file(FILE, &swapped);
    repository.git(&["commit", "-q", "--no-verify", "-a", "-m", "attack"]).assert_status(0);
    repository.file(FILE, &text.replace("format = 1", "format = 1\nformat = 1"));
    repository.branch("broken", "attack");
    repository.git(&["commit", "-q", "--no-verify", "-a", "-m", "attack"]).assert_status(0);
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let ours = repository.read();
    for (branch, reason) in [("attack", "`A` holds what was sealed as `B`"), ("broken", "this key is given twice")] {
        let merge = repository.git(&["merge", branch, "-m", "merge"]);
        merge.assert_status(1);
        assert!(merge.stderr.contains(reason) && merge.stderr.contains("(theirs)"), "{merge}");
        let line = ours.lines().find(|line| line.starts_with("A = {")).unwrap();
        assert!(repository.read().contains(line));
        repository.envctl(&["resolve", FILE]).assert_status(if branch == "attack" { 6 } else { 1 });
        repository.git(&["merge", "--abort"]).assert_status(0);
    }
}

#[test]
fn a_name_that_was_removed_does_not_come_back_with_an_old_copy() {
    let repository = Repository::new();
    repository.set("C");
    repository.commit("C");
    repository.envctl(&["unset", "dev", "C"]).assert_status(0);
    repository.commit("without C");
    // The old copy is newer than the commit that this branch comes from.
    repository.branch("attack", "main~2");
    repository.git(&["checkout", "main~1", "--", FILE]).assert_status(0);
    repository.file(FILE, &format!("# respelt\n{}", repository.read()));
    repository.git(&["commit", "-q", "-a", "-m", "attack"]).assert_status(0);
    repository.checkout("main");
    for (here, merged) in [("main", "attack"), ("attack", "main")] {
        repository.checkout(here);
        let merge = repository.git(&["merge", merged, "-m", "merge"]);
        merge.assert_status(1);
        assert!(merge.stderr.contains("[older-copy]"), "{merge}");
        repository.envctl(&["resolve", FILE]).assert_status(6);
        repository.git(&["merge", "--abort"]).assert_status(0);
    }
}

#[test]
fn a_key_that_comes_to_stand_there_twice_is_a_conflict() {
    let repository = Repository::new();
    repository
        .file(FILE, &repository.read().replace("debug\"\n", "debug\"\n\n# one\n\n# two\n\n# three\n"))
        .commit("room");
    repository.branch("topic", "main");
    repository.set("A");
    repository.file(FILE, &repository.read().replace("# one\n", "# one\nPORT = 1\n")).commit("above");
    repository.checkout("main");
    repository.set("B");
    repository.file(FILE, &repository.read().replace("# three\n", "# three\nPORT = 1\n")).commit("below");
    let merge = repository.git(&["merge", "topic"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("does not go together"), "{merge}");
    let text = repository.read();
    assert_eq!(text.matches("PORT = 1").count(), 2, "{text}");
    repository.file(FILE, &text.replacen("PORT = 1\n", "", 2)).commit("merge");
    repository.assert_sealed();
}

#[test]
fn a_whole_new_file_for_public_recipients_is_refused() {
    let repository = Repository::new();
    repository.branch("attack", "main");
    let text = repository.read();
    let head = text.split("[secrets]").next().unwrap().to_owned();
    repository.file(FILE, &head);
    for name in ["A", "B", "C"] {
        repository.set_as("bob", name);
    }
    repository.commit("attack");
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let merge = repository.git(&["merge", "attack", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("[key-replaced]"), "{merge}");
    repository.envctl(&["resolve", FILE, "--key", "theirs"]).assert_status(6);
}

#[test]
fn a_new_key_on_one_side_wins_and_two_need_a_third() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    repository.envctl(&["rekey", "dev"]).assert_status(0);
    repository.commit("rekey");
    repository.envctl(&["rekey", "dev"]).assert_status(0);
    repository.commit("and again");
    repository.checkout("main");
    let a = repository.set("A");
    repository.commit("A");
    repository.branch("other", "main");
    repository.checkout("main");
    repository.git(&["merge", "-q", "topic", "-m", "merge"]).assert_status(0);
    repository.assert_sealed();
    assert!(repository.read().contains("generation = 3\n"));
    assert_eq!(repository.get("A"), Some(a.clone()));
    repository.checkout("other");
    repository.envctl(&["rekey", "dev"]).assert_status(0);
    let b = repository.set("B");
    repository.commit("another key");
    let merge = repository.git(&["merge", "main"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("[merge-key-conflict]"), "{merge}");
    repository.envctl(&["resolve", FILE]).assert_status(1);
    repository.envctl(&["resolve", FILE, "--key", "ours"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    assert!(repository.read().contains("generation = 4\n"), "{}", repository.read());
    assert_eq!((repository.get("A"), repository.get("B")), (Some(a), Some(b)));
}

#[test]
fn recipients_change_by_no_merge_alone() {
    let repository = Repository::new();
    let [carol, dave] = ["carol", "dave"].map(|name| repository.keygen(name));
    repository.branch("topic", "main");
    repository.envctl(&["recipients", "add", "carol", &carol, "dev"]).assert_status(0);
    repository.commit("carol");
    repository.checkout("main");
    let b = repository.set("B");
    repository.commit("B");
    repository.branch("both", "main");
    repository.envctl(&["recipients", "add", "dave", &dave, "dev"]).assert_status(0);
    repository.commit("dave");
    repository.checkout("main");
    // Who can read changes by no merge that nobody has looked at.
    let merge = repository.git(&["merge", "topic"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("theirs has changed who can read: carol"), "{merge}");
    repository.envctl(&["resolve", FILE]).assert_status(1);
    repository.envctl(&["resolve", FILE, "--key", "theirs"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    repository.envctl_as("carol", &["check", "dev", "--seal"]).assert_status(0);
    let merge = repository.git(&["merge", "both"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("both sides have changed who can read"), "{merge}");
    repository.envctl(&["resolve", FILE, "--key", "ours"]).assert_status(1);
    // `recipients = [...]` and envctl.toml are cleartext: they are edited as after any merge.
    let text = repository.read();
    let (_, rest) = text.split_once("<<<<<<< ours\nrecipients").unwrap();
    let (_, rest) = rest.split_once(">>>>>>> theirs\n").unwrap();
    repository.file(FILE, &format!("# Development.\nrecipients = [\"alice\", \"bob\", \"carol\", \"dave\"]\n{rest}"));
    let config = repository.sandbox.read("envctl.toml");
    let kept: String = config
        .lines()
        .filter(|line| !["<<<", "===", ">>>"].iter().any(|mark| line.starts_with(mark)))
        .flat_map(|line| [line, "\n"])
        .collect();
    repository.file("envctl.toml", &kept);
    let resolved = repository.envctl(&["resolve", FILE, "--key", "ours"]);
    resolved.assert_status(0);
    assert!(resolved.stderr.contains("not among the recipients of the result: dave"), "{resolved}");
    repository.envctl(&["recipients", "add", "dave", &dave, "dev"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    repository.envctl_as("dave", &["check", "dev", "--seal"]).assert_status(0);
    assert_eq!(repository.get("B"), Some(b));
}

#[test]
fn two_people_edit_merge_and_one_leaves() {
    let repository = Repository::new();
    repository.branch("bob", "main");
    let b = repository.set_as("bob", "B");
    repository.git_as("bob", &["commit", "-q", "-a", "-m", "B"]).assert_status(0);
    repository.checkout("main");
    let a = repository.set("A");
    repository.commit("A");
    repository.git_as("bob", &["merge", "-q", "bob", "-m", "merge"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("B")), (Some(a), Some(b)));
    let removed = repository.envctl(&["recipients", "remove", "bob", "dev", "--accept-exposure"]);
    removed.assert_status(0);
    repository.commit("bob has left");
    repository.assert_sealed();
    repository.envctl_as("bob", &["check", "dev", "--seal"]).assert_status(4);
}

#[test]
fn without_an_identity_nothing_of_theirs_is_taken() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let merge = repository.git_as("nobody", &["merge", "topic"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("these can open it") || merge.stderr.contains("identity"), "{merge}");
    assert!(repository.read().contains("<<<<<<< ours\nmac = "));
    repository.envctl(&["resolve"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
}

#[test]
fn a_work_tree_and_a_project_in_a_folder() {
    let repository = Repository::below("services/it's api");
    let path = "services/it's api/environments/dev.toml";
    let tree = repository.sandbox.path("tree");
    repository.git(&["worktree", "add", "-q", "-b", "topic", tree.to_str().unwrap()]).assert_status(0);
    let a = repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    let other = repository.sandbox.path("tree").join("services/it's api");
    let check = repository.envctl(&["--project", other.to_str().unwrap(), "git", "install", "--check"]);
    check.assert_status(0);
    let value = repository.sandbox.canary("D");
    let identity = repository.sandbox.path("home/alice.txt");
    let set = repository.sandbox.run(&["--project", other.to_str().unwrap(), "set", "dev", "D", "--stdin"]);
    set.env("ENVCTL_IDENTITY_FILE", &identity).stdin(value.clone()).output().assert_status(0);
    repository.git(&["-C", tree.to_str().unwrap(), "commit", "-q", "-a", "-m", "D"]).assert_status(0);
    repository.git(&["merge", "-q", "topic", "-m", "merge"]).assert_status(0);
    repository.assert_sealed();
    assert_eq!((repository.get("A"), repository.get("D")), (Some(a), Some(value)));
    let diff = repository.git(&["diff", "HEAD^", "--", path]);
    assert!(diff.stdout.contains("+D = sealed, since"), "{diff}");
}

#[test]
fn a_removed_name_that_only_merges_knew_does_not_come_back() {
    let repository = Repository::new();
    repository.branch("one", "main");
    repository.set("C");
    repository.commit("C");
    repository.checkout("main");
    repository.set("A");
    repository.commit("A");
    repository.branch("two", "main");
    repository.set("D");
    repository.commit("D");
    repository.checkout("main");
    repository.git(&["merge", "-q", "one", "-m", "C comes by this merge alone"]).assert_status(0);
    repository.branch("old", "main");
    repository.checkout("main");
    repository.git(&["merge", "-q", "two", "-m", "two"]).assert_status(0);
    repository.envctl(&["unset", "dev", "C"]).assert_status(0);
    repository.commit("without C");
    repository.branch("attack", "one~1");
    repository.git(&["checkout", "old", "--", FILE]).assert_status(0);
    repository.git(&["commit", "-q", "--no-verify", "-m", "attack"]).assert_status(0);
    repository.checkout("main");
    let merge = repository.git(&["merge", "attack", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("[older-copy]"), "{merge}");
    repository.envctl(&["resolve", FILE]).assert_status(6);
    repository.git(&["merge", "--abort"]).assert_status(0);
    assert_eq!(repository.get("C"), None);
}

#[test]
fn a_shallow_clone_does_not_tell_what_is_old() {
    let repository = Repository::new();
    repository.branch("topic", "main");
    repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    let base = repository.git(&["rev-parse", "main~1"]);
    repository.file(".git/shallow", &base.stdout);
    let merge = repository.git(&["merge", "topic", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("git fetch --unshallow"), "{merge}");
    repository.git(&["merge", "--abort"]).assert_status(0);
    std::fs::remove_file(repository.sandbox.path("project/.git/shallow")).unwrap();
    repository.git(&["merge", "-q", "topic", "-m", "merge"]).assert_status(0);
    repository.assert_sealed();
}

#[test]
fn merges_that_cross_bring_no_removed_name_back() {
    let repository = Repository::new();
    repository.branch("one", "main");
    repository.set("C");
    repository.commit("C");
    repository.branch("two", "main");
    repository.set("D");
    repository.commit("D");
    repository.git(&["tag", "of-two"]).assert_status(0);
    repository.git(&["merge", "-q", "one", "-m", "two with C"]).assert_status(0);
    repository.checkout("one");
    repository.git(&["merge", "-q", "of-two", "-m", "one with D"]).assert_status(0);
    repository.envctl(&["unset", "dev", "C"]).assert_status(0);
    repository.commit("without C");
    repository.checkout("two");
    repository.set("A");
    repository.commit("A");
    repository.checkout("one");
    let merge = repository.git(&["merge", "two", "-m", "merge"]);
    merge.assert_status(1);
    assert!(merge.stderr.contains("theirs brought back one that was removed before"), "{merge}");
    repository.envctl(&["resolve", FILE]).assert_status(1);
    repository.envctl(&["resolve", FILE, "--take", "ours", "C"]).assert_status(0);
    repository.commit("merge");
    repository.assert_sealed();
    assert_eq!(repository.get("C"), None);
}

#[test]
fn what_cannot_be_merged_is_marked() {
    let repository = Repository::new();
    let text = repository.read();
    let unsealed = text.split("[secrets]").next().unwrap().to_owned();
    for (branch, theirs) in [
        ("broken", text.replace("[values]", "[values]\nPORT = ")),
        ("unsealed", unsealed),
        ("large", format!("{text}#{}\n", "x".repeat(21 << 20))),
    ] {
        repository.branch(branch, "main");
        repository.file(FILE, &theirs);
        repository.git(&["commit", "-q", "--no-verify", "-a", "-m", branch]).assert_status(0);
    }
    repository.branch("topic", "main");
    repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    repository.set("B");
    repository.commit("B");
    repository.branch("no-project", "main");
    repository.file("envctl.toml", "[project]\n");
    repository.git(&["commit", "-q", "--no-verify", "-a", "-m", "no project"]).assert_status(0);
    repository.checkout("main");
    for (here, branch) in [("main", "broken"), ("main", "unsealed"), ("main", "large"), ("no-project", "topic")] {
        repository.checkout(here);
        repository.git(&["merge", branch, "-m", "merge"]).assert_status(1);
        assert!(repository.read().contains("<<<<<<< "), "{branch}");
        repository.git(&["add", FILE]).assert_status(0);
        repository.git(&["commit", "-q", "-m", "unseen"]).assert_status(1);
        repository.git(&["reset", "-q", "--hard"]).assert_status(0);
    }
}

#[test]
fn a_seal_that_one_side_alone_brings_is_verified() {
    let repository = Repository::new();
    let sealed = repository.read();
    let unsealed = sealed.split("[secrets]").next().unwrap().to_owned();
    repository.git(&["checkout", "-q", "--orphan", "start"]).assert_status(0);
    repository.file(FILE, &unsealed).commit("nothing sealed");
    for (branch, text) in [("good", sealed.clone()), ("attack", sealed.replace("revision = 2", "revision = 7"))] {
        repository.branch(branch, "start");
        repository.file(FILE, &text);
        repository.git(&["commit", "-q", "--no-verify", "-a", "-m", branch]).assert_status(0);
    }
    for (branch, status) in [("attack", 1), ("good", 0)] {
        repository.checkout("start");
        repository.file(FILE, &unsealed.replace("debug", "info"));
        repository.git(&["commit", "-q", "--allow-empty", "-a", "-m", "LOG_LEVEL"]).assert_status(0);
        let merge = repository.git(&["merge", branch, "-m", "merge"]);
        merge.assert_status(status);
        assert_eq!(merge.stderr.contains("[seal-broken]"), status == 1, "{merge}");
        assert_eq!(repository.read().contains("<<<<<<< "), status == 1, "{}", repository.read());
        if status == 1 {
            repository.envctl(&["resolve", FILE]).assert_status(6);
            repository.git(&["merge", "--abort"]).assert_status(0);
        }
    }
    repository.assert_sealed();
}
