//! The commands that read: list, explain, diff; and the options and variables that all commands share.

use serde_json::Value;

use crate::harness::{Output, Sandbox};
use crate::projects::{CONFIG, ENVCTL, plain, project, refused, there_is};

const SCHEMA: &str = "[variables.PORT]\ntype = \"port\"\ndefault = 8000\ndescription = \"Where it listens\"\n[variables.MODE]\n[variables.TOKEN]\nsecret = true\n[variables.URL]\n[variables.EXTRA]\nrequired = false\n";

/// Two environments with secrets that a run may not show.
pub(crate) fn two() -> (Sandbox, String) {
    let dev =
        "[values]\nMODE = \"dev\"\nTOKEN = { backend = \"env\", name = \"CI_TOKEN\" }\nURL = \"http://u:${TOKEN}@h\"\n";
    let sandbox = project(SCHEMA, dev);
    sandbox.file("environments/prod.toml", "protected = true\n[values]\nMODE = \"prod\"\nPORT = 80\nTOKEN = { backend = \"env\", name = \"CI_TOKEN\" }\nURL = \"plain\"\nEXTRA = \"x\"\n");
    let secret = sandbox.canary("TOKEN");
    (sandbox, secret)
}

/// The JSON document of a run that succeeded.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&output.assert_status(0).stdout).unwrap()
}

#[test]
fn list_tells_everything_but_values() {
    let (sandbox, secret) = two();
    let output = sandbox.run(&["list"]).env("CI_TOKEN", &secret).output();
    output.assert_status(0).assert_stderr("");
    let line = |name: &str| output.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("TOKEN").contains("secret") && line("TOKEN").contains("environments/dev.toml:3"), "{output}");
    assert!(line("URL").contains("secret"), "{output}");
    assert!(line("PORT").contains("default"), "{output}");
    assert!(line("EXTRA").contains("unset"), "{output}");
    assert!(!output.stdout.contains(" \n"), "trailing blanks: {output}");
    let document = json(&sandbox.run(&["list", "prod", "--format", "json"]).output());
    assert_eq!(
        (&document["schema_version"], &document["environment"], &document["protected"]),
        (&Value::from(1), &Value::from("prod"), &Value::from(true))
    );
    let names: Vec<_> =
        document["variables"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["EXTRA", "MODE", "PORT", "TOKEN", "URL"]);
    let document = json(&sandbox.run(&["list", "--format", "json"]).output());
    let names: Vec<_> =
        document["variables"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["EXTRA", "MODE", "PORT", "TOKEN", "URL"], "all sorting is by bytes, the unset ones too");
}

#[test]
fn explain_tells_of_a_variable_and_of_a_code() {
    let (sandbox, _) = two();
    let output = sandbox.run(&["explain", "dev", "URL"]).output();
    output.assert_status(0);
    for part in ["environments/dev.toml:4", "TOKEN", "secret       yes"] {
        assert!(output.stdout.contains(part), "{part}: {output}");
    }
    let document = json(&sandbox.run(&["explain", "prod", "PORT", "--format", "json"]).output());
    assert_eq!(document["name"], "PORT");
    sandbox.run(&["explain", "dev", "EXTRA"]).output().assert_status(0);
    refused(&sandbox.run(&["explain", "dev", "PORTT"]).output(), 2, "usage", "PORT");
    refused(&sandbox.run(&["explain", "no-such-code"]).output(), 2, "usage", "");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes")).unwrap().flatten() {
        let code = entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        let output = Sandbox::new().run(&["explain", &code]).output();
        output.assert_status(0).assert_stderr("");
        assert!(output.stdout.starts_with(&format!("# {code}\n")), "{output}");
    }
}

#[test]
fn diff_tells_what_differs_and_no_value() {
    let (sandbox, secret) = two();
    let output = sandbox.run(&["diff", "dev", "prod"]).env("CI_TOKEN", &secret).output();
    output.assert_status(0);
    for name in ["MODE", "PORT", "EXTRA", "URL"] {
        assert!(output.stdout.contains(name), "{name}: {output}");
    }
    sandbox.run(&["diff", "dev", "prod", "--exit-code"]).output().assert_status(1);
    sandbox.run(&["diff", "dev", "dev", "--exit-code"]).output().assert_status(0);
    json(&sandbox.run(&["diff", "dev", "prod", "--format", "json"]).output());
    refused(&sandbox.run(&["diff", "dev", "prd"]).output(), 2, "usage", "`prod`");
    let fresh = Sandbox::new();
    fresh.run(&["init"]).output().assert_status(0);
    let output = fresh.run(&["diff", "dev", "prod"]).output();
    output.assert_status(1);
    assert!(output.stdout.contains("SESSION_SECRET"), "{output}");
}

