//! The books name places in the code, and each of them is there; decisions have numbers of their
//! own.
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file of a path that begins below `crates/` or in the root.
fn file(path: &str) -> Option<PathBuf> {
    let places = [root().join("crates").join(path), root().join(path)];
    places.into_iter().find(|place| place.exists())
}

/// Whether a text defines something of a name: an item, a variant, or a field.
fn defines(text: &str, name: &str) -> bool {
    let named = |rest: &str| {
        let behind = rest.strip_prefix(name).map(|behind| behind.chars().next());
        behind.is_some_and(|next| next.is_none_or(|next| !next.is_alphanumeric() && next != '_'))
    };
    let items = [
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "type ",
        "macro_rules! ",
    ];
    text.lines().map(str::trim_start).any(|line| {
        let mut defined = items.iter().filter_map(|item| line.split_once(item));
        defined.any(|(_, rest)| named(rest)) || named(line.trim_start_matches("pub "))
    })
}

#[test]
fn every_place_that_is_named_is_there() {
    let mut missing = Vec::new();
    for book in [
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/embedders.md",
    ] {
        let text = std::fs::read_to_string(root().join(book)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let mut found = 0;
        for place in quoted.filter(|quoted| quoted.contains(".rs") && !quoted.contains('\n')) {
            found += 1;
            let (path, name) = match place.split_once("::") {
                Some((path, name)) => (path, Some(name)),
                None => (place, None),
            };
            let code = file(path).map(|file| std::fs::read_to_string(file).unwrap_or_default());
            let there = code.is_some_and(|code| name.is_none_or(|name| defines(&code, name)));
            if !there {
                missing.push(format!("{book}: {place}"));
            }
        }
        assert!(found > 0, "{book} names no place");
    }
    assert!(missing.is_empty(), "not there: {missing:#?}");
}

#[test]
fn what_is_only_used_is_not_defined() {
    let text = "pub(crate) const fn open() {}\n    Held(String),\npub days: u32,\nlet x = close();";
    for name in ["open", "Held", "days"] {
        assert!(defines(text, name), "{name}");
    }
    for name in ["close", "day", "x", "String"] {
        assert!(!defines(text, name), "{name}");
    }
}

#[test]
fn every_decision_has_a_number_of_its_own() {
    let mut numbers = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs/decisions")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let number: usize = name.split('-').next().unwrap().parse().unwrap();
        assert!(numbers.insert(number), "{name} has the number of another");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("# {number}. ")), "{name}");
    }
    let all: BTreeSet<usize> = (1..=numbers.len()).collect();
    assert_eq!(numbers, all);
}
