//! `recipients` and `rekey`: who can read, who could, and what that costs.

use crate::harness::{Output, Run, Sandbox};
use crate::projects::{CONFIG, refused, there_is};

const SCHEMA: &str = "[variables.A]\nsecret = true\nrequired = false\n[variables.B]\nsecret = true\nrequired = false\n\
    [variables.C]\nsecret = true\nrequired = false\n";

/// Alice, bob and carol; nobody can read anything yet.
struct People {
    sandbox: Sandbox,
    keys: [String; 3],
}

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

impl People {
    /// `dev`, the protected `prod`, and `api`, which extends `dev`.
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let keys = NAMES.map(|name| {
            let file = sandbox.path(&format!("home/{name}.txt"));
            let output = sandbox.run(&["keygen", "-o", file.to_str().unwrap()]).output();
            output.assert_status(0).stdout.trim().to_owned()
        });
        sandbox.file("envctl.toml", CONFIG).file("schemas/api.toml", SCHEMA).file("environments/dev.toml", "");
        sandbox.file("environments/prod.toml", "protected = true\n");
        sandbox.file("environments/api.toml", "extends = \"dev\"\n");
        Self { sandbox, keys }
    }

    /// Alice and bob read these environments, each of which has the secrets A and B.
    fn with(environments: &[&str]) -> Self {
        let people = Self::new();
        for (name, key) in NAMES.iter().zip(&people.keys).take(2) {
            let arguments = [&["recipients", "add", name, key, "--yes"], environments].concat();
            people.alice(&arguments).assert_status(0);
        }
        for environment in environments {
            for name in ["A", "B"] {
                people.set(environment, name);
            }
        }
        people
    }

    fn run_as(&self, name: &str, arguments: &[&str]) -> Run<'_> {
        let file = self.sandbox.path(&format!("home/{name}.txt"));
        self.sandbox.run(arguments).env("ENVCTL_IDENTITY_FILE", file)
    }

    fn alice(&self, arguments: &[&str]) -> Output {
        self.run_as("alice", arguments).output()
    }

    fn set(&self, environment: &str, name: &str) -> String {
        let value = self.sandbox.canary(name);
        let first = !self.file(environment).contains("[seal]");
        let arguments = ["set", environment, name, "--stdin", "--yes", "--recipients", "alice,bob"];
        let arguments = if first { &arguments[..] } else { &arguments[..5] };
        self.run_as("alice", arguments).stdin(value.clone()).output().assert_status(0);
        value
    }

    fn get(&self, name: &str, environment: &str, variable: &str) -> Output {
        self.run_as(name, &["get", environment, variable]).reveals().output()
    }

    fn file(&self, environment: &str) -> String {
        self.sandbox.read(&format!("environments/{environment}.toml"))
    }

    fn declare(&self, environment: &str, recipients: &str) {
        let text = self.file(environment);
        let line = text.lines().find(|line| line.starts_with("recipients")).unwrap();
        let text = text.replace(line, &format!("recipients = {recipients}"));
        self.sandbox.file(&format!("environments/{environment}.toml"), text);
    }

    /// A run on a terminal, as alice.
    fn on_terminal(&self, steps: &str, arguments: &[&str]) -> Output {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");
        let arguments = [&[driver, steps, env!("CARGO_BIN_EXE_envctl")], arguments].concat();
        let file = self.sandbox.path("home/alice.txt");
        let run = self.sandbox.program("python3", &arguments).env("ENVCTL_IDENTITY_FILE", file);
        run.env("TERM", "xterm").env("NO_COLOR", "1").output()
    }
}

/// The lines of a file that begin with this.
fn lines(text: &str, start: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}

