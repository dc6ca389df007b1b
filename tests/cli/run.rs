//! `envctl run` as a process: it becomes the command, passes on how that ends, and says why it did not start.

use crate::harness::{Sandbox, set_mode};
use crate::projects::{CONFIG, ENVCTL, left_out, plain, project, refused, unprivileged};

/// `run` in a shell that is killed by what its command does.
fn shell(sandbox: &Sandbox, script: &str) -> i32 {
    let output = sandbox.run(&["run", "--", "sh", "-c", script]).output();
    output.assert_stdout("").assert_stderr("");
    output.status
}

#[test]
fn the_command_has_the_pid_of_envctl() {
    let sandbox = plain();
    let script = "echo $$; exec \"$0\" run -- sh -c 'echo $$'";
    let output = sandbox.program("sh", &["-c", script, ENVCTL]).output();
    let pids: Vec<_> = output.assert_status(0).stdout.lines().collect();
    assert_eq!(pids.len(), 2, "{output}");
    assert_eq!(pids[0], pids[1]);
}

#[test]
fn exit_codes_are_passed_on() {
    let sandbox = plain();
    for code in [0, 1, 2, 42, 101, 125, 126, 127, 254, 255] {
        assert_eq!(shell(&sandbox, &format!("exit {code}")), code);
    }
}

#[test]
fn death_by_a_signal_is_passed_on_as_such() {
    let sandbox = plain();
    let signals =
        [("HUP", 1), ("INT", 2), ("ABRT", 6), ("KILL", 9), ("SEGV", 11), ("PIPE", 13), ("TERM", 15), ("USR1", 10)];
    for (name, number) in signals {
        // The harness tells 128 + n for a signal; an `exit 137` of its own would look the same, so python looks closer.
        let status = shell(&sandbox, &format!("ulimit -c 0; kill -{name} $$"));
        assert_eq!(status, 128 + number, "{name}");
    }
    let script = "import subprocess,sys; print(subprocess.run(sys.argv[1:]).returncode)";
    let killed = ["-c", script, ENVCTL, "run", "--", "sh", "-c", "kill -KILL $$"];
    let output = sandbox.program("python3", &killed).output();
    output.assert_stdout("-9\n");
}

#[test]
fn the_command_gets_its_words_and_standard_streams_unchanged() {
    let sandbox = plain();
    let words = ["run", "--", "printf", "[%s]", "a b", "", "--help", "--", "-x", "$HOME", "é\n"];
    let output = sandbox.run(&words).output();
    output.assert_status(0).assert_stdout("[a b][][--help][--][-x][$HOME][é\n]").assert_stderr("");
    let output = sandbox.run(&["run", "--", "sh", "-c", "cat; echo err >&2"]).stdin(b"\0\xffin".to_vec()).output();
    assert_eq!(output.bytes, b"\0\xffin");
    output.assert_status(0).assert_stderr("err\n");
}

#[test]
fn what_is_wrong_before_the_command_is_125() {
    let sandbox = project("[variables.NEEDED]\n[variables.PORT]\ntype = \"port\"\ndefault = 1\n", "[values]\n");
    sandbox.file("environments/full.toml", "[values]\nNEEDED = \"x\"\n");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["run"], "usage", "envctl run -- COMMAND"),
        (&["run", "--"], "usage", ""),
        (&["run", "full", "--"], "usage", ""),
        (&["run", "full", "true"], "usage", "envctl run full -- true"),
        (&["run", "--nope", "--", "true"], "usage", "--nope"),
        (&["run", "--schema"], "usage", ""),
        (&["run", "ful", "--", "true"], "usage", "`full`"),
        (&["run", "--schema", "web", "--", "true"], "usage", "there are: api"),
        (&["run", "../dev", "--", "true"], "usage", ""),
        (&["run", "-rf", "--", "true"], "usage", ""),
        (&["run", "", "--", "true"], "usage", ""),
        (&["run", "--", "true"], "missing-value", "nothing was started"),
        (&["run", "full", "--only", "NOPE", "--", "true"], "usage", "--only"),
        (&["run", "full", "--keep", "HOME", "--", "true"], "usage", ""),
        (&["--project", "nowhere", "run", "--", "true"], "not-a-project", "nowhere"),
        (&["--color", "blue", "run", "--", "true"], "usage", "never"),
    ];
    for (arguments, code, part) in cases {
        let output = sandbox.run(arguments).output();
        refused(&output, 125, code, part);
    }
    let outside = sandbox.program("env", &["-C", "/", ENVCTL, "run", "--", "true"]).output();
    refused(&outside, 125, "not-a-project", "envctl init");
}

