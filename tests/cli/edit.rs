//! `envctl edit` with editors of all kinds: nothing of a secret stays anywhere, and nothing is lost.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::canary::Canary;
use crate::harness::{Output, Sandbox, set_mode};

const SCHEMA: &str = "[variables.DB_PASSWORD]\nsecret = true\nmin_length = 8\n\n[variables.API_KEY]\nsecret = true\nrequired = false\ngenerate = { kind = \"hex\", bytes = 16 }\n\n[variables.OTHER]\nsecret = true\nrequired = false\n\n[variables.PORT]\ntype = \"port\"\ndefault = 80\n";

/// A project with two sealed values, and a directory in memory of its own.
struct Desk {
    sandbox: Sandbox,
    memory: TempDir,
    old: String,
    new: String,
}

/// Whether all programs are there; says which are not.
fn has(programs: &[&str]) -> bool {
    let missing = |name: &&&str| {
        !["/usr/bin", "/bin", "/usr/local/bin"].iter().any(|folder| Path::new(folder).join(name).exists())
    };
    let missing: Vec<_> = programs.iter().filter(missing).collect();
    for name in &missing {
        println!("left out: edit with {name} (not installed)");
    }
    missing.is_empty() && Path::new("/dev/shm").is_dir()
}

impl Desk {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (old, new) = (sandbox.canary("OLD"), sandbox.canary("NEW"));
        let recipient = sandbox.run(&["keygen"]).output().assert_status(0).stdout.trim().to_owned();
        sandbox.file(
            "envctl.toml",
            format!("[project]\nname = \"shop\"\nid = \"8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f\"\n\n[recipients]\nalice = \"{recipient}\"\n"),
        );
        sandbox.file("schemas/api.toml", SCHEMA);
        sandbox.file("environments/dev.toml", "# dev\n[values]\nPORT = 8000 # port\n");
        for name in ["DB_PASSWORD", "OTHER"] {
            let arguments = ["set", "dev", name, "--stdin", "--recipients", "alice"];
            sandbox.run(&arguments).stdin(format!("{old}\n")).output().assert_status(0);
        }
        let memory = tempfile::tempdir_in("/dev/shm").unwrap();
        set_mode(memory.path(), 0o700);
        Self { sandbox, memory, old, new }
    }

    /// Puts an editor into `PATH` that does this to the file `$1`; `OLD` and `NEW` stand for the values.
    fn editor(&self, does: &str) -> &Self {
        let does = does.replace("OLD", &self.old).replace("NEW", &self.new);
        self.sandbox.script("fake", &format!("#!/bin/sh\nset -e\n{does}\n"));
        self
    }

    /// Runs `edit` on a terminal with these steps, and looks whether anything was left behind.
    fn edit(&self, steps: &str, arguments: &[&str]) -> Output {
        self.edit_with("fake", steps, arguments)
    }

    fn edit_with(&self, editor: &str, steps: &str, arguments: &[&str]) -> Output {
        let output = self.raw(editor, steps, arguments);
        let left: Vec<_> = fs::read_dir(self.memory.path()).unwrap().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}\n{output}");
        self.assert_nothing_in_memory();
        output
    }

    fn raw(&self, editor: &str, steps: &str, arguments: &[&str]) -> Output {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");
        let edit = [driver, steps, env!("CARGO_BIN_EXE_envctl"), "edit"];
        let run = self.sandbox.program("python3", &[&edit, arguments].concat());
        let run = run.env("EDITOR", editor).env("XDG_RUNTIME_DIR", self.memory.path()).env("TERM", "xterm");
        run.output()
    }

    fn assert_nothing_in_memory(&self) {
        let canaries = [Canary::new("OLD", &self.old), Canary::new("NEW", &self.new)];
        let mut queue = vec![Path::new("/dev/shm").to_owned()];
        while let Some(folder) = queue.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() && !path.is_symlink() {
                    queue.push(path);
                } else if path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() < 1 << 20) {
                    let bytes = fs::read(&path).unwrap_or_default();
                    let found = canaries.iter().flat_map(|canary| canary.find(&bytes)).next();
                    assert_eq!(found, None, "{}", path.display());
                }
            }
        }
    }

    fn file(&self) -> String {
        self.sandbox.read("environments/dev.toml")
    }

    fn value(&self, name: &str) -> String {
        self.sandbox.run(&["get", "dev", name]).reveals().output().stdout.trim_end().to_owned()
    }

    /// An edit after which nothing is different.
    #[track_caller]
    fn assert_nothing_written(&self, does: &str, status: i32, told: &str) {
        let before = self.file();
        let output = self.editor(does).edit("[]", &["dev"]);
        output.assert_status(status);
        assert!(output.stdout.contains(told), "{told}\n{output}");
        assert_eq!(self.file(), before);
    }
}

