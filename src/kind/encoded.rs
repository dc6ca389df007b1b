//! UUID, base64, hexadecimal digits, JSON and PEM: checked in place, never decoded into a copy.

use serde::de::IgnoredAny;

/// 8-4-4-4-12 hexadecimal digits of either case (RFC 9562, section 4); any version, also nil and max.
pub(super) fn is_uuid(value: &str) -> bool {
    let mut groups = value.split('-');
    [8, 4, 4, 4, 12].into_iter().all(|length| {
        groups.next().is_some_and(|group| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }) && groups.next().is_none()
}

/// An even number of hexadecimal digits, also none (RFC 4648, section 8, either case).
pub(super) fn is_hex(value: &str) -> bool {
    value.len().is_multiple_of(2) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Base64 (RFC 4648, section 4) with padding and zero bits at the end (section 3.5); also empty.
pub(super) fn is_base64(value: &str) -> bool {
    is_base64_bytes(value.bytes())
}

fn is_base64_bytes(bytes: impl Iterator<Item = u8>) -> bool {
    let (mut digits, mut padding, mut last) = (0_usize, 0_usize, 0_u8);
    for byte in bytes {
        match sextet(byte) {
            _ if byte == b'=' => padding += 1,
            Some(bits) if padding == 0 => {
                digits += 1;
                last = bits;
            }
            _ => return false,
        }
    }
    match (digits % 4, padding) {
        (0, 0) => true,
        (2, 2) => last.trailing_zeros() >= 4,
        (3, 1) => last.trailing_zeros() >= 2,
        _ => false,
    }
}

/// The six bits a letter of the standard alphabet stands for.
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// One JSON text of the RFC 8259 grammar. Nothing is built and nothing recurses, so depth is no danger here.
pub(super) fn is_json(value: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(value).is_ok()
}

/// One or more PEM blocks (RFC 7468, section 3), with only white space outside of them.
///
/// Laxer than the strict grammar: lines of any length, LF or CRLF, white space at line ends, and the headers of
/// RFC 1421 (`Proc-Type`, `DEK-Info`) that old encrypted keys carry. Stricter than parsers: no explanatory text.
pub(super) fn is_pem(value: &str) -> bool {
    let mut rest = value.trim_ascii();
    while let Some(after) = pem_block(rest) {
        if after.is_empty() {
            return true;
        }
        rest = after.trim_ascii_start();
    }
    false
}

/// What follows the block that `text` begins with.
fn pem_block(text: &str) -> Option<&str> {
    let (label, rest) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
    let ends_line = rest.is_empty() || rest.starts_with(|next: char| next.is_ascii_whitespace());
    (ends_line && is_pem_label(label) && is_pem_body(body)).then_some(rest)
}

/// Visible ASCII words with one space or hyphen between them.
fn is_pem_label(label: &str) -> bool {
    label.split([' ', '-']).all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Everything between the two boundaries: the rest of the first line, perhaps headers, base64 lines.
fn is_pem_body(body: &str) -> bool {
    let Some((first, content)) = body.split_once('\n') else {
        return false;
    };
    if !first.trim_ascii().is_empty() || !content.ends_with('\n') {
        return false;
    }
    let content = skip_headers(content).unwrap_or(content);
    let lines = content.lines().map(str::trim_ascii_end);
    // Colons, inner blanks and the like fail here: they are not in the alphabet.
    lines.clone().any(|line| !line.is_empty()) && is_base64_bytes(lines.flat_map(str::bytes))
}

/// What follows the headers and the empty line that ends them, if there are headers.
fn skip_headers(content: &str) -> Option<&str> {
    let (name, _) = content.lines().next()?.split_once(": ")?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    let ends = [content.split_once("\n\n"), content.split_once("\n\r\n")];
    ends.into_iter().flatten().min_by_key(|(headers, _)| headers.len()).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::super::Kind;

    fn check(kind: Kind, good: &[&str], bad: &[&str]) {
        for value in good {
            assert!(kind.accepts(value), "{kind:?} refuses {value:?}");
        }
        for value in bad {
            assert!(!kind.accepts(value), "{kind:?} accepts {value:?}");
        }
    }

    #[test]
    fn uuids() {
        check(
            Kind::Uuid,
            &[
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
                "00000000-0000-0000-0000-000000000000",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ],
            &[
                "",
                "f81d4fae7dec11d0a76500a0c91e6bf6",
                "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf6-",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
                "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6",
                " f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            ],
        );
    }

    #[test]
    fn hex_and_base64() {
        check(Kind::Hex, &["", "00", "dEADbeef"], &["0", "0x00", "0g", "00 00", "00\n", "é"]);
        check(
            Kind::Base64,
            &["", "AA==", "AAA=", "AAAA", "+/+/", "Zm9vYg=="],
            &[
                "A", "AA", "AAA", "AA=", "AB==", "AAB=", "====", "A===", "AAAA=", "AA==AA==", "-_-_", "AA ==",
                "AAAA\n", "é",
            ],
        );
    }

    #[test]
    fn json() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        check(
            Kind::Json,
            &["{}", "[]", "null", "1", "-0.5e3", "\"a\"", " {\"a\":[1,{}],\"a\":2}\n", "\"\\u00e9é\"", &deep],
            &[
                "",
                " ",
                "{",
                "{'a':1}",
                "{\"a\":1,}",
                "[1,]",
                "01",
                "nul",
                "NaN",
                "{} {}",
                "\"a\nb\"",
                "// x\n1",
                "\u{feff}{}",
                &"[".repeat(200_000),
            ],
        );
    }

    #[test]
    fn pem() {
        let block = "-----BEGIN TEST DATA-----\nAAAA\nAA==\n-----END TEST DATA-----";
        let crlf = block.replace('\n', "\r\n");
        let headers = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        check(
            Kind::Pem,
            &[
                block,
                &crlf,
                headers,
                &headers.replace('\n', "\r\n"),
                &format!("{block}\n"),
                &format!("\n{block}\n\n{block}\n"),
                "-----BEGIN X-----\nAAAA  \n\n-----END X-----",
                "-----BEGIN X509-CRL-----\nAAAA\n-----END X509-CRL-----",
            ],
            &[
                "",
                "AAAA",
                "-----BEGIN X-----",
                "-----BEGIN X-----\nAAAA\n",
                "-----BEGIN X-----\n-----END X-----\n",
                "-----BEGIN X-----\n\n-----END X-----\n",
                "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
                "-----BEGIN X-----\nAAAA\n-----END X----\n",
                "----BEGIN X-----\nAAAA\n-----END X-----\n",
                "-----BEGIN X-----AAAA-----END X-----",
                "-----BEGIN X-----\nAAAA-----END X-----",
                "-----BEGIN X-----\\nAAAA\\n-----END X-----",
                "-----BEGIN X-----\nAAA\n-----END X-----",
                "-----BEGIN X-----\nAB==\n-----END X-----",
                "-----BEGIN X-----\nAA AA\n-----END X-----",
                "-----BEGIN X-----\nA-_A\n-----END X-----",
                "-----BEGIN X-----\nName: x\nAAAA\n-----END X-----",
                "-----BEGIN -----\nAAAA\n-----END -----",
                "-----BEGIN X -----\nAAAA\n-----END X -----",
                "-----BEGIN X-----\nAAAA\n-----END X-----\n-----BEGIN X-----\n",
                &format!("subject=x\n{block}"),
                &format!("{block}\nAAAA"),
                &format!("{block}x"),
                &format!("{block}{block}"),
            ],
        );
    }

    proptest! {
        #[test]
        fn base64_agrees_with_a_strict_decoder(text in "[A-Ca-c+/=]{0,9}") {
            prop_assert_eq!(Kind::Base64.accepts(&text), STANDARD.decode(&text).is_ok());
        }
    }
}
