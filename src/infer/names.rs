//! What the name of a variable says about its value.

use super::words;

/// The reason given where the name alone decides.
pub(crate) const BY_NAME: &str = "its name says so";

/// Prefixes by which frameworks choose what is built into pages.
const PUBLIC: &[&str] = &[
    "NEXT_PUBLIC_",
    "NUXT_PUBLIC_",
    "VITE_",
    "REACT_APP_",
    "PUBLIC_",
    "EXPO_PUBLIC_",
    "VUE_APP_",
    "GATSBY_",
    "STORYBOOK_",
];

/// Words that make a value secret whatever it looks like.
const STRONG: &str = "\
    SECRET SECRETS TOKEN PASSWORD PASSWORDS PASSWD PASS PWD PASSPHRASE CREDENTIAL CREDENTIALS CRED CREDS PHRASE \
    APIKEY PSK PIN MNEMONIC OTP";

/// Words that make a value secret unless it is a number.
const WEAK: &str = "\
    TOKENS KEY KEYS SALT PEPPER DSN AUTH AUTHORIZATION SIGNING SIGNATURE ENCRYPTION COOKIE JWT BEARER \
    HEADERS WEBHOOK HTPASSWD SEED CERTIFICATE LICENSE PAT";

/// Parts of a word, for names written without `_`.
const PARTS: &str = "\
    PASSWORD PASSWD PASSPHRASE SECRET TOKEN APIKEY ACCESSKEY PRIVATEKEY CREDENTIAL";

/// Last words that say the value is about a secret and not one: `TOKEN_TTL`, `SECRET_NAME`, `AUTH_MODE`.
const ABOUT: &str = "\
    ID IDS TTL LENGTH LEN MIN MAX NAME NAMES PATH PATHS FILE FILES FILENAME DIR DIRECTORY FOLDER URL URI \
    URLS ENDPOINT HOST HOSTS PORT DOMAIN ENABLED ENABLE DISABLED DISABLE MODE TYPE METHOD METHODS \
    ALGORITHM ALGO ALG CIPHER YEARS MONTHS WEEKS EXPIRY EXPIRES EXPIRATION EXPIRE TIMEOUT LIFETIME AGE \
    DAYS HOURS MINUTES SECONDS DURATION INTERVAL ROUNDS COUNT LIMIT SIZE BITS BYTES PREFIX HEADER \
    ATTRIBUTE FIELD SAMESITE SECURE HTTPONLY PROVIDER DRIVER ISSUER AUDIENCE GUARD SCOPE SCOPES REGION \
    FORMAT VERSION BACKEND STRATEGY CLASS USER USERNAME EMAIL REQUIRED VERIFY BUCKET TRANSPORT POLICY \
    ROLE REALM LOCATION CLOCK LEEWAY ITERATIONS LABEL DEBUG";

/// First words of a switch.
const SWITCHES: &str = "\
    ENABLE DISABLE USE IS HAS REQUIRE ALLOW SKIP FORCE SHOW HIDE";

/// Names of keys that are meant to be known.
const KNOWN: &str = "\
    PUBLIC_KEY PUBLIC_KEYS PUBKEY PUBLISHABLE_KEY SITE_KEY SITEKEY PRIMARY_KEY FOREIGN_KEY SORT_KEY \
    PARTITION_KEY";

/// Addresses that carry a credential in most environments, even if the one at hand does not.
const ADDRESSES: &str = "\
    WEBHOOK_URL WEBHOOK_URI HOOK_URL CONNECTION_STRING CONNECTIONSTRING DATABASE_URL DATABASE_URI DB_URL DB_URI \
    MONGO_URL MONGO_URI MONGODB_URL MONGODB_URI POSTGRES_URL POSTGRES_URI POSTGRESQL_URL MYSQL_URL \
    AMQP_URL RABBITMQ_URL SMTP_URL JDBC_URL";

