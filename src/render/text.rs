//! `Text`: a string that grows without leaving copies of itself behind.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::Secret;

/// Text under construction that may hold secrets. A `String` frees its old block as it is when it grows; this one wipes it.
pub(super) struct Text(Zeroizing<String>);

impl Text {
    /// An empty text with room for `size` bytes.
    pub(super) fn with_room(size: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(size)))
    }

    /// Appends a piece.
    pub(super) fn push(&mut self, piece: &str) {
        let needed = self.0.len().saturating_add(piece.len());
        if needed > self.0.capacity() {
            let mut larger = String::with_capacity(needed.saturating_mul(2));
            larger.push_str(&self.0);
            // Dropping the old one wipes it.
            self.0 = Zeroizing::new(larger);
        }
        self.0.push_str(piece);
    }

    /// Appends one character.
    pub(super) fn push_char(&mut self, character: char) {
        self.push(character.encode_utf8(&mut [0; 4]));
    }

    /// What was written so far.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The finished text.
    pub(super) fn into_secret(mut self) -> Secret {
        Secret::from_string(std::mem::take(&mut *self.0))
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn grows_beyond_its_room() {
        for room in [0, 1, 5, 100] {
            let mut text = Text::with_room(room);
            text.push("abc");
            text.push_char('é');
            text.push("");
            text.push("defghijklmnop");
            assert_eq!(text.as_str(), "abcédefghijklmnop");
            assert_eq!(text.into_secret().size(), 18);
        }
    }
}
