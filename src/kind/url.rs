//! Absolute URLs, by the grammar of RFC 3986 and nothing laxer.
//!
//! Browsers' rules (WHATWG) repair what they read: spaces, backslashes, missing slashes. A value is delivered as it is, so
//! what needs repair is refused.

use std::net::Ipv6Addr;

use super::number::is_digits;

/// Schemes of which RFC 3986, section 3.2.2, and RFC 9110, section 4.2, ask for a host.
const NEED_HOST: [&str; 4] = ["http", "https", "ws", "wss"];

/// The scheme of an absolute URL, as written; `None` if the value is not an absolute URL.
pub fn url_scheme(value: &str) -> Option<&str> {
    let (scheme, rest) = value.split_once(':')?;
    let needs_host = NEED_HOST.iter().any(|name| scheme.eq_ignore_ascii_case(name));
    (is_scheme(scheme) && is_after_scheme(rest, needs_host)).then_some(scheme)
}

/// An absolute URL: `scheme ":" hier-part [ "?" query ] [ "#" fragment ]` (RFC 3986, section 3).
///
/// One extension, for drivers of database and broker clusters: the authority may list hosts with commas between them,
/// each with its own port (`mongodb://a:1,b:2/db`). Ports are at most 65535; no IPv6 zones.
pub(super) fn is_url(value: &str) -> bool {
    url_scheme(value).is_some()
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_after_scheme(rest: &str, needs_host: bool) -> bool {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(after) => match after.find('/').and_then(|slash| after.split_at_checked(slash)) {
            Some((authority, path)) => (Some(authority), path),
            None => (Some(after), ""),
        },
        None => (None, hierarchy),
    };
    authority.map_or(!needs_host, |text| is_authority(text, needs_host))
        && is_made_of(path, |byte| is_path_byte(byte) || byte == b'/')
        && is_made_of(query, is_query_byte)
        && is_made_of(fragment, is_query_byte)
}

/// `[ userinfo "@" ] host [ ":" port ]` (section 3.2), with the list of hosts allowed here.
fn is_authority(text: &str, needs_host: bool) -> bool {
    let (userinfo, hosts) = text.split_once('@').unwrap_or(("", text));
    is_made_of(userinfo, |byte| is_name_byte(byte) || byte == b':')
        && hosts.split(',').all(|host| is_host_and_port(host, needs_host))
}