#[test]
fn problems_of_every_class_are_125_in_run_and_their_own_elsewhere() {
    let sandbox = project("[variables.KEY]\nsecret = true\n", "");
    let cases: &[(&str, &str, i32)] = &[
        ("[values]\nKEY = \"cleartext-of-a-secret\"\n", "secret-in-clear", 1),
        ("[values\n", "toml-syntax", 1),
        ("[secrets]\nKEY = { enc = \"AQ\", since = 1, rotated = 2026-01-01 }\n", "sealed-structure", 6),
        ("[values]\nKEY = { backend = \"local\" }\n", "io", 5),
    ];
    for (dev, code, class) in cases {
        sandbox.file("environments/dev.toml", dev);
        let there = |arguments| sandbox.run(arguments).env("XDG_DATA_HOME", "/dev/null/no");
        let output = there(&["run", "--", "echo", "started"]).output();
        output.assert_status(125).assert_stdout("");
        let output = there(&["render", "--format", "json"]).output();
        assert!(output.status == *class || output.stderr.contains("no value"), "{code} {output}");
    }
}

#[test]
fn a_missing_separator_shows_the_corrected_command() {
    let sandbox = plain();
    sandbox.file("environments/prod.toml", "[values]\nMODE = \"p\"\n");
    let cases: &[(&[&str], &str)] = &[
        (&["run", "dev", "server"], "envctl run dev -- server"),
        (&["run", "server"], "envctl run -- server"),
        (&["run", "prod", "server", "--port", "3"], "envctl run prod -- server …"),
        (&["run", "prod", "npm", "start"], "envctl run prod -- npm …"),
        (&["run", "dev"], "envctl run dev -- COMMAND"),
        (&["run", "prod", "--clear"], "envctl run prod --clear -- COMMAND"),
        (&["run", "--clear", "prod", "npm"], "envctl run --clear prod -- npm"),
        (&["run", "npm", "start"], "envctl run -- npm …"),
        (&["-q", "run", "prod", "npm"], "envctl -q run prod -- npm"),
        (&["run", "--schema", "api", "prod", "npm"], "envctl run --schema api prod -- npm"),
    ];
    for (arguments, corrected) in cases {
        let output = sandbox.run(arguments).output();
        refused(&output, 125, "usage", &format!("{corrected}\n"));
    }
    // What stands after the program may be a secret.
    let set = ["run", "--set", "MODE=hunter2", "dev", "npm"];
    let output = sandbox.run(&set).output();
    assert!(output.stderr.contains(" dev -- npm\n") && !output.stderr.contains("hunter2"), "{output}");
    let output = sandbox.run(&["run", "dev", "login", "--password", "hunter2"]).output();
    output.assert_status(125);
    assert!(!output.stderr.contains("hunter2"), "{output}");
}