#[test]
fn adding_somebody_wraps_the_same_key() {
    let people = People::with(&["dev"]);
    let before = people.file("dev");
    assert_eq!(people.get("carol", "dev", "A").status, 4);
    let output = people.alice(&["recipients", "add", "carol", &people.keys[2], "dev"]);
    output.assert_status(0).assert_stdout("").assert_stderr("dev: `carol` can read 2 secrets\n");
    let after = people.file("dev");
    for kept in ["A = ", "B = ", "generation = 1", "bob = "] {
        assert_eq!(lines(&before, kept), lines(&after, kept));
    }
    assert!(
        after.contains("recipients = [\"alice\", \"bob\", \"carol\"]\n") && after.contains("revision = 3"),
        "{after}"
    );
    people.get("carol", "dev", "A").assert_status(0);
    assert!(people.sandbox.read("envctl.toml").ends_with(&format!("carol = \"{}\"\n", people.keys[2])));
    let again = people.alice(&["recipients", "add", "carol", &people.keys[2], "dev"]);
    again.assert_status(0).assert_stderr("dev: `carol` can read 2 secrets, as before\n");
    assert_eq!(people.file("dev"), after);
    let check = people.alice(&["recipients", "check"]);
    check.assert_status(0).assert_stderr("ok: dev sealed to those declared; seals not verified (no key)\n");
}

#[test]
fn who_is_added_is_somebody_new() {
    let people = People::with(&["dev"]);
    let [alice, _, carol] = &people.keys;
    let files = || (people.file("dev"), people.sandbox.read("envctl.toml"));
    let before = files();
    let secret = "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQ";
    for (words, told) in [
        (vec!["bob", carol, "dev"], "`bob` has another key"),
        (vec!["dave", alice, "dev"], "this key is already there, as `alice`"),
        (vec!["Carol", carol, "dev"], "cannot be the name of a recipient"),
        (vec!["carol", carol], "no environment is named"),
        (vec!["carol", secret, "dev"], "this is an identity, not a recipient"),
        (vec!["carol", "age1nonsense", "dev"], "checksum"),
        (vec!["carol", carol, "nope"], "there is no environment `nope`"),
        (vec!["carol"], "`RECIPIENT` is missing"),
    ] {
        let output = people.alice(&[&["recipients", "add"], &words[..]].concat());
        refused(&output, 2, "usage", told);
        assert!(!output.stderr.contains("AGE-SECRET") && !output.stderr.contains("nonsense"), "{output}");
    }
    refused(
        &people.run_as("carol", &["recipients", "add", "carol", carol, "dev"]).output(),
        4,
        "sealed-unreadable",
        "`dev`",
    );
    assert_eq!(files(), before);
    // What was changed by hand: another key under a name that is sealed to, and a name that is gone.
    let config = people.sandbox.read("envctl.toml");
    people.sandbox.file("envctl.toml", config.replace(&people.keys[1], carol));
    let output = people.alice(&["recipients", "add", "bob", carol, "dev"]);
    refused(&output, 2, "usage", "`dev` is sealed to another key of `bob`");
    assert!(output.stderr.contains("`envctl recipients apply dev`"), "{output}");
    people.sandbox.file("envctl.toml", config.replace("bob = ", "robert = "));
    let output = people.alice(&["recipients", "add", "robert", &people.keys[1], "dev"]);
    refused(&output, 2, "usage", "this key can read `dev` already, as `bob`");
    assert_eq!(people.file("dev"), before.0);
}

#[test]
fn removing_somebody_lists_what_they_know() {
    let people = People::with(&["dev", "prod"]);
    let old = people.file("dev");
    let output = people.alice(&["recipients", "remove", "bob", "dev"]);
    output.assert_status(1).assert_stdout("dev A\ndev B\n");
    output.assert_stderr(
        "dev: `bob` cannot read what is sealed from now on\n`bob` still reads: prod\n\
         the 2 secrets above are known to `bob`, and git keeps the old values: give each a new one, here and where it is used\n\
         until then `envctl recipients check` lists them; `--accept-exposure` makes the exit code 0\n",
    );
    let new = people.file("dev");
    assert!(new.contains("generation = 2\n") && new.contains("recipients = [\"alice\"]\n"), "{new}");
    let entries = |text: &str| [lines(text, "A = "), lines(text, "B = ")].concat();
    assert!(entries(&new).iter().all(|line| line.contains("since = 1, ") && !entries(&old).contains(line)), "{new}");
    assert_eq!(people.get("bob", "dev", "A").status, 4);
    people.get("bob", "prod", "A").assert_status(0);
    people.get("alice", "dev", "A").assert_status(0);
    people.alice(&["check", "dev", "--seal"]).assert_status(0);
    // Known until each has a new value.
    for (name, left) in [("A", Some("1 secret of `dev` was not changed")), ("B", None)] {
        people.set("dev", name);
        let check = people.alice(&["recipients", "check", "dev"]);
        check.assert_status(i32::from(left.is_some()));
        assert!(check.stderr.contains(left.unwrap_or("ok: dev")), "{check}");
    }
    let rest = people.alice(&["recipients", "remove", "bob", "--all", "--yes", "--accept-exposure"]);
    rest.assert_status(0).assert_stdout("prod A\nprod B\n");
    assert!(!people.sandbox.read("envctl.toml").contains("bob"));
    refused(&people.alice(&["recipients", "remove", "bob", "--all"]), 2, "usage", "no such recipient");
    let near = people.alice(&["recipients", "remove", "alcie", "--all"]);
    refused(&near, 2, "usage", "did you mean `alice`?");
}

