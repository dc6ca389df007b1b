//! The attacks that the threat model names, each as what somebody does who can push but has no key.
//!
//! What a memory outside of the repository stops (a whole document under a fresh key, or rolled back) is not here: a seal
//! cannot.

use crate::harness::{Output, Sandbox};
use crate::interop::{fixtures, with};

/// A project of format 1 with the values of `environment` watched for; alice and bob can read it.
fn victim(environment: &str) -> Sandbox {
    let (sandbox, all) = fixtures();
    for (name, value) in &all[environment] {
        if value.len() >= 16 {
            sandbox.register(name, std::str::from_utf8(value).unwrap());
        }
    }
    sandbox
}

/// The text of an environment.
fn read(sandbox: &Sandbox, environment: &str) -> String {
    sandbox.read(&format!("environments/{environment}.toml"))
}

fn write(sandbox: &Sandbox, environment: &str, text: &str) {
    sandbox.file(&format!("environments/{environment}.toml"), text);
}

fn line<'t>(text: &'t str, start: &str) -> &'t str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}"))
}

fn enc<'t>(text: &'t str, name: &str) -> &'t str {
    line(text, &format!("{name} = ")).split('"').nth(1).unwrap()
}

/// Replaces what has to be there.
#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// alice is stopped: nothing starts, nothing is written, and the reason is this.
#[track_caller]
fn stopped(sandbox: &Sandbox, environment: &str, code: &str) {
    let before = read(sandbox, environment);
    let told = |output: &Output| output.stderr.contains(&format!("error[{code}]")) && output.stdout.is_empty();
    let run = with(sandbox, "alice.txt", &["run", environment, "--", "echo", "started"]).output();
    assert!(run.status == 125 && told(&run), "{run}");
    for arguments in [
        &["check", environment, "--seal"][..],
        &["render", environment, "--format", "json"],
        &["set", environment, "API_KEY", "--stdin", "--yes"],
        &["rekey", environment, "--yes"],
    ] {
        let output = with(sandbox, "alice.txt", arguments).stdin("a new value\n").output();
        assert!(output.status == 6 && told(&output), "{arguments:?}\n{output}");
    }
    assert_eq!(read(sandbox, environment), before, "something was written");
}

/// Sets a value as alice.
#[track_caller]
fn set(sandbox: &Sandbox, environment: &str, name: &str, value: &str) {
    let set = with(sandbox, "alice.txt", &["set", environment, name, "--stdin", "--yes"]);
    set.stdin(format!("{value}\n")).output().assert_status(0);
}

#[test]
fn swapping_two_secrets() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    let (first, second) = (enc(&text, "API_KEY").to_owned(), enc(&text, "TEXT").to_owned());
    write(&sandbox, "later", &text.replace(&first, "@").replace(&second, &first).replace('@', &second));
    stopped(&sandbox, "later", "seal-broken");
}

/// A name that the attacker's service may read gets the value of one that it may not.
#[test]
fn renaming_a_secret() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &replaced(&text, "DB_PASSWORD = ", "SIZE_0 = "));
    stopped(&sandbox, "later", "seal-broken");
}

#[test]
fn copying_a_secret_from_another_environment() {
    let sandbox = victim("later");
    let (text, other) = (read(&sandbox, "later"), read(&sandbox, "crlf"));
    write(&sandbox, "later", &replaced(&text, enc(&text, "DB_PASSWORD"), enc(&other, "DB_PASSWORD")));
    stopped(&sandbox, "later", "seal-broken");
}

#[test]
fn copying_one_environment_over_another() {
    let sandbox = victim("people");
    let text = read(&sandbox, "people");
    write(&sandbox, "later", &text);
    stopped(&sandbox, "later", "sealed-elsewhere");
    write(&sandbox, "later", &replaced(&text, "environment = \"people\"", "environment = \"later\""));
    stopped(&sandbox, "later", "seal-broken");
}

/// The whole file goes into a project of the attacker's own, of which alice runs something.
#[test]
fn copying_an_environment_into_another_project() {
    let sandbox = victim("later");
    let (config, text) = (sandbox.read("envctl.toml"), read(&sandbox, "later"));
    let id = line(&config, "id = ").split('"').nth(1).unwrap();
    let other = "0123456789abcdef".repeat(2);
    sandbox.file("envctl.toml", replaced(&config, id, &other));
    stopped(&sandbox, "later", "sealed-elsewhere");
    write(&sandbox, "later", &replaced(&text, id, &other));
    stopped(&sandbox, "later", "seal-broken");
}

