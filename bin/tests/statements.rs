//! How many statements are typed: the compiler knows their tables, columns and types. What is text
//! is counted, so that it becomes less.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Of a hundred statements, so many are typed at least. Whoever types one raises it.
const TYPED: usize = 94;

/// What diesel has no types for: tables that are made, copied or named as they come, settings of a
/// session, what is said to the engine itself; the nodes of filters, sorts and pages; and what runs
/// statements, whoever wrote them.
const APART: [&str; 10] = [
    "backup/",
    "connection.rs",
    "connection/",
    "engine.rs",
    "explain.rs",
    "health.rs",
    "query/",
    "rehearsal/copy.rs",
    "upgrade.rs",
    "writer.rs",
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/persistence/src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            let is_test = name.contains("test") || name.starts_with("faults");
            if !is_test && !APART.iter().any(|apart| name.starts_with(apart)) {
                found.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The code of a file in one line, without its comments and tests.
fn code(text: &str) -> String {
    let tests = text.find("\n#[cfg(test)]\nmod ");
    let written = tests.map_or(text, |start| &text[..start]);
    let lines = written
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect()
}

/// How many statements in code are typed, and how many are text.
fn count(code: &str) -> (usize, usize) {
    let (mut typed, mut text) = (0, 0);
    for call in [".rows(", ".rows::<", ".row(", ".row::<", ".say_again("] {
        text += code.matches(call).count();
    }
    for call in [
        "on_backend!(",
        ".execute_sqlite(",
        ".execute_postgres(",
        "change!(",
    ] {
        typed += code.matches(call).count();
    }
    for (call, end) in [
        (".load(", "Ordering"),
        (".load::<", ""),
        (".first(", ")"),
        (".first::<", ""),
    ] {
        let calls = code
            .match_indices(call)
            .map(|(at, _)| &code[at + call.len()..]);
        typed += calls
            .filter(|rest| end.is_empty() || !rest.starts_with(end))
            .count();
    }
    for (at, call) in code.match_indices(".execute(") {
        match code[at + call.len()..].starts_with('&') {
            true => text += 1,
            false => typed += 1,
        }
    }
    (typed, text)
}

#[test]
fn statements_are_typed() {
    let counted: Vec<_> = sources()
        .into_iter()
        .map(|(name, text)| (name, count(&code(&text))))
        .collect();
    let typed: usize = counted.iter().map(|(_, (typed, _))| typed).sum();
    let text: usize = counted.iter().map(|(_, (_, text))| text).sum();
    assert!(typed + text > 300, "{typed} and {text} statements");
    let share = typed * 100 / (typed + text);
    let most: Vec<_> = counted.iter().filter(|(_, (_, text))| *text > 3).collect();
    assert!(
        share >= TYPED,
        "{share} % of {} are typed; {text} are text, most of them in {most:?}",
        typed + text
    );
    assert!(share < TYPED + 3, "{share} % are typed: raise what is held");
}

#[test]
fn typed_statements_and_text_are_told_apart() {
    let typed = "connection.load(users::table)?; connection.first::<i64, _>(find)?;
        connection.execute(update(table, whom, what))?; on_backend!(connection, execute, insert)?;";
    assert_eq!(count(&code(typed)), (4, 0));
    let text =
        "connection.rows::<IdRow>(&sql)?; connection\n.row(&sql)?; connection.execute(&sql)?;";
    assert_eq!(count(&code(text)), (0, 3));
    let others = "rows.first(); flag.load(Ordering::Relaxed); // connection.rows(&sql)";
    assert_eq!(count(&code(others)), (0, 0));
}