/// What is missing is shown in its place, and it is an error all the same.
#[test]
fn what_is_not_complete_is_listed_with_its_errors() {
    let sandbox = project("[variables.A]\n[variables.B]\n", "[values]\nA = \"a\"\n");
    for command in [&["list"][..], &["explain", "dev", "B"]] {
        let output = sandbox.run(command).output();
        output.assert_status(1);
        assert!(output.stdout.contains("missing") || output.stdout.contains("none in `dev`"), "{output}");
        assert!(output.stderr.contains("error[missing-value]: `B`"), "{output}");
    }
}

#[test]
fn no_word_that_may_be_a_secret_is_repeated() {
    let (sandbox, _) = two();
    let canary = sandbox.canary("typed");
    let word = canary.as_str();
    let given = format!("--set={word}");
    let unknown = format!("--no-such-option={word}");
    let cases: &[&[&str]] = &[
        &["check", "dev", word],
        &["check", "hunter2-like", word],
        &["list", word],
        &["list", "dev", word],
        &["diff", "dev", word],
        &["explain", "dev", word],
        &["explain", word],
        &["list", "--schema", word],
        &["check", "--schema", word],
        &["run", "--schema", word, "--", "true"],
        &["explain", "dev", "PORT", word],
        &["render", word, "--format", "json"],
        &["render", "--format", word],
        &["render", "--format", "json", "--dialect", word],
        &["init", "x", word],
        &["completions", word],
        &["run", "dev", "server", word],
        &["run", word, "--", "true"],
        &["run", "--only", word, "--", "true"],
        &["run", &given, "--", "true"],
        &["run", &unknown, "--", "true"],
        &["check", &unknown],
        &["--color", word, "list"],
        &["--message-format", word, "list"],
        &["set", "dev", "TOKEN", word],
        &["man", "x", word],
    ];
    for arguments in cases {
        let output = sandbox.run(arguments).output();
        assert!([2, 125].contains(&output.status), "{arguments:?}: {output}");
        assert!(output.stderr.contains("[usage]") && output.stdout.is_empty(), "{output}");
    }
    assert!(!sandbox.path("project/x").exists());
}

