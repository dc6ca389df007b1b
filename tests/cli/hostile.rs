//! Input that is made to hurt: each ends soon, with an error of ours, without a value shown and without a file written.

use crate::harness::{Output, Sandbox, set_mode};
use crate::projects::{CONFIG, ENVCTL, left_out, plain, project, refused, there_is, unprivileged};

/// The commands that read a project; none of them may write into it.
const COMMANDS: [&[&str]; 7] = [
    &["check", "--all"],
    &["check", "--all", "--message-format", "json"],
    &["check", "--all", "--resolve"],
    &["run", "--", "true"],
    &["list"],
    &["render", "--format", "json"],
    &["init"],
];

/// Names and lengths of everything in the project.
fn state(sandbox: &Sandbox) -> String {
    let list = ["-c", "find . -printf '%p %y %s %l\\n' | sort"];
    sandbox.program("sh", &list).output().stdout
}

/// Runs every reading command: no panic, nothing written, no raw control characters. Gives the outputs.
#[track_caller]
pub(crate) fn survives(sandbox: &Sandbox, what: &str) -> Vec<Output> {
    sandbox.file(".gitignore", ".envctl/\nenvironments/*.local.toml\n.env\n.env.*\n!.env.example\n");
    sandbox.run(&["init"]).output();
    let before = state(sandbox);
    let mut all = Vec::new();
    for command in COMMANDS {
        let output = sandbox.run(command).output();
        assert!([0, 1, 2, 5, 6, 125].contains(&output.status), "{what} {command:?}: {output}");
        assert!(!output.stderr.contains("[bug]"), "{what} {command:?}: {output}");
        let bad = |text: &str| text.chars().any(is_raw);
        assert!(
            !bad(&output.stdout) && !bad(&output.stderr),
            "{what} {command:?}: raw characters in {:?}",
            output.stderr
        );
        all.push(output);
    }
    assert_eq!(state(sandbox), before, "{what}: files changed");
    all
}

/// Whether a character steers a terminal (hostile input, section on terminal escapes).
pub(crate) fn is_raw(character: char) -> bool {
    let code = u32::from(character);
    (character.is_control() && character != '\n')
        || matches!(code, 0x61c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f)
}

/// A project with `canary` in place of `@` in its environment, which then is hostile.
fn hostile(schema: &str, dev: &str) -> Sandbox {
    let sandbox = project(schema, "");
    let canary = sandbox.canary("in the file");
    sandbox.file("environments/dev.toml", dev.replace('@', &canary));
    sandbox
}

#[test]
fn text_that_is_no_toml() {
    let schema = "[variables.KEY]\nsecret = true\n[variables.A]\nrequired = false\n";
    let cases = [
        "[values]\nKEY = \"@",
        "[values]\nKEY = '''@",
        "[values]\nKEY = @\n",
        "[values]\n@\n",
        "[values]\nKEY = \"\\q@\"\n",
        "[values]\nKEY = \"@\" \"@\"\n",
        "[values]\nKEY = { backend = \"local\", @ }\n",
        "[values\nKEY = \"@\"\n",
        "KEY = \"@\"\n",
        "[values]\nKEY = [\"@\", 1, { x = \"@\" }]\n",
        "[values]\nKEY = { backend = \"env\", path = \"@\" }\n",
        "[values]\nKEY.sub = \"@\"\n",
        "[values]\nKEY = \"@\"\nKEY = \"@\"\n",
        "[values]\n\"KEY\" = \"@\"\nkey = \"@\"\n",
        "[values]\nKEY = \"${@}\"\n",
        "[values]\nKEY = \"${KEY:@}\"\n",
        "[values]\nKEY = \"${KEY @\"\n",
        "[secrets]\nKEY = \"@\"\n",
        "[secrets]\nKEY = { enc = \"@\", since = 1, rotated = 2026-01-01 }\n",
        "[secrets]\nKEY = { value = \"@\" }\n",
        "extends = \"@\"\n",
        "<<<<<<< ours\n[values]\nKEY = \"@\"\n=======\n[values]\nKEY = \"@x\"\n>>>>>>> theirs\n",
        "\u{feff}\u{feff}[values]\nKEY = \"@\"\n",
        "[values]\r\nKEY = \"@\"\r\n",
        "[values]\rKEY = \"@\"\r",
        "[values]\nKEY = \"@\u{0}\"\n",
        "[values]\nA = \"\u{7f}@\"\nKEY = \"@\"\n",
    ];
    for dev in cases {
        let sandbox = hostile(schema, dev);
        for output in survives(&sandbox, dev).iter().take(6) {
            assert_ne!(output.status, 0, "{dev:?}: {output}");
        }
    }
}

