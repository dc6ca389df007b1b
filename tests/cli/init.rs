//! `envctl init`: new projects from nothing and from `.env` files; what was in the file comes out of `run`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::harness::{Output, Sandbox};
use crate::projects::{ENVCTL, left_out, refused, text, unprivileged, variables};

/// The files of a new project.
const FILES: [&str; 7] = [
    ".gitattributes",
    ".gitignore",
    "envctl.toml",
    "environments/dev.toml",
    "environments/prod.toml",
    "environments/staging.toml",
    "schemas/app.toml",
];

/// Every file below a directory with its content.
fn tree(path: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(path).unwrap().to_string_lossy().into_owned();
                all.insert(name, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    all
}

/// A sandbox with a `.env` outside of its (empty) project.
fn with_env(content: impl AsRef<[u8]>) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place("old.env", content);
    sandbox
}

fn init(sandbox: &Sandbox) -> Output {
    sandbox.run(&["init", "--from", "../old.env"]).output()
}

fn delivered(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let run = sandbox.run(&["run", "dev", "--clear", "--", "env", "-0"]);
    variables(&run.reveals().output())
}

#[test]
fn a_project_from_nothing_works_at_once() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["init", "--as", "alice"]).output();
    output.assert_status(0).assert_stderr(
        "made your identity: [ROOT]/home/.config/envctl/identity.txt\n\
         keep a copy of it in a safe place: what is sealed for it alone is lost with it\n\
         no git repository yet: after `git init`, `envctl git install`\n",
    );
    let files = tree(&sandbox.path("project"));
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), FILES);
    for file in FILES {
        assert!(output.stdout.contains(file), "{file} is not named: {output}");
    }
    sandbox.run(&["check"]).output().assert_status(0);
    let all = delivered(&sandbox);
    assert_eq!(text(&all, "PORT"), Some("8000"));
    assert_eq!(text(&all, "SESSION_SECRET").map(str::len), Some(64));
    assert!(files["envctl.toml"].contains("name = \"project\""));
    // What stands in git does not hold what was generated.
    let secret = text(&all, "SESSION_SECRET").unwrap().to_owned();
    sandbox.register("SESSION_SECRET", &secret);
    assert_eq!(tree(&sandbox.path("project")), files);
    sandbox.run(&["run", "--", "true"]).output().assert_status(0);
    // Another environment has no value yet, and that is what a person decides.
    let output = sandbox.run(&["check", "--all"]).output();
    refused(&output, 1, "missing-value", "`SESSION_SECRET`");
}

#[test]
fn the_maker_is_the_first_recipient() {
    let sandbox = Sandbox::new();
    let made = sandbox.run(&["init", "one"]).env("USER", "Ann Ö.").output();
    made.assert_status(0);
    let recipient = sandbox.run(&["keygen", "--show"]).output().stdout.trim().to_owned();
    assert!(sandbox.read("one/envctl.toml").contains(&format!("[recipients]\nann--- = \"{recipient}\"\n")));
    for environment in ["dev", "staging", "prod"] {
        assert!(sandbox.read(&format!("one/environments/{environment}.toml")).contains("recipients = [\"ann---\"]\n"));
    }
    // The identity that is there is taken, by whatever name.
    let again = sandbox.run(&["init", "two", "--as", "bob"]).output();
    again.assert_status(0);
    assert!(again.stderr.starts_with("your identity: identity file ~/.config/envctl/identity.txt\n"), "{again}");
    assert!(sandbox.read("two/envctl.toml").contains(&format!("[recipients]\nbob = \"{recipient}\"\n")));
    // One that cannot be looked at without a question is left to the person.
    sandbox.place("home/.config/envctl/identity.txt", "age-encryption.org/v1\n");
    let locked = sandbox.run(&["init", "three"]).output();
    locked.assert_status(0);
    assert!(locked.stderr.contains("nobody can read secrets yet"), "{locked}");
    assert!(!sandbox.read("three/envctl.toml").contains("\n[recipients]\n"));
    sandbox.run(&["init", "four", "--as", "No Word"]).output().assert_status(2);
    assert!(!sandbox.path("project/four/envctl.toml").exists());
}

