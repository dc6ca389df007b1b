//! A git repository with a project in it, for tests that let git call envctl.

use crate::harness::{Output, Sandbox};

/// Several secrets, so that some can stay as they are.
const SCHEMA: &str = "[variables.LOG_LEVEL]\n[variables.A]\nsecret = true\nrequired = false\n[variables.B]\nsecret = true\nrequired = false\n[variables.C]\nsecret = true\nrequired = false\n[variables.D]\nsecret = true\nrequired = false\n";
const ID: &str = "0123456789abcdef0123456789abcdef";

/// A project in a repository, with an identity for each person.
pub(crate) struct Repository {
    pub(crate) sandbox: Sandbox,
    /// Where the project is, below `project/`.
    folder: String,
}

impl Repository {
    /// A repository whose project is its root: alice and bob can read `dev`, where A and B are set.
    pub(crate) fn new() -> Self {
        Self::below("")
    }

    /// The same with the project in a folder.
    pub(crate) fn below(folder: &str) -> Self {
        let repository = Self { sandbox: Sandbox::new(), folder: folder.to_owned() };
        let program = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_envctl"));
        repository.sandbox.script("envctl", &program);
        repository.git(&["init", "-q", "-b", "main"]);
        let (alice, bob) = (repository.keygen("alice"), repository.keygen("bob"));
        let config = format!(
            "[project]\nname = \"shop\"\nid = \"{ID}\"\ndefault_environment = \"dev\"\n\n[recipients]\nalice = \"{alice}\"\nbob = \"{bob}\"\n"
        );
        repository.file("envctl.toml", &config).file("schemas/app.toml", SCHEMA);
        repository.file(
            "environments/dev.toml",
            "# Development.\nrecipients = [\"alice\", \"bob\"]\n\n[values]\nLOG_LEVEL = \"debug\"\n",
        );
        repository.file(".gitignore", ".envctl/\nenvironments/*.local.toml\n");
        repository.envctl(&["git", "install"]).assert_status(0);
        for name in ["A", "B"] {
            repository.set(name);
        }
        repository.commit("base");
        repository
    }

    pub(crate) fn keygen(&self, name: &str) -> String {
        let file = self.sandbox.path(&format!("home/{name}.txt"));
        let output = self.sandbox.run(&["keygen", "-o", file.to_str().unwrap()]).output();
        output.assert_status(0).stdout.trim().to_owned()
    }

    pub(crate) fn file(&self, path: &str, content: &str) -> &Self {
        self.sandbox.file(&self.path(path), content);
        self
    }

    pub(crate) fn path(&self, path: &str) -> String {
        if self.folder.is_empty() { path.to_owned() } else { format!("{}/{path}", self.folder) }
    }

    pub(crate) fn read(&self) -> String {
        self.sandbox.read(&self.path("environments/dev.toml"))
    }

    /// Git, as alice.
    pub(crate) fn git(&self, arguments: &[&str]) -> Output {
        self.git_as("alice", arguments)
    }

    pub(crate) fn git_as(&self, person: &str, arguments: &[&str]) -> Output {
        let file = self.sandbox.path(&format!("home/{person}.txt"));
        let mut run = self.sandbox.program("git", arguments).env("ENVCTL_IDENTITY_FILE", file);
        for role in ["AUTHOR", "COMMITTER"] {
            run = run.env(format!("GIT_{role}_NAME"), person).env(format!("GIT_{role}_EMAIL"), "mail@example.com");
        }
        run.env("GIT_EDITOR", "true").env("GIT_CONFIG_NOSYSTEM", "1").output()
    }

    /// envctl, as alice.
    pub(crate) fn envctl(&self, arguments: &[&str]) -> Output {
        self.envctl_as("alice", arguments)
    }

    pub(crate) fn envctl_as(&self, person: &str, arguments: &[&str]) -> Output {
        let file = self.sandbox.path(&format!("home/{person}.txt"));
        self.sandbox.run(arguments).dir(&self.path("")).env("ENVCTL_IDENTITY_FILE", file).output()
    }

    /// Sets a secret of `dev` to a new canary.
    pub(crate) fn set(&self, name: &str) -> String {
        self.set_as("alice", name)
    }

    pub(crate) fn set_as(&self, person: &str, name: &str) -> String {
        let value = self.sandbox.canary(name);
        let file = self.sandbox.path(&format!("home/{person}.txt"));
        let arguments = ["set", "dev", name, "--stdin", "--recipients", "alice,bob"];
        let first = !self.read().contains("[seal]");
        let arguments = if first { &arguments[..] } else { &arguments[..4] };
        let run = self.sandbox.run(arguments).dir(&self.path("")).env("ENVCTL_IDENTITY_FILE", file);
        run.stdin(value.clone()).output().assert_status(0);
        value
    }

    /// The value of a secret of `dev`; nothing if there is none.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let file = self.sandbox.path("home/alice.txt");
        let run = self.sandbox.run(&["get", "dev", name]).dir(&self.path("")).env("ENVCTL_IDENTITY_FILE", file);
        let output = run.reveals().output();
        (output.status == 0).then(|| output.stdout.trim_end().to_owned())
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]).assert_status(0);
        self.git(&["commit", "-q", "-m", message]).assert_status(0);
    }

    /// A new branch from a commit, checked out.
    pub(crate) fn branch(&self, name: &str, from: &str) {
        self.git(&["checkout", "-q", "-b", name, from]).assert_status(0);
    }

    pub(crate) fn checkout(&self, name: &str) {
        self.git(&["checkout", "-q", name]).assert_status(0);
    }

    /// Whether the seal of `dev` is true and the file well-formed.
    pub(crate) fn assert_sealed(&self) {
        let text = self.read();
        assert!(!text.contains("<<<<<<<"), "{text}");
        self.envctl(&["git", "check", "--staged"]).assert_status(0);
        let output = self.envctl(&["check", "dev", "--seal"]);
        output.assert_status(0);
    }

    /// Takes the merge driver away, as in a clone that was not set up.
    pub(crate) fn without_driver(&self) {
        self.git(&["config", "--remove-section", "merge.envctl"]).assert_status(0);
    }
}
