//! One variable of a schema, as documentation shows it.

/// When a variable must have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required<'a> {
    /// In every environment.
    Always,
    /// In none.
    Optional,
    /// In these environments.
    In(&'a [String]),
    /// It is for these environments alone.
    Only(&'a [String]),
}

/// One variable to be documented. All of it is text from a schema, none of it a value of an environment.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The name.
    pub name: &'a str,
    /// The type, as a schema spells it.
    pub kind: &'a str,
    /// What it is for; may have several lines.
    pub description: Option<&'a str>,
    /// A value for show.
    pub example: Option<&'a str>,
    /// The value it has when none is given. Never shown of a secret.
    pub default: Option<&'a str>,
    /// When it must have a value.
    pub required: Required<'a>,
    /// Whether the value is a secret.
    pub secret: bool,
    /// Whether the value may reach a browser.
    pub public: bool,
    /// What to use instead, if it should not be used any more.
    pub deprecated: Option<&'a str>,
    /// The values allowed; empty if there is no such list. Never shown of a secret.
    pub choices: &'a [String],
}

#[cfg(test)]
pub(super) mod testing {
    use super::{Required, Row};

    /// A required string and nothing more.
    pub(in super::super) fn row(name: &str) -> Row<'_> {
        Row {
            name,
            kind: "string",
            description: None,
            example: None,
            default: None,
            required: Required::Always,
            secret: false,
            public: false,
            deprecated: None,
            choices: &[],
        }
    }
}
