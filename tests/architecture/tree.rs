//! The files the rules are about.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scan;

/// One file of `src/`.
pub(crate) struct SourceFile {
    /// Its path below `src/`, with `/`.
    pub(crate) path: String,
    /// The text as it is.
    pub(crate) text: String,
    /// What is compiled into the program, without comments and strings; same lines as `text`.
    pub(crate) production: String,
    /// What is compiled for tests only, likewise.
    pub(crate) tests: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of `src/`, sorted by path.
pub(crate) fn sources() -> Vec<SourceFile> {
    let mut files: Vec<_> = walk(&root().join("src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| read(&path))
        .collect();
    // A file that a `#[cfg(test)] mod x;` names is test code as a whole.
    let test_files: Vec<_> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let name = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if test_files.iter().any(|path| name == path || name.starts_with(&format!("{path}/"))) {
            file.tests = std::mem::take(&mut file.production);
        }
    }
    files
}

fn read(path: &Path) -> SourceFile {
    let text = fs::read_to_string(path).unwrap();
    let (production, tests) = scan::split_tests(&scan::code_only(&text));
    let below = path.strip_prefix(root().join("src")).unwrap();
    SourceFile { path: below.to_str().unwrap().replace('\\', "/"), text, production, tests }
}

fn test_modules(file: &SourceFile) -> Vec<String> {
    let mut folder = file.module();
    if matches!(file.path.as_str(), "lib.rs" | "main.rs") {
        folder.clear();
    }
    let declared = regex::Regex::new(r"\bmod\s+(\w+)\s*;").unwrap();
    let path = |name: &str| [folder.clone(), vec![name.to_owned()]].concat().join("/");
    declared.captures_iter(&file.tests).map(|found| path(&found[1])).collect()
}

impl SourceFile {
    /// The path of the module, outermost first: `["kind", "number"]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').map(str::to_owned).collect()
    }
}

/// Every file below `folder`, sorted.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let below = |path: PathBuf| {
        if path.is_dir() && !path.is_symlink() { walk(&path) } else { vec![path] }
    };
    paths.into_iter().flat_map(below).collect()
}

/// Every file that git tracks or would track; where there is no git, the folders that are in a release.
pub(crate) fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let names = match listed {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap(),
        _ => {
            let folders = ["src", "tests", "docs", "scripts", ".ci", ".github"];
            return folders.iter().flat_map(|name| walk(&root().join(name))).collect();
        }
    };
    let paths = names.split('\0').filter(|name| !name.is_empty()).map(|name| root().join(name));
    paths.filter(|path| path.is_file()).collect()
}
