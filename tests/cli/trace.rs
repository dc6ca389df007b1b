//! System calls watched and made to fail: strace, and what it says.

use std::collections::BTreeMap;
use std::fs;

use crate::harness::Sandbox;
use crate::projects::{left_out, there_is};
use crate::world::World;

/// A system call of a run: its name, and which of that name it is, counted from 1, as strace counts for `when=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) at: usize,
    /// Arguments and result, as strace writes them.
    pub(crate) text: String,
}

impl Call {
    /// Whether something outside of the process is another thing after it.
    pub(crate) fn changes(&self) -> bool {
        match self.name.as_str() {
            "openat" | "open" => self.text.contains("O_CREAT"),
            "write" | "writev" | "pwrite64" | "ftruncate" | "fsync" | "fdatasync" | "fchmod" | "fchown" | "flock" => {
                true
            }
            name => ["rename", "link", "unlink", "mkdir", "exit"].iter().any(|start| name.starts_with(start)),
        }
    }
}

/// The program closes its memory to others of its user, strace included, unless root looks. In a run that is only looked at
/// it is made to believe that it did.
pub(crate) const READABLE: &str = "--inject=prctl:retval=0";

/// Whether strace is there and may trace; says what is left out if not.
#[track_caller]
pub(crate) fn can_trace(test: &str) -> bool {
    if !there_is("strace", test) {
        return false;
    }
    let works = std::process::Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return true;
    }
    left_out(test, "strace may not trace");
    false
}

/// The calls of a run of envctl in a world.
pub(crate) fn calls(world: &World, arguments: &[&str], stdin: &str) -> Vec<Call> {
    // The trace quotes what was read and written: nothing is looked for in it here.
    traced(&world.sandbox, |under| drop(world.run(under, arguments).stdin(stdin).reveals().output()))
}

/// The calls of the program that `run` starts behind the words it is given, from the first statement of the program on.
/// What the loader did before is counted, not listed; what children do is neither.
pub(crate) fn traced(sandbox: &Sandbox, run: impl FnOnce(&[&str])) -> Vec<Call> {
    let trace = sandbox.path("trace");
    run(&["strace", "-qq", READABLE, "-y", "-s", "64", "-o", trace.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
    fs::remove_file(&trace).unwrap();
    let mut counted = BTreeMap::<&str, usize>::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((name, text)) = line.split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let at = counted.entry(name).or_default();
        *at += 1;
        calls.push(Call { name: name.to_owned(), at: *at, text: text.to_owned() });
    }
    let main = calls.iter().position(|call| call.text.starts_with("PR_SET_DUMPABLE")).unwrap();
    calls.split_off(main)
}

/// At most `count` of all, those that matter most first, the rest evenly spread.
pub(crate) fn sampled(calls: &[Call], count: usize) -> Vec<&Call> {
    if count >= calls.len() {
        return calls.iter().collect();
    }
    let follows = |index: usize| index > 0 && calls[index - 1].changes();
    let (first, rest): (Vec<_>, Vec<_>) =
        calls.iter().enumerate().partition(|(index, call)| call.changes() || follows(*index));
    let mut chosen = spread(&first, count);
    chosen.extend(spread(&rest, count - chosen.len()));
    chosen.sort_by_key(|(index, _)| *index);
    chosen.into_iter().map(|(_, call)| call).collect()
}

/// At most `count` of all, evenly spread.
pub(crate) fn spread<T: Copy>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    (0..count).map(|index| all[index * all.len() / count]).collect()
}

/// How many points a test tries of each thing: the variable says a number or `all`.
pub(crate) fn points(variable: &str, few: usize) -> usize {
    match std::env::var(variable) {
        Ok(all) if all == "all" => usize::MAX,
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{variable}: a number or `all`")),
        Err(_) => few,
    }
}
