//! Settings: what the command line, the environment and the configuration file say.

mod database;
pub(crate) mod file;
mod limits;
mod listen;
mod mail;
pub(crate) mod origin;
mod public_url;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use scim_admin::upkeep::Retention;
use scim_console::console::openid::OpenIdSettings;

use self::database::DatabaseUrl;
pub use self::limits::LimitOptions;
pub use self::listen::{Listen, listening_on_this_machine, reachable};
pub use self::mail::MailOptions;
pub use self::public_url::PublicUrl;
use crate::wrong_usage::WrongUsage;

/// Options that go with every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// A TOML file whose keys are these options without the dashes.
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_CONFIG",
        value_name = "FILE"
    )]
    pub config: Option<PathBuf>,
    /// Where the database, the key ring and the certificate are.
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    pub data_dir: PathBuf,
    /// The database: sqlite:PATH or postgres://... [default: sqlite:DATA_DIR/serviceops-scim.db]
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true,
        hide_default_value = true
    )]
    database_url: Option<DatabaseUrl>,
    /// The file with the password for a database URL that has none.
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_DATABASE_PASSWORD_FILE",
        value_name = "FILE"
    )]
    database_password_file: Option<PathBuf>,
    /// The key ring [default: DATA_DIR/keyring.json]
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_KEY_FILE",
        value_name = "FILE"
    )]
    key_file: Option<PathBuf>,
    /// Where clients reach the server [default: https://localhost:PORT]
    #[arg(
        long,
        global = true,
        env = "SERVICEOPS_SCIM_PUBLIC_URL",
        value_name = "URL"
    )]
    pub public_url: Option<PublicUrl>,
    /// Print one JSON document instead of text.
    #[arg(long, global = true, env = "SERVICEOPS_SCIM_JSON")]
    pub json: bool,
}

impl Common {
    /// The database URL without secrets, where one is named.
    pub(crate) fn named_database(&self) -> Option<String> {
        let DatabaseUrl(url) = self.database_url.as_ref()?;
        Some(database::without_secrets(url))
    }

    /// The database URL where none is named.
    pub(crate) fn usual_database(&self) -> String {
        let path = self.data_dir.join("serviceops-scim.db");
        format!("sqlite:{}", path.display())
    }

    /// The files of the installation that are named, each by its option.
    pub(crate) fn named_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = [
            ("database-password-file", &self.database_password_file),
            ("key-file", &self.key_file),
        ];
        let named = files.into_iter();
        named.filter_map(|(option, file)| Some((option, file.as_deref()?)))
    }

    /// The database URL, with its password.
    ///
    /// # Errors
    /// When the password is to come from a file and does not.
    pub fn database_url(&self) -> anyhow::Result<String> {
        let url = match &self.database_url {
            Some(DatabaseUrl(url)) => url.clone(),
            None => self.usual_database(),
        };
        database::check_scheme(&url)?;
        match &self.database_password_file {
            Some(file) => database::with_password(&url, file),
            None => Ok(url),
        }
    }

    /// The file of the key ring.
    pub fn key_file(&self) -> PathBuf {
        let default = || self.data_dir.join("keyring.json");
        self.key_file.clone().unwrap_or_else(default)
    }
}

