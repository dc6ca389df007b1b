//! Merges as tables and as properties.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{Change, Choices, Fresh, Merge, Refusal, Side, Sides, Which};
use crate::sealed::{DataKey, SealedEntry, SealedFile};
use crate::secret::Secret;

/// A file with its key, owned.
#[derive(Debug)]
struct Owned {
    file: SealedFile,
    key: DataKey,
}

/// Name, value, `since`, `rotated`.
type Row = (&'static str, &'static str, u64, &'static str);
/// What an entry means.
type Meaning = BTreeMap<String, (Vec<u8>, u64, String)>;

const DAY: &str = "2026-11-01";
const LATER: &str = "2026-11-21";

impl Owned {
    fn new(key: u8, revision: u64, rows: &[Row]) -> Self {
        let key = DataKey::new(&Zeroizing::new([key; 32]));
        let file = SealedFile {
            project: "ab".repeat(16),
            environment: String::from("dev"),
            protected: false,
            generation: 1,
            revision,
            age_file: vec![3; 200],
            lineage: None,
            mac: String::new(),
            recipients: recipients(&["alice", "bob"]),
            entries: BTreeMap::new(),
        };
        let mut made = Self { file, key };
        for (name, value, since, rotated) in rows {
            made.put(name, value.as_bytes(), *since, rotated);
        }
        made.sealed()
    }

    fn put(&mut self, name: &str, value: &[u8], since: u64, rotated: &str) {
        let value = Secret::new(value.to_vec());
        // What was sealed on one day with one value keeps its bytes; everything else has a nonce of its own.
        let mut nonce = [0; 24];
        let seed = [value.expose(), rotated.as_bytes(), &[u8::try_from(since).unwrap()]].concat();
        nonce.iter_mut().zip(seed.iter().rev()).for_each(|(to, from)| *to = *from);
        let sealed = self.key.seal(self.file.place(name), &value, &nonce).unwrap();
        self.file.entries.insert(name.to_owned(), SealedEntry { sealed, since, rotated: rotated.to_owned() });
    }

    fn sealed(mut self) -> Self {
        self.file.mac = self.key.mac(&self.file);
        self
    }

    /// The same with another key, proved by this one.
    fn rekeyed(&self, key: u8, readers: &[&str]) -> Self {
        let next = DataKey::new(&Zeroizing::new([key; 32]));
        let generation = self.file.generation + 1;
        let file = SealedFile {
            generation,
            revision: self.file.revision + 1,
            age_file: vec![key; 200],
            lineage: Some(self.key.lineage(generation, &next)),
            recipients: recipients(readers),
            entries: BTreeMap::new(),
            ..self.file.clone()
        };
        let mut made = Self { file, key: next };
        for (name, (value, since, rotated)) in meaning(&self.file, &self.key) {
            made.put(&name, &value, since, &rotated);
        }
        made.sealed()
    }

    /// The same with something changed.
    fn with(&self, change: impl FnOnce(&mut SealedFile)) -> Self {
        let mut file = self.file.clone();
        file.revision += 1;
        change(&mut file);
        Self { file, key: DataKey::from_payload(&self.key.payload()).unwrap() }.sealed()
    }

    fn side(&self) -> Side<'_> {
        Side { file: &self.file, key: &self.key }
    }
}

fn recipients(names: &[&str]) -> BTreeMap<String, String> {
    names.iter().map(|name| ((*name).to_owned(), format!("age1{name}"))).collect()
}

fn meaning(file: &SealedFile, key: &DataKey) -> Meaning {
    let open = |name: &String| file.open(name, key).unwrap().expose().to_vec();
    file.entries.iter().map(|(name, entry)| (name.clone(), (open(name), entry.since, entry.rotated.clone()))).collect()
}

/// No name that was there once.
static NONE: BTreeSet<String> = BTreeSet::new();

fn sides<'a>(base: &'a Owned, ours: &'a Owned, theirs: &'a Owned) -> Sides<'a> {
    Sides { base: Some(base.side()), ours: ours.side(), theirs: theirs.side(), between: &[], returned: &NONE }
}

