//! `Recipe`: what kind of random value a schema asks for. Data only; making one is `generate`'s work.

mod class;
mod problem;

use std::ops::RangeInclusive;

pub use class::{Class, Classes};
pub use problem::RecipeProblem;

/// How to make a value. [`Recipe::new`] keeps the sizes within their limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Random bytes as lower-case hexadecimal digits.
    Hex {
        /// Number of random bytes; the text is twice as long.
        bytes: usize,
    },
    /// Random bytes as standard base64 with padding (RFC 4648, section 4).
    Base64 {
        /// Number of random bytes.
        bytes: usize,
    },
    /// Random bytes as URL-safe base64 without padding (RFC 4648, section 5, as in RFC 7515).
    Base64Url {
        /// Number of random bytes.
        bytes: usize,
    },
    /// ASCII letters and digits.
    Alphanumeric {
        /// Number of characters.
        length: usize,
    },
    /// Characters of the classes named, at least one of each.
    Password {
        /// Number of characters.
        length: usize,
        /// The classes to draw from.
        classes: Classes,
    },
    /// A random UUID (version 4).
    Uuid,
    /// An Ed25519 private key as PKCS#8 PEM.
    Ed25519,
    /// An RSA private key as PKCS#8 PEM.
    Rsa {
        /// Size of the modulus: 2048, 3072 or 4096 bits.
        bits: usize,
    },
}

/// What `bytes` and `length` may be. Fewer than 8 can be guessed; more than 4096 is no secret but a file.
const SIZES: RangeInclusive<usize> = 8..=4096;
const DEFAULT_BYTES: usize = 32;
const DEFAULT_ALPHANUMERIC: usize = 32;
const DEFAULT_PASSWORD: usize = 24;
const DEFAULT_BITS: usize = 3072;

impl Recipe {
    /// The names of all kinds, as schemas write them.
    pub const KINDS: &[&str] = &["hex", "base64", "base64url", "alphanumeric", "password", "uuid", "ed25519", "rsa"];

    /// The keys a kind takes besides `kind`; `None` if there is no such kind.
    pub fn keys(kind: &str) -> Option<&'static [&'static str]> {
        Self::KINDS.contains(&kind).then(|| keys_of(kind))
    }

    /// A recipe of `kind`; what is not given has its default, what the kind does not take is a problem.
    ///
    /// `bytes` and `length` are 8 to 4096, `bits` 2048, 3072 or 4096, `classes` names of [`Class`].
    pub fn new(
        kind: &str,
        bytes: Option<i64>,
        length: Option<i64>,
        bits: Option<i64>,
        classes: Option<&[String]>,
    ) -> Result<Self, RecipeProblem> {
        let Some(kind) = Self::KINDS.iter().copied().find(|known| *known == kind) else {
            return Err(RecipeProblem::UnknownKind(kind.to_owned()));
        };
        let given = [
            ("bytes", bytes.is_some()),
            ("length", length.is_some()),
            ("bits", bits.is_some()),
            ("classes", classes.is_some()),
        ];
        for (key, is_given) in given {
            if is_given && !keys_of(kind).contains(&key) {
                return Err(RecipeProblem::KeyNotTaken { kind, key });
            }
        }
        let bytes = size("bytes", bytes, DEFAULT_BYTES)?;
        Ok(match kind {
            "hex" => Self::Hex { bytes },
            "base64" => Self::Base64 { bytes },
            "base64url" => Self::Base64Url { bytes },
            "alphanumeric" => Self::Alphanumeric { length: size("length", length, DEFAULT_ALPHANUMERIC)? },
            "password" => Self::Password {
                length: size("length", length, DEFAULT_PASSWORD)?,
                classes: classes.map_or(Ok(Classes::ALL), Classes::from_names)?,
            },
            "uuid" => Self::Uuid,
            "ed25519" => Self::Ed25519,
            _ => Self::Rsa { bits: key_bits(bits)? },
        })
    }

    /// What is made, for a person: `48 random bytes as base64url`.
    pub fn describe(&self) -> String {
        match self {
            Self::Hex { bytes } => format!("{bytes} random bytes as hex"),
            Self::Base64 { bytes } => format!("{bytes} random bytes as base64"),
            Self::Base64Url { bytes } => format!("{bytes} random bytes as base64url"),
            Self::Alphanumeric { length } => format!("{length} random letters and digits"),
            Self::Password { length, classes } => {
                let names: Vec<_> = classes.iter().map(Class::name).collect();
                format!("a password of {length} characters ({})", names.join(", "))
            }
            Self::Uuid => String::from("a random UUID"),
            Self::Ed25519 => String::from("an Ed25519 private key"),
            Self::Rsa { bits } => format!("an RSA private key of {bits} bits"),
        }
    }
}

/// The keys of a kind; none for an unknown one.
fn keys_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "hex" | "base64" | "base64url" => &["bytes"],
        "alphanumeric" => &["length"],
        "password" => &["length", "classes"],
        "rsa" => &["bits"],
        _ => &[],
    }
}

