//! The example product at the top of the repository does what its files and README promise.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::harness::{Output, Run, Sandbox};

/// What every service gets in `dev`.
const COMMON: &str = "ENABLE_METRICS ENVIRONMENT LOG_FORMAT LOG_LEVEL";
/// What each service gets beside that.
const SERVICES: &[(&str, &str)] = &[
    (
        "api",
        "ALLOWED_HOSTS API_RATE_LIMIT CORS_METHODS CORS_ORIGINS DATABASE_URL HEALTH_CHECK_INTERVAL HOST JWT_SECRET \
         MAX_CONNECTIONS OPENAI_API_KEY OPENAI_MAX_TOKENS OPENAI_MODEL_NAME OPENAI_TEMPERATURE PORT QDRANT_API_KEY \
         QDRANT_URL REDIS_URL REQUEST_TIMEOUT",
    ),
    ("worker", "AWS_REGION CELERY_BROKER_URL DATABASE_URL OPENAI_API_KEY REDIS_URL S3_BUCKET WORKER_CONCURRENCY"),
    ("frontend", "NEXT_PUBLIC_API_URL PORT SESSION_SECRET"),
];
/// Optional in `dev`, so not delivered there.
const OPTIONAL: &[(&str, &str)] =
    &[("api", "SENTRY_DSN"), ("worker", "SENTRY_DSN"), ("frontend", "SENTRY_DSN NEXT_PUBLIC_SENTRY_DSN")];

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A sandbox with a copy of the example.
pub(crate) fn copy() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("envctl.toml", fs::read(root().join("envctl.toml")).unwrap());
    for folder in ["schemas", "environments"] {
        for entry in fs::read_dir(root().join(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            // An overlay of the machine the test runs on is no part of the example.
            if !name.ends_with(".local.toml") {
                sandbox.file(&format!("{folder}/{name}"), fs::read(entry.path()).unwrap());
            }
        }
    }
    sandbox
}

/// Replaces the line that assigns `name`, or takes it out.
fn assign(sandbox: &Sandbox, file: &str, name: &str, line: &str) {
    let text = sandbox.read(file);
    let old = Regex::new(&format!("(?m)^{name} = .*\n")).unwrap();
    assert_eq!(old.find_iter(&text).count(), 1, "{name} in {file}");
    sandbox.file(file, old.replace(&text, regex::NoExpand(line)).as_bytes());
}

fn names(output: &Output) -> BTreeSet<String> {
    let lines = output.stdout.lines();
    lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_owned()).collect()
}

/// The throw-away identity of the example.
fn identity() -> PathBuf {
    root().join("tests/fixtures/example/identity.txt")
}

/// A run with the identity of the example; from then on what is sealed in `environment` is watched for.
fn with_identity<'a>(sandbox: &'a Sandbox, environment: &str, arguments: &[&str]) -> Run<'a> {
    let text = sandbox.read(&format!("environments/{environment}.toml"));
    let sealed = Regex::new("(?m)^([A-Z_]+) = \\{ enc = ").unwrap();
    for found in sealed.captures_iter(&text) {
        let get = sandbox.run(&["get", environment, &found[1], "--yes"]).env("ENVCTL_IDENTITY_FILE", identity());
        let output = get.reveals().output();
        sandbox.register(&found[1], output.assert_status(0).stdout.trim_end());
    }
    sandbox.run(arguments).env("ENVCTL_IDENTITY_FILE", identity())
}

#[test]
fn every_environment_is_clean() {
    let output = copy().run(&["check", "--all", "--strict"]).output();
    output.assert_status(0).assert_stdout("");
    assert!(output.stderr.starts_with("ok: 6 environments against 5 schemas\n"), "{output}");
    assert!(!output.stderr.contains("warning["), "{output}");
}

#[test]
fn a_fresh_clone_runs_without_a_key_and_each_service_gets_its_own() {
    let sandbox = copy();
    for (schema, own) in SERVICES {
        let arguments = ["run", "dev", "--schema", schema, "--clear", "--", "/usr/bin/env"];
        let output = sandbox.run(&arguments).output();
        output.assert_status(0).assert_stderr("");
        assert_eq!(names(&output), words(&format!("{COMMON} {own}")), "{schema}");
        assert!(!output.stdout.contains("${"), "{output}");
        // Made once: the next start gets the same.
        assert_eq!(sandbox.run(&arguments).output().stdout, output.stdout);
    }
}