#[test]
fn an_interrupted_removal_is_completed() {
    let people = People::with(&["dev", "prod"]);
    let config = people.sandbox.read("envctl.toml");
    people.alice(&["recipients", "remove", "bob", "--all", "--yes"]).assert_status(1);
    let gone = people.file("prod");
    // As if both files had been written, and the run had ended before it could say so.
    people.sandbox.file("envctl.toml", config);
    let again = people.alice(&["recipients", "remove", "bob", "--all", "--yes"]);
    again.assert_status(1).assert_stdout("dev A\ndev B\nprod A\nprod B\n");
    assert!(again.stderr.contains("known to former readers"), "{again}");
    assert_eq!(people.file("prod"), gone);
    assert!(!people.sandbox.read("envctl.toml").contains("bob"));
}

#[test]
fn what_stops_a_removal_stops_it_before_the_first_write() {
    let people = People::with(&["dev", "prod"]);
    let files = || (people.file("dev"), people.file("prod"), people.sandbox.read("envctl.toml"));
    let before = files();
    refused(&people.alice(&["recipients", "remove", "bob", "--all"]), 2, "usage", "`prod` is protected");
    refused(&people.alice(&["recipients", "remove", "bob"]), 2, "usage", "no environment is named");
    refused(&people.run_as("carol", &["recipients", "remove", "bob", "dev"]).output(), 4, "sealed-unreadable", "`dev`");
    assert_eq!(files(), before);
    people.alice(&["recipients", "remove", "bob", "prod", "--yes"]).assert_status(1);
    let before = files();
    let last = people.alice(&["recipients", "remove", "alice", "--all", "--yes"]);
    refused(&last, 2, "usage", "`alice` is the only one who can read `prod`");
    assert_eq!(files(), before);
    let (start, table) = before.2.split_once("[recipients]\n").unwrap();
    let inline = format!("recipients = {{ {} }}\n{start}", table.trim().replace('\n', ", "));
    people.sandbox.file("envctl.toml", inline);
    let before = files();
    refused(&people.alice(&["recipients", "remove", "bob", "dev"]), 1, "unsupported", "`[recipients]` of envctl.toml");
    assert_eq!(files(), before);
}

#[test]
fn who_inherits_goes_on_reading_the_parent() {
    let people = People::with(&["api", "dev"]);
    let output = people.alice(&["recipients", "remove", "bob", "api", "--accept-exposure"]);
    output.assert_status(1);
    let hint = "`bob` still reads what these inherit: dev\nenvctl recipients remove bob dev\nor --keep-parents if that is meant\n";
    assert!(output.stderr.ends_with(hint), "{output}");
    let again = people.alice(&["recipients", "remove", "bob", "api", "--accept-exposure"]);
    assert!(again.status == 1 && again.stderr.ends_with(hint), "{again}");
    people.alice(&["recipients", "remove", "bob", "api", "--accept-exposure", "--keep-parents"]).assert_status(0);
    let all = people.alice(&["recipients", "remove", "bob", "api", "dev", "--accept-exposure"]);
    assert!(all.status == 0 && !all.stderr.contains("inherit"), "{all}");
}