fn size(key: &'static str, given: Option<i64>, default: usize) -> Result<usize, RecipeProblem> {
    let Some(given) = given else {
        return Ok(default);
    };
    usize::try_from(given).ok().filter(|size| SIZES.contains(size)).ok_or(RecipeProblem::OutOfRange {
        key,
        minimum: *SIZES.start(),
        maximum: *SIZES.end(),
    })
}

fn key_bits(given: Option<i64>) -> Result<usize, RecipeProblem> {
    match given {
        None => Ok(DEFAULT_BITS),
        Some(2048) => Ok(2048),
        Some(3072) => Ok(3072),
        Some(4096) => Ok(4096),
        Some(_) => Err(RecipeProblem::Bits),
    }
}

#[cfg(test)]
mod tests {
    use super::{Classes, Recipe, RecipeProblem};

    fn plain(kind: &str) -> Result<Recipe, RecipeProblem> {
        Recipe::new(kind, None, None, None, None)
    }

    #[test]
    fn defaults() {
        let expected = [
            Recipe::Hex { bytes: 32 },
            Recipe::Base64 { bytes: 32 },
            Recipe::Base64Url { bytes: 32 },
            Recipe::Alphanumeric { length: 32 },
            Recipe::Password { length: 24, classes: Classes::ALL },
            Recipe::Uuid,
            Recipe::Ed25519,
            Recipe::Rsa { bits: 3072 },
        ];
        for (kind, recipe) in Recipe::KINDS.iter().zip(expected) {
            assert_eq!(plain(kind), Ok(recipe));
            assert!(Recipe::keys(kind).is_some());
        }
        assert_eq!(Recipe::keys("password"), Some(["length", "classes"].as_slice()));
        assert_eq!(Recipe::keys("uuid"), Some([].as_slice()));
        assert_eq!(Recipe::keys("Hex"), None);
        assert!(matches!(plain("sha"), Err(RecipeProblem::UnknownKind(_))));
    }

    #[test]
    fn limits() {
        for good in [8, 9, 4096] {
            assert!(Recipe::new("hex", Some(good), None, None, None).is_ok());
            assert!(Recipe::new("password", None, Some(good), None, None).is_ok());
        }
        for bad in [7, 0, -1, 4097, i64::MAX, i64::MIN] {
            for problem in [
                Recipe::new("base64", Some(bad), None, None, None),
                Recipe::new("alphanumeric", None, Some(bad), None, None),
            ] {
                assert!(matches!(problem, Err(RecipeProblem::OutOfRange { .. })), "{bad}");
            }
            assert_eq!(Recipe::new("rsa", None, None, Some(bad), None), Err(RecipeProblem::Bits));
        }
        for bits in [2048, 3072, 4096] {
            assert!(Recipe::new("rsa", None, None, Some(bits), None).is_ok());
        }
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let none: &[String] = &[];
        for kind in Recipe::KINDS {
            let takes = |key| Recipe::keys(kind).unwrap().contains(&key);
            for (key, result) in [
                ("bytes", Recipe::new(kind, Some(16), None, None, None)),
                ("length", Recipe::new(kind, None, Some(16), None, None)),
                ("bits", Recipe::new(kind, None, None, Some(2048), None)),
            ] {
                assert_eq!(result.is_ok(), takes(key), "{kind} {key}");
            }
            let problem = Recipe::new(kind, None, None, None, Some(none)).unwrap_err();
            assert_eq!(problem == RecipeProblem::NoClasses, takes("classes"));
        }
    }

    #[test]
    fn classes() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let make = |list: &[&str]| Recipe::new("password", None, None, None, Some(&names(list)));
        let recipe = make(&["digit", "lower", "digit"]).unwrap();
        assert_eq!(recipe.describe(), "a password of 24 characters (lower, digit)");
        assert_eq!(make(&["lower", "upper", "digit", "symbol"]), plain("password"));
        assert_eq!(make(&["Lower"]), Err(RecipeProblem::UnknownClass(String::from("Lower"))));
    }

    #[test]
    fn texts() {
        let recipe = Recipe::new("base64url", Some(48), None, None, None).unwrap();
        assert_eq!(recipe.describe(), "48 random bytes as base64url");
        let message = |result: Result<Recipe, RecipeProblem>| result.unwrap_err().message();
        assert_eq!(
            message(Recipe::new("hex", None, Some(9), None, None)),
            "kind `hex` does not take `length`, only `bytes`"
        );
        assert_eq!(
            message(Recipe::new("uuid", Some(9), None, None, None)),
            "kind `uuid` does not take `bytes`, nor any other key"
        );
        assert_eq!(message(Recipe::new("hex", Some(7), None, None, None)), "`bytes` must be between 8 and 4096");
        assert_eq!(
            message(Recipe::new("password", None, None, None, Some(&[String::from("x")]))),
            "there is no character class called \"x\"; the classes are `lower`, `upper`, `digit`, `symbol`"
        );
    }
}
