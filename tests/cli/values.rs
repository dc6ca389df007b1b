//! `get`, `set`, `unset` and `seal`, as somebody uses them who writes an environment one value at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Output, Sandbox, set_mode};
use crate::projects::{CONFIG, refused, there_is};

const SCHEMA: &str = "[variables.PORT]\ntype = \"port\"\ndefault = 8000\n[variables.COUNT]\ntype = \"integer\"\nrequired = false\n\
    [variables.FLAG]\ntype = \"boolean\"\nrequired = false\n[variables.HOSTS]\ntype = \"list\"\nrequired = false\n\
    [variables.NAME]\nrequired = false\nmin_length = 0\n[variables.INNER]\ninternal = true\nrequired = false\n\
    [variables.DB_PASSWORD]\nsecret = true\nmin_length = 4\n[variables.API_KEY]\nsecret = true\nrequired = false\n\
    [variables.DATABASE_URL]\ntype = \"url\"\nsecret = true\nrequired = false\n\
    [variables.BLOB]\nsecret = true\nrequired = false\nmin_length = 0\n\
    [variables.CERT]\ntype = \"pem\"\nsecret = true\nrequired = false\n\
    [variables.TOKEN]\nsecret = true\nrequired = false\ngenerate = { kind = \"base64url\", bytes = 24 }\n";
const DEV: &str = "environments/dev.toml";
const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/screen.py");

/// A project of one person, with the text of `dev`, and a protected `prod`.
fn desk(dev: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let key = sandbox.run(&["keygen"]).output().stdout;
    let config = format!("{CONFIG}\n[recipients]\nalice = \"{}\"\n", key.trim());
    sandbox.file("envctl.toml", config).file("schemas/api.toml", SCHEMA).file(DEV, dev);
    sandbox.file("environments/prod.toml", "protected = true\n");
    sandbox
}

fn set(sandbox: &Sandbox, words: &[&str], value: impl Into<Vec<u8>>) -> Output {
    let arguments = [&["set"], words, &["--stdin"]].concat();
    sandbox.run(&arguments).stdin(value).output()
}

/// A first secret of `dev`, so that the file is sealed.
fn sealed(dev: &str) -> (Sandbox, String) {
    let sandbox = desk(dev);
    let value = sandbox.canary("DB_PASSWORD");
    set(&sandbox, &["dev", "DB_PASSWORD", "--recipients", "alice"], value.as_bytes()).assert_status(0);
    (sandbox, value)
}

fn get(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.run(&[&["get"], words].concat()).reveals().output()
}

/// A run on a terminal, with steps for the driver.
fn on_terminal(sandbox: &Sandbox, steps: &str, arguments: &[&str]) -> Output {
    let arguments = [&[DRIVER, steps, env!("CARGO_BIN_EXE_envctl")], arguments].concat();
    sandbox.program("python3", &arguments).env("TERM", "xterm").env("NO_COLOR", "1").output()
}

#[test]
fn what_may_be_a_value_is_never_repeated() {
    let sandbox = desk("");
    let word = sandbox.canary("typed");
    let dashed = format!("--{word}");
    let assigned = format!("DB_PASSWORD={word}");
    for words in [
        vec!["dev", "DB_PASSWORD", &word],
        vec!["dev", &assigned],
        vec![&assigned],
        vec!["DB_PASSWORD", &word],
        vec!["dev", "DB_PASSWORD", "--", &word],
    ] {
        let output = sandbox.run(&[&["set"], &words[..]].concat()).output();
        refused(&output, 2, "usage", "a value is never an argument");
        assert!(output.stderr.contains("--stdin"), "{output}");
    }
    for (command, words, told) in [
        ("set", vec!["dev", &word], "no schema declares a variable of that name"),
        ("set", vec!["hunter22", "DB_PASSWORD"], "there is no environment of that name"),
        ("set", vec!["dev", "DB_PASSWORD", &dashed], "there is no such option"),
        ("get", vec!["dev", "DB_PASSWORD", &word], "a word too many"),
        ("unset", vec!["dev", "DB_PASSWORD", &word], "a word too many"),
        ("unset", vec!["dev", &word], "no schema declares a variable of that name"),
        ("seal", vec![&word], "this cannot be the name of an environment"),
        ("seal", vec!["hunter22"], "there is no environment of that name"),
        ("seal", vec!["dev", &word], "no schema declares a variable of that name"),
    ] {
        for format in ["human", "json"] {
            let output = sandbox.run(&[&[command, "--message-format", format], &words[..]].concat()).output();
            assert!(output.status == 2 && output.stderr.contains(told) && output.stdout.is_empty(), "{told}\n{output}");
            assert!(!output.stderr.contains("hunter22"), "{output}");
        }
    }
    let glued = format!("--stdin={word}");
    let output = sandbox.run(&["set", "dev", "DB_PASSWORD", &glued]).output();
    refused(&output, 2, "usage", "`--stdin` takes no value");
    refused(&sandbox.run(&["set", "dev"]).output(), 2, "usage", "the variable is missing");
    refused(&sandbox.run(&["set", "dve", "PORT"]).output(), 2, "usage", "no environment of that name");
    assert_eq!(sandbox.read(DEV), "");
}

