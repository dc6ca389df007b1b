//! Two changes of one cleartext put together, line by line.

use super::Skeleton;

/// The most pairs of lines that are compared, beyond what is the same at both ends.
const MOST: usize = 4_000_000;

/// `ours` and `theirs`, both made from `base`, put together; nothing if they changed the same lines, or lines that touch.
pub fn merge(base: &Skeleton, ours: &Skeleton, theirs: &Skeleton) -> Option<Skeleton> {
    if ours == base || ours == theirs {
        return Some(theirs.clone());
    }
    if theirs == base {
        return Some(ours.clone());
    }
    let lines = |text: &Skeleton| -> Vec<String> { text.0.split_inclusive('\n').map(str::to_owned).collect() };
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let mut changes = hunks(&base, &ours)?;
    changes.extend(hunks(&base, &theirs)?);
    changes.sort_by_key(|hunk| (hunk.start, hunk.end));
    changes.dedup();
    let mut merged = String::new();
    let mut done = 0;
    for (index, hunk) in changes.iter().enumerate() {
        if index > 0 && hunk.start <= done {
            return None;
        }
        merged.extend(base.get(done..hunk.start)?.iter().map(String::as_str));
        merged.push_str(&hunk.with);
        done = hunk.end;
    }
    merged.extend(base.get(done..)?.iter().map(String::as_str));
    Some(Skeleton(merged))
}

/// Lines of the base, from `start` to before `end`, that became other ones.
#[derive(Debug, PartialEq, Eq)]
struct Hunk {
    start: usize,
    end: usize,
    with: String,
}

/// The changes from one text to another, by the longest common subsequence of their lines.
fn hunks(base: &[String], other: &[String]) -> Option<Vec<Hunk>> {
    let same = |(a, b): &(&String, &String)| a == b;
    let before = base.iter().zip(other).take_while(same).count();
    let after = base.iter().skip(before).rev().zip(other.iter().skip(before).rev()).take_while(same).count();
    let (old, new) = (base.get(before..base.len() - after)?, other.get(before..other.len() - after)?);
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MOST {
        return None;
    }
    // Lengths of the longest common subsequence of what follows each pair of lines.
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    for (row, a) in old.iter().enumerate().rev() {
        for (column, b) in new.iter().enumerate().rev() {
            let at = |row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
            let length =
                if a == b { at(row + 1, column + 1) + 1 } else { at(row + 1, column).max(at(row, column + 1)) };
            *lengths.get_mut(row * width + column)? = length;
        }
    }
    let at = |row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    let (mut row, mut column) = (0, 0);
    let mut hunks: Vec<Hunk> = Vec::new();
    while row < old.len() || column < new.len() {
        if row < old.len() && column < new.len() && old.get(row) == new.get(column) {
            (row, column) = (row + 1, column + 1);
            continue;
        }
        let start = before + row;
        if hunks.last().is_none_or(|last| last.end != start) {
            hunks.push(Hunk { start, end: start, with: String::new() });
        }
        let hunk = hunks.last_mut()?;
        if column < new.len() && (row == old.len() || at(row, column + 1) >= at(row + 1, column)) {
            hunk.with.push_str(new.get(column)?);
            column += 1;
        } else {
            row += 1;
            hunk.end = before + row;
        }
    }
    Some(hunks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Skeleton, merge};

    fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
        let skeleton = |text: &str| Skeleton(text.replace(' ', "\n"));
        merge(&skeleton(base), &skeleton(ours), &skeleton(theirs)).map(|merged| merged.0.replace('\n', " "))
    }

    #[test]
    fn changes_apart_are_put_together() {
        let cases = [
            ("a b c d e ", "A b c d e ", "a b c d E ", Some("A b c d E ")),
            ("a b c d e ", "b c d e ", "a b c d e f ", Some("b c d e f ")),
            ("a b c d e ", "a x b c d e ", "a b c d ", Some("a x b c d ")),
            ("a b c ", "a b c ", "x ", Some("x ")),
            ("a b c ", "a B c ", "a B c ", Some("a B c ")),
            ("a b c ", "a B c ", "a X c ", None),
            ("a b c ", "a B c ", "a b C ", None),
            ("a b c ", "a x b c ", "a y b c ", None),
            ("a b c d e f g ", "A b c D e f g ", "a b c d e f G ", Some("A b c D e f G ")),
            ("a b c d e f g ", "a b c d e f ", "a b c d e f x ", None),
        ];
        for (base, ours, theirs, expected) in cases {
            assert_eq!(merged(base, ours, theirs).as_deref(), expected, "{base}/ {ours}/ {theirs}");
            assert_eq!(merged(base, theirs, ours).as_deref(), expected, "{base}/ {theirs}/ {ours}");
        }
    }

    proptest! {
        #[test]
        fn one_side_alone_wins(base in "([a-d]\n){0,8}", ours in "([a-d]\n){0,8}") {
            let (base, ours) = (Skeleton(base), Skeleton(ours));
            let with_line = |text: &Skeleton| Skeleton(format!("{}-\n-\n", text.0));
            prop_assert_eq!(merge(&base, &ours, &base), Some(ours.clone()));
            let theirs = Skeleton(format!("{}x\n", with_line(&base).0));
            if let Some(merged) = merge(&with_line(&base), &with_line(&ours), &theirs) {
                prop_assert_eq!(merged.0, format!("{}x\n", with_line(&ours).0));
            }
        }
    }
}