#[test]
fn replacing_a_ciphertext_by_text() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &replaced(&text, line(&text, "API_KEY"), "API_KEY = \"my own key\""));
    stopped(&sandbox, "later", "sealed-structure");
    let attempt = "API_KEY = { enc = \"bXkgb3duIGtleQ\", since = 1, rotated = 2026-01-01 }";
    write(&sandbox, "later", &replaced(&text, line(&text, "API_KEY"), attempt));
    stopped(&sandbox, "later", "seal-broken");
}

#[test]
fn deleting_a_secret() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &replaced(&text, line(&text, "API_KEY"), ""));
    stopped(&sandbox, "later", "seal-broken");
}

/// All of them: nothing is left to be opened, and the seal counts all the same.
#[test]
fn deleting_all_secrets() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &text[text.find("[seal]").unwrap()..]);
    stopped(&sandbox, "later", "seal-broken");
}

#[test]
fn adding_a_secret() {
    let sandbox = victim("later");
    let (text, other) = (read(&sandbox, "later"), read(&sandbox, "sizes"));
    write(&sandbox, "later", &replaced(&text, "[seal]", &format!("{}\n\n[seal]", line(&other, "SIZE_63"))));
    stopped(&sandbox, "later", "seal-broken");
}

/// The password that leaked was changed; its line is in git's history.
#[test]
fn putting_an_old_secret_back() {
    let sandbox = victim("later");
    let old = line(&read(&sandbox, "later"), "DB_PASSWORD").to_owned();
    set(&sandbox, "later", "DB_PASSWORD", "the new one");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &replaced(&text, line(&text, "DB_PASSWORD"), &old));
    stopped(&sandbox, "later", "seal-broken");
}

/// As above, with the seal of that time: the rest of the file is newer.
#[test]
fn putting_an_old_seal_back() {
    let sandbox = victim("later");
    let old = read(&sandbox, "later");
    set(&sandbox, "later", "DB_PASSWORD", "the new one");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &replaced(&text, line(&text, "mac"), line(&old, "mac")));
    stopped(&sandbox, "later", "seal-broken");
}

/// So that nobody sees that a secret is overdue, or who may still know it.
#[test]
fn editing_dates_and_generations() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    let entry = line(&text, "API_KEY");
    let day = entry.rsplit("rotated = ").next().unwrap();
    write(&sandbox, "later", &replaced(&text, entry, &entry.replace(day, "2026-12-31 }")));
    stopped(&sandbox, "later", "seal-broken");
    let since = &entry[entry.find("since = ").unwrap()..entry.find(", rotated").unwrap()];
    let other = if since == "since = 4" { "since = 3" } else { "since = 4" };
    write(&sandbox, "later", &replaced(&text, entry, &entry.replace(since, other)));
    stopped(&sandbox, "later", "seal-broken");
}

const MALLORY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn adding_a_recipient_to_the_sealed_list() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &format!("{text}mallory = \"{MALLORY}\"\n"));
    stopped(&sandbox, "later", "sealed-key");
    let bob = line(&text, "bob");
    write(&sandbox, "later", &replaced(&text, bob, &format!("mallory = \"{MALLORY}\"")));
    stopped(&sandbox, "later", "seal-broken");
}

/// Two lists exist on purpose: what is written is for those who were sealed to, whoever is declared.
#[test]
fn declaring_oneself_a_recipient() {
    let sandbox = victim("first");
    let config = sandbox.read("envctl.toml");
    let bob = line(&config, "bob").split('"').nth(1).unwrap();
    // bob is a reader of other environments; `first` is for alice alone.
    let text = read(&sandbox, "first");
    write(&sandbox, "first", &format!("recipients = [\"alice\", \"bob\"]\n\n{text}"));
    set(&sandbox, "first", "DB_PASSWORD", "the new one");
    with(&sandbox, "alice.txt", &["rekey", "first"]).output().assert_status(0);
    assert!(!read(&sandbox, "first").contains(bob));
    with(&sandbox, "bob.txt", &["get", "first", "DB_PASSWORD"]).output().assert_status(4);
    let check = sandbox.run(&["check", "first", "--strict"]).output();
    assert!(check.status == 1 && check.stderr.contains("`bob` is declared and cannot read them"), "{check}");
}