#[test]
fn who_removes_themselves_is_told() {
    let people = People::with(&["dev"]);
    if there_is("python3", "removing yourself on a terminal") {
        let before = people.file("dev");
        let arguments = ["recipients", "remove", "alice", "dev"];
        let no = people.on_terminal(r#"[["expect", "`alice` is you"], ["send", "n\n"]]"#, &arguments);
        assert!(no.status == 1 && no.stdout.contains("you could not read `dev` any more"), "{no}");
        assert_eq!(people.file("dev"), before);
    }
    let output = people.alice(&["recipients", "remove", "alice", "dev"]);
    assert!(output.status == 1 && output.stderr.contains("you are not among those who can read `dev`"), "{output}");
    assert_eq!(people.get("alice", "dev", "A").status, 4);
    people.get("bob", "dev", "A").assert_status(0);
}

#[test]
fn apply_seals_to_those_declared() {
    let people = People::with(&["dev"]);
    people.alice(&["recipients", "add", "carol", &people.keys[2], "prod", "--yes"]).assert_status(0);
    let apply = |more: &[&str]| people.alice(&[&["recipients", "apply"], more].concat());
    apply(&[]).assert_status(0).assert_stderr("all are sealed to those declared: nothing was written\n");
    people.declare("dev", "[\"alice\", \"carol\"]");
    let before = people.file("dev");
    let check = people.alice(&["recipients", "check"]);
    assert!(check.status == 1 && check.stderr.contains("`carol` is declared and cannot read them"), "{check}");
    let list = people.alice(&["recipients", "list"]);
    assert!(list.stdout.contains("not declared\n") && list.stdout.contains("declared, cannot read\n"), "{list}");
    let refusal = apply(&[]);
    refused(&refusal, 2, "usage", "the readers of `dev` would change");
    assert!(refusal.stderr.contains("add `--recipients alice,carol`"), "{refusal}");
    refused(&apply(&["--recipients", "alice"]), 2, "usage", "names others");
    assert_eq!(people.file("dev"), before);
    let done = apply(&["--recipients", "carol,alice"]);
    done.assert_status(1).assert_stdout("dev A\ndev B\n");
    assert!(
        done.stderr.starts_with("dev: sealed to those declared\nthe 2 secrets above are known to `bob`, "),
        "{done}"
    );
    people.get("carol", "dev", "A").assert_status(0);
    assert_eq!(people.get("bob", "dev", "A").status, 4);
    people.declare("dev", "[\"alice\", \"bob\", \"carol\"]");
    apply(&["--recipients", "alice,bob,carol"]).assert_status(0).assert_stdout("");
    assert!(people.file("dev").contains("generation = 2\n"));
    for (line, code, told) in
        [("[]", "usage", "nobody could read"), ("[\"eve\"]", "unknown-recipient", "no recipient `eve`")]
    {
        people.declare("dev", line);
        assert!(apply(&["--recipients", "eve"]).stderr.contains(&format!("error[{code}]")), "{told}");
        assert!(apply(&[]).stderr.contains(told), "{told}");
    }
    people.declare("dev", "[\"bob\"]");
    let locked = apply(&["--recipients", "bob", "--accept-exposure"]);
    assert!(locked.status == 0 && locked.stderr.contains("you are not among those who can read `dev`"), "{locked}");
}

#[test]
fn another_key_of_somebody_takes_the_old_one_its_right() {
    let people = People::with(&["dev"]);
    let config = people.sandbox.read("envctl.toml");
    people.sandbox.file("envctl.toml", config.replace(&people.keys[1], &people.keys[2]));
    let list = people.alice(&["recipients", "list", "dev"]);
    assert!(list.stdout.contains("another key in envctl.toml\n"), "{list}");
    let output = people.alice(&["recipients", "apply", "--recipients", "alice,bob"]);
    output.assert_status(1).assert_stdout("dev A\ndev B\n");
    assert_eq!(people.get("bob", "dev", "A").status, 4);
    people.get("carol", "dev", "A").assert_status(0);
    if there_is("python3", "apply on a terminal") {
        people.declare("dev", "[\"alice\"]");
        let arguments = ["recipients", "apply", "--accept-exposure"];
        let no = people.on_terminal(r#"[["expect", "Seal to those declared? [y/N]"], ["send", "n\n"]]"#, &arguments);
        assert!(no.status == 1 && no.stdout.contains("`bob` can read them and is not declared"), "{no}");
        assert!(!no.stdout.contains("stale-recipients"), "told twice\n{no}");
        people.on_terminal(r#"[["expect", "declared? [y/N]"], ["send", "y\n"]]"#, &arguments).assert_status(0);
        assert_eq!(people.get("carol", "dev", "A").status, 4);
    }
}

#[test]
fn lists_need_no_key() {
    let people = People::with(&["dev"]);
    people.alice(&["recipients", "add", "carol", &people.keys[2], "prod", "--yes"]).assert_status(0);
    let nobody = |arguments: &[&str]| people.sandbox.run(arguments).output();
    let list = nobody(&["recipients", "list"]);
    let [alice, bob, _] = &people.keys;
    list.assert_stdout(&format!(
        "ENVIRONMENT  NAME   RECIPIENT\ndev          alice  {alice}\ndev          bob    {bob}\n"
    ));
    let prod = nobody(&["recipients", "list", "prod"]);
    assert!(prod.stdout.contains("carol") && prod.stdout.contains("declared, no secrets yet"), "{prod}");
    let json = nobody(&["recipients", "list", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["schema_version"].as_i64(), json["recipients"][1]["name"].as_str()), (Some(1), Some("bob")));
    nobody(&["recipients", "check", "--all"]).assert_status(0);
    refused(&nobody(&["recipients", "list", "nope"]), 2, "usage", "there is no environment");
    let broken = people.file("dev").replace("bob = \"age1", "bob = \"age2");
    people.sandbox.file("environments/dev.toml", broken);
    assert_eq!(nobody(&["recipients", "check"]).status, 6);
}

#[test]
fn rekey_keeps_values_and_readers() {
    let people = People::with(&["dev", "prod"]);
    let values = ["A", "B"].map(|name| people.get("bob", "dev", name).stdout);
    let before = people.file("dev");
    let output = people.alice(&["rekey", "dev"]);
    output.assert_status(0).assert_stdout("");
    assert!(output.stderr.starts_with("dev: new data key, generation 2, fingerprint "), "{output}");
    let after = people.file("dev");
    assert_eq!(lines(&before, "bob = "), lines(&after, "bob = "));
    assert_eq!(values, ["A", "B"].map(|name| people.get("bob", "dev", name).stdout));
    people.alice(&["check", "dev", "--seal"]).assert_status(0);
    refused(&people.alice(&["rekey", "prod"]), 2, "usage", "`prod` is protected");
    refused(&people.alice(&["rekey", "api"]), 2, "usage", "`api` has no secrets");
    refused(&people.alice(&["rekey"]), 2, "usage", "`ENV` is missing");
    refused(&people.run_as("carol", &["rekey", "dev"]).output(), 4, "sealed-unreadable", "none of your identities");
}

#[test]
fn somebody_who_cannot_be_added_leaves_nothing_behind() {
    let people = People::with(&["dev"]);
    let before = people.sandbox.read("envctl.toml");
    // A plugin that this user has not named in the configuration of their own.
    let plugin = "age1counter10uxujaf6sewx3puarefdjs";
    let output = people.alice(&["recipients", "add", "dave", plugin, "dev"]);
    refused(&output, 4, "identity-unusable", "counter");
    assert_eq!(people.sandbox.read("envctl.toml"), before);
}

#[test]
fn environments_without_secrets_are_named_and_left() {
    let people = People::with(&["dev"]);
    people.sandbox.file("environments/prod.toml", "protected = true\nrecipients = [\"alice\"]\n");
    let output = people.alice(&["recipients", "add", "carol", &people.keys[2], "--all"]);
    output.assert_status(0);
    assert!(output.stderr.ends_with("not sealed yet, and not changed: prod\n"), "{output}");
    assert!(!people.file("prod").contains("carol"));
}
