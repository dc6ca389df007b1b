//! `envctl render` with real readers, and on a terminal.

use serde_json::Value;

use crate::commands::{json, two};
use crate::projects::{ENVCTL, left_out, project, refused, there_is};

#[test]
fn render_keeps_secrets_off_the_terminal() {
    let test = "render_keeps_secrets_off_the_terminal";
    if !there_is("script", test) {
        return;
    }
    let (sandbox, secret) = two();
    let on_terminal = |options: &str| {
        let command = format!("\"{ENVCTL}\" render {options}");
        sandbox.program("script", &["-qec", &command, "/dev/null"]).env("CI_TOKEN", &secret)
    };
    for format in ["dotenv", "json", "yaml", "toml", "shell"] {
        let output = on_terminal(&format!("dev --format {format}")).output();
        output.assert_status(2);
        assert!(output.stdout.contains("--reveal"), "{output}");
        let output = on_terminal(&format!("dev --format {format} --reveal")).reveals().output();
        output.assert_status(0);
        assert!(output.stdout.contains(&secret), "{output}");
    }
    on_terminal("dev --format example").output().assert_status(0);
    // What is piped is wanted.
    let output = sandbox.run(&["render", "--format", "json"]).env("CI_TOKEN", &secret).reveals().output();
    assert_eq!(json(&output)["TOKEN"], secret.as_str());
}

const NASTY: &[(&str, &str)] = &[
    ("QUOTES", "a'b\"c`d"),
    ("DOLLAR", "$HOME $(touch pwned) $$ `touch pwned`"),
    ("SPACES", "  x  y  "),
    ("HASH", "a # b"),
    ("BACKSLASH", "\\n \\ \\\\"),
    ("UNICODE", "é🦀"),
    ("NUMBER", "012"),
    ("WORD", "yes"),
    ("EQUALS", "=a="),
    ("BANG", "a!b%c^d&e|f;g<h>i"),
];

#[test]
fn what_is_rendered_reads_back() {
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for (name, value) in NASTY.iter().chain(&[("MULTI", "a\nADMIN=1\n")]) {
        schema += &format!("[variables.{name}]\n");
        dev += &format!("{name} = {}\n", serde_json::to_string(value).unwrap());
    }
    let sandbox = project(&schema, &dev);
    let expected: Value = NASTY
        .iter()
        .chain(&[("MULTI", "a\nADMIN=1\n")])
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    let render = |options: &[&str], file: &str| {
        let output = sandbox.run(&[&["render"], options].concat()).output();
        output.assert_status(0).assert_stderr("");
        sandbox.place(file, &output.bytes);
    };
    render(&["--format", "json"], "out.json");
    assert_eq!(serde_json::from_str::<Value>(&sandbox.read("../out.json")).unwrap(), expected);
    render(&["--format", "toml"], "out.toml");
    let read: Value = toml::from_str(&sandbox.read("../out.toml")).unwrap();
    assert_eq!(read, expected);
    render(&["--format", "yaml"], "out.yaml");
    render(&["--format", "shell"], "out.sh");
    render(&["--format", "shell", "--dialect", "fish"], "out.fish");
    let dump = "import json,os,sys; print(json.dumps({name: os.environ[name] for name in sys.argv[1:]}))";
    let names: Vec<_> = expected.as_object().unwrap().keys().cloned().collect();
    let read = |program: &str, script: &str| {
        if !there_is(program, "what_is_rendered_reads_back") {
            return;
        }
        let script = format!("{script} && exec python3 -c '{dump}' {}", names.join(" "));
        let output = sandbox.program(program, &["-c", &script]).output();
        assert_eq!(json(&output), expected, "{program}");
    };
    for shell in ["sh", "dash", "bash", "zsh"] {
        read(shell, ". ../out.sh");
    }
    read("fish", "source ../out.fish");
    let yaml = "import json,sys\ntry: import yaml\nexcept ImportError: sys.exit(77)\nprint(json.dumps(yaml.safe_load(open(\"../out.yaml\"))))";
    let output = sandbox.program("python3", &["-c", yaml]).output();
    if output.status == 77 {
        left_out("what_is_rendered_reads_back", "no PyYAML");
    } else {
        assert_eq!(json(&output), expected);
    }
    assert!(!sandbox.path("project/pwned").exists());
}

#[test]
fn what_a_format_cannot_carry_names_one_that_can() {
    let sandbox =
        project("[variables.A]\n[variables.B]\n", "[values]\nA = \"it's `$x` and \\\"y\\\"\\n\"\nB = \"fine\"\n");
    let output = sandbox.run(&["render", "--format", "dotenv"]).output();
    refused(&output, 1, "not-renderable", "`A`");
    assert!(output.stderr.contains("use "), "{output}");
    assert!(!output.stderr.contains("`B`"), "{output}");
    sandbox.run(&["render", "--format", "json"]).output().assert_status(0);
    let output = sandbox.run(&["render", "--format", "json", "--dialect", "fish"]).output();
    refused(&output, 2, "usage", "dialect");
    refused(&sandbox.run(&["render"]).output(), 2, "usage", "--format");
    for format in ["example", "markdown"] {
        let output = sandbox.run(&["render", "--format", format]).output();
        output.assert_status(0).assert_stderr("");
        assert!(!output.stdout.contains("fine"), "a value: {output}");
    }
}
