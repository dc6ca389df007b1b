//! Tells stand-ins such as `changeme` from secrets.
//!
//! A wrong "yes" stops a deployment, so each rule needs something that random text does not have: English words with
//! nothing left over, or a run of one character. What is merely weak (`admin`, `dev-master-key`) is for `forbid`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use zeroize::Zeroizing;

/// Longer texts are not looked at, unless they are one character over and over: keys, certificates, documents.
const LONGEST: usize = 120;

/// Whether a value is plainly a stand-in for a secret that nobody has filled in yet.
///
/// The value is taken as a whole: a URL with `changeme` as its password is not looked into.
pub fn is_placeholder(value: &str) -> bool {
    let value = unquoted(value.trim());
    if is_one_character(value) {
        return true;
    }
    if value.len() > LONGEST || value.contains('\n') {
        return false;
    }
    let lower = Zeroizing::new(value.to_ascii_lowercase());
    has(EXACT, without_tail(&lower)) || is_wrapped(value) || ends_masked(&lower) || is_phrase(&lower)
}

/// Texts that mean "nothing here yet" or "the usual" but are no words of [`WORDS`].
const EXACT: &str = "\
    n/a tba tbc none null nil undefined unset empty missing foo bar foobar p@ssword p@ssw0rd \
    passw0rd pa$$word pa$$w0rd s3cr3t s3cret secr3t xx yyy zzz deadbeef cafebabe";

/// Whether a word is in a list of words with a space between them.
fn has(list: &str, word: &str) -> bool {
    // By bytes: every secret of a project is looked for here.
    list.as_bytes().split(|byte| *byte == b' ').any(|known| known == word.as_bytes())
}