/// The same under a name that is trusted already.
#[test]
fn changing_the_key_behind_a_name() {
    let sandbox = victim("later");
    let config = sandbox.read("envctl.toml");
    let alice = line(&config, "alice").split('"').nth(1).unwrap();
    sandbox.file("envctl.toml", replaced(&config, alice, MALLORY));
    let text = read(&sandbox, "later");
    write(&sandbox, "later", &format!("recipients = [\"alice\", \"bob\"]\n\n{text}"));
    let set = with(&sandbox, "alice.txt", &["set", "later", "DB_PASSWORD", "--stdin", "--yes"]);
    let set = set.stdin("the new one\n").output();
    assert!(set.status == 6 && set.stderr.contains("error[unknown-reader]"), "{set}");
    with(&sandbox, "alice.txt", &["rekey", "later"]).output().assert_status(0);
    let text = read(&sandbox, "later");
    assert!(text.contains(alice) && !text.contains(MALLORY), "{text}");
    let check = sandbox.run(&["check", "later", "--strict"]).output();
    assert!(check.status == 1 && check.stderr.contains("`alice` has another key"), "{check}");
}

/// The value in clear, under the same name, where nothing is sealed.
#[test]
fn moving_a_secret_to_values() {
    let sandbox = victim("later");
    let text = read(&sandbox, "later");
    let mine = "[values]\nAPI_KEY = { backend = \"env\", name = \"EVIL\" }\n\n";
    write(&sandbox, "later", &format!("{mine}{text}"));
    stopped(&sandbox, "later", "sealed-structure");
    write(&sandbox, "later", &format!("{mine}{}", replaced(&text, line(&text, "API_KEY"), "")));
    let run = with(&sandbox, "alice.txt", &["run", "later", "--", "echo", "started"]).env("EVIL", "x").output();
    assert!(run.status == 125 && run.stderr.contains("error[seal-broken]"), "{run}");
}

#[test]
fn switching_protection_off() {
    let sandbox = victim("parent");
    let text = read(&sandbox, "parent");
    write(&sandbox, "parent", &replaced(&text, "protected = true\n", ""));
    let check = with(&sandbox, "alice.txt", &["check", "parent", "--seal"]).output();
    assert!(check.status == 6 && check.stderr.contains("its seal `protected = true`"), "{check}");
    write(
        &sandbox,
        "parent",
        &replaced(&text, "protected = true\n", "").replace("protected = true", "protected = false"),
    );
    let check = with(&sandbox, "alice.txt", &["check", "parent", "--seal"]).output();
    assert!(check.status == 6 && check.stderr.contains("error[seal-broken]"), "{check}");
}

/// Whoever was removed still has the old key: neither it nor a file of that time opens or replaces anything of today's.
#[test]
fn a_removed_recipient_with_the_old_key() {
    let sandbox = victim("later");
    let old = read(&sandbox, "later");
    let remove = ["recipients", "remove", "bob", "later", "--accept-exposure"];
    with(&sandbox, "alice.txt", &remove).output().assert_status(0);
    let text = read(&sandbox, "later");
    with(&sandbox, "bob.txt", &["get", "later", "DB_PASSWORD"]).output().assert_status(4);
    let key = |text: &str| text[text.find("-----BEGIN").unwrap()..text.find("-----END").unwrap()].to_owned();
    let grafted = replaced(&text, &key(&text), &key(&old));
    write(&sandbox, "later", &grafted);
    stopped(&sandbox, "later", "sealed-key");
    let both = replaced(&grafted, line(&grafted, "alice"), &format!("{}\n{}", line(&old, "alice"), line(&old, "bob")));
    write(&sandbox, "later", &both);
    stopped(&sandbox, "later", "seal-broken");
}

/// The schema is not sealed: it cannot make a sealed value public all the same.
#[test]
fn a_schema_that_calls_a_sealed_value_public() {
    let sandbox = victim("later");
    let schema = sandbox.read("schemas/api.toml");
    let mine = schema.replace("[variables.API_KEY]\nsecret = true", "[variables.API_KEY]\nexposure = \"public\"");
    assert_ne!(mine, schema);
    sandbox.file("schemas/api.toml", mine);
    let run = with(&sandbox, "alice.txt", &["run", "later", "--", "echo", "started"]).output();
    assert!(run.status == 125 && run.stderr.contains("error[secret-exposed]"), "{run}");
}

/// A reader of the repository learns the class of a length, not the length.
#[test]
fn guessing_a_value_by_its_length() {
    let sandbox = victim("first");
    let lengths: Vec<usize> = ["x", "0123456789", "a value of 63 bytes, which is the longest in the first class..."]
        .into_iter()
        .map(|value| {
            set(&sandbox, "first", "TEXT", value);
            enc(&read(&sandbox, "first"), "TEXT").len()
        })
        .collect();
    assert!(lengths.iter().all(|length| *length == lengths[0]), "{lengths:?}");
    assert_eq!(enc(&read(&sandbox, "first"), "EMPTY").len(), lengths[0]);
}
