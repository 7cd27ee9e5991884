//! Mail about alerts, by SMTP (RFC 5321) over TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Message, SmtpTransport, Transport};
use openidconnect::url::Url;
use percent_encoding::percent_decode_str;
use scim_admin::{Letter, MailError, Postman};

/// An address of mail, as `ops@corp.example` or `Operations <ops@corp.example>`.
pub type MailAddress = Mailbox;

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The server that takes it.
    pub server: MailServer,
    /// The file with the password of the user whom the server's address names.
    pub password_file: Option<PathBuf>,
    /// The certificates in PEM by which the server is trusted, instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// Who writes.
    pub from: MailAddress,
    /// To whom.
    pub to: Vec<MailAddress>,
}

/// A mail server: `smtps://user@host:465`, or `smtp://user@host:587` with STARTTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    security: Security,
    user: Option<String>,
    host: String,
    port: u16,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    /// By TLS from its first byte (RFC 8314).
    Implicit,
    /// By STARTTLS, without which nothing is sent (RFC 3207).
    StartTls,
    /// By nothing.
    Plain,
}

/// Why a text is not the address of a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailServerError {
    /// It is no such URL.
    #[error("a mail server is smtps://USER@HOST:465, or smtp://USER@HOST:587 for STARTTLS")]
    Malformed,
    /// It has a password.
    #[error("a password stands in no address; name its file by --mail-password-file")]
    Password,
    /// It says something else of TLS.
    #[error("behind the host may stand ?tls=required (STARTTLS, as without it) or ?tls=none")]
    Tls,
    /// A password would be sent in clear.
    #[error("no user signs in without TLS")]
    PlainUser,
}

impl FromStr for MailServer {
    type Err = MailServerError;

    fn from_str(text: &str) -> Result<Self, MailServerError> {
        let url = Url::parse(text).map_err(|_other| MailServerError::Malformed)?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or(MailServerError::Malformed)?;
        let elsewhere = !matches!(url.path(), "" | "/") || url.fragment().is_some();
        if url.password().is_some() {
            return Err(MailServerError::Password);
        }
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Implicit, 465),
            ("smtp", None | Some("tls=required")) => (Security::StartTls, 587),
            ("smtp", Some("tls=none")) => (Security::Plain, 25),
            ("smtp" | "smtps", Some(_)) => return Err(MailServerError::Tls),
            _ => return Err(MailServerError::Malformed),
        };
        if elsewhere {
            return Err(MailServerError::Malformed);
        }
        let user = percent_decode_str(url.username()).decode_utf8();
        let user = user.map_err(|_other| MailServerError::Malformed)?;
        let user = Some(user.into_owned()).filter(|user| !user.is_empty());
        if security == Security::Plain && user.is_some() {
            return Err(MailServerError::PlainUser);
        }
        Ok(Self {
            security,
            user,
            host: host.to_owned(),
            port: url.port().unwrap_or(port),
        })
    }
}

/// Why mail cannot be sent as it is set.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A user has no password, or a password no user.
    #[error("the mail server has a user and --mail-password-file, or neither")]
    Credentials,
    /// The certificates cannot be used.
    #[error("the certificates of the mail server cannot be used: {0}")]
    Certificates(#[source] lettre::transport::smtp::Error),
}

/// Hands letters to a mail server.
pub struct SmtpPostman {
    transport: SmtpTransport,
    from: MailAddress,
    to: Vec<MailAddress>,
    /// The host that letters are of.
    host: String,
}