fn alone<'a>(ours: &'a Owned, theirs: &'a Owned) -> Sides<'a> {
    Sides { base: None, ours: ours.side(), theirs: theirs.side(), between: &[], returned: &NONE }
}

fn nonces() -> impl FnMut() -> Option<[u8; 24]> {
    let mut count = 0;
    move || {
        count += 1;
        Some([count; 24])
    }
}

fn seal(merge: &Merge<'_>) -> SealedFile {
    let file = merge.seal(None, &mut nonces()).unwrap();
    assert!(merge.key(None).unwrap().verifies(&file));
    file
}

fn refusal(sides: Sides<'_>) -> Refusal {
    sides.merge(&Choices::default()).unwrap_err()
}

#[test]
fn what_one_side_did_to_an_entry() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY), ("B", "b", 1, DAY)]);
    let unchanged = Owned::new(1, 4, &[("A", "a", 1, DAY), ("B", "other", 1, LATER)]);
    for (rows, change, asked) in [
        (vec![("A", "new", 1, LATER), ("B", "b", 1, DAY)], Change::Changed, false),
        (vec![("A", "a", 1, LATER), ("B", "b", 1, DAY)], Change::Changed, false),
        (vec![("A", "new", 1, "2025-01-01"), ("B", "b", 1, DAY)], Change::WentBack, true),
        (vec![("A", "a", 1, "2025-01-01"), ("B", "b", 1, DAY)], Change::WentBack, true),
        (vec![("B", "b", 1, DAY)], Change::Removed, true),
        (vec![("A", "a", 1, DAY), ("B", "b", 1, DAY)], Change::Unchanged, false),
    ] {
        let side = Owned::new(1, 5, &rows);
        let merge = sides(&base, &unchanged, &side).merge(&Choices::default()).unwrap();
        let conflict = merge.conflicts().get("A").map(|conflict| (conflict.ours, conflict.theirs));
        assert_eq!(conflict, asked.then_some((Change::Unchanged, change)), "{rows:?}");
        let mirrored = sides(&base, &side, &unchanged).merge(&Choices::default()).unwrap();
        assert_eq!(mirrored.conflicts().contains_key("A"), asked);
        if !asked {
            assert_eq!(seal(&merge).revision, 6);
            assert_eq!(merge.taken("B"), Some(Which::Ours));
        }
    }
}

#[test]
fn both_sides_at_one_entry() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY)]);
    let with = |rows: &[Row]| Owned::new(1, 4, rows);
    let conflicts = |ours: &[Row], theirs: &[Row]| {
        let (ours, theirs) = (with(ours), with(theirs));
        let merge = sides(&base, &ours, &theirs).merge(&Choices::default()).unwrap();
        (merge.conflicts().len(), merge.conflicts().is_empty().then(|| meaning(&seal(&merge), &base.key)))
    };
    let row = |value: &str, day: &str| (value.as_bytes().to_vec(), 1, day.to_owned());
    let one = |value: &str, day: &str| Some(BTreeMap::from([(String::from("A"), row(value, day))]));
    assert_eq!(conflicts(&[("A", "x", 1, LATER)], &[("A", "y", 1, LATER)]), (1, None));
    assert_eq!(conflicts(&[("A", "x", 1, LATER)], &[]), (1, None));
    assert_eq!(conflicts(&[], &[]), (0, Some(BTreeMap::new())));
    assert_eq!(conflicts(&[("A", "x", 1, LATER)], &[("A", "x", 1, LATER)]), (0, one("x", LATER)));
    assert_eq!(conflicts(&[("A", "x", 1, LATER)], &[("A", "x", 1, "2026-11-22")]), (0, one("x", "2026-11-22")));
    assert_eq!(conflicts(&[("A", "x", 1, "2026-01-01")], &[("A", "x", 1, LATER)]), (1, None));
    let kept = ("A", "a", 1, DAY);
    assert_eq!(conflicts(&[kept, ("N", "x", 1, DAY)], &[kept, ("N", "y", 1, DAY)]), (1, None));
}

