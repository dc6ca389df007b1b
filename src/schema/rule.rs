//! Rules across variables: `[[groups]]` and `[[rules]]`.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table};
use crate::source::Span;

/// How many members of a group may have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// One, no more, no less.
    ExactlyOne,
    /// One or more.
    AtLeastOne,
    /// One or none.
    AtMostOne,
    /// All or none.
    AllOrNone,
}

impl Count {
    const ALL: [(&'static str, Self); 4] = [
        ("exactly_one", Self::ExactlyOne),
        ("at_least_one", Self::AtLeastOne),
        ("at_most_one", Self::AtMostOne),
        ("all_or_none", Self::AllOrNone),
    ];

    /// Whether `filled` of `all` members is right.
    pub fn allows(self, filled: usize, all: usize) -> bool {
        match self {
            Self::ExactlyOne => filled == 1,
            Self::AtLeastOne => filled >= 1,
            Self::AtMostOne => filled <= 1,
            Self::AllOrNone => filled == 0 || filled == all,
        }
    }

    /// What is asked, for people.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::ExactlyOne => "needs exactly one of",
            Self::AtLeastOne => "needs at least one of",
            Self::AtMostOne => "may have at most one of",
            Self::AllOrNone => "needs all or none of",
        }
    }
}

/// A `[[groups]]` entry.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where it stands.
    pub span: Span,
    /// How many members may have a value.
    pub count: Count,
    /// The members.
    pub members: Vec<Located<String>>,
}

/// A `[[rules]]` entry: what holds when some variables have certain values.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where it stands.
    pub span: Span,
    /// The condition: each variable has one of these values.
    pub when: Vec<(Located<String>, Vec<String>)>,
    /// Variables that then need a value.
    pub require: Vec<Located<String>>,
    /// Values that variables then must not have.
    pub forbid: Vec<(Located<String>, Vec<String>)>,
}

/// Reads all `[[groups]]` of a schema.
pub(super) fn groups(root: &Table<'_>, problems: &mut Diagnostics) -> Vec<Group> {
    let mut groups = Vec::new();
    for table in root.table_array("groups", problems) {
        let known = Count::ALL.map(|(key, _)| key);
        let before = problems.len();
        table.only(&known, "a group", problems);
        // An unknown key is the one that was meant.
        let mut found = problems.len() > before;
        for (key, count) in Count::ALL {
            if let Some(members) = table.texts(key, problems) {
                groups.push(Group { span: table.key_span(key).unwrap_or(table.span), count, members });
                found = true;
            }
        }
        if !found {
            let diagnostic = Diagnostic::error(Code::MissingKey, "this group says nothing").at(table.span, "");
            problems.push(diagnostic.help(format!("give it one of: {}", known.join(", "))));
        }
    }
    groups
}

/// Reads all `[[rules]]` of a schema; `text` is the document.
pub(super) fn rules(root: &Table<'_>, text: &str, problems: &mut Diagnostics) -> Vec<Rule> {
    let mut rules = Vec::new();
    for table in root.table_array("rules", problems) {
        let before = problems.len();
        table.only(&["when", "require", "forbid"], "a rule", problems);
        if problems.len() > before {
            continue;
        }
        let when = conditions(&table, "when", text, problems);
        let require = table.texts("require", problems).unwrap_or_default();
        let forbid = conditions(&table, "forbid", text, problems);
        if problems.len() > before {
            continue;
        }
        if when.is_empty() || (require.is_empty() && forbid.is_empty()) {
            let diagnostic = Diagnostic::error(Code::MissingKey, "a rule needs `when`, and `require` or `forbid`")
                .at(table.span, "");
            problems
                .push(diagnostic.help("for example: when = { PAYMENTS = \"stripe\" } and require = [\"STRIPE_KEY\"]"));
            continue;
        }
        rules.push(Rule { span: table.key_span("when").unwrap_or(table.span), when, require, forbid });
    }
    rules
}

/// A table of names with a value or an array of values each.
fn conditions(
    table: &Table<'_>,
    key: &str,
    text: &str,
    problems: &mut Diagnostics,
) -> Vec<(Located<String>, Vec<String>)> {
    let Some(inner) = table.table(key, problems) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (name, value) in inner.entries() {
        let several =
            value.items().and_then(|items| items.iter().map(|item| item.scalar(text)).collect::<Option<Vec<_>>>());
        let values = several.or_else(|| value.scalar(text).map(|one| vec![one]));
        if let Some(values) = value.expect(values, name.value, "a value or an array of values", problems) {
            all.push((Located::new(name.value.to_owned(), name.span), values));
        }
    }
    all
}
