//! What the terminal shows when the server is ready.

use std::path::Path;

use crate::certificate::CertificateFiles;
use crate::output;
use crate::settings::{Common, PublicUrl};

/// Prints the start text once, on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(
    common: &Common,
    public_url: &PublicUrl,
    files: &CertificateFiles,
    setup: Option<&str>,
) -> anyhow::Result<()> {
    output::line(&text(common, public_url, files, setup))
}

fn text(
    common: &Common,
    public_url: &PublicUrl,
    files: &CertificateFiles,
    setup: Option<&str>,
) -> String {
    let console = public_url.console();
    let next = match setup {
        Some(secret) => format!(
            "Next: create the administrator in a browser. The link works once, for an hour:\n\
             \n\
             \x20 {console}/setup?secret={secret}\n"
        ),
        None => format!("Next: sign in at {console} and configure provisioning.\n"),
    };
    let certificate = match files.self_signed {
        true => format!("self-signed, {}", files.certificate.display()),
        false => files.certificate.display().to_string(),
    };
    format!(
        "ServiceOps SCIM {version} is ready\n\
         \n\
         Console         {console}\n\
         SCIM endpoint   {endpoint}\n\
         Certificate     {certificate}\n\
         Data            {data}\n\
         \n\
         {next}\n\
         Or add a provisioning configuration in another terminal, and give its endpoint and token\n\
         to the identity provider:\n\
         \n\
         \x20 {command} configuration add --name \"My identity provider\" --users --groups\n",
        version = env!("CARGO_PKG_VERSION"),
        endpoint = public_url.scim_endpoint(),
        data = common.data_dir.display(),
        command = command(common),
    )
}

/// The program as it was called, with the data directory where it is not the default.
fn command(common: &Common) -> String {
    let program = std::env::args().next();
    let program = program.unwrap_or_else(|| "serviceops-scim".to_owned());
    if common.data_dir == Path::new("./data") {
        return program;
    }
    let folder = common.data_dir.display().to_string();
    format!("{program} --data-dir {}", quoted(&folder))
}

/// The word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    match word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("/var/lib/scim-1"), "/var/lib/scim-1");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }
}