#[test]
fn what_cannot_be_executed_is_126() {
    let sandbox = plain();
    sandbox
        .file("plain.txt", "echo no\n")
        .script("lost", "#!/no/such/interpreter\n")
        .script("lost-env", "#!/usr/bin/env no-such-interpreter\n");
    for (program, part) in [
        ("./schemas", "directory"),
        ("/", "directory"),
        ("./plain.txt", "permission denied"),
        ("lost", "interpreter"),
        ("../bin/lost", "interpreter"),
    ] {
        let output = sandbox.run(&["run", "--", program]).output();
        refused(&output, 126, "command-not-executable", part);
    }
    // Here envctl did its part; the answer is that of env.
    let output = sandbox.run(&["run", "--", "lost-env"]).output();
    assert_eq!(output.status, 127, "{output}");
    // A file without `#!` is a shell script to execvp.
    sandbox.script("bare", "echo from sh\n");
    let output = sandbox.run(&["run", "--", "bare"]).output();
    output.assert_status(0).assert_stdout("from sh\n");
}

#[test]
fn what_does_not_exist_is_127() {
    let sandbox = plain();
    for program in ["no-such-program", "./no-such-program", "/no/such/program", "", "schemas/x"] {
        let output = sandbox.run(&["run", "--", program]).output();
        refused(&output, 127, "command-not-found", "");
    }
    // A word of the command that is no name of a program may be anything: only the program is named.
    let output = sandbox.run(&["run", "--", "no-such", "hunter2"]).output();
    assert!(!output.stderr.contains("hunter2"), "{output}");
}

#[test]
fn a_file_that_cannot_be_entered_is_no_missing_one() {
    let sandbox = plain();
    sandbox.place("locked/program", "#!/bin/sh\n");
    set_mode(&sandbox.path("locked/program"), 0o755);
    set_mode(&sandbox.path("locked"), 0o000);
    let Some(run) = unprivileged(&sandbox, &["run", "--", "../locked/program"]) else {
        return left_out("a_file_that_cannot_be_entered_is_no_missing_one", "no setpriv for root");
    };
    let output = run.output();
    set_mode(&sandbox.path("locked"), 0o755);
    refused(&output, 126, "command-not-executable", "permission denied");
}

#[test]
fn the_program_is_found_with_our_path_when_it_gets_none() {
    let sandbox = plain();
    sandbox.script("only-here", "#!/bin/sh\necho \"$0\"\n");
    for arguments in [
        &["run", "--", "only-here"][..],
        &["run", "--clear", "--", "only-here"],
        &["run", "--clear", "--keep", "PATH", "--", "only-here"],
    ] {
        let output = sandbox.run(arguments).output();
        output.assert_status(0).assert_stdout("[ROOT]/bin/only-here\n");
    }
    // The first one in PATH that can be executed is taken, as by a shell.
    sandbox.place("bin/ls", "not executable");
    let output = sandbox.run(&["run", "--", "ls", "schemas"]).output();
    output.assert_status(0).assert_stdout("api.toml\n");
    // Nothing of the working directory is run because a name looks like it.
    sandbox.file("tool", "#!/bin/sh\necho wrong\n");
    set_mode(&sandbox.path("project/tool"), 0o755);
    let output = sandbox.run(&["run", "--", "tool"]).output();
    refused(&output, 127, "command-not-found", "");
}

#[test]
fn a_search_path_that_is_not_set_is_that_of_the_system() {
    let sandbox = plain();
    let output = sandbox.program("env", &["-u", "PATH", ENVCTL, "run", "--", "true"]).output();
    output.assert_status(0).assert_stderr("");
}

#[test]
fn the_core_limit_is_that_of_the_parent() {
    let sandbox = plain();
    for (limit, expected) in [("0", "0\n"), ("unlimited", "unlimited\n"), ("16", "16\n")] {
        let script = format!("ulimit -Sc {limit} && exec \"$0\" run -- sh -c 'ulimit -Sc'");
        let output = sandbox.program("sh", &["-c", &script, ENVCTL]).output();
        if limit != "0" && output.stderr.contains("ulimit") {
            left_out("the_core_limit_is_that_of_the_parent", "its hard limit is lower");
            continue;
        }
        output.assert_status(0).assert_stdout(expected);
    }
}