#[test]
fn a_choice_decides_and_a_side_without_the_entry_takes_it_away() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY), ("B", "b", 1, DAY)]);
    let ours = Owned::new(1, 4, &[("A", "ours", 1, LATER), ("B", "b", 1, DAY)]);
    let theirs = Owned::new(1, 4, &[("A", "theirs", 1, LATER)]);
    let result = |a: Which, b: Which| {
        let entries = BTreeMap::from([(String::from("A"), a), (String::from("B"), b)]);
        let merge = sides(&base, &ours, &theirs).merge(&Choices { entries, key: None }).unwrap();
        assert!(merge.conflicts().is_empty());
        meaning(&seal(&merge), &base.key).into_iter().map(|(name, (value, ..))| (name, value)).collect::<Vec<_>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    assert_eq!(result(Which::Ours, Which::Theirs), [pair("A", "ours")]);
    assert_eq!(result(Which::Theirs, Which::Ours), [pair("A", "theirs"), pair("B", "b")]);
}

#[test]
fn older_copies_are_refused() {
    let base = Owned::new(1, 5, &[("A", "new", 1, LATER)]);
    let newer = Owned::new(1, 6, &[("A", "new", 1, LATER), ("B", "b", 1, LATER)]);
    for old in [Owned::new(1, 4, &[("A", "old", 1, DAY)]), Owned::new(1, 5, &[("A", "old", 1, DAY)])] {
        assert_eq!(refusal(sides(&base, &newer, &old)), Refusal::Older(Which::Theirs));
        assert_eq!(refusal(sides(&base, &old, &newer)), Refusal::Older(Which::Ours));
    }
    let rekeyed = base.rekeyed(2, &["alice"]);
    assert_eq!(refusal(sides(&rekeyed, &rekeyed, &newer)), Refusal::Older(Which::Theirs));
}

#[test]
fn a_key_of_one_side_is_taken_if_the_old_one_proves_it() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY), ("B", "b", 1, DAY)]);
    let rekeyed = base.rekeyed(2, &["alice"]);
    let other = Owned::new(1, 7, &[("A", "a", 1, DAY), ("B", "new", 1, LATER), ("C", "c", 1, LATER)]);
    for flip in [false, true] {
        let (ours, theirs) = if flip { (&other, &rekeyed) } else { (&rekeyed, &other) };
        let merge = sides(&base, ours, theirs).merge(&Choices::default()).unwrap();
        let file = seal(&merge);
        assert_eq!((file.generation, file.revision, file.recipients.len()), (2, 8, 1));
        assert_eq!(file.entries["A"], rekeyed.file.entries["A"]);
        assert_eq!(meaning(&file, &rekeyed.key), meaning(&other.file, &other.key));
        assert_eq!(merge.left_out().len(), 0, "bob was taken out on purpose");
    }
    // Somebody without the old key can make a file for public recipients, and no proof.
    let forged = rekeyed.with(|file| file.lineage = Some("A".repeat(43)));
    assert_eq!(refusal(sides(&base, &other, &forged)), Refusal::NoProof(Which::Theirs));
    let same_generation = Owned::new(9, 9, &[("A", "evil", 1, LATER)]);
    assert_eq!(refusal(sides(&base, &other, &same_generation)), Refusal::NoProof(Which::Theirs));
    // Two steps need the one between.
    let twice = rekeyed.rekeyed(3, &["alice"]);
    assert_eq!(refusal(sides(&base, &other, &twice)), Refusal::NoProof(Which::Theirs));
    let between = [base.side(), rekeyed.side()];
    let merge = Sides { between: &between, ..sides(&base, &other, &twice) }.merge(&Choices::default()).unwrap();
    assert_eq!(seal(&merge).generation, 3);
}

#[test]
fn whoever_was_added_beside_a_new_key_is_named() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY)]);
    let added = base.with(|file| file.recipients = recipients(&["alice", "bob", "carol"]));
    let rekeyed = base.rekeyed(2, &["alice"]);
    let merge = sides(&base, &added, &rekeyed).merge(&Choices::default()).unwrap();
    assert_eq!(merge.left_out(), BTreeSet::from(["carol"]));
}