/// Takes away one pair of quotes around the text.
fn unquoted(text: &str) -> &str {
    ['"', '\'', '`'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// Takes away what people put behind a word to please a rule: up to four digits, and exclamation marks.
fn without_tail(text: &str) -> &str {
    let word = text.trim_end_matches('!');
    let stem = word.trim_end_matches(|last: char| last.is_ascii_digit());
    if word.len() - stem.len() <= 4 { stem } else { word }
}

/// `xxx`, `***`, `....`, `00000000-0000-0000-0000-000000000000`, `xx-xxxx-x`: one character, perhaps in groups.
fn is_one_character(text: &str) -> bool {
    const ELLIPSES: [char; 2] = ['…', '•'];
    if !text.is_empty() && text.chars().all(|character| ELLIPSES.contains(&character)) {
        return true;
    }
    let is_same = |mut rest: std::str::Chars<'_>| {
        rest.next().is_some_and(|first| rest.all(|other| other.eq_ignore_ascii_case(&first)))
    };
    // In groups: the first character that separates none, and all others.
    let separators = ['-', '_', '.', ':', '/', ' '];
    let mut grouped = text.chars().filter(|character| !separators.contains(character));
    let first = grouped.next();
    let others = grouped.clone().count();
    text.chars().count() >= 3
        && (is_same(text.chars())
            || first.is_some_and(|first| others >= 2 && grouped.all(|other| other.eq_ignore_ascii_case(&first))))
}

/// `<your token>`, `[your token]`, `{{ token }}`, `${TOKEN}`, `!!!SET TOKEN!!!`, `__TOKEN__`: a mark around words.
fn is_wrapped(text: &str) -> bool {
    let inside = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    let is_upper = |text: &str| {
        text.len() >= 3
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    inside("<", ">").is_some_and(is_wording)
        || inside("[", "]").is_some_and(is_wording)
        || inside("{{", "}}").is_some_and(is_wording)
        || inside("${", "}").is_some_and(crate::name::is_variable)
        || inside("!!!", "!!!").is_some_and(is_wording)
        || inside("***", "***").is_some_and(is_wording)
        || inside("__", "__").is_some_and(is_upper)
}

/// Words of letters only, not counting short numbers: what people write, seldom what a generator makes.
fn is_wording(text: &str) -> bool {
    let text = text.trim();
    // A generated token has no spaces: with one, more marks are believed to be punctuation.
    let marks = if text.contains(' ') { " -_.:/'’()<>|" } else { "-_" };
    let allowed = |character: char| character.is_alphanumeric() || marks.contains(character);
    let mut words = split(text).peekable();
    words.peek().is_some()
        && text.starts_with(char::is_alphanumeric)
        && !text.contains("</")
        && text.chars().all(allowed)
        && words.all(|word| is_number(word) || !word.contains(|letter: char| letter.is_ascii_digit()))
        && text.chars().filter(|letter| letter.is_alphabetic()).count() >= 3
}

/// `sk-xxxx`, `ghp_xxxxxxxxxxxx`, `A0XXXXXXX`, `sk-...`, `pk_live_****`: a prefix and a mask.
fn ends_masked(lower: &str) -> bool {
    let shown = |mask: &[char]| lower.trim_end_matches(mask);
    // Letters may end a real token: ask for more of them, or for a group of their own.
    let head = shown(&['x']);
    let run = lower.len() - head.len();
    let own_group = head.ends_with(['-', '_', '.', '/', ':', ' ']);
    if run >= 4 && (own_group || run * 2 >= lower.len()) {
        return true;
    }
    let is_prefix = |head: &str| {
        (1..=24).contains(&head.len())
            && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    [&['*'][..], &['.'][..], &['…', '•'][..]].iter().any(|mask| {
        let head = shown(mask);
        let hidden = lower.len() - head.len();
        hidden >= 3 && is_prefix(head)
    })
}

/// Pieces of letters and digits.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A number as in `32 characters`: not long enough to be the secret.
fn is_number(word: &str) -> bool {
    word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text says in words that it is a stand-in.
fn is_phrase(lower: &str) -> bool {
    let words: Vec<&str> = split(lower).collect();
    // A phrase of many words is a passphrase, or prose about something; other marks than these are a generator's.
    let written = |letter: char| letter.is_alphanumeric() || " -_.:,/'!()".contains(letter);
    if words.is_empty() || words.len() > 10 || !lower.chars().all(written) {
        return false;
    }
    is_all_vocabulary(&words)
        || is_instruction(&words)
        || is_yours(lower, &words)
        || is_here(&words)
        || is_marked(&words)
}

/// Nothing but words of the vocabulary, at least one of them telling: `my-super-secret-key`, `supersecretpassword`.
fn is_all_vocabulary(words: &[&str]) -> bool {
    let mut telling = false;
    words.iter().all(|word| {
        is_number(word)
            || made_of_words(without_tail(word)).is_some_and(|found| {
                telling |= found;
                true
            })
    }) && telling
}

/// Whether a text is words of the vocabulary put together, and if so whether one of them is telling.
fn made_of_words(text: &str) -> Option<bool> {
    // For each length of a beginning: whether it can be put together, and with a telling word.
    let mut reached: Vec<Option<bool>> = vec![None; text.len() + 1];
    *reached.first_mut()? = Some(false);
    for start in 0..text.len() {
        let (Some(Some(telling)), Some(rest)) = (reached.get(start).copied(), text.get(start..)) else {
            continue;
        };
        let words = rest.bytes().next().and_then(|first| VOCABULARY.get(&first));
        for (word, tells) in words.into_iter().flatten() {
            if rest.starts_with(word)
                && let Some(end) = reached.get_mut(start + word.len())
            {
                *end = Some(end.unwrap_or(false) | telling | tells);
            }
        }
    }
    reached.pop().flatten()
}

/// The words of [`TELLING`] and [`WORDS`] by their first letter, with whether they are telling.
static VOCABULARY: LazyLock<BTreeMap<u8, Vec<(&str, bool)>>> = LazyLock::new(|| {
    let telling = TELLING.split(' ').map(|word| (word, true));
    let mut table: BTreeMap<u8, Vec<(&str, bool)>> = BTreeMap::new();
    for (word, tells) in telling.chain(WORDS.split(' ').map(|word| (word, false))) {
        if let Some(first) = word.bytes().next() {
            table.entry(first).or_default().push((word, tells));
        }
    }
    table
});

/// Words that by themselves say "stand-in".
const TELLING: &str = "\
    changeme changethis changeit replaceme replacethis password passwd passphrase secret example \
    sample dummy placeholder fake random todo tbd fixme redacted insecure yourkey yourtoken \
    yourapikey notset";

/// Words that stand beside them.
const WORDS: &str = "\
    a access account add admin after an and any api app as at auth be before bit bits bot by \
    byte bytes change char character characters chars client code cookie credential credentials \
    database db default deploy email encryption enter env environment exactly fill for generate \
    generated good goes hash here host id in insert is it jwt key keys least local login long \
    mail me min minimum must my mysql name new not now oauth of on only or our pass please \
    postgres private prod production proper public put redis refresh replace root safe salt \
    secure server service session set should signing smtp some string strong super test text \
    that the this to token tokens top use user username value values very webhook with you your django \
    mariadb memcached minio mongo mongodb postgresql rabbitmq";

/// Words for what should have been filled in.
const NOUNS: &str = "\
    account api apikey client code credential credentials domain dsn email hash host id key keys \
    license name pass passphrase password pin project pwd salt secret string token url user \
    username value webhook";

/// What an instruction begins with: two words in a row.
const INSTRUCTIONS: &[(&str, &str)] = &[
    ("change", "me this it in before to the your for"),
    ("replace", "me this it with by the your in"),
    ("insert", "your the a here value"),
    ("enter", "your the a here value"),
    ("put", "your the a here value"),
    ("add", "your the here value"),
    ("paste", "your the here value"),
    ("fill", "me in this your"),
    ("set", "me this your in a"),
    ("use", "your a openssl"),
    ("generate", "a an me new one with your this using by"),
    ("to", "do be"),
    ("not", "set used a"),
];

/// `change_me_in_production`, `PLEASE_REPLACE_WITH_32_CHARS`, `generate-a-new-key`, `get_a_key_from_somewhere`.
fn is_instruction(words: &[&str]) -> bool {
    let mut words = words.iter().copied().skip_while(|word| matches!(*word, "please" | "you" | "must" | "should"));
    let (Some(verb), Some(next)) = (words.next(), words.next()) else {
        return false;
    };
    if verb == "get" {
        return matches!(next, "a" | "an" | "the" | "your") && words.any(|word| has(NOUNS, word));
    }
    INSTRUCTIONS.iter().any(|(first, seconds)| *first == verb && has(seconds, next))
}

/// `your-s3-key`, `your_openai_token`, `sk_test_your_stripe_key_here`, `yourApiKey`.
fn is_yours(lower: &str, words: &[&str]) -> bool {
    let names = |word: &&str| has(NOUNS, word) || **word == *"here";
    match words.iter().position(|word| *word == "your") {
        Some(0) => words.len() > 1 && (!lower.contains(char::is_whitespace) || words.iter().any(names)),
        Some(at) => words.iter().skip(at).any(names),
        None => match words {
            [only] => only
                .strip_prefix("your")
                .is_some_and(|rest| !rest.is_empty() && made_of_words(without_tail(rest)).is_some()),
            _ => false,
        },
    }
}

/// `bucket_name_here`, `token-goes-here`, `insert-foo-here`.
fn is_here(words: &[&str]) -> bool {
    let [first, middle @ .., "here"] = words else {
        return false;
    };
    let fills = |word: &&str| has(NOUNS, word) || has("insert enter put paste add", word);
    fills(first) || middle.iter().any(fills)
}

/// `todo-ask-bob`, `dummy-abc`, `xyz_placeholder`: the mark first or last, with words of letters beside it.
fn is_marked(words: &[&str]) -> bool {
    const MARKS: &str = "\
        todo tbd fixme dummy placeholder changeme replaceme redacted";
    let is_mark = |word: Option<&&str>| word.is_some_and(|word| has(MARKS, word));
    // Three letters at the end of a token are too easily an accident.
    let ends = |word: &&str| word.len() >= 5 && has(MARKS, word);
    words.len() <= 5
        && (is_mark(words.first()) || words.last().is_some_and(ends))
        && words.iter().all(|word| is_number(word) || word.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_placeholder;

    #[test]
    fn stand_ins() {
        let table = "
changeme|change-me|change_me|ChangeMe|CHANGEME|change me|changeme123|changeme1234!|change_me_in_production
change-me-in-production|changemeinproduction|Change_this_key_or_else|changethis|change-this|changeit|change_it|please-change-me
please_change_this_value|replace-me|replaceme|replace-with-a-random-string|PLEASE_REPLACE_WITH_32_CHARS|replace_this
your_api_key_here|your-api-key|your_token|your-s3-secret|YOUR_SECRET_KEY|yourapikeyhere|yourApiKey|your-256-bit-secret
your secret key|sk_test_your_test_key_here|whsec_your_webhook_secret|sk-your-openai-key|your_openai_or_other_key
<your-token>|<token>|<Some org id>|<API_KEY>|[your key]|[generate with <openssl rand>]|{{ token }}|{{API_KEY}}|${API_KEY}
!!!SET SECRET_KEY!!!|__API_TOKEN__|***token***|xxx|XXXX|xxxxxxxxxxxxxxxx|xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx|xx-xxxx-x
***|****|...|......|…|•••••|---|___|000000|00000000-0000-0000-0000-000000000000|aaaaaaaaaaaaaaaa
sk-xxxx|sk-xxxxxxxxxxxxxxxx|sk_live_xxxxxxxxxxxx|ghp_XXXXXXXXXXXXXXXX|A0XXXXXXX|AKIAXXXXXXXXXXXXXXXX|sk-ant-api03-xxxxx|sk-...
sk-proj-...|pk_live_****|eyJ...|SG.xxxx.xxxx|https://hooks.example.com/T000/B000/XXXXXXXXXXXX
todo|TODO|todo: ask alice|tbd|TBD|fixme|FIXME|n/a|none|null|undefined|password|Password|password1|password123!|PASSWORD|passwd
passphrase|secret|SECRET|secret123|supersecret|super-secret|mysecret|my-secret-key|my_super_secret_jwt_token|supersecretpassword
topsecret|test_password|database_user_password|root_password|postgres_password|not-a-secret|example|example-key|example_token_123
sample|sample_key|dummy|dummy-value|dummy_abc|placeholder|placeholder-token|foo_placeholder|fake|fake-key|some-random-string
SomeRandomString|random_string|random-secret-key-here|insert-key-here|insert-foo-here|put_your_key_here|enter-your-token
token-goes-here|bucket_name_here|api_key_here|generate_a_new_key|generate-me|get_a_key_from_somewhere|set-me|fill_me_in|redacted
p@ssw0rd|s3cr3t|foobar|deadbeef|'changeme'|\"secret\"| changeme |insecure|secret_token|not-set";
        let mut count = 0;
        for value in table.split(['|', '\n']).filter(|value| !value.is_empty()) {
            assert!(is_placeholder(value), "{value:?} is a stand-in");
            count += 1;
        }
        assert!(count >= 60, "{count}");
    }

    #[test]
    fn secrets() {
        let table = "
|a|x|ab|0|42|7|true|admin|root|postgres|guest|minioadmin|dev-master-key|local-dev-key|hunter2|letmein|qwerty|123456|1234567890
correct-horse-battery-staple|correct horse battery staple|Tr0ub4dor&3|MyDogAte4Shoes|here be dragons|mind your own business 42
f81d4fae-7dec-11d0-a765-00a0c91e6bf6|9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d|d41d8cd98f00b204e9800998ecf8427e|0123456789abcdef
sk-proj-q7Rk2vXw9LmZ|sk_test_q7Rk2vXw9|ghp_q7Rk2vXw9LmZ4tB8|AKIAQ7RK2VXW
glpat-q7Rk2vXw9LmZ|xoxb-4821-q7Rk2vXw9LmZ|SG.q7Rk2vXw.9LmZ4tB8sYc1
eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.q7Rk2vXw9LmZ|vT4kQm9ZrX2Lw8NbHs6Jd1PfYc3GaU7eRtKo5iVx
q7Rk2vXw9LmZ4tB8sYc1NpHf6JdG3aUeK5oTiVx0WQE=|base64:Hn4cV8+wQz1Lk6RtY3mB9sXfJ2dG7pUaE5oKi/NvT0A=|kR8x_xx|Zq3!vT9xxx|a9Kxxxx7
postgresql://app:k3Jf9sQ2@db:5432/shop|redis://:9vTq2Lm@cache:6379/0|https://example.com/hook/8fK2mQ|mongodb://a:b1C2d3@h/db
{\"type\":\"service_account\",\"project_id\":\"p1\"}|[1,2,3]|[\"k3J\",\"f9s\"]|<a>b7</a>|<xK9mQ2vL>|<F:_(>ix->y>|[/xCzlhHw.D]|kqhofhlixxxx|G:Gj+nf-tBd#|${|${a-b}|{}|[]|-----BEGIN
secretariat|passwordless-login-7f3k|exemplary-otter|examplary|changeling-4hf8|youth-zebra-yard|yourself7Kq2|todoist_9f8a7b6c5d
test|testing|staging|key|token|api-key|dev-secret-9|secret-7fK2mQ9x|password-8sJ3kLm2|my-key|random7fK2|s.k3JfPq9sQ2|hvs.CAESIJq
change agent 7f3kq|replacement-part-77|insertion-sort-91|puttheory|setme9fK2Lq|getaway car 99|hereford-cattle|sheherehere
abandon ability able about above absent absorb abstract absurd abuse access accident|legal winner thank year wave sausage worth
M2Y4-9QRT-77XP-LK3D|-._-.-__|00112233445566778899aabbccddeeff|aabbccdd|abababab|1111222233334444|v1.0.0|alice|bob@example.com|2026-01-31
dummies-guide|fakery|sampler9Kq|Xx9K-xx7Q-Qx2x|AAAAB3NzaC1yc2EAAAADAQABAAABAQ|x-9f8a7b6c|8f14e45fceea167a5a36dedd4bea2543";
        let mut count = 0;
        for value in table.split(['|', '\n']) {
            assert!(!is_placeholder(value), "{value:?} is no stand-in");
            count += 1;
        }
        assert!(count >= 60, "{count}");
        let pem = "-----BEGIN CERTIFICATE-----\nMAAwAAMB\n-----END CERTIFICATE-----\n";
        assert!(!is_placeholder(pem));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn random_tokens_are_no_stand_ins(token in "[A-Za-z0-9+/_~.-]{16,64}", hex in "[0-9a-f]{16,64}", text in "[!-~]{12,40}") {
            prop_assert!(!is_placeholder(&token), "{}", token);
            prop_assert!(!is_placeholder(&hex), "{}", hex);
            prop_assert!(!is_placeholder(&text), "{}", text);
        }

        #[test]
        fn never_panics(value in ".{0,200}") {
            let _ = is_placeholder(&value);
        }
    }
}
