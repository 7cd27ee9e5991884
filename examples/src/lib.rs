//! The code of the page for embedders, compiled and run as tests.

#[cfg(doctest)]
#[doc = include_str!("../../docs/embedders.md")]
struct Embedders;