#[test]
fn get_then_set_is_the_identity() {
    let sandbox = desk("");
    let file = sandbox.path("home/value");
    let text = |count: usize| "é".repeat(count / 2) + if count % 2 == 1 { "x" } else { "" };
    let mut values: Vec<Vec<u8>> = [0, 1, 63, 64, 65, 1024, 1025, 1 << 20].map(|count| text(count).into_bytes()).into();
    let nasty =
        ["\n", "\n\n", "a\n", " ", "a\r\n", "\t", "'", "\"", "\\", "${X}", "$${X}", "$", "\u{7f}", "\u{202e}", "'''"];
    values.extend(nasty.map(|text| text.as_bytes().to_vec()));
    for (index, value) in values.iter().enumerate() {
        // What no schema calls secret may be shorter: the whole file is read again and again.
        for name in ["BLOB", "NAME"].into_iter().filter(|name| *name == "BLOB" || value.len() < 2000) {
            fs::write(&file, value).unwrap();
            let file = file.to_str().unwrap();
            let arguments = ["set", "dev", name, "--empty", "--file", file, "--recipients", "alice"];
            sandbox.run(&arguments).output().assert_status(0);
            let shown = get(&sandbox, &["dev", name]).bytes;
            assert!(shown.strip_suffix(b"\n") == Some(value), "{name} {index}");
            assert!(get(&sandbox, &["dev", name, "--raw"]).bytes == *value, "{name} {index}");
            for (option, bytes) in [(None, shown), (Some("--raw"), value.clone())] {
                let words = ["dev", name, "--empty"].into_iter().chain(option).collect::<Vec<_>>();
                let again = set(&sandbox, &words, bytes);
                again.assert_status(0);
                assert!(
                    again.stderr.contains("has this value already: nothing was written"),
                    "{name} {index}: {again}"
                );
            }
        }
    }
    set(&sandbox, &["dev", "BLOB"], [0xff, 0xfe, b'\n']).assert_status(0);
    assert_eq!(get(&sandbox, &["dev", "BLOB", "--raw"]).bytes, [0xff, 0xfe]);
}

#[test]
fn what_cannot_be_a_value_is_refused() {
    let (sandbox, _) = sealed("");
    let before = sandbox.read(DEV);
    let large = vec![b'x'; (1 << 20) + 1];
    let file = sandbox.path("home/large");
    fs::write(&file, &large).unwrap();
    let from_file = sandbox.run(&["set", "dev", "BLOB", "--file", file.to_str().unwrap()]).output();
    refused(&from_file, 1, "value-too-large", "longer than 1 MiB");
    refused(&set(&sandbox, &["dev", "BLOB"], large), 1, "value-too-large", "longer than 1 MiB");
    refused(&set(&sandbox, &["dev", "BLOB"], "a\0b"), 1, "invalid-value-bytes", "NUL");
    refused(&set(&sandbox, &["dev", "NAME"], [0xff]), 1, "invalid-value-bytes", "`NAME` is not text");
    refused(&set(&sandbox, &["dev", "API_KEY"], ""), 2, "usage", "the value is empty");
    refused(&set(&sandbox, &["dev", "API_KEY", "--empty"], "\n"), 1, "value-length", "is empty");
    let short = sandbox.canary("short");
    refused(&set(&sandbox, &["dev", "COUNT"], short.as_bytes()), 1, "type-mismatch", "must be of type `integer`");
    refused(&set(&sandbox, &["dev", "TOKEN", "--generate"], ""), 2, "usage", "exclude each other");
    refused(&sandbox.run(&["set", "dev", "API_KEY", "--generate"]).output(), 2, "usage", "has no `generate`");
    refused(&sandbox.run(&["set", "dev", "API_KEY", "--file", "/nowhere"]).output(), 5, "io", "does not exist");
    refused(
        &sandbox.run(&["set", "dev", "API_KEY", "--file", "/dev/zero"]).output(),
        5,
        "not-a-regular-file",
        "--stdin",
    );
    refused(&sandbox.run(&["set", "dev", "API_KEY"]).output(), 2, "usage", "no terminal to ask for the value on");
    assert_eq!(sandbox.read(DEV), before);
    sandbox.run(&["set", "dev", "TOKEN", "--generate"]).output().assert_status(0);
    assert_eq!(get(&sandbox, &["dev", "TOKEN"]).stdout.trim_end().len(), 32);
}

