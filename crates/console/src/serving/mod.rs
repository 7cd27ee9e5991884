//! What a server runs beside the routes: who is behind SCIM, what time brings, what is sent to
//! receivers and written to people.

mod backend;
mod deliveries;
mod mail;
mod mailing;
mod routes;
mod upkeep;

pub use self::backend::Backend;
pub use self::deliveries::Delivering;
pub use self::mail::{
    MailAddress, MailServer, MailServerError, MailSettings, MailSettingsError, SmtpPostman,
};
pub use self::mailing::Mailing;
pub use self::routes::routes;
pub use self::upkeep::{background, keep_up, note_look_ups};
