//! What a value says about itself: shapes of known tokens, passwords in addresses, randomness.

use super::{names, words};

/// Beginnings of tokens that are secret, and how many characters follow at least. From the issuers' documentation.
const SHAPES: &[(&str, usize)] = &[
    ("sk-", 16),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("whsec_", 8),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 8),
    ("gldt-", 8),
    ("glrt-", 8),
    ("glptt-", 8),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xoxe-", 8),
    ("xapp-", 8),
    ("AKIA", 12),
    ("ASIA", 12),
    ("AIza", 20),
    ("ya29.", 16),
    ("GOCSPX-", 8),
    ("eyJ", 16),
    ("SG.", 16),
    ("key-", 32),
    ("npm_", 16),
    ("pypi-", 16),
    ("hf_", 16),
    ("gsk_", 16),
    ("r8_", 16),
    ("xai-", 16),
    ("nvapi-", 16),
    ("pplx-", 16),
    ("dop_v1_", 16),
    ("doo_v1_", 16),
    ("dckr_pat_", 8),
    ("shpat_", 16),
    ("shpss_", 16),
    ("shpca_", 16),
    ("sq0csp-", 16),
    ("hvs.", 8),
    ("hvb.", 8),
    ("lin_api_", 8),
    ("sbp_", 16),
    ("tvly-", 8),
    ("figd_", 8),
    ("ntn_", 16),
    ("PMAK-", 16),
    ("phx_", 16),
    ("secret_", 16),
    ("re_", 16),
    ("rnd_", 16),
    ("tr_dev_", 8),
    ("tr_prod_", 8),
    ("AGE-SECRET-KEY-", 8),
    ("$2a$", 8),
    ("$2b$", 8),
    ("$2y$", 8),
    ("$apr1$", 8),
    ("$argon2", 8),
    ("$5$", 8),
    ("$6$", 8),
    ("$scrypt$", 8),
    ("{SHA}", 8),
];

/// Why the value is secret by itself, if it is. Of a `public` one only what cannot be meant for a browser counts.
pub(crate) fn reason(name: &str, value: &str, public: bool) -> Option<&'static str> {
    if value.contains("PRIVATE KEY") && value.contains("-----BEGIN") {
        return Some("its value is a private key");
    }
    if pieces(value).any(is_token) || is_app_key(value) {
        return Some("its value has the form of a known kind of token");
    }
    if value.len() >= 3 && value.chars().all(|character| matches!(character, '*' | '•')) {
        return Some("its value is masked");
    }
    if has_password(value) {
        return Some("its value is an address with a credential in it");
    }
    if has_secret_inside(value) {
        return Some("its value names a credential");
    }
    if !public && !is_digest(name, value) && pieces(value).any(random) {
        return Some("its value looks random");
    }
    None
}

/// The parts a value may hold a token in: cut at blanks, quotes and brackets, then at separators too.
fn pieces(value: &str) -> impl Iterator<Item = &str> {
    let outer = |character: char| character.is_whitespace() || "\"'`,;&?()[]{}<>|".contains(character);
    let inner = |character: char| ":/@=#".contains(character);
    value.split(outer).flat_map(move |piece| {
        let whole = (!piece.contains("://")).then_some(piece);
        whole.into_iter().chain(piece.split(inner))
    })
}

fn is_token(piece: &str) -> bool {
    let token = |character: char| character.is_ascii_alphanumeric() || "-_./+=$,".contains(character);
    SHAPES.iter().any(|(start, least)| {
        piece.strip_prefix(start).is_some_and(|rest| rest.len() >= *least && rest.chars().all(token))
    }) || (piece.starts_with("{SHA}") && piece.len() > 12)
}

/// `base64:` and at least 16 bytes, as Laravel writes its key.
fn is_app_key(value: &str) -> bool {
    value.strip_prefix("base64:").is_some_and(|rest| rest.len() >= 20)
}

/// An address whose userinfo has a password, or a user name that is no name but a token.
fn has_password(value: &str) -> bool {
    value.match_indices("://").any(|(at, mark)| {
        let rest = value.get(at + mark.len()..).unwrap_or("");
        // A password may hold `/`, `?` or `#` unencoded: everything up to the last `@` before a blank counts.
        let end = rest.find(|character: char| character.is_whitespace() || character == '"').unwrap_or(rest.len());
        let Some((userinfo, _)) = rest.get(..end).and_then(|part| part.rsplit_once('@')) else {
            return false;
        };
        match userinfo.split_once(':') {
            Some((user, password)) => !password.is_empty() && !user.contains('/'),
            None => random(userinfo) || (userinfo.len() >= 16 && userinfo.bytes().all(|byte| byte.is_ascii_hexdigit())),
        }
    })
}

