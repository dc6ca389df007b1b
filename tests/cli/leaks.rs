//! Every command in every state of a project, however it is asked to talk: no secret in what it says or leaves behind.
//!
//! The harness looks for all values and identities after each run. A run whose result is a value gives that to `/dev/null`:
//! what else it says is looked at. `LEAK_RUNS=all` tries every command in every state in every manner.

use std::collections::{BTreeMap, BTreeSet};

use envctl::identity;
use envctl::secret::Secret;

use crate::harness::set_mode;
use crate::projects::ENVCTL;
use crate::world::World;

/// Ways to make a program talk: options, and a variable of the environment.
const MANNERS: [(&[&str], (&str, &str)); 8] = [
    (&[], ("LANG", "C.UTF-8")),
    (&["--verbose"], ("LANG", "C")),
    (&[], ("RUST_LOG", "trace")),
    (&["-v"], ("RUST_BACKTRACE", "full")),
    (&["--message-format", "json"], ("RUST_LOG", "trace")),
    (&["--message-format", "github", "-v"], ("GITHUB_ACTIONS", "true")),
    (&["--message-format", "sarif"], ("RUST_BACKTRACE", "full")),
    (&["--color", "always", "-v"], ("CLICOLOR_FORCE", "1")),
];

/// What the commands are given on standard input and in place of words.
struct Words {
    /// A value that is to be set.
    value: String,
    /// An identity, given where a recipient belongs.
    identity: String,
}

/// Commands whose result holds no value.
const QUIET: &[&str] = &[
    "check",
    "check --all --strict",
    "check --all --seal",
    "check --resolve --all",
    "run dev -- true",
    "run prod --clear -- /bin/true",
    "run dev -- no-such-program",
    "run dev -- ./envctl.toml",
    "list",
    "list prod --format json",
    "explain dev A",
    "explain prod A --format json",
    "explain dev URL",
    "diff dev prod",
    "diff dev prod --format json",
    "render dev --format example",
    "render dev --format markdown",
    "set dev A --stdin",
    "set dev PORT --stdin",
    "set prod A --stdin --yes",
    "set prod A --stdin",
    "set dev C --stdin --local",
    "set dev C",
    "unset dev A",
    "seal dev",
    "seal dev OTHER --from local",
    "seal dev --from prod",
    "recipients list",
    "recipients list --format json",
    "recipients check",
    "recipients remove bob --all --yes",
    "recipients apply",
    "recipients apply --recipients alice,bob",
    "rekey dev",
    "rekey prod",
    "keygen",
    "keygen --show",
    "keygen --passphrase -o new.txt",
    "git check",
    "git check --staged",
    "resolve",
    "init",
    "no-such-command",
];

/// Commands whose result is a value, something made of values, or the text of a file.
const SHOWN: &[&str] = &[
    "get dev A",
    "get prod A --raw",
    "get dev URL",
    "get dev A --reveal",
    "render dev --format dotenv",
    "render prod --format json",
    "run dev -- env",
    "git textconv environments/dev.toml",
];

/// Every command; `true` where the result is not to be looked at.
fn commands(words: &Words) -> Vec<(Vec<&str>, bool)> {
    let Words { value, identity } = words;
    let split = |line: &'static str| line.split(' ').collect::<Vec<_>>();
    let mut all: Vec<(Vec<&str>, bool)> = QUIET.iter().map(|line| (split(line), false)).collect();
    all.extend(SHOWN.iter().map(|line| (split(line), true)));
    // What belongs on standard input or nowhere at all, typed as a word.
    for slipped in [
        vec!["set", "dev", value],
        vec!["set", "dev", "A", value],
        vec!["get", "dev", value],
        vec!["unset", "dev", value],
        vec!["explain", "dev", value],
        vec!["recipients", "add", "dave", identity, "dev"],
        vec!["recipients", "add", identity, "age1x", "dev"],
        vec!["set", "dev", "A", "--stdin", "--recipients", identity],
        vec!["recipients", "remove", identity, "--all"],
    ] {
        all.push((slipped, false));
    }
    all
}

/// Text that replaces another one in a file of the project.
type Change = (&'static str, &'static str, String);

/// A state of the project: its name, changed text, and variables for the program.
type State = (&'static str, Vec<Change>, Vec<(&'static str, String)>);

