//! The closed list of diagnostic codes: each with a slug, a cause for the exit code, a meaning and an explanation.

/// The kind of cause behind a code; decides the exit code of the command (see [`Class::exit_code`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The project's files have problems.
    Files,
    /// Local input or output failed.
    Io,
    /// A backend refused or could not be reached.
    Backend,
    /// No identity opens the environment.
    Identity,
    /// Not trusted: structure or cryptography of the seal, or something that was not approved.
    Trust,
    /// The command line was wrong.
    Usage,
    /// `run` only: the command cannot be executed.
    NotExecutable,
    /// `run` only: the command was not found.
    NotFound,
    /// A bug of envctl.
    Bug,
}

impl Class {
    /// The exit code of this cause alone.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Files => 1,
            Self::Usage => 2,
            Self::Backend => 3,
            Self::Identity => 4,
            Self::Io => 5,
            Self::Trust => 6,
            Self::Bug => 101,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
        }
    }

    /// The order in which several causes at once decide the exit code: the smallest is reported.
    pub fn precedence(self) -> u8 {
        match self {
            Self::Bug => 0,
            Self::Usage => 1,
            Self::NotFound | Self::NotExecutable => 2,
            Self::Trust => 3,
            Self::Identity => 4,
            Self::Backend => 5,
            Self::Io => 6,
            Self::Files => 7,
        }
    }
}

macro_rules! codes {
    ($($variant:ident $slug:literal $class:ident $meaning:literal;)*) => {
        /// A stable name for one kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name a user sees.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// The cause it counts as for the exit code.
            pub fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)* }
            }

            /// One line on what it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// The page that `envctl explain CODE` prints.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../docs/codes/", $slug, ".md")),)* }
            }

            /// The code of that name.
            pub fn from_slug(slug: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.slug() == slug)
            }
        }
    };
}