/// Whether a word is in a list of words with a blank between them.
fn has(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// Whether the name has a prefix by which values are built into pages.
pub(super) fn is_public(name: &str) -> bool {
    PUBLIC.iter().any(|prefix| name.starts_with(prefix))
}

/// Why the name says that the value is secret, if it does.
pub(super) fn reason(name: &str, value: &str) -> Option<&'static str> {
    let words = words(name);
    let joined = words.join("_");
    let ends = |list: &str| {
        list.split(' ')
            .any(|end| joined.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('_')))
    };
    let last = words.last().map_or("", String::as_str);
    if is_boolean(value) && !is_unset_secret(&words, last, value) {
        return None;
    }
    if ends(ADDRESSES) {
        return (!is_file_database(value)).then_some("addresses of this kind mostly hold a credential");
    }
    let first = words.first().map_or("", String::as_str);
    let switch = has(SWITCHES, first) && value.len() <= 1;
    if ends(KNOWN) || switch || is_file(value) {
        return None;
    }
    if has(ABOUT, last) || has(SWITCHES, last) {
        return None;
    }
    if is_strong(&words) {
        return Some(BY_NAME);
    }
    let weak = words.iter().any(|word| has(WEAK, word) || is_key(word)) || matches!(last, "PRIVATE" | "PW");
    let number = !value.is_empty() && value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
    (weak && !number && !names_a_protocol(last, value)).then_some(BY_NAME)
}

/// Whether a name speaks against its own prefix: nothing that is called so may be built into a page.
pub(super) fn is_never_public(name: &str, value: &str) -> bool {
    let words = words(name);
    let told = |word: &String| {
        word == "PRIVATE"
            || ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "PRIVATEKEY"]
                .iter()
                .any(|part| word.contains(part))
    };
    // The last word is what it is: `SECRET_ACCESS_KEY`, but not `PASSWORD_SIGNIN`.
    let is_one = words.last().is_some_and(|last| told(last) || is_key(last) || last == "KEY");
    is_one && words.iter().any(told) && reason(name, value).is_some()
}

fn is_boolean(value: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// `LDAP_PASS=false` says that there is none; a person declares a secret all the same.
fn is_unset_secret(words: &[String], last: &str, value: &str) -> bool {
    value.eq_ignore_ascii_case("false")
        && matches!(last, "SECRET" | "PASSWORD" | "PASSWD" | "PASS" | "PWD" | "PASSPHRASE")
        && !words.iter().any(|word| has(SWITCHES, word))
}

/// Whether the words name a secret so clearly that no value speaks against it.
pub(crate) fn is_strong(words: &[String]) -> bool {
    words.iter().any(|word| {
        has(STRONG, word)
            || (word != "TOKENS" && PARTS.split(' ').any(|part| word.contains(part)))
            || (word.len() > 4 && word.ends_with("PASS") && word != "BYPASS" && word != "COMPASS")
    })
}

/// Whether a name inside a value (of a query, a connection string, JSON) says that what follows is secret.
pub(super) fn is_secret_inside(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    !has(ABOUT, last)
        && (is_strong(&words)
            || is_key(last)
            || matches!(last, "KEY" | "AUTH" | "AUTHORIZATION" | "SIG" | "SIGNATURE" | "CODE"))
        && !KNOWN.split(' ').any(|known| words.join("_").ends_with(known))
}

/// `ACCOUNTKEY`, `SECRETKEY`; not a word that happens to end so.
fn is_key(word: &str) -> bool {
    word.len() > 3
        && word.ends_with("KEY")
        && !matches!(word, "MONKEY" | "TURKEY" | "HOTKEY" | "PUBKEY" | "SITEKEY" | "DONKEY")
}

/// `MAIL_ENCRYPTION=tls`, `SMTP_AUTH=login`.
fn names_a_protocol(last: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    matches!(last, "ENCRYPTION" | "AUTH" | "SIGNING")
        && matches!(
            value.as_str(),
            "tls"
                | "ssl"
                | "starttls"
                | "none"
                | "null"
                | "plain"
                | "login"
                | "basic"
                | "bearer"
                | "standard"
                | "local"
        )
}

/// A path to a file that may hold a secret: the path does not.
fn is_file(value: &str) -> bool {
    let rooted =
        value.starts_with('/') || value.starts_with("./") || value.starts_with("../") || value.starts_with("~/");
    let file = [".json", ".pem", ".key", ".crt", ".cer", ".txt", ".p12", ".pfx", ".jks", ".yml", ".yaml", ".toml"];
    rooted && (value.starts_with("/run/secrets/") || file.iter().any(|end| value.ends_with(end)))
}

fn is_file_database(value: &str) -> bool {
    ["sqlite:", "file:", "sqlite3:"].iter().any(|scheme| value.starts_with(scheme)) && !value.contains('@')
}