fn states(world: &World) -> Vec<State> {
    let dev = "environments/dev.toml";
    let path = |below: &str| world.sandbox.path(below).to_str().unwrap().to_owned();
    let canary = |name: &str| world.sandbox.canary(name);
    let value = |line: String| vec![(dev, "[values]\n", format!("[values]\n{line}\n"))];
    let alice = std::fs::read_to_string(path("home/.config/envctl/identity.txt")).unwrap();
    let key = alice.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap().to_owned();
    let schema = |line: &str| vec![("schemas/api.toml", "[variables.A]\n", format!("[variables.A]\n{line}\n"))];
    let protected = world.sandbox.path("home/protected.txt");
    let passphrase = canary("passphrase");
    world.sandbox.register("passphrase", passphrase.trim_start_matches("CANARY-"));
    let text = identity::protect(&Secret::from_string(alice.clone()), &Secret::from_string(passphrase), 2).unwrap();
    std::fs::write(&protected, text).unwrap();
    let file = |below: &str| vec![("ENVCTL_IDENTITY_FILE", path(below))];
    let given = |text: String| vec![("ENVCTL_IDENTITY", text)];
    let (first, rest) = key.split_at(40);
    vec![
        ("all well", vec![], vec![]),
        ("the key itself in a variable", vec![], given(key.clone())),
        ("no identity", vec![], file("home/nobody.txt")),
        ("another's identity", vec![], file("home/carol.txt")),
        ("an identity that needs a passphrase", vec![], file("home/protected.txt")),
        ("an identity cut in two", vec![], given(format!("{first}\n{rest}"))),
        ("a value in place of an identity", vec![], given(canary("no identity"))),
        ("an environment in place of an identity", vec![], file("project/environments/dev.toml")),
        ("mac", vec![(dev, "mac = \"", String::from("mac = \"AAAA"))], vec![]),
        ("revision", vec![(dev, "revision = ", String::from("revision = 9"))], vec![]),
        ("enc", vec![(dev, "A = { enc = \"A", String::from("A = { enc = \"B"))], vec![]),
        ("enc of another", vec![(dev, "A = { enc", String::from("C = { enc"))], vec![]),
        ("enc in clear", vec![(dev, "A = { enc = \"", format!("A = {{ enc = \"{}", canary("no enc")))], vec![]),
        ("age file", vec![(dev, "YWdl", String::from("YWdm"))], vec![]),
        ("another environment", vec![(dev, "environment = \"dev\"", String::from("environment = \"prod\""))], vec![]),
        ("a later format", vec![(dev, "format = 1", String::from("format = 2"))], vec![]),
        ("one more recipient", vec![(dev, "[\"alice\", \"bob\"]", String::from("[\"alice\"]"))], vec![]),
        ("a secret in clear", value(format!("C = \"{}\"", canary("in clear"))), vec![]),
        ("both sealed and in clear", value(format!("B = \"{}\"", canary("twice"))), vec![]),
        ("an unknown variable", value(format!("CC = \"{}\"", canary("unknown"))), vec![]),
        ("a line that is no TOML", value(format!("C = {}", canary("bare"))), vec![]),
        ("a text without end", value(format!("C = \"{}", canary("endless"))), vec![]),
        ("a number that is none", schema("type = \"int\"\nmin = 5"), vec![]),
        ("an address that is none", schema("type = \"url\"\nschemes = [\"https\"]"), vec![]),
        ("not one of a few", schema("type = \"enum\"\nvalues = [\"x\", \"y\"]"), vec![]),
        ("too short", schema("min_length = 100\npattern = \"[a-z]+\""), vec![]),
        ("no JSON", schema("type = \"json\""), vec![]),
        ("no key", schema("type = \"pem\""), vec![]),
        ("a broken schema", schema("type = \"nothing\""), vec![]),
        ("a reference to nothing", value(String::from("C = { backend = \"env\", name = \"NOT_THERE\" }")), vec![]),
        ("a reference that is wrong", value(String::from("C = { backend = \"nowhere\" }")), vec![]),
        ("a table with the value", value(format!("C = {{ value = \"{}\" }}", canary("table"))), vec![]),
        ("a list with the value", value(format!("C = [\"{}\", \"b\"]", canary("list"))), vec![]),
        (
            "in conflict",
            vec![(dev, "A = {", String::from("<<<<<<< ours\nA = {")), (dev, "B = {", String::from("=======\nB = {"))],
            vec![],
        ),
        ("no project", vec![("envctl.toml", "[project]", String::from("[projekt]"))], vec![]),
        ("an unknown recipient", vec![("envctl.toml", "bob = ", String::from("bert = "))], vec![]),
    ]
}

