//! The power fails: what was told as written is there, and before that the file is the old or the new one.
//!
//! A disk may write in another order than a program: of a file what was flushed is certain, of a directory too; all else may
//! be there, be missing, or be cut. The trace of a command gives what it did, and from it every state that may be found.

use std::fs;

use crate::trace::{Call, calls, can_trace};
use crate::world::{Meaning, World};

/// What a command did to the disk, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A temporary file was made.
    Create(String),
    Write(String),
    Flush(String),
    /// A temporary file got the name of another.
    Rename(String, String),
    FlushDirectory(String),
    /// Success was told.
    Told,
}

/// The first quoted text.
fn quoted(text: &str) -> &str {
    text.split('"').nth(1).unwrap_or_default()
}

/// The path of the first descriptor, as `strace -y` writes it.
fn path_of(text: &str) -> &str {
    let from = text.split_once('<').map_or("", |(_, rest)| rest);
    from.split_once('>').map_or("", |(path, _)| path)
}

/// The steps that a trace tells of; the lock is no matter.
fn steps(calls: &[Call]) -> Vec<Step> {
    let step = |call: &Call| {
        let (text, path) = (call.text.as_str(), path_of(&call.text));
        let temporary = path.contains(".envctl-");
        let name = || path.to_owned();
        match call.name.as_str() {
            "openat" if text.contains("O_EXCL") && text.contains(".envctl-") => {
                Some(Step::Create(format!("{path}/{}", quoted(text))))
            }
            "write" if text.starts_with("2<") && (text.contains("sealed `") || text.contains("cannot read")) => {
                Some(Step::Told)
            }
            "write" | "pwrite64" | "ftruncate" if temporary => Some(Step::Write(name())),
            "fsync" | "fdatasync" if temporary => Some(Step::Flush(name())),
            "fsync" => Some(Step::FlushDirectory(name())),
            "renameat" | "renameat2" | "rename" => {
                let to = text.split('"').nth(3).unwrap_or_default();
                Some(Step::Rename(format!("{path}/{}", quoted(text)), format!("{path}/{to}")))
            }
            _ => None,
        }
    };
    calls.iter().filter_map(step).collect()
}

/// What may be found of the file at `target` after the first `done` steps: `true` for the new one, `false` for the old.
/// Nothing if it may be a part of the new one.
fn found(steps: &[Step], target: &str) -> Option<Vec<bool>> {
    let renamed = steps.iter().position(|step| matches!(step, Step::Rename(_, to) if to == target));
    let Some(at) = renamed else { return Some(vec![false]) };
    let Step::Rename(from, _) = &steps[at] else { return None };
    let last = |wanted: &Step| steps[..at].iter().rposition(|step| step == wanted);
    let whole = last(&Step::Flush(from.clone())) > last(&Step::Write(from.clone()));
    let directory = target.rsplit_once('/').map(|(directory, _)| directory.to_owned())?;
    let certain = steps[at..].contains(&Step::FlushDirectory(directory));
    whole.then(|| if certain { vec![true] } else { vec![false, true] })
}

/// Checks every moment of a command that replaces these files.
fn survives(world: &World, arguments: &[&str], stdin: &str, files: &[&str]) {
    let all = steps(&calls(world, arguments, stdin));
    world.restore();
    let targets = files.iter().map(|file| world.sandbox.path("project").join(file).to_str().unwrap().to_owned());
    let targets: Vec<String> = targets.collect();
    let renames = all.iter().filter(|step| matches!(step, Step::Rename(..))).count();
    assert_eq!(renames, targets.len(), "{all:?}");
    for done in 0..=all.len() {
        let mut certain = 0;
        for target in &targets {
            let found = found(&all[..done], target);
            assert!(found.is_some(), "{target} may be cut after {done} of {all:?}");
            certain += usize::from(found == Some(vec![true]));
        }
        // Of several files each is told of, after it is certain; what is said of all comes last.
        let told = all[..done].iter().filter(|step| **step == Step::Told).count();
        assert!(told <= certain || certain == targets.len(), "told too early: {done} of {all:?}");
    }
    assert!(all.contains(&Step::Told), "{all:?}");
}

#[test]
fn the_old_or_the_new_file_survives() {
    if !can_trace("the_old_or_the_new_file_survives") {
        return;
    }
    let world = World::new();
    let value = world.sandbox.canary("new value");
    survives(&world, &["set", "dev", "C", "--stdin"], &value, &["environments/dev.toml"]);
    let files = ["environments/dev.toml", "environments/prod.toml", "envctl.toml"];
    survives(&world, &["recipients", "remove", "bob", "--all", "--yes", "--accept-exposure"], "", &files);
}

/// What a loss of power may leave beside the file: a temporary one, empty, cut, or whole.
#[test]
fn what_is_left_beside_is_no_matter() {
    let world = World::new();
    let old = world.meaning("dev");
    let value = world.sandbox.canary("new value");
    let set = || world.sandbox.run(&["set", "dev", "C", "--stdin"]).stdin(value.clone()).output();
    set().assert_status(0);
    let new = fs::read(world.sandbox.path("project/environments/dev.toml")).unwrap();
    world.restore();
    // The number of a process that is no more.
    let mut process = std::process::Command::new("true").spawn().unwrap();
    process.wait().unwrap();
    for cut in [0, 1, new.len() / 2, new.len() - 1, new.len()] {
        let name = format!("environments/.dev.toml.envctl-{}-0123456789abcdef", process.id());
        world.sandbox.file(&name, &new[..cut]);
        let seen: Option<Meaning> = world.meaning("dev");
        assert_eq!(seen, old, "{cut} bytes");
        world.done(&["check", "--all", "--seal"]);
        set().assert_status(0);
        assert!(crate::kill::leftovers(&world).is_empty(), "{cut} bytes");
        world.restore();
    }
}

#[test]
fn a_wrong_order_is_seen() {
    let name = |text: &str| text.to_owned();
    let (from, to, directory) = (name("/p/.x.envctl-1-a"), name("/p/x"), name("/p"));
    let write = [Step::Create(from.clone()), Step::Write(from.clone())];
    let rename = [Step::Rename(from.clone(), to.clone())];
    let flush = [Step::Flush(from.clone())];
    assert_eq!(found(&[&write[..], &rename].concat(), &to), None);
    assert_eq!(found(&[&write[..], &rename, &flush].concat(), &to), None);
    assert_eq!(found(&[&flush, &write[..], &rename].concat(), &to), None);
    let good = [&write[..], &flush, &rename].concat();
    assert_eq!(found(&good, &to), Some(vec![false, true]));
    assert_eq!(found(&[good, vec![Step::FlushDirectory(directory)]].concat(), &to), Some(vec![true]));
    assert_eq!(found(&write, &to), Some(vec![false]));
}