codes! {
    TomlSyntax "toml-syntax" Files "a file is not valid TOML";
    NotUtf8 "not-utf8" Files "a file is not UTF-8 text";
    FileTooLarge "file-too-large" Files "a file is larger than envctl reads";
    MergeConflict "merge-conflict" Files "a file still has the markers of a git merge";
    MergeEntryConflict "merge-entry-conflict" Files "a sealed entry of which a merge cannot say whose is right";
    MergeKeyConflict "merge-key-conflict" Files "both sides of a merge have changed the key or who can read";
    StagedFile "staged-file" Files "a file is about to be committed that must not be in git";
    UnknownKey "unknown-key" Files "a key that this table does not have";
    MissingKey "missing-key" Files "a key that this table needs is not there";
    WrongTomlType "wrong-toml-type" Files "a TOML value of another type than this key takes";
    InvalidName "invalid-name" Files "a name that breaks the rules for names";
    ReservedName "reserved-name" Files "a variable name that steers a loader, a shell or an interpreter";
    DuplicateName "duplicate-name" Files "one name is given twice";
    InvalidKeyword "invalid-keyword" Files "a schema keyword that does not fit its type or contradicts another";
    InvalidPattern "invalid-pattern" Files "a `pattern` that is not a regular expression";
    InvalidDefault "invalid-default" Files "a `default` that the schema itself refuses";
    SecretDefault "secret-default" Files "a secret has a default outside of development";
    UnknownSchema "unknown-schema" Files "no schema of that name";
    UnknownEnvironment "unknown-environment" Files "no environment of that name";
    UnknownVariable "unknown-variable" Files "no schema declares this variable";
    UnknownBackend "unknown-backend" Files "no backend of that name";
    InvalidRecipient "invalid-recipient" Files "a text that cannot be a recipient";
    UnknownRecipient "unknown-recipient" Files "no recipient of that name in `envctl.toml`";
    AmbiguousVariable "ambiguous-variable" Files "a template takes a variable that several schemas declare";
    AmbiguousSchema "ambiguous-schema" Files "several schemas and none was chosen";
    IncludeCircle "include-circle" Files "schemas include each other in a circle";
    ExtendsCircle "extends-circle" Files "environments extend each other in a circle";
    TemplateSyntax "template-syntax" Files "a `${…}` that cannot be read";
    TemplateCircle "template-circle" Files "values are made from each other in a circle";
    InvalidPlace "invalid-place" Files "a reference whose place its backend cannot have";
    InvalidBackend "invalid-backend" Files "a `[backends]` table that cannot be used";
    MissingValue "missing-value" Files "a required variable has no value";
    TypeMismatch "type-mismatch" Files "a value is not of the type its schema names";
    ValueOutOfRange "value-out-of-range" Files "a value is below `minimum` or above `maximum`";
    ValueLength "value-length" Files "a value is shorter than `min_length` or longer than `max_length`";
    PatternMismatch "pattern-mismatch" Files "a value does not match `pattern`";
    ValueNotInEnum "value-not-in-enum" Files "a value is none of those that `enum` lists";
    ListItems "list-items" Files "a list has too few, too many or repeated items";
    UrlScheme "url-scheme" Files "a URL has a scheme that `schemes` does not list";
    ForbiddenValue "forbidden-value" Files "a value that the schema or a rule forbids";
    PlaceholderValue "placeholder-value" Files "a secret is still a stand-in such as `changeme`";
    SecretInClear "secret-in-clear" Files "a secret stands in a file as cleartext";
    SecretExposed "secret-exposed" Files "a secret, or a value made from one, would reach a browser";
    UnencodedInUrl "unencoded-in-url" Files "a value is put into a URL without percent-encoding";
    NotInThisEnvironment "not-in-this-environment" Files "a variable is assigned where `only_in` does not allow it";
    GroupViolation "group-violation" Files "a group of variables is not filled as its rule says";
    RuleViolation "rule-violation" Files "a `[[rules]]` entry is broken";
    DeprecatedVariable "deprecated-variable" Files "a deprecated variable is still assigned";
    LocalOverlayRefused "local-overlay-refused" Files "a local overlay exists for a protected environment";
    ProtectionRemoved "protection-removed" Files "an environment tries to switch its parent's protection off";
    SealedReplaced "sealed-replaced" Files "a sealed value of a parent is replaced by something that is not sealed";
    UnprotectedParent "unprotected-parent" Files "a protected environment takes a sealed value from a parent that is not protected";
    ProtectedDefault "protected-default" Files "a protected environment is the default";
    FewRecipients "few-recipients" Files "a protected environment can be read by one recipient only";
    StaleRecipients "stale-recipients" Files "those who can read the secrets are not those who are declared";
    ParentUnreadable "parent-unreadable" Files "a recipient cannot read what the environment inherits";
    ParentReaders "parent-readers" Files "a protected environment inherits secrets that more recipients can read";
    ExposedSecret "exposed-secret" Files "a former recipient knows a secret that was not changed since";
    ChangedMeanwhile "changed-meanwhile" Files "somebody else has changed a file that is about to be written";
    AbstractEnvironment "abstract-environment" Files "an abstract environment was asked for its values";
    InvalidValueBytes "invalid-value-bytes" Files "a value holds bytes its destination cannot carry";
    NotRenderable "not-renderable" Files "a value that the chosen format cannot carry";
    ValueTooLarge "value-too-large" Files "a value is larger than the operating system passes on";
    EnvironmentTooLarge "environment-too-large" Files "all values together are larger than the operating system passes on";
    Unsupported "unsupported" Files "this version cannot do that yet";
    DotenvSyntax "dotenv-syntax" Files "a `.env` file that cannot be read";
    DotenvDoubt "dotenv-doubt" Files "a part of a `.env` file that programs read differently";
    Usage "usage" Usage "the command line cannot be understood";
    NotAProject "not-a-project" Usage "no `envctl.toml` here or above";
    EnvironmentNeeded "environment-needed" Usage "an environment has to be named";
    BackendFailed "backend-failed" Backend "a backend refused or could not be reached";
    SealedUnreadable "sealed-unreadable" Identity "a sealed value cannot be opened";
    GitFailed "git-failed" Io "git is not there or did not do what it was asked to";
    IdentityUnusable "identity-unusable" Identity "an identity, or the plugin it needs, cannot be used";
    Io "io" Io "a file could not be read or written";
    NotARegularFile "not-a-regular-file" Io "a directory, pipe or device stands where a file should be";
    OutsideProject "outside-project" Trust "a project file is a link to somewhere outside of the project";
    UnsafeOwner "unsafe-owner" Trust "`envctl.toml` belongs to another user or anybody may change it";
    SealedStructure "sealed-structure" Trust "a sealed entry or `[seal]` is not of the sealed format";
    UnknownFormat "unknown-format" Trust "a sealed file is of a newer format";
    SealedElsewhere "sealed-elsewhere" Trust "a file was sealed for another project or environment";
    SealedKey "sealed-key" Trust "the wrapped data key in `[seal]` is damaged or not of this format";
    OlderCopy "older-copy" Trust "one side of a merge is older than what both came from";
    KeyReplaced "key-replaced" Trust "a data key that the one before it does not prove";
    NotInEitherParent "not-in-either-parent" Trust "a merged file has a sealed entry that neither side had";
    UnknownReader "unknown-reader" Trust "a sealed file can be read with a key that the project does not name";
    SealBroken "seal-broken" Trust "a sealed file was changed by somebody without its key";
    CommandNotFound "command-not-found" NotFound "the command to run does not exist";
    CommandNotExecutable "command-not-executable" NotExecutable "the command to run cannot be executed";
    Bug "bug" Bug "envctl itself is broken";
}
