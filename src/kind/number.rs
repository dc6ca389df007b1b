//! Integers, JSON numbers, ports, durations and sizes.

use super::Measure;

/// `-?(0|[1-9][0-9]*)` within `i64`.
pub(super) fn is_integer(value: &str) -> bool {
    is_whole(value) && value.parse::<i64>().is_ok()
}

/// A JSON number (RFC 8259, section 6), of any size.
pub(super) fn is_number(value: &str) -> bool {
    let (mantissa, exponent) = match value.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (value, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent_digits = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    is_whole(whole) && fraction.is_none_or(is_digits) && exponent_digits.is_none_or(is_digits)
}

/// 1 to 65535, no leading zeros, no sign.
pub(super) fn is_port(value: &str) -> bool {
    is_digits(value) && !value.starts_with('0') && value.parse::<u16>().is_ok()
}

/// `([0-9]+(ms|s|m|h|d))+`, of any length.
pub(super) fn is_duration(value: &str) -> bool {
    let mut rest = value;
    while let Some((_, _, after)) = duration_part(rest) {
        if after.is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// `[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?`, of any length.
pub(super) fn is_size(value: &str) -> bool {
    split_size(value).is_some()
}

/// The amount of an accepted number: whole if it is written as one.
pub(super) fn number(value: &str) -> Option<Measure> {
    if is_whole(value)
        && let Ok(integer) = value.parse()
    {
        return Some(Measure::Integer(integer));
    }
    value.parse().ok().map(Measure::Number)
}

/// Milliseconds of an accepted duration.
pub(super) fn milliseconds(value: &str) -> Option<i128> {
    let mut total = 0_i128;
    let mut rest = value;
    while !rest.is_empty() {
        let (digits, factor, after) = duration_part(rest)?;
        let part = digits.parse::<i128>().ok()?.checked_mul(factor)?;
        total = total.checked_add(part)?;
        rest = after;
    }
    Some(total)
}

/// Bytes of an accepted size.
pub(super) fn bytes(value: &str) -> Option<i128> {
    let (digits, factor) = split_size(value)?;
    digits.parse::<i128>().ok()?.checked_mul(factor)
}

/// `-?(0|[1-9][0-9]*)`.
fn is_whole(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    is_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

/// `[0-9]+`.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits after the leading digits, of which there must be one.
fn leading_digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|_| end > 0)
}

/// The first `[0-9]+` and unit of a duration, the milliseconds of that unit, and the rest.
fn duration_part(text: &str) -> Option<(&str, i128, &str)> {
    // `ms` stands before `m` and `s`: no part begins with `s`, so the longer unit is always meant.
    const UNITS: [(&str, i128); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let (digits, rest) = leading_digits(text)?;
    UNITS.iter().find_map(|(unit, factor)| Some((digits, *factor, rest.strip_prefix(unit)?)))
}

/// The digits of a size and the bytes of its unit.
fn split_size(text: &str) -> Option<(&str, i128)> {
    let (digits, unit) = leading_digits(text)?;
    let factor = match unit {
        "" | "B" => 1,
        "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    Some((digits, factor))
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Measure};

    #[test]
    fn accepts() {
        let huge = "9".repeat(60);
        let table: &[(Kind, &[&str], &[&str])] = &[
            (
                Kind::Integer,
                &["0", "-0", "7", "-7", "9223372036854775807", "-9223372036854775808"],
                &[
                    "",
                    "-",
                    "+1",
                    "01",
                    "-01",
                    "00",
                    "1.0",
                    "1e3",
                    " 1",
                    "1 ",
                    "1_000",
                    "0x10",
                    "٣",
                    "9223372036854775808",
                    "-9223372036854775809",
                    "--1",
                ],
            ),
            (
                Kind::Number,
                &["0", "-0", "1", "-1.5", "0.50", "1e3", "1E+3", "1e-3", "1.5e09", &huge, "1e-999", "1e308", "-1e400"],
                &[
                    "", "-", "+1", ".5", "5.", "01", "1e", "1e+", "1.e3", "1e3.5", "NaN", "inf", "Infinity", "1,5",
                    "0x1", "1_0", " 1", "1\n", "1e1e1", "1.2.3", "-.5",
                ],
            ),
            (
                Kind::Port,
                &["1", "80", "65535"],
                &["", "0", "65536", "080", "-1", "+80", "80.0", " 80", "999999999999", "٨٠"],
            ),
            (
                Kind::Duration,
                &["0s", "1ms", "1m", "1m1s", "1h30m", "90d", "1s1h", "007s", "1m2ms3m", "1ms1s"],
                &["", "1", "s", "1S", "1 s", "1h 30m", "-1s", "1.5s", "1us", "1w", "1s1", "1mss", "ms", "1sm", "1M"],
            ),
            (
                Kind::Size,
                &["0", "512", "1B", "1kB", "64MB", "1GB", "1KiB", "1MiB", "2GiB", "007"],
                &["", "B", "1KB", "1 MB", "1mb", "1TB", "-1", "1.5MB", "1k", "1KIB", "1Bx", "1Bit"],
            ),
        ];
        for (kind, good, bad) in table {
            for value in *good {
                assert!(kind.accepts(value), "{kind:?} refuses {value:?}");
            }
            for value in *bad {
                assert!(!kind.accepts(value), "{kind:?} accepts {value:?}");
                assert_eq!(kind.measure(value), None);
            }
        }
    }

    #[test]
    fn measures() {
        let table: &[(Kind, &str, i128)] = &[
            (Kind::Integer, "-7", -7),
            (Kind::Port, "80", 80),
            (Kind::Number, "9007199254740993", 9_007_199_254_740_993),
            (Kind::Number, "1e3", 1000),
            (Kind::Duration, "1h30m", 5_400_000),
            (Kind::Duration, "1m1ms", 60_001),
            (Kind::Duration, "2d", 172_800_000),
            (Kind::Size, "3", 3),
            (Kind::Size, "3B", 3),
            (Kind::Size, "3kB", 3000),
            (Kind::Size, "3KiB", 3072),
            (Kind::Size, "1GiB", 1_073_741_824),
        ];
        for (kind, value, amount) in table {
            assert_eq!(kind.measure(value), Some(Measure::Integer(*amount)), "{value}");
        }
        assert_eq!(Kind::Number.measure("0.5"), Some(Measure::Number(0.5)));
        assert!(Kind::Number.measure(&"9".repeat(60)) > Some(Measure::Integer(i128::MAX)));
        assert_eq!(Kind::Duration.measure(&format!("{}d", "9".repeat(38))), None);
        assert_eq!(Kind::Duration.measure(&format!("{}s", "9".repeat(60))), None);
        assert_eq!(Kind::Size.measure(&format!("{}GiB", "9".repeat(38))), None);
        assert_eq!(Kind::String.measure("1"), None);
        assert_eq!(Kind::List.measure("1"), None);
    }
}