#[test]
fn two_new_keys_need_a_third() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY), ("B", "b", 1, DAY)]);
    let mut ours = base.rekeyed(2, &["alice", "bob"]);
    ours.put("A", b"new", 2, LATER);
    let (ours, theirs) = (ours.sealed(), base.rekeyed(3, &["alice", "carol"]));
    assert_eq!(refusal(sides(&base, &ours, &theirs)), Refusal::TwoKeys);
    let choices = Choices { key: Some(Which::Theirs), ..Choices::default() };
    let merge = sides(&base, &ours, &theirs).merge(&choices).unwrap();
    let wanted = merge.new_key().unwrap();
    assert_eq!((wanted.generation, &wanted.recipients), (3, &recipients(&["alice"])));
    assert!(merge.seal(None, &mut nonces()).is_none());
    let key = DataKey::new(&Zeroizing::new([4; 32]));
    let file = merge.seal(Some(Fresh { key: &key, age_file: &[9; 100] }), &mut nonces()).unwrap();
    assert!(key.verifies(&file));
    assert_eq!(file.lineage, Some(theirs.key.lineage(3, &key)));
    assert_eq!(meaning(&file, &key), meaning(&ours.file, &ours.key));
    let nobody = base.rekeyed(5, &["dave"]);
    assert_eq!(sides(&base, &ours, &nobody).merge(&choices).unwrap_err(), Refusal::NobodyReadsBoth);
}

#[test]
fn recipients_of_one_key() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY)]);
    let other = Owned::new(1, 4, &[("A", "b", 1, LATER)]);
    let wrapped = |names: &[&str], byte: u8| {
        base.with(|file| {
            file.recipients = recipients(names);
            file.age_file = vec![byte; 200];
        })
    };
    let carol = wrapped(&["alice", "bob", "carol"], 7);
    let file = seal(&sides(&base, &carol, &other).merge(&Choices::default()).unwrap());
    assert_eq!((file.recipients.len(), file.age_file.first()), (3, Some(&7)));
    // Who reads ours is not changed by theirs alone.
    let theirs = Refusal::TheirRecipients(vec![String::from("carol")]);
    assert_eq!(refusal(sides(&base, &other, &carol)), theirs);
    for (key, count) in [(Which::Theirs, 3), (Which::Ours, 2)] {
        let choices = Choices { key: Some(key), ..Choices::default() };
        assert_eq!(seal(&sides(&base, &other, &carol).merge(&choices).unwrap()).recipients.len(), count);
    }
    let again = wrapped(&["alice", "bob", "carol"], 8);
    for (ours, theirs) in [(&carol, &again), (&again, &carol)] {
        let file = seal(&sides(&base, ours, theirs).merge(&Choices::default()).unwrap());
        assert_eq!(file.age_file.first(), Some(&8));
    }
    let dave = wrapped(&["alice", "bob", "dave"], 9);
    assert_eq!(refusal(sides(&base, &carol, &dave)), Refusal::TwoRecipients);
    let choices = Choices { key: Some(Which::Ours), ..Choices::default() };
    let merge = sides(&base, &carol, &dave).merge(&choices).unwrap();
    assert_eq!(seal(&merge).recipients, carol.file.recipients);
    assert_eq!(merge.left_out(), BTreeSet::from(["dave"]));
}

#[test]
fn a_side_with_nothing_to_add_leaves_the_other_as_it_is() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY)]);
    let other = Owned::new(1, 4, &[("A", "b", 1, LATER)]);
    for (ours, theirs) in [(&base, &other), (&other, &base), (&other, &other)] {
        assert_eq!(seal(&sides(&base, ours, theirs).merge(&Choices::default()).unwrap()), other.file);
    }
}

#[test]
fn places_and_protection() {
    let base = Owned::new(1, 3, &[("A", "a", 1, DAY)]);
    let other = Owned::new(1, 4, &[("A", "b", 1, LATER)]);
    let moved = base.with(|file| file.project = "cd".repeat(16));
    assert_eq!(refusal(sides(&base, &other, &moved)), Refusal::Elsewhere);
    let protected = base.with(|file| file.protected = true);
    assert!(seal(&sides(&base, &other, &protected).merge(&Choices::default()).unwrap()).protected);
    let without_base = Sides { base: None, ..sides(&base, &other, &protected) };
    assert_eq!(refusal(without_base), Refusal::Protected);
}

