//! Changing one secret changes its line: all others, comments, order and line endings stay byte for byte; and a command
//! unwraps the data key of an environment once.

use std::time::SystemTime;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::set_mode;
use crate::projects::{there_is, variables};
use crate::world::World;

const DEV: &str = "environments/dev.toml";

/// How a person may have written the file that envctl wrote: order, comments, spaces, line endings.
#[derive(Debug, Clone)]
struct Style {
    /// Which of the tables comes first, and which entry in each.
    order: Vec<Index>,
    /// Before which lines something is put in, and what.
    inserted: Vec<(Index, &'static str)>,
    carriage_returns: bool,
    byte_order_mark: bool,
    no_final_newline: bool,
    spaces: bool,
}

fn styles() -> impl Strategy<Value = Style> {
    let line =
        prop::sample::select(vec!["", "# ä comment with \"quotes\" = and [brackets]", "\t", "# A = { enc = \"AQ\" }"]);
    let order = prop::collection::vec(any::<Index>(), 12);
    let inserted = prop::collection::vec((any::<Index>(), line), 0..6);
    (order, inserted, any::<[bool; 4]>()).prop_map(|(order, inserted, flags)| Style {
        order,
        inserted,
        carriage_returns: flags[0],
        byte_order_mark: flags[1],
        no_final_newline: flags[2],
        spaces: flags[3],
    })
}

impl Style {
    /// The same file, written in this way. The first table has no header.
    fn apply(&self, text: &str) -> String {
        let mut tables = text.split("\n[").map(str::to_owned).collect::<Vec<_>>();
        let head = tables.remove(0);
        let mut order = self.order.iter();
        shuffle(&mut tables, &mut order);
        let tables = tables.into_iter().map(|table| {
            let (header, body) = table.split_once('\n').unwrap_or((&table, ""));
            // What spans several lines stays together.
            let mut entries = entries(body);
            shuffle(&mut entries, &mut order);
            format!("[{header}\n{}", entries.concat())
        });
        let mut lines: Vec<String> =
            [vec![head], tables.collect()].concat().join("\n").lines().map(str::to_owned).collect();
        for (index, line) in &self.inserted {
            let place = index.index(lines.len() + 1);
            if !within_text(&lines, place) {
                lines.insert(place, (*line).to_owned());
            }
        }
        if self.spaces {
            let spaced = |line: &String| line.replacen(" = {enc", " =\t{ enc", 1).replacen(" = \"", "   =  \"", 1);
            lines = lines.iter().map(spaced).collect();
        }
        let end = if self.carriage_returns { "\r\n" } else { "\n" };
        let mut text = lines.join(end);
        if !self.no_final_newline {
            text += end;
        }
        if self.byte_order_mark { format!("\u{feff}{text}") } else { text }
    }
}

fn shuffle<'i, T>(all: &mut [T], order: &mut impl Iterator<Item = &'i Index>) {
    for last in (1..all.len()).rev() {
        if let Some(index) = order.next() {
            all.swap(last, index.index(last + 1));
        }
    }
}

/// The entries of a table, each with its newline.
fn entries(body: &str) -> Vec<String> {
    let (mut all, mut current) = (Vec::new(), String::new());
    for line in body.lines().filter(|line| !line.is_empty()) {
        current += line;
        current += "\n";
        if current.matches("\"\"\"").count() != 1 {
            all.push(std::mem::take(&mut current));
        }
    }
    all.push(current);
    all
}

/// Whether the line that comes to stand there would be inside of a text of several lines.
fn within_text(lines: &[String], place: usize) -> bool {
    lines[..place].iter().filter(|line| line.contains("\"\"\"")).count() % 2 == 1
}

/// The lines of `text`, with their ends, but those that begin with one of `names`.
fn without<'t>(text: &'t str, names: &[&str]) -> Vec<&'t str> {
    let begins = |line: &str| {
        let line = line.trim_start_matches('\u{feff}');
        names.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')))
    };
    text.split_inclusive('\n').filter(|line| !begins(line)).collect()
}

