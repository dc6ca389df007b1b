//! Writes the files of a new project.

use std::fmt::Write as _;

use super::Owner;
use super::decide::{Assignment, Environment, Required, Variable};
use super::parts::Part;
use crate::infer;
use crate::kind::Kind;

/// Environments every project begins with.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// Longest description that is taken from a comment, in characters.
const DESCRIPTION: usize = 160;

/// `envctl.toml`.
pub(super) fn project(name: &str, id: &str, owner: Option<&Owner>) -> String {
    let recipients = match owner {
        Some(owner) => format!("[recipients]\n{} = {}\n", owner.name, quoted(&owner.recipient)),
        None => String::from("#[recipients]\n#alice = \"age1…\"\n"),
    };
    format!(
        "[project]\n\
         name = {}\n\
         id = {}\n\
         default_environment = \"dev\"\n\
         \n\
         # Who may read secrets, by name: people and machines. `envctl recipients add` adds one.\n\
         {recipients}",
        quoted(name),
        quoted(id)
    )
}

/// The schema and environments of a project that starts from nothing.
pub(super) fn sample(owner: Option<&Owner>) -> Vec<(String, String)> {
    let schema = "\
        # What the program needs: one table for each variable.\n\
        description = \"The application\"\n\
        \n\
        [variables.PORT]\n\
        type = \"port\"\n\
        default = 8000\n\
        description = \"Port the server listens on\"\n\
        \n\
        [variables.LOG_LEVEL]\n\
        enum = [\"debug\", \"info\", \"warning\", \"error\"]\n\
        default = \"info\"\n\
        description = \"Least important messages that are logged\"\n\
        \n\
        [variables.SESSION_SECRET]\n\
        secret = true\n\
        min_length = 32\n\
        generate = { kind = \"base64url\", bytes = 48 }\n\
        description = \"Signs session cookies\"\n";
    let mut files = vec![(String::from("schemas/app.toml"), schema.to_owned())];
    for name in ENVIRONMENTS {
        let mut text = head(name, owner);
        text.push_str("[values]\n");
        if name == "dev" {
            text.push_str("LOG_LEVEL = \"debug\"\n");
            text.push_str("# Made when it is first needed, and kept outside of the repository.\n");
            text.push_str("SESSION_SECRET = { backend = \"local\" }\n");
        }
        files.push((path(name), text));
    }
    files
}

/// `schemas/app.toml` from what was decided.
pub(super) fn schema(variables: &[Variable]) -> String {
    let mut text = String::from("# What the program needs. Types were inferred: check them.\n");
    for variable in variables {
        text.push('\n');
        let _ = writeln!(text, "[variables.{}]", variable.name);
        if variable.kind != Kind::String {
            let _ = writeln!(text, "type = {}", quoted(variable.kind.name()));
        }
        if let Some(items) = variable.items {
            let _ = writeln!(text, "items = {}", quoted(items.name()));
        }
        if variable.secret {
            text.push_str("secret = true\n");
        }
        if variable.public {
            text.push_str("exposure = \"public\"\n");
        }
        match &variable.required {
            Required::Everywhere => {}
            Required::Nowhere => text.push_str("required = false\n"),
            Required::In(environments) => {
                let names: Vec<_> = environments.iter().map(|name| quoted(name)).collect();
                let _ = writeln!(text, "required_in = [{}]", names.join(", "));
            }
        }
        if let Some(description) = &variable.description {
            let _ = writeln!(text, "description = {}", quoted(description));
        }
    }
    text
}

/// The environments' files: the usual three, and others that were imported.
pub(super) fn environments(imported: &[Environment], owner: Option<&Owner>) -> Vec<(String, String)> {
    let others =
        imported.iter().map(|environment| environment.name.as_str()).filter(|name| !ENVIRONMENTS.contains(name));
    let names = ENVIRONMENTS.into_iter().chain(others);
    names
        .map(|name| {
            let mut text = head(name, owner);
            text.push_str("[values]\n");
            let values = imported
                .iter()
                .filter(|environment| environment.name == name)
                .flat_map(|environment| &environment.values);
            for (name, kind, assignment) in values {
                let value = match assignment {
                    Assignment::Clear(value) => cleartext(value, *kind),
                    Assignment::Template(parts) => quoted(&template(parts)),
                    Assignment::Local => String::from("{ backend = \"local\" }"),
                };
                let _ = writeln!(text, "{name} = {value}");
            }
            (path(name), text)
        })
        .collect()
}

fn path(environment: &str) -> String {
    format!("environments/{environment}.toml")
}

fn head(environment: &str, owner: Option<&Owner>) -> String {
    let protected = if environment == "prod" { "protected = true\n" } else { "" };
    let recipients = owner.map(|owner| format!("recipients = [{}]\n", quoted(&owner.name))).unwrap_or_default();
    let blank = if protected.is_empty() && recipients.is_empty() { "" } else { "\n" };
    format!(
        "# Values of {environment}. A secret never stands here in clear: `envctl set {environment} NAME` seals it.\n{protected}{recipients}{blank}"
    )
}

/// A value as TOML: bare where that spelling gives the same string back.
fn cleartext(value: &str, kind: Kind) -> String {
    let same = match kind {
        Kind::Integer | Kind::Port => value.parse::<i64>().is_ok_and(|number| number.to_string() == value),
        Kind::Boolean => matches!(value, "true" | "false"),
        _ => false,
    };
    if same { value.to_owned() } else { quoted(&value.replace("${", "$${")) }
}

fn template(parts: &[Part]) -> String {
    parts.iter().fold(String::new(), |mut text, part| {
        match part {
            Part::Text(literal) => text.push_str(&literal.replace("${", "$${")),
            Part::Reference { name, uri } => {
                let modifier = if *uri { ":uri" } else { "" };
                let _ = write!(text, "${{{name}{modifier}}}");
            }
        }
        text
    })
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A comment as one line of description, or nothing if it may hold a credential.
pub(super) fn description(comment: &str) -> Option<String> {
    if infer::secret_value("", comment, false).is_some() || names_a_secret(comment) {
        return None;
    }
    let plain = comment.chars().filter(|character| !is_unsafe(*character));
    let plain: String = plain.map(|character| if character.is_control() { ' ' } else { character }).collect();
    let mut text = String::new();
    for word in plain.split_whitespace() {
        if text.chars().count() + word.chars().count() > DESCRIPTION {
            text.push('…');
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text.chars().any(char::is_alphabetic).then_some(text)
}

/// Marks that turn the direction of text or cannot be seen.
fn is_unsafe(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}

/// `old password: abc`, `token is abc`, `password "abc"`: a word for a secret with something behind it.
fn names_a_secret(comment: &str) -> bool {
    let mut named = false;
    for word in comment.split_whitespace() {
        if named && matches!(word, "is" | "was" | "=" | ":" | "->" | "=>") {
            return true;
        }
        let strong = infer::is_strong(&infer::words(word));
        if (strong || named) && word.ends_with([':', '=']) {
            return true;
        }
        if strong && (word.contains('=') || word.split_once(':').is_some_and(|(_, rest)| !rest.is_empty())) {
            return true;
        }
        if named && word.starts_with(['"', '\'', '`']) {
            return true;
        }
        named = strong;
    }
    false
}
