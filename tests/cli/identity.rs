//! Plugins and the keyring as real programs: what opens an environment, and how often each is asked.
//!
//! The library is used in a process of its own, this test program again, because plugins are found by its environment.

use std::path::PathBuf;
use std::sync::Arc;

use envctl::identity::{Ask, Identities, Plugins, wrap};
use envctl::process::EnvSnapshot;
use envctl::secret::Secret;

use crate::harness::{Output, Sandbox};
use crate::projects::there_is;

/// Says that this process is the inner one, and what it is to do.
const INNER: &str = "ENVCTL_TEST_INNER";

/// Answers every question for a secret with `COUNTER_PIN`.
struct Pin(EnvSnapshot);

impl Ask for Pin {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        println!("\nasked: {what}");
        self.0.text("COUNTER_PIN").map(|pin| Secret::from_string(pin.to_owned()))
    }

    fn message(&self, text: &str) {
        println!("\ntold: {text}");
    }

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn line(&self, _: &str) -> Option<String> {
        None
    }
}

/// What the inner process does: wraps a key for the recipients in `INNER`, opens it, and prints what came of it.
#[test]
fn inner() {
    let environment = EnvSnapshot::capture();
    let Some(recipients) = environment.text(INNER) else { return };
    let recipients: Vec<&str> = recipients.split(',').collect();
    let ask: Arc<dyn Ask> = Arc::new(Pin(environment.clone()));
    let payload = Secret::from_string("the data key".to_owned());
    let file = match wrap(&payload, &recipients, &Plugins::new(&environment), &ask) {
        Ok(file) => file,
        Err(error) => return println!("\nnot wrapped: {}", error.diagnostic().message),
    };
    let mut identities = Identities::new(&environment, None::<PathBuf>, ask);
    match identities.open(&file) {
        Ok(opened) => println!("\nopened: {}", opened.same_bytes(&payload)),
        Err(error) => println!("\nnot opened: {:?} {}", error.problem(), error.tried().collect::<Vec<_>>().join("; ")),
    }
}

/// A sandbox with the plugin, an identity of it and its recipient.
fn with_plugin() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    sandbox.script("age-plugin-counter", include_str!("plugin/age-plugin-counter"));
    let made = sandbox.program("age-plugin-counter", &["--generate"]).output();
    let (identity, recipient) = made.stdout.trim().split_once('\n').unwrap();
    sandbox.place("home/.config/envctl/identity.txt", format!("{identity}\n"));
    crate::harness::set_mode(&sandbox.path("home/.config/envctl/identity.txt"), 0o600);
    let program = sandbox.path("bin/age-plugin-counter");
    sandbox.place("home/.config/envctl/config.toml", format!("[plugins]\ncounter = \"{}\"\n", program.display()));
    (sandbox, recipient.to_owned())
}

/// What the inner process says, and what the plugin counted.
fn run(sandbox: &Sandbox, recipients: &str, more: &[(&str, &str)]) -> (String, String) {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "identity::inner", "--nocapture", "--test-threads=1"];
    let mut run = sandbox.program(program.to_str().unwrap(), &arguments);
    let log = sandbox.path("log");
    std::fs::remove_file(&log).ok();
    run = run.env(INNER, recipients).env("COUNTER_LOG", &log);
    for (name, value) in more {
        run = run.env(name, value);
    }
    let output: Output = run.output();
    let said =
        output.stdout.lines().filter(|line| ["opened", "not ", "asked", "told:"].iter().any(|it| line.starts_with(it)));
    (said.collect::<Vec<_>>().join("\n"), std::fs::read_to_string(log).unwrap_or_default())
}

#[test]
fn a_plugin_wraps_and_unwraps_once() {
    if !there_is("python3", "a_plugin_wraps_and_unwraps_once") {
        return;
    }
    let (sandbox, recipient) = with_plugin();
    let other = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let second = sandbox.program("age-plugin-counter", &["--generate"]).output();
    let second = second.stdout.trim().split_once('\n').unwrap().1;
    // Two of one plugin: it runs once for both. Two stanzas of it, one of X25519 and one that means nothing.
    let (said, counted) = run(&sandbox, &format!("{second},{other},{recipient}"), &[]);
    assert_eq!((said.as_str(), counted.as_str()), ("opened: true", "wrap 1\nunwrap 4\n"));
    let (said, _) = run(&sandbox, &recipient, &[("COUNTER_ASK", "PIN, please"), ("COUNTER_PIN", "1234")]);
    assert_eq!(said, "asked: PIN, please\nopened: true");
}

