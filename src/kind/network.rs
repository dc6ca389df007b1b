//! Host names, addresses, address ranges and email addresses.

use std::net::IpAddr;

use super::number::is_digits;

/// A host name (RFC 1123, section 2.1): labels of 1 to 63 letters, digits and inner hyphens, 253 bytes in all.
///
/// No final dot and no underscore. The last label is not all digits: the same section rules that out, and a resolver
/// would take `10.1` for an address. International names are written in their `xn--` form.
pub(super) fn is_hostname(value: &str) -> bool {
    value.len() <= 253 && value.split('.').all(is_label) && !value.rsplit('.').next().is_some_and(is_digits)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An address: four decimal numbers without leading zeros, or IPv6 (RFC 4291, section 2.2) without brackets or zone.
pub(super) fn is_ip(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok()
}

/// An address and a prefix length (RFC 4632, RFC 4291). Host bits may be set: `10.0.0.5/8` also names an interface.
pub(super) fn is_cidr(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else {
        return false;
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    is_digits(length)
        && (length == "0" || !length.starts_with('0'))
        && length.parse::<u8>().is_ok_and(|bits| bits <= longest)
}

/// A dot-atom of at most 64 bytes, `@`, a host name; 254 bytes in all (RFC 5321, sections 4.1.2 and 4.5.3.1).
///
/// No quoted local part, comment, address literal or non-ASCII. The host may be one label, as in `root@localhost`.
pub(super) fn is_email(value: &str) -> bool {
    let Some((local, host)) = value.split_once('@') else {
        return false;
    };
    value.len() <= 254
        && local.len() <= 64
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
        && is_hostname(host)
}

/// `atext` of RFC 5322, section 3.2.3.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::super::Kind;

    fn check(kind: Kind, good: &str, bad: &str) {
        for value in good.split_whitespace() {
            assert!(kind.accepts(value), "{kind:?} refuses {value:?}");
        }
        for value in bad.split_whitespace().chain(["", " "]) {
            assert!(!kind.accepts(value), "{kind:?} accepts {value:?}");
        }
    }

    #[test]
    fn hostnames() {
        check(
            Kind::Hostname,
            "localhost a db.example.com 1a.b 3com.com xn--bcher-kva.example a-b 1.2.a",
            ". a. .a a..b -a a- a_b 10.0.0.1 10 a.1 bücher.example a:80 http://a *.a ::1 a/b a@b",
        );
        for bad in ["a b", "a\n", " a", "a "] {
            assert!(!Kind::Hostname.accepts(bad), "{bad:?}");
        }
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        let too_long = format!("{label}.{label}.{label}.{}", "a".repeat(62));
        check(Kind::Hostname, &longest, &too_long);
        check(Kind::Hostname, &label, &"a".repeat(64));
    }

    #[test]
    fn addresses() {
        check(
            Kind::Ip,
            "127.0.0.1 0.0.0.0 :: ::1 2001:db8::1 ::ffff:10.0.0.1 FE80::1",
            "1.2.3 1.2.3.4.5 256.0.0.1 01.2.3.4 1.2.3.4/8 [::1] fe80::1%eth0 1::2::3 0x7f.0.0.1 127.1 localhost 12345::",
        );
        for bad in [" ::1", "::1 ", "1.2.3.4\n", "1.2.3. 4"] {
            assert!(!Kind::Ip.accepts(bad), "{bad:?}");
        }
    }

    #[test]
    fn ranges() {
        check(
            Kind::Cidr,
            "10.0.0.0/8 10.0.0.5/8 0.0.0.0/0 1.2.3.4/32 ::/0 2001:db8::/32 ::1/128",
            "10.0.0.0 10.0.0.0/ 10.0.0.0/33 10.0.0.0/08 10.0.0.0/+8 10.0.0.0/-1 ::/129 10.0.0.0/8/8 10/8 \
             10.0.0.0/255.0.0.0 /8 ::/256 10.0.0.0/00",
        );
        for bad in ["10.0.0.0 /8", "10.0.0.0/ 8", "10.0.0.0/8 "] {
            assert!(!Kind::Cidr.accepts(bad), "{bad:?}");
        }
    }

    #[test]
    fn emails() {
        check(
            Kind::Email,
            "alice@example.com a.b+c@d.e root@localhost o'hara@example.org",
            "@ alice alice@ @example.com a@b@c .a@b.c a.@b.c a..b@c.d \"a\"@b.c a@[127.0.0.1] a@127.0.0.1 é@b.c \
             a@b..c a@b_c.d mailto:a@b.c a,b@c.d",
        );
        for bad in ["a b@c.d", "a@b.c ", "Alice <a@b.c>", "a@b.c\n"] {
            assert!(!Kind::Email.accepts(bad), "{bad:?}");
        }
        let local = "a".repeat(64);
        check(Kind::Email, &format!("{local}@a.b"), &format!("{local}a@a.b"));
        let host = |last| format!("{0}.{0}.{1}.b", "a".repeat(63), "a".repeat(last));
        check(Kind::Email, &format!("{local}@{}", host(59)), &format!("{local}@{}", host(60)));
    }
}
