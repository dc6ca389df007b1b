//! What the command of `envctl run` finds in its environment, and what it does not.

use crate::harness::{Run, Sandbox};
use crate::projects::{CONFIG, ENVCTL, plain, project, refused, text, there_is, variables};

/// `env -0` below `run`, with these options.
fn env<'s>(sandbox: &'s Sandbox, options: &[&str]) -> Run<'s> {
    sandbox.run(&[&["run"], options, &["--", "env", "-0"]].concat())
}

#[test]
fn values_arrive_byte_for_byte() {
    let values = [
        ("SPACES", "  two  spaces  "),
        ("QUOTES", "a'b\"c`d"),
        ("DOLLAR", "$HOME $(id) $$ ${"),
        ("LINES", "a\nb\r\nc\rd\n"),
        ("UNICODE", "ü🦀\u{feff}\u{202e}\u{2028}"),
        ("CONTROL", "\u{1}\u{1b}[0m\u{7f}"),
        ("EQUALS", "a=b=="),
        ("BACKSLASH", "\\n\\"),
    ];
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for (name, value) in values {
        schema += &format!("[variables.{name}]\n");
        let written = serde_json::to_string(&value.replace("${", "$${")).unwrap();
        dev += &format!("{name} = {}\n", written.replace('\u{7f}', "\\u007f"));
    }
    let sandbox = project(&schema, &dev);
    let all = variables(&env(&sandbox, &[]).output());
    for (name, value) in values {
        assert_eq!(text(&all, name), Some(value), "{name}");
    }
}

#[test]
fn typed_values_have_one_spelling() {
    let schema = "[variables.I]\ntype = \"integer\"\n[variables.B]\ntype = \"boolean\"\n[variables.N]\ntype = \"number\"\n[variables.L]\ntype = \"list\"\n[variables.D]\ntype = \"date\"\n[variables.P]\ntype = \"list\"\nseparator = \":\"\nitems = \"integer\"\n";
    let dev = "[values]\nI = 1_000\nB = true\nN = 2.50\nL = [\"a\", \"b c\"]\nD = 2026-11-21\nP = [1, 2]\n";
    let all = variables(&env(&project(schema, dev), &[]).output());
    let expected = [("I", "1000"), ("B", "true"), ("N", "2.5"), ("L", "a,b c"), ("D", "2026-11-21"), ("P", "1:2")];
    for (name, value) in expected {
        assert_eq!(text(&all, name), Some(value), "{name}");
    }
}

#[test]
fn nothing_is_added_and_everything_else_is_inherited() {
    let sandbox = plain();
    let all = variables(&env(&sandbox, &[]).env("OTHER", "o").env("lower", "l").output());
    let names: Vec<_> = all.keys().map(String::as_str).collect();
    let expected =
        ["HOME", "LANG", "MODE", "OTHER", "PATH", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "lower"];
    assert_eq!(names, expected);
    let all = variables(&env(&sandbox, &["--clear"]).env("OTHER", "o").output());
    assert_eq!(all.keys().collect::<Vec<_>>(), ["MODE"]);
    let keep = ["--clear", "--keep", "OTHER,HOME,ABSENT", "--keep", "LANG"];
    let all = variables(&env(&sandbox, &keep).env("OTHER", "o").output());
    assert_eq!(all.keys().collect::<Vec<_>>(), ["HOME", "LANG", "MODE", "OTHER"]);
    assert_eq!(text(&all, "OTHER"), Some("o"));
}

#[test]
fn what_keep_names_is_still_no_way_around_the_schema() {
    let sandbox = project("[variables.A]\nrequired = false\n[variables.B]\n", "[values]\nB = \"b\"\n");
    let keep = ["--clear", "--keep", "A,B,ENVCTL_IDENTITY"];
    let run = env(&sandbox, &keep).env("A", "inherited").env("B", "inherited");
    let all = variables(&run.env("ENVCTL_IDENTITY", "x").output());
    assert_eq!(all.keys().collect::<Vec<_>>(), ["B"]);
    assert_eq!(text(&all, "B"), Some("b"));
}

