//! Identities from every kind of place, with a person and a keyring that are scripted.

use std::path::Path;
use std::sync::Arc;

use super::file::{Content, Flaw, parse};
use super::testing::{Holds, Home, Script};
use super::{Ask, Identities, OpenProblem, PluginProblem, Plugins, WrapError, generate, protect, wrap};
use crate::diagnostic::Code;
use crate::process::EnvSnapshot;
use crate::recipient::RecipientFlaw;
use crate::secret::Secret;
use crate::store;

const DEFAULT: &str = ".config/envctl/identity.txt";
const SSH: &str = ".ssh/id_ed25519";

fn nobody() -> Arc<Script> {
    Arc::new(Script::nobody())
}

/// A new identity: its text and its recipient.
fn new_identity() -> (String, String) {
    let (text, recipient) = generate("2026-11-21T00:00:00Z");
    (String::from_utf8(text.expose().to_vec()).unwrap(), recipient)
}

fn sealed_for(recipients: &[&str]) -> Vec<u8> {
    let ask: Arc<dyn Ask> = nobody();
    let plugins = Plugins::new(&EnvSnapshot::default());
    wrap(&Secret::from_string("the data key".to_owned()), recipients, &plugins, &ask).unwrap()
}

fn protected(identity: &str) -> Vec<u8> {
    let secret = |text: &str| Secret::from_string(text.to_owned());
    protect(&secret(identity), &secret("open sesame"), 2).unwrap()
}

#[track_caller]
fn opens(identities: &mut Identities, file: &[u8]) {
    match identities.open(file) {
        Ok(payload) => assert_eq!(payload.expose(), b"the data key"),
        Err(error) => panic!("{:?}", error.diagnostic(Some("prod"))),
    }
}

/// The kind of problem, and what was tried.
#[track_caller]
fn refused(identities: &mut Identities, file: &[u8]) -> (OpenProblem, Vec<String>) {
    let error = identities.open(file).unwrap_err();
    (error.problem(), error.tried().collect())
}

#[test]
fn the_default_file_opens_and_the_keyring_is_left_alone() {
    let (home, ask, reached) = (Home::new(), nobody(), Arc::default());
    let (text, recipient) = new_identity();
    let (other, other_recipient) = new_identity();
    home.put(DEFAULT, format!("\u{feff}# mine\r\n\r\n{}\r\n{other}", text.lines().last().unwrap()));
    let keyring = Holds(new_identity().0, Arc::clone(&reached));
    let mut identities = home.with_keyring(None, &ask, Box::new(keyring));
    for recipients in [vec![recipient.as_str()], vec![&new_identity().1, &other_recipient]] {
        opens(&mut identities, &sealed_for(&recipients));
    }
    assert_eq!((*reached.lock().unwrap(), ask.asked().len()), (0, 0));
    let own: Vec<_> = identities.own().into_iter().map(|own| own.source).collect();
    assert_eq!(
        own,
        ["identity file ~/.config/envctl/identity.txt"; 2].into_iter().chain(["OS keyring"]).collect::<Vec<_>>()
    );
    assert_eq!(format!("{identities:?}").matches("AGE-SECRET").count(), 0);
}

#[test]
fn one_source_that_is_given_is_the_only_one() {
    let (text, recipient) = new_identity();
    let file = sealed_for(&[&recipient]);
    let home = Home::new();
    home.put(DEFAULT, &text);
    let given = home.put("given.txt", new_identity().0);
    let (problem, tried) = refused(&mut home.identities(Some(&given), &nobody()), &file);
    assert_eq!(problem, OpenProblem::NoneOpens);
    assert_eq!(tried, ["--identity ~/given.txt: its key is not among the recipients"]);

    let home = home.set("ENVCTL_IDENTITY_FILE", given.to_str().unwrap());
    let (_, tried) = refused(&mut home.identities(None, &nobody()), &file);
    assert_eq!(tried, ["ENVCTL_IDENTITY_FILE ~/given.txt: its key is not among the recipients"]);

    let home = home.set("ENVCTL_IDENTITY", &format!("{}\n{text}", new_identity().0));
    opens(&mut home.identities(None, &nobody()), &file);
    // `--identity` comes before the variables.
    refused(&mut home.identities(Some(&given), &nobody()), &file);
    opens(&mut home.identities(Some(&home.path(DEFAULT)), &nobody()), &file);
}