#[test]
fn a_closed_pipe_ends_the_command_as_without_envctl() {
    let sandbox = plain();
    let sigpipe = "import signal; print(signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL)";
    // Python ignores the signal itself; what it was before is in /proc.
    let ignored = "while read -r k v; do [ \"$k\" = SigIgn: ] && echo \"$v\"; done < /proc/self/status";
    let output = sandbox.run(&["run", "--", "sh", "-c", ignored]).output();
    let mask = u64::from_str_radix(output.stdout.trim(), 16).expect(sigpipe);
    assert_eq!(mask & (1 << 12), 0, "SIGPIPE is ignored: {output}");
    let script = "\"$0\" run -- yes | head -n 1";
    let output = sandbox.program("sh", &["-c", script, ENVCTL]).output();
    output.assert_status(0).assert_stdout("y\n").assert_stderr("");
}

#[test]
fn ignored_signals_stay_ignored_and_none_is_blocked() {
    let sandbox = plain();
    let show = "grep -E '^Sig(Ign|Blk)' /proc/self/status";
    let script = format!("trap '' HUP; exec \"$0\" run -- {show}");
    let output = sandbox.program("sh", &["-c", &script, ENVCTL]).output();
    let lines: Vec<_> = output.assert_status(0).stdout.lines().collect();
    assert!(lines[0].starts_with("SigBlk:\t0000000000000000"), "{output}");
    assert!(lines[1].ends_with("01"), "SIGHUP is not ignored: {output}");
}

#[test]
fn warnings_do_not_stop_and_quiet_hides_them() {
    let sandbox = project("[variables.OLD]\ndeprecated = \"use NEW\"\n", "[values]\nOLD = \"x\"\n");
    let loud = sandbox.run(&["run", "--", "true"]).output();
    loud.assert_status(0).assert_stdout("");
    assert!(loud.stderr.contains("warning[deprecated-variable]"), "{loud}");
    assert!(!loud.stderr.contains("nothing was started"), "{loud}");
    let quiet = sandbox.run(&["-q", "run", "--", "true"]).output();
    quiet.assert_status(0).assert_stdout("").assert_stderr("");
}

#[test]
fn every_problem_is_listed_and_nothing_is_started() {
    let sandbox = project(
        "[variables.A]\n[variables.B]\ntype = \"port\"\n[variables.C]\ntype = \"url\"\n[variables.KEY]\nsecret = true\n",
        "[values]\nB = 70000\nC = \"no url\"\n",
    );
    let output = sandbox.run(&["run", "--", "touch", "started"]).output();
    output.assert_status(125).assert_stdout("");
    for name in ["`A`", "`B`", "`C`", "`KEY`"] {
        assert!(output.stderr.contains(name), "{name}: {output}");
    }
    let last = output.stderr.lines().last().unwrap();
    assert!(last.starts_with("4 errors") && last.ends_with("nothing was started"), "{output}");
    assert!(!sandbox.path("project/started").exists());
}

#[test]
fn machine_readable_messages_tell_the_class() {
    let sandbox = project("[variables.A]\n", "");
    for format in ["json", "github", "sarif"] {
        let arguments = ["--message-format", format, "run", "--", "true"];
        let output = sandbox.run(&arguments).output();
        output.assert_status(125).assert_stdout("");
        assert!(output.stderr.contains("missing-value"), "{output}");
    }
    let output = sandbox.run(&["--message-format", "json", "run", "--", "no-such"]).output();
    assert!(!output.stderr.is_empty());
    let sandbox = Sandbox::new();
    sandbox.file("envctl.toml", CONFIG);
    let output = sandbox.run(&["--message-format", "json", "run", "--", "true"]).output();
    for line in output.assert_status(125).stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("one object a line");
        assert!(object.get("exit_class").is_some(), "{line}");
        assert!(object.get("schema_version").is_some(), "{line}");
    }
    // Mistakes on the command line are told in the format asked for, too.
    let output = sandbox.run(&["--message-format", "json", "run", "dev", "true"]).output();
    let first = output.assert_status(125).stderr.lines().next().unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(first).is_ok(), "{output}");
}