/// The lines that differ, as `-old` and `+new`.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("-{line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+{line}"));
    gone.chain(new).map(|line| line.split([' ', '=']).next().unwrap().to_owned()).collect()
}

#[test]
fn a_change_is_sealed_and_other_lines_stay() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let before = desk.file();
    let output = desk.editor("sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"NEW\" # new/' \"$1\"").edit("[]", &["dev"]);
    output.assert_status(0);
    assert!(output.stdout.contains("wrote environments/dev.toml: changed `DB_PASSWORD`"), "{output}");
    assert_eq!(
        difference(&before, &desk.file()),
        ["-DB_PASSWORD", "-revision", "-mac", "+DB_PASSWORD", "+revision", "+mac"]
    );
    assert!(desk.file().contains("} # new\n"));
    assert_eq!((desk.value("DB_PASSWORD"), desk.value("OTHER")), (desk.new.clone(), desk.old.clone()));
    // What is shown has the values and not the seal.
    let seen = "cp \"$1\" \"$HOME/seen\"; ! grep -q -e enc -e seal] \"$1\"; grep -q 'OTHER = \"OLD\"' \"$1\"; rm \"$HOME/seen\"";
    desk.assert_nothing_written(seen, 0, "nothing changed");
}

#[test]
fn editors_that_fail() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let change = "sed -i 's/OLD/NEW/' \"$1\";";
    desk.assert_nothing_written(&format!("{change} exit 1"), 1, "status 1");
    desk.assert_nothing_written(&format!("{change} kill -9 $$"), 5, "signal 9");
    desk.assert_nothing_written("true", 0, "nothing changed");
    desk.assert_nothing_written("(sleep 1; echo 'OLD' >> \"$1\") > /dev/null 2>&1 &", 0, "nothing changed");
    desk.assert_nothing_written(": > \"$1\"", 1, "empty");
    desk.assert_nothing_written("rm \"$1\"", 5, "left no file");
    desk.assert_nothing_written("rm \"$1\"; mkfifo \"$1\"", 5, "left no file");
    desk.assert_nothing_written(
        "mv \"$1\" \"$1.real\"; sed -i 's/OLD/NEW/' \"$1.real\"; ln -s \"$1.real\" \"$1\"",
        5,
        "left no file",
    );
    desk.assert_nothing_written("head -c 21000000 /dev/zero | tr '\\0' x > \"$1\"", 5, "larger than 20 MiB");
    let output = desk.edit_with("no-such-editor", "[]", &["dev"]);
    assert!(output.status == 2 && output.stdout.contains("$EDITOR"), "{output}");
}

#[test]
fn editors_that_leave_things_behind() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let leave = "d=$(dirname \"$1\"); cp \"$1\" \"$1~\"; cp \"$1\" \"$d/.dev.toml.swp\"; cp \"$1\" \"$d/4913\"; mkdir \"$d/x\"; cp \"$1\" \"$d/x/#dev#\"; [ \"$(stat -c %a \"$d\" \"$1\" | tr '\\n' ' ')\" = '700 600 ' ]; case \"$1\" in */dev.toml) ;; *) exit 1; esac";
    desk.assert_nothing_written(leave, 0, "nothing changed");
    // In the place of the file, by a new one.
    let output = desk.editor("sed 's/OLD/NEW/' \"$1\" > \"$1.new\"; mv \"$1.new\" \"$1\"").edit("[]", &["dev"]);
    output.assert_status(0);
    assert_eq!(desk.value("DB_PASSWORD"), desk.new);
}

