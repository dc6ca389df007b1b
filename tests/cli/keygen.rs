//! `envctl keygen`: where the identity goes, what is printed of it, and that nothing is ever replaced.

use std::fs;

use crate::canary::PREFIX;
use crate::harness::{Output, Sandbox, set_mode};
use crate::projects::{ENVCTL, there_is};

const FILE: &str = "home/.config/envctl/identity.txt";
/// Types answers into a terminal.
const PTY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/terminal.py");

/// The one line of standard output, which has to be a recipient.
#[track_caller]
pub(crate) fn recipient(output: &Output) -> String {
    output.assert_status(0);
    let line = output.stdout.strip_suffix('\n').unwrap();
    assert!(line.starts_with("age1") && line.len() == 62 && !line.contains('\n'), "{output}");
    line.to_owned()
}

fn mode(sandbox: &Sandbox, below: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(sandbox.path(below)).unwrap().permissions().mode() & 0o7777
}

/// From here on the sandbox looks for the key that stands in a file.
fn watch(sandbox: &Sandbox, below: &str) {
    let text = fs::read_to_string(sandbox.path(below)).unwrap();
    let key = text.lines().find_map(|line| line.strip_prefix("AGE-SECRET-KEY-1")).unwrap();
    sandbox.register("identity", key);
}

#[test]
fn makes_a_private_file_once() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["keygen"]).output();
    let made = recipient(&output);
    output.assert_stderr(
        "the identity is in [ROOT]/home/.config/envctl/identity.txt; what is printed is its recipient\n\
         keep a copy of it in a safe place: what is sealed for it alone is lost with it\n",
    );
    watch(&sandbox, FILE);
    assert_eq!((mode(&sandbox, FILE), mode(&sandbox, "home/.config/envctl")), (0o600, 0o700));
    let text = fs::read_to_string(sandbox.path(FILE)).unwrap();
    assert!(text.starts_with("# created: 2") && text.contains(&format!("# public key: {made}\nAGE-SECRET-KEY-1")));

    let again = sandbox.run(&["keygen"]).output();
    again.assert_status(5).assert_stdout("");
    assert!(again.stderr.contains("never replaced") && again.stderr.contains("keygen --show"), "{again}");
    assert_eq!(fs::read_to_string(sandbox.path(FILE)).unwrap(), text);
    let shown = sandbox.run(&["keygen", "--show"]).output();
    shown.assert_stderr(
        "of identity file [ROOT]/home/.config/envctl/identity.txt\n".replace("[ROOT]/home", "~").as_str(),
    );
    assert_eq!(recipient(&shown), made);
    assert_eq!(sandbox.run(&["keygen", "--show", "-q"]).output().stderr, "");
}

#[test]
fn writes_where_it_is_told_and_follows_no_link() {
    let sandbox = Sandbox::new();
    let made = recipient(&sandbox.run(&["keygen", "-o", "key.txt"]).output());
    watch(&sandbox, "project/key.txt");
    assert_eq!(mode(&sandbox, "project/key.txt"), 0o600);
    assert!(!sandbox.path(FILE).exists());
    for arguments in [&["keygen", "--show", "-o", "key.txt"][..], &["keygen", "--show", "--identity", "key.txt"]] {
        assert_eq!(recipient(&sandbox.run(arguments).output()), made);
    }
    let shown = sandbox.run(&["keygen", "--show"]).env("ENVCTL_IDENTITY_FILE", "key.txt").output();
    assert_eq!(recipient(&shown), made);
    std::os::unix::fs::symlink("nowhere", sandbox.path("project/link")).unwrap();
    for taken in ["link", "key.txt", "."] {
        sandbox.run(&["keygen", "-o", taken]).output().assert_status(5).assert_stdout("");
    }
    assert!(!sandbox.path("project/nowhere").exists());
    let missing = sandbox.run(&["keygen", "-o", "no/key.txt"]).output();
    missing.assert_status(5).assert_stderr("error[io]: no/key.txt cannot be written: its directory does not exist\n");
}

