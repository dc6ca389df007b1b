//! Padding of values, so that a ciphertext tells a class of lengths only: steps of 64 bytes up to 1,024, above that the
//! lengths of Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", 2019), which add at most 12 %.

use zeroize::Zeroizing;

/// Marks the end of a value; zeros follow.
const END: u8 = 0x80;

/// The padded length of `length` bytes, the end mark included in both.
fn padded_length(length: usize) -> usize {
    if length <= 1024 {
        return length.div_ceil(64) * 64;
    }
    let exponent = length.ilog2();
    let mask = (1_usize << (exponent - (exponent.ilog2() + 1))) - 1;
    (length + mask) & !mask
}

/// A value with its padding, in a buffer that does not move.
pub(super) fn pad(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = padded_length(value.len() + 1);
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(value);
    padded.push(END);
    padded.resize(length, 0);
    padded
}

/// The length of the value in a padded buffer; nothing where the padding is not the one that [`pad`] makes.
pub(super) fn unpadded_length(padded: &[u8]) -> Option<usize> {
    let end = padded.iter().rposition(|byte| *byte != 0)?;
    (padded.get(end) == Some(&END) && padded.len() == padded_length(end + 1)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::{pad, padded_length, unpadded_length};
    use proptest::prelude::*;

    #[test]
    fn classes() {
        for (length, padded) in [
            (1, 64),
            (64, 64),
            (65, 128),
            (1023, 1024),
            (1024, 1024),
            (1025, 1088),
            (4097, 4352),
            (65_537, 67_584),
            (1 << 20, 1 << 20),
            ((1 << 20) + 1, 1_081_344),
        ] {
            assert_eq!(padded_length(length), padded, "{length}");
        }
    }

    #[test]
    fn other_padding_is_refused() {
        for wrong in [&[][..], &[0; 64], &[0x80; 63], b"abc\x80", &[b"abc\x80".as_slice(), &[0; 124]].concat()] {
            assert_eq!(unpadded_length(wrong), None);
        }
        assert_eq!(unpadded_length(&[&[0x80][..], &[0; 63]].concat()), Some(0));
    }

    proptest! {
        #[test]
        fn reads_back(value in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let padded = pad(&value);
            prop_assert_eq!(unpadded_length(&padded), Some(value.len()));
            prop_assert!(padded.starts_with(&value));
        }

        #[test]
        fn lengths_grow_by_an_eighth_at_most(length in 1025_usize..(1 << 21)) {
            let padded = padded_length(length);
            prop_assert!(padded >= length && padded - length <= length / 8);
            prop_assert_eq!(padded_length(padded), padded);
        }
    }
}