#[test]
fn staging_starts_with_an_identity_and_shows_nothing() {
    let sandbox = copy();
    for (schema, own) in SERVICES {
        let script =
            format!("for name in {COMMON} {own} SENTRY_DSN; do eval \"[ -n \\\"\\$$name\\\" ]\" || echo $name; done");
        let arguments = ["run", "staging", "--schema", schema, "--", "sh", "-c", &script];
        let output = with_identity(&sandbox, "staging", &arguments).output();
        output.assert_status(0).assert_stdout("").assert_stderr("");
    }
    with_identity(&sandbox, "staging", &["check", "staging", "--resolve", "--strict"]).output().assert_status(0);
    // What a pipeline has: the key itself.
    let key = fs::read(identity()).unwrap();
    let run = sandbox.run(&["check", "--all", "--seal", "--strict"]).env("ENVCTL_IDENTITY", OsStr::from_bytes(&key));
    let output = run.output();
    output.assert_status(0);
    assert_eq!(output.stderr.matches("seal verified").count(), 3, "{output}");
}

#[test]
fn without_an_identity_staging_says_who_can_open_it_and_what_was_tried() {
    let sandbox = copy();
    for (arguments, status) in [
        (&["get", "staging", "JWT_SECRET"][..], 4),
        (&["check", "staging", "--resolve"], 4),
        (&["check", "staging", "--seal"], 4),
        (&["run", "staging", "--", "touch", "started"], 125),
    ] {
        let output = sandbox.run(arguments).output();
        output.assert_status(status).assert_stdout("");
        for text in [
            "error[sealed-unreadable]",
            "these can open it: alice, bob, deploy",
            "identity file ~/.config/envctl/identity.txt: it does not exist",
            "`envctl keygen` makes an identity",
            "envctl recipients add NAME age1… staging",
        ] {
            assert!(output.stderr.contains(text), "{text}\n{output}");
        }
    }
    assert!(!sandbox.path("project/started").exists());
}

#[test]
fn of_production_some_is_sealed_and_the_front_end_has_readers_of_its_own() {
    let sandbox = copy();
    let output = sandbox.run(&["recipients", "list"]).output();
    let rows: BTreeSet<_> = output.stdout.lines().skip(1).filter_map(|row| row.split_once(" age1")).collect();
    let rows: BTreeSet<_> = rows.iter().map(|row| words(row.0).into_iter().collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "alice prod",
        "backup prod",
        "deploy prod",
        "backup prod-frontend",
        "bob prod-frontend",
        "deploy prod-frontend",
    ];
    assert!(expected.iter().all(|row| rows.contains(*row)), "{output}");
    assert!(!rows.contains("bob prod") && !rows.contains("alice prod-frontend"), "{output}");
    let run = with_identity(&sandbox, "prod-frontend", &["run", "prod-frontend", "--schema", "frontend", "--", "true"]);
    let dsn = sandbox.canary("PROD_SENTRY_DSN");
    run.env("PROD_SENTRY_DSN", format!("https://{dsn}@sentry.test/1")).output().assert_status(0);
    // The rest of production is in stores that cannot be read yet: it does not start without them.
    let output = with_identity(&sandbox, "prod", &["run", "prod", "--", "true"]).output();
    output.assert_status(125);
    for name in ["SENTRY_DSN", "DB_PASSWORD", "OPENAI_API_KEY"] {
        assert!(output.stderr.contains(&format!("`{name}`")), "{output}");
    }
}

#[test]
fn what_is_missing_stops_everything_and_is_listed_in_full() {
    let sandbox = copy();
    let missing = ["JWT_SECRET", "QDRANT_URL", "CORS_ORIGINS"];
    for name in missing {
        assign(&sandbox, "environments/dev.toml", name, "");
    }
    for (arguments, status) in [
        (&["check", "dev"][..], 1),
        (&["check", "--all"], 1),
        (&["run", "dev", "--", "touch", "started"], 125),
        (&["render", "dev", "--format", "dotenv"], 1),
        (&["list", "dev"], 1),
    ] {
        let output = sandbox.run(arguments).output();
        output.assert_status(status);
        // `list` has no values to keep back: what is missing stands in its table as well.
        assert_eq!(output.stdout.is_empty(), arguments[0] != "list", "{output}");
        for name in missing {
            let message = format!("error[missing-value]: `{name}` has no value in `dev`");
            assert!(output.stderr.contains(&message), "{name}\n{output}");
        }
        assert_eq!(output.stderr.matches("error[").count(), missing.len(), "{output}");
    }
    assert!(!sandbox.path("project/started").exists());
    // The front end needs none of the three.
    let run = sandbox.run(&["run", "dev", "--schema", "frontend", "--", "true"]);
    run.output().assert_status(0);
}