#[test]
fn a_value_is_written_where_the_name_is_assigned() {
    for (before, words, value, after) in [
        ("[values]\nCOUNT = 1 # one\n", &["COUNT"][..], "2", "[values]\nCOUNT = 2 # one\n"),
        ("[values]\nCOUNT = { absent = true } # c\n", &["COUNT"], "7", "[values]\nCOUNT = 7 # c\n"),
        ("[values]\nHOSTS = [\n  \"a\",\n] # h\n", &["HOSTS"], "x,y", "[values]\nHOSTS = \"x,y\" # h\n"),
        ("[values]\nNAME = \"a${COUNT}\"\n", &["NAME"], "b${COUNT}", "[values]\nNAME = \"b$${COUNT}\"\n"),
        ("[values]\n", &["COUNT"], "-0", "[values]\nCOUNT = \"-0\"\n"),
        ("[values]\n", &["FLAG"], "true", "[values]\nFLAG = true\n"),
        ("[for.api]\nCOUNT = 1\n", &["COUNT"], "2", "[for.api]\nCOUNT = 2\n"),
        ("[values]\nPORT = 1\n", &["PORT", "--schema", "api"], "2", "[values]\nPORT = 1\n\n[for.api]\nPORT = 2\n"),
        ("", &["COUNT"], "2", "[values]\nCOUNT = 2\n"),
        ("\u{feff}[values]\r\nPORT = 1\r\n", &["COUNT"], "2", "\u{feff}[values]\r\nCOUNT = 2\r\nPORT = 1\r\n"),
        ("  [values]\n  PORT = 1\n", &["PORT"], "2", "  [values]\n  PORT = 2\n"),
        ("values = { PORT = 1, COUNT = 1 }\n", &["PORT"], "2", "values = { PORT = 2, COUNT = 1 }\n"),
        ("[\"values\"]\n'PORT' = 1\n", &["PORT"], "2", "[\"values\"]\n'PORT' = 2\n"),
    ] {
        let sandbox = desk(before);
        set(&sandbox, &[&["dev"], words].concat(), value).assert_status(0);
        assert_eq!(sandbox.read(DEV), after);
        let name = [&["dev", words[0]][..], &words[1..]].concat();
        assert_eq!(get(&sandbox, &name).stdout, format!("{value}\n"), "{after}");
    }
    for before in ["values = { PORT = 1 }\n", "[values.COUNT]\nabsent = true\n", "[values]\nCOUNT.absent = true\n"] {
        let sandbox = desk(before);
        refused(&set(&sandbox, &["dev", "COUNT"], "2"), 1, "unsupported", "a line for each value");
        assert_eq!(sandbox.read(DEV), before);
    }
    let sandbox = desk("[values]\nNAME = { backend = \"env\" }\nCOUNT = 1\n[for.api]\nCOUNT = 2\n");
    refused(&set(&sandbox, &["dev", "NAME"], "x"), 2, "usage", "comes from `env`");
    let output = set(&sandbox, &["dev", "COUNT"], "3");
    assert!(output.stderr.contains("`[for.api]` has its own `COUNT`: `--schema api` sets that"), "{output}");
    refused(&set(&sandbox, &["dev", "COUNT", "--schema", "web"], "3"), 2, "usage", "no schema `web`");
    refused(&set(&sandbox, &["dev", "API_KEY", "--schema", "api"], "3"), 2, "usage", "is for all schemas");
    sandbox.file("environments/dev.local.toml", "[values]\nPORT = 1\n");
    let output = set(&sandbox, &["dev", "PORT"], "3");
    assert!(output.stderr.contains("environments/dev.local.toml has its own `PORT`"), "{output}");
}