#[test]
fn a_repository_is_set_up() {
    let sandbox = Sandbox::new();
    sandbox.program("git", &["init", "-q"]).output().assert_status(0);
    sandbox.run(&["init"]).output().assert_status(0);
    sandbox.run(&["git", "install", "--check"]).output().assert_status(0);
}

#[test]
fn a_second_run_changes_nothing_and_completes_what_is_missing() {
    let sandbox = Sandbox::new();
    sandbox.run(&["init"]).output().assert_status(0);
    let before = tree(&sandbox.path("project"));
    let again = sandbox.run(&["init"]).output();
    again
        .assert_status(0)
        .assert_stdout("nothing was missing\n")
        .assert_stderr("no git repository yet: after `git init`, `envctl git install`\n");
    assert_eq!(tree(&sandbox.path("project")), before);
    std::fs::remove_file(sandbox.path("project/.gitattributes")).unwrap();
    sandbox.file(".gitignore", "");
    sandbox.run(&["init"]).output().assert_status(0);
    assert_eq!(tree(&sandbox.path("project")), before);
    std::fs::remove_file(sandbox.path("project/.gitattributes")).unwrap();
    sandbox.file(".gitignore", "target/\r\n.env");
    let again = sandbox.run(&["init"]).output();
    again.assert_status(0);
    let after = tree(&sandbox.path("project"));
    assert_eq!(after[".gitattributes"], before[".gitattributes"]);
    let ignored: Vec<_> = after[".gitignore"].lines().collect();
    assert_eq!(ignored[..2], ["target/", ".env"]);
    assert!(before[".gitignore"].lines().all(|line| ignored.contains(&line)), "{ignored:?}");
    let distinct: std::collections::BTreeSet<_> = ignored.iter().collect();
    assert_eq!(distinct.len(), ignored.len(), "{ignored:?}");
}

#[test]
fn what_is_there_already_is_kept() {
    let sandbox = with_env("A=1\nDB_PASSWORD=from-the-file\n");
    sandbox
        .file("schemas/app.toml", "# mine\n[variables.A]\n[variables.DB_PASSWORD]\nsecret = true\n")
        .file("environments/prod.toml", "# mine too\n")
        .file("src/main.py", "print(1)\n");
    init(&sandbox).assert_status(0);
    let files = tree(&sandbox.path("project"));
    assert!(files["schemas/app.toml"].starts_with("# mine\n"));
    assert_eq!(files["environments/prod.toml"], "# mine too\n");
    assert_eq!(files["src/main.py"], "print(1)\n");
    assert_eq!(text(&delivered(&sandbox), "DB_PASSWORD"), Some("from-the-file"));
}

#[test]
fn a_project_that_is_there_takes_no_file() {
    let sandbox = with_env("A=1\n");
    init(&sandbox).assert_status(0);
    let before = tree(&sandbox.path("project"));
    refused(&init(&sandbox), 2, "usage", "project already");
    assert_eq!(tree(&sandbox.path("project")), before);
}

#[test]
fn a_directory_is_made_where_it_is_named() {
    let sandbox = with_env("A=1\n");
    let output = sandbox.run(&["init", "services/new api", "--from", "../old.env"]).output();
    output.assert_status(0);
    assert_eq!(tree(&sandbox.path("project/services/new api")).len(), FILES.len());
    let output = sandbox.run(&["check"]).dir("services/new api/schemas").output();
    output.assert_status(0);
    for odd in ["-x", "Ünïcode 🦀", "a'b\"c", "a.b"] {
        let directory = format!("./{odd}");
        sandbox.run(&["init", &directory]).output().assert_status(0);
        sandbox.run(&["check", "--project", &directory]).output().assert_status(0);
    }
    let output = sandbox.run(&["init", "named", "--name", "Quotes \" and \\ 🦀"]).output();
    output.assert_status(0);
    let output = sandbox.run(&["check", "--project", "named"]).output();
    output.assert_status(0);
}