#[test]
fn what_is_set_and_empty_is_an_error_with_that_reason() {
    let file = sealed_for(&[&new_identity().1]);
    for (name, value, expected) in [
        ("ENVCTL_IDENTITY", "", "ENVCTL_IDENTITY: it is empty"),
        ("ENVCTL_IDENTITY", " \n", "ENVCTL_IDENTITY: it is empty"),
        ("ENVCTL_IDENTITY", "# only this", "ENVCTL_IDENTITY: there is no identity in it"),
        ("ENVCTL_IDENTITY_FILE", "", "ENVCTL_IDENTITY_FILE: it is empty"),
        ("ENVCTL_IDENTITY_FILE", "/no/such/file", "ENVCTL_IDENTITY_FILE /no/such/file: it does not exist"),
        ("ENVCTL_IDENTITY_FILE", "/", "ENVCTL_IDENTITY_FILE /: it is not a regular file"),
    ] {
        let home = Home::new().set(name, value);
        home.put(DEFAULT, new_identity().0);
        let error = home.identities(None, &nobody()).open(&file).unwrap_err();
        assert_eq!((error.problem(), error.tried().collect()), (OpenProblem::Unusable, vec![expected.to_owned()]));
        let diagnostic = error.diagnostic(Some("prod"));
        assert_eq!((diagnostic.code, diagnostic.code.class().exit_code()), (Code::IdentityUnusable, 4));
    }
}

#[test]
fn nothing_opens_says_what_was_tried_and_how_to_be_let_in() {
    let file = sealed_for(&[&new_identity().1]);
    let home = Home::new();
    let error = home.identities(None, &nobody()).open(&file).unwrap_err();
    assert_eq!(error.problem(), OpenProblem::NoIdentity);
    let diagnostic = error.diagnostic(Some("prod"));
    assert_eq!(diagnostic.message, "there is no identity to open `prod` with");
    assert_eq!(
        diagnostic.notes,
        [
            "tried identity file ~/.config/envctl/identity.txt: it does not exist",
            "tried OS keyring: no identity there (this session has no keyring)",
            "tried SSH key ~/.ssh/id_ed25519: not tried, no SSH key is among the recipients",
        ]
    );
    assert_eq!(diagnostic.help.len(), 2, "{diagnostic:?}");

    let (text, recipient) = new_identity();
    home.put(DEFAULT, text);
    let error = home.identities(None, &nobody()).open(&file).unwrap_err();
    let diagnostic = error.diagnostic(Some("prod"));
    assert_eq!(diagnostic.message, "none of your identities opens `prod`");
    let asks = format!("ask somebody who can read it to run: envctl recipients add NAME {recipient} prod");
    assert_eq!((diagnostic.help, diagnostic.code), (vec![asks], Code::SealedUnreadable));
}

#[test]
fn what_asks_nothing_is_tried_before_a_passphrase() {
    let (locked, locked_recipient) = new_identity();
    let (in_keyring, keyring_recipient) = new_identity();
    let home = Home::new();
    home.put(DEFAULT, protected(&locked));
    let ask = Arc::new(Script::new(&["wrong", "open sesame"]));
    let keyring = Holds(in_keyring, Arc::default());
    let mut identities = home.with_keyring(None, &ask, Box::new(keyring));
    opens(&mut identities, &sealed_for(&[&locked_recipient, &keyring_recipient]));
    assert_eq!(ask.asked().len(), 0);
    // Once it is unlocked nothing is asked again.
    for _ in 0..2 {
        opens(&mut identities, &sealed_for(&[&locked_recipient]));
    }
    let what = "passphrase of identity file ~/.config/envctl/identity.txt";
    assert_eq!(ask.asked(), [what, "this passphrase is wrong; an empty one ends the questions", what]);
}

#[test]
fn passphrases_are_asked_a_few_times_and_not_in_vain() {
    let (locked, recipient) = new_identity();
    let home = Home::new();
    home.put(DEFAULT, protected(&locked));
    let file = sealed_for(&[&recipient]);
    for (answers, questions, expected) in [
        (&["a", "b", "c", "open sesame"][..], 5, "the passphrase was wrong"),
        (&["a", ""], 3, "it is protected by a passphrase, and none was given"),
        (&[], 1, "it is protected by a passphrase, and there is no terminal to ask for it"),
    ] {
        let ask = Arc::new(Script::new(answers));
        let (problem, tried) = refused(&mut home.identities(None, &ask), &file);
        assert_eq!(problem, OpenProblem::Passphrase);
        assert_eq!(tried[0], format!("identity file ~/.config/envctl/identity.txt: {expected}"));
        assert_eq!(ask.asked().len(), questions);
    }
    let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";
    let ask = Arc::new(Script::new(&["open sesame"]));
    refused(&mut home.identities(None, &ask), &sealed_for(&[ssh]));
    assert_eq!(ask.asked().len(), 0, "a file for SSH keys alone");
}

