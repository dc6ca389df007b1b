//! One variable of a schema: its type, its rules, and who needs it.

use super::limits::Limits;
use super::rotate::Rotate;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::document::{Located, Table};
use crate::kind::Kind;
use crate::name;
use crate::recipe::Recipe;
use crate::source::Span;

/// How a value is handed over as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsFile {
    /// A file without a name that only the program can open.
    Descriptor,
    /// A file with a path, for programs that pass the path on.
    Path,
}

/// A declared variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The schema file that declares it.
    pub schema: String,
    /// Its type, `string` unless given.
    pub kind: Located<Kind>,
    /// Whether it is a secret; nothing if the schema does not say.
    pub secret: Option<Located<bool>>,
    /// Whether it has to have a value; nothing if the schema does not say.
    pub required: Option<Located<bool>>,
    /// The environments that need it; it is optional in others.
    pub required_in: Option<Vec<Located<String>>>,
    /// The environments that may have it.
    pub only_in: Option<Vec<Located<String>>>,
    /// Takes part in composition and is checked, but not delivered to the program.
    pub internal: bool,
    /// The value where nothing is assigned.
    pub default: Option<Located<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// A made-up value that shows the form.
    pub example: Option<String>,
    /// What to use instead.
    pub deprecated: Option<Located<String>>,
    /// Where the schema says that it may reach a browser.
    pub public: Option<Span>,
    /// Constraints on its value.
    pub limits: Limits,
    /// How a value is made.
    pub generate: Option<Located<Recipe>>,
    /// When and how it is rotated.
    pub rotate: Option<Box<Rotate>>,
    /// Whether a name that steers loaders or interpreters is meant.
    pub allow_reserved: bool,
    /// Whether the program gets a file.
    pub as_file: Option<AsFile>,
    /// Whether something is wrong with the declaration: what it says of secrecy then counts for nothing.
    pub is_doubtful: bool,
}

const KEYS: &[&str] = &[
    "type",
    "secret",
    "required",
    "required_in",
    "only_in",
    "internal",
    "default",
    "description",
    "example",
    "deprecated",
    "exposure",
    "generate",
    "rotate",
    "allow_reserved",
    "as_file",
];

impl Variable {
    /// Reads `[variables.NAME]` of the schema called `schema`; `text` is the document. Nothing if the name is impossible.
    pub fn read(
        name: &Located<&str>,
        table: &Table<'_>,
        schema: &str,
        text: &str,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let before = problems.len();
        let known: Vec<&str> = KEYS.iter().chain(Limits::KEYS).copied().collect();
        table.only(&known, "a variable", problems);
        let kind = kind(name, table, problems);
        let variable = Self {
            name: name.value.to_owned(),
            span: name.span,
            schema: schema.to_owned(),
            secret: table.flag("secret", problems),
            required: table.flag("required", problems),
            required_in: environments(table, "required_in", problems),
            only_in: environments(table, "only_in", problems),
            internal: table.flag("internal", problems).is_some_and(|flag| flag.value),
            default: None,
            description: table.text("description", problems).map(|text| text.value),
            example: table.get("example").and_then(|value| value.scalar(text)),
            deprecated: table.text("deprecated", problems),
            public: exposure(table, problems),
            limits: Limits::read(table, kind.value, text, problems),
            generate: recipe(table, problems),
            rotate: table.table("rotate", problems).map(|table| Box::new(Rotate::read(&table, problems))),
            allow_reserved: table.flag("allow_reserved", problems).is_some_and(|flag| flag.value),
            as_file: as_file(table, problems),
            is_doubtful: false,
            kind,
        };
        let variable = variable.with_default(table, text, problems);
        Self { is_doubtful: problems.len() > before, ..variable }.checked(problems)
    }

    /// Whether the schema calls it secret.
    pub fn is_secret(&self) -> bool {
        self.secret.as_ref().is_some_and(|secret| secret.value)
    }

    /// Whether the schema says in so many words that it is no secret.
    pub fn is_declared_open(&self) -> bool {
        self.secret.as_ref().is_some_and(|secret| !secret.value)
    }

    /// Whether any bytes will do: a `string` without a rule that is about text.
    pub fn takes_bytes(&self) -> bool {
        self.kind.value == Kind::String && self.limits.pattern.is_none() && self.limits.choices.is_none()
    }

    fn with_default(mut self, table: &Table<'_>, text: &str, problems: &mut Diagnostics) -> Self {
        let Some(value) = table.get("default") else {
            return self;
        };
        let joined = value.items().and_then(|items| {
            let items: Option<Vec<String>> = items.iter().map(|item| item.scalar(text)).collect();
            items.map(|items| items.join(self.limits.separator()))
        });
        let spelling = joined.filter(|_| self.kind.value == Kind::List).or_else(|| value.scalar(text));
        self.default = value
            .expect(spelling, "default", "a string, number, boolean or date", problems)
            .map(|spelling| Located::new(spelling, value.span));
        self
    }

    /// Contradictions between the keywords; nothing if the name cannot be used at all.
    fn checked(self, problems: &mut Diagnostics) -> Option<Self> {
        self.check_exposure(problems);
        if let (Some(required), Some(list)) = (&self.required, &self.required_in) {
            let diagnostic =
                Diagnostic::error(Code::InvalidKeyword, "`required` and `required_in` contradict each other");
            let diagnostic = diagnostic.at(required.span, "").at_some(list.first().map(|first| first.span), "and this");
            problems.push(diagnostic.help("keep `required_in`: the variable is optional elsewhere"));
        }
        if let Some(recipe) = self.generate.as_ref().filter(|_| !self.is_secret()) {
            let diagnostic = Diagnostic::error(Code::InvalidKeyword, "`generate` is for secrets").at(recipe.span, "");
            problems.push(diagnostic.help("add `secret = true`"));
        }
        self.name_is_possible(problems).then_some(self)
    }

