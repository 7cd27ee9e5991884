//! Clock and randomness come in by one `Environment`: whoever draws them by themselves cannot be
//! run through a year by a test.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What tells the time or draws numbers, and the files that may, by their beginning.
const DRAWN: [(&[&str], &[&str]); 4] = [
    (
        &[
            "Utc::now(",
            "Local::now(",
            "SystemTime::now(",
            "SystemRandom",
            "Uuid::new_v4(",
            "Uuid::now_v7(",
            "getrandom::",
            "rand::",
            "OsRng",
        ],
        &["crates/service/src/environment.rs"],
    ),
    (
        // The machine's own, past what somebody hands in.
        &["SystemEnvironment.", "&SystemEnvironment"],
        &[
            // A key that could be foreseen is none, and two texts under one nonce give a key away.
            "crates/admin/src/keyring/",
            // The hash of no password, once a process.
            "crates/admin/src/service/sessions.rs",
            // Made by a command beside any service, like all that commands do.
            "crates/persistence/src/backup/",
            "crates/cli/src/",
            "bin/src/instance.rs",
            // Ids of requests and the date of an answer: the wire's own, below every service.
            "crates/http/src/edge.rs",
            "crates/http/src/traces.rs",
            "crates/http/src/unread.rs",
            // What the ids of tests are drawn by; the next line keeps it there.
            "crates/provisioning/src/id.rs",
        ],
    ),
    (
        &[
            "ResourceId::new()",
            "ConfigurationId::new()",
            "RunId::new()",
        ],
        &["crates/provisioning/src/testing/"],
    ),
    (
        // How long something takes or may take, which no test waits for: no time of a day comes of
        // it, and it is never stored.
        &["Instant::now("],
        &[
            "crates/admin/src/delivering/mod.rs",
            "crates/admin/src/delivering/push.rs",
            "crates/console/src/api/access.rs",
            "crates/console/src/console/openid.rs",
            "crates/console/src/console/signing_in.rs",
            "crates/console/src/serving/deliveries.rs",
            "crates/http/src/",
            "crates/persistence/src/connection.rs",
            "crates/persistence/src/rehearsal/copy.rs",
            "crates/persistence/src/sqlite.rs",
            "crates/persistence/src/upgrade.rs",
            "crates/persistence/src/view/part.rs",
            "crates/persistence/src/writer.rs",
            "crates/provisioning/src/service.rs",
            "crates/provisioning/src/session.rs",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of Rust below the sources of the crates and the binary, by their path from the root.
fn sources() -> Vec<(String, String)> {
    let root = root();
    let crates = fs::read_dir(root.join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates
        .map(|entry| entry.unwrap().path().join("src"))
        .filter(|path| path.is_dir())
        .chain([root.join("bin/src")])
        .collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                found.push((name.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

fn is_test(name: &str) -> bool {
    let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
    let below = name.contains("/tests/") || name.contains("/faults/");
    below || stem == "tests" || stem.ends_with("_tests")
}

/// The code of a file without its comments and tests.
fn code(text: &str) -> String {
    let tests = [
        "\n#[cfg(test)]\nmod ",
        "\n#[cfg(test)]\npub(crate) mod ",
        "\n#[cfg(test)]\n#[allow",
    ]
    .map(|start| text.find(start));
    let tests = tests.into_iter().flatten().min();
    let written = tests.map_or(text, |start| &text[..start]);
    let lines = written
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    // A call that goes on in the next line is the same one.
    let code: String = lines.map(|line| format!("{} ", line.trim())).collect();
    code.replace(" .", ".")
}

/// Where a word stands that is not the end of another one.
fn says(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn the_clock_and_random_numbers_come_in_by_one_environment() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        let code = code(text);
        for (words, homes) in DRAWN {
            let said: Vec<_> = words.iter().filter(|word| says(&code, word)).collect();
            if said.is_empty() {
                continue;
            }
            match homes.iter().find(|home| name.starts_with(*home)) {
                Some(home) => used.extend([(words[0], *home)]),
                None => wrong.push(format!("{name}: {said:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What is not drawn there any more is not allowed there either.
    let allowed = DRAWN
        .iter()
        .flat_map(|(words, homes)| homes.iter().map(|home| (words[0], *home)));
    let unused: Vec<_> = allowed.filter(|one| !used.contains(one)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
