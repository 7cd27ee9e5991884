//! The house rules that no lint can say: circles of modules, lengths of files, errors that are
//! sentences, tests that are switched off.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that may be in one circle.
const CIRCLE: usize = 3;
/// Lines of a file, and of the tests behind them.
const LINES: usize = 500;
/// Lines of the binary.
const BINARY: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The folders with the sources of libraries, by the name of their crate.
fn libraries() -> Vec<(String, PathBuf)> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let mut found: Vec<_> = crates
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                entry.path().join("src"),
            )
        })
        .filter(|(_, source)| source.is_dir())
        .collect();
    found.sort();
    found
}

fn sources() -> Vec<(String, PathBuf)> {
    let mut all = libraries();
    all.push(("bin".to_owned(), root().join("bin/src")));
    all
}

/// Every file of Rust below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("target") => {}
                true => folders.push(path),
                false if path.extension().is_some_and(|end| end == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// Whether a file below `src` holds nothing but tests.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let below = path.components().any(|part| part.as_os_str() == "tests");
    below || stem == "tests" || stem.ends_with("_tests")
}

/// What stands before the tests of a file.
fn without_tests(text: &str) -> &str {
    let tests = [
        "\n#[cfg(test)]\nmod ",
        "\n#[cfg(test)]\npub(crate) mod ",
        "\n#[cfg(test)]\n#[allow",
        "\n#[cfg(all(test",
    ]
    .map(|start| text.find(start));
    match tests.into_iter().flatten().min() {
        Some(start) => &text[..start],
        None => text,
    }
}

/// The text of a file without comments and literals, so that only code is left.
fn code(text: &str) -> String {
    let lines = without_tests(text).lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Files of the project by their path from its root, with their text.
fn texts(paths: Vec<PathBuf>) -> Vec<(String, String)> {
    let root = root();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            (name, text)
        })
        .collect()
}

/// The modules of a crate, by their path, and what each of them imports.
struct Modules {
    code: BTreeMap<Vec<String>, String>,
}

impl Modules {
    fn read(source: &Path) -> Self {
        let paths = files(source).into_iter().filter(|path| !is_test(path));
        let code = paths.map(|path| {
            let below = path.strip_prefix(source).unwrap().with_extension("");
            let mut parts: Vec<String> = below
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
                parts.pop();
            }
            (parts, code(&fs::read_to_string(&path).unwrap()))
        });
        Self {
            code: code.collect(),
        }
    }

    /// The modules whose items a module names, re-exports followed to where the item is.
    fn imports(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let named = paths(&self.code[module]);
        let mut found: BTreeSet<Vec<String>> = named
            .iter()
            .filter_map(|path| self.home(module, path, 4))
            .collect();
        found.remove(module);
        found
    }

    /// The module of the item that a path in a module names.
    fn home(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let (mut at, rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (module.to_vec(), &path[1..]),
            "super" => (module[..module.len().checked_sub(1)?].to_vec(), &path[1..]),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.code.contains_key(&child).then_some(())?;
                (module.to_vec(), path)
            }
        };
        let mut rest = rest;
        while let Some(next) = rest.first() {
            if next == "super" {
                at.pop()?;
            } else {
                let child = [at.as_slice(), std::slice::from_ref(next)].concat();
                if !self.code.contains_key(&child) {
                    break;
                }
                at = child;
            }
            rest = &rest[1..];
        }
        let (Some(item), Some(smaller)) = (rest.first(), depth.checked_sub(1)) else {
            return Some(at);
        };
        // What the module itself imports under the name is somewhere else.
        let others = paths(&self.code[&at]);
        let exported = others
            .iter()
            .filter(|path| path.last() == Some(item) && path.len() > 1);
        let mut homes = exported.filter_map(|path| self.home(&at, path, smaller));
        homes.find(|home| *home != at).or(Some(at))
    }

    /// The circles of modules: each with all that reach one another.
    fn circles(&self) -> Vec<Vec<String>> {
        let names: Vec<_> = self.code.keys().cloned().collect();
        let mut reach: BTreeMap<_, BTreeSet<_>> = names
            .iter()
            .map(|name| (name.clone(), self.imports(name)))
            .collect();
        for through in &names {
            let further = reach[through].clone();
            for reached in reach
                .values_mut()
                .filter(|reached| reached.contains(through))
            {
                reached.extend(further.iter().cloned());
            }
        }
        let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
        for name in &names {
            let around = names
                .iter()
                .filter(|other| reach[name].contains(*other) && reach[*other].contains(name));
            circles.insert(
                around
                    .map(|module| format!("crate::{}", module.join("::")))
                    .collect(),
            );
        }
        circles.into_iter().collect()
    }
}