#[test]
fn a_directory_that_cannot_be_written_is_exit_5() {
    let sandbox = with_env("A=1\nDB_PASSWORD=0123456789abcdef0123\n");
    sandbox.register("DB_PASSWORD", "0123456789abcdef0123");
    sandbox.file("a-file", "").file("half/schemas", "").file("odd/envctl.toml/x", "");
    for directory in ["a-file", "a-file/below", "/proc/envctl-test", "half", "/dev/null"] {
        let output = sandbox.run(&["init", directory, "--from", "../old.env"]).output();
        refused(&output, 5, "io", "");
    }
    assert!(!sandbox.path("project/half/envctl.toml").exists());
    let output = sandbox.run(&["init", "odd"]).output();
    assert_ne!(output.status, 101, "{output}");
    let output = sandbox.run(&["init", "fresh", "--from", "../old.env"]).env("XDG_DATA_HOME", "/dev/null").output();
    refused(&output, 5, "io", "");
    assert!(!sandbox.path("project/fresh/envctl.toml").exists(), "a project without its secrets");
    std::fs::create_dir(sandbox.path("project/locked")).unwrap();
    crate::harness::set_mode(&sandbox.path("project/locked"), 0o555);
    match unprivileged(&sandbox, &["init", "locked"]) {
        Some(run) => refused(&run.output(), 5, "io", "permission denied"),
        None => left_out("init in a directory without write permission", "no setpriv for root"),
    }
}

/// Text of a `.env` file, and the values that `run` delivers; those of `""` are not delivered.
const DIALECTS: &[(&str, &[(&str, &str)])] = &[
    ("A=1\nB = two words \nexport C='x'\n", &[("A", "1"), ("B", "two words"), ("C", "x")]),
    (
        "A=\"two\\nlines\" # note\nB='raw\\n'\nC=`it's \"so\"`\n",
        &[("A", "two\nlines"), ("B", "raw\\n"), ("C", "it's \"so\"")],
    ),
    ("A=1\r\nB=\"a\r\nb\"\r\n\r\nC='c'\r\n", &[("A", "1"), ("B", "a\nb"), ("C", "c")]),
    ("\u{feff}A=first\nB=\u{feff}x\n", &[("A", "first"), ("B", "x")]),
    ("A=old\nB=b\nA=new\n", &[("A", "new"), ("B", "b")]),
    ("A=\nB=\"\"\nC=''\nD= # nothing\nE=e", &[("A", ""), ("B", ""), ("C", ""), ("D", ""), ("E", "e")]),
    ("A=one#two\nB=one #two\nC='#'\nD=#\n", &[("A", "one"), ("B", "one"), ("C", "#"), ("D", "")]),
    ("HOST=db\nPORT=5432\nURL=http://${HOST}:${PORT}/x\n", &[("URL", "http://db:5432/x"), ("PORT", "5432")]),
    (
        "A=$B\nB=$(id)\nC=x`id`\nD=$$\nE=${\nF=${}\nG=$${A}\n",
        &[("A", "$(id)"), ("B", "$(id)"), ("C", "x`id`"), ("D", "$$"), ("E", "${"), ("F", "${}"), ("G", "$${A}")],
    ),
    (
        "A=${A}\nB=${C}\nC=${B}\nD=${NOT_THERE}\nE=${A:-x}\n",
        &[("A", "${A}"), ("B", "${C}"), ("C", "${B}"), ("D", "${NOT_THERE}"), ("E", "${A:-x}")],
    ),
    (
        "A=007\nB=1e3\nC=0x1F\nD=1_000\nE=+5\nF=-0\nG=1.50\nH=00:10\n",
        &[
            ("A", "007"),
            ("B", "1e3"),
            ("C", "0x1F"),
            ("D", "1_000"),
            ("E", "+5"),
            ("F", "-0"),
            ("G", "1.50"),
            ("H", "00:10"),
        ],
    ),
    (
        "A=yes\nB=True\nC=true\nD=null\nE=on\nF=TRUE\n",
        &[("A", "yes"), ("B", "True"), ("C", "true"), ("D", "null"), ("E", "on"), ("F", "TRUE")],
    ),
    (
        "A=99999999999999999999\nB=65536\nPORT=0\nWEB_PORT=8080\n",
        &[("A", "99999999999999999999"), ("B", "65536"), ("PORT", "0"), ("WEB_PORT", "8080")],
    ),
    (
        "A=a,b,c\nB=a,,b\nC=,\nD=[\"x\", 1]\nE={\"k\": \"v\"}\n",
        &[("A", "a,b,c"), ("B", "a,,b"), ("C", ","), ("D", "[\"x\", 1]"), ("E", "{\"k\": \"v\"}")],
    ),
    ("A='''x'''\nB=\"\"\"y\"\"\"\nC='\"'\nD=\"'\"\n", &[("A", "''x''"), ("B", "\"\"y\"\""), ("C", "\""), ("D", "'")]),
    (
        "A=\"tab\there\"\nB='é🦀\u{202e}'\nC=\\\nD=C:\\new\\table\n",
        &[("A", "tab\there"), ("B", "é🦀\u{202e}"), ("C", "\\"), ("D", "C:\\new\\table")],
    ),
    (
        "A=2026-11-21\nB=2026-11-21T10:00:00Z\nC=10:00\nD=v1.2.3\nE=1.2.3\n",
        &[("A", "2026-11-21"), ("B", "2026-11-21T10:00:00Z"), ("C", "10:00"), ("D", "v1.2.3"), ("E", "1.2.3")],
    ),
    ("API=x\napi_key=y\n_A=z\nA1=w\n", &[("API", "x"), ("api_key", "y"), ("_A", "z"), ("A1", "w")]),
    ("PGPASS=a'b\"c`d$e\\f g\nTOKEN=\"x\ny\"\n", &[("TOKEN", "x\ny")]),
    ("FROM='multi\nline # no comment\n\nB=no'\nB=yes\n", &[("FROM", "multi\nline # no comment\n\nB=no"), ("B", "yes")]),
    ("", &[]),
    ("\n\n# only a comment\n", &[]),
    ("A=x", &[("A", "x")]),
    ("A: x\n", &[("A", "x")]),
    ("B=b\nC='$B'\nD=x$B\nE=$BB\nF=\\$B\n", &[("C", "$B"), ("D", "xb"), ("E", "$BB"), ("F", "\\$B")]),
];