/// Values that are made of others, so that mistakes happen to them too.
const MORE: &str = "[variables.PORT]\ntype = \"port\"\nrequired = false\nsecret = true\n\
    [variables.URL]\ntype = \"url\"\nrequired = false\n";

fn prepared() -> World {
    let mut world = World::new();
    let schema = world.sandbox.read("schemas/api.toml") + MORE;
    world.sandbox.file("schemas/api.toml", schema);
    for environment in ["dev", "prod"] {
        let path = format!("environments/{environment}.toml");
        let text = world.sandbox.read(&path).replace("[values]\n", "[values]\nURL = \"https://u:${A}@h/${OTHER}\"\n");
        world.sandbox.file(&path, text);
    }
    world.save();
    world
}

#[test]
fn nothing_that_is_said_holds_a_secret() {
    let world = prepared();
    let states = states(&world);
    let start = world.files();
    let key = std::fs::read_to_string(world.sandbox.path("home/bob.txt")).unwrap();
    let words = Words { value: world.sandbox.canary("a new value"), identity: key.lines().last().unwrap().to_owned() };
    let all = std::env::var("LEAK_RUNS").is_ok_and(|value| value == "all");
    let (mut runs, mut codes) = (0, BTreeSet::new());
    for (index, (state, changes, variables)) in states.iter().enumerate() {
        world.put(&start);
        for (path, from, to) in changes {
            let text = world.sandbox.read(path);
            assert!(text.contains(from), "{state}: {path} has no `{from}`");
            world.sandbox.file(path, text.replacen(from, to, 1));
        }
        let changed = world.files();
        for (number, (command, is_value)) in commands(&words).iter().enumerate() {
            for (manner, (options, variable)) in MANNERS.iter().enumerate() {
                // Otherwise each in one manner, another one in each state, and a third of all.
                if !all && ((index + number) % MANNERS.len() != manner || (index * 7 + number) % 3 != 0) {
                    continue;
                }
                let arguments = [options, command.as_slice()].concat();
                let script = ["-c", "exec \"$0\" \"$@\" >/dev/null", ENVCTL];
                let run = match is_value {
                    true => world.sandbox.program("sh", &[&script[..], &arguments].concat()),
                    false => world.sandbox.run(&arguments),
                };
                let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
                let output = run.env(variable.0, variable.1).stdin(words.value.clone()).output();
                assert!(output.status < 128 && output.status != 101, "{state}: {arguments:?}: {output}");
                codes.insert(output.status);
                runs += 1;
                world.put(&changed);
            }
        }
    }
    println!("{runs} runs, exit codes {codes:?}");
    assert!(runs >= 400, "{runs}");
    let expected = [0, 1, 2, 4, 5, 6, 125, 126, 127];
    assert_eq!(codes, BTreeSet::from(expected));
}

/// What an invocation is given where nothing can be written, or no more can be said.
#[test]
fn nothing_is_said_when_output_fails() {
    let world = prepared();
    let value = world.sandbox.canary("a new value");
    let mut codes = BTreeMap::new();
    for command in ["get dev A", "run dev -- env", "render dev --format dotenv", "render dev --format json"] {
        for (place, script) in [("full", "exec \"$0\" \"$@\" >/dev/full"), ("closed", "exec \"$0\" \"$@\" >&-")] {
            let words: Vec<&str> = ["-c", script, ENVCTL].into_iter().chain(command.split(' ')).collect();
            let output = world.sandbox.program("sh", &words).stdin(value.clone()).output();
            codes.insert((command, place), output.status);
        }
    }
    for ((command, place), code) in codes {
        let own = command.starts_with("run");
        assert!(own || place == "closed" || code == 5, "{command} to a {place} output: {code}");
    }
    set_mode(&world.sandbox.path("project/environments"), 0o555);
    if let Some(run) = crate::projects::unprivileged(&world.sandbox, &["set", "dev", "A", "--stdin"]) {
        run.stdin(value).output().assert_status(5);
    }
    set_mode(&world.sandbox.path("project/environments"), 0o755);
}