fn not_blank<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    lines.iter().copied().filter(|line| !line.trim().is_empty()).collect()
}

/// Whether both have the same lines; a last one without its end may have got one.
fn same_lines(before: &[&str], after: &[&str]) -> bool {
    let end =
        |lines: &[&str]| lines.iter().map(|line| line.trim_end_matches(['\n', '\r']).to_owned()).collect::<Vec<_>>();
    let (whole_before, whole_after) = (before.concat(), after.concat());
    whole_after == whole_before || (end(before) == end(after) && whole_after.trim_end() == whole_before.trim_end())
}

#[test]
fn an_edit_leaves_every_other_line() {
    let mut world = World::new();
    let written = world.sandbox.read(DEV);
    let values: Vec<String> = (0..2).map(|index| world.sandbox.canary(&format!("value {index}"))).collect();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let mut runner =
        TestRunner::new(Config { cases: std::cmp::min(cases, 1000), failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&styles(), |style| {
        let text = style.apply(&written);
        world.sandbox.file(DEV, &text);
        world.done(&["check", "dev", "--seal"]);
        // The value it has: nothing is written, not even the time.
        let path = world.sandbox.path("project").join(DEV);
        let old = SystemTime::UNIX_EPOCH;
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        let set = |name: &str, value: &str| {
            let output = world.sandbox.run(&["set", "dev", name, "--stdin"]).stdin(value).output();
            output.assert_status(0);
        };
        set("A", world.value("dev", "A"));
        set("MODE", "dev");
        prop_assert_eq!(&world.sandbox.read(DEV), &text);
        prop_assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), old);
        // Another value, a new name, a name less: a line each, and two of the seal.
        let mut before = text;
        let steps: [(&str, &dyn Fn()); 4] = [
            ("B", &|| set("B", &values[0])),
            ("C", &|| set("C", &values[1])),
            ("MODE", &|| set("MODE", "slow")),
            ("A", &|| drop(world.done(&["unset", "dev", "A"]))),
        ];
        for (name, step) in steps {
            step();
            let after = world.sandbox.read(DEV);
            let names: &[&str] = if name == "MODE" { &[name] } else { &[name, "revision", "mac"] };
            let (old, new) = (without(&before, names), without(&after, names));
            // A blank line stands between entries, so one comes and goes with an entry.
            let entry_only = ["A", "C"].contains(&name);
            let (old, new) = if entry_only { (not_blank(&old), not_blank(&new)) } else { (old, new) };
            let blank = before.lines().count().abs_diff(after.lines().count());
            prop_assert!(blank <= if entry_only { 2 } else { 0 }, "{}: {} lines more or less", name, blank);
            prop_assert!(same_lines(&old, &new), "{} changed more than its lines:\n{}\n---\n{}", name, before, after);
            let (ends, returns) = (after.matches('\n').count(), after.matches("\r\n").count());
            prop_assert_eq!(returns, if style.carriage_returns { ends } else { 0 }, "{}: line ends", name);
            prop_assert_eq!(after.starts_with('\u{feff}'), style.byte_order_mark, "{}", name);
            before = after;
        }
        let shown = world.sandbox.run(&["run", "dev", "--clear", "--", "env", "-0"]).reveals().output();
        let all = variables(&shown);
        let got =
            ["A", "B", "C", "MODE"].map(|name| all.get(name).map(|value| String::from_utf8_lossy(value).into_owned()));
        let [new, other] = [&values[0], &values[1]].map(Clone::clone);
        prop_assert_eq!(got, [None, Some(new), Some(other), Some(String::from("slow"))]);
        Ok(())
    });
    outcome.unwrap();
    world.save();
}

/// The lines of `[secrets]` by name.
fn sealed(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.contains("enc = \"")).collect()
}

