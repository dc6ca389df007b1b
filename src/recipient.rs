//! What a text that names a recipient is: the public half of a key, in the one spelling that counts.

use crate::diagnostic::{Code, Diagnostic};

/// The longest recipient, in bytes (sealed format, version 1).
pub const MAX_LENGTH: usize = 2048;
/// `ssh-ed25519 ` and the base64 of two length-prefixed strings, 11 and 32 bytes long (RFC 8709).
const SSH_LENGTH: usize = 12 + 68;

/// The kinds of recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientKind {
    /// `age1…`, age's own kind.
    X25519,
    /// `ssh-ed25519 …`.
    Ssh,
    /// `age1NAME1…`, made by the plugin of that name.
    Plugin,
}

/// Why a text is no recipient. Nothing of the text is kept: it may be an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipientFlaw {
    /// There is nothing.
    Empty,
    /// It is longer than [`MAX_LENGTH`].
    TooLong,
    /// It is the half to be kept secret.
    Identity,
    /// `age1pq1…` or `age1tagpq1…`.
    PostQuantum,
    /// `ssh-rsa …`.
    SshRsa,
    /// An SSH key of a kind that age has no recipients for: ECDSA, DSA, security keys.
    SshOther,
    /// An `ssh-ed25519 …` that is cut off or has a wrong character.
    SshDamaged,
    /// It means a recipient, spelt otherwise than it has to be: upper case, or a comment behind an SSH key.
    NotCanonical,
    /// It begins as a recipient does, and its checksum does not fit.
    Checksum,
    /// Anything else.
    Other,
}

impl RecipientFlaw {
    /// What is wrong, without the text.
    pub fn message(self) -> &'static str {
        match self {
            Self::Empty => "this recipient is empty",
            Self::TooLong => "this recipient is longer than 2048 bytes",
            Self::Identity => {
                "this is an identity, not a recipient: who saw it can read what it opens, so make a new one"
            }
            Self::PostQuantum => "post-quantum recipients are not supported by the age library yet",
            Self::SshRsa => "ssh-rsa keys are refused: their use leaks through timing (RUSTSEC-2023-0071)",
            Self::SshOther => "of SSH keys only `ssh-ed25519` can be a recipient",
            Self::SshDamaged => "this SSH key is incomplete or has a wrong character",
            Self::NotCanonical => "this recipient is not in its one spelling",
            Self::Checksum => "this is no recipient: its checksum does not fit, so a character is missing or wrong",
            Self::Other => "this is no recipient: `age1…` or `ssh-ed25519 …` is wanted",
        }
    }

    /// What mends it.
    pub fn help(self) -> &'static str {
        match self {
            Self::PostQuantum => "use a recipient that `envctl keygen` makes, `age1…`",
            Self::SshRsa | Self::SshOther => "`envctl keygen` makes an identity and prints its recipient",
            Self::SshDamaged => "copy the first two words of the file that ends in `.pub`",
            Self::NotCanonical => "write `age1…` in lower case, and of an SSH key its first two words only",
            _ => {
                "`envctl keygen --show` prints the recipient of your identity, `age-keygen -y FILE` that of another one"
            }
        }
    }

    /// The diagnostic, without a place.
    pub fn diagnostic(self) -> Diagnostic {
        Diagnostic::error(Code::InvalidRecipient, self.message()).help(self.help())
    }
}

/// What kind of recipient a text is. Checksums count: a text with a typing error is none.
pub fn kind(text: &str) -> Result<RecipientKind, RecipientFlaw> {
    if text.is_empty() {
        return Err(RecipientFlaw::Empty);
    }
    if is_identity(text) {
        return Err(RecipientFlaw::Identity);
    }
    if text.len() > MAX_LENGTH {
        return Err(RecipientFlaw::TooLong);
    }
    match text.split(' ').next() {
        // The age library is not asked about RSA keys: it panics on some that are damaged.
        Some("ssh-rsa") => Err(RecipientFlaw::SshRsa),
        Some("ssh-ed25519") => ssh(text),
        Some(word) if ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start)) => {
            Err(RecipientFlaw::SshOther)
        }
        _ => native(text),
    }
}