#[test]
fn a_plugin_that_fails_is_named_and_not_quoted() {
    if !there_is("python3", "a_plugin_that_fails_is_named_and_not_quoted") {
        return;
    }
    let (sandbox, recipient) = with_plugin();
    let failed = "plugin `counter` reported a problem or ended early";
    let place = "identity file ~/.config/envctl/identity.txt";
    let (said, counted) = run(&sandbox, &recipient, &[("COUNTER_FAIL", "unwrap")]);
    assert!(said.starts_with(&format!("not opened: Plugin {place}: {failed}")), "{said}");
    assert_eq!(counted, "wrap 1\nunwrap 2\n");
    for fail in ["wrap", "die"] {
        let (said, _) = run(&sandbox, &recipient, &[("COUNTER_FAIL", fail)]);
        assert_eq!(said, format!("not wrapped: {failed}"));
    }
    let (said, _) = run(&sandbox, &recipient, &[("COUNTER_ASK", "PIN")]);
    assert!(said.contains("not opened: Plugin"), "{said}");
}

#[test]
fn a_plugin_that_is_not_approved_never_runs() {
    if !there_is("python3", "a_plugin_that_is_not_approved_never_runs") {
        return;
    }
    let (sandbox, recipient) = with_plugin();
    let other = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let evil = sandbox.path("evil");
    sandbox.place("evil/age-plugin-counter", "#!/bin/sh\necho ran >> \"$COUNTER_LOG\"\n");
    crate::harness::set_mode(&evil.join("age-plugin-counter"), 0o755);
    let path = format!("{}:{}:/usr/bin:/bin", evil.display(), sandbox.path("bin").display());
    let (said, counted) = run(&sandbox, &recipient, &[("PATH", &path)]);
    assert!(said.starts_with("not wrapped: PATH gives") && counted.is_empty(), "{said} {counted}");
    let (said, counted) = run(&sandbox, other, &[("PATH", &path)]);
    assert!(said.starts_with("not opened: Plugin") && counted.is_empty(), "{said} {counted}");
    let (said, counted) = run(&sandbox, other, &[("AGEDEBUG", "plugin")]);
    assert!(said.contains("AGEDEBUG") && counted.is_empty(), "{said} {counted}");
    std::fs::remove_file(sandbox.path("home/.config/envctl/config.toml")).unwrap();
    let (said, counted) = run(&sandbox, other, &[]);
    assert!(said.contains("is not named in your own configuration") && counted.is_empty(), "{said} {counted}");
}

#[test]
fn an_environment_is_unwrapped_once_whatever_it_holds() {
    if !there_is("python3", "an_environment_is_unwrapped_once_whatever_it_holds") {
        return;
    }
    let (sandbox, recipient) = with_plugin();
    let names = ["DB_PASSWORD", "API_KEY", "SIGNING_KEY"];
    let config = "[project]\nname = \"shop\"\nid = \"0123456789abcdef0123456789abcdef\"\n";
    let schema = names.map(|name| format!("[variables.{name}]\nsecret = true\n"));
    sandbox.file("envctl.toml", format!("{config}[recipients]\nalice = \"{recipient}\"\n"));
    sandbox.file("schemas/api.toml", schema.concat()).file("environments/dev.toml", "recipients = [\"alice\"]\n");
    for name in names {
        let value = sandbox.canary(name);
        let set = sandbox.run(&["set", "dev", name, "--stdin", "--recipients", "alice"]).stdin(value);
        set.output().assert_status(0);
    }
    let log = sandbox.path("log");
    let command = ["run", "dev", "--", "sh", "-c", "test ${#DB_PASSWORD} = 39 && test ${#SIGNING_KEY} = 39"];
    sandbox.run(&command).env("COUNTER_LOG", &log).output().assert_status(0);
    // The key's stanza, and the one that means nothing.
    assert_eq!(std::fs::read_to_string(log).unwrap(), "unwrap 2\n");
}