/// The private half of a key in the place of the public one: the likeliest slip with a name for it.
#[test]
fn an_identity_among_the_recipients_is_not_shown() {
    let key = "AGE-SECRET-KEY-1QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN";
    for (config, dev) in [
        (format!("{CONFIG}[recipients]\nalice = \"{key}\"\n"), "recipients = [\"alice\"]\n".to_owned()),
        (format!("{CONFIG}[recipients]\nalice = \"{key}\"\nalice = \"{key}\"\n"), String::new()),
        (CONFIG.to_owned(), format!("recipients = [\"{key}\"]\n")),
    ] {
        let sandbox = project("[variables.MODE]\ndefault = \"x\"\n", &dev);
        sandbox.register("identity", key);
        sandbox.file("envctl.toml", config);
        for output in survives(&sandbox, &dev).iter().take(2) {
            assert_ne!(output.status, 0, "{output}");
        }
    }
}

#[test]
fn credentials_in_the_configuration_are_not_shown() {
    let backend =
        |lines: &str| format!("[backends.vault]\nkind = \"vault\"\naddress = \"https://vault.example.com\"\n{lines}\n");
    for config in [
        backend("token = \"@\""),
        backend("auth = { method = \"token\", token = \"@\" }"),
        backend("auth = { method = \"approle\", role_id = \"r\", secret_id = \"@\" }"),
        backend("").replace("https://", "https://u:@%40"),
        backend("").replace("https://", "https://u:@\\u0040"),
        backend("token = \"@"),
        backend("[backends.vault.auth]\npassword = '''@'''"),
        "[recipients]\nalice = \"@\n".to_owned(),
    ] {
        let sandbox = plain();
        let canary = sandbox.canary("in envctl.toml");
        sandbox.file("envctl.toml", format!("{CONFIG}{}", config.replace('@', &canary)));
        for output in survives(&sandbox, &config).iter().take(2) {
            assert_ne!(output.status, 0, "{config} {output}");
        }
    }
}

#[test]
fn bytes_that_are_no_text() {
    let cases: &[(&[u8], &str)] = &[
        (b"[values]\nA = \"caf\xe9\"\n", "not-utf8"),
        (b"\xff\xfe[\0v\0]\0\n\0", "not-utf8"),
        (b"\xfe\xff\0[\0v\0]\0\n", "not-utf8"),
        (b"[values]\nA = \"\xed\xa0\x80\"\n", "not-utf8"),
        (b"\0\0\0\0", "toml-syntax"),
        (b"\x7fELF\x02\x01\x01", "toml-syntax"),
    ];
    for file in ["envctl.toml", "schemas/api.toml", "environments/dev.toml"] {
        for (content, code) in cases {
            let sandbox = plain();
            sandbox.file(file, content);
            let outputs = survives(&sandbox, file);
            refused(&outputs[0], 1, code, file);
        }
    }
}

#[test]
fn byte_order_marks_and_windows_lines_are_no_problem() {
    let sandbox = plain();
    for file in ["envctl.toml", "schemas/api.toml", "environments/dev.toml"] {
        let text = sandbox.read(file).replace('\n', "\r\n");
        sandbox.file(file, format!("\u{feff}{text}"));
    }
    sandbox.run(&["check", "--all"]).output().assert_status(0);
    sandbox.run(&["run", "--", "sh", "-c", "printf '[%s]' \"$MODE\""]).output().assert_stdout("[plain]");
    // Newlines in multi-line strings are LF, whatever the file's line endings.
    sandbox.file("environments/dev.toml", "[values]\r\nMODE = \"\"\"a\r\nb\"\"\"\r\n");
    let output = sandbox.run(&["run", "--", "sh", "-c", "printf '[%s]' \"$MODE\""]).output();
    assert_eq!(output.bytes, b"[a\nb]");
}

