//! The one spelling of bytes in a sealed file: RFC 4648 standard alphabet, no padding, canonical only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Writes bytes.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Reads bytes; nothing for padding, another alphabet, white space or bits beyond the last byte.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert_eq!(decode(""), Some(Vec::new()));
        assert_eq!(decode("AA"), Some(vec![0]));
        assert_eq!(decode("+/+/"), Some(vec![0xfb, 0xff, 0xbf]));
        for wrong in ["A", "AB", "AA==", "AAA=", "AAB", "-_-_", " AA", "AA\n", "A A", "ÄA"] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn one_text_for_each_value(bytes: Vec<u8>, text in "[A-Za-z0-9+/=_-]{0,12}") {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
            if let Some(read) = decode(&text) {
                prop_assert_eq!(encode(&read), text);
            }
        }
    }
}