    fn check_exposure(&self, problems: &mut Diagnostics) {
        let (Some(public), Some(secret)) = (self.public, &self.secret) else {
            return;
        };
        if secret.value {
            let message = format!("`{}` is a secret and cannot have `exposure = \"public\"`", self.name);
            problems.push(
                Diagnostic::error(Code::SecretExposed, message)
                    .at(public, "may reach a browser")
                    .at(secret.span, "a secret"),
            );
        }
    }

    fn name_is_possible(&self, problems: &mut Diagnostics) -> bool {
        if !name::is_variable(&self.name) {
            let diagnostic =
                Diagnostic::error(Code::InvalidName, "this cannot be the name of a variable").at(self.span, "");
            problems.push(diagnostic.help("letters, digits and `_`, no digit first, at most 255"));
            return false;
        }
        let Some(reserved) = name::reserved(&self.name) else {
            return true;
        };
        let ours = name::is_ours(&self.name);
        if self.allow_reserved && !ours {
            return true;
        }
        let diagnostic = Diagnostic::error(Code::ReservedName, format!("`{}` is a reserved name", self.name))
            .at(self.span, format!("{}: {}", reserved.family, reserved.why));
        let help = match reserved.instead {
            Some(instead) => format!("use {instead}, or say `allow_reserved = true` if this very variable is meant"),
            None if ours => String::from("choose another name: `ENVCTL_…` never reaches a program"),
            None => String::from("say `allow_reserved = true` if this very variable is meant"),
        };
        problems.push(diagnostic.help(help));
        // The variable stays known, so that its assignments are not reported as undeclared as well.
        true
    }
}

/// The diagnostic for a type that does not exist.
pub(super) fn unknown_type(name: &Located<String>) -> Diagnostic {
    let names = || Kind::ALL.iter().map(|kind| kind.name());
    let help = match name::nearest(&name.value, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the types are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error(Code::InvalidKeyword, format!("there is no type `{}`", name.value))
        .at(name.span, "unknown type")
        .help(help)
}

fn kind(name: &Located<&str>, table: &Table<'_>, problems: &mut Diagnostics) -> Located<Kind> {
    let Some(written) = table.text("type", problems) else {
        return Located::new(Kind::String, name.span);
    };
    if let Some(kind) = Kind::from_name(&written.value) {
        Located::new(kind, written.span)
    } else {
        problems.push(unknown_type(&written));
        Located::new(Kind::String, written.span)
    }
}

fn environments(table: &Table<'_>, key: &str, problems: &mut Diagnostics) -> Option<Vec<Located<String>>> {
    table.texts(key, problems)
}

fn exposure(table: &Table<'_>, problems: &mut Diagnostics) -> Option<Span> {
    let written = table.text("exposure", problems)?;
    match written.value.as_str() {
        "public" => Some(written.span),
        "server" => None,
        _ => {
            let message = "`exposure` has to be `server` or `public`";
            problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(written.span, ""));
            None
        }
    }
}

fn as_file(table: &Table<'_>, problems: &mut Diagnostics) -> Option<AsFile> {
    let value = table.get("as_file")?;
    match (value.flag(), value.text()) {
        (Some(true), _) => Some(AsFile::Descriptor),
        (Some(false), _) => None,
        (None, Some("path")) => Some(AsFile::Path),
        _ => {
            let message = "`as_file` has to be `true`, `false` or `\"path\"`";
            problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(value.span, "none of these"));
            None
        }
    }
}

fn recipe(table: &Table<'_>, problems: &mut Diagnostics) -> Option<Located<Recipe>> {
    let table = table.table("generate", problems)?;
    let Some(kind) = table.text("kind", problems) else {
        let diagnostic = Diagnostic::error(Code::MissingKey, "`generate` needs a `kind`").at(table.span, "");
        problems.push(diagnostic.help(format!("one of: {}", Recipe::KINDS.join(", "))));
        return None;
    };
    let Some(keys) = Recipe::keys(&kind.value) else {
        let message = format!("there is no kind of generated value `{}`", kind.value);
        let near = name::nearest(&kind.value, Recipe::KINDS.iter().copied());
        let help = near
            .map_or_else(|| format!("one of: {}", Recipe::KINDS.join(", ")), |near| format!("did you mean `{near}`?"));
        problems.push(Diagnostic::error(Code::InvalidKeyword, message).at(kind.span, "").help(help));
        return None;
    };
    let before = problems.len();
    let known: Vec<&str> = std::iter::once("kind").chain(keys.iter().copied()).collect();
    table.only(&known, &format!("`generate` of kind `{}`", kind.value), problems);
    let number = |key: &str, problems: &mut Diagnostics| table.integer(key, problems).map(|number| number.value);
    let (bytes, length, bits) = (number("bytes", problems), number("length", problems), number("bits", problems));
    let classes = table.texts("classes", problems).map(|all| all.into_iter().map(|one| one.value).collect::<Vec<_>>());
    if problems.len() > before {
        return None;
    }
    match Recipe::new(&kind.value, bytes, length, bits, classes.as_deref()) {
        Ok(recipe) => Some(Located::new(recipe, table.span)),
        Err(problem) => {
            problems.push(Diagnostic::error(Code::InvalidKeyword, problem.message()).at(table.span, ""));
            None
        }
    }
}