#[test]
fn without_a_home_it_says_so() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["keygen"]).env("HOME", "").env("XDG_CONFIG_HOME", "relative");
    let output = run.output();
    output.assert_status(5).assert_stdout("");
    assert!(output.stderr.contains("HOME"), "{output}");
}

#[test]
fn shows_the_recipient_of_what_was_made_elsewhere() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.run(&["keygen", "--show"]).output();
    nothing.assert_status(4).assert_stdout("");
    assert!(nothing.stderr.contains("there is no identity\n") && nothing.stderr.contains("envctl keygen"), "{nothing}");

    if !there_is("ssh-keygen", "shows_the_recipient_of_what_was_made_elsewhere") {
        return;
    }
    let made = ["-q", "-t", "ed25519", "-C", "alice@example.com", "-N", "open sesame", "-f", "../home/.ssh/id_ed25519"];
    fs::create_dir(sandbox.path("home/.ssh")).unwrap();
    sandbox.program("ssh-keygen", &made).output().assert_status(0);
    let public = fs::read_to_string(sandbox.path("home/.ssh/id_ed25519.pub")).unwrap();
    let public = public.strip_suffix(" alice@example.com\n").unwrap();
    // The public half of a protected key is known without its passphrase.
    let shown = sandbox.run(&["keygen", "--show"]).output();
    shown.assert_status(0).assert_stdout(&format!("{public}\n")).assert_stderr("of SSH key ~/.ssh/id_ed25519\n");
}

#[test]
fn an_identity_that_cannot_be_used_is_not_quoted() {
    let sandbox = Sandbox::new();
    let canary = sandbox.canary("identity");
    for text in
        [canary.clone(), format!("AGE-SECRET-KEY-1{canary}"), format!("# x\n{canary}\n"), format!("age1{canary}")]
    {
        let output = sandbox.run(&["keygen", "--show"]).env("ENVCTL_IDENTITY", &text).output();
        output.assert_status(4).assert_stdout("");
        assert!(output.stderr.contains("[identity-unusable]") && !output.stderr.contains(PREFIX), "{output}");
    }
    sandbox.place(FILE, "");
    set_mode(&sandbox.path(FILE), 0o644);
    let output = sandbox.run(&["keygen", "--show"]).output();
    output.assert_status(4);
    assert!(output.stderr.contains("help: chmod 600 ~/.config/envctl/identity.txt"), "{output}");
}

/// Runs envctl on a terminal; every `question=answer` has to be asked.
fn on_terminal(sandbox: &Sandbox, questions: &[&str], arguments: &[&str]) -> Output {
    let all = [&[PTY][..], questions, &["--", ENVCTL], arguments].concat();
    sandbox.program("python3", &all).output()
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal() {
    if !there_is("python3", "a_passphrase_is_asked_for_on_the_terminal") {
        return;
    }
    let sandbox = Sandbox::new();
    let passphrase = sandbox.canary("passphrase");
    let (first, again) = (format!("new identity: ={passphrase}"), format!("the same again: ={passphrase}"));
    let differs = on_terminal(&sandbox, &[&first, "the same again: =other"], &["keygen", "--passphrase"]);
    differs.assert_status(2);
    assert!(!sandbox.path(FILE).exists(), "{differs}");
    on_terminal(&sandbox, &["new identity: ="], &["keygen", "--passphrase"]).assert_status(2);

    let made = on_terminal(&sandbox, &[&first, &again], &["keygen", "--passphrase"]);
    made.assert_status(0);
    let recipient = made.stdout.lines().map(str::trim).find(|line| line.starts_with("age1")).unwrap();
    let text = fs::read_to_string(sandbox.path(FILE)).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && mode(&sandbox, FILE) == 0o600);

    let question = format!("passphrase of identity file ~/.config/envctl/identity.txt: ={passphrase}");
    let shown = on_terminal(&sandbox, &[&question], &["keygen", "--show"]);
    shown.assert_status(0);
    assert!(shown.stdout.lines().any(|line| line.trim() == recipient), "{shown}");
}

