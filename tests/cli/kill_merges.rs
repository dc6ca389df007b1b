//! The commands that write one file with the help of others, killed at any system call of their own: `edit` with its editor,
//! `resolve` and the merge driver with git. See `kill.rs`.

use std::fs;
use std::path::Path;

use crate::harness::{Output, Sandbox, set_mode};
use crate::projects::ENVCTL;
use crate::repository::Repository;
use crate::trace::{can_trace, points, sampled, traced};
use crate::world::World;

/// How many points a command is killed at when nobody says.
const FEW: usize = 4;

/// Kills what `run` starts behind the words it is given. The file is the old one, or one that `is_done`; run again, it is
/// done.
fn kill(name: &str, sandbox: &Sandbox, file: &Path, run: &dyn Fn(&[&str]) -> Output, is_done: &dyn Fn() -> bool) {
    let old = fs::read(file).unwrap();
    let trace = |under: &[&str]| {
        run(under).assert_status(0);
    };
    let all = traced(sandbox, trace);
    assert!(is_done(), "it is not done when it is traced");
    let (mut killed, mut done) = (0, 0);
    let chosen = sampled(&all, points("KILL_POINTS", FEW));
    for call in &chosen {
        fs::write(file, &old).unwrap();
        let inject = format!("--inject={}:signal=SIGKILL:when={}", call.name, call.at);
        let output = run(&["strace", "-qq", "-o", "/dev/null", &inject]);
        killed += usize::from(output.status != 0);
        let moment = format!("{name}, killed at {} {} ({})", call.name, call.at, call.text);
        if fs::read(file).unwrap() != old {
            assert!(is_done(), "{moment}: neither the old nor the new file");
            done += 1;
        }
        let again = run(&[]);
        assert_eq!(again.status, 0, "{moment}, run again: {again}");
        assert!(is_done(), "{moment}, run again: {again}");
        let names = fs::read_dir(file.parent().unwrap()).unwrap().flatten().map(|entry| entry.file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains(".envctl-")).collect();
        assert!(left.is_empty(), "{moment}, left after the next: {left:?}");
    }
    println!("{name}: killed at {killed} of {} calls, {done} times when it was done", all.len());
    assert!(killed * 10 >= chosen.len() * 9, "{name}: killed at {killed} of {} points", chosen.len());
}

#[test]
fn edit() {
    let test = "kill_merges::edit";
    if !can_trace(test) || !crate::projects::there_is("python3", test) || !Path::new("/dev/shm").is_dir() {
        return;
    }
    let world = World::new();
    let value = world.sandbox.canary("edited");
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    set_mode(memory.path(), 0o700);
    let old = world.value("dev", "A");
    world.sandbox.script("fake", &format!("#!/bin/sh\nsed -i 's/{old}/{value}/' \"$1\"\n"));
    let run = |under: &[&str]| {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");
        let words = [&[driver, "[]"], under, &[ENVCTL, "edit", "dev"]].concat();
        let run = world.sandbox.program("python3", &words).env("EDITOR", "fake").env("TERM", "xterm");
        // A trace quotes what was written to the editor's file.
        let run = if under.contains(&"-y") { run.reveals() } else { run };
        let output = run.env("XDG_RUNTIME_DIR", memory.path()).output();
        // What a killed one left in memory is removed by the next one.
        if under.is_empty() {
            let left: Vec<_> = fs::read_dir(memory.path()).unwrap().flatten().map(|entry| entry.path()).collect();
            assert!(left.is_empty(), "{left:?}");
        }
        output
    };
    let is_done = || world.sandbox.run(&["get", "dev", "A"]).reveals().output().stdout.trim_end() == value;
    kill("edit", &world.sandbox, &world.sandbox.path("project/environments/dev.toml"), &run, &is_done);
}

/// A repository with two branches that changed different secrets; gives the values of A and C.
fn branches(repository: &Repository) -> (String, String) {
    repository.branch("topic", "main");
    let a = repository.set("A");
    repository.commit("A");
    repository.checkout("main");
    let c = repository.set("C");
    repository.commit("C");
    (a, c)
}

/// A run of envctl as alice, behind other words.
fn alice(repository: &Repository, under: &[&str], arguments: &[&str]) -> Output {
    let run = match under {
        [] => repository.sandbox.run(arguments),
        [program, options @ ..] => repository.sandbox.program(program, &[options, &[ENVCTL], arguments].concat()),
    };
    run.env("ENVCTL_IDENTITY_FILE", repository.sandbox.path("home/alice.txt")).output()
}

#[test]
fn resolve() {
    let test = "kill_merges::resolve";
    if !can_trace(test) || !crate::projects::there_is("git", test) {
        return;
    }
    let repository = Repository::new();
    repository.without_driver();
    let (a, c) = branches(&repository);
    repository.git(&["merge", "topic"]).assert_status(1);
    let file = repository.sandbox.path("project/environments/dev.toml");
    let run = |under: &[&str]| alice(&repository, under, &["resolve"]);
    let is_done = || (repository.get("A"), repository.get("C")) == (Some(a.clone()), Some(c.clone()));
    kill("resolve", &repository.sandbox, &file, &run, &is_done);
    repository.assert_sealed();
}

#[test]
fn git_merge() {
    let test = "kill_merges::git_merge";
    if !can_trace(test) || !crate::projects::there_is("git", test) {
        return;
    }
    let repository = Repository::new();
    let (a, c) = branches(&repository);
    let path = "environments/dev.toml";
    let version = |commit: &str| repository.git(&["show", &format!("{commit}:{path}")]).stdout;
    let base = repository.git(&["merge-base", "main", "topic"]).stdout;
    for (name, commit) in [("base", base.trim()), ("theirs", "topic"), ("ours", "main")] {
        repository.sandbox.file(&format!(".merge_file_{name}"), version(commit));
    }
    let ours = repository.sandbox.path("project/.merge_file_ours");
    let arguments = ["git", "merge", ".merge_file_base", ".merge_file_ours", ".merge_file_theirs", path];
    let run = |under: &[&str]| alice(&repository, under, &arguments);
    let is_done = || {
        fs::copy(&ours, repository.sandbox.path("project").join(path)).unwrap();
        (repository.get("A"), repository.get("C")) == (Some(a.clone()), Some(c.clone()))
    };
    kill("git merge", &repository.sandbox, &ours, &run, &is_done);
}