/// Who may read changes: what is sealed does not, as long as the key is the same.
#[test]
fn a_new_reader_changes_no_secret() {
    let world = World::new();
    let before = world.sandbox.read(DEV);
    world.done(&["recipients", "add", "carol", &world.people[2], "dev"]);
    let after = world.sandbox.read(DEV);
    assert_eq!(sealed(&before), sealed(&after));
    assert_eq!((world.number("dev", "generation"), world.number("dev", "revision")), (1, 3));
    world.done(&["rekey", "dev"]);
    let rekeyed = world.sandbox.read(DEV);
    assert!(
        sealed(&rekeyed)
            .iter()
            .zip(sealed(&after))
            .all(|(new, old)| *new != old && new.ends_with(&old[old.len() - 34..]))
    );
    let changed = ["A", "B", "revision", "mac", "generation", "lineage"];
    assert_eq!(without_key(&rekeyed, &changed), without_key(&after, &changed));
}

/// The lines of a file but these, and but the wrapped key.
fn without_key(text: &str, names: &[&str]) -> Vec<String> {
    let (before, rest) = text.split_once("-----BEGIN").unwrap();
    let (_, after) = rest.split_once("-----END").unwrap();
    without(&format!("{before}{after}"), names).into_iter().map(str::to_owned).collect()
}

/// A plugin that may ask for a touch each time is asked once for each environment, however many secrets and schemas
/// there are.
#[test]
fn an_environment_is_unwrapped_once() {
    let test = "an_environment_is_unwrapped_once";
    if !there_is("python3", test) {
        return;
    }
    let world = World::new();
    let sandbox = &world.sandbox;
    sandbox.script("age-plugin-counter", include_str!("plugin/age-plugin-counter"));
    let made = sandbox.program("age-plugin-counter", &["--generate"]).output();
    let (identity, recipient) = made.stdout.trim().split_once('\n').unwrap();
    let program = sandbox.path("bin/age-plugin-counter");
    sandbox.place("home/.config/envctl/config.toml", format!("[plugins]\ncounter = \"{}\"\n", program.display()));
    world.done(&["recipients", "add", "dora", recipient, "--all", "--yes"]);
    sandbox.place("home/plugin.txt", format!("{identity}\n"));
    set_mode(&sandbox.path("home/plugin.txt"), 0o600);
    sandbox.file(
        "schemas/web.toml",
        "[variables.A]\nsecret = true\nrequired = false\n[variables.MODE]\nrequired = false\n",
    );
    sandbox.file("environments/stage.toml", "extends = \"dev\"\n[values]\nMODE = \"stage\"\n");
    let value = sandbox.canary("new value");
    let log = sandbox.path("log");
    let cases: [(&[&str], usize); 9] = [
        (&["run", "dev", "--schema", "api", "--", "true"], 1),
        (&["run", "stage", "--schema", "api", "--", "true"], 1),
        (&["get", "dev", "B", "-o", "/dev/null"], 1),
        (&["check", "dev", "--resolve"], 1),
        (&["check", "--all", "--seal"], 2),
        (&["check", "--all", "--resolve"], 2),
        (&["check", "--all", "--resolve", "--seal"], 2),
        (&["set", "dev", "C", "--stdin"], 1),
        (&["seal", "prod", "OTHER", "--from", "local", "--yes"], 1),
    ];
    for (arguments, expected) in cases {
        std::fs::remove_file(&log).ok();
        let run = sandbox.run(arguments).env("ENVCTL_IDENTITY_FILE", sandbox.path("home/plugin.txt"));
        let output = run.env("COUNTER_LOG", &log).stdin(value.clone()).output();
        let counted = std::fs::read_to_string(&log).unwrap_or_default();
        let unwraps = counted.lines().filter(|line| line.starts_with("unwrap")).count();
        assert_eq!(unwraps, expected, "{arguments:?}: {counted}{output}");
        assert!(output.status == 0 || arguments[0] == "get", "{arguments:?}: {output}");
    }
}
