//! Every diagnostic code is explained and has been seen by a test.

use envctl::diagnostic::Code;

use crate::tree::root;

/// Codes that no input from outside can bring about, with what tests them instead.
const NO_CASE: &[(&str, &str)] = &[
    ("bug", "a panic cannot be asked for; the panic hook has its own test"),
    ("changed-meanwhile", "somebody else has to write at the right moment: tests of `edit`"),
    ("older-copy", "git has to be in the middle of a merge: tests/cli/git.rs"),
    ("key-replaced", "git has to be in the middle of a merge: tests/cli/git.rs"),
    ("merge-entry-conflict", "git has to be in the middle of a merge: tests/cli/git.rs"),
    ("merge-key-conflict", "git has to be in the middle of a merge: tests/cli/git.rs"),
    ("not-in-either-parent", "git has to be in the middle of a merge: tests/cli/git_resolve.rs"),
    ("staged-file", "a repository is needed: tests/cli/git_hook.rs"),
    ("git-failed", "a repository is needed, or none: tests/cli/git_hook.rs"),
];

#[test]
fn every_code_has_a_page_and_a_case() {
    let mut findings = Vec::new();
    for slug in Code::ALL.iter().map(|code| code.slug()) {
        if !root().join(format!("docs/codes/{slug}.md")).is_file() {
            findings.push(format!("docs/codes/{slug}.md is missing"));
        }
        let exempt = NO_CASE.iter().any(|(name, _)| *name == slug);
        if !exempt && cases(slug) == 0 {
            findings.push(format!("tests/ui/{slug}/ has no case"));
        }
    }
    crate::report("codes without a page or a case", &findings);
}

/// The number of cases of a code.
fn cases(slug: &str) -> usize {
    let entries = std::fs::read_dir(root().join("tests/ui").join(slug));
    entries.map_or(0, |entries| entries.flatten().filter(|entry| entry.path().is_dir()).count())
}

#[test]
fn every_page_and_folder_belongs_to_a_code() {
    let mut findings = Vec::new();
    for folder in ["docs/codes", "tests/ui"] {
        let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let slug = path.file_stem().unwrap().to_str().unwrap();
            if Code::from_slug(slug).is_none() {
                findings.push(format!("{folder}/{slug}: there is no such code"));
            }
        }
    }
    crate::report("pages or cases without a code", &findings);
}
