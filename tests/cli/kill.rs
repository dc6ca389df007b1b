//! Every command that writes, killed at any system call: each file is the old or the new one, and the next command works.
//!
//! That no file holds a secret in clear, a temporary one included, is looked for by the harness after each run.
//! `KILL_POINTS` says how many points of each command are tried: a number, or `all`.

use crate::trace::{calls, can_trace, points, sampled};
use crate::world::{ENVIRONMENTS, Files, Meaning, World};

/// How many points a command is killed at when nobody says.
const FEW: usize = 4;

/// A command that writes.
struct Case<'c> {
    name: &'static str,
    arguments: &'c [&'c str],
    stdin: &'c str,
    /// Its status when it is run to the end.
    status: i32,
    /// What its status may be when it is run again after it was killed.
    again: &'c [i32],
}

/// A case of a command that succeeds, and succeeds again.
fn case<'c>(name: &'static str, arguments: &'c [&'c str], stdin: &'c str) -> Case<'c> {
    Case { name, arguments, stdin, status: 0, again: &[0] }
}

/// Kills the command at each point and looks at what is there.
fn kill(world: &World, case: &Case<'_>) {
    let Case { name, arguments, stdin, .. } = *case;
    let old = world.meanings();
    let check = || world.sandbox.run(&["check", "--all", "--seal"]).output().status;
    let checked = check();
    let first = world.run(&[], arguments).stdin(stdin).output();
    first.assert_status(case.status);
    let (new, files) = (world.meanings(), world.files());
    assert_ne!(&files, world.start(), "{name} writes nothing");
    assert_eq!((new.contains(&None), check()), (false, 0), "{name} leaves something broken");
    world.restore();
    let all = calls(world, arguments, stdin);
    assert_eq!(world.meanings(), new, "{name} is not the same when it is traced");
    world.restore();
    let chosen = sampled(&all, points("KILL_POINTS", FEW));
    let mut killed = 0;
    for call in &chosen {
        let inject = format!("--inject={}:signal=SIGKILL:when={}", call.name, call.at);
        let under = ["strace", "-qq", "-o", "/dev/null", &inject];
        let output = world.run(&under, arguments).stdin(stdin).output();
        // Some runs have a call less than the one that was listed.
        if output.status == 137 {
            killed += 1;
        } else {
            output.assert_status(case.status);
        }
        let moment = format!("{name}, killed at {} {} ({})", call.name, call.at, call.text);
        old_or_new(world, (&old, &new), &files, &moment);
        assert!([0, checked].contains(&check()), "{moment}: the seals do not verify");
        let again = world.run(&[], arguments).stdin(stdin).output();
        assert!(case.again.contains(&again.status), "{moment}, run again: {again}");
        assert_eq!(world.meanings(), new, "{moment}, run again");
        let left = leftovers(world);
        assert!(left.is_empty(), "{moment}, left after the next: {left:?}");
        world.restore();
    }
    println!("{name}: killed at {killed} of {} calls", all.len());
    assert!(killed * 10 >= chosen.len() * 9, "{name}: killed at {killed} of {} points", chosen.len());
}

/// Each file for itself is what it was or what it is to be.
pub(crate) fn old_or_new(
    world: &World,
    (old, new): (&[Option<Meaning>], &[Option<Meaning>]),
    done: &Files,
    moment: &str,
) {
    let files = world.files();
    if &files == world.start() {
        return;
    }
    for (index, environment) in ENVIRONMENTS.iter().enumerate() {
        let path = format!("project/environments/{environment}.toml");
        if files[&path].0 == world.start()[&path].0 {
            continue;
        }
        let meaning = world.meaning(environment);
        assert!(meaning.is_some(), "{moment}: {environment} does not open");
        assert!(meaning == old[index] || meaning == new[index], "{moment}: {environment} is {meaning:?}");
        assert_eq!(files[&path].1, done[&path].1, "{moment}: {environment} has another mode");
        let sealed = |text: &[u8]| String::from_utf8_lossy(text).matches("\nrevision = ").count() == 1;
        assert!(sealed(&files[&path].0), "{moment}: {environment} is not sealed once");
    }
    for (path, (bytes, mode)) in &files {
        let (before, after) = (world.start().get(path), done.get(path));
        if before == Some(&(bytes.clone(), *mode)) || is_sealed(path) {
            continue;
        }
        // Beside the environments, only text that is the same each time.
        let same = after.is_some_and(|(text, bits)| (text == bytes || is_own(path)) && bits == mode);
        assert!(same || path.ends_with(".envctl/lock") || is_temporary(path), "{moment}: {path}");
    }
}

