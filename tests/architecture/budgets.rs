//! Sizes that keep the code readable: lines of files and functions, documentation per line of code.

use regex::Regex;

use crate::scan::{item_end, line_of};
use crate::tree::{SourceFile, sources};

/// No file is longer, production and test lines each counted alone.
const FILE_MAX: usize = 500;
/// Most files are not longer than this.
const FILE_GOOD: usize = 300;
/// The share of files, in percent, that is at most [`FILE_GOOD`] long.
const FILE_GOOD_SHARE: usize = 80;
/// No function is longer, from its `fn` to its last brace.
const FUNCTION_MAX: usize = 60;
/// The same in `src/cli/`.
const COMMAND_MAX: usize = 40;
/// Lines of documentation for a hundred lines of code, at least.
const DOCUMENTATION: usize = 13;

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    let mut lengths = Vec::new();
    for file in sources() {
        let (production, tests) = lengths_of(&file);
        let parts = [("production", production), ("test", tests)];
        let long = parts.iter().filter(|(_, lines)| *lines > FILE_MAX);
        findings
            .extend(long.map(|(what, lines)| format!("src/{}: {lines} {what} lines, at most {FILE_MAX}", file.path)));
        if production > 0 {
            lengths.push(production);
        }
    }
    lengths.sort_unstable();
    let good = lengths.iter().filter(|lines| **lines <= FILE_GOOD).count() * 100 / lengths.len();
    if good < FILE_GOOD_SHARE {
        findings.push(format!("{good} % of files have at most {FILE_GOOD} lines, at least {FILE_GOOD_SHARE} % should"));
    }
    let (median, longest) = (lengths[lengths.len() / 2], lengths[lengths.len() - 1]);
    println!(
        "files: {}, {} lines, median {median}, longest {longest}, {good} % at most {FILE_GOOD}",
        lengths.len(),
        lengths.iter().sum::<usize>()
    );
    crate::report("files over budget", &findings);
}

/// Lines of production code with its comments, and lines of tests.
fn lengths_of(file: &SourceFile) -> (usize, usize) {
    if file.production.trim().is_empty() && !file.tests.trim().is_empty() {
        return (0, file.text.lines().count());
    }
    let spans: usize = test_spans(&file.tests);
    (file.text.lines().count() - spans, spans)
}

/// The number of lines from the first to the last word of each run of test code.
fn test_spans(tests: &str) -> usize {
    const MARK: &str = "#[cfg(test)]";
    let starts = tests.match_indices(MARK);
    let lines = starts.map(|(at, _)| line_of(tests, item_end(tests, at + MARK.len())) - line_of(tests, at) + 1);
    lines.sum()
}

#[test]
fn functions_are_short() {
    let mut findings = Vec::new();
    let mut lengths = Vec::new();
    for file in sources() {
        let limit = if file.path.starts_with("cli/") { COMMAND_MAX } else { FUNCTION_MAX };
        for (name, line, lines) in functions(&file.production) {
            lengths.push(lines);
            if lines > limit {
                findings.push(format!("src/{}:{line}: `{name}` has {lines} lines, at most {limit}", file.path));
            }
        }
    }
    lengths.sort_unstable();
    let at = |percent: usize| lengths[(lengths.len() - 1) * percent / 100];
    println!("functions: {}, median {}, p90 {}, longest {}", lengths.len(), at(50), at(90), at(100));
    crate::report("functions over budget", &findings);
}

/// Name, line and length in lines of every function that has a body.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let start = Regex::new(r"\bfn\s+(\w+)").unwrap();
    let measure = |found: regex::Captures<'_>| {
        let from = found.get(0).unwrap().start();
        let end = item_end(code, from);
        let lines = line_of(code, end) - line_of(code, from) + 1;
        code[..end].ends_with('}').then(|| (found[1].to_owned(), line_of(code, from), lines))
    };
    start.captures_iter(code).filter_map(measure).collect()
}

#[test]
fn code_is_documented() {
    let (mut documentation, mut code) = (0, 0);
    let mut poorest = Vec::new();
    let mut findings = Vec::new();
    for file in sources().iter().filter(|file| !file.production.trim().is_empty()) {
        let doc = |line: &&str| line.trim_start().starts_with("///") || line.trim_start().starts_with("//!");
        let written = file.text.lines().filter(doc).count();
        let here = file.production.lines().filter(|line| !line.trim().is_empty()).count();
        poorest.push(((here * DOCUMENTATION / 100).saturating_sub(written), file.path.clone()));
        documentation += written;
        code += here;
        if !file.text.starts_with("//!") {
            findings.push(format!("src/{} does not begin with a `//!` line that tells its purpose", file.path));
        }
    }
    poorest.sort();
    poorest.reverse();
    let share = documentation * 100 / code;
    println!("documentation: {documentation} lines for {code} lines of code, .{share:02}");
    if share < DOCUMENTATION {
        let poor = poorest.iter().map(|(missing, path)| format!("{path} (-{missing})"));
        findings.push(format!("poorest: {}", poor.take(12).collect::<Vec<_>>().join(", ")));
        findings.push(format!(".{share:02} lines of documentation for a line of code, at least .{DOCUMENTATION}"));
    }
    crate::report("documentation", &findings);
}

#[test]
fn measures_functions() {
    let code = "fn a() {\n  b(|| {});\n}\ntrait T {\n fn c(&self);\n fn d(x: [u8; 2]) { }\n}\n";
    let names: Vec<_> = functions(code).into_iter().map(|(name, _, lines)| (name, lines)).collect();
    assert_eq!(names, [("a".to_owned(), 3), ("d".to_owned(), 1)]);
}