/// `password=…` in a query, a connection string or an option; a member of a JSON object with such a name.
fn has_secret_inside(value: &str) -> bool {
    let separator = |character: char| character.is_whitespace() || ";&,?#".contains(character);
    let pairs = value.split(separator).any(|pair| {
        let (name, rest) = pair.split_once('=').unwrap_or((pair, ""));
        let option = name.starts_with('-') && name.len() > 2 && value.trim() != pair;
        (!rest.is_empty() || option) && name.len() <= 64 && is_plain_name(name) && names::is_secret_inside(name)
    });
    // A plain `name=` at the beginning of base64 padding is no pair: `rest` is empty there.
    pairs || headers(value) || json(value)
}

fn is_plain_name(name: &str) -> bool {
    name.chars().all(|character| character.is_ascii_alphanumeric() || "-_. ".contains(character))
}

/// `Authorization: Bearer …`
fn headers(value: &str) -> bool {
    value.split(['\n', ',']).any(|line| {
        line.split_once(": ").is_some_and(|(name, rest)| {
            !rest.trim().is_empty() && name.len() <= 64 && is_plain_name(name) && names::is_secret_inside(name)
        })
    }) || words(value).windows(2).any(|pair| matches!(pair, [first, second] if first == "BEARER" && second.len() >= 8))
}

fn json(value: &str) -> bool {
    let value = value.trim();
    if !value.starts_with(['{', '[']) {
        return false;
    }
    serde_json::from_str(value).is_ok_and(|parsed| json_member(&parsed))
}

fn json_member(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Array(items) => items.iter().any(json_member),
        serde_json::Value::Object(members) => members.iter().any(|(name, member)| {
            let text = member.as_str().is_some_and(|text| !text.is_empty());
            (text && names::is_secret_inside(name)) || json_member(member)
        }),
        serde_json::Value::String(text) => has_password(text),
        _ => false,
    }
}

/// A digest or a commit: random to look at, and public.
fn is_digest(name: &str, value: &str) -> bool {
    let named = words(name).iter().any(|word| {
        matches!(
            word.as_str(),
            "SHA" | "SHA1" | "SHA256" | "DIGEST" | "COMMIT" | "REVISION" | "CHECKSUM" | "REF" | "IMAGE" | "VERSION"
        )
    });
    let digits = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    (named && digits)
        || value.split_once("sha256:").is_some_and(|(before, rest)| {
            (before.is_empty() || before.ends_with('@'))
                && rest.len() == 64
                && rest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Whether a piece of text of at least 20 characters looks drawn by lot, not written by a person.
pub(super) fn random(piece: &str) -> bool {
    let allowed = |character: char| character.is_ascii_graphic();
    if piece.len() < 20 || !piece.chars().all(allowed) || is_uuid(piece) {
        return false;
    }
    let parts = piece.split(|character: char| "-_./:+=~@\\".contains(character));
    let (mut strange, mut all) = (0, 0);
    for part in parts {
        all += part.len();
        if !is_ordinary(part) {
            strange += part.len();
        }
    }
    strange >= 16 || (strange >= 8 && 2 * strange > all)
}

fn is_uuid(piece: &str) -> bool {
    crate::kind::Kind::Uuid.accepts(piece)
}

/// Whether a part between separators is a word, a number, or words run together.
fn is_ordinary(part: &str) -> bool {
    let part = part.trim_matches(|character: char| !character.is_ascii_alphanumeric());
    if part.len() <= 3 || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return part.len() <= 3;
    }
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    if digits == part.len() {
        return digits <= 14;
    }
    // One group of digits is in many words: `utf8mb4`, `oauth2callback`, `worker2024`.
    if digits > 4 || digit_groups(part) > 1 {
        return false;
    }
    part.split(|character: char| character.is_ascii_digit()).filter(|letters| !letters.is_empty()).all(are_words)
}

/// Whether letters are words with capitals where words begin; random text changes case at every second letter.
fn are_words(letters: &str) -> bool {
    let words = camel_words(letters);
    words.iter().all(|word| is_word(word)) && (words.len() == 1 || letters.len() + 2 >= 4 * words.len())
}

fn digit_groups(part: &str) -> usize {
    part.split(|character: char| !character.is_ascii_digit()).filter(|group| !group.is_empty()).count()
}

/// Cuts `SomeLongName` before each capital letter that follows a small one.
fn camel_words(letters: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for character in letters.chars() {
        if small && character.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character.to_ascii_lowercase());
        }
        small = character.is_ascii_lowercase();
    }
    words
}

/// Words have vowels and short runs of consonants; short ones are let through.
fn is_word(word: &str) -> bool {
    if word.len() <= 5 {
        return true;
    }
    let vowel = |byte: &u8| b"aeiouy".contains(byte);
    let vowels = word.bytes().filter(|byte| vowel(byte)).count();
    let run = word.split(|character: char| "aeiouy".contains(character)).map(str::len).max().unwrap_or(0);
    match word.len() {
        0..=10 => vowels > 0 && run <= 5,
        11..=16 => 4 * vowels >= word.len() && run <= 5,
        // Hardly a word any more.
        _ => 3 * vowels >= word.len() && run <= 4,
    }
}
