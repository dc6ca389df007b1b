//! Names: which are allowed, which are reserved, and which one was meant.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A variable name: `[A-Za-z_][A-Za-z0-9_]*`, 1 to 255 bytes.
pub fn is_variable(name: &str) -> bool {
    name.len() <= 255
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name of an environment, schema, recipient or backend: `[a-z0-9][a-z0-9_-]{0,63}`.
pub fn is_word(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 64
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || byte == b'_' || byte == b'-')
}

/// A project id: 32 of `[0-9a-f]`.
pub fn is_project_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether the name is one of envctl's own (`ENVCTL_*`, case ignored): these are never a project's.
pub fn is_ours(name: &str) -> bool {
    matches("ENVCTL_*", name)
}

/// Why a name is refused unless the schema says `allow_reserved = true`.
#[derive(Debug, PartialEq, Eq)]
pub struct Reserved {
    /// What the name steers, such as `Python`.
    pub family: &'static str,
    /// What setting it can do.
    pub why: &'static str,
    /// A name to use instead, where there is an obvious one.
    pub instead: Option<&'static str>,
}

/// The reserved family of a name, if it has one. Case is ignored: Windows ignores it, and curl reads `http_proxy`.
pub fn reserved(name: &str) -> Option<&'static Reserved> {
    let first = name.bytes().next()?.to_ascii_uppercase();
    let patterns = BY_FIRST_LETTER.get(&first)?;
    patterns.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, reserved)| *reserved)
}

/// The patterns of [`RESERVED`] by their first letter: every name of a project is held against them.
static BY_FIRST_LETTER: LazyLock<BTreeMap<u8, Vec<(&'static str, &'static Reserved)>>> = LazyLock::new(|| {
    let mut table: BTreeMap<u8, Vec<(&'static str, &'static Reserved)>> = BTreeMap::new();
    for (reserved, patterns) in RESERVED {
        for pattern in patterns.split(' ') {
            if let Some(first) = pattern.bytes().next() {
                table.entry(first.to_ascii_uppercase()).or_default().push((pattern, reserved));
            }
        }
    }
    table
});

/// Whether `name` is `pattern`, where a final `*` stands for any rest; ASCII case is ignored.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

/// The word of `known` that was probably meant: equal but for case, or a third of its letters away at most, and three.
///
/// Of equally close words the first. Long words are not compared: a slip in those is hard to guess and slow to find.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Beyond that the distance takes long to compute and nobody meant the other one.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        if candidate.len() > LONGEST {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
        let letters = word.chars().count().max(candidate.chars().count());
        if distance <= (letters / 3).min(3) && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// One family without a better name to offer.
const fn family(family: &'static str, why: &'static str) -> Reserved {
    Reserved { family, why, instead: None }
}

