//! What a server runs beside the routes: who is behind SCIM, what time brings, what is sent to
//! receivers.

mod backend;
mod deliveries;
mod routes;
mod upkeep;

pub use self::backend::Backend;
pub use self::deliveries::Delivering;
pub use self::routes::routes;
pub use self::upkeep::{background, keep_up, note_look_ups};