#[test]
fn signals_while_the_editor_is_open() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    desk.assert_nothing_written("kill -TERM $PPID; sleep 60 > /dev/null 2>&1", 143, "signal 15");
    desk.assert_nothing_written("trap '' TERM; kill -HUP $PPID; sleep 60 > /dev/null 2>&1", 129, "signal 1");
    let change = "kill -INT $PPID; kill -QUIT $PPID; (sleep 0.3; kill -CONT $$) > /dev/null & kill -STOP $$; sed -i 's/OLD/NEW/' \"$1\"";
    desk.editor(change).edit("[]", &["dev"]).assert_status(0);
    assert_eq!(desk.value("DB_PASSWORD"), desk.new);
    // Killed for good, it leaves the file in memory, and the next one removes it.
    let output = desk.editor("kill -9 $PPID; sleep 0.2").raw("fake", "[]", &["dev"]);
    output.assert_status(137);
    assert_eq!(fs::read_dir(desk.memory.path()).unwrap().count(), 1);
    desk.assert_nothing_written("true", 0, "nothing changed");
}

#[test]
fn problems_open_the_editor_again() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    // Broken at first, too short then, right at last; each time the text is the one that was left.
    let does = "n=$(cat \"$HOME/n\" 2>/dev/null || echo 0); echo $((n+1)) > \"$HOME/n\"
case $n in
0) sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"NEW/' \"$1\";;
1) line=$(sed -n 's/^#:.*line \\([0-9]*\\), column [0-9]*: toml-syntax$/\\1/p' \"$1\" | head -1)
   sed -n \"${line}p\" \"$1\" | grep -q '^DB_PASSWORD'
   sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"short\"/' \"$1\";;
*) line=$(sed -n 's/^#:.*line \\([0-9]*\\), column 15: value-length$/\\1/p' \"$1\")
   sed -n \"${line}p\" \"$1\" | grep -q '^DB_PASSWORD'
   ! grep -q toml-syntax \"$1\"
   sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"NEW\"/' \"$1\";;
esac";
    let steps = r#"[["expect", "Edit again"], ["send", "\n"], ["expect", "Edit again"], ["send", "e\n"]]"#;
    let output = desk.editor(does).edit(steps, &["dev"]);
    output.assert_status(0);
    assert!(output.stdout.contains("[toml-syntax]") && output.stdout.contains("[value-length]"), "{output}");
    assert_eq!(desk.value("DB_PASSWORD"), desk.new);
    assert!(!desk.file().contains("#:"), "{}", desk.file());
    let before = desk.file();
    let discard = r#"[["expect", "Edit again"], ["send", "d\n"]]"#;
    for (does, code) in [
        ("echo 'NOT_DECLARED = \"x\"' >> \"$1\"", "unknown-variable"),
        ("sed -i 's/8000/99999/' \"$1\"", "type-mismatch"),
        ("sed -i 's/^PORT/OTHER = \"NEWER-THAN-ALL\"\\nPORT/' \"$1\"", "sealed-structure"),
        ("echo '[seal]' >> \"$1\"", "sealed-structure"),
        ("echo 'PORT = { generate = true }' >> \"$1\"", "missing-key"),
    ] {
        let output = desk.editor(does).edit(discard, &["dev"]);
        output.assert_status(1);
        assert!(output.stdout.contains(&format!("[{code}]")) && output.stdout.contains("discarded"), "{output}");
        assert!(!output.stdout.contains("NOT_DECLARED"), "{output}");
        assert_eq!(desk.file(), before);
    }
}