#[test]
fn reports_come_in_the_format_asked_for() {
    let sandbox = project("[variables.A]\n[variables.B]\ntype = \"port\"\n", "[values]\nB = 0\n");
    let check = |format| sandbox.run(&["check", "--message-format", format]).output();
    let output = check("json");
    output.assert_status(1).assert_stderr("");
    let lines: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert!(lines.iter().all(|line| line["schema_version"].is_number() && line["code"].is_string()), "{output}");
    let output = check("github");
    output.assert_status(1).assert_stderr("");
    assert!(output.stdout.lines().all(|line| line.starts_with("::error ")), "{output}");
    let output = check("sarif");
    output.assert_status(1).assert_stderr("");
    let sarif: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    check("human").assert_status(1).assert_stdout("");
    for format in ["json", "github", "sarif"] {
        let output = sandbox.run(&["render", "--format", "json", "--message-format", format]).output();
        output.assert_status(1).assert_stdout("");
        assert!(output.stderr.contains("missing-value"), "{output}");
    }
    // A clean report is complete as well: SARIF is uploaded whatever it says.
    let clean = plain();
    let output = clean.run(&["check", "--message-format", "sarif"]).output();
    let sarif: Value = serde_json::from_str(&output.assert_status(0).stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"], Value::Array(Vec::new()));
    for format in ["json", "github"] {
        let output = clean.run(&["check", "--message-format", format]).output();
        output.assert_status(0).assert_stdout("").assert_stderr("");
    }
}

#[test]
fn quiet_strict_and_colour() {
    let sandbox = project("[variables.OLD]\ndeprecated = \"use NEW\"\n", "[values]\nOLD = \"x\"\n");
    sandbox.run(&["check", "-q"]).output().assert_status(0).assert_stdout("").assert_stderr("");
    sandbox.run(&["check", "--strict"]).output().assert_status(1);
    let strict = sandbox.run(&["check", "--strict", "-q"]).output();
    strict.assert_status(1);
    assert!(!strict.stderr.is_empty(), "a failure that says nothing");
    let coloured = |options: &[&str]| {
        let output = sandbox.run(&[options, &["check"]].concat()).env("TERM", "xterm").output();
        output.stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[]), "standard error is no terminal");
    assert!(!coloured(&["--color", "never"]));
    assert!(coloured(&["--color", "always"]));
    let json = sandbox.run(&["check", "--color", "always", "--message-format", "json"]).output();
    assert!(!json.stdout.contains('\u{1b}'), "{json}");
    if !there_is("script", "quiet_strict_and_colour") {
        return;
    }
    let on_terminal = |variables: &str, options: &str| {
        let command = format!("{variables} \"{ENVCTL}\" {options} check");
        let output = sandbox.program("script", &["-qec", &command, "/dev/null"]).env("TERM", "xterm").output();
        output.stdout.contains('\u{1b}')
    };
    assert!(on_terminal("", ""));
    assert!(!on_terminal("NO_COLOR=1", ""));
    assert!(on_terminal("NO_COLOR=", ""), "an empty NO_COLOR counts as not set (no-color.org)");
    assert!(!on_terminal("TERM=dumb", ""));
    assert!(on_terminal("NO_COLOR=1", "--color always"));
}

#[test]
fn a_reader_that_goes_is_no_error_and_a_full_disk_is() {
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for index in 0..5000 {
        schema += &format!("[variables.NAME_{index}]\n");
        dev += &format!("NAME_{index} = \"value {index}\"\n");
    }
    let sandbox = project(&schema, &dev);
    let shell = |script: &str| sandbox.program("bash", &["-c", &format!("set -o pipefail; {script}"), ENVCTL]).output();
    for command in ["list", "list --format json", "render --format dotenv", "completions bash", "explain dev NAME_1"] {
        let output = shell(&format!("\"$0\" {command} | true"));
        output.assert_status(0).assert_stderr("");
        let output = shell(&format!("\"$0\" {command} >&-"));
        assert!([0, 5].contains(&output.status), "{output}");
        let output = shell(&format!("\"$0\" {command} >/dev/full"));
        refused(&output, 5, "io", "standard output");
    }
    let output = shell("\"$0\" list | head -n 1");
    output.assert_status(0).assert_stderr("");
    let output = shell("\"$0\" --help >/dev/full");
    assert_eq!(output.status, 5, "{output}");
    let output = shell("\"$0\" check --message-format sarif >/dev/full");
    assert_eq!(output.status, 5, "{output}");
    assert!(!output.stderr.is_empty(), "exit 5 without a word");
    for command in ["list 2>&-", "check 2>&- >&-", "check 2>/dev/full", "run 2>&- -- true"] {
        let output = shell(&format!("\"$0\" {command} </dev/null"));
        assert_ne!(output.status, 101, "{output}");
    }
}

#[test]
fn the_project_is_the_one_named_or_the_nearest() {
    let sandbox = plain();
    let nested = CONFIG.replace("shop", "inner").replace("8c0d", "9c0d");
    sandbox
        .file("inner/envctl.toml", nested)
        .file("inner/schemas/api.toml", "[variables.MODE]\n")
        .file("inner/environments/dev.toml", "[values]\nMODE = \"inner\"\n")
        .file("inner/deep/er/x", "")
        .file("outer-deep/x", "");
    let mode = |folder: &str, options: &[&str], named: &str| {
        let arguments = [options, &["run", "--", "sh", "-c", "echo $MODE"]].concat();
        let run = sandbox.run(&arguments).dir(folder).env("ENVCTL_PROJECT", named);
        run.output().assert_status(0).stdout.trim().to_owned()
    };
    assert_eq!(mode("outer-deep", &[], ""), "plain");
    assert_eq!(mode("inner/deep/er", &[], ""), "inner");
    assert_eq!(mode("inner/deep/er", &["--project", "../../.."], ""), "plain");
    assert_eq!(mode(".", &[], "inner"), "inner");
    assert_eq!(mode(".", &["--project", "."], "inner"), "plain", "the option wins");
    let there = sandbox.path("project/inner").to_str().unwrap().to_owned();
    assert_eq!(mode(".", &["--project", &there], ""), "inner");
    refused(&sandbox.run(&["check", "--project", "inner/deep"]).output(), 2, "not-a-project", "");
}

