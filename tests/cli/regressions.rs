//! What was wrong once: one test for each mistake that reached the main line.

use crate::projects::{plain, project, refused};

const RULES: &str = "\
[variables.MODE]
default = \"a\"
[variables.OPT]
required = false
[variables.G1]
[variables.G2]
[variables.NEEDED]
[[groups]]
exactly_one = [\"G1\", \"G2\"]
[[rules]]
when = { MODE = \"a\" }
require = [\"NEEDED\"]
";

/// An optional place that is empty made rules say that cleartext is not cleartext.
#[test]
fn an_empty_optional_place_changes_no_rule_about_other_variables() {
    let values = "[values]\nOPT = { backend = \"env\", name = \"NOT_THERE\" }\nG1 = \"x\"\nNEEDED = \"y\"\n";
    let sandbox = project(RULES, values);
    sandbox.run(&["check"]).output().assert_status(0);
    sandbox.run(&["run", "--", "true"]).output().assert_status(0).assert_stderr("");
    sandbox.run(&["check", "--resolve"]).output().assert_status(0);
}

/// With `--only`, what is not named counted as unset for groups and rules.
#[test]
fn only_breaks_no_group() {
    let values = "[values]\nOPT = { backend = \"env\", name = \"NOT_THERE\" }\nG1 = \"x\"\nNEEDED = \"y\"\n";
    let sandbox = project(RULES, values);
    sandbox.run(&["run", "--only", "OPT", "--", "true"]).output().assert_status(0).assert_stderr("");
}

/// A group whose only member turns out to be empty is still found.
#[test]
fn an_empty_place_counts_for_its_group() {
    let values = "[values]\nG1 = { backend = \"env\", name = \"NOT_THERE\" }\nNEEDED = \"y\"\n";
    let sandbox = project(RULES, values);
    sandbox.run(&["check"]).output().assert_status(0);
    refused(&sandbox.run(&["run", "--", "true"]).output(), 125, "group-violation", "G1");
}

/// Any text in `ENVCTL_TRUST` lifted the check of who may change `envctl.toml`.
#[cfg(unix)]
#[test]
fn only_the_id_of_the_project_lifts_the_check_of_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = plain();
    let config = sandbox.path("project/envctl.toml");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o666)).unwrap();
    for (trust, status) in [
        ("", 6),
        ("bogus", 6),
        ("8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e50", 6),
        ("8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f", 0),
        ("8c0d6f5e2b7a4c1d9e3f0a1b2c3d4e5f:0123", 0),
    ] {
        sandbox.run(&["check"]).env("ENVCTL_TRUST", trust).output().assert_status(status);
    }
}

/// `--set` gave a variable to an environment that `only_in` keeps it from, and was ignored for other schemas.
#[test]
fn set_is_held_to_the_schema() {
    let sandbox = project("[variables.ONLY]\nonly_in = [\"prod\"]\n[variables.MODE]\ndefault = \"a\"\n", "");
    sandbox.file("environments/prod.toml", "[values]\nONLY = \"x\"\n").file("schemas/web.toml", "[variables.WEB]\n");
    let run = |set: &str| sandbox.run(&["run", "dev", "--schema", "api", "--set", set, "--", "true"]).output();
    refused(&run("ONLY=1"), 125, "not-in-this-environment", "ONLY");
    refused(&run("WEB=1"), 125, "usage", "WEB");
    run("MODE=b").assert_status(0);
}

/// What cannot be known, or is not delivered, counted as a difference.
#[test]
fn an_environment_does_not_differ_from_itself() {
    let schema = "[variables.PART]\ninternal = true\nsecret = true\n[variables.URL]\nsecret = true\n";
    let values = "[values]\nPART = { backend = \"env\", name = \"GIVEN\" }\nURL = \"http://u:${PART}@h\"\n";
    let sandbox = project(schema, values);
    for more in [&[][..], &["--resolve"]] {
        let arguments = [&["diff", "dev", "dev", "--exit-code"], more].concat();
        sandbox.run(&arguments).env("GIVEN", "abc").output().assert_status(0);
    }
}