#[test]
fn ctrl_c_leaves_the_terminal_as_it_was() {
    if !there_is("python3", "ctrl_c_leaves_the_terminal_as_it_was") {
        return;
    }
    let sandbox = Sandbox::new();
    let script = format!("{ENVCTL} keygen --passphrase; echo status $?; stty -a");
    let output = sandbox.program("python3", &[PTY, "new identity: =abc\u{3}", "--", "sh", "-c", &script]).output();
    assert!(output.stdout.contains("status 130"), "{output}");
    let modes: Vec<_> = output.stdout.split_whitespace().collect();
    assert!(["isig", "icanon", "echo"].iter().all(|mode| modes.contains(mode)), "{output}");
    assert!(!output.stdout.contains("abc") && !sandbox.path(FILE).exists(), "{output}");
}

#[test]
fn nobody_is_asked_without_a_terminal_or_in_ci() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["keygen", "--passphrase"]).output();
    output
        .assert_status(2)
        .assert_stderr("error[usage]: `--passphrase` asks for it, and there is no terminal to ask on\n");
    if there_is("python3", "nobody_is_asked_without_a_terminal_or_in_ci") {
        let all = [PTY, "--", "env", "CI=true", ENVCTL, "keygen", "--passphrase"];
        let output = sandbox.program("python3", &all).output();
        output.assert_status(2);
        assert!(output.stdout.contains("no terminal to ask on"), "{output}");
    }
    assert!(!sandbox.path(FILE).exists());
}

/// Runs a script in a session with a bus of its own; `keyring` starts and unlocks a real keyring first.
fn in_session(sandbox: &Sandbox, keyring: bool, script: &str) -> Output {
    let unlock = "printf x | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1\n";
    let script = format!("exec 2>&1\n{}{}", if keyring { unlock } else { "" }, script.replace("envctl", ENVCTL));
    sandbox.program("dbus-run-session", &["--", "sh", "-c", &script]).output()
}

fn there_is_a_keyring(test: &str) -> bool {
    there_is("dbus-run-session", test) && there_is("gnome-keyring-daemon", test)
}

#[test]
fn the_keyring_keeps_an_identity() {
    if !there_is_a_keyring("the_keyring_keeps_an_identity") {
        return;
    }
    let sandbox = Sandbox::new();
    let script = "envctl -q keygen --keyring; envctl keygen --keyring --show; envctl keygen --show; envctl keygen --keyring; echo $?";
    let output = in_session(&sandbox, true, script);
    let lines: Vec<_> = output.stdout.lines().collect();
    assert!(lines.len() >= 6 && lines[0].starts_with("age1"), "{output}");
    assert_eq!(lines[1..5], [lines[0], "of OS keyring", lines[0], "of OS keyring"], "{output}");
    assert!(lines[5].contains("there is an identity already") && output.stdout.ends_with("\n5\n"), "{output}");
    assert!(!sandbox.path(FILE).exists());
}

#[test]
fn without_a_keyring_it_says_which_kind_of_none() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["keygen", "--keyring"]).output();
    output.assert_status(5).assert_stdout("");
    assert!(output.stderr.contains("this session has no keyring"), "{output}");
    if !there_is_a_keyring("without_a_keyring_it_says_which_kind_of_none") {
        return;
    }
    let output = in_session(&sandbox, false, "envctl keygen --keyring; echo $?; envctl keygen --show; echo $?");
    assert!(output.stdout.contains("cannot keep the identity") && output.stdout.contains("\n5\n"), "{output}");
    assert!(output.stdout.contains("no identity there") && output.stdout.ends_with("\n4\n"), "{output}");
}
