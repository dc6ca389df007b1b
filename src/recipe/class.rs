//! Classes of characters in a password.

use super::RecipeProblem;

/// One class of characters in a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `a` to `z`.
    Lower,
    /// `A` to `Z`.
    Upper,
    /// `0` to `9`.
    Digit,
    /// `-`, `.`, `_` and `~`.
    Symbol,
}

impl Class {
    /// All classes, in the order of their names in the manual.
    pub const ALL: [Self; 4] = [Self::Lower, Self::Upper, Self::Digit, Self::Symbol];

    /// The name used in schemas.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Digit => "digit",
            Self::Symbol => "symbol",
        }
    }

    /// The characters of the class, all ASCII.
    ///
    /// The symbols are the `unreserved` ones of RFC 3986, section 2.3: they stand unescaped in every part of a URL,
    /// unquoted in a shell and in `.env` files, and in a connection string of `key=value` pairs.
    pub fn alphabet(self) -> &'static str {
        match self {
            Self::Lower => "abcdefghijklmnopqrstuvwxyz",
            Self::Upper => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::Digit => "0123456789",
            Self::Symbol => "-._~",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Lower => 1,
            Self::Upper => 2,
            Self::Digit => 4,
            Self::Symbol => 8,
        }
    }
}

/// A set of character classes, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classes(u8);

impl Classes {
    /// Every class: the default of a password.
    pub const ALL: Self = Self(0b1111);

    /// The classes of the set, in the order of [`Class::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.0 & class.bit() != 0)
    }

    /// Reads class names; a name given twice counts once.
    pub(super) fn from_names(names: &[String]) -> Result<Self, RecipeProblem> {
        let mut set = 0;
        for name in names {
            let class = Class::ALL
                .into_iter()
                .find(|class| class.name() == name)
                .ok_or_else(|| RecipeProblem::UnknownClass(name.clone()))?;
            set |= class.bit();
        }
        if set == 0 {
            return Err(RecipeProblem::NoClasses);
        }
        Ok(Self(set))
    }
}