#[test]
#[expect(clippy::disallowed_macros, reason = "says what was left out, for the summary of scripts/test")]
fn a_server_is_the_process_that_was_started() {
    if !Path::new("/usr/bin/python3").exists() && !Path::new("/usr/local/bin/python3").exists() {
        println!("left out: a_server_is_the_process_that_was_started (python3 is not installed)");
        return;
    }
    let sandbox = copy();
    let envctl = env!("CARGO_BIN_EXE_envctl");
    // The pipe gives the first line as soon as the server listens; then its signal has to reach it.
    let script = format!(
        "mkfifo said; \
         {envctl} run dev --schema api -- python3 -u -m http.server 0 --bind 127.0.0.1 >said 2>&1 & \
         exec 3<said; read -r line <&3; echo \"$line\"; kill -TERM $!; wait $!; echo \"status $?\""
    );
    let output = sandbox.program("sh", &["-c", &script]).output();
    output.assert_status(0);
    assert!(
        output.stdout.starts_with("Serving HTTP on 127.0.0.1 port ") && output.stdout.ends_with("\nstatus 143\n"),
        "{output}"
    );
}

#[test]
fn documents_for_people_come_from_the_schema() {
    let sandbox = copy();
    let all = SERVICES.iter().zip(OPTIONAL);
    for ((schema, own), (_, optional)) in all {
        let render = |format| {
            let output = sandbox.run(&["render", "--schema", schema, "--format", format]).output();
            output.assert_status(0).assert_stderr("");
            output.stdout
        };
        let (sample, table) = (render("example"), render("markdown"));
        for name in words(&format!("{COMMON} {own} {optional}")) {
            let line = sample.lines().find(|line| line.starts_with(&format!("{name}=")));
            let row = format!("| `{name}` |");
            let row = table.lines().find(|line| line.starts_with(&row));
            let (line, row) = (line.expect(&name), row.expect(&name));
            let secret = row.contains("**secret**");
            assert!(!secret || line.ends_with('='), "{line}");
            assert!(row.split('|').nth(5).is_some_and(|text| text.trim().len() > 5), "{row}");
        }
        let internal = ["DB_PASSWORD", "OPENAI_DEV_KEY"];
        assert!(
            !internal.iter().any(|name| sample.contains(&format!("\n{name}=")) || table.contains(&format!("`{name}`")))
        );
    }
}

/// Stand-ins of plans and tutorials, with the schema that gets them.
const STAND_INS: &[(&str, &str, &str)] = &[
    ("api", "JWT_SECRET", "change-me-in-production"),
    ("frontend", "SESSION_SECRET", "change-me-in-production"),
    ("api", "OPENAI_API_KEY", "sk-dev-master-key"),
    ("worker", "OPENAI_API_KEY", "sk-dev-master-key"),
    ("api", "DB_PASSWORD", "pass"),
    ("api", "DB_PASSWORD", "change-me-in-production"),
    ("api", "REDIS_PASSWORD", "change-me-in-production"),
    ("api", "QDRANT_API_KEY", "change-me-in-production"),
];

#[test]
fn stand_ins_are_refused_in_production() {
    for (schema, name, value) in STAND_INS {
        let sandbox = copy();
        let environment = if *schema == "frontend" { "prod-frontend" } else { "prod" };
        let file = &format!("environments/{environment}.toml");
        let before = sandbox.read(file);
        if before.contains(&format!("\n{name} = {{ enc = ")) {
            let arguments = ["set", environment, name, "--stdin", "--yes"];
            let run = sandbox.run(&arguments).env("ENVCTL_IDENTITY_FILE", identity());
            assert_refused(name, value, &run.stdin(*value).output(), 1);
            assert_eq!(sandbox.read(file), before);
        }
        // All that is sealed as references, so that the same name can come from elsewhere.
        let (open, sealed) = before.split_once("\n[secrets]\n").unwrap();
        let mut assignments: BTreeMap<&str, String> = sealed
            .lines()
            .filter_map(|line| line.split_once(" = { enc = "))
            .map(|(name, _)| (name, elsewhere("OTHER")))
            .collect();
        let old = Regex::new(&format!("(?m)^{name} = .*\n")).unwrap();
        let open = old.replace(open, "");
        let with = |assignments: &BTreeMap<&str, String>| {
            let lines: String = assignments.iter().flat_map(|(name, value)| [*name, " = ", value, "\n"]).collect();
            open.replacen("[values]\n", &format!("[values]\n{lines}"), 1)
        };
        assignments.insert(name, elsewhere("GIVEN"));
        sandbox.file(file, with(&assignments));
        // Internal parts are delivered in what is made of them.
        let only = match *name {
            "DB_PASSWORD" => "DATABASE_URL",
            "REDIS_PASSWORD" => "REDIS_URL",
            other => other,
        };
        let run = ["run", environment, "--schema", schema, "--only", only, "--", "true"];
        assert_refused(name, value, &sandbox.run(&run).env("GIVEN", value).output(), 125);
        // The same in clear is refused before anything else.
        assignments.insert(name, format!("\"{value}\""));
        sandbox.file(file, with(&assignments));
        let output = sandbox.run(&["check", environment]).output();
        output.assert_status(1);
        assert!(output.stderr.contains("error[secret-in-clear]"), "{output}");
        // The schema's own list is open, the line of the environment is not.
        assert!(!output.stderr.contains(&format!("{name} = \"{value}")), "{output}");
    }
}