#[test]
fn lines_that_are_too_large() {
    let sandbox = plain();
    let long = "x".repeat(10_000_000);
    for (before, after, code) in [
        ("MODE = \"", "\"", "value-too-large"),
        ("MODE = \"", "", "toml-syntax"),
        ("MODE = ", "", "toml-syntax"),
        ("", "", "toml-syntax"),
    ] {
        sandbox.file("environments/dev.toml", format!("[values]\n{before}{long}{after}\n"));
        let output = sandbox.run(&["check"]).output();
        refused(&output, 1, code, "");
        assert!(output.stderr.len() < 10_000, "{} bytes of report", output.stderr.len());
    }
}

#[test]
fn files_that_are_too_large() {
    for file in ["envctl.toml", "schemas/api.toml", "environments/dev.toml"] {
        let sandbox = plain();
        let text = sandbox.read(file);
        let filled = format!("{text}#{}\n", "x".repeat((20 << 20) - text.len() - 2));
        sandbox.file(file, &filled);
        sandbox.run(&["check"]).output().assert_status(0);
        sandbox.file(file, format!("{filled}\n"));
        refused(&sandbox.run(&["check"]).output(), 1, "file-too-large", "20 MiB");
        refused(&sandbox.run(&["run", "--", "true"]).output(), 125, "file-too-large", "20 MiB");
    }
}

#[test]
fn nesting_without_end() {
    let deep = |open: &str, close: &str, count: usize| format!("{}{}", open.repeat(count), close.repeat(count));
    for count in [79, 81, 10_000, 100_000] {
        for value in [deep("[", "]", count), deep("{a=", "}", count), deep("[", "", count)] {
            for file in ["environments/dev.toml", "schemas/api.toml", "envctl.toml"] {
                let sandbox = plain();
                sandbox.file(file, format!("{}\n[x]\nA = {value}\n", sandbox.read(file)));
                let outputs = survives(&sandbox, &format!("{count} in {file}"));
                assert_ne!(outputs[0].status, 0);
            }
        }
    }
    let sandbox = plain();
    sandbox.file("schemas/api.toml", format!("[variables.MODE]\n[{}]\n", vec!["a"; 10_000].join(".")));
    survives(&sandbox, "a long dotted header");
    sandbox.file("schemas/api.toml", format!("[variables.MODE]\npattern = \"{}\"\n", deep("(", ")", 10_000)));
    assert_eq!(survives(&sandbox, "a deep pattern")[0].status, 1);
    sandbox.file("schemas/api.toml", "[variables.MODE]\npattern = \"((((a{100}){100}){100}){100})\"\n");
    assert_eq!(survives(&sandbox, "a huge pattern")[0].status, 1);
    sandbox.file("schemas/api.toml", "[variables.MODE]\ntype = \"json\"\n");
    sandbox.file("environments/dev.toml", format!("[values]\nMODE = '{}'\n", deep("[", "]", 100_000)));
    survives(&sandbox, "a deep JSON value");
}