fn is_sealed(path: &str) -> bool {
    ENVIRONMENTS.iter().any(|environment| path == format!("project/environments/{environment}.toml"))
}

/// What is random or has a date in it: an identity, the store of this machine.
fn is_own(path: &str) -> bool {
    path.starts_with("home/")
}

fn is_temporary(path: &str) -> bool {
    path.contains(".envctl-")
}

pub(crate) fn leftovers(world: &World) -> Vec<String> {
    world.files().into_keys().filter(|path| is_temporary(path)).collect()
}

#[test]
fn set() {
    if !can_trace("kill::set") {
        return;
    }
    let mut world = World::new();
    let value = world.sandbox.canary("new value");
    kill(&world, &case("set, a new secret", &["set", "dev", "C", "--stdin"], &value));
    kill(&world, &case("set, another value", &["set", "prod", "A", "--stdin", "--yes"], &value));
    kill(&world, &case("set, on this machine", &["set", "dev", "OTHER", "--stdin", "--local"], &value));
    kill(&world, &case("set, in clear", &["set", "dev", "MODE", "--stdin"], "fast"));
    world.sandbox.file("environments/dev.toml", "[values]\nMODE = \"dev\"\n");
    world.save();
    let arguments = ["set", "dev", "A", "--stdin", "--recipients", "alice,bob"];
    kill(&world, &case("set, the first secret", &arguments, &value));
}

#[test]
fn unset_and_seal() {
    if !can_trace("kill::unset_and_seal") {
        return;
    }
    let mut world = World::new();
    let unset = ["unset", "prod", "B", "--yes"];
    kill(&world, &Case { again: &[0, 2], ..case("unset, a secret", &unset, "") });
    kill(&world, &Case { again: &[0, 2], ..case("unset, in clear", &["unset", "dev", "MODE"], "") });
    kill(&world, &case("seal, from this machine", &["seal", "dev", "OTHER", "--from", "local"], ""));
    let text = world.sandbox.read("environments/dev.toml");
    let in_clear = text.replace("[values]\n", "[values]\nC = \"long ago in clear\"\n");
    world.sandbox.file("environments/dev.toml", in_clear);
    world.save();
    kill(&world, &case("seal, from clear", &["seal", "dev", "C"], ""));
}

#[test]
fn recipients() {
    if !can_trace("kill::recipients") {
        return;
    }
    let mut world = World::new();
    let carol = world.people[2].clone();
    kill(&world, &case("recipients add", &["recipients", "add", "carol", &carol, "--all", "--yes"], ""));
    let remove = ["recipients", "remove", "bob", "--all", "--yes"];
    kill(&world, &Case { status: 1, again: &[0, 1, 2], ..case("recipients remove", &remove, "") });
    let text = world.sandbox.read("environments/dev.toml");
    let fewer = text.replace("recipients = [\"alice\", \"bob\"]", "recipients = [\"alice\"]");
    assert_ne!(text, fewer, "{text}");
    world.sandbox.file("environments/dev.toml", fewer);
    world.save();
    let apply = ["recipients", "apply", "--recipients", "alice", "--accept-exposure"];
    kill(&world, &case("recipients apply", &apply, ""));
}

#[test]
fn rekey() {
    if !can_trace("kill::rekey") {
        return;
    }
    kill(&World::new(), &case("rekey", &["rekey", "prod", "--yes"], ""));
}

#[test]
fn keygen() {
    if !can_trace("kill::keygen") {
        return;
    }
    let world = World::new();
    let file = world.sandbox.path("home/dave.txt");
    let arguments = ["keygen", "-o", file.to_str().unwrap()];
    kill(&world, &Case { again: &[0, 5], ..case("keygen", &arguments, "") });
    // What is there is an identity, also when the program did not live to say so.
    let end = calls(&world, &arguments, "");
    world.restore();
    for call in end.iter().filter(|call| call.name.starts_with("rename") || call.name.starts_with("exit")) {
        let inject = format!("--inject={}:signal=SIGKILL:when={}", call.name, call.at);
        world.run(&["strace", "-qq", "-o", "/dev/null", &inject], &arguments).output().assert_status(137);
        let shown = world.sandbox.run(&["keygen", "--show", "-o", file.to_str().unwrap()]).output();
        assert_eq!(shown.stdout.starts_with("age1"), call.name.starts_with("exit"), "{call:?}: {shown}");
        world.restore();
    }
}