/// Options of the server.
#[derive(Debug, Clone, Args)]
pub struct ServeOptions {
    /// Where to listen, separated by commas: addresses with ports, where port 0 takes a free one, and
    /// sockets of this machine for a reverse proxy beside the server, such as unix:/run/scim/http.sock.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_LISTEN",
        value_name = "ADDR:PORT|unix:PATH,...",
        value_delimiter = ',',
        default_value = DEFAULT_LISTEN
    )]
    pub listen: Vec<Listen>,
    /// The certificate.
    #[command(flatten)]
    pub tls: TlsOptions,
    /// The address and port on which metrics are served, by plain HTTP; without it they are not.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_METRICS_LISTEN",
        value_name = "ADDR:PORT",
        value_parser = listen::listen_address
    )]
    pub metrics_listen: Option<String>,
    /// How many connections to the database are kept at most.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_DATABASE_CONNECTIONS",
        value_name = "NUMBER",
        default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub database_connections: u32,
    /// How many seconds requests are still served after SIGTERM, while `/readyz` says that they go
    /// elsewhere; then those under way have ten seconds.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_DRAIN",
        value_name = "SECONDS",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=300)
    )]
    pub drain: u32,
    /// Do not bring the tables of the database to this version at the start; run `migrate` before.
    #[arg(long, env = "SERVICEOPS_SCIM_NO_MIGRATE")]
    pub no_migrate: bool,
    /// The networks from which console and admin API are reached, separated by commas; without it
    /// from everywhere. SCIM is not concerned.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_ADMIN_NETWORKS",
        value_name = "NETWORK,...",
        value_delimiter = ',',
        value_parser = network
    )]
    pub admin_networks: Vec<IpNet>,
    /// The networks of the reverse proxies in front, separated by commas. Where a request comes from
    /// one of them, the client is the rightmost address of X-Forwarded-For or Forwarded that is not.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_TRUSTED_PROXIES",
        value_name = "NETWORK,...",
        value_delimiter = ',',
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// The trusted proxies say from where a connection comes by the PROXY protocol, version 1 or 2,
    /// before its first byte.
    #[arg(long, env = "SERVICEOPS_SCIM_PROXY_PROTOCOL")]
    pub proxy_protocol: bool,
    /// How many days entries of the provisioning log are kept; 0 for good.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_EVENT_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=36_500)
    )]
    pub event_retention_days: u32,
    /// How many days the provisioning log keeps what a request said; 0 as long as its entry.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_REQUEST_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(0..=36_500)
    )]
    pub request_retention_days: u32,
    /// How many days changes stay in the feed once every stream has them.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_FEED_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = 7,
        value_parser = clap::value_parser!(u32).range(1..=30)
    )]
    pub feed_retention_days: u32,
    /// The networks that are not public to which changes may be sent, separated by commas, such as
    /// 10.0.0.0/8.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_FEED_ALLOW_NETWORKS",
        value_name = "NETWORK,...",
        value_delimiter = ',',
        value_parser = network
    )]
    pub feed_allow_networks: Vec<IpNet>,
    /// The certificates (PEM) of the authorities that receivers of changes are trusted by, instead
    /// of those that browsers trust.
    #[arg(long, env = "SERVICEOPS_SCIM_FEED_CA", value_name = "FILE")]
    pub feed_ca: Option<PathBuf>,
    /// How many days a run can be taken back: so long is kept what was before it.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_UNDO_DAYS",
        value_name = "DAYS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=365)
    )]
    pub undo_days: u32,
    /// After how many minutes without a request of its identity provider a cycle is over.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_CYCLE_SILENCE_MINUTES",
        value_name = "MINUTES",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=120)
    )]
    pub cycle_silence_minutes: u32,
    /// Sign-in by an OpenID provider.
    #[command(flatten)]
    pub openid: OpenIdOptions,
    /// Mail about alerts.
    #[command(flatten)]
    pub mail: MailOptions,
    /// How log lines are written on standard error.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or a list of module=level.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info"
    )]
    pub log_level: String,
    /// The limits.
    #[command(flatten)]
    pub limits: LimitOptions,
}

/// Sign-in of administrators by an OpenID provider.
#[derive(Debug, Clone, Default, Args)]
pub struct OpenIdOptions {
    /// The OpenID provider by which administrators sign in, as `https://login.example.com`.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_OIDC_ISSUER",
        value_name = "URL",
        requires = "oidc_client_id"
    )]
    pub oidc_issuer: Option<String>,
    /// The client id that the provider gave.
    #[arg(long, env = "SERVICEOPS_SCIM_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// The file with the client secret.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_OIDC_CLIENT_SECRET_FILE",
        value_name = "FILE"
    )]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// The claim that says what somebody may do.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_OIDC_ROLE_CLAIM",
        value_name = "CLAIM",
        default_value = "roles"
    )]
    pub oidc_role_claim: String,
    /// The value of the claim that makes an administrator.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_OIDC_ADMINISTRATOR",
        value_name = "VALUE",
        default_value = "serviceops-administrator"
    )]
    pub oidc_administrator: String,
    /// The value of the claim that makes an auditor. Whoever has neither is not let in.
    #[arg(
        long,
        env = "SERVICEOPS_SCIM_OIDC_AUDITOR",
        value_name = "VALUE",
        default_value = "serviceops-auditor"
    )]
    pub oidc_auditor: String,
    /// The certificates in PEM by which the provider is trusted, instead of the public ones.
    #[arg(long, env = "SERVICEOPS_SCIM_OIDC_CA_FILE", value_name = "FILE")]
    pub oidc_ca_file: Option<PathBuf>,
}