#[test]
fn circles_end_and_are_shown() {
    let sandbox = plain();
    let circles = [
        ("environments/dev.toml", "extends = \"dev\"\n", "extends-circle"),
        ("environments/dev.toml", "extends = \"b\"\n", "extends-circle"),
        ("schemas/api.toml", "include = [\"api\"]\n", "include-circle"),
        ("schemas/api.toml", "include = [\"b\"]\n", "include-circle"),
        ("environments/dev.toml", "[values]\nMODE = \"${MODE}\"\n", "template-circle"),
        ("environments/dev.toml", "[values]\nMODE = \"x${B}\"\nB = \"${C}${C}\"\nC = \"${MODE}\"\n", "template-circle"),
    ];
    for (file, text, code) in circles {
        let sandbox = project(
            "[variables.MODE]\n[variables.B]\nrequired = false\n[variables.C]\nrequired = false\n",
            "[values]\nMODE = \"x\"\n",
        );
        sandbox.file("environments/b.toml", "extends = \"dev\"\n").file("schemas/b.toml", "include = [\"api\"]\n");
        sandbox.file(file, text);
        let outputs = survives(&sandbox, text);
        refused(&outputs[0], 1, code, "→");
    }
    drop(sandbox);
    // A chain that is only long is fine.
    let sandbox = project("[variables.MODE]\n", "extends = \"e0\"\n");
    for index in 0..500 {
        sandbox.file(&format!("environments/e{index}.toml"), format!("extends = \"e{}\"\n", index + 1));
    }
    sandbox.file("environments/e500.toml", "[values]\nMODE = \"from far\"\n");
    let output = sandbox.run(&["run", "--", "sh", "-c", "echo $MODE"]).output();
    output.assert_status(0).assert_stdout("from far\n");
}

#[test]
fn what_stands_in_the_place_of_a_file() {
    for file in ["envctl.toml", "schemas/api.toml", "environments/dev.toml"] {
        let cases: &[(&str, &str, i32)] = &[
            ("rm $0; mkdir $0", "not-a-regular-file", 5),
            ("rm $0; mkfifo $0", "not-a-regular-file", 5),
            ("rm $0; ln -s /dev/zero $0", "", 5),
            ("rm $0; ln -s $0 $0", "", 5),
            ("rm $0; ln -s /no/such/file $0", "", 5),
            ("mv $0 ../moved; ln -s \"$PWD/../moved\" $0", "outside-project", 6),
            ("rm $0; ln -s /etc/passwd $0", "outside-project", 6),
        ];
        for (script, code, status) in cases {
            let sandbox = plain();
            sandbox.program("sh", &["-c", script, file]).output().assert_status(0);
            let outputs = survives(&sandbox, &format!("{script} {file}"));
            let first = &outputs[0];
            assert!(first.stderr.contains(code), "{script} {file}: {first}");
            assert!(
                first.status == *status || (code.is_empty() && [5, 6].contains(&first.status)),
                "{script} {file}: {first}"
            );
            assert!(!first.stderr.contains("root:"), "{first}");
            assert_eq!(outputs[3].status, 125);
        }
    }
    // A link that stays inside is a file like any other.
    let sandbox = plain();
    let inside = ["-c", "mv environments/dev.toml kept.toml; ln -s ../kept.toml environments/dev.toml"];
    sandbox.program("sh", &inside).output().assert_status(0);
    sandbox.run(&["check"]).output().assert_status(0);
    // Folders in the place of files and files in the place of folders.
    for (script, name) in [
        ("rm -r schemas; : > schemas", "schemas"),
        ("rm -r environments; : > environments", "environments"),
        ("rm -r environments; ln -s /etc environments", "environments"),
        ("rm -r schemas; ln -s . schemas", "schemas"),
    ] {
        let sandbox = plain();
        sandbox.program("sh", &["-c", script]).output().assert_status(0);
        assert_ne!(survives(&sandbox, script)[0].status, 0, "{name}");
    }
}

#[test]
fn what_may_not_be_read() {
    for file in ["envctl.toml", "schemas/api.toml", "environments/dev.toml", "schemas", "environments"] {
        let sandbox = plain();
        set_mode(&sandbox.path("project").join(file), 0);
        for (command, status) in [(&["check", "--all"][..], 5), (&["run", "--", "true"], 125)] {
            let Some(run) = unprivileged(&sandbox, command) else {
                return left_out("what_may_not_be_read", "no setpriv for root");
            };
            let output = run.output();
            output.assert_status(status);
            assert!(output.stderr.contains("permission denied"), "{file}: {output}");
        }
        set_mode(&sandbox.path("project").join(file), 0o755);
    }
}

