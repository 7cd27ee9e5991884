//! What nobody can foresee.

use scim_provisioning::{Environment, NoRandomNumbers};

/// Draws 256 bits that nobody can foresee.
///
/// # Errors
/// [`NoRandomNumbers`].
pub(crate) fn draw_secret(environment: &dyn Environment) -> Result<[u8; 32], NoRandomNumbers> {
    let mut secret = [0; 32];
    environment.fill(&mut secret)?;
    Ok(secret)
}
