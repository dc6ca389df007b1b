//! The text of a new project's files, with what was decided on the way. Pure: the caller writes them.

mod collect;
mod decide;
mod parts;
mod text;
mod told;

use std::collections::BTreeSet;

use crate::dotenv;
use crate::secret::Secret;

/// Lines a project's `.gitignore` has; those that are missing are to be appended.
pub const GITIGNORE: &[&str] = &[".envctl/", "environments/*.local.toml", ".env", ".env.*", "!.env.example"];

/// Lines a project's `.gitattributes` has; those that are missing are to be appended.
pub const GITATTRIBUTES: &[&str] = &["environments/*.toml text eol=lf diff=envctl merge=envctl"];

/// One `.env` file to start from.
#[derive(Debug)]
pub struct Input {
    /// The environment its values are for.
    pub environment: String,
    /// What was read from it.
    pub parsed: dotenv::Parsed,
}

/// A value for the local store, named in the environment's file as `{ backend = "local" }`.
#[derive(Debug)]
pub struct LocalValue {
    /// The environment.
    pub environment: String,
    /// The variable.
    pub name: String,
    /// The value, byte for byte as it was read.
    pub value: Secret,
}

/// Something that was decided for the user, to be told as `TEXT: NAMES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided, in a few words without values.
    pub text: String,
    /// The variables, in file order.
    pub names: Vec<String>,
}

/// An assignment that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The name as it stands in the file.
    pub name: String,
    /// The environment its file is for.
    pub environment: String,
    /// Why, and what to do instead; without values.
    pub reason: String,
}

/// A new project.
#[derive(Debug, Default)]
pub struct Scaffold {
    /// Paths relative to the project's root, with `/`, and their text.
    pub files: Vec<(String, String)>,
    /// Values that must not stand in files.
    pub local: Vec<LocalValue>,
    /// What to tell: alike decisions are one.
    pub decisions: Vec<Decision>,
    /// References that were followed: environment, variable, and the variable it takes in.
    pub followed: BTreeSet<(String, String, String)>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// Who makes a project: its first recipient.
#[derive(Debug)]
pub struct Owner {
    /// The name among the recipients.
    pub name: String,
    /// The recipient.
    pub recipient: String,
}

/// Makes the files of a new project. `project_id` is 32 of `[0-9a-f]`, made by the caller. Without inputs the schema is
/// a small example that works at once. The same arguments give the same result, byte for byte.
pub fn scaffold(project_name: &str, project_id: &str, owner: Option<&Owner>, inputs: Vec<Input>) -> Scaffold {
    let mut made = Scaffold::default();
    made.files.push((String::from("envctl.toml"), text::project(project_name, project_id, owner)));
    if inputs.is_empty() {
        made.files.extend(text::sample(owner));
        return made;
    }
    let collected = collect::collect(inputs, &mut made.skipped);
    let several = collected.environments.len() > 1;
    let mut told = told::Told::default();
    let decided = decide::decide(collected, &mut told);
    made.decisions = told.decisions(several);
    made.followed = decided.followed();
    made.files.push((String::from("schemas/app.toml"), text::schema(&decided.variables)));
    made.files.extend(text::environments(&decided.environments, owner));
    made.local = decided.local;
    made
}

#[cfg(test)]
mod tests;