#[test]
fn templates_that_grow_without_end() {
    let (mut schema, mut dev) = (String::from("[variables.V0]\n"), String::from("[values]\nV0 = \"0123456789\"\n"));
    for index in 1..60 {
        schema += &format!("[variables.V{index}]\n");
        dev += &format!("V{index} = \"{}\"\n", format!("${{V{}}}", index - 1).repeat(10));
    }
    let sandbox = project(&schema, &dev);
    for output in survives(&sandbox, "billion laughs").iter().take(6) {
        assert!(output.stderr.len() < 200_000, "{} bytes of report", output.stderr.len());
    }
    refused(&sandbox.run(&["check"]).output(), 1, "value-too-large", "`V");
    refused(&sandbox.run(&["run", "--", "true"]).output(), 125, "value-too-large", "`V");
    // The same with a secret at the bottom, which is known only late.
    let sandbox =
        project(&schema, &dev.replace("V0 = \"0123456789\"", "V0 = { backend = \"env\", name = \"BOTTOM\" }"));
    let secret = sandbox.canary("V0");
    let output = sandbox.run(&["run", "--", "true"]).env("BOTTOM", &secret).output();
    refused(&output, 125, "value-too-large", "`V");
    // Deep but small.
    let (mut schema, mut dev) = (String::from("[variables.V0]\n"), String::from("[values]\nV0 = \"end\"\n"));
    for index in 1..5_000 {
        schema += &format!("[variables.V{index}]\n");
        dev += &format!("V{index} = \"${{V{}}}\"\n", index - 1);
    }
    let sandbox = project(&schema, &dev);
    let output = sandbox.run(&["run", "--", "sh", "-c", "echo $V4999"]).output();
    assert!([0, 125].contains(&output.status) && !output.stderr.contains("[bug]"), "{}", output.status);
    assert!(output.status != 0 || output.stdout == "end\n", "{}", output.stdout);
}

#[test]
fn many_of_everything() {
    let sandbox = project("[variables.MODE]\n", "[values]\nMODE = \"x\"\n");
    sandbox.file("envctl.toml", CONFIG.replace("default_environment", "default_schema = \"api\"\ndefault_environment"));
    for index in 0..2_000 {
        sandbox.file(&format!("schemas/s{index}.toml"), format!("[variables.V{index}]\ndefault = \"{index}\"\n"));
        sandbox.file(&format!("environments/e{index}.toml"), "extends = \"dev\"\n");
    }
    sandbox.run(&["check"]).output().assert_status(0);
    let output = sandbox.run(&["run", "e1999", "--", "sh", "-c", "echo $MODE"]).output();
    output.assert_status(0).assert_stdout("x\n");
    // Ten thousand mistakes are ten thousand diagnostics, and it ends.
    let mistakes: String = (0..10_000).map(|index| format!("U{index} = {index}\n")).collect::<Vec<_>>().concat();
    let sandbox = project("[variables.MODE]\n", &format!("[values]\nMODE = \"x\"\n{mistakes}"));
    let output = sandbox.run(&["check"]).output();
    output.assert_status(1);
    assert!(
        output.stderr.contains("10000 errors") || output.stderr.contains("10,000 errors"),
        "{}",
        output.stderr.lines().last().unwrap()
    );
}

/// With little memory an error is an error and not a crash that dumps.
#[test]
fn hostile_input_does_not_fill_the_memory() {
    if !there_is("bash", "hostile_input_does_not_fill_the_memory") {
        return;
    }
    let mut dev = String::from("[values]\n");
    let mut schema = String::new();
    for index in 0..200 {
        schema += &format!("[variables.V{index}]\n");
        dev += &format!("V{index} = \"{}\"\n", if index == 0 { "x".repeat(1_000_000) } else { "${V0}".to_owned() });
    }
    let sandbox = project(&schema, &dev);
    for command in ["check", "check --resolve", "run -- true"] {
        let script = format!("ulimit -v 2000000; \"$0\" {command} >/dev/null");
        let output = sandbox.program("bash", &["-c", &script, ENVCTL]).output();
        assert!([0, 1, 125].contains(&output.status), "{command}: {}", output.status);
    }
}
