//! The types of values: which texts each one accepts. A value is checked, never rewritten.
//!
//! Nothing here copies a value to the heap: it may be a secret, and a copy would stay behind unwiped.

mod encoded;
mod measure;
mod network;
mod number;
mod time;
mod url;

pub use measure::Measure;
pub use url::url_scheme;

/// The type of a variable. No type accepts a NUL: an environment string cannot hold one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Any text.
    String,
    /// A whole number within `i64`, no leading zeros.
    Integer,
    /// A JSON number (RFC 8259, section 6) that a 64-bit float can hold without becoming infinite.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An absolute URL (RFC 3986).
    Url,
    /// A host name (RFC 1123), not an address.
    Hostname,
    /// 1 to 65535.
    Port,
    /// An IPv4 or IPv6 address without a zone.
    Ip,
    /// An address with a prefix length; host bits may be set.
    Cidr,
    /// The usual subset of RFC 5321: a dot-atom, `@`, a host name.
    Email,
    /// Numbers with `ms`, `s`, `m`, `h` or `d`, one after another.
    Duration,
    /// Bytes, with an optional decimal or binary unit.
    Size,
    /// A path, which need not exist.
    Path,
    /// A UUID (RFC 9562) with hyphens, of any version.
    Uuid,
    /// Semantic Versioning 2.0.0, without `v`.
    Semver,
    /// A `full-date` (RFC 3339) that is in the calendar.
    Date,
    /// A `date-time` (RFC 3339) that is in the calendar.
    Datetime,
    /// Base64 (RFC 4648, section 4), padded and canonical.
    Base64,
    /// Pairs of hexadecimal digits.
    Hex,
    /// A JSON text (RFC 8259).
    Json,
    /// PEM blocks (RFC 7468).
    Pem,
    /// Items with a separator between them.
    List,
}

