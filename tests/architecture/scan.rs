//! A lexer just good enough to tell code from comments, strings and characters, and tests from the rest.

/// `text` with the content of comments, strings and characters blanked out; line breaks and lengths in bytes are kept.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, blank) = token(bytes, at);
        if blank {
            for byte in &mut out[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("whole tokens are blanked")
}

/// The end of the token that begins at `at`, and whether it is to be blanked out.
fn token(bytes: &[u8], at: usize) -> (usize, bool) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        return (at + until(rest, b"\n", 0), true);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), true);
    }
    if rest[0] == b'"' {
        return (at + quoted(rest, b'"'), true);
    }
    if rest[0] == b'\'' {
        return character(rest).map_or((at + 1, false), |length| (at + length, true));
    }
    if is_word(rest[0]) {
        return word(bytes, at);
    }
    (at + 1, false)
}

/// Skips a word, or the raw string that begins with it.
fn word(bytes: &[u8], at: usize) -> (usize, bool) {
    let rest = &bytes[at..];
    let length = rest.iter().take_while(|byte| is_word(**byte)).count();
    if matches!(&rest[..length], b"r" | b"br" | b"cr") {
        let hashes = rest[length..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(length + hashes) == Some(&b'"') {
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            return (at + until(rest, &close, length + hashes + 1) + close.len(), true);
        }
    }
    (at + length, false)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Where `needle` begins in `bytes`, looked for from `from`; the end if it is not there.
fn until(bytes: &[u8], needle: &[u8], from: usize) -> usize {
    let found = bytes[from..].windows(needle.len()).position(|window| window == needle);
    found.map_or(bytes.len() - needle.len() + 1, |index| index + from)
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The length of a character literal; nothing for a lifetime.
fn character(bytes: &[u8]) -> Option<usize> {
    if bytes.get(1) == Some(&b'\\') {
        return Some(quoted(bytes, b'\''));
    }
    let width = std::str::from_utf8(&bytes[1..bytes.len().min(5)])
        .or_else(|error| std::str::from_utf8(&bytes[1..=error.valid_up_to()]))
        .ok()?
        .chars()
        .next()?
        .len_utf8();
    (bytes.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// One past the end of the item that begins at `from`: its `;`, or the brace that closes its body.
pub(crate) fn item_end(code: &str, from: usize) -> usize {
    let (mut depth, mut braces) = (0_i32, 0_i32);
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces <= 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 && braces == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Splits blanked code into production and test code, each with the other one blanked out as well.
pub(crate) fn split_tests(code: &str) -> (String, String) {
    const MARK: &str = "#[cfg(test)]";
    let (mut production, mut tests) = (code.to_owned(), blank(code));
    let mut from = 0;
    while let Some(found) = code[from..].find(MARK) {
        let start = from + found;
        let end = item_end(code, start + MARK.len());
        production.replace_range(start..end, &blank(&code[start..end]));
        tests.replace_range(start..end, &code[start..end]);
        from = end;
    }
    (production, tests)
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// The line, from 1, on which a byte stands.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[test]
fn tells_code_from_the_rest() {
    let text = "a(\"x\\\"{\", r#\"\"}\"#, '{', b'\\'', '•', 'x'); // {\n/* { /* } */ */ fn f<'a>(r: &'a str) {}";
    let code = code_only(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.split_whitespace().collect::<String>(), "a(,,,b,,);fnf<'a>(r:&'astr){}");
}

#[test]
fn takes_tests_apart() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n#[cfg(test)]\nuse x;\nfn c(_: [u8; 2]) {}\n";
    let (production, tests) = split_tests(code);
    assert!(production.contains("fn c") && !production.contains("fn b") && !production.contains("use x"));
    assert!(tests.contains("fn b") && tests.contains("use x") && !tests.contains("fn a"));
    assert_eq!(&code[item_end(code, code.len() - 20)..], "\n");
}
