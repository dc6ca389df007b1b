//! The armor of an age file, strictly: one text for each age file, so that nobody can respell the key block.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const WIDTH: usize = 64;

/// The armored text of a binary age file: LF, lines of 64, a newline at the end.
pub fn armor(binary: &[u8]) -> String {
    let body = STANDARD.encode(binary);
    let mut text = String::with_capacity(body.len() + body.len() / WIDTH + BEGIN.len() + END.len() + 4);
    text.push_str(BEGIN);
    for (at, letter) in body.char_indices() {
        if at % WIDTH == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

/// The binary age file; nothing unless the markers are exact, the lines are of 64 (the last of 1 to 64), LF or CRLF, the
/// base64 is canonical and padded, and nothing but white space follows.
pub fn dearmor(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_start_matches('\n').trim_end_matches([' ', '\t', '\n']);
    let lines: Vec<&str> = text.split('\n').collect();
    let [first, body @ .., last] = lines.as_slice() else { return None };
    let (short, full) = body.split_last()?;
    let good = *first == BEGIN
        && *last == END
        && full.iter().all(|line| line.len() == WIDTH)
        && (1..=WIDTH).contains(&short.len());
    // The engine refuses what is not canonical.
    if good { STANDARD.decode(body.concat()).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{armor, dearmor};
    use proptest::prelude::*;

    #[test]
    fn spellings() {
        let text = armor(&[7; 100]);
        let lines = text.lines().count();
        assert_eq!((lines, text.lines().nth(1).map(str::len)), (5, Some(64)));
        for good in [text.clone(), text.replace('\n', "\r\n"), format!("\n{text} \t\n"), text.trim_end().to_owned()] {
            assert_eq!(dearmor(&good), Some(vec![7; 100]), "{good:?}");
        }
        let body = text.lines().nth(1).unwrap().to_owned();
        for wrong in [
            String::new(),
            text.replace("BEGIN AGE", "BEGIN age"),
            text.replacen(&body, body.get(..63).unwrap(), 1),
            text.replacen(&body, &format!("{body}\n"), 1),
            text.replacen(&body, &format!(" {body}"), 1),
            text.replace("==", ""),
            text.replace("w==", "x=="),
            text.replace('\n', "\r"),
            format!("{text}x"),
            format!("x{text}"),
            String::from("-----BEGIN AGE ENCRYPTED FILE-----\n-----END AGE ENCRYPTED FILE-----\n"),
        ] {
            assert_eq!(dearmor(&wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn reads_back(bytes in proptest::collection::vec(any::<u8>(), 1..300)) {
            prop_assert_eq!(dearmor(&armor(&bytes)), Some(bytes));
        }
    }
}