#[test]
fn our_own_variables_never_reach_the_command() {
    let sandbox = plain();
    let all = variables(
        &env(&sandbox, &[])
            .env("ENVCTL_IDENTITY", "AGE-SECRET-KEY-1")
            .env("ENVCTL_ENVIRONMENT", "dev")
            .env("ENVCTL_ANYTHING", "x")
            .env("envctl_lower", "x")
            .env("Envctl_Mixed", "x")
            .env("ENVCTL_", "x")
            .env("ENVCTLX", "kept")
            .env("MY_ENVCTL_X", "kept")
            .output(),
    );
    let ours: Vec<_> = all.keys().filter(|name| name.to_ascii_lowercase().contains("envctl")).collect();
    assert_eq!(ours, ["ENVCTLX", "MY_ENVCTL_X"]);
}

#[test]
fn each_name_stands_once_though_the_parent_had_it_twice() {
    let test = "each_name_stands_once_though_the_parent_had_it_twice";
    if !there_is("python3", test) {
        return;
    }
    let sandbox = plain();
    let script = r#"
import os, sys
class Twice:
    pairs = [("TWICE", "first"), ("MODE", "old"), ("TWICE", "second"), ("MODE", "older"), ("PATH", os.environ["PATH"]), ("HOME", os.environ["HOME"])]
    def __len__(self): return len(self.pairs)
    def __getitem__(self, key): return dict(self.pairs)[key]
    def keys(self): return [name for name, _ in self.pairs]
    def values(self): return [value for _, value in self.pairs]
import posix
posix.execve(sys.argv[1], sys.argv[1:], Twice())
"#;
    let twice = |words: &[&str]| {
        let all = [&["-c", script], words].concat();
        sandbox.program("python3", &all).output()
    };
    let bare = twice(&["/usr/bin/env"]);
    assert_eq!(bare.stdout.matches("TWICE=").count(), 2, "the script itself: {bare}");
    let all = variables(&twice(&[ENVCTL, "run", "--", "/usr/bin/env", "-0"]));
    assert_eq!(all.keys().collect::<Vec<_>>(), ["HOME", "MODE", "PATH", "TWICE"]);
    assert_eq!(text(&all, "TWICE"), Some("first"));
    assert_eq!(text(&all, "MODE"), Some("plain"));
}

#[test]
fn a_declared_variable_comes_from_envctl_alone() {
    let sandbox = project(
        "[variables.SET]\n[variables.DEFAULTED]\ndefault = \"d\"\n[variables.OPTIONAL]\nrequired = false\n[variables.GONE]\nrequired = false\n[variables.INTERNAL]\ninternal = true\n[variables.NOT_HERE]\nonly_in = [\"prod\"]\n",
        "[values]\nSET = \"s\"\nGONE = { absent = true }\nINTERNAL = \"i\"\n",
    );
    sandbox
        .file("schemas/web.toml", "[variables.OF_WEB]\ndefault = \"w\"\n")
        .file("environments/prod.toml", "[values]\nSET = \"s\"\nINTERNAL = \"i\"\nNOT_HERE = \"n\"\n");
    let inherited = ["SET", "DEFAULTED", "OPTIONAL", "GONE", "INTERNAL", "NOT_HERE", "OF_WEB", "UNDECLARED"];
    let with = |options: &[&str]| {
        let run = inherited.iter().fold(env(&sandbox, options), |run, name| run.env(name, "inherited"));
        let all = variables(&run.output());
        let seen = inherited.iter().filter_map(|name| Some(format!("{name}={}", text(&all, name)?)));
        seen.collect::<Vec<_>>()
    };
    assert_eq!(with(&["--schema", "api"]), ["SET=s", "DEFAULTED=d", "UNDECLARED=inherited"]);
    assert_eq!(with(&["--schema", "web"]), ["OF_WEB=w", "UNDECLARED=inherited"]);
    assert_eq!(with(&["--schema", "api", "--only", "DEFAULTED"]), ["DEFAULTED=d", "UNDECLARED=inherited"]);
    assert_eq!(with(&["prod", "--schema", "api"]), ["SET=s", "DEFAULTED=d", "NOT_HERE=n", "UNDECLARED=inherited"]);
}

