//! `Measure`: amounts that compare exactly, whether whole or not.

use std::cmp::Ordering;

/// An amount to compare with `minimum` and `maximum`.
///
/// Both variants compare by value and exactly: no integer is rounded to a float.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// A whole amount.
    Integer(i128),
    /// Any other amount. NaN is equal to nothing and has no order.
    Number(f64),
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Measure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (*self, *other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(&b),
            (Self::Integer(a), Self::Number(b)) => compare(a, b),
            (Self::Number(a), Self::Integer(b)) => compare(b, a).map(Ordering::reverse),
        }
    }
}

/// 2^127, one more than the largest `i128`. A power of two, so the float is exact.
const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;

/// Compares a whole amount with a float.
fn compare(integer: i128, number: f64) -> Option<Ordering> {
    if number.is_nan() {
        return None;
    }
    if number >= LIMIT {
        return Some(Ordering::Less);
    }
    if number < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole float within the limits converts exactly")]
    let whole = number.trunc() as i128;
    let fraction = 0.0_f64.partial_cmp(&number.fract())?;
    Some(integer.cmp(&whole).then(fraction))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{self, Equal, Greater, Less};

    use super::Measure::{self, Integer, Number};

    #[test]
    fn compares_across_variants_exactly() {
        let big = 9_007_199_254_740_993; // 2^53 + 1: not a float
        let table: &[(Measure, Measure, Option<Ordering>)] = &[
            (Integer(1), Integer(2), Some(Less)),
            (Integer(1), Number(1.0), Some(Equal)),
            (Integer(1), Number(1.5), Some(Less)),
            (Integer(-1), Number(-1.5), Some(Greater)),
            (Integer(-2), Number(-1.5), Some(Less)),
            (Integer(0), Number(-0.0), Some(Equal)),
            (Integer(0), Number(0.25), Some(Less)),
            (Integer(0), Number(-0.25), Some(Greater)),
            (Integer(big), Number(9_007_199_254_740_992.0), Some(Greater)),
            (Integer(i128::MAX), Number(super::LIMIT), Some(Less)),
            (Integer(i128::MIN), Number(-super::LIMIT), Some(Equal)),
            (Integer(i128::MAX), Number(f64::INFINITY), Some(Less)),
            (Integer(i128::MIN), Number(f64::NEG_INFINITY), Some(Greater)),
            (Integer(0), Number(f64::NAN), None),
            (Number(f64::NAN), Number(f64::NAN), None),
        ];
        for (a, b, order) in table {
            assert_eq!(a.partial_cmp(b), *order, "{a:?} {b:?}");
            assert_eq!(b.partial_cmp(a), order.map(Ordering::reverse), "{b:?} {a:?}");
            assert_eq!(a == b, *order == Some(Equal));
        }
    }
}
