//! A file imports from its own layer or below; the pure layers do not touch the world; only the edge prints.

use regex::Regex;

use crate::scan::line_of;
use crate::tree::{SourceFile, sources};

/// Every module directly below `src/`, lowest layer first. A new module gets its word here.
const LAYERS: [&[&str]; 4] = [
    // L0, words: depend on nothing above.
    &["secret", "source", "diagnostic"],
    // L1, language: pure, no input or output.
    &[
        "age_file",
        "assign",
        "config",
        "document",
        "dotenv",
        "environment",
        "infer",
        "kind",
        "lint",
        "model",
        "name",
        "outline",
        "patch",
        "placeholder",
        "plan",
        "recipe",
        "recipient",
        "reference",
        "render",
        "scaffold",
        "schema",
        "sealed",
        "template",
        "validate",
        "view",
    ],
    // L2, world: files, processes, keys, network; never prints.
    &[
        "backend", "editor", "generate", "git", "identity", "inject", "merging", "process", "project", "resolve",
        "store", "unseal", "update",
    ],
    // L3, edge: the only layer that prints.
    &["cli", "context", "lib", "main", "person", "terminal"],
];

/// What L0 and L1 may not say. Addresses (`std::net::IpAddr`) are plain data and allowed.
const WORLD: &[&str] = &[
    r"\bstd::(fs|env|process|thread|os)\b",
    r"\bstd::\{[^;]*\b(fs|env|process|thread|os)\b",
    r"\b(TcpStream|TcpListener|UdpSocket|UnixStream|UnixListener|ToSocketAddrs)\b",
    r"\bio::(stdin|stdout|stderr)\b",
    r"\bio::\{[^;]*\b(stdin|stdout|stderr)\b",
    r"\b(SystemTime|Instant)\b",
    r"\b(Timestamp|Zoned)::now\b",
    r"\b(rand|rustix|tempfile|tokio)::",
];

/// What nothing below L3 may say.
const PRINTING: &[&str] = &[r"\be?print(ln)?!", r"\bio::(stdout|stderr)\b", r"\bio::\{[^;]*\b(stdout|stderr)\b"];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

#[test]
fn every_file_has_a_layer() {
    let nameless = sources().into_iter().filter(|file| layer(&file.module()[0]).is_none());
    let findings: Vec<_> = nameless.map(|file| format!("src/{} is in no row of LAYERS", file.path)).collect();
    crate::report("files without a layer", &findings);
}

#[test]
fn imports_point_down() {
    let mut findings = Vec::new();
    for file in sources() {
        let own = layer(&file.module()[0]).unwrap_or(0);
        for (at, module) in imports(&file) {
            let line = line_of(&file.production, at);
            match layer(&module) {
                Some(other) if other <= own => {}
                Some(other) => findings.push(format!("src/{}:{line} is in L{own}, `{module}` in L{other}", file.path)),
                None => findings.push(format!("src/{}:{line}: `crate::{module}` is no module of LAYERS", file.path)),
            }
        }
    }
    crate::report("imports that point up", &findings);
}

#[test]
fn pure_layers_stay_pure_and_only_the_edge_prints() {
    let mut findings = Vec::new();
    for file in sources() {
        let own = layer(&file.module()[0]).unwrap_or(0);
        let world = if own <= 1 { WORLD } else { &[] };
        let printing = if own <= 2 { PRINTING } else { &[] };
        for pattern in world.iter().chain(printing) {
            for found in Regex::new(pattern).unwrap().find_iter(&file.production) {
                let line = line_of(&file.production, found.start());
                findings.push(format!("src/{}:{line} (L{own}): {}", file.path, found.as_str()));
            }
        }
    }
    crate::report("words that belong to a higher layer", &findings);
}

/// The modules of the crate that a file names by `crate::…` or `super::…`, with the place.
fn imports(file: &SourceFile) -> Vec<(usize, String)> {
    let path = Regex::new(r"\b(crate|super(?:\s*::\s*super)*)\s*::\s*").unwrap();
    let mut found = Vec::new();
    for start in path.captures_iter(&file.production) {
        let whole = start.get(0).unwrap();
        let names = first_segments(&file.production[whole.end()..]);
        let ups = start[1].matches("super").count();
        // `super` of a file's own module: only paths that reach the root name a module of the table.
        let reaches_root = &start[1] == "crate" || ups == file.module().len();
        let known = |name: &String| &start[1] == "crate" || layer(name).is_some();
        let names = names.into_iter().filter(|name| reaches_root && known(name));
        found.extend(names.map(|name| (whole.start(), name)));
    }
    found
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c}`.
fn first_segments(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        let text = text.trim_start();
        text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let Some(group) = text.strip_prefix('{') else {
        return vec![word(text)];
    };
    let (mut depth, mut from, mut names) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(word(&group[from..at]));
                from = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn reads_paths() {
    assert_eq!(first_segments("plan::Plan;"), ["plan"]);
    assert_eq!(first_segments("{plan::{A, B}, cli,\n} x"), ["plan", "cli"]);
    let file = |path: &str, code: &str| SourceFile {
        path: path.to_owned(),
        text: String::new(),
        production: code.to_owned(),
        tests: String::new(),
    };
    let named = |path, code| imports(&file(path, code)).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(named("plan.rs", "use super::cli::run; let x = crate::seal::open();"), ["cli", "seal"]);
    assert_eq!(named("kind/url.rs", "use super::cli; use super::super::cli;"), ["cli"]);
}