#[test]
fn credentials_of_configured_backends_are_taken_out() {
    let config = format!(
        "{CONFIG}[backends.vault]\nkind = \"vault\"\naddress = \"https://vault.example.com:8200\"\nauth = {{ method = \"approle\", role_id = \"r\", secret_id_env = \"MY_SECRET_ID\" }}\n"
    );
    let with = |config: &str, schema: &str, dev: &str| {
        let sandbox = project(schema, dev);
        sandbox.file("envctl.toml", config);
        let run = env(&sandbox, &[])
            .env("VAULT_TOKEN", "t")
            .env("BAO_TOKEN", "t")
            .env("MY_SECRET_ID", "i")
            .env("AWS_SECRET_ACCESS_KEY", "a")
            .env("VAULT_NAMESPACE", "n");
        let all = variables(&run.output());
        let seen = ["VAULT_TOKEN", "BAO_TOKEN", "MY_SECRET_ID", "AWS_SECRET_ACCESS_KEY", "VAULT_NAMESPACE"];
        seen.into_iter().filter(|name| all.contains_key(*name)).collect::<Vec<_>>()
    };
    let (schema, dev) = ("[variables.MODE]\n", "[values]\nMODE = \"m\"\n");
    assert_eq!(with(&config, schema, dev), ["AWS_SECRET_ACCESS_KEY", "VAULT_NAMESPACE"]);
    // Without the backend these are the program's own.
    assert_eq!(
        with(CONFIG, schema, dev),
        ["VAULT_TOKEN", "BAO_TOKEN", "MY_SECRET_ID", "AWS_SECRET_ACCESS_KEY", "VAULT_NAMESPACE"]
    );
    // What the schema declares is delivered.
    let (schema, dev) = ("[variables.BAO_TOKEN]\n", "[values]\nBAO_TOKEN = \"own\"\n");
    assert_eq!(with(&config, schema, dev), ["BAO_TOKEN", "AWS_SECRET_ACCESS_KEY", "VAULT_NAMESPACE"]);
}

#[test]
fn only_delivers_what_it_names_and_needs_nothing_else() {
    let sandbox = project(
        "[variables.A]\n[variables.URL]\n[variables.PASSWORD]\nsecret = true\n[variables.OTHER]\nsecret = true\n",
        "[values]\nA = \"a\"\nURL = \"x:${PASSWORD}@y\"\nPASSWORD = { backend = \"env\", name = \"FROM_PARENT\" }\nOTHER = { backend = \"env\", name = \"NOT_THERE\" }\n",
    );
    let all = variables(&env(&sandbox, &["--only", "URL"]).env("FROM_PARENT", "p:w").output());
    assert_eq!(text(&all, "URL"), Some("x:p:w@y"));
    assert!(!all.contains_key("PASSWORD") && !all.contains_key("A"));
    let all = variables(&env(&sandbox, &["--only", "A,URL"]).env("FROM_PARENT", "p").output());
    assert!(all.contains_key("A") && all.contains_key("URL"));
    // Everything is still planned: what is wrong in the files stops it.
    let output = env(&sandbox, &[]).env("FROM_PARENT", "p").output();
    refused(&output, 125, "missing-value", "`OTHER`");
}

/// A project to try `--set` on.
fn settable() -> Sandbox {
    let sandbox = project(
        "[variables.PORT]\ntype = \"port\"\n[variables.URL]\n[variables.EMPTY]\nmin_length = 0\ndefault = \"x\"\n[variables.KEY]\nsecret = true\nrequired = false\n[variables.MADE]\n",
        "[values]\nPORT = 1\nURL = \"http://localhost:${PORT}\"\nMADE = \"m\"\n",
    );
    sandbox.file("environments/prod.toml", "protected = true\n[values]\nPORT = 1\nURL = \"u\"\nMADE = \"m\"\n");
    sandbox
}

#[test]
fn set_gives_another_value_this_once() {
    let sandbox = settable();
    let set = ["--set", "PORT=8080", "--set", "EMPTY=", "--set", "MADE=${PORT}=$x"];
    let all = variables(&env(&sandbox, &set).output());
    assert_eq!(text(&all, "PORT"), Some("8080"));
    assert_eq!(text(&all, "URL"), Some("http://localhost:8080"));
    assert_eq!(text(&all, "EMPTY"), Some(""));
    assert_eq!(text(&all, "MADE"), Some("${PORT}=$x"), "a value of the command line is literal");
}

#[test]
fn set_refuses_without_repeating_the_value() {
    let sandbox = settable();
    let secret = sandbox.canary("KEY");
    let given = format!("KEY={secret}");
    refused(&env(&sandbox, &["--set", &given]).output(), 125, "usage", "`KEY` is a secret");
    let given = format!("NOPE={secret}");
    refused(&env(&sandbox, &["--set", &given]).output(), 125, "usage", "no schema declares");
    refused(&env(&sandbox, &["--set", &secret]).output(), 125, "usage", "NAME=VALUE");
    let given = format!("PORT={secret}");
    env(&sandbox, &["--set", &given]).reveals().output().assert_status(125).assert_stdout("");
    refused(&env(&sandbox, &["--set", "PORT=70000"]).output(), 125, "type-mismatch", "`PORT`");
    refused(&env(&sandbox, &["--set", "URL="]).output(), 125, "value-length", "`URL`");
    let output = env(&sandbox, &["prod", "--set", "PORT=2"]).output();
    refused(&output, 125, "usage", "protected");
}