#[test]
fn moves_names_and_generated_values() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let entry =
        |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    desk.editor("sed -i 's/^OTHER = /API_KEY = /' \"$1\"").edit("[]", &["dev"]).assert_status(0);
    assert_eq!((desk.value("API_KEY"), entry(&desk.file(), "OTHER")), (desk.old.clone(), String::new()));
    let output = desk.editor("sed -i 's/^API_KEY = .*/API_KEY = { generate = true }/' \"$1\"").edit("[]", &["dev"]);
    assert!(output.stdout.contains("generated `API_KEY`"), "{output}");
    assert_eq!(desk.value("API_KEY").len(), 32);
    desk.editor("sed -i '/^API_KEY/d' \"$1\"").edit("[]", &["dev"]).assert_status(0);
    assert_eq!(entry(&desk.file(), "API_KEY"), "");
    // To clear and back: a question, then a warning.
    let to_clear = "grep -v '^DB_PASSWORD' \"$1\" > \"$1.new\"; mv \"$1.new\" \"$1\"; sed -i 's/^PORT.*/DB_PASSWORD = \"NEW\"/' \"$1\"";
    let output = desk.editor(to_clear).edit(r#"[["expect", "Edit again"], ["send", "d\n"]]"#, &["dev"]);
    assert!(output.status == 1 && output.stdout.contains("[secret-in-clear]"), "{output}");
    let output = desk.editor("sed -i '/^PORT/d' \"$1\"; echo 'PORT = \"8001\"' >> \"$1\"").edit("[]", &["dev"]);
    output.assert_status(0);
    assert!(output.stdout.contains("warning[secret-in-clear]"), "{output}");
    assert_eq!(desk.value("PORT"), "8001");
    let back = "sed -i '/^PORT/d' \"$1\"; sed -i 's/^.values.$/[values]\\nPORT = 8002/' \"$1\"";
    let output = desk.editor(back).edit(
        r#"[["expect", "Do that? [y/N]"], ["send", "n\n"], ["expect", "Edit again"], ["send", "d\n"]]"#,
        &["dev"],
    );
    output.assert_status(1);
    assert_eq!(desk.value("PORT"), "8001");
    desk.editor(back).edit(r#"[["expect", "Do that? [y/N]"], ["send", "y\n"]]"#, &["dev"]).assert_status(0);
    assert_eq!(desk.value("PORT"), "8002");
}

#[test]
fn others_are_not_overwritten() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let envctl = env!("CARGO_BIN_EXE_envctl");
    let envctl = format!("{envctl}' --project '{}", desk.sandbox.path("project").display());
    let meanwhile =
        |name: &str| format!("echo 'meanwhile-{name}' | '{envctl}' set dev {name} --stdin > /dev/null 2>&1");
    let does = format!(
        "{}; {}; sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"NEW\"/; s/8000/8001/' \"$1\"",
        meanwhile("OTHER"),
        meanwhile("API_KEY")
    );
    desk.editor(&does).edit("[]", &["dev"]).assert_status(0);
    let values = ["DB_PASSWORD", "OTHER", "API_KEY", "PORT"].map(|name| desk.value(name));
    assert_eq!(values, [desk.new.as_str(), "meanwhile-OTHER", "meanwhile-API_KEY", "8001"]);
    desk.sandbox.run(&["check", "dev"]).output().assert_status(0);
    // The same entry, and the same line of cleartext.
    for (does, kept) in [
        (format!("{}; sed -i 's/NEW/OLD/' \"$1\"", meanwhile("DB_PASSWORD")), "DB_PASSWORD"),
        (format!("{}; sed -i '/^OTHER/d' \"$1\"", meanwhile("OTHER").replace("meanwhile-", "later-")), "OTHER"),
    ] {
        let output = desk.editor(&does).edit("[]", &["dev"]);
        output.assert_status(1);
        assert!(output.stdout.contains("[changed-meanwhile]"), "{output}");
        assert!(desk.value(kept).ends_with(kept), "{output}");
    }
    let port = format!("sed -i 's/8001/8002/' \"$1\"; echo 8003 | '{envctl}' set dev PORT --stdin > /dev/null 2>&1");
    let output = desk.editor(&port).edit("[]", &["dev"]);
    assert!(output.status == 1 && output.stdout.contains("[changed-meanwhile]"), "{output}");
    assert_eq!(desk.value("PORT"), "8003");
}

/// An environment is filled one by one, and what was wrong before is no obstacle.
#[test]
fn old_problems_do_not_stop_an_edit() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    let text = desk
        .file()
        .replace("PORT = 8000", "PORT = 99999\nGONE = 1")
        .replace("[values]", "recipients = [\"nobody\"]\n[values]");
    desk.sandbox.file("environments/dev.toml", text.replacen("recipients = [\"alice\"]\n", "", 1));
    desk.sandbox.file("schemas/api.toml", format!("{SCHEMA}\n[variables.MISSING]\n"));
    let output = desk.editor("sed -i 's/^DB_PASSWORD = .*/DB_PASSWORD = \"NEW\"/' \"$1\"").edit("[]", &["dev"]);
    output.assert_status(0);
    for code in ["unknown-recipient", "unknown-variable", "type-mismatch", "missing-value"] {
        assert!(output.stdout.contains(&format!("warning[{code}]")), "{code}\n{output}");
    }
    assert!(!output.stdout.contains("error["), "{output}");
    // The entry that is wrong cannot be changed to another wrong one.
    let discard = r#"[["expect", "Edit again"], ["send", "d\n"]]"#;
    let output = desk.editor("sed -i 's/99999/99998/' \"$1\"").edit(discard, &["dev"]);
    assert!(output.status == 1 && output.stdout.contains("error[type-mismatch]"), "{output}");
}