#[test]
fn without_a_base_names_meet() {
    let ours = Owned::new(1, 1, &[("A", "a", 1, DAY)]);
    let theirs = Owned::new(1, 2, &[("B", "b", 1, DAY)]);
    let file = seal(&alone(&ours, &theirs).merge(&Choices::default()).unwrap());
    assert_eq!((file.entries.len(), file.revision), (2, 3));
    let other = Owned::new(2, 1, &[("B", "b", 1, DAY)]);
    assert_eq!(refusal(alone(&ours, &other)), Refusal::TwoKeys);
    let next = ours.rekeyed(3, &["alice"]);
    assert_eq!(seal(&alone(&next, &ours).merge(&Choices::default()).unwrap()).generation, 2);
}

/// Changes of one side: name and, unless it is taken away, the value's number.
type Edits = Vec<(usize, Option<u8>)>;

const NAMES: [&str; 6] = ["A", "B", "C", "D", "E", "E-next"];

fn edited(base: &Owned, edits: &Edits, day: &str) -> Owned {
    let mut made = base.with(|_| {});
    for (name, value) in edits {
        match value {
            Some(value) => made.put(NAMES[*name], &[*value], 1, day),
            None => drop(made.file.entries.remove(NAMES[*name])),
        }
    }
    made.sealed()
}

fn edits() -> impl Strategy<Value = Edits> {
    proptest::collection::vec((0..NAMES.len(), proptest::option::weighted(0.8, 0..3_u8)), 0..5)
}

fn apply(meaning: &mut Meaning, edits: &Edits, day: &str) {
    for (name, value) in edits {
        match value {
            Some(value) => drop(meaning.insert(NAMES[*name].to_owned(), (vec![*value], 1, day.to_owned()))),
            None => drop(meaning.remove(NAMES[*name])),
        }
    }
}

proptest! {
    #[test]
    fn merges(start in edits(), one in edits(), two in edits(), rekey in 0..3_u8, back: bool) {
        let base = edited(&Owned::new(1, 3, &[("A", "a", 1, DAY)]), &start, DAY);
        let mut ours = edited(&base, &one, LATER);
        let mut theirs = edited(&base, &two, if back { "2025-05-05" } else { LATER });
        match rekey {
            1 => ours = ours.rekeyed(2, &["alice"]),
            2 => theirs = theirs.rekeyed(3, &["bob"]),
            _ => {}
        }
        let merge = sides(&base, &ours, &theirs).merge(&Choices::default()).unwrap();
        let mirror = sides(&base, &theirs, &ours).merge(&Choices::default()).unwrap();
        let names = |merge: &Merge<'_>| merge.conflicts().keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(names(&merge), names(&mirror));
        let (file, mirrored) = (seal(&merge), seal(&mirror));
        let (merged, mut same) = (meaning(&file, merge.key(None).unwrap()), meaning(&mirrored, mirror.key(None).unwrap()));
        let mine = meaning(&ours.file, &ours.key);
        let other = meaning(&theirs.file, &theirs.key);
        for name in merge.conflicts().keys() {
            prop_assert_eq!(merged.get(name), mine.get(name).or(other.get(name)));
            same.remove(name);
            same.extend(merged.get(name).map(|entry| (name.clone(), entry.clone())));
        }
        prop_assert_eq!(&merged, &same);
        prop_assert_eq!(file.revision, mirrored.revision);
        for (name, entry) in &merged {
            prop_assert!(mine.get(name) == Some(entry) || other.get(name) == Some(entry));
        }
        // Whoever changed other names has both.
        let touched: BTreeSet<usize> = one.iter().map(|(name, _)| *name).collect();
        if !back && two.iter().all(|(name, _)| !touched.contains(name)) && merge.conflicts().is_empty() {
            let mut both = meaning(&base.file, &base.key);
            apply(&mut both, &one, LATER);
            apply(&mut both, &two, LATER);
            prop_assert_eq!(merged, both);
        }
        // An earlier state of a side is refused, whatever it holds.
        prop_assert_eq!(refusal(sides(&ours, &ours, &base)), Refusal::Older(Which::Theirs));
        prop_assert_eq!(refusal(sides(&ours, &base, &ours)), Refusal::Older(Which::Ours));
    }
}
