//! Two people with different keys: both change `staging` on branches of their own, git merges, one of them leaves.

use std::fmt::Write as _;

use crate::harness::{Output, Sandbox};
use crate::projects::there_is;

const FILE: &str = "environments/staging.toml";

/// What the two type, and what they read; nonces, dates and keys are left out.
struct Transcript {
    sandbox: Sandbox,
    text: String,
}

impl Transcript {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.script("envctl", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_envctl")));
        Self { sandbox, text: String::new() }
    }

    /// A line somebody types, in their own clone and with their own home.
    fn types(&mut self, who: &str, line: &str, stdin: &str) -> Output {
        let home = self.sandbox.path(&format!("home/{who}"));
        let clone = self.sandbox.path(&format!("project/{who}"));
        let place = if clone.exists() { who } else { "" };
        let mut run = self.sandbox.program("sh", &["-c", &format!("exec 2>&1\n{line}")]).dir(place);
        for (name, path) in [("HOME", ""), ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")] {
            run = run.env(name, home.join(path));
        }
        for role in ["AUTHOR", "COMMITTER"] {
            run = run.env(format!("GIT_{role}_NAME"), who).env(format!("GIT_{role}_EMAIL"), "mail@example.com");
        }
        let reveals = line.starts_with("envctl get ");
        let run = run.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_EDITOR", "true").stdin(stdin);
        let output = if reveals { run.reveals().output() } else { run.output() };
        writeln!(self.text, "{who}$ {line}").unwrap();
        // What depends on the machine or on git's version.
        let told =
            output.stdout.lines().filter(|line| !line.contains("OS keyring") && !line.starts_with("Auto-merging"));
        told.for_each(|line| writeln!(self.text, "{line}").unwrap());
        if output.status != 0 {
            writeln!(self.text, "exit code {}", output.status).unwrap();
        }
        output
    }

    /// The same without a place in the transcript, where it is of no interest.
    fn aside(&mut self, who: &str, line: &str) -> Output {
        let length = self.text.len();
        let output = self.types(who, line, "");
        output.assert_status(0);
        self.text.truncate(length);
        output
    }
}

/// A repository, with a clone for each of the two.
fn clones(transcript: &mut Transcript) -> [String; 2] {
    let sandbox = &transcript.sandbox;
    for name in ["alice", "bob"] {
        for folder in [".config", ".local/share"] {
            std::fs::create_dir_all(sandbox.path(&format!("home/{name}/{folder}"))).unwrap();
        }
    }
    let config =
        "[project]\nname = \"shop\"\nid = \"0123456789abcdef0123456789abcdef\"\ndefault_environment = \"staging\"\n";
    let schema =
        ["A", "B", "C", "D"].map(|name| format!("[variables.{name}]\nsecret = true\nrequired = false\n")).concat();
    transcript.aside("alice", "git init -q --bare -b main hub.git && git clone -q hub.git alice 2>&1");
    let sandbox = &transcript.sandbox;
    sandbox.file("alice/envctl.toml", config).file("alice/schemas/app.toml", schema);
    sandbox.file(&format!("alice/{FILE}"), "# Like production, with less in it.\n");
    sandbox.file("alice/.gitignore", ".envctl/\n");
    ["alice", "bob"].map(|name| {
        transcript
            .aside(name, "envctl keygen > /dev/null; envctl keygen --show 2> /dev/null")
            .stdout
            .lines()
            .last()
            .unwrap()
            .to_owned()
    })
}

#[test]
fn both_change_staging_and_one_of_them_leaves() {
    if !there_is("git", "two people") {
        return;
    }
    let mut told = Transcript::new();
    let [alice, bob] = clones(&mut told);
    let values = ["A", "B", "C", "D"].map(|name| told.sandbox.canary(name));
    let sets = |told: &mut Transcript, who: &str, name: &str, value: &str| {
        told.types(who, &format!("envctl set staging {name} --stdin"), value).assert_status(0);
    };

    told.types("alice", &format!("envctl recipients add alice {alice} staging"), "").assert_status(0);
    told.types("alice", &format!("envctl recipients add bob {bob} staging"), "").assert_status(0);
    told.types("alice", "envctl set staging A --stdin --recipients alice,bob", &values[0]).assert_status(0);
    sets(&mut told, "alice", "B", &values[1]);
    told.aside("alice", "envctl git install && git add -A && git commit -q -m start && git push -q origin main");
    told.aside("bob", "git clone -q hub.git bob 2>&1");
    told.aside("bob", "envctl git install");

    told.types("alice", "git checkout -q -b alice", "").assert_status(0);
    let new = told.sandbox.canary("A, new");
    sets(&mut told, "alice", "A", &new);
    sets(&mut told, "alice", "C", &values[2]);
    told.types("alice", "git commit -q -a -m 'A, C' && git push -q origin alice", "").assert_status(0);
    told.types("bob", "git checkout -q -b bob", "").assert_status(0);
    sets(&mut told, "bob", "D", &values[3]);
    told.types("bob", "git commit -q -a -m D && git push -q origin bob", "").assert_status(0);

    told.types("alice", "git checkout -q main && git fetch -q", "").assert_status(0);
    told.types("alice", "git merge -q alice && git merge -q origin/bob -m both", "").assert_status(0);
    told.types("alice", "envctl check staging --seal", "").assert_status(0);
    told.types("alice", "git push -q origin main", "").assert_status(0);
    told.types("bob", "git checkout -q main && git pull -q", "").assert_status(0);
    for (name, value) in [("A", &new), ("B", &values[1]), ("C", &values[2]), ("D", &values[3])] {
        for who in ["alice", "bob"] {
            let output = told.types(who, &format!("envctl get staging {name}"), "");
            assert_eq!(output.stdout, format!("{value}\n"), "{name}, {who}");
        }
    }

    told.types("alice", "envctl recipients remove bob staging", "").assert_status(1);
    told.types("alice", "envctl check staging --seal", "").assert_status(0);
    told.types("alice", "git commit -q -a -m 'bob leaves' && git push -q origin main", "").assert_status(0);
    told.types("bob", "git pull -q", "").assert_status(0);
    told.types("bob", "envctl get staging A", "").assert_status(4);
    let newer = told.sandbox.canary("A, newer");
    sets(&mut told, "alice", "A", &newer);
    told.types("alice", "envctl recipients check staging", "").assert_status(1);
    told.types("alice", "envctl get staging A", "");

    let names = [("ALICE", &alice), ("BOB", &bob), ("OLD-A", &new), ("NEW-A", &newer)];
    let names = names.into_iter().chain(["A", "B", "C", "D"].into_iter().zip(&values));
    let text = names.fold(told.text.clone(), |text, (name, value)| text.replace(value.as_str(), &format!("<{name}>")));
    // The wrapped key is now shorter, now longer.
    let text =
        regex::Regex::new(r"(?m)(staging\.toml:|^)[0-9]+(:| \|)").unwrap().replace_all(&text, "${1}NN$2").into_owned();
    let expected = include_str!("two_people.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/two_people.txt"), &text).unwrap();
        return;
    }
    assert!(text == expected, "tests/cli/two_people.txt says otherwise:\n{text}");
}