/// Whether a text is, or holds, the half of a key that is to be kept secret.
pub fn is_identity(text: &str) -> bool {
    let text = text.trim_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins("AGE-SECRET-KEY-") || begins("AGE-PLUGIN-") || text.contains("PRIVATE KEY")
}

fn ssh(text: &str) -> Result<RecipientKind, RecipientFlaw> {
    let read = |text: &str| text.parse::<age::ssh::Recipient>().ok().map(|recipient| recipient.to_string());
    match read(text) {
        Some(canonical) if canonical == text => Ok(RecipientKind::Ssh),
        Some(_) => Err(RecipientFlaw::NotCanonical),
        // A key that is whole but for the white space around its second word.
        None if text.len() > SSH_LENGTH && read(&squeezed(text)).is_some() => Err(RecipientFlaw::NotCanonical),
        None => Err(RecipientFlaw::SshDamaged),
    }
}

fn squeezed(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn native(text: &str) -> Result<RecipientKind, RecipientFlaw> {
    let lower = text.trim().to_ascii_lowercase();
    if !lower.starts_with("age1") {
        return Err(RecipientFlaw::Other);
    }
    if lower.starts_with("age1pq1") || lower.starts_with("age1tagpq1") {
        return Err(RecipientFlaw::PostQuantum);
    }
    let kind = match lower.parse::<age::x25519::Recipient>() {
        Ok(recipient) if recipient.to_string() == lower => RecipientKind::X25519,
        Ok(_) => return Err(RecipientFlaw::NotCanonical),
        Err(_) => match lower.parse::<age::plugin::Recipient>() {
            Ok(_) => RecipientKind::Plugin,
            Err(_) => return Err(RecipientFlaw::Checksum),
        },
    };
    if lower == text { Ok(kind) } else { Err(RecipientFlaw::NotCanonical) }
}

#[cfg(test)]
mod tests {
    use super::{RecipientFlaw as Flaw, RecipientKind as Kind, kind, testing};
    use proptest::prelude::*;

    const X25519: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    #[test]
    fn tells_recipients_from_what_is_none() {
        let plugin = plugin("counter");
        let cases: Vec<(String, Result<Kind, Flaw>)> = vec![
            (X25519.to_owned(), Ok(Kind::X25519)),
            (SSH.to_owned(), Ok(Kind::Ssh)),
            (plugin.clone(), Ok(Kind::Plugin)),
            (String::new(), Err(Flaw::Empty)),
            (format!("age1{}", "q".repeat(2045)), Err(Flaw::TooLong)),
            (X25519.to_uppercase(), Err(Flaw::NotCanonical)),
            (plugin.to_uppercase(), Err(Flaw::NotCanonical)),
            (format!(" {X25519}"), Err(Flaw::NotCanonical)),
            (format!("{X25519}\n"), Err(Flaw::NotCanonical)),
            (format!("{SSH} alice@example"), Err(Flaw::NotCanonical)),
            (format!("{SSH} "), Err(Flaw::NotCanonical)),
            (SSH.replace(' ', "  "), Err(Flaw::NotCanonical)),
            (SSH.strip_suffix("N").unwrap().to_owned(), Err(Flaw::SshDamaged)),
            (SSH.replace("C3Nz", "C3Na"), Err(Flaw::SshDamaged)),
            ("ssh-ed25519".to_owned(), Err(Flaw::SshDamaged)),
            ("ssh-ed25519 ".to_owned(), Err(Flaw::SshDamaged)),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDE7nIXTGNuaRBN9toI".to_owned(), Err(Flaw::SshRsa)),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAABAAAAAAEA".to_owned(), Err(Flaw::SshRsa)),
            ("ecdsa-sha2-nistp256 AAAAE2VjZHNh".to_owned(), Err(Flaw::SshOther)),
            ("sk-ssh-ed25519@openssh.com AAAA".to_owned(), Err(Flaw::SshOther)),
            ("ssh-dss AAAA".to_owned(), Err(Flaw::SshOther)),
            ("age1pq1qqqq".to_owned(), Err(Flaw::PostQuantum)),
            ("age1tagpq1qqqq".to_owned(), Err(Flaw::PostQuantum)),
            (X25519.replace("ql3z7", "ql3z8"), Err(Flaw::Checksum)),
            (X25519.strip_suffix("p").unwrap().to_owned(), Err(Flaw::Checksum)),
            ("age1".to_owned(), Err(Flaw::Checksum)),
            ("age".to_owned(), Err(Flaw::Other)),
            ("AGE-SECRET-KEY-1QQQQ".to_owned(), Err(Flaw::Identity)),
            (" age-secret-key-pq-1qqqq".to_owned(), Err(Flaw::Identity)),
            ("AGE-PLUGIN-COUNTER-1QQQQ".to_owned(), Err(Flaw::Identity)),
            ("-----BEGIN OPENSSH PRIVATE KEY-----".to_owned(), Err(Flaw::Identity)),
            (format!("{}PRIVATE KEY", "x".repeat(4000)), Err(Flaw::Identity)),
            ("alice@example.com".to_owned(), Err(Flaw::Other)),
            ("é".to_owned(), Err(Flaw::Other)),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(&text), expected, "{text}");
        }
    }

    /// A recipient of a plugin, made as age makes the plugin's default identity.
    fn plugin(name: &str) -> String {
        let identity = age::plugin::Identity::default_for_plugin(name).unwrap().to_string();
        assert!(super::is_identity(&identity));
        testing::bech32(&format!("age1{name}"), &[0, 1, 2])
    }

    #[test]
    fn flaws_speak_of_no_content() {
        for flaw in [Flaw::Empty, Flaw::Identity, Flaw::PostQuantum, Flaw::SshRsa, Flaw::NotCanonical, Flaw::Other] {
            let diagnostic = flaw.diagnostic();
            assert!(!diagnostic.message.is_empty() && diagnostic.help.len() == 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn never_panics_and_knows_one_spelling(text in "(age1|ssh-ed25519 |ssh-rsa |AGE-)?[ -~]{0,90}", at in 0_usize..62) {
            let _ = kind(&text);
            let mut other = X25519.to_owned().into_bytes();
            other[at] = if other[at] == b'q' { b'p' } else { b'q' };
            prop_assert!(kind(std::str::from_utf8(&other).unwrap()).is_err());
        }
    }
}

/// Recipients of plugins that do not exist, for tests.
#[cfg(test)]
pub(crate) mod testing {
    /// Bech32 (BIP 173) of values below 32.
    pub(crate) fn bech32(prefix: &str, data: &[u8]) -> String {
        const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        let step = |sum: u32, value: u8| {
            let generators = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
            let next = ((sum & 0x1ff_ffff) << 5) ^ u32::from(value);
            generators.iter().enumerate().filter(|(bit, _)| (sum >> (25 + bit)) & 1 == 1).fold(next, |s, (_, g)| s ^ g)
        };
        let head = prefix.bytes().map(|byte| byte >> 5).chain([0]).chain(prefix.bytes().map(|byte| byte & 31));
        let sum = head.chain(data.iter().copied()).chain([0; 6]).fold(1, step) ^ 1;
        let check = (0..6).map(|place| u8::try_from((sum >> (5 * (5 - place))) & 31).unwrap());
        let letters: String =
            data.iter().copied().chain(check).map(|value| char::from(LETTERS[usize::from(value)])).collect();
        format!("{prefix}1{letters}")
    }
}