#[test]
fn secrets_are_sealed_and_everything_else_keeps_its_bytes() {
    for head in
        ["", "# dev\n", "\u{feff}", "\u{feff}[values]\r\nPORT = 1\r\n", "  [values]\n  PORT = 1\n", "values.PORT = 1\n"]
    {
        let (sandbox, value) = sealed(head);
        let text = sandbox.read(DEV);
        assert!(text.contains("recipients = [\"alice\"]"), "{text}");
        let crlf = head.contains("\r\n");
        assert_eq!(text.matches('\n').count() == text.matches("\r\n").count(), crlf, "{text:?}");
        assert_eq!(get(&sandbox, &["dev", "DB_PASSWORD"]).stdout, format!("{value}\n"));
        let listed = sandbox.run(&["recipients", "list"]).output();
        assert!(!listed.stdout.contains("declared"), "{text}\n{listed}");
        sandbox.run(&["check", "dev", "--seal"]).output().assert_status(0);
        // One more, and away again: the first one's line stays as it is.
        let line = |text: &str| text.lines().find(|line| line.starts_with("DB_PASSWORD")).unwrap().to_owned();
        set(&sandbox, &["dev", "API_KEY"], sandbox.canary("API_KEY")).assert_status(0);
        sandbox.run(&["unset", "dev", "API_KEY"]).output().assert_status(0);
        assert_eq!(line(&sandbox.read(DEV)), line(&text));
        assert!(sandbox.read(DEV).contains("revision = 3"));
        let again = sandbox.read(DEV);
        set(&sandbox, &["dev", "DB_PASSWORD"], value).assert_status(0);
        assert_eq!(sandbox.read(DEV), again);
    }
}

#[test]
fn a_secret_in_clear_is_replaced_by_a_sealed_one() {
    let sandbox = desk("");
    let (old, new) = (sandbox.canary("old"), sandbox.canary("new"));
    sandbox.file(DEV, format!("[values]\nAPI_KEY = \"{old}\" # key\nPORT = 1\n[for.api]\nAPI_KEY = \"{old}\"\n"));
    let output = set(&sandbox, &["dev", "API_KEY", "--recipients", "alice"], new.as_bytes());
    output.assert_status(0);
    assert!(output.stderr.contains("git still has the value"), "{output}");
    assert!(!sandbox.read(DEV).contains(&old));
    assert_eq!(get(&sandbox, &["dev", "API_KEY"]).stdout, format!("{new}\n"));
    sandbox.file(DEV, format!("values = {{ API_KEY = \"{old}\" }}\n"));
    refused(&set(&sandbox, &["dev", "API_KEY", "--recipients", "alice"], new), 1, "unsupported", "shares its line");
}

#[test]
fn what_a_parent_seals_is_replaced_by_a_sealed_value_only() {
    let sandbox = desk("extends = \"base\"\n");
    sandbox.file("environments/base.toml", "abstract = true\n[values]\nPORT = 81\n");
    sandbox.run(&["seal", "base", "PORT", "--recipients", "alice"]).output().assert_status(0);
    let output = set(&sandbox, &["dev", "PORT", "--recipients", "alice"], "82");
    assert!(output.stderr.starts_with("sealed `PORT`"), "{output}");
    assert_eq!(get(&sandbox, &["dev", "PORT"]).stdout, "82\n");
    sandbox.run(&["unset", "dev", "PORT"]).output().assert_status(0);
    assert_eq!(get(&sandbox, &["dev", "PORT"]).stdout, "81\n");
    let output = sandbox.run(&["unset", "dev", "PORT"]).output();
    refused(&output, 2, "usage", "is not assigned in environments/dev.toml");
    assert!(output.stderr.contains("`base` assigns it"), "{output}");
}

