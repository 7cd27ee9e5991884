//! Names of accounts, keys, groups and streams.

use scim_protocol::text::{fold, valid_user_name};

use crate::error::AdminError;
use crate::event::SERVER;
use crate::invalid::{InputField, Problem};

/// Refuses a name that is empty, too long or invisible, or that stands for somebody else.
pub(crate) fn check_name(name: &str) -> Result<(), AdminError> {
    let length = name.trim().chars().count();
    if !(1..=100).contains(&length) || !valid_user_name(name) {
        return Err(Problem::NameLength.at(InputField::Name));
    }
    // The audit tells by the name who did something.
    let name = fold(name.trim());
    if name.starts_with("api key") || ["command line", "nobody", SERVER].contains(&name.as_str()) {
        return Err(Problem::NameReserved.at(InputField::Name));
    }
    Ok(())
}