/// A reference to the process environment.
fn elsewhere(name: &str) -> String {
    format!("{{ backend = \"env\", name = \"{name}\" }}")
}

/// Checks that a stand-in was refused as one.
#[track_caller]
fn assert_refused(name: &str, value: &str, output: &Output, status: i32) {
    output.assert_status(status);
    let refused = ["placeholder-value", "forbidden-value"];
    let said = refused.iter().any(|code| output.stderr.contains(&format!("error[{code}]: `{name}`")));
    assert!(said, "{value}\n{output}");
}

#[test]
fn insecure_settings_are_refused_in_production() {
    for (name, line, code) in [
        ("CORS_ORIGINS", "CORS_ORIGINS = [\"*\"]", "forbidden-value"),
        ("ALLOWED_HOSTS", "ALLOWED_HOSTS = [\"*\"]", "forbidden-value"),
        ("LOG_LEVEL", "LOG_LEVEL = \"debug\"", "rule-violation"),
        ("S3_BUCKET", "S3_BUCKET = \"shop-prod\"\nDB_USER = \"user\"", "forbidden-value"),
        (
            "S3_BUCKET",
            "S3_BUCKET = \"shop-prod\"\nDATABASE_URL = \"postgresql://user:pass@localhost:5432/shop\"",
            "secret-in-clear",
        ),
        (
            "NEXT_PUBLIC_API_URL",
            "NEXT_PUBLIC_API_URL = \"https://api.example.com/${SESSION_SECRET:uri}\"",
            "secret-exposed",
        ),
    ] {
        let sandbox = copy();
        let (environment, file) = match name {
            "LOG_LEVEL" => ("prod", "environments/prod-base.toml"),
            "NEXT_PUBLIC_API_URL" => ("prod-frontend", "environments/prod-frontend.toml"),
            _ => ("prod", "environments/prod.toml"),
        };
        let text = sandbox.read(file);
        let old = Regex::new(&format!("(?m)^{name} = .*$")).unwrap();
        sandbox.file(file, old.replace(&text, regex::NoExpand(line)).as_bytes());
        let output = sandbox.run(&["check", environment]).output();
        output.assert_status(1);
        assert!(output.stderr.contains(&format!("[{code}]")), "{line}\n{output}");
    }
    let given = ["run", "prod", "--set", "LOG_LEVEL=debug", "--", "true"];
    copy().run(&given).output().assert_status(125);
}

/// The commands that containers are started with are accepted.
#[test]
fn the_entry_points_of_the_containers_start() {
    let folder = root().join("examples/compose");
    let entry = Regex::new("(?m)^ +entrypoint: (.*)$").unwrap();
    for (file, count) in [("compose.yaml", 2), ("compose.staging.yaml", 2)] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let found: Vec<_> = entry.captures_iter(&text).collect();
        assert_eq!(found.len(), count, "{file}");
        for found in found {
            let words: Vec<String> = serde_json::from_str(&found[1]).unwrap();
            let arguments = words.iter().skip(1).map(String::as_str);
            let arguments: Vec<_> = arguments.chain(["true"]).collect();
            let sandbox = copy();
            let run = with_identity(&sandbox, "staging", &arguments);
            run.output().assert_status(0);
        }
    }
}

/// On a server a container is handed the identity as a file, the pipeline has it as a variable; nothing else is handed over.
#[test]
fn the_identity_is_all_that_is_handed_over() {
    let secret = Regex::new(r"secrets\.([A-Z_]+)").unwrap();
    let workflow = fs::read_to_string(root().join("examples/ci/github-actions.yaml")).unwrap();
    let handed: BTreeSet<_> = secret.captures_iter(&workflow).map(|found| found[1].to_owned()).collect();
    assert_eq!(handed, words("ENVCTL_IDENTITY"));
    let compose = fs::read_to_string(root().join("examples/compose/compose.staging.yaml")).unwrap();
    assert!(compose.contains("ENVCTL_IDENTITY_FILE: /run/secrets/envctl"));
    let staging = fs::read_to_string(root().join("environments/staging.toml")).unwrap();
    assert!(!staging.contains("backend ="));
}