#[test]
fn protected_environments_and_first_seals() {
    if !has(&["python3"]) {
        return;
    }
    let desk = Desk::new();
    desk.sandbox.file("environments/prod.toml", "protected = true\n");
    let add = "printf '\\n[secrets]\\nDB_PASSWORD = \"NEW\"\\n' >> \"$1\"";
    desk.editor(add);
    let no = desk.edit(r#"[["expect", "protected"], ["send", "n\n"]]"#, &["prod"]);
    assert!(no.status == 1 && desk.sandbox.read("environments/prod.toml") == "protected = true\n", "{no}");
    let steps = r#"[["expect", "protected"], ["send", "y\n"], ["expect", "Seal to these?"], ["send", "y\n"]]"#;
    desk.edit(steps, &["prod"]).assert_status(0);
    let text = desk.sandbox.read("environments/prod.toml");
    assert!(text.contains("\nDB_PASSWORD = { enc = ") && text.contains("recipients = [\"alice\"]"), "{text}");
    assert_eq!(desk.sandbox.run(&["get", "prod", "DB_PASSWORD"]).reveals().output().stdout, format!("{}\n", desk.new));
    // The seal follows the line at the top.
    desk.editor("sed -i '/^protected/d' \"$1\"");
    desk.edit(r#"[["expect", "no longer be protected"], ["send", "y\n"]]"#, &["prod", "--yes"]).assert_status(0);
    assert!(desk.sandbox.read("environments/prod.toml").contains("\nprotected = false\n"));
    desk.sandbox.run(&["get", "prod", "DB_PASSWORD"]).reveals().output().assert_status(0);
}

#[test]
fn the_editor_gets_nothing_of_ours_and_needs_a_terminal() {
    let desk = Desk::new();
    let output = desk.sandbox.run(&["edit", "dev"]).env("EDITOR", "true").output();
    assert!(output.status == 2 && output.stderr.contains("--stdin"), "{output}");
    if !has(&["python3"]) {
        return;
    }
    let key = fs::read_to_string(desk.sandbox.path("home/.config/envctl/identity.txt")).unwrap();
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap().to_owned();
    desk.editor("env > \"$HOME/environment\"; pwd > \"$HOME/where\"");
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");
    let run = desk.sandbox.program("python3", &[driver, "[]", env!("CARGO_BIN_EXE_envctl"), "edit", "dev"]);
    let run = run.env("EDITOR", "fake").env("XDG_RUNTIME_DIR", desk.memory.path()).env("ENVCTL_IDENTITY", &key);
    run.env("ENVCTL_ENVIRONMENT", "dev").output().assert_status(0);
    let environment = fs::read_to_string(desk.sandbox.path("home/environment")).unwrap();
    assert!(environment.contains("EDITOR=fake") && !environment.contains("ENVCTL_") && !environment.contains(&key));
    let place = fs::read_to_string(desk.sandbox.path("home/where")).unwrap();
    assert!(place.starts_with(desk.memory.path().to_str().unwrap()), "{place}");
}

/// Real editors with everything switched on that keeps copies.
mod real {
    use super::{Desk, has};

    /// A desk whose home holds these files, and the steps for a screen that shows the values.
    fn desk(program: &str, home: &[(&str, &str)]) -> Option<Desk> {
        if !has(&["python3", program]) {
            return None;
        }
        let desk = Desk::new();
        for folder in ["backup", "swap", "undo", "auto"] {
            std::fs::create_dir_all(desk.sandbox.path("home").join(folder)).unwrap();
        }
        for (path, text) in home {
            desk.sandbox.place(&format!("home/{path}"), text);
        }
        Some(desk)
    }

    fn steps(desk: &Desk, first: &str, keys: &str) -> String {
        let steps = format!("[[\"blind\"], [\"expect\", \"{first}\"], {keys}]");
        steps.replace("OLD", &desk.old).replace("NEW", &desk.new)
    }

    fn edits(editor: &str, program: &str, home: &[(&str, &str)], keys: &str) {
        let Some(desk) = desk(program, home) else { return };
        if !home.is_empty() {
            keeps_copies_by_itself(&desk, editor, keys);
        }
        desk.edit_with(editor, &steps(&desk, "Environment", keys), &["dev"]).assert_status(0);
        assert_eq!(desk.value("DB_PASSWORD"), desk.new, "{editor}");
        let backup = desk.sandbox.path("home/backup");
        assert_eq!(std::fs::read_dir(&backup).unwrap().count(), 0, "{editor}");
    }

    /// With these settings the editor alone does leave something behind.
    fn keeps_copies_by_itself(desk: &Desk, editor: &str, keys: &str) {
        let plain = desk.sandbox.path("home/plain.toml");
        desk.sandbox.place("home/plain.toml", format!("# Environment\nDB_PASSWORD = \"{}\"\n", desk.old));
        let command: Vec<&str> = editor.split(' ').chain([plain.to_str().unwrap()]).collect();
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");
        let run =
            desk.sandbox.program("python3", &[&[driver, &steps(desk, "Environment", keys)], &command[..]].concat());
        run.env("TERM", "xterm").reveals().output().assert_status(0);
        let backup = desk.sandbox.path("home/backup");
        assert!(std::fs::read_dir(&backup).unwrap().count() > 0, "{editor}");
        for folder in ["backup", "swap", "undo", "auto"] {
            let folder = desk.sandbox.path("home").join(folder);
            std::fs::remove_dir_all(&folder).unwrap();
            std::fs::create_dir(&folder).unwrap();
        }
    }

    /// Killed with a change that was not saved.
    fn dies(editor: &str, program: &str, home: &[(&str, &str)], keys: &str) {
        let Some(desk) = desk(program, home) else { return };
        let before = desk.file();
        desk.edit_with(editor, &steps(&desk, "Environment", keys), &["dev"]).assert_status(5);
        assert_eq!(desk.file(), before);
    }

    const VIM: &str = "set backup writebackup undofile\nset backupskip= backupdir=~/backup directory=~/swap undodir=~/undo\nset history=100\n";
    const SUBSTITUTE: &str = r#"["send", ":%s/^DB_PASSWORD.*/DB_PASSWORD = \"NEW\"\r"], ["send", ":w\r:wq\r"]"#;

    const DIE: &str =
        r#"["send", ":%s/^DB_PASSWORD.*/DB_PASSWORD = \"NEW\"\r"], ["send", ":call system('kill -9 '.getpid())\r"]"#;

    #[test]
    fn vim() {
        let viminfo = format!("{VIM}set viminfo='100,<1000,s100\n");
        edits("vim", "vim", &[(".vimrc", &viminfo)], SUBSTITUTE);
        dies("vim", "vim", &[(".vimrc", &viminfo)], DIE);
    }

    #[test]
    fn neovim() {
        let shada = format!("{VIM}set shada='100,<1000,s100\n");
        edits("nvim", "nvim", &[(".config/nvim/init.vim", &shada)], SUBSTITUTE);
        dies("nvim", "nvim", &[(".config/nvim/init.vim", &shada)], DIE);
    }

    #[test]
    fn nano() {
        // It takes its configuration from the home of the user database where root starts it: there is nothing to compare.
        let keys = r#"["send", "\u0017DB_PASSWORD\r\u000bDB_PASSWORD = \"NEW\"\r"], ["send", "\u000f\r"], ["expect", "Wrote"], ["send", "\u0018"]"#;
        edits("nano --backup", "nano", &[], keys);
    }

    #[test]
    fn emacs() {
        let init = "(setq backup-enable-predicate (lambda (_) t) make-backup-files t backup-directory-alist '((\".\" . \"~/backup\")) auto-save-default t auto-save-interval 1 create-lockfiles t auto-save-list-file-prefix \"~/auto/\")\n(savehist-mode 1)\n";
        let keys = r#"["send", "\u0013DB_PASSWORD\r\u0001\u000b"], ["send", "DB_PASSWORD = \"NEW\""], ["send", "\u0018\u0013"], ["expect", "Wrote"], ["send", "\u0018\u0003"]"#;
        edits("emacs -nw", "emacs", &[(".emacs", init)], keys);
    }
}