impl SmtpPostman {
    /// One that says it is of `host`.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn new(settings: &MailSettings, host: &str) -> Result<Self, MailSettingsError> {
        let server = &settings.server;
        let mut tls = TlsParameters::builder(server.host.clone());
        tls = match &settings.ca_file {
            None => tls.certificate_store(CertificateStore::WebpkiRoots),
            Some(file) => {
                let authorities = Certificate::from_pem(&read(file)?);
                let authorities = authorities.map_err(MailSettingsError::Certificates)?;
                tls.certificate_store(CertificateStore::None)
                    .add_root_certificate(authorities)
            }
        };
        let tls = tls
            .build_rustls()
            .map_err(MailSettingsError::Certificates)?;
        let mut transport = SmtpTransport::builder_dangerous(&server.host)
            .port(server.port)
            .hello_name(ClientId::Domain(host.to_owned()))
            .timeout(Some(PATIENCE))
            .tls(match server.security {
                Security::Implicit => Tls::Wrapper(tls),
                Security::StartTls => Tls::Required(tls),
                Security::Plain => Tls::None,
            });
        transport = match (&server.user, &settings.password_file) {
            (Some(user), Some(file)) => {
                let password = String::from_utf8_lossy(&read(file)?)
                    .trim_end_matches(['\r', '\n'])
                    .to_owned();
                transport.credentials(Credentials::new(user.clone(), password))
            }
            (None, None) => transport,
            _ => return Err(MailSettingsError::Credentials),
        };
        Ok(Self {
            transport: transport.build(),
            from: settings.from.clone(),
            to: settings.to.clone(),
            host: host.to_owned(),
        })
    }

    fn message(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        let id = |id: &str| format!("<{id}@{}>", self.host);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(&letter.subject)
            .message_id(Some(id(&letter.id)))
            // Nobody's absence is answered (RFC 3834).
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        if let Some(follows) = &letter.follows {
            message = message.in_reply_to(id(follows)).references(id(follows));
        }
        message.body(letter.text.clone())
    }
}

fn read(file: &Path) -> Result<Vec<u8>, MailSettingsError> {
    fs::read(file).map_err(|source| MailSettingsError::Unreadable {
        file: file.to_owned(),
        source,
    })
}

impl Postman for SmtpPostman {
    fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(letter).map_err(MailError::new)?;
        let sent = self.transport.send(&message);
        sent.map(drop).map_err(MailError::new)
    }
}

/// That a machine wrote it.
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// For how long is waited for each answer of the server.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn server(security: Security, user: Option<&str>, host: &str, port: u16) -> MailServer {
        MailServer {
            security,
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        }
    }

    #[test]
    fn a_mail_server_is_reached_over_tls_unless_that_is_said() {
        let read = |text: &str| text.parse::<MailServer>();
        for (text, expected) in [
            (
                "smtps://ops@mail.example",
                server(Security::Implicit, Some("ops"), "mail.example", 465),
            ),
            (
                "smtp://ops%40corp.example@mail.example:2525",
                server(
                    Security::StartTls,
                    Some("ops@corp.example"),
                    "mail.example",
                    2525,
                ),
            ),
            (
                "smtp://mail.example?tls=required",
                server(Security::StartTls, None, "mail.example", 587),
            ),
            (
                "smtp://localhost:25?tls=none",
                server(Security::Plain, None, "localhost", 25),
            ),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for (text, expected) in [
            ("mail.example", MailServerError::Malformed),
            ("https://mail.example", MailServerError::Malformed),
            ("smtp://", MailServerError::Malformed),
            ("smtp://mail.example/inbox", MailServerError::Malformed),
            ("smtps://ops:secret@mail.example", MailServerError::Password),
            ("smtp://mail.example?tls=maybe", MailServerError::Tls),
            ("smtps://mail.example?tls=none", MailServerError::Tls),
            (
                "smtp://ops@mail.example?tls=none",
                MailServerError::PlainUser,
            ),
        ] {
            assert_eq!(read(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_letter_says_that_a_machine_wrote_it_and_what_it_follows() {
        let settings = MailSettings {
            server: "smtp://mail.example".parse().unwrap(),
            password_file: None,
            ca_file: None,
            from: "SCIM <scim@corp.example>".parse().unwrap(),
            to: vec![
                "a@corp.example".parse().unwrap(),
                "b@corp.example".parse().unwrap(),
            ],
        };
        let postman = SmtpPostman::new(&settings, "scim.example").unwrap();
        let letter = Letter {
            id: "a1.2".to_owned(),
            follows: Some("a1".to_owned()),
            subject: "Over: Provisioning fails: \u{c9}milie\r\nBcc: x@y.example".to_owned(),
            text: "It is over.".to_owned(),
        };
        let message = postman.message(&letter).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        for line in [
            "To: a@corp.example, b@corp.example\r\n",
            "Message-ID: <a1.2@scim.example>\r\n",
            "In-Reply-To: <a1@scim.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("\nBcc"), "{text}");
        let mut wrong = settings.clone();
        wrong.server = "smtp://ops@mail.example".parse().unwrap();
        let refused = SmtpPostman::new(&wrong, "scim.example");
        assert!(matches!(refused, Err(MailSettingsError::Credentials)));
    }
}