impl Kind {
    /// All types, in the order of the manual.
    pub const ALL: &'static [Self] = &[
        Self::String,
        Self::Integer,
        Self::Number,
        Self::Boolean,
        Self::Url,
        Self::Hostname,
        Self::Port,
        Self::Ip,
        Self::Cidr,
        Self::Email,
        Self::Duration,
        Self::Size,
        Self::Path,
        Self::Uuid,
        Self::Semver,
        Self::Date,
        Self::Datetime,
        Self::Base64,
        Self::Hex,
        Self::Json,
        Self::Pem,
        Self::List,
    ];

    /// The type of this name; names are exact.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The name used in schemas.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Url => "url",
            Self::Hostname => "hostname",
            Self::Port => "port",
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Email => "email",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Path => "path",
            Self::Uuid => "uuid",
            Self::Semver => "semver",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Json => "json",
            Self::Pem => "pem",
            Self::List => "list",
        }
    }

    /// What the type accepts, to be put after "expected". Never holds a value.
    pub fn expects(self) -> &'static str {
        match self {
            Self::String => "text without a NUL byte",
            Self::Integer => "a whole number such as `42`, within 64 bits",
            Self::Number => "a number such as `0.5`",
            Self::Boolean => "`true` or `false`",
            Self::Url => "an absolute URL such as `https://example.com/path`",
            Self::Hostname => "a host name such as `db.example.com`",
            Self::Port => "an integer between 1 and 65535",
            Self::Ip => "an IPv4 or IPv6 address",
            Self::Cidr => "an address range such as `10.0.0.0/8`",
            Self::Email => "an email address such as `alice@example.com`",
            Self::Duration => "a duration such as `90s` or `1h30m`",
            Self::Size => "a size such as `512`, `64MB` or `2GiB`",
            Self::Path => "a path",
            Self::Uuid => "a UUID with hyphens",
            Self::Semver => "a semantic version such as `1.4.0`",
            Self::Date => "a date such as `2026-01-31`",
            Self::Datetime => "a date and time with offset such as `2026-01-31T12:00:00Z`",
            Self::Base64 => "standard base64 with padding",
            Self::Hex => "an even number of hexadecimal digits",
            Self::Json => "a JSON text",
            Self::Pem => "one or more complete PEM blocks",
            Self::List => "a list",
        }
    }

    /// Whether `value` is of this type. A list takes anything without NUL; its items are for the caller to check.
    pub fn accepts(self, value: &str) -> bool {
        if value.contains('\0') {
            return false;
        }
        match self {
            Self::String | Self::List => true,
            Self::Integer => number::is_integer(value),
            Self::Number => number::is_number(value),
            Self::Boolean => matches!(value, "true" | "false"),
            Self::Url => url::is_url(value),
            Self::Hostname => network::is_hostname(value),
            Self::Port => number::is_port(value),
            Self::Ip => network::is_ip(value),
            Self::Cidr => network::is_cidr(value),
            Self::Email => network::is_email(value),
            Self::Duration => number::is_duration(value),
            Self::Size => number::is_size(value),
            Self::Path => !value.is_empty(),
            Self::Uuid => encoded::is_uuid(value),
            Self::Semver => semver::Version::parse(value).is_ok(),
            Self::Date => time::is_date(value),
            Self::Datetime => time::is_datetime(value),
            Self::Base64 => encoded::is_base64(value),
            Self::Hex => encoded::is_hex(value),
            Self::Json => encoded::is_json(value),
            Self::Pem => encoded::is_pem(value),
        }
    }

    /// How much `value` is, for `minimum` and `maximum`: durations in milliseconds, sizes in bytes (`kB` is 1000, `KiB` 1024).
    ///
    /// `None` for types without a measure, for a value the type does not accept, and for one beyond 128 bits.
    pub fn measure(self, value: &str) -> Option<Measure> {
        if !self.accepts(value) {
            return None;
        }
        match self {
            Self::Integer | Self::Port => value.parse().ok().map(Measure::Integer),
            Self::Number => number::number(value),
            Self::Duration => number::milliseconds(value).map(Measure::Integer),
            Self::Size => number::bytes(value).map(Measure::Integer),
            _ => None,
        }
    }

    /// Whether `minimum` and `maximum` make sense for this type.
    pub fn is_measurable(self) -> bool {
        matches!(self, Self::Integer | Self::Port | Self::Number | Self::Duration | Self::Size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Kind;

    #[test]
    fn names_are_unique_and_read_back() {
        for (index, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
            assert_eq!(*kind as usize, index);
            assert!(!kind.expects().is_empty());
        }
        assert_eq!(Kind::ALL.len(), 22);
        assert_eq!(Kind::from_name("String"), None);
        assert_eq!(Kind::from_name(""), None);
    }

    #[test]
    fn accepts() {
        let table: &[(Kind, &[&str], &[&str])] = &[
            (Kind::String, &["", "a", "\n", "é", "\u{feff}"], &["\0", "a\0b"]),
            (Kind::List, &["", "a,b", ",", "a\nb"], &["a,\0"]),
            (Kind::Boolean, &["true", "false"], &["", "True", "1", "yes", "true ", "0"]),
            (Kind::Path, &["a", "/", " ", "C:\\x", "~/x"], &["", "a\0"]),
            (
                Kind::Semver,
                &["1.2.3", "0.0.0", "1.0.0-alpha.1+b-2", "1.0.0--"],
                &["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-01", " 1.2.3", "1.2.3-", "1.2.x", "^1.2.3"],
            ),
        ];
        for (kind, good, bad) in table {
            for value in *good {
                assert!(kind.accepts(value), "{kind:?} refuses {value:?}");
            }
            for value in *bad {
                assert!(!kind.accepts(value), "{kind:?} accepts {value:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_type_accepts_nul_or_panics(head in ".{0,12}", tail in ".{0,12}") {
            for kind in Kind::ALL {
                let whole = format!("{head}{tail}");
                let accepted = kind.accepts(&whole);
                prop_assert!(kind.measure(&whole).is_none() || (accepted && kind.is_measurable()));
                let nul = format!("{head}\0{tail}");
                prop_assert!(!kind.accepts(&nul));
            }
        }
    }
}