/// A misspelt or mistyped `secret` opened the value for display in every other diagnostic about it.
#[test]
fn a_misspelt_secret_keeps_its_value_closed() {
    for key in ["secrt = true", "secret = \"yes\"", "Secret = true", "secret = 1"] {
        let sandbox = project(&format!("[variables.TOKEN]\ntype = \"port\"\n{key}\n"), "");
        let canary = sandbox.canary("TOKEN");
        sandbox.file("environments/dev.toml", format!("[values]\nTOKEN = \"{canary}\"\n"));
        for format in ["human", "json", "github", "sarif"] {
            for command in [&["check"][..], &["run", "--", "true"], &["list"], &["explain", "dev", "TOKEN"]] {
                let arguments = [&["--message-format", format], command].concat();
                assert_ne!(sandbox.run(&arguments).output().status, 0);
            }
        }
    }
}

/// Small files that took seconds or gigabytes.
#[test]
fn small_files_cannot_ask_for_much() {
    // Values made from values, each of a megabyte, in a secret and in a clear chain.
    let mut schema = String::from("[variables.S]\nsecret = true\ninternal = true\n");
    let mut values = format!("[values]\nS = {{ backend = \"env\", name = \"GIVEN\" }}\nC = \"{}\"\n", "x".repeat(1000));
    schema.push_str("[variables.C]\ninternal = true\n");
    for index in 0..200 {
        schema.push_str(&format!("[variables.A{index}]\nsecret = true\n[variables.B{index}]\n"));
        values.push_str(&format!("A{index} = \"{}\"\nB{index} = \"{}\"\n", "${S}".repeat(900), "${C}".repeat(900)));
    }
    let sandbox = project(&schema, &values);
    let given = "y".repeat(1000);
    let output = sandbox.run(&["run", "--", "true"]).env("GIVEN", &given).output();
    refused(&output, 125, "environment-too-large", "32 MiB");
    assert_eq!(output.stderr.matches("error[").count(), 1, "{output}");
    // Many long names that are nearly known ones, on one line.
    let name = |index: usize| format!("V{}{index}", "LONG".repeat(50));
    let schema: Vec<String> = (0..300).map(|index| format!("[variables.{}]\n", name(index))).collect();
    let line: Vec<String> = (300..600).map(|index| format!("{} = 1", name(index))).collect();
    let sandbox = project(&schema.concat(), &format!("values = {{ {} }}\n", line.join(", ")));
    refused(&sandbox.run(&["check"]).output(), 1, "unknown-variable", "");
}

/// An empty list, and a child's assignments for single schemas, slipped past their rules.
#[test]
fn empty_lists_and_single_schemas_are_held_to_the_rules() {
    let sandbox = project("[variables.L]\ntype = \"list\"\nmin_length = 0\nmin_items = 1\n", "[values]\nL = \"\"\n");
    refused(&sandbox.run(&["check"]).output(), 1, "list-items", "at least 1 item");
    let sandbox = project("[variables.PART]\ninternal = true\ndefault = \"x\"\n", "");
    refused(&sandbox.run(&["run", "--only", "PART", "--", "true"]).output(), 125, "usage", "internal");
    refused(&sandbox.run(&["render", "nosuch", "--format", "example"]).output(), 2, "usage", "nosuch");
}

/// A word beside a secret was taken over as its description: often it is the value before.
#[test]
fn a_lone_word_beside_a_secret_is_no_description() {
    let sandbox = crate::harness::Sandbox::new();
    let old = sandbox.canary("the value before");
    sandbox.file("x.env", format!("DB_PASSWORD=abcdef12 # {old}\nPORT=80 # listens\n"));
    sandbox.run(&["init", "made", "--from", "x.env"]).output().assert_status(0);
    let schema = sandbox.read("made/schemas/app.toml");
    assert!(schema.contains("listens") && !schema.contains(&old), "{schema}");
}