/// Which certificate the server presents.
#[derive(Debug, Clone, Args)]
pub struct TlsOptions {
    /// The certificate chain in PEM; a self-signed one is made without it.
    #[arg(long, env = "SERVICEOPS_SCIM_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, env = "SERVICEOPS_SCIM_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl OpenIdOptions {
    /// The provider by which administrators sign in, where there is one.
    pub fn settings(&self) -> Option<OpenIdSettings> {
        Some(OpenIdSettings {
            issuer: self.oidc_issuer.clone()?,
            client_id: self.oidc_client_id.clone()?,
            client_secret_file: self.oidc_client_secret_file.clone(),
            role_claim: self.oidc_role_claim.clone(),
            administrator: self.oidc_administrator.clone(),
            auditor: self.oidc_auditor.clone(),
            ca_file: self.oidc_ca_file.clone(),
        })
    }
}

impl ServeOptions {
    /// How long is kept what time takes away.
    pub fn retention(&self) -> Retention {
        let kept = |days: u32| Some(i64::from(days)).filter(|days| *days > 0);
        Retention {
            events: kept(self.event_retention_days),
            requests: kept(self.request_retention_days),
            changes: i64::from(self.feed_retention_days),
            images: i64::from(self.undo_days),
        }
    }

    /// Checks that the options go together.
    ///
    /// # Errors
    /// When nobody says who speaks the PROXY protocol, or where clients reach a server that has no
    /// address of its own.
    pub fn check(&self, common: &Common) -> anyhow::Result<()> {
        let sockets = self.sockets().next().is_some();
        let why = if self.proxy_protocol && self.trusted_proxies.is_empty() && !sockets {
            "--proxy-protocol goes with --trusted-proxies: who speaks it"
        } else if self.addresses().next().is_none() && common.public_url.is_none() {
            "a server that listens at sockets alone needs --public-url: where clients reach it"
        } else {
            return Ok(());
        };
        Err(WrongUsage(why.into()).into())
    }

    /// The networks of the proxies that speak the PROXY protocol.
    pub fn balancers(&self) -> Vec<IpNet> {
        match self.proxy_protocol {
            true => self.trusted_proxies.clone(),
            false => Vec::new(),
        }
    }

    /// The addresses to listen at.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.listen.iter().filter_map(|listen| match listen {
            Listen::Address(address) => Some(address.as_str()),
            Listen::Socket(_) => None,
        })
    }

    /// The sockets of this machine to listen at.
    pub fn sockets(&self) -> impl Iterator<Item = &Path> {
        self.listen.iter().filter_map(|listen| match listen {
            Listen::Socket(path) => Some(path.as_path()),
            Listen::Address(_) => None,
        })
    }

    /// For how long requests are served after the word to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain.into())
    }

    /// Whether nobody chose the address.
    pub fn listens_by_default(&self) -> bool {
        self.addresses().eq([DEFAULT_LISTEN])
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the server listens when nothing is said: every address of both families.
pub const DEFAULT_LISTEN: &str = "[::]:8443";

/// The port of [`DEFAULT_LISTEN`].
pub const DEFAULT_PORT: u16 = 8443;

/// Reads `10.0.0.0/8`, or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_network| address())
        .map_err(|_address| format!("{text:?} is no network such as 10.0.0.0/8"))
}