#[test]
fn what_was_in_the_file_is_delivered() {
    for (source, expected) in DIALECTS {
        let sandbox = with_env(source);
        init(&sandbox).assert_status(0);
        let check = sandbox.run(&["check"]).output();
        check.assert_status(0);
        let all = delivered(&sandbox);
        for (name, value) in *expected {
            let expected = (!value.is_empty()).then_some(*value);
            assert_eq!(text(&all, name), expected, "{name} of {source:?}");
        }
    }
}

#[test]
fn a_secret_is_in_no_file_of_the_project() {
    let sandbox = Sandbox::new();
    let fresh = |name: &str| sandbox.canary(name);
    let pem = |body: &str| format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let token = |prefix: &str, canary: &str| format!("{prefix}{}", canary.replace('-', ""));
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", token("", &fresh("JWT")));
    let values = [
        ("DB_PASSWORD", fresh("DB_PASSWORD")),
        ("STRIPE_API_KEY", fresh("STRIPE_API_KEY")),
        ("GH", token("ghp_", &fresh("GH"))),
        ("SESSION", jwt),
        ("DATABASE_URL", format!("postgresql://app:{}@db.internal/app", fresh("DATABASE_URL"))),
        ("REDIS", format!("redis://:{}@cache:6379/0", fresh("REDIS"))),
        ("SIGNING_CERT", pem(&fresh("SIGNING_CERT"))),
        ("ZZ_TOP", fresh("ZZ_TOP").replace("CANARY-", "")),
        ("api_secret", fresh("api_secret")),
        ("SMTP_PASS", fresh("SMTP_PASS")),
        ("APP_KEY", format!("base64:{}", fresh("APP_KEY"))),
        ("SENTRY_DSN", format!("https://{}@o1.ingest.example.com/2", fresh("SENTRY_DSN").replace("CANARY-", ""))),
        ("WEBHOOK", format!("https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/{}", token("", &fresh("WEBHOOK")))),
    ];
    let commented = fresh("COMMENTED");
    let mut source =
        format!("# old: OTHER_TOKEN={commented}\n#OLD_PASSWORD={commented}\nPORT=8000 # was {commented}\nPLAIN=x\n");
    for (name, value) in &values {
        let value = value.trim_end_matches('\n').replace('\n', "\\n");
        source += &format!("{name}=\"{value}\" # {value}\n");
    }
    sandbox.place("old.env", &source);
    // The harness looks at the output and at every file that this makes.
    init(&sandbox).assert_status(0);
    sandbox.run(&["check"]).output().assert_status(0);
    sandbox.run(&["list"]).output().assert_status(0);
    sandbox.run(&["render", "--format", "example"]).output().assert_status(0);
    let all = delivered(&sandbox);
    for (name, value) in &values {
        assert_eq!(text(&all, name), Some(value.trim_end_matches('\n')), "{name}");
    }
    assert_eq!(text(&all, "PLAIN"), Some("x"));
}