/// Reserved names by family. Wider patterns (`GIT_*`, `*_PROXY`, `NODE_*`) would catch ordinary names such as `GIT_SHA`,
/// `TRUST_PROXY` and `NODE_ENV`.
static RESERVED: &[(Reserved, &str)] = &[
    (
        family("loader", "it loads code into every program or changes its allocator or charset modules"),
        "LD_* DYLD_* GCONV_PATH GLIBC_TUNABLES LOCPATH",
    ),
    (family("lookup", "it decides which program or which dotfile is used"), "PATH HOME SHELL CDPATH"),
    (
        Reserved {
            family: "shells",
            why: "shells run the file it names when they start",
            instead: Some("ENVIRONMENT or APP_ENV"),
        },
        "ENV",
    ),
    (
        family("shells", "shells take start-up files, functions, options or prompt code from it"),
        "IFS BASH_ENV BASH_FUNC_* SHELLOPTS BASHOPTS PROMPT_COMMAND PS4 ZDOTDIR",
    ),
    (
        family("Node", "it loads code into Node programs, adds a certificate authority or turns TLS checks off"),
        "NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED \
         NODE_REPL_EXTERNAL_MODULE ELECTRON_RUN_AS_NODE NPM_CONFIG_*",
    ),
    (
        family("Python", "it makes Python programs load other modules or run code"),
        "PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHONINSPECT PYTHONBREAKPOINT PYTHONEXECUTABLE \
         PYTHONUSERBASE PYTHONWARNINGS",
    ),
    (
        family("Perl, Ruby, PHP, Lua", "it makes the interpreter load other libraries, settings or code"),
        "PERL5OPT PERL5LIB PERL5DB PERLLIB RUBYOPT RUBYLIB GEM_HOME GEM_PATH BUNDLE_GEMFILE PHPRC \
         PHP_INI_SCAN_DIR LUA_INIT*",
    ),
    (
        family("JVM, .NET", "it attaches agents, profilers or start-up hooks"),
        "JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS CLASSPATH DOTNET_STARTUP_HOOKS CORECLR_* COR_*",
    ),
    (
        family("programs that others start", "other programs run it as a command"),
        "EDITOR VISUAL PAGER MANPAGER LESSOPEN LESSCLOSE BROWSER SSH_ASKPASS",
    ),
    (
        family("git", "git runs it as a command, takes another repository or turns TLS checks off"),
        "GIT_SSH GIT_SSH_COMMAND GIT_EXEC_PATH GIT_CONFIG* GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER \
         GIT_ASKPASS GIT_PROXY_COMMAND GIT_EXTERNAL_DIFF GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE \
         GIT_SSL_NO_VERIFY",
    ),
    (
        family("build tools", "it replaces the compiler or adds to the build"),
        "RUSTC RUSTC_WRAPPER RUSTFLAGS CARGO_* GOFLAGS MAKEFLAGS MAKEFILES",
    ),
    (
        family(
            "trust and route",
            "it sends traffic or credentials elsewhere or changes which certificates are trusted",
        ),
        "HTTP_PROXY HTTPS_PROXY ALL_PROXY FTP_PROXY NO_PROXY SSL_CERT_* CURL_CA_BUNDLE CURL_HOME \
         REQUESTS_CA_BUNDLE OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES HOSTALIASES LOCALDOMAIN \
         RES_OPTIONS AWS_ENDPOINT_URL*",
    ),
    (
        family("agents and clusters", "it points tools at another daemon, key ring or cluster"),
        "SSH_AUTH_SOCK GNUPGHOME KUBECONFIG DOCKER_HOST DOCKER_CONFIG",
    ),
    (family("envctl", "envctl reads its own credentials and settings from it, and never passes it on"), "ENVCTL_*"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{RESERVED, is_ours, is_project_id, is_variable, is_word, nearest, reserved};

    #[test]
    fn variables() {
        let longest = "A".repeat(255);
        for good in ["A", "_", "a1", "DATABASE_URL", "_1", "aB", &longest] {
            assert!(is_variable(good), "{good}");
        }
        let too_long = "A".repeat(256);
        for bad in ["", "1A", "A-B", "A.B", "A B", "É", "Aé", "A\0", "A=", "A\n", " A", &too_long] {
            assert!(!is_variable(bad), "{bad}");
        }
    }

    #[test]
    fn words() {
        let longest = "a".repeat(64);
        for good in ["a", "0", "prod", "eu-west_1", "a-", "a_", &longest] {
            assert!(is_word(good), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "-a", "_a", "Prod", "a.b", "a/b", "..", "a b", "é", "a\n", &too_long] {
            assert!(!is_word(bad), "{bad}");
        }
    }

    #[test]
    fn project_ids() {
        assert!(is_project_id("0123456789abcdef0123456789abcdef"));
        for bad in ["", "0123456789abcdef", "0123456789ABCDEF0123456789abcdef", "g123456789abcdef0123456789abcdef"] {
            assert!(!is_project_id(bad), "{bad}");
        }
    }

    #[test]
    fn reserves_the_table_whatever_the_case() {
        for (expected, patterns) in RESERVED {
            for pattern in patterns.split(' ') {
                for name in [pattern.replace('*', ""), pattern.replace('*', "X_1")] {
                    assert_eq!(reserved(&name), Some(expected), "{name}");
                    assert_eq!(reserved(&name.to_lowercase()), Some(expected), "{name}");
                }
                assert!(pattern.ends_with('*') || reserved(&format!("{pattern}_X")) != Some(expected));
                assert_eq!(reserved(&format!("X{pattern}")), None, "{pattern}");
            }
        }
    }

    #[test]
    fn leaves_ordinary_names_alone() {
        for name in [
            "TRUST_PROXY",
            "ENABLE_HTTPS_PROXY",
            "GIT_SHA",
            "PYTHONUNBUFFERED",
            "NODE_ENV",
            "DATABASE_URL",
            "ENVIRONMENT",
            "APP_ENV",
            "PATHS",
            "HOMEPAGE",
            "L",
            "",
            "é",
            "LDé",
            "CORS_ORIGIN",
            "AWS_REGION",
            "ENVCTL",
        ] {
            assert_eq!(reserved(name), None, "{name}");
        }
    }

    #[test]
    fn families() {
        assert_eq!(reserved("env").and_then(|found| found.instead), Some("ENVIRONMENT or APP_ENV"));
        assert_eq!(reserved("PATH").map(|found| found.family), Some("lookup"));
        assert_eq!(reserved("AWS_ENDPOINT_URL_S3").map(|found| found.family), Some("trust and route"));
        assert!(is_ours("ENVCTL_IDENTITY") && is_ours("envctl_x") && !is_ours("ENVCTL") && !is_ours("MY_ENVCTL_X"));
    }

    #[test]
    fn guesses_what_was_meant() {
        let known = ["DATABASE_URL", "PORT", "prod", "staging", "dev", "min_length"];
        for (word, meant) in [
            ("DATABSE_URL", Some("DATABASE_URL")),
            ("database_url", Some("DATABASE_URL")),
            ("DATABASE_URI", Some("DATABASE_URL")),
            ("prd", Some("prod")),
            ("PROD", Some("prod")),
            ("dve", Some("dev")),
            ("stagin", Some("staging")),
            ("minlength", Some("min_length")),
            ("x", None),
            ("", None),
            ("qa", None),
            ("REDIS_URL", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest("abcx", ["abcd", "abce"]), Some("abcd"));
        assert_eq!(nearest(&"a".repeat(10_000), known), None);
    }

    proptest! {
        #[test]
        fn never_panics(word in ".{0,20}") {
            let _ = (is_variable(&word), is_word(&word), is_project_id(&word), is_ours(&word));
            let _ = (reserved(&word), nearest(&word, ["PORT", "é", &word]));
        }
    }
}
