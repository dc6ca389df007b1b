//! Many at once: no update is lost, nobody waits for the dead, and who reads sees one revision.
//!
//! `WRITERS` says how many write at once.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::projects::text;
use crate::world::World;

/// How many write at once when nobody says.
const WRITERS: usize = 50;

fn writers() -> usize {
    crate::trace::points("WRITERS", WRITERS).min(2000)
}

/// A world whose schema has these further secrets.
fn with_secrets(names: &[String]) -> World {
    let mut world = World::new();
    let mut schema = world.sandbox.read("schemas/api.toml");
    for name in names {
        writeln!(schema, "[variables.{name}]\nsecret = true\nrequired = false").unwrap();
    }
    world.sandbox.file("schemas/api.toml", schema);
    world.save();
    world
}

/// Waits for all, and gives what those that failed said.
fn failures(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    let failed = outputs.filter(|output| !output.status.success());
    failed.map(|output| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))).collect()
}

#[test]
fn different_secrets_are_all_there() {
    let names: Vec<String> = (0..writers()).map(|index| format!("SECRET_{index}")).collect();
    let world = with_secrets(&names);
    let before = world.number("dev", "revision");
    let values: Vec<String> = names.iter().map(|name| world.sandbox.canary(name)).collect();
    let children =
        names.iter().zip(&values).map(|(name, value)| world.start_with(&["set", "dev", name, "--stdin"], value));
    let failures = failures(children.collect());
    assert!(failures.is_empty(), "{} failed: {}", failures.len(), failures[0]);
    assert_eq!(world.number("dev", "revision"), before + names.len() as u64);
    let shown = world.sandbox.run(&["run", "dev", "--clear", "--", "env", "-0"]).reveals().output();
    let all = crate::projects::variables(&shown);
    for (name, value) in names.iter().zip(&values) {
        assert_eq!(text(&all, name), Some(value.as_str()), "{name}");
    }
    clean(&world);
}

#[test]
fn of_one_secret_one_value_wins() {
    let world = World::new();
    let before = world.number("dev", "revision");
    let values: Vec<String> = (0..writers()).map(|index| world.sandbox.canary(&format!("value {index}"))).collect();
    let children = values.iter().map(|value| world.start_with(&["set", "dev", "C", "--stdin"], value));
    assert_eq!(failures(children.collect()), <[String; 0]>::default());
    assert_eq!(world.number("dev", "revision"), before + values.len() as u64);
    let got = world.sandbox.run(&["get", "dev", "C"]).reveals().output();
    assert!(values.iter().any(|value| value == got.stdout.trim_end()), "none of those that were set");
    clean(&world);
}

/// Readers are changed while secrets are: nobody undoes the other's change.
#[test]
fn different_commands_at_once() {
    let world = World::new();
    let [_, _, carol] = &world.people;
    let value = world.sandbox.canary("new value");
    let children = vec![
        world.start_with(&["set", "dev", "C", "--stdin"], &value),
        world.start_with(&["recipients", "add", "carol", carol, "dev"], ""),
        world.start_with(&["rekey", "dev"], ""),
        world.start_with(&["unset", "dev", "B"], ""),
        world.start_with(&["set", "dev", "MODE", "--stdin"], "fast"),
        world.start_with(&["set", "prod", "C", "--stdin", "--yes"], &value),
        world.start_with(&["recipients", "remove", "bob", "prod", "--yes", "--accept-exposure"], ""),
    ];
    assert_eq!(failures(children), <[String; 0]>::default());
    let [dev, prod] = ["dev", "prod"].map(|environment| world.meaning(environment).unwrap());
    assert_eq!((text(&dev.variables, "C"), text(&dev.variables, "B")), (Some(value.as_str()), None));
    assert_eq!((text(&dev.variables, "MODE"), text(&prod.variables, "C")), (Some("fast"), Some(value.as_str())));
    assert_eq!((dev.recipients.len(), prod.recipients.len()), (3, 1));
    assert_eq!((world.number("dev", "generation"), world.number("prod", "generation")), (2, 2));
    clean(&world);
}

#[track_caller]
fn clean(world: &World) {
    world.done(&["check", "--all", "--seal"]);
    let left = crate::kill::leftovers(world);
    assert!(left.is_empty(), "left behind: {left:?}");
}

/// Somebody who holds the project's lock until killed.
fn holder(world: &World) -> Child {
    let lock = world.sandbox.path("project/.envctl/lock");
    let script = "exec 9<>\"$1\"; flock 9; echo held; exec cat";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script, "sh"]).arg(&lock).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    child
}