#[test]
fn a_value_made_of_a_secret_is_one() {
    let sandbox = Sandbox::new();
    let password = sandbox.canary("POSTGRES_PASSWORD");
    sandbox.place(
        "old.env",
        format!("POSTGRES_PASSWORD={password}\nDSN=postgresql://app:${{POSTGRES_PASSWORD}}@db/app\nCOPY=${{DSN}}\n"),
    );
    init(&sandbox).assert_status(0);
    let all = delivered(&sandbox);
    assert_eq!(text(&all, "DSN").unwrap(), format!("postgresql://app:{password}@db/app"));
    assert_eq!(all["COPY"], all["DSN"]);
    sandbox.run(&["run", "--", "true"]).output().assert_status(0);
    let listed = sandbox.run(&["list", "--format", "json"]).output();
    let json: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    for variable in json["variables"].as_array().unwrap() {
        assert_eq!(variable["sensitive"], true, "{variable}");
    }
}

#[test]
fn what_cannot_be_taken_over_is_told_and_the_rest_is_there() {
    let sandbox = with_env(
        "a.b=1\nA-B=2\n1A=3\nPATH=/x\nLD_PRELOAD=x.so\nENVCTL_IDENTITY=k\nNODE_OPTIONS=--require x\nGOOD=4\nGood=5\nENV=prod\n",
    );
    let output = init(&sandbox);
    output.assert_status(0);
    for name in ["PATH", "LD_PRELOAD", "ENVCTL_IDENTITY", "NODE_OPTIONS", "Good", "ENV"] {
        let told = output.stdout.lines().filter(|line| line.starts_with(&format!("skipped {name}: ")));
        assert_eq!(told.count(), 1, "{name}: {output}");
        assert!(!output.stderr.contains(&format!("`{name}`")), "{output}");
    }
    // What is no name may be a piece of a value: its place alone is told.
    for (line, name) in [(1, "a.b"), (2, "A-B"), (3, "1A")] {
        assert_eq!(output.stderr.matches(&format!(" --> ../old.env:{line}:1\n")).count(), 1, "{output}");
        assert!(!output.stdout.contains(name) && !output.stderr.contains(name), "{output}");
    }
    assert!(!output.stderr.contains("nothing was written"), "{output}");
    let all = delivered(&sandbox);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["GOOD"]);
}