/// Every path in code that begins at the crate, at the module above, or in a `use`.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let used = statement.rfind("use ").filter(|at| {
            let before = statement[..*at].trim_end();
            before.is_empty() || before.ends_with(['}', ')', ']']) || before.ends_with("pub")
        });
        if let Some(at) = used {
            expand(&[], statement[at + 4..].trim(), &mut found);
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let inside = code[..at]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if inside {
                continue;
            }
            let end = code[at..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = &code[at..end.map_or(code.len(), |end| at + end)];
            // The paths of a `use` with braces are read above.
            if path.ends_with("::") {
                continue;
            }
            let parts = path.split("::").filter(|part| !part.is_empty());
            found.push(parts.map(str::to_owned).collect());
        }
    }
    found
}

/// The paths of a `use` with braces.
fn expand(before: &[String], tree: &str, found: &mut Vec<Vec<String>>) {
    let Some((head, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        let parts = parts.filter(|part| !part.is_empty() && part != "self" || before.is_empty());
        found.push(before.iter().cloned().chain(parts).collect());
        return;
    };
    let head = head.split("::").map(|part| part.trim().to_owned());
    let before: Vec<String> = before
        .iter()
        .cloned()
        .chain(head.filter(|part| !part.is_empty()))
        .collect();
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inside.char_indices().chain([(inside.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inside[start..at].trim();
                if !part.is_empty() {
                    expand(&before, part, found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn no_more_than_three_modules_are_in_a_circle() {
    let mut wrong = Vec::new();
    for (name, source) in sources() {
        for circle in Modules::read(&source).circles() {
            if circle.len() > CIRCLE {
                wrong.push(format!(
                    "{name}: {} modules: {}",
                    circle.len(),
                    circle.join(" ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn circles_are_found_through_re_exports_and_above() {
    let module = |name: &str, text: &str| {
        let path = name.split("::").filter(|part| !part.is_empty());
        (path.map(str::to_owned).collect::<Vec<_>>(), text.to_owned())
    };
    let modules = Modules {
        code: BTreeMap::from([
            module(
                "",
                "mod a; mod b; mod c; pub use b::{B, C as D}; pub use c::E;",
            ),
            module("a", "use crate::{B, c};\nfn f() {}"),
            module(
                "b",
                "mod inner; pub use self::inner::C;\nfn f() -> crate::E { }",
            ),
            module("b::inner", "use super::super::a;"),
            module("c", "use std::fmt::{self, Display};"),
        ]),
    };
    let named = |name: &str| vec![name.to_owned()];
    assert_eq!(
        modules.imports(&named("a")),
        BTreeSet::from([named("b"), named("c")])
    );
    assert_eq!(modules.imports(&named("c")), BTreeSet::new());
    let largest = modules.circles().into_iter().max_by_key(Vec::len).unwrap();
    assert_eq!(largest, ["crate::a", "crate::b", "crate::b::inner"]);
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let mut wrong = Vec::new();
    let folders = ["crates", "bin", "tests", "examples"];
    let all = folders.map(|folder| files(&root().join(folder)));
    for (name, text) in texts(all.into_iter().flatten().collect()) {
        // What a file tests of itself stands behind it, and is counted by itself.
        let written = without_tests(&text).lines().count();
        for lines in [written, text.lines().count() - written] {
            if lines > LINES {
                wrong.push(format!("{name}: {lines}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_binary_wires_and_does_nothing_else() {
    let sources = texts(files(&root().join("bin/src")));
    let lines: usize = sources.iter().map(|(_, text)| text.lines().count()).sum();
    assert!(lines <= BINARY, "{lines} lines");
}

#[test]
fn no_error_of_a_library_is_a_sentence() {
    let mut wrong = Vec::new();
    // What reads the command line answers in words: nobody is above it.
    let below = libraries().into_iter().filter(|(name, _)| name != "cli");
    for (_, source) in below {
        let written = files(&source).into_iter().filter(|path| !is_test(path));
        for (name, text) in texts(written.collect()) {
            let code: String = code(&text).split_whitespace().collect();
            for (at, _) in code.match_indices(",String>") {
                let opened = code[..at].rfind("Result<").map(|start| &code[start..at]);
                let depth = |text: &str| text.matches('<').count() - text.matches('>').count();
                if opened
                    .is_some_and(|opened| !opened.contains(['{', ';', ')']) && depth(opened) == 1)
                {
                    wrong.push(format!("{name}: Result<.., String>"));
                }
            }
            if code.contains("#[error(\"{0}\")]") {
                let variants = code.split("#[error(\"{0}\")]").skip(1);
                for variant in variants.filter(|variant| {
                    variant
                        .split_once(')')
                        .is_some_and(|(variant, _)| variant.ends_with("(String"))
                }) {
                    wrong.push(format!(
                        "{name}: {}",
                        variant.split('(').next().unwrap_or_default()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    let mark = concat!("#[", "ignore");
    let folders = ["crates", "bin", "tests", "examples"];
    let all = folders
        .iter()
        .flat_map(|folder| files(&root().join(folder)));
    let all = texts(all.collect());
    let off = all.iter().filter(|(_, text)| text.contains(mark));
    let off: Vec<&String> = off.map(|(name, _)| name).collect();
    assert!(off.is_empty(), "{off:?}");
}

#[test]
fn every_test_is_run_and_those_of_an_engine_that_is_not_there_are_told() {
    let mut wrong = Vec::new();
    let folders = ["crates", "bin", "tests", "examples"];
    let all = texts(
        folders
            .iter()
            .flat_map(|folder| files(&root().join(folder)))
            .collect(),
    );
    let silent = concat!("skipped: SERVICEOPS_", "SCIM_TEST_POSTGRES");
    let loops = concat!("in Engine", "::all()");
    for (name, text) in &all {
        let told = name.contains("/benches/") || !text.contains(loops) && !text.contains(silent);
        if !told {
            wrong.push(format!("{name}: passes without PostgreSQL"));
        }
    }
    // What has a `main` of its own runs what it names there, and nothing that is only marked.
    for (manifest, text) in manifests() {
        let folder = manifest.parent().unwrap();
        for target in text
            .split("\n[")
            .filter(|part| part.contains("harness = false"))
        {
            let line = |key| {
                let found = target.lines().find_map(|line| line.strip_prefix(key));
                found.map(|rest| rest.trim_matches([' ', '=', '"']).to_owned())
            };
            let below = if target.starts_with("lib]") {
                files(&folder.join("src"))
            } else if target.starts_with("[test]]") {
                let path = line("path");
                let name = line("name").unwrap();
                match (path, folder.join("tests").join(&name)) {
                    (Some(path), _) => vec![folder.join(path)],
                    (None, below) if below.is_dir() => files(&below),
                    (None, below) => vec![below.with_extension("rs")],
                }
            } else {
                continue;
            };
            let marked = below
                .iter()
                .filter(|path| fs::read_to_string(path).unwrap().contains("#[test]"));
            wrong.extend(marked.map(|path| format!("{}: is never run", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The manifests of the project, with their text.
fn manifests() -> Vec<(PathBuf, String)> {
    let crates = fs::read_dir(root().join("crates")).unwrap();
    let folders = crates.map(|entry| entry.unwrap().path());
    let others = ["bin", "tests", "tests/engines", "examples"].map(|folder| root().join(folder));
    let paths = folders
        .chain(others)
        .map(|folder| folder.join("Cargo.toml"));
    paths
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}
