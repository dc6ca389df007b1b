//! The type a person would give a variable.

use super::words;
use crate::kind::Kind;

/// The type, and for a list that of its items. A secret is a `url`, a `pem` or a `string`: the type of a secret is
/// checked whenever it is rotated, and a narrow guess from one value would be in the way.
pub(crate) fn guess(name: &str, value: &str, secret: bool) -> (Kind, Option<Kind>) {
    if value.is_empty() {
        return (Kind::String, None);
    }
    if value.contains("://") && Kind::Url.accepts(value) && !value.contains(',') {
        return (Kind::Url, None);
    }
    if value.starts_with("-----BEGIN ") && Kind::Pem.accepts(value) {
        return (Kind::Pem, None);
    }
    if secret {
        return (Kind::String, None);
    }
    let words = words(name);
    if let Some(items) = list(&words, value) {
        return (Kind::List, Some(items));
    }
    let kind = scalar(&words, value);
    (if kind.accepts(value) { kind } else { Kind::String }, None)
}

/// What is measured by them may have a fraction.
const FRACTIONS: &[&str] = &[
    "RATE",
    "RATIO",
    "TEMPERATURE",
    "FACTOR",
    "THRESHOLD",
    "PERCENT",
    "PROBABILITY",
    "WEIGHT",
    "LAT",
    "LATITUDE",
    "LON",
    "LONG",
    "LONGITUDE",
];

fn scalar(words: &[String], value: &str) -> Kind {
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let last = words.last().map_or("", String::as_str);
    let digits = value.strip_prefix('-').unwrap_or(value);
    if value == "true" || value == "false" {
        Kind::Boolean
    } else if last == "PORT" && Kind::Port.accepts(value) {
        Kind::Port
    } else if (has(FRACTIONS) && value.contains('.') || FRACTIONS.contains(&last))
        && Kind::Number.accepts(value)
        && !value.contains(['e', 'E'])
    {
        Kind::Number
    } else if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Telephone numbers, versions and identifiers are names made of digits.
        let named = has(&["VERSION", "ID", "IDS", "PHONE", "NUMBER", "ZIP", "TAG", "CODE", "RELEASE"]);
        if named || digits.len() > 15 || !Kind::Integer.accepts(value) { Kind::String } else { Kind::Integer }
    } else if value.contains('@') && Kind::Email.accepts(value) {
        Kind::Email
    } else if Kind::Uuid.accepts(value) {
        Kind::Uuid
    } else if (value.starts_with('{') && value.ends_with('}')) || (value.starts_with('[') && value.ends_with(']')) {
        Kind::Json
    } else if has(&["IP", "IPV4", "IPV6"]) {
        Kind::Ip
    } else if has(&["TTL", "TIMEOUT", "INTERVAL", "DURATION", "PERIOD", "LIFETIME"]) {
        Kind::Duration
    } else if last == "DATE" {
        Kind::Date
    } else {
        Kind::String
    }
}

/// The type of the items, where the name is a plural of places and the value has more than one.
fn list(words: &[String], value: &str) -> Option<Kind> {
    let plural = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "ORIGIN" | "ORIGINS" | "HOSTS" | "DOMAINS" | "URLS" | "URIS" | "SERVERS" | "BROKERS" | "ENDPOINTS"
        )
    });
    if !plural || !value.contains(',') {
        return None;
    }
    [Kind::Url, Kind::Hostname, Kind::Ip].into_iter().find(|kind| value.split(',').all(|item| kind.accepts(item)))
}