#[test]
fn a_file_that_cannot_be_read_leaves_nothing_behind() {
    let long = format!("A={}\n", "x".repeat(21 << 20));
    let cases: &[(&[u8], i32, &str, &str)] = &[
        (b"\xff\xfeA\x00=\x001\x00\n\x00", 1, "not-utf8", "UTF-16"),
        (b"\xfe\xff\x00A\x00=\x001\x00\n", 1, "not-utf8", "UTF-16"),
        (b"A=caf\xe9\n", 1, "not-utf8", "byte 5"),
        (b"A=\"open\nB=2\n", 1, "dotenv-syntax", "not closed"),
        (b"A='open", 1, "dotenv-syntax", "not closed"),
        (b"KEY=-----BEGIN KEY-----\nhunter2hunter2\n-----END KEY-----\n", 1, "dotenv-syntax", ""),
        (b"just some words hunter2\n", 1, "dotenv-syntax", ""),
        (b"A=a\0b\n", 1, "dotenv-syntax", ""),
        (long.as_bytes(), 1, "file-too-large", "20 MiB"),
    ];
    for (content, status, code, part) in cases {
        let sandbox = with_env(content);
        let output = init(&sandbox);
        refused(&output, *status, code, part);
        assert!(output.stderr.ends_with("nothing was written\n"), "{output}");
        assert!(!output.stderr.contains("hunter2"), "{output}");
        assert!(tree(&sandbox.path("project")).is_empty(), "{output}");
        assert!(!sandbox.path("home/.local/share/envctl").exists());
    }
    let sandbox = Sandbox::new();
    for (from, code) in
        [("missing.env", "io"), (".", "not-a-regular-file"), ("/dev/zero", "not-a-regular-file"), ("", "io")]
    {
        refused(&sandbox.run(&["init", "--from", from]).output(), 5, code, "");
    }
    sandbox.program("mkfifo", &["pipe"]).output().assert_status(0);
    refused(&sandbox.run(&["init", "--from", "pipe"]).output(), 5, "not-a-regular-file", "");
}

#[test]
fn a_reference_is_doubtful_only_where_it_was_not_followed() {
    let told = |source: &str| {
        let output = init(&with_env(source));
        output.stderr.lines().filter(|line| line.starts_with("warning")).count()
    };
    assert_eq!(told("B=b\nC=c\nA=$B/${C}/${B}\n"), 0);
    // One of the two is no variable of the file.
    assert_eq!(told("B=b\nA=$B/$X\n"), 1);
    assert_eq!(told("A=$X$Y${Z}\n"), 1);
    assert_eq!(told("B=b\nA='$B'\n"), 1);
    assert_eq!(told("A=$X\nB=$X\n"), 2);
    // A secret is not taken apart.
    assert_eq!(told("B=b\nA_PASSWORD=hunter2$B\n"), 1);
    // Nothing was decided where an error stops it.
    assert_eq!(told("B=b\nA=$B\nC=a\\b\nD='\n"), 1);
    let sandbox = Sandbox::new();
    sandbox.place("dev.env", "B=b\nA=$B\n").place("prod.env", "A=$B\n");
    let output = sandbox.run(&["init", "--from", "../dev.env", "--from", "prod=../prod.env"]).output();
    assert!(output.stderr.contains("../prod.env:1:3\n") && !output.stderr.contains("../dev.env"), "{output}");
}

/// A file of a hundred lines as programs have it: what is told fits a screen.
#[test]
fn what_is_told_of_a_long_file_is_short() {
    let sandbox = Sandbox::new();
    let mut source = String::new();
    for service in ["DB", "CACHE", "MAIL", "QUEUE", "SEARCH", "BILLING", "LOGIN", "METRICS", "FILES", "CHAT"] {
        let secret = sandbox.canary(service);
        source += &format!(
            "# {service}\n{service}_HOST={service}.internal\n{service}_PORT=5432\n{service}_USER=app\n\
             {service}_PASSWORD={secret}\n{service}_URL=https://${{{service}_USER}}:${{{service}_PASSWORD}}@${{{service}_HOST}}/\n\
             {service}_TIMEOUT=\n{service}_TITLE=\"${{{service}_USER}} of ${{{service}_HOST}}\"\n\
             {service}_API_TOKEN=changeme\n\n"
        );
    }
    assert!(source.lines().count() >= 100);
    sandbox.place("old.env", source);
    let output = init(&sandbox);
    output.assert_status(0);
    assert!(output.stdout.lines().count() < 12 && output.stderr.lines().count() == 3, "{output}");
}

