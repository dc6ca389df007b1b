//! A project with sealed secrets, two people and two environments, that can be put back to where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::harness::{Output, Run, Sandbox};
use crate::projects::{CONFIG, variables};

const SCHEMA: &str = "[variables.A]\nsecret = true\nrequired = false\n[variables.B]\nsecret = true\nrequired = false\n\
    [variables.C]\nsecret = true\nrequired = false\n[variables.MODE]\nrequired = false\n\
    [variables.OTHER]\nsecret = true\nrequired = false\n";
/// The environments that are there, in the order in which commands write them.
pub(crate) const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];
/// The directories of a sandbox that commands write to.
const WRITTEN: [&str; 2] = ["project", "home"];

/// The files below the sandbox, with their modes.
pub(crate) type Files = BTreeMap<String, (Vec<u8>, u32)>;

/// What an environment says to those who can open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// What a program would be given.
    pub(crate) variables: BTreeMap<String, Vec<u8>>,
    /// Who can read it.
    pub(crate) recipients: BTreeSet<String>,
}

/// Alice and bob can read `dev` and the protected `prod`; each has the secrets A and B, MODE in clear and OTHER, which is
/// kept on the machine.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    /// The recipients of alice, bob and carol, who is not in the project.
    pub(crate) people: [String; 3],
    /// The secret values by `ENVIRONMENT NAME`.
    pub(crate) values: BTreeMap<String, String>,
    /// What there was at the start.
    start: Files,
}

impl World {
    /// Makes the people, the project and its values.
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.file("envctl.toml", CONFIG).file("schemas/api.toml", SCHEMA).file(".gitignore", ".envctl/\n");
        for (name, head) in [("dev", "# Development.\n"), ("prod", "protected = true\n")] {
            let text = format!("{head}\n[values]\nMODE = \"{name}\" # in clear\nOTHER = {{ backend = \"local\" }}\n");
            sandbox.file(&format!("environments/{name}.toml"), text);
        }
        let people = ["", "bob", "carol"].map(|name| keygen(&sandbox, name));
        let mut world = Self { sandbox, people, values: BTreeMap::new(), start: Files::new() };
        for (name, key) in [("alice", 0), ("bob", 1)] {
            world.done(&["recipients", "add", name, &world.people[key].clone(), "dev", "prod", "--yes"]);
        }
        for environment in ENVIRONMENTS {
            for name in ["A", "B", "OTHER"] {
                world.set(environment, name);
            }
        }
        world.save();
        world
    }

    /// A run that has to succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> Output {
        let output = self.sandbox.run(arguments).output();
        output.assert_status(0);
        output
    }

    /// Gives a variable a new secret value.
    pub(crate) fn set(&mut self, environment: &str, name: &str) {
        let value = self.sandbox.canary(&format!("{environment} {name}"));
        let first = !self.sandbox.read(&format!("environments/{environment}.toml")).contains("[seal]");
        let arguments = ["set", environment, name, "--stdin", "--yes", "--recipients", "alice,bob"];
        let arguments = if first { &arguments[..] } else { &arguments[..5] };
        self.sandbox.run(arguments).stdin(value.clone()).output().assert_status(0);
        self.values.insert(format!("{environment} {name}"), value);
    }

    /// The value a secret has at the start.
    pub(crate) fn value(&self, environment: &str, name: &str) -> &str {
        &self.values[&format!("{environment} {name}")]
    }

    /// A run of `program` if one is given, which is to run envctl with these arguments.
    pub(crate) fn run(&self, under: &[&str], arguments: &[&str]) -> Run<'_> {
        match under {
            [] => self.sandbox.run(arguments),
            [program, options @ ..] => {
                self.sandbox.program(program, &[options, &[crate::projects::ENVCTL], arguments].concat())
            }
        }
    }

    /// The program, to be started several times at once or watched while it runs. What it says is not looked through:
    /// that is for the test to do.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(crate::projects::ENVCTL);
        command.args(arguments).env_clear().current_dir(self.sandbox.path("project"));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.sandbox.path("home"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the program with this on its standard input.
    pub(crate) fn start_with(&self, arguments: &[&str], stdin: &str) -> Child {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child
    }

    /// Remembers what is there as the state to go back to.
    pub(crate) fn save(&mut self) {
        self.start = self.files();
    }

    /// What there was at the start.
    pub(crate) fn start(&self) -> &Files {
        &self.start
    }

    /// What is in the project and at home.
    pub(crate) fn files(&self) -> Files {
        let mut files = Files::new();
        for directory in WRITTEN {
            collect(&self.sandbox.path(""), &self.sandbox.path(directory), &mut files);
        }
        files
    }

    /// Puts everything back to where it was at the start.
    pub(crate) fn restore(&self) {
        self.put(&self.start);
    }

    /// Puts everything to where it was when these files were there.
    pub(crate) fn put(&self, files: &Files) {
        let now = self.files();
        for path in now.keys().filter(|path| !files.contains_key(*path)) {
            fs::remove_file(self.sandbox.path(path)).unwrap();
        }
        for (path, (bytes, mode)) in files {
            if now.get(path) != Some(&(bytes.clone(), *mode)) {
                self.sandbox.place(path, bytes);
                crate::harness::set_mode(&self.sandbox.path(path), *mode);
            }
        }
    }

    /// What an environment says to alice; nothing where its values are refused. Its seal is verified on the way.
    #[track_caller]
    pub(crate) fn meaning(&self, environment: &str) -> Option<Meaning> {
        let shown = self.sandbox.run(&["run", environment, "--clear", "--", "env", "-0"]).reveals().output();
        if shown.status == 125 {
            return None;
        }
        let mut variables = variables(&shown);
        variables.retain(|name, _| ["A", "B", "C", "MODE", "OTHER"].contains(&name.as_str()));
        let listed = self.done(&["recipients", "list", environment, "--format", "json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        let recipients = listed["recipients"].as_array().unwrap();
        let recipients = recipients.iter().map(|one| format!("{} {}", one["name"], one["recipient"])).collect();
        Some(Meaning { variables, recipients })
    }

    /// What all environments say.
    #[track_caller]
    pub(crate) fn meanings(&self) -> Vec<Option<Meaning>> {
        ENVIRONMENTS.iter().map(|environment| self.meaning(environment)).collect()
    }

    /// A number of `[seal]`: `revision`, `generation`.
    pub(crate) fn number(&self, environment: &str, key: &str) -> u64 {
        let text = self.sandbox.read(&format!("environments/{environment}.toml"));
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        value.unwrap().parse().unwrap()
    }
}

/// Makes the identity of somebody, and watches for it; alice's is the one that is found without being named.
fn keygen(sandbox: &Sandbox, name: &str) -> String {
    let file = if name.is_empty() { "home/.config/envctl/identity.txt".into() } else { format!("home/{name}.txt") };
    let path = sandbox.path(&file);
    let output = match name {
        "" => sandbox.run(&["keygen"]).output(),
        _ => sandbox.run(&["keygen", "-o", path.to_str().unwrap()]).output(),
    };
    output.assert_status(0);
    let text = fs::read_to_string(path).unwrap();
    let key = text.lines().find_map(|line| line.strip_prefix("AGE-SECRET-KEY-1")).unwrap();
    sandbox.register(&format!("identity {name}"), key);
    output.stdout.trim().to_owned()
}

fn collect(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().permissions().mode() & 0o7777));
        }
    }
}
