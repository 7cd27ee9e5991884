//! What a crate offers, a line for each thing, drawn from its sources.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what cannot be read fails the test that asks for it"
)]

mod items;
mod sources;

pub use items::{examples, listing};
pub use sources::{Module, Sources};
