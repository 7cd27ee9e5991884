//! What the crates for other people's programs offer is written down, so that nothing of it changes
//! unnoticed: `crates/*/public-api.txt`.
//!
//! The lists are drawn from the sources alone, so that they are the same with every compiler.
//! `UPDATE_PUBLIC_API=1 cargo test -p listing` writes them anew.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use listing::{Sources, examples, listing};

/// The crates that stand alone.
const CRATES: [&str; 5] = ["protocol", "client", "service", "mapping", "http"];

fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("crates").join(name)
}

fn draw(name: &str) -> String {
    let sources = Sources::read(&folder(name).join("src/lib.rs"));
    let lines: BTreeSet<String> = listing(&sources, &format!("scim_{name}"));
    lines.into_iter().map(|line| line + "\n").collect()
}

#[test]
fn the_public_interfaces_are_those_that_are_written_down() {
    let mut wrong = Vec::new();
    for name in CRATES {
        let (drawn, file) = (draw(name), folder(name).join("public-api.txt"));
        if std::env::var_os("UPDATE_PUBLIC_API").is_some() {
            std::fs::write(&file, &drawn).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
        let (kept, drawn) = (lines(&kept), lines(&drawn));
        let signed = |sign, lines: BTreeSet<_>| {
            let lines = lines.into_iter();
            lines.map(move |line: String| format!("{sign} {line}"))
        };
        wrong.extend(signed('-', &kept - &drawn).chain(signed('+', &drawn - &kept)));
    }
    assert!(
        wrong.is_empty(),
        "UPDATE_PUBLIC_API=1 writes down what is meant; the changelog of the crate says it:\n{}",
        wrong.join("\n")
    );
}

/// Whoever embeds a crate learns a function by seeing it called.
#[test]
fn most_functions_of_protocol_and_service_have_an_example() {
    let mut wrong = String::new();
    for name in ["protocol", "service"] {
        let sources = Sources::read(&folder(name).join("src/lib.rs"));
        let functions = examples(&sources, &format!("scim_{name}"));
        let with = functions.values().filter(|has| **has).count();
        if with * 100 < functions.len() * 60 {
            wrong += &format!("{with} of {} in {name}; without:\n", functions.len());
            let without = functions.iter().filter(|(_, has)| !**has);
            wrong.extend(without.map(|(name, _)| format!("  {name}\n")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_example_is_code_in_the_documentation_of_a_function() {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("lib.rs");
    let text = r#"
        mod inner {
            pub struct One;
            impl One {
                /// Shown.
                ///
                /// ```
                /// One::shown();
                /// ```
                pub fn shown() {}
                /// ```text
                /// Told.
                /// ```
                pub fn told() {}
            }
        }
        pub use inner::{One, One as Other};
        pub trait Port {
            /// ```no_run
            /// answer();
            /// ```
            fn asked(&self) -> u8;
        }
        pub fn bare() {}
    "#;
    std::fs::write(&lib, text).unwrap();
    let functions = examples(&Sources::read(&lib), "made");
    let expected = [
        ("One::shown", true),
        ("One::told", false),
        ("Other::shown", true),
        ("Other::told", false),
        ("Port::asked", true),
        ("bare", false),
    ];
    let expected = expected.map(|(name, has)| (name.to_owned(), has));
    assert_eq!(functions.into_iter().collect::<Vec<_>>(), expected);
}

/// Every form in which something is offered, drawn from a crate made for it.
#[test]
fn what_is_offered_is_listed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let lib = r#"
        mod hidden;
        pub mod shown;
        pub use hidden::{Inner, Other as Renamed, free};
        pub use serde_json::Value;
        #[cfg(test)]
        pub mod tests { pub fn no() {} }
        pub(crate) fn no() {}
    "#;
    write("lib.rs", lib);
    let hidden = r#"
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct Inner<'a, T> { pub at: &'a [T], private: u8 }
        impl<'a, T: Ord> Inner<'a, T> {
            pub fn find(&self, by: impl Fn(&T) -> bool) -> Option<&'a T> { None }
            fn no(&self) {}
        }
        impl<T> Drop for Inner<'_, T> { fn drop(&mut self) {} }
        pub enum Other { Empty, Pair(u8, String), Named { at: usize } }
        crate::word::written_as_word!(Other, "other", [Empty]);
        pub fn free<F>(work: F) -> Result<(), Error> where F: FnOnce() {}
        pub struct Unseen;
        impl Unseen { pub fn no(&self) {} }
    "#;
    write("hidden.rs", hidden);
    let shown = r#"
        pub trait Port: Send + 'static {
            type Item;
            const LEAST: usize;
            fn ask(&self) -> Self::Item;
            fn kind(&self) -> u8 { 0 }
        }
        #[cfg(feature = "bulk")]
        pub const MOST: usize = 3;
        pub type Short<T = u8> = Vec<T>;
        mod deeper { pub struct Deep(pub u8); }
        pub use self::deeper::*;
    "#;
    write("shown.rs", shown);
    let drawn = listing(&Sources::read(&folder.path().join("lib.rs")), "it");
    let expected = [
        "pub const it::shown::MOST: usize #[cfg(feature = \"bulk\")]",
        "pub struct it::Inner<'a, T> { pub at: &'a [T], .. } #[non_exhaustive]",
        "impl Clone for it::Inner",
        "impl Debug for it::Inner",
        "impl<T> Drop for it::Inner<'_, T>",
        "it::Renamed::Empty",
        "it::Renamed::Named { at: usize }",
        "it::Renamed::Pair(u8, String)",
        "pub enum it::Renamed",
        "pub fn it::Inner::find(&self, by: impl Fn(&T) -> bool) -> Option<&'a T> of <'a, T: Ord>",
        "pub fn it::free<F>(work: F) -> Result<(), Error> where F: FnOnce()",
        "pub fn it::shown::Port::ask(&self) -> Self::Item",
        "pub fn it::shown::Port::kind(&self) -> u8, provided",
        "pub const it::shown::Port::LEAST: usize",
        "pub mod it::shown",
        "pub struct it::shown::Deep(pub u8)",
        "pub trait it::shown::Port: Send + 'static",
        "pub type it::shown::Port::Item",
        "pub type it::shown::Short<T = u8> = Vec<T>",
        "pub use serde_json::Value as it::Value",
        "written_as_word!(it::Renamed)",
    ];
    let expected: BTreeSet<String> = expected.map(str::to_owned).into();
    let sides = (&drawn - &expected, &expected - &drawn);
    assert!(sides.0.is_empty() && sides.1.is_empty(), "{sides:#?}");
}