#[test]
fn what_is_missing_is_told_after_the_write() {
    let schema = "[variables.A]\nsecret = true\n[variables.B]\n[variables.C]\n[variables.D]\nrequired = false\n";
    let sandbox = desk("");
    sandbox.file("schemas/api.toml", schema);
    let first = set(&sandbox, &["dev", "B"], "x");
    first
        .assert_stderr("wrote `B` to environments/dev.toml, in clear\nstill missing in `dev`: A, C\n")
        .assert_status(0);
    sandbox.file("schemas/web.toml", "[variables.E]\n");
    let second = set(&sandbox, &["dev", "C"], "x");
    second.assert_stderr(
        "wrote `C` to environments/dev.toml, in clear\nstill missing in `dev` for `api`: A\nstill missing in `dev` for `web`: E\n",
    );
    let unset = sandbox.run(&["unset", "dev", "B"]).output();
    assert!(unset.stderr.contains("still missing in `dev` for `api`: A, B\n"), "{unset}");
    assert_eq!(sandbox.run(&["-q", "unset", "dev", "C"]).output().assert_status(0).stderr, "");
    // What was wrong before is told and does not stop it.
    sandbox.file(DEV, "[values]\nB = 1\nNOPE = 1\n");
    let output = set(&sandbox, &["dev", "B"], "2");
    assert!(output.status == 0 && output.stderr.contains("warning[unknown-variable]"), "{output}");
    sandbox.run(&["unset", "dev", "NOPE"]).output().assert_status(0);
    sandbox.file("environments/base.toml", "abstract = true\n");
    assert!(!set(&sandbox, &["base", "B"], "2").stderr.contains("still missing"));
}

#[test]
fn get_gives_one_value_and_looks_at_nothing_else() {
    let (sandbox, value) = sealed(
        "[values]\nDATABASE_URL = \"postgres://shop:${DB_PASSWORD}@db:5432/shop\"\nINNER = \"in\"\nNAME = \"<${INNER}>\"\n",
    );
    assert_eq!(get(&sandbox, &["DATABASE_URL"]).stdout, format!("postgres://shop:{value}@db:5432/shop\n"));
    assert_eq!(get(&sandbox, &["dev", "INNER"]).stdout, "in\n");
    assert_eq!(get(&sandbox, &["dev", "NAME"]).stdout, "<in>\n");
    assert_eq!(get(&sandbox, &["dev", "PORT"]).stdout, "8000\n");
    let unset = get(&sandbox, &["dev", "COUNT"]);
    unset.assert_status(1).assert_stdout("").assert_stderr("`COUNT` has no value in `dev`: optional\n");
    refused(&get(&sandbox, &["prod", "DB_PASSWORD"]), 1, "missing-value", "`DB_PASSWORD` has no value in `prod`");
    // Broken elsewhere.
    let text =
        sandbox.read(DEV).replace("[values]\n", "[values]\nNOPE = 1\nPORT = \"x\"\nDB_PASSWORD_ = \"${NOPE}\"\n");
    sandbox.file(DEV, text);
    assert_eq!(get(&sandbox, &["dev", "DB_PASSWORD"]).assert_stderr("").stdout, format!("{value}\n"));
    refused(&get(&sandbox, &["dev", "PORT"]), 1, "type-mismatch", "must be of type `port`");
    // A broken seal is nobody else's matter.
    let text = sandbox.read(DEV).replace("revision = 1", "revision = 2");
    sandbox.file(DEV, text);
    refused(&get(&sandbox, &["dev", "DB_PASSWORD"]), 6, "seal-broken", "does not match");
}

#[test]
fn a_private_file_is_written_by_get() {
    let (sandbox, value) = sealed("");
    let target = sandbox.path("home/out");
    fs::write(&target, "old").unwrap();
    set_mode(&target, 0o644);
    let output = |path: &str| sandbox.run(&["get", "dev", "DB_PASSWORD", "-o", path]).reveals().output();
    output(target.to_str().unwrap()).assert_status(0).assert_stdout("").assert_stderr("");
    let mode = fs::metadata(&target).unwrap().permissions().mode() & 0o7777;
    assert_eq!((fs::read_to_string(&target).unwrap(), mode), (value, 0o600));
    std::os::unix::fs::symlink(&target, sandbox.path("home/link")).unwrap();
    for path in ["home", "home/link"] {
        refused(&output(sandbox.path(path).to_str().unwrap()), 5, "io", "not a regular file");
    }
    refused(&output(sandbox.path("nowhere/f").to_str().unwrap()), 5, "io", "does not exist");
    refused(&output("-"), 2, "usage", "`-` is not the name of a file");
    assert!(!sandbox.path("project/-").exists());
}

