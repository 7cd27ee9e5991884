//! What the terminal shows when the server is ready.

use std::path::Path;

use crate::certificate::CertificateFiles;
use crate::output;
use crate::settings::{Common, PublicUrl, ServeOptions};

/// Prints the start text once, on standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(
    common: &Common,
    options: &ServeOptions,
    public_url: &PublicUrl,
    files: &CertificateFiles,
    setup: Option<&str>,
) -> anyhow::Result<()> {
    output::line(&text(common, options, public_url, files, setup))
}

fn text(
    common: &Common,
    options: &ServeOptions,
    public_url: &PublicUrl,
    files: &CertificateFiles,
    setup: Option<&str>,
) -> String {
    let console = public_url.console();
    let database = match common.named_database() {
        Some(url) => format!("Database        {url}\n"),
        None => String::new(),
    };
    let (command, beforehand) = command(common);
    let next = match setup {
        Some(secret) => format!(
            "Next: create the administrator in a browser. The link works once, for an hour:\n\
             \n\
             \x20 {console}/setup?secret={secret}\n"
        ),
        None => format!("Next: sign in at {console} and configure provisioning.\n"),
    };
    let certificate = match (options.addresses().next(), files.self_signed) {
        (None, _) => "that of the proxy".to_owned(),
        (_, true) => format!("self-signed, {}", files.certificate.display()),
        (_, false) => files.certificate.display().to_string(),
    };
    let sockets = options.sockets();
    let sockets: Vec<String> = sockets
        .map(|path| format!("Socket          {}\n", path.display()))
        .collect();
    let sockets = sockets.concat();
    format!(
        "ServiceOps SCIM {version} is ready\n\
         \n\
         Console         {console}\n\
         SCIM endpoint   {endpoint}\n\
         {sockets}\
         Certificate     {certificate}\n\
         Data            {data}\n\
         {database}\
         \n\
         {next}\n\
         Or add a provisioning configuration in another terminal, and give its endpoint and token\n\
         to the identity provider{beforehand}:\n\
         \n\
         \x20 {command} configuration add --name \"My identity provider\" --users --groups\n",
        version = env!("CARGO_PKG_VERSION"),
        endpoint = public_url.scim_endpoint(),
        data = common.data_dir.display(),
    )
}

/// The program as it was called, with the options that name the installation, and what is to be
/// done before it is run: a password is not printed.
fn command(common: &Common) -> (String, &'static str) {
    let program = std::env::args().next();
    let mut command = program.unwrap_or_else(|| "serviceops-scim".to_owned());
    let mut with = |option: &str, value: &str| {
        command.push_str(&format!(" --{option} {}", quoted(value)));
    };
    let path = |path: &Path| path.display().to_string();
    if let Some(file) = &common.config {
        with("config", &path(file));
    }
    if common.data_dir != Path::new("./data") {
        with("data-dir", &path(&common.data_dir));
    }
    let mut beforehand = "";
    if let Some(url) = common.named_database() {
        let is_secret = url.contains("***");
        if is_secret && std::env::var_os("SERVICEOPS_SCIM_DATABASE_URL").is_some() {
            beforehand = " (with SERVICEOPS_SCIM_DATABASE_URL as it is here)";
        } else if !is_secret {
            with("database-url", &url);
        } else if common.config.is_none() {
            beforehand = " (with what stands in place of ***)";
            with("database-url", &url);
        }
    }
    for (option, value) in common.named_files() {
        with(option, &path(value));
    }
    if let Some(url) = &common.public_url {
        with("public-url", &url.to_string());
    }
    (command, beforehand)
}

/// The word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@,=+".contains(&byte);
    match word.bytes().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Invocation, parse};

    /// The options that `serve` was called with, and what the text says of the command.
    fn said_of(words: &[&str]) -> (String, &'static str) {
        let words = ["serviceops-scim"].iter().chain(words);
        let Ok(Invocation::Serve(common, _)) = parse(words.map(Into::into)) else {
            return (String::new(), "it does not serve");
        };
        let (command, beforehand) = command(&common);
        let (_program, options) = command.split_once(" --").unwrap_or_default();
        (options.to_owned(), beforehand)
    }

    #[test]
    fn the_command_reaches_the_installation_that_is_served_and_shows_no_password() {
        assert_eq!(said_of(&[]), (String::new(), ""));
        assert_eq!(
            said_of(&[
                "--data-dir",
                "/var/lib/scim",
                "--key-file",
                "/keys/ring.json"
            ])
            .0,
            "data-dir /var/lib/scim --key-file /keys/ring.json"
        );
        let (options, beforehand) = said_of(&["--database-url", "postgres://scim:geheim@db/scim"]);
        assert_eq!(options, "database-url 'postgres://***@db/scim'");
        assert!(beforehand.contains("***"), "{beforehand}");
        let (options, beforehand) = said_of(&[
            "--database-url",
            "postgres://db/scim",
            "--public-url",
            "https://scim.example.com",
        ]);
        assert_eq!(
            options,
            "database-url postgres://db/scim --public-url https://scim.example.com"
        );
        assert_eq!(beforehand, "");
    }

    #[test]
    fn a_word_survives_the_shell() {
        assert_eq!(quoted("/var/lib/scim-1"), "/var/lib/scim-1");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }
}