#[test]
fn the_env_backend_reads_what_a_reference_names() {
    let sandbox = project(
        "[variables.TOKEN]\nsecret = true\n[variables.SAME]\nsecret = true\nrequired = false\n",
        "[values]\nTOKEN = { backend = \"env\", name = \"CI_TOKEN\" }\nSAME = { backend = \"env\" }\n",
    );
    let token = sandbox.canary("CI_TOKEN");
    let all = variables(&env(&sandbox, &[]).env("CI_TOKEN", &token).env("SAME", "s").reveals().output());
    assert_eq!(text(&all, "TOKEN"), Some(token.as_str()));
    assert_eq!(text(&all, "SAME"), Some("s"));
    let output = env(&sandbox, &[]).output();
    refused(&output, 125, "missing-value", "`TOKEN`");
}

#[test]
fn one_value_as_long_as_the_system_takes() {
    let values = |size: usize| format!("[values]\nA = \"{}\"\n", "x".repeat(size));
    let sandbox = project("[variables.A]\n", &values(131_069));
    let all = variables(&env(&sandbox, &[]).output());
    assert_eq!(all["A"].len(), 131_069);
    sandbox.file("environments/dev.toml", values(131_070));
    refused(&env(&sandbox, &[]).output(), 125, "value-too-large", "`A`");
    sandbox.run(&["check"]).output().assert_status(0);
}

#[test]
fn all_values_together_as_long_as_the_system_takes() {
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for index in 0..250 {
        schema += &format!("[variables.V{index}]\n");
        dev += &format!("V{index} = \"{}\"\n", "x".repeat(10_000 + index));
    }
    let output = env(&project(&schema, &dev), &[]).output();
    refused(&output, 125, "environment-too-large", "`V249`, `V248`, `V247`");
}

/// The preflight and the kernel agree: whatever the one lets pass, the other starts.
#[test]
fn the_border_of_what_fits_is_the_one_of_the_kernel() {
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for index in 0..20 {
        schema += &format!("[variables.V{index}]\n");
        dev += &format!("V{index} = \"{}\"\n", "x".repeat(100_000));
    }
    schema += "[variables.LAST]\n";
    let sandbox = project(&schema, &dev);
    let mut seen = [0, 0];
    for size in (60_000..110_000).step_by(7_000).chain((96_800..97_100).step_by(20)) {
        let text = format!("{dev}LAST = \"{}\"\n", "x".repeat(size));
        sandbox.file("environments/dev.toml", text);
        let script = "ulimit -s 8192; exec \"$0\" run -- true";
        let output = sandbox.program("sh", &["-c", script, ENVCTL]).output();
        if output.status == 0 {
            seen[0] += 1;
        } else {
            seen[1] += 1;
            refused(&output, 125, "environment-too-large", "V");
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

#[test]
fn a_nul_cannot_be_passed_on() {
    let sandbox = project("[variables.A]\nmin_length = 0\n", "[values]\nA = \"a\\u0000b\"\n");
    let output = env(&sandbox, &[]).output();
    output.assert_status(125).assert_stdout("");
    assert!(output.stderr.contains("`A`") && output.stderr.contains("NUL"), "{output}");
}

#[test]
fn an_environment_that_is_no_text_is_passed_through() {
    let sandbox = plain();
    let script = "X=$(printf 'a\\377b'); export X; exec \"$0\" run -- env -0";
    let all = variables(&sandbox.program("sh", &["-c", script, ENVCTL]).output());
    assert_eq!(all["X"], b"a\xffb");
}

#[test]
fn ten_thousand_variables_start() {
    let (mut schema, mut dev) = (String::new(), String::from("[values]\n"));
    for index in 0..10_000 {
        schema += &format!("[variables.NAME_{index:05}]\n");
        dev += &format!("NAME_{index:05} = \"{index:0>150}\"\n");
    }
    let sandbox = project(&schema, &dev);
    let all = variables(&env(&sandbox, &["--clear"]).output());
    assert_eq!(all.len(), 10_000);
}
