//! `Secret`: bytes that cannot be printed, copied or compared by accident.
//!
//! There is no `Display`, `Clone`, `PartialEq`, `Deref`, `Serialize` or `AsRef`; `Debug` shows no content.
//! One word gets the bytes out, [`Secret::expose`], and `tests/architecture/sinks.rs` lists every place that may say it.
//!
//! ```compile_fail
//! println!("{}", envctl::secret::Secret::from_string(String::from("x")));
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let b = a.clone();
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let b = envctl::secret::Secret::from_string(String::from("x"));
//! assert!(a == b);
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let bytes: &[u8] = &*a;
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let bytes: &[u8] = a.as_ref();
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let text: String = a.into();
//! ```
//! ```compile_fail
//! let a = envctl::secret::Secret::from_string(String::from("x"));
//! let json = serde_json::to_string(&a);
//! ```

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that must not leave by accident; wiped when dropped.
pub struct Secret(Zeroizing<Box<[u8]>>);

impl Secret {
    /// Takes the bytes over. Build `bytes` with the capacity it needs: a vector that grew has left copies behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut bytes = Zeroizing::new(bytes);
        if bytes.len() == bytes.capacity() {
            return Self(Zeroizing::new(std::mem::take(&mut *bytes).into_boxed_slice()));
        }
        // Shrinking would free the old block unwiped, so copy and let `Zeroizing` wipe it.
        Self(Zeroizing::new(Box::from(bytes.as_slice())))
    }

    /// Takes over the bytes of a string.
    pub fn from_string(text: String) -> Self {
        Self::new(text.into_bytes())
    }

    /// The bytes. Every use of this word is listed in the sink table of `tests/architecture/sinks.rs`.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes. Never shown to a person: it narrows down what the value is.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Compares in time that does not depend on where the two differ.
    pub fn same_bytes(&self, other: &Self) -> bool {
        let (a, b) = (&self.0, &other.0);
        a.len() == b.len() && a.iter().zip(b.iter()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_no_content() {
        let secret = Secret::from_string(String::from("hunter2"));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(format!("{secret:#?}"), "Secret(…)");
    }

    #[test]
    fn keeps_bytes_whatever_the_capacity() {
        let mut roomy = Vec::with_capacity(64);
        roomy.extend_from_slice(b"abc");
        assert_eq!(Secret::new(roomy).expose(), b"abc");
        assert_eq!(Secret::new(b"abc".to_vec()).expose(), b"abc");
    }

    #[test]
    fn compares() {
        let secret = |text: &str| Secret::from_string(text.to_owned());
        assert!(secret("abc").same_bytes(&secret("abc")));
        assert!(!secret("abc").same_bytes(&secret("abd")));
        assert!(!secret("abc").same_bytes(&secret("abcd")));
    }
}