fn is_host_and_port(text: &str, needs_host: bool) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        return literal.split_once(']').is_some_and(|(inner, port)| {
            is_ip_literal(inner) && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    is_made_of(host, is_name_byte) && is_port(port) && !(needs_host && host.is_empty())
}

/// `*DIGIT`, not above 65535: the grammar allows none, and leading zeros.
fn is_port(text: &str) -> bool {
    text.is_empty() || (is_digits(text) && text.parse::<u16>().is_ok())
}

/// What may stand in brackets: `IPv6address` or `IPvFuture` (section 3.2.2).
fn is_ip_literal(text: &str) -> bool {
    if let Some(future) = text.strip_prefix(['v', 'V']) {
        return future.split_once('.').is_some_and(|(version, address)| {
            !version.is_empty()
                && version.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !address.is_empty()
                && address.bytes().all(|byte| is_name_byte(byte) || byte == b':')
        });
    }
    text.parse::<Ipv6Addr>().is_ok()
}

/// Whether a text has only bytes that `allowed` accepts and complete percent escapes (section 2.1).
fn is_made_of(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    let next_is_hex = |bytes: &mut std::str::Bytes<'_>| bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
    while let Some(byte) = bytes.next() {
        let good = if byte == b'%' { next_is_hex(&mut bytes) && next_is_hex(&mut bytes) } else { allowed(byte) };
        if !good {
            return false;
        }
    }
    true
}

/// `unreserved` and `sub-delims` (sections 2.2 and 2.3): what a host name may be made of.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// `pchar` (section 3.3).
fn is_path_byte(byte: u8) -> bool {
    is_name_byte(byte) || byte == b':' || byte == b'@'
}

/// `pchar`, `/` and `?` (sections 3.4 and 3.5).
fn is_query_byte(byte: u8) -> bool {
    is_path_byte(byte) || byte == b'/' || byte == b'?'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{is_url, url_scheme};

    #[test]
    fn accepts_absolute_urls() {
        for value in [
            "http://example.com",
            "HTTPS://Example.COM:443/a/b;c?x=1&y=%20/?#top?/",
            "postgresql://user:pass@host:5432/db",
            "postgresql:///db?host=%2Fvar%2Frun",
            "postgres://u:p%40w@[2001:db8::1]:5432/db",
            "redis://:pw@h:6379/0",
            "rediss://h",
            "mailto:a@b.c",
            "s3://bucket/key",
            "file:///x",
            "file:/x",
            "amqp://guest:guest@mq//",
            "amqp://guest:guest@mq/%2F",
            "mongodb://a:1,b:2/db",
            "mongodb://u:p@a:1,b,[::1]:3/db?replicaSet=rs0",
            "mongodb+srv://u:p@cluster.example.com/db",
            "kafka://a:9092,b:9092",
            "jdbc:postgresql://h:5432/db",
            "urn:isbn:0451450523",
            "tel:+1-816-555-1212",
            "http://h:",
            "http://h:00080/",
            "http://10.0.0.1:65535",
            "http://[::ffff:10.0.0.1]/",
            "http://[v1.fe80::a+en1]/",
            "http://a_b/",
            "sqlite:",
            "unix:///run/x.sock",
            "x:",
            "http://h//a//",
            "http://u:@h",
            "http://u:a:b@h",
        ] {
            assert!(is_url(value), "{value}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn refuses_everything_else() {
        for value in [
            "",
            ":",
            "://h",
            "//h/p",
            "/p",
            "example.com",
            "1http://h",
            "ht tp://h",
            "http",
            "http:",
            "http:h",
            "http:/h",
            "http://",
            "https:///p",
            "https://:443",
            "https://u@/",
            "http://,a",
            " http://h",
            "http://h ",
            "http://h/a b",
            "http://h/\n",
            "http://h/\t",
            "http://h\\p",
            "http://h/é",
            "http://é/",
            "http://h/%",
            "http://h/%2",
            "http://h/%zz",
            "http://h/%%20",
            "http://%zz/",
            "http://u:p%@h/",
            "http://h:65536",
            "http://h:99999999999999999999",
            "http://h:80a",
            "http://h:-1",
            "http://h:+1",
            "http://h:1:2",
            "http://u:p@ss@h/",
            "http://u:p#w@h:x/",
            "http://u:p/w@h:x/ ",
            "http://u:p[w@h/",
            "http://[::1",
            "http://::1]/",
            "http://[::1]x/",
            "http://[::1]80/",
            "http://[fe80::1%25eth0]/",
            "http://[1.2.3.4]/",
            "http://[]/",
            "http://[v.x]/",
            "http://[v1.]/",
            "http://h/<x>",
            "http://h/{x}",
            "http://h/a|b",
            "http://h/a\"b",
            "http://h/a^b",
            "http://h/`",
            "http://h/[x]",
            "http://h/?a[]=1",
            "http://h/#a#b",
            "http://h/\u{7f}",
            "http://h/\u{1}",
            "${HOST}://x",
        ] {
            assert!(!is_url(value), "{value}");
        }
    }

    #[test]
    fn scheme_is_as_written() {
        for (value, scheme) in [
            ("HTTPS://h", Some("HTTPS")),
            ("mongodb+srv://h", Some("mongodb+srv")),
            ("mailto:a@b.c", Some("mailto")),
            ("http://", None),
            ("h", None),
        ] {
            assert_eq!(url_scheme(value), scheme);
        }
    }

    proptest! {
        #[test]
        fn accepted_text_is_visible_ascii(value in "[a-z]{1,3}:(//)?.{0,20}") {
            if is_url(&value) {
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