#[test]
fn environment_and_schema_come_from_the_process_where_nothing_is_named() {
    let sandbox = plain();
    sandbox
        .file("environments/qa.toml", "[values]\nMODE = \"qa\"\nPORT = 1\n")
        .file("schemas/web.toml", "directory = \"services/web\"\n[variables.PORT]\ntype = \"port\"\ndefault = 80\n")
        .file("services/web/src/x", "");
    let show = |folder: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let all = [&["run"], arguments, &["--", "sh", "-c", "echo $MODE/$PORT"]].concat();
        let run = sandbox.run(&all).dir(folder);
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        let output = run.output();
        (output.status, output.stdout.trim().to_owned())
    };
    let yes = |text: &str| (0, text.to_owned());
    assert_eq!(show(".", &["--schema", "api"], &[]), yes("plain/"));
    assert_eq!(show(".", &["qa"], &[("ENVCTL_SCHEMA", "api")]), yes("qa/"));
    assert_eq!(show(".", &[], &[("ENVCTL_SCHEMA", "api"), ("ENVCTL_ENVIRONMENT", "qa")]), yes("qa/"));
    assert_eq!(show(".", &["dev"], &[("ENVCTL_SCHEMA", "api"), ("ENVCTL_ENVIRONMENT", "qa")]), yes("plain/"));
    assert_eq!(show("services/web/src", &[], &[]), yes("/80"));
    assert_eq!(show("services/web", &["qa"], &[]), yes("/1"));
    assert_eq!(show("services/web", &[], &[("ENVCTL_SCHEMA", "api")]), yes("plain/"));
    assert_eq!(show("services", &[], &[]).0, 125, "several schemas, none chosen");
    assert_eq!(show(".", &["--schema", "api"], &[("ENVCTL_ENVIRONMENT", "")]), yes("plain/"));
    assert_eq!(show(".", &["--schema", "api"], &[("ENVCTL_ENVIRONMENT", "nope")]).0, 125);
    let output = sandbox.run(&["list"]).output();
    refused(&output, 1, "ambiguous-schema", "api, web");
}

#[test]
fn a_protected_environment_is_never_the_default() {
    let sandbox = project("[variables.A]\ndefault = \"x\"\n", "protected = true\n[values]\n");
    for arguments in [&["run", "--", "true"][..], &["list"], &["check"], &["render", "--format", "json"]] {
        let output = sandbox.run(arguments).output();
        assert_ne!(output.status, 0, "{arguments:?}");
        assert!(output.stderr.contains("`dev` is protected"), "{output}");
    }
    sandbox.file("envctl.toml", CONFIG.replace("default_environment = \"dev\"\n", ""));
    refused(&sandbox.run(&["run", "--", "true"]).output(), 125, "environment-needed", "dev");
    sandbox.run(&["run", "dev", "--", "true"]).output().assert_status(0);
    // The word of the process environment is a name that somebody gave.
    let output = sandbox.run(&["run", "--", "true"]).env("ENVCTL_ENVIRONMENT", "dev").output();
    output.assert_status(0);
}

#[test]
fn several_causes_have_the_first_exit_code() {
    let sandbox = project("[variables.A]\n[variables.K]\nsecret = true\n", "[values]\nB = 1\n");
    sandbox.run(&["check"]).output().assert_status(1);
    std::fs::create_dir(sandbox.path("project/environments/qa.toml")).unwrap();
    sandbox.run(&["check", "--all"]).output().assert_status(5);
    sandbox.file("environments/prod.toml", "[secrets]\nK = { enc = \"AQ\", since = 1, rotated = 2026-01-01 }\n");
    sandbox.run(&["check", "--all"]).output().assert_status(6);
}