#[test]
fn the_environment_that_is_meant() {
    let (sandbox, value) = sealed("");
    let with = |name: &str| sandbox.run(&["get", "DB_PASSWORD"]).env("ENVCTL_ENVIRONMENT", name).reveals().output();
    assert_eq!(with("dev").stdout, format!("{value}\n"));
    assert_eq!(with("").stdout, format!("{value}\n"));
    refused(&with("prod"), 1, "missing-value", "in `prod`");
    refused(&with("nope"), 2, "usage", "there is no environment `nope`");
    // A protected environment is never the default.
    sandbox.file("envctl.toml", sandbox.read("envctl.toml").replace("= \"dev\"", "= \"prod\""));
    for command in ["get", "unset"] {
        refused(&sandbox.run(&[command, "DB_PASSWORD"]).output(), 1, "protected-default", "`prod` is protected");
    }
    refused(&set(&sandbox, &["DB_PASSWORD", "--yes"], value), 1, "protected-default", "was not named");
    get(&sandbox, &["dev", "DB_PASSWORD"]).assert_status(0);
}

#[test]
fn protected_environments_ask() {
    let sandbox = desk("");
    let value = sandbox.canary("prod");
    let words = ["prod", "DB_PASSWORD", "--recipients", "alice"];
    refused(&set(&sandbox, &words, value.as_bytes()), 2, "usage", "`prod` is protected. Change `DB_PASSWORD`?");
    let output = set(&sandbox, &[&words[..2], &["--yes"]].concat(), value.as_bytes());
    refused(&output, 2, "usage", "sealed for the first time");
    assert!(output.stderr.contains("add `--recipients alice`"), "{output}");
    set(&sandbox, &[&words[..], &["--yes"]].concat(), value.as_bytes()).assert_status(0);
    for arguments in [&["unset", "prod", "DB_PASSWORD"][..], &["rekey", "prod"], &["seal", "dev", "--from", "prod"]] {
        let output = sandbox.run(arguments).output();
        refused(&output, 2, "usage", "`prod` is protected.");
        assert!(output.stderr.contains("`--yes` answers in scripts"), "{output}");
    }
    refused(&set(&sandbox, &["prod", "DB_PASSWORD", "--yes"], "changeme"), 1, "placeholder-value", "stand-in");
    assert_eq!(get(&sandbox, &["prod", "DB_PASSWORD"]).stdout, format!("{value}\n"));
    if !there_is("python3", "protected environments on a terminal") {
        return;
    }
    let show = ["get", "prod", "DB_PASSWORD", "--reveal"];
    let no = on_terminal(&sandbox, r#"[["expect", "[y/N]"], ["send", "n\n"]]"#, &show);
    assert!(no.status == 1 && no.stdout.contains("nothing was done"), "{no}");
    let hidden = on_terminal(&sandbox, "[]", &show[..3]);
    assert!(hidden.status == 2 && hidden.stdout.contains("`--reveal` shows it"), "{hidden}");
    let steps = r#"[["expect", "Change `API_KEY`? [y/N]"], ["send", "y\n"], ["expect", "(not shown):"], ["send", "prod-key-1\n"]]"#;
    on_terminal(&sandbox, steps, &["set", "prod", "API_KEY"]).assert_status(0);
    assert_eq!(get(&sandbox, &["prod", "API_KEY"]).stdout, "prod-key-1\n");
}

#[test]
fn a_prompt_reads_one_line_and_shows_nothing() {
    if !there_is("python3", "prompts") {
        return;
    }
    let (sandbox, old) = sealed("");
    let before = sandbox.read(DEV);
    let typed = sandbox.canary("typed");
    let prompt = |keys: &str| format!(r#"[["expect", "DB_PASSWORD (not shown): "], ["send", "{keys}"]]"#);
    let set = |keys: &str| on_terminal(&sandbox, &prompt(keys), &["set", "dev", "DB_PASSWORD"]);
    let several = set(&format!(r"{typed}\nsecond\n"));
    assert!(several.status == 2 && several.stdout.contains("more than one line was pasted"), "{several}");
    let end = set(r"\u0004");
    assert!(end.status == 1 && end.stdout.contains("no value was given: nothing was written"), "{end}");
    let empty = set(r"\n");
    assert!(empty.status == 2 && empty.stdout.contains("the value is empty"), "{empty}");
    let stopped = set(r"abc\u0003");
    assert!(stopped.status != 0 && !stopped.stdout.contains("sealed"), "{stopped}");
    let lines = on_terminal(&sandbox, "[]", &["set", "dev", "CERT"]);
    assert!(lines.status == 2 && lines.stdout.contains("`--file FILE` or `--stdin`"), "{lines}");
    assert_eq!((sandbox.read(DEV), get(&sandbox, &["dev", "DB_PASSWORD"]).stdout), (before, format!("{old}\n")));
    let good = set(&format!(r"{typed}\n"));
    good.assert_status(0);
    assert_eq!(get(&sandbox, &["dev", "DB_PASSWORD"]).stdout, format!("{typed}\n"));
}

#[test]
fn a_first_seal_shows_who_can_read_it() {
    if !there_is("python3", "first seals on a terminal") {
        return;
    }
    let sandbox = desk("");
    let other = sandbox.run(&["keygen", "-o", sandbox.path("home/bob.txt").to_str().unwrap()]).output().stdout;
    let config = format!("{}bob = \"{}\"\n", sandbox.read("envctl.toml"), other.trim());
    sandbox.file("envctl.toml", config);
    let value = sandbox.canary("first");
    let steps = |answer: &str| {
        format!(
            r#"[["expect", "(not shown): "], ["send", "{value}\n"], ["expect", "Seal to these? [y/N]"], ["send", "{answer}\n"]]"#
        )
    };
    let no = on_terminal(&sandbox, &steps("n"), &["set", "dev", "DB_PASSWORD", "--yes"]);
    assert!(no.status == 1 && no.stdout.contains("  alice  age1") && no.stdout.contains("  bob    age1"), "{no}");
    assert!(!no.stdout.contains("Mind"), "{no}");
    sandbox.file(DEV, "recipients = [\"bob\"]\n");
    let locked = on_terminal(&sandbox, &steps("n"), &["set", "dev", "DB_PASSWORD"]);
    assert!(locked.stdout.contains("Mind: you are not among those who can read `dev`"), "{locked}");
    assert_eq!(sandbox.read(DEV), "recipients = [\"bob\"]\n");
    let told = set(&sandbox, &["dev", "DB_PASSWORD", "--recipients", "bob"], value.as_bytes());
    assert!(told.status == 0 && told.stderr.contains("you are not among those who can read `dev`"), "{told}");
    refused(
        &set(&sandbox, &["dev", "DB_PASSWORD"], value.as_bytes()),
        4,
        "sealed-unreadable",
        "none of your identities opens `dev`",
    );
    sandbox.file(DEV, "recipients = [\"bob\"]\n");
    refused(&set(&sandbox, &["dev", "API_KEY", "--recipients", "alice"], "x"), 2, "usage", "names others");
    refused(
        &set(&sandbox, &["prod", "API_KEY", "--yes", "--recipients", "eve"], "x"),
        1,
        "unknown-recipient",
        "alice, bob",
    );
    on_terminal(&sandbox, &steps("y"), &["set", "prod", "DB_PASSWORD", "--yes"]).assert_status(0);
    assert!(sandbox.read("environments/prod.toml").contains("protected = true\nrecipients = [\"alice\", \"bob\"]\n"));
}

#[test]
fn seal_moves_what_stands_in_clear() {
    let sandbox = desk("");
    let value = sandbox.canary("clear");
    let dev = format!(
        "[values]\nDB_PASSWORD = \"{value}\"\nDATABASE_URL = \"postgres://a:${{DB_PASSWORD}}@h/d\"\n[for.api]\nTOKEN = \"tok\"\n"
    );
    sandbox.file(DEV, dev);
    let output = sandbox.run(&["seal", "dev", "--recipients", "alice"]).output();
    assert!(output.status == 0 && output.stderr.contains("sealed in environments/dev.toml: DB_PASSWORD\n"), "{output}");
    assert!(output.stderr.contains("warning[secret-in-clear]: `TOKEN`"), "{output}");
    assert!(output.stderr.contains("git still has the values"), "{output}");
    assert!(!sandbox.read(DEV).contains(&value));
    assert_eq!(get(&sandbox, &["dev", "DATABASE_URL"]).stdout, format!("postgres://a:{value}@h/d\n"));
    let again = sandbox.run(&["seal", "dev"]).output();
    assert!(again.status == 0 && again.stderr.contains("nothing is there to be sealed"), "{again}");
    for (name, told) in [
        ("TOKEN", "a value of its own for one schema"),
        ("DATABASE_URL", "is made from other values"),
        ("NAME", "is not assigned in `[values]`"),
    ] {
        refused(&sandbox.run(&["seal", "dev", name]).output(), 2, "usage", told);
    }
    refused(&sandbox.run(&["seal", "dev", "--from", "dev"]).output(), 2, "usage", "names the environment itself");
    refused(
        &sandbox.run(&["seal", "dev", "--from", "prod", "--yes"]).output(),
        2,
        "usage",
        "`prod` has no sealed values",
    );
}

#[test]
fn seal_takes_values_from_elsewhere() {
    let (sandbox, value) = sealed("[values]\nAPI_KEY = { backend = \"local\" }\n");
    let kept = sandbox.canary("kept");
    let local = set(&sandbox, &["dev", "API_KEY"], kept.as_bytes());
    local.assert_status(0).assert_stderr("`API_KEY` of `dev` is kept on this machine\n");
    let output = set(&sandbox, &["dev", "TOKEN", "--local"], sandbox.canary("token"));
    assert!(output.stderr.contains("to use it: TOKEN = { backend = \"local\" }"), "{output}");
    let moved = sandbox.run(&["seal", "dev", "--from", "local"]).output();
    moved.assert_status(0).assert_stderr("sealed in environments/dev.toml: API_KEY\n");
    assert!(!sandbox.read(DEV).contains("backend"));
    assert_eq!(get(&sandbox, &["dev", "API_KEY"]).stdout, format!("{kept}\n"));
    let copied =
        sandbox.run(&["seal", "prod", "DB_PASSWORD", "--from", "dev", "--recipients", "alice", "--yes"]).output();
    copied.assert_status(0);
    assert_eq!(get(&sandbox, &["prod", "DB_PASSWORD"]).stdout, format!("{value}\n"));
    let again = sandbox.run(&["seal", "prod", "DB_PASSWORD", "--from", "dev", "--yes"]).output();
    again.assert_status(0);
    assert!(again.stderr.ends_with("the same values are sealed there already: nothing was written\n"), "{again}");
}

#[test]
fn shells_complete_the_environment_and_then_the_variable() {
    let sandbox = desk("");
    let complete = |words: &[&str]| {
        let index = words.len().to_string();
        let run = sandbox.run(&[&["--", "envctl"], words].concat());
        run.env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", index)
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .output()
            .stdout
    };
    for command in ["get", "set", "unset"] {
        let first = complete(&[command, ""]);
        assert!(first.contains("prod") && first.contains("DB_PASSWORD"), "{first}");
        let second = complete(&[command, "dev", ""]);
        assert!(!second.contains("prod") && second.contains("DB_PASSWORD"), "{second}");
    }
    assert!(complete(&["recipients", "remove", ""]).contains("alice"));
}

#[test]
fn help_is_short_and_says_what_is_taken() {
    let sandbox = Sandbox::new();
    for (command, usage) in
        [("get", "[ENV] <NAME>"), ("set", "[ENV] <NAME>"), ("unset", "[ENV] <NAME>"), ("seal", "<ENV> [NAME]...")]
    {
        let help = sandbox.run(&[command, "--help"]).output();
        assert!(help.stdout.contains(&format!("Usage: envctl {command} [OPTIONS] {usage}\n")), "{help}");
        assert!(help.stdout.lines().count() < 80, "{help}");
    }
}

#[test]
fn a_value_takes_no_file_of_the_project() {
    let (sandbox, _) = sealed("");
    let before = sandbox.read(DEV);
    for file in [DEV, "envctl.toml", "schemas/api.toml", "./environments/../environments/dev.toml"] {
        let output = get(&sandbox, &["dev", "DB_PASSWORD", "-o", file]);
        refused(&output, 2, "usage", "is a file of the project");
    }
    assert_eq!(sandbox.read(DEV), before);
    get(&sandbox, &["dev", "DB_PASSWORD", "-o", "../home/password"]).assert_status(0);
}

#[test]
fn what_is_no_secret_is_seen_while_it_is_typed() {
    if !there_is("python3", "prompts") {
        return;
    }
    let sandbox = desk("");
    let steps = r#"[["expect", "NAME: "], ["send", " two words \n"]]"#;
    let output = on_terminal(&sandbox, steps, &["set", "dev", "NAME"]);
    assert!(output.status == 0 && output.stdout.contains("NAME:  two words "), "{output}");
    assert!(sandbox.read(DEV).contains("NAME = \" two words \"\n"));
}
