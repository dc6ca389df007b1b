//! Hostile names, words and texts: they are no paths, no options and no orders to a terminal.

use std::collections::BTreeMap;

use crate::harness::Sandbox;
use crate::hostile::{is_raw, survives};
use crate::projects::{CONFIG, ENVCTL, plain, project, refused, variables};

/// Text that steers terminals and logs.
const ESCAPES: &str = "\\u001b[2J\\u001b]52;c;aGk=\\u0007\\u001b]8;;http://evil.example\\u001b\\\\x\\u202e\\u2066\\u0085\\u2028\\ufeff\\u200f\\r\\n::error ::x";

#[test]
fn escapes_are_shown_and_not_obeyed() {
    let texts = [
        format!("[variables.MODE]\ndescription = \"{ESCAPES}\"\nexample = \"{ESCAPES}\"\ndeprecated = \"{ESCAPES}\"\n"),
        format!("description = \"{ESCAPES}\"\n[variables.MODE]\n"),
        format!("[variables.\"{ESCAPES}\"]\n[variables.MODE]\n"),
        format!("[variables.MODE]\n\"{ESCAPES}\" = 1\ntype = \"{ESCAPES}\"\nenum = [\"{ESCAPES}\"]\n"),
        format!("include = [\"{ESCAPES}\"]\n[variables.MODE]\npattern = \"({ESCAPES}\"\n"),
        "[variables.MODE]\n# \u{202e}\u{2066} comment \u{feff}\ntype = \"x\u{200f}\u{85}\"\n".to_owned(),
    ];
    for schema in texts {
        let sandbox = project(&schema, "[values]\nMODE = \"plain\"\n");
        survives(&sandbox, &schema);
        for command in [
            &["explain", "dev", "MODE"][..],
            &["diff", "dev", "dev"],
            &["check", "--message-format", "github"],
            &["check", "--message-format", "sarif"],
            &["list", "--format", "json"],
        ] {
            let output = sandbox.run(command).output();
            let text = format!("{}{}", output.stdout, output.stderr);
            assert!(!text.chars().any(is_raw), "{command:?} {schema}: {text:?}");
            assert!(
                command[2..].first() != Some(&"github") || !text.lines().any(|line| line.starts_with("::error ::x")),
                "{text}"
            );
        }
    }
    for dev in [
        format!("[values]\n\"{ESCAPES}\" = \"x\"\n"),
        format!("[values]\nMODE = {{ backend = \"{ESCAPES}\" }}\n"),
        format!("extends = \"{ESCAPES}\"\n"),
        format!("[for.\"{ESCAPES}\"]\nMODE = \"x\"\n"),
        format!("recipients = [\"{ESCAPES}\"]\n[values]\nMODE = \"x\"\n"),
    ] {
        let sandbox = project("[variables.MODE]\n", &dev);
        assert_ne!(survives(&sandbox, &dev)[0].status, 0, "{dev}");
    }
    for config in [
        format!("{CONFIG}[recipients]\n\"{ESCAPES}\" = \"age1x\"\n"),
        format!("{CONFIG}[backends.\"{ESCAPES}\"]\nkind = \"{ESCAPES}\"\n"),
        format!("{CONFIG}\"{ESCAPES}\" = 1\n"),
        CONFIG.replace("shop", ESCAPES),
    ] {
        let sandbox = plain();
        sandbox.file("envctl.toml", config);
        survives(&sandbox, "config");
    }
}

#[test]
fn escapes_in_paths_are_shown() {
    let sandbox = plain();
    for name in ["\u{1b}[2J", "\u{202e}x", "a\nb", "::error ::x", "-rf", ".hidden", "Ünïcode", " "] {
        sandbox.file(&format!("environments/{name}.toml"), "[values\n").file(&format!("schemas/{name}.toml"), "[x\n");
    }
    let outputs = survives(&sandbox, "file names");
    assert_ne!(outputs[0].status, 0);
    let strange = "a\u{1b}[2J\n::error ::b\u{202e}";
    let sandbox = Sandbox::new();
    sandbox.file(&format!("{strange}/envctl.toml"), CONFIG).file(&format!("{strange}/schemas/api.toml"), "[x\n");
    for command in [
        &["check", "--project", strange][..],
        &["check", "--message-format", "github", "--project", strange],
        &["init", strange],
        &["run", "--", strange],
        &["init", "--from", strange],
    ] {
        let output = sandbox.run(command).output();
        assert!(!format!("{}{}", output.stdout, output.stderr).chars().any(is_raw), "{command:?}: {output:?}");
        assert!(
            !output.stderr.lines().chain(output.stdout.lines()).any(|line| line.starts_with("::error ::b")),
            "{output}"
        );
    }
}