/// A lock dies with its holder: who waits goes on at once, long before the deadline of 10 seconds.
#[test]
fn nobody_waits_for_the_dead() {
    if !crate::projects::there_is("flock", "nobody_waits_for_the_dead") {
        return;
    }
    let world = World::new();
    let value = world.sandbox.canary("new value");
    let mut holder = holder(&world);
    let mut waiting = world.start_with(&["set", "dev", "C", "--stdin"], &value);
    // It has read its input and gets nowhere. What does not need the lock goes on.
    world.done(&["check", "--all", "--seal"]);
    assert_eq!(waiting.try_wait().unwrap(), None);
    let killed = Instant::now();
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(failures(vec![waiting]), <[String; 0]>::default());
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    let got = world.sandbox.run(&["get", "dev", "C"]).reveals().output();
    assert_eq!(got.stdout.trim_end(), value);
}

/// A lock that is never given back is told of, and nothing is written.
#[test]
fn a_lock_that_is_kept_is_told_of() {
    if !crate::projects::there_is("flock", "a_lock_that_is_kept_is_told_of") {
        return;
    }
    let world = World::new();
    let mut holder = holder(&world);
    let output = world.sandbox.run(&["unset", "dev", "A"]).output();
    holder.kill().unwrap();
    holder.wait().unwrap();
    output.assert_status(5);
    assert!(output.stderr.contains("the project cannot be locked: another envctl"), "{output}");
    assert_eq!(&world.files(), world.start());
}

/// Two secrets and a plain value are always changed together, by exchanging whole files that envctl wrote: whoever
/// starts a program meanwhile gets those of one revision.
#[test]
fn who_reads_sees_one_revision() {
    const READERS: usize = 200;
    let mut world = World::new();
    let path = world.sandbox.path("project/environments/dev.toml");
    let mut versions = Vec::new();
    for round in 0..2 {
        for name in ["A", "B"] {
            world.set("dev", name);
        }
        let mode = format!("round {round}");
        world.sandbox.run(&["set", "dev", "MODE", "--stdin"]).stdin(mode.clone()).output().assert_status(0);
        versions
            .push((std::fs::read(&path).unwrap(), [world.value("dev", "A"), world.value("dev", "B"), &mode].join(" ")));
    }
    let stop = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            let other = path.with_extension("new");
            for (bytes, _) in versions.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                std::fs::write(&other, bytes).unwrap();
                std::fs::rename(&other, &path).unwrap();
            }
        });
        let seen: Vec<String> = (0..READERS)
            .map(|_| {
                let read = ["run", "dev", "--", "sh", "-c", "echo \"$A $B $MODE\""];
                let output = world.command(&read).output().unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        seen
    });
    for one in &seen {
        assert!(versions.iter().any(|(_, values)| values == one), "a mixture of revisions");
    }
    for (_, values) in &versions {
        assert!(seen.contains(values), "one of the two was never seen");
    }
}

/// Who reads while envctl writes is never told of a broken file, and gets a value that was set.
#[test]
fn who_reads_is_not_disturbed_by_a_writer() {
    const READS: usize = 100;
    let world = World::new();
    let values = [world.sandbox.canary("one"), world.sandbox.canary("other")];
    let before = world.number("dev", "revision");
    let script = "while :; do for value; do printf %s \"$value\" | \"$ENVCTL\" set dev A --stdin || exit 1
        read -r stop <\"$HOME/stop\" 2>/dev/null && exit 0; done; done";
    let home = world.sandbox.path("home");
    let mut writer = std::process::Command::new("sh");
    writer.args(["-c", script, "sh"]).args(&values).current_dir(world.sandbox.path("project")).stderr(Stdio::null());
    let mut writer = writer.env("ENVCTL", crate::projects::ENVCTL).env("HOME", &home).spawn().unwrap();
    for index in 0..READS {
        let arguments: &[&str] =
            if index % 2 == 0 { &["get", "dev", "A"] } else { &["run", "dev", "--", "printenv", "A"] };
        let output = world.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let value = String::from_utf8(output.stdout).unwrap();
        let mut known = values.iter().map(String::as_str).chain([world.value("dev", "A")]);
        assert!(known.any(|known| known == value.trim_end()), "a value that nobody set");
    }
    std::fs::write(home.join("stop"), "stop\n").unwrap();
    assert!(writer.wait().unwrap().success(), "the writer failed");
    assert!(world.number("dev", "revision") > before + 10, "the writer did not get far");
    clean(&world);
}