/// Whether there is `ssh-keygen`; says what is left out if not.
#[expect(clippy::disallowed_macros, reason = "the one that tests are read by")]
fn there_is_ssh(test: &str) -> bool {
    let there = std::process::Command::new("ssh-keygen").arg("-?").output().is_ok();
    if !there {
        println!("left out: {test} (no ssh-keygen)");
    }
    there
}

/// Makes an SSH key with `ssh-keygen`; gives its recipient.
fn ssh_key(home: &Home, below: &str, passphrase: &str) -> String {
    let path = home.path(below);
    store::create_private_dir(path.parent().unwrap()).unwrap();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-a", "1", "-C", "alice@example.com", "-N", passphrase, "-f"])
        .arg(&path)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen is needed");
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    public.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn ssh_keys_are_tried_where_they_are_recipients() {
    if !there_is_ssh("ssh_keys_are_tried_where_they_are_recipients") {
        return;
    }
    for passphrase in ["", "open sesame"] {
        let home = Home::new();
        let recipient = ssh_key(&home, SSH, passphrase);
        let stranger = ssh_key(&home, "stranger", "");
        let ask = Arc::new(Script::new(&["no", "open sesame"]));
        let mut identities = home.identities(None, &ask);
        let (problem, tried) = refused(&mut identities, &sealed_for(&[&stranger, &new_identity().1]));
        assert_eq!(problem, OpenProblem::NoneOpens);
        assert_eq!(tried[2], "SSH key ~/.ssh/id_ed25519: its key is not among the recipients");
        assert_eq!(ask.asked().len(), 0);
        assert_eq!(identities.own()[0].recipient, recipient, "known without a question");
        let file = sealed_for(&[&new_identity().1, &stranger, &recipient]);
        opens(&mut identities, &file);
        opens(&mut identities, &file);
        assert_eq!(ask.asked().len(), if passphrase.is_empty() { 0 } else { 3 });
        opens(&mut home.identities(Some(&home.path(SSH)), &Arc::new(Script::new(&["open sesame"]))), &file);
        // The stanza that names this key is changed: no other key could open it.
        let mut changed = file;
        let tag = changed.windows(11).rposition(|window| window == b"ssh-ed25519").unwrap();
        let body = changed[tag..].iter().position(|byte| *byte == b'\n').unwrap() + tag + 1;
        changed[body] = if changed[body] == b'A' { b'B' } else { b'A' };
        assert_eq!(identities.open(&changed).unwrap_err().problem(), OpenProblem::Damaged);
    }
}

#[cfg(unix)]
#[test]
fn an_identity_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (text, recipient) = new_identity();
    let home = Home::new();
    let path = home.put(DEFAULT, &text);
    let file = sealed_for(&[&recipient]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = home.identities(None, &nobody()).open(&file).unwrap_err();
    assert_eq!(error.problem(), OpenProblem::Unusable);
    assert_eq!(error.diagnostic(Some("prod")).help, ["chmod 600 ~/.config/envctl/identity.txt"]);
    opens(&mut home.identities(Some(&path), &nobody()), &file);
}

#[test]
fn a_damaged_file_is_no_matter_of_identities() {
    let (text, recipient) = new_identity();
    let home = Home::new().set("ENVCTL_IDENTITY", &text);
    let file = sealed_for(&[&recipient]);
    let header = file.windows(4).position(|window| window == b"--- ").unwrap();
    for at in [0, header + 6, file.len() - 1, file.len() - 30] {
        let mut changed = file.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let error = home.identities(None, &nobody()).open(&changed).unwrap_err();
        assert_eq!(error.problem(), OpenProblem::Damaged, "at {at}");
        assert_eq!(error.diagnostic(None).code.class().exit_code(), 6);
    }
    let large = Secret::new(vec![b'x'; 4097]);
    let ask: Arc<dyn Ask> = nobody();
    let file = wrap(&large, &[&recipient], &Plugins::new(&EnvSnapshot::default()), &ask).unwrap();
    assert_eq!(home.identities(None, &nobody()).open(&file).unwrap_err().problem(), OpenProblem::Damaged);
    assert!(home.identities(None, &nobody()).open_up_to(&file, &[], 4097).is_ok());
}

#[test]
fn a_file_that_names_its_recipients_has_to_open_for_them() {
    let (text, recipient) = new_identity();
    let others: Vec<String> = (0..5).map(|_| new_identity().1).collect();
    let named = |at: usize| -> Vec<&str> {
        let mut all: Vec<&str> = others.iter().map(String::as_str).collect();
        all.insert(at, &recipient);
        all
    };
    let home = Home::new().set("ENVCTL_IDENTITY", &format!("{}\n{text}", new_identity().0));
    let mut identities = home.identities(None, &nobody());
    for at in 0..=5 {
        let file = sealed_for(&named(at));
        for said in [named(at), named(5 - at)] {
            assert!(identities.open_for(&file, &said).is_ok(), "the order is a hint");
        }
        let plain: Vec<&str> = others.iter().map(String::as_str).collect();
        assert!(identities.open_for(&file, &plain).is_ok(), "so is the list");
    }
    let file = sealed_for(&named(0)[1..]);
    assert_eq!(identities.open_for(&file, &named(0)).unwrap_err().problem(), OpenProblem::Damaged);
    assert_eq!(identities.open_for(&file, &named(0)[1..]).unwrap_err().problem(), OpenProblem::NoneOpens);
}

#[test]
fn identity_files_of_all_kinds() {
    let (text, recipient) = new_identity();
    let key = text.lines().last().unwrap();
    for good in [text.clone(), key.to_lowercase(), format!("  {key}  \n\n#x"), format!("AGE-SECRET-KEY-PQ-1QQ\n{key}")]
    {
        assert!(matches!(parse(good.as_bytes()), Ok(Content::Keys(_))), "{good}");
    }
    let armored = protected(&text);
    assert!(matches!(parse(&armored), Ok(Content::Protected(_))));
    for (bytes, flaw) in [
        (Vec::new(), Flaw::Empty),
        (b"\n \n".to_vec(), Flaw::Empty),
        (b"# x\n".to_vec(), Flaw::NoIdentity),
        (vec![0xff], Flaw::NotText),
        (format!("{key}\nhunter2\n").into_bytes(), Flaw::Line(2)),
        (key.replace('1', "2").into_bytes(), Flaw::Line(1)),
        (recipient.clone().into_bytes(), Flaw::Recipient(1)),
        (b"AGE-SECRET-KEY-PQ-1QQQQ".to_vec(), Flaw::PostQuantum),
        (b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n".to_vec(), Flaw::SshRsa),
        (b"-----BEGIN EC PRIVATE KEY-----\n".to_vec(), Flaw::OtherPrivateKey),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n".to_vec(), Flaw::SshDamaged),
        (sealed_for(&[&recipient]), Flaw::NotProtected),
        (b"age-encryption.org/v1\n".to_vec(), Flaw::Damaged),
        (armored[..armored.len() - 40].to_vec(), Flaw::Damaged),
    ] {
        assert_eq!(parse(&bytes).err(), Some(flaw), "{}", String::from_utf8_lossy(&bytes));
        assert!(!flaw.describe().contains("hunter2"));
    }
    let twice = parse(&protected(&String::from_utf8(armored).unwrap()));
    assert!(matches!(twice, Ok(Content::Protected(_))));
}

#[test]
fn other_ssh_keys_are_refused_with_a_reason() {
    if !there_is_ssh("other_ssh_keys_are_refused_with_a_reason") {
        return;
    }
    let home = Home::new();
    for (kind, flaw) in [("rsa", Flaw::SshRsa), ("ecdsa", Flaw::SshOther)] {
        let path = home.path(kind);
        let bits = if kind == "rsa" { "1024" } else { "256" };
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-b", bits, "-N", "", "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        assert_eq!(parse(&std::fs::read(path).unwrap()).err(), Some(flaw));
    }
}

#[test]
fn wraps_for_recipients_alone() {
    let ask: Arc<dyn Ask> = nobody();
    let plugins = Plugins::new(&EnvSnapshot::default());
    let payload = Secret::from_string("x".to_owned());
    let (identity, recipient) = new_identity();
    let tried = |recipients: &[&str]| wrap(&payload, recipients, &plugins, &ask).map(|_| ());
    assert_eq!(tried(&[]), Err(WrapError::Nobody));
    assert_eq!(tried(&[&recipient, "ssh-rsa AAAA"]), Err(WrapError::Recipient(1, RecipientFlaw::SshRsa)));
    assert_eq!(tried(&[&identity]), Err(WrapError::Recipient(0, RecipientFlaw::Other)));
    let key = identity.lines().last().unwrap();
    assert_eq!(tried(&[key]), Err(WrapError::Recipient(0, RecipientFlaw::Identity)));
    let plugin = crate::recipient::testing::bech32("age1counter", &[1, 2, 3]);
    let not_listed = PluginProblem::NotListed { name: "counter".to_owned(), config: None };
    assert_eq!(tried(&[&recipient, &plugin]), Err(WrapError::Plugin(not_listed)));
    assert!(!format!("{:?}", tried(&[key])).contains(key));
}

#[cfg(unix)]
#[test]
fn plugins_run_only_if_the_user_names_them() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let home = Home::new();
    let program = home.put("bin/age-plugin-x", "#!/bin/sh\n");
    mode(&program, 0o755);
    let evil = home.put("evil/age-plugin-x", "#!/bin/sh\n");
    let (bin, evil) = (program.parent().unwrap().to_str().unwrap(), evil.parent().unwrap().to_str().unwrap());
    let listed = format!("[plugins]\nx = \"{}\"\n", program.display());
    let config = home.path(".config/envctl/config.toml");
    let approve = |text: Option<&str>, path: &str, more: &[(&str, &str)]| {
        std::fs::remove_file(&config).ok();
        if let Some(text) = text {
            home.put(".config/envctl/config.toml", text);
        }
        let variables = [("HOME", home.directory.path().to_str().unwrap()), ("PATH", path)];
        let all = variables.iter().chain(more).map(|(name, value)| (name.into(), value.into()));
        Plugins::new(&EnvSnapshot::from_pairs(all)).approve("x").map_err(|problem| problem.describe())
    };
    assert_eq!(approve(Some(&listed), bin, &[]), Ok(()));
    assert_eq!(approve(Some(&listed), &format!("/usr/bin:{bin}:{evil}::."), &[]), Ok(()));
    for (text, path, expected) in [
        (None, bin.to_owned(), "is not named"),
        (Some("[plugins]\ny = \"/x\"\n"), bin.to_owned(), "is not named"),
        (Some("[plugin]\n"), bin.to_owned(), "line 1"),
        (Some("[plugins]\nx = 1\n"), bin.to_owned(), "line 2"),
        (Some("[plugins\n"), bin.to_owned(), "line 1"),
        (Some("[plugins]\nx = \"bin/age-plugin-x\"\n"), bin.to_owned(), "has to be absolute"),
        (Some("[plugins]\nx = \"/no/such\"\n"), bin.to_owned(), "does not exist"),
        (Some("[plugins]\nx = \"/\"\n"), bin.to_owned(), "is not a file"),
        (Some(&listed), "/usr/bin".to_owned(), "is not found by PATH"),
        (Some(&listed), format!("{evil}:{bin}"), "PATH gives"),
        (Some(&listed), format!(".:{bin}"), "relative part"),
        (Some(&listed), format!("~/bin:{bin}"), "relative part"),
        (Some(&listed), format!(":{bin}"), "relative part"),
    ] {
        let problem = approve(text, &path, &[]).unwrap_err();
        assert!(problem.contains(expected), "{problem}: no `{expected}`");
    }
    assert!(approve(Some(&listed), bin, &[("AGEDEBUG", "plugin")]).unwrap_err().contains("AGEDEBUG"));
    mode(&program, 0o777);
    assert!(approve(Some(&listed), bin, &[]).unwrap_err().contains("others may write"));
    mode(&program, 0o755);
    approve(Some(&listed), bin, &[]).unwrap();
    mode(&config, 0o666);
    let variables = [("HOME".into(), home.directory.path().into()), ("PATH".into(), bin.into())];
    let problem = Plugins::new(&EnvSnapshot::from_pairs(variables)).approve("x").unwrap_err();
    assert!(problem.describe().contains("others may write"), "{problem:?}");
}

#[test]
fn shows_the_recipient_of_what_is_there() {
    let (text, recipient) = new_identity();
    let home = Home::new();
    let error = home.identities(None, &nobody()).show().unwrap_err();
    assert_eq!(error.problem(), OpenProblem::NoIdentity);
    home.put(DEFAULT, protected(&text));
    let ask = Arc::new(Script::new(&["open sesame"]));
    assert_eq!(home.identities(None, &ask).show().unwrap()[0].recipient, recipient);
    assert_eq!(home.identities(None, &nobody()).show().unwrap_err().problem(), OpenProblem::Passphrase);
    let plugin = age::plugin::Identity::default_for_plugin("x").unwrap().to_string();
    home.put(DEFAULT, plugin);
    let diagnostic = home.identities(None, &nobody()).show().unwrap_err().diagnostic(None);
    assert_eq!(diagnostic.message, "there is no recipient that could be shown");
}
