//! The `rotate` table of a variable: how often it gets a new value, and who does it.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table};
use crate::kind::Kind;
use crate::name;

/// How the old and the new value relate while a rotation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The consumer accepts both values for a while.
    #[default]
    Overlap,
    /// Two roles take turns; both are rotated in one journal.
    TwoRole,
    /// The old value dies when the new one is applied.
    InPlace,
}

/// When and how a variable is rotated.
#[derive(Debug, Default)]
pub struct Rotate {
    /// Time after which a value is due, such as `30d`.
    pub every: Option<Located<String>>,
    /// How long the previous value is still delivered.
    pub overlap: Option<Located<String>>,
    /// How long before it is due a warning is given.
    pub warn: Option<Located<String>>,
    /// Who is responsible.
    pub owner: Option<Located<String>>,
    /// Path of a markdown file in the project.
    pub runbook: Option<Located<String>>,
    /// Name of the approved command that tells the consumer the new value.
    pub apply: Option<Located<String>>,
    /// Name of the approved command that tries the new value.
    pub verify: Option<Located<String>>,
    /// Only a person can get a new value.
    pub manual: bool,
    /// How old and new value relate.
    pub mode: Mode,
    /// The variables rotated together with this one.
    pub with: Vec<Located<String>>,
}

const KEYS: &[&str] = &["every", "overlap", "warn", "owner", "runbook", "apply", "verify", "manual", "mode", "with"];

impl Rotate {
    /// Reads a `rotate` table.
    pub fn read(table: &Table<'_>, problems: &mut Diagnostics) -> Self {
        table.only(KEYS, "`rotate`", problems);
        Self {
            every: duration(table, "every", problems),
            overlap: duration(table, "overlap", problems),
            warn: duration(table, "warn", problems),
            owner: table.text("owner", problems),
            runbook: table.text("runbook", problems).filter(|path| inside(path, problems)),
            apply: command(table, "apply", problems),
            verify: command(table, "verify", problems),
            manual: table.flag("manual", problems).is_some_and(|flag| flag.value),
            mode: mode(table, problems),
            with: table.texts("with", problems).unwrap_or_default(),
        }
    }
}

fn duration(table: &Table<'_>, key: &str, problems: &mut Diagnostics) -> Option<Located<String>> {
    let text = table.text(key, problems)?;
    if Kind::Duration.accepts(&text.value) {
        return Some(text);
    }
    let message = format!("`{key}` has to be {}", Kind::Duration.expects());
    problems.push(
        Diagnostic::error(Code::InvalidKeyword, message)
            .at(text.span, "")
            .help("write for example `\"30d\"` or `\"24h\"`"),
    );
    None
}

/// Commands are named here and defined in the user's own configuration: a repository never brings one.
fn command(table: &Table<'_>, key: &str, problems: &mut Diagnostics) -> Option<Located<String>> {
    let text = table.text(key, problems)?;
    if name::is_word(&text.value) {
        return Some(text);
    }
    let message = format!("`{key}` has to be the name of a command");
    let help = "a command is approved and defined on each machine, and only named here";
    problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(text.span, "not a name").help(help));
    None
}

fn inside(path: &Located<String>, problems: &mut Diagnostics) -> bool {
    let good = !path.value.is_empty() && !path.value.starts_with('/') && path.value.split('/').all(|part| part != "..");
    if !good {
        let message = "`runbook` has to be a path below the project's root";
        problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(path.span, ""));
    }
    good
}

fn mode(table: &Table<'_>, problems: &mut Diagnostics) -> Mode {
    let Some(text) = table.text("mode", problems) else {
        return Mode::default();
    };
    match text.value.as_str() {
        "overlap" => Mode::Overlap,
        "two-role" => Mode::TwoRole,
        "in-place" => Mode::InPlace,
        _ => {
            let message = "`mode` has to be `overlap`, `two-role` or `in-place`";
            problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(text.span, ""));
            Mode::default()
        }
    }
}