#[test]
fn several_files_make_several_environments() {
    let sandbox = Sandbox::new();
    let (dev, prod) = (sandbox.canary("dev"), sandbox.canary("prod"));
    sandbox
        .place("dev.env", format!("MODE=dev\nDB_PASSWORD={dev}\nONLY_DEV=1\n"))
        .place("prod.env", format!("MODE=prod\nDB_PASSWORD={prod}\n"))
        .place("qa.env", "MODE=qa\n")
        .place("more.env", "ONLY_DEV=2\nADDED=x\n");
    let from = [
        "init",
        "--from",
        "dev=../dev.env",
        "--from",
        "prod=../prod.env",
        "--from",
        "qa=../qa.env",
        "--from",
        "../more.env",
    ];
    sandbox.run(&from).output().assert_status(0);
    let show = |environment| {
        let run = sandbox.run(&["run", environment, "--clear", "--", "env", "-0"]);
        run.reveals().output()
    };
    let all = variables(&show("dev"));
    assert_eq!(text(&all, "DB_PASSWORD"), Some(dev.as_str()));
    assert_eq!((text(&all, "ONLY_DEV"), text(&all, "ADDED")), (Some("2"), Some("x")));
    let all = variables(&show("prod"));
    assert_eq!(text(&all, "DB_PASSWORD"), Some(prod.as_str()));
    assert_eq!((text(&all, "MODE"), text(&all, "ONLY_DEV")), (Some("prod"), None));
    // A variable is required where a file assigned it: what is left is for a person to decide.
    sandbox.run(&["check", "qa"]).output().assert_status(0);
    let output = sandbox.run(&["check", "--all"]).output();
    refused(&output, 1, "missing-value", "`MODE` has no value in `staging`");
    assert!(output.stderr.ends_with("1 error in 1 file\n"), "{output}");
}

#[test]
fn ten_thousand_lines_are_taken() {
    let lines: Vec<_> = (0..10_000).map(|index| format!("NAME_{index:05}='value {index} $x'\n")).collect();
    let sandbox = with_env(lines.concat());
    init(&sandbox).assert_status(0);
    let all = delivered(&sandbox);
    assert_eq!(all.len(), 10_000);
    assert_eq!(text(&all, "NAME_09999"), Some("value 9999 $x"));
}

/// Killed at any system call that changes something, and begun again.
#[test]
fn killed_at_any_moment_it_can_be_run_again() {
    let test = "killed_at_any_moment_it_can_be_run_again";
    if !crate::projects::there_is("strace", test) {
        return;
    }
    let (mut killed, mut left) = (0, Vec::new());
    for call in ["write", "mkdir", "linkat,link,rename,renameat,renameat2", "fsync", "fchmod", "unlink"] {
        for at in 1..100 {
            let sandbox = Sandbox::new();
            let secret = sandbox.canary("DB_PASSWORD");
            sandbox.place("old.env", format!("DB_PASSWORD={secret}\nMODE=x\n"));
            let inject = format!("--inject={call}:signal=SIGKILL:when={at}");
            let traced = ["-qq", "-o", "/dev/null", &inject, ENVCTL, "init", "--from", "../old.env"];
            let output = sandbox.program("strace", &traced).output();
            if output.stderr.contains("ptrace") || output.stderr.contains("strace:") {
                return left_out(test, "strace may not trace");
            }
            if output.status == 0 {
                break;
            }
            assert_eq!(output.status, 137, "{call} {at}: {output}");
            killed += 1;
            left.extend(after_a_kill(&sandbox, &secret, &format!("{call} {at}")));
        }
    }
    assert!(killed > 20, "killed only {killed} times");
    assert!(left.is_empty(), "left behind: {left:#?}");
}

/// Whatever is there after a kill: `init` completes it, and it works. Gives the files that nobody needs any more.
fn after_a_kill(sandbox: &Sandbox, secret: &str, moment: &str) -> Vec<String> {
    let there = sandbox.path("project/envctl.toml").exists();
    let arguments: &[&str] = if there { &["init"] } else { &["init", "--from", "../old.env"] };
    let again = sandbox.run(arguments).output();
    assert_eq!(again.status, 0, "{moment}: {again}");
    let all = delivered(sandbox);
    assert_eq!(text(&all, "DB_PASSWORD"), Some(secret), "{moment}");
    let files = tree(&sandbox.path("project"));
    for file in FILES {
        assert!(files.contains_key(file), "{moment}: {file} is missing");
    }
    let all = tree(sandbox.path("home").as_path()).into_keys().chain(files.into_keys());
    let left = all.filter(|name| name.contains(".envctl-"));
    left.map(|name| format!("{moment}: {name}")).collect()
}