#[test]
fn names_of_variables_at_the_borders() {
    let long = "A".repeat(255);
    let sandbox = project(
        &format!("[variables.{long}]\n[variables._]\n[variables.a1]\n"),
        &format!("[values]\n{long} = \"x\"\n_ = \"y\"\na1 = \"z\"\n"),
    );
    let output = sandbox.run(&["run", "--clear", "--", "env", "-0"]).output();
    let all: BTreeMap<_, _> = variables(&output);
    assert_eq!(all.keys().map(String::as_str).collect::<Vec<_>>(), [long.as_str(), "_", "a1"]);
    for (name, code) in [
        (format!("A{long}").as_str(), "invalid-name"),
        ("\"\"", "invalid-name"),
        ("1A", "invalid-name"),
        ("A-B", "invalid-name"),
        ("\"Ä\"", "invalid-name"),
        ("\"A B\"", "invalid-name"),
        ("\"A=B\"", "invalid-name"),
        ("\"A\\u0000\"", "invalid-name"),
        ("LD_PRELOAD", "reserved-name"),
        ("ld_preload", "reserved-name"),
        ("ENVCTL_IDENTITY", "reserved-name"),
        ("Path", "reserved-name"),
    ] {
        let sandbox = project(&format!("[variables.{name}]\n"), "");
        refused(&survives(&sandbox, name)[0], 1, code, "");
    }
}

#[test]
fn words_on_the_command_line_are_no_paths() {
    let sandbox = plain();
    sandbox.place("x.toml", "[values]\nMODE = \"outside\"\n");
    let long = "a".repeat(100_000);
    for word in [
        "-rf",
        "..",
        "a/b",
        "",
        "../x",
        "/etc/passwd",
        "dev.local",
        "dev\n",
        "DEV",
        "dév",
        "\u{1b}[2J",
        "\u{202e}",
        &long,
        "--",
        "dev.toml",
    ] {
        for command in [
            &["check", word][..],
            &["run", word, "--", "true"],
            &["list", word],
            &["list", "--schema", word],
            &["diff", "dev", word],
            &["explain", word, "MODE"],
            &["render", word, "--format", "json"],
        ] {
            let output = sandbox.run(command).output();
            if word == "--" && command[0] != "diff" && command[0] != "list" {
                assert_ne!(output.status, 101, "{output}");
                continue;
            }
            assert!(
                [0, 1, 2, 125, 127].contains(&output.status) && !output.stderr.contains("[bug]"),
                "{command:?}: {output}"
            );
            assert!(word == "--" || output.status != 0, "{command:?}: {output}");
            assert!(!output.stderr.chars().any(is_raw), "{command:?}: {:?}", output.stderr);
            assert!(output.stderr.len() < 5_000, "{:?}: {} bytes", command[0], output.stderr.len());
        }
    }
    let output = sandbox.program("sh", &["-c", "\"$0\" check \"$(printf '\\377')\"; \"$0\" run \"$(printf '\\377')\" -- true; \"$0\" --project \"$(printf 'a\\377')\" list; ENVCTL_ENVIRONMENT=$(printf '\\377') \"$0\" list; ENVCTL_PROJECT=$(printf '\\377') \"$0\" list", ENVCTL]).output();
    assert!(!output.stderr.contains("[bug]"), "{output}");
}

#[test]
fn names_in_files_are_no_paths() {
    for extends in ["../../x", "/etc/passwd", "dev/../dev", "..", ".", "", "a.b", "-rf", "dev\\u0000", "DEV", "x\\n"] {
        let sandbox = plain();
        sandbox.place("x.toml", "[values]\nMODE = \"outside\"\n");
        sandbox.file("environments/dev.toml", format!("extends = \"{extends}\"\n"));
        assert_eq!(survives(&sandbox, extends)[0].status, 1, "extends {extends}");
        let sandbox = plain();
        sandbox.file("schemas/api.toml", format!("include = [\"{extends}\"]\n[variables.MODE]\n"));
        assert_eq!(survives(&sandbox, extends)[0].status, 1, "include {extends}");
    }
}
