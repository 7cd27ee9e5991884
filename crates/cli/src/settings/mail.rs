//! Mail about alerts.

use std::path::PathBuf;

use clap::Args;
use scim_console::serving::{MailAddress, MailServer, MailSettings};

/// Mail about alerts, which nobody gets without a server.
#[derive(Debug, Clone, Default, Args)]
pub struct MailOptions {
    /// The server that takes mail about alerts: smtps://USER@HOST:465, or smtp://USER@HOST:587 for
    /// STARTTLS; `?tls=none` behind a host without a user for none.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_MAIL_SERVER",
        value_name = "URL",
        requires_all = ["mail_from", "mail_to"]
    )]
    pub mail_server: Option<MailServer>,
    /// The file with the password of the user at the mail server.
    #[arg(long, env = "SERVICEOPS_SCIM_MAIL_PASSWORD_FILE", value_name = "FILE")]
    pub mail_password_file: Option<PathBuf>,
    /// The certificates (PEM) of the authorities by which the mail server is trusted, instead of
    /// those that browsers trust.
    #[arg(long, env = "SERVICEOPS_SCIM_MAIL_CA", value_name = "FILE")]
    pub mail_ca: Option<PathBuf>,
    /// Who writes, as `scim@corp.example` or `ServiceOps SCIM <scim@corp.example>`.
    #[arg(long, env = "SERVICEOPS_SCIM_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<MailAddress>,
    /// Who is written to, separated by commas.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_MAIL_TO",
        value_name = "ADDRESS,...",
        value_delimiter = ','
    )]
    pub mail_to: Vec<MailAddress>,
}

impl MailOptions {
    /// How mail is sent, where it is.
    pub fn settings(&self) -> Option<MailSettings> {
        Some(MailSettings {
            server: self.mail_server.clone()?,
            password_file: self.mail_password_file.clone(),
            ca_file: self.mail_ca.clone(),
            from: self.mail_from.clone()?,
            to: self.mail_to.clone(),
        })
    }
}
