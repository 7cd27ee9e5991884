//! Signing in by an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect
//! Core 1.0 section 3.1, RFC 7636).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, ConfigurationError,
    CsrfToken, DiscoveryError, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
    url,
};
use scim_admin::account::{OpenIdSubject, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};

/// The OpenID provider by which administrators sign in.
#[derive(Debug, Clone)]
pub struct OpenIdSettings {
    /// Its address, as `https://login.example.com`.
    pub issuer: String,
    /// The client id that it gave.
    pub client_id: String,
    /// The file with the client secret.
    pub client_secret_file: Option<PathBuf>,
    /// The claim that says what somebody may do.
    pub role_claim: String,
    /// The value of the claim that makes an administrator.
    pub administrator: String,
    /// The value of the claim that makes an auditor.
    pub auditor: String,
    /// The certificates in PEM by which it is trusted, instead of the public ones.
    pub ca_file: Option<PathBuf>,
}

/// The OpenID provider of the console.
pub struct OpenId {
    issuer: IssuerUrl,
    client: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    role_claim: String,
    administrator: String,
    auditor: String,
    agent: ureq::Agent,
    known: Mutex<Known>,
    /// When the provider last could not be reached.
    unreachable: Mutex<Option<Instant>>,
}

/// What the provider said of itself, and when.
type Known = Option<(Instant, CoreProviderMetadata)>;

/// What is kept in the browser, sealed, while somebody is at the provider.
#[derive(Serialize, Deserialize)]
pub(super) struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    /// When it began, in seconds since 1970.
    begun: i64,
    /// Where to go afterwards.
    pub(super) next: String,
    /// Whether a session is confirmed, and none is begun.
    pub(super) confirms: bool,
}

/// Somebody for whom the provider vouches.
pub(super) struct Vouched {
    pub(super) who: OpenIdSubject,
    pub(super) name: String,
    /// `None` for somebody who may do nothing here.
    pub(super) role: Option<Role>,
}

/// Why the settings of an OpenID provider cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenIdSettingsError {
    /// The issuer is not reached by TLS.
    #[error("the OpenID provider is reached by https:// alone")]
    NotHttps,
    /// The issuer is no URL.
    #[error("the OpenID issuer is no URL")]
    Issuer(#[source] url::ParseError),
    /// The URL of the console is none.
    #[error("the public URL is no URL")]
    PublicUrl(#[source] url::ParseError),
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file is no PEM.
    #[error("{} is no PEM", .path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: ureq::Error,
    },
    /// A file holds no certificate.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
}

/// Why the provider signs nobody in.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotVouched {
    #[error("the OpenID provider does not describe itself")]
    NotDescribed(#[source] DiscoveryError<HttpError>),
    #[error("the sign-in took too long")]
    TooLate,
    #[error("the answer is not of this sign-in")]
    OtherSignIn,
    #[error("the provider names no token endpoint")]
    NoTokenEndpoint(#[source] ConfigurationError),
    #[error("the provider does not take the code")]
    CodeRefused(
        #[source] RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>,
    ),
    #[error("the provider sent no ID token")]
    NoToken,
    #[error("the ID token does not hold")]
    TokenDoesNotHold(#[source] ClaimsVerificationError),
    #[error("the ID token does not say when")]
    NoTime,
    #[error("the provider did not ask for the password again")]
    NotAskedAgain,
    #[error("the ID token has no payload")]
    NoPayload,
    #[error("the payload of the ID token is no base64")]
    NotBase64(#[source] base64::DecodeError),
    #[error("the payload of the ID token is no JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("the ID token was issued to another client")]
    OtherClient,
}

/// Why the provider gives no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("the provider cannot be reached: {0}")]
    Ureq(#[from] ureq::Error),
    #[error("the provider could not be reached a moment ago; it is asked again soon")]
    Unreachable,
    #[error("the answer of the provider cannot be read: {0}")]
    Http(#[from] openidconnect::http::Error),
}

impl OpenId {
    /// The provider of these settings; `console` is the URL of the console.
    ///
    /// # Errors
    /// When a file cannot be read, or the address is none.
    pub fn new(settings: &OpenIdSettings, console: &str) -> Result<Self, OpenIdSettingsError> {
        let (issuer, client) = (&settings.issuer, &settings.client_id);
        if !issuer.starts_with("https://") {
            return Err(OpenIdSettingsError::NotHttps);
        }
        let secret = match &settings.client_secret_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(unreadable(file))?;
                Some(ClientSecret::new(text.trim().to_owned()))
            }
            None => None,
        };
        let roots = match &settings.ca_file {
            Some(file) => RootCerts::Specific(Arc::new(certificates(file)?)),
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .timeout_global(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .new_agent();
        Ok(Self {
            issuer: IssuerUrl::new(issuer.clone()).map_err(OpenIdSettingsError::Issuer)?,
            client: ClientId::new(client.clone()),
            secret,
            redirect: RedirectUrl::new(format!("{console}/openid/callback"))
                .map_err(OpenIdSettingsError::PublicUrl)?,
            role_claim: settings.role_claim.clone(),
            administrator: settings.administrator.clone(),
            auditor: settings.auditor.clone(),
            agent,
            known: Mutex::new(None),
            unreachable: Mutex::new(None),
        })
    }

    /// Sends a request, unless the provider could not be reached a moment ago.
    fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let unreachable = || {
            self.unreachable
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if unreachable().is_some_and(|at| at.elapsed() < FAILURE_AGE) {
            return Err(HttpError::Unreachable);
        }
        let sent = self.exchange(request);
        if sent.is_err() {
            *unreachable() = Some(Instant::now());
        }
        sent
    }

    fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut answer = self.agent.run(request)?;
        let mut response = openidconnect::http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let limited = answer.body_mut().with_config().limit(LARGEST);
        Ok(response.body(limited.read_to_vec()?)?)
    }

    /// What the provider says of itself; asked again after an hour, so that new keys are found.
    /// Whoever comes while it is asked waits for the one answer.
    fn metadata(&self) -> Result<CoreProviderMetadata, NotVouched> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, metadata)) = &*known
            && at.elapsed() < METADATA_AGE
        {
            return Ok(metadata.clone());
        }
        let send = |request: HttpRequest| self.send(request);
        let metadata = CoreProviderMetadata::discover(&self.issuer, &send)
            .map_err(NotVouched::NotDescribed)?;
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// Where somebody is sent to, and what is kept meanwhile.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub(super) fn begin(
        &self,
        next: &str,
        confirms: bool,
        now: DateTime<Utc>,
    ) -> Result<(String, Flow), NotVouched> {
        let client = CoreClient::from_provider_metadata(
            self.metadata()?,
            self.client.clone(),
            self.secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge);
        if confirms {
            request = request.set_max_age(Duration::ZERO);
        }
        let (address, state, nonce) = request.url();
        let flow = Flow {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            begun: now.timestamp(),
            next: next.to_owned(),
            confirms,
        };
        Ok((address.to_string(), flow))
    }

    /// Takes the code that somebody brought back from the provider.
    ///
    /// # Errors
    /// When it is not of this flow, or the provider does not vouch for anybody.
    pub(super) fn end(
        &self,
        flow: &Flow,
        state: &str,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<Vouched, NotVouched> {
        let age = now.timestamp() - flow.begun;
        if !(0..=FLOW_SECONDS).contains(&age) {
            return Err(NotVouched::TooLate);
        }
        let hash = |state: &str| ring::digest::digest(&ring::digest::SHA256, state.as_bytes());
        if hash(state).as_ref() != hash(&flow.state).as_ref() {
            return Err(NotVouched::OtherSignIn);
        }
        let client = CoreClient::from_provider_metadata(
            self.metadata()?,
            self.client.clone(),
            self.secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone());
        let send = |request: HttpRequest| self.send(request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(NotVouched::NoTokenEndpoint)?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()))
            .request(&send)
            .map_err(NotVouched::CodeRefused)?;
        let token = answer.id_token().ok_or(NotVouched::NoToken)?;
        let verifier = client.id_token_verifier().set_allowed_algs([
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        ]);
        let claims = token
            .claims(&verifier, &Nonce::new(flow.nonce.clone()))
            .map_err(NotVouched::TokenDoesNotHold)?;
        if flow.confirms {
            let at = claims.auth_time().ok_or(NotVouched::NoTime)?;
            if at.timestamp() < flow.begun - CLOCKS {
                return Err(NotVouched::NotAskedAgain);
            }
        }
        // Of the token that was just verified.
        let all = payload(&token.to_string())?;
        // OpenID Connect Core 1.0 section 3.1.3.7, point 5.
        let azp = all.get("azp");
        if azp.is_some_and(|azp| azp.as_str() != Some(self.client.as_str())) {
            return Err(NotVouched::OtherClient);
        }
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let subject = claims.subject().to_string();
        let name = ["preferred_username", "email", "name"];
        Ok(Vouched {
            role: self.role(&all),
            name: name
                .into_iter()
                .find_map(text)
                .unwrap_or_else(|| subject.clone()),
            who: OpenIdSubject {
                issuer: claims.issuer().to_string(),
                subject,
            },
        })
    }

    fn role(&self, claims: &Value) -> Option<Role> {
        let values: Vec<&str> = match claims.get(&self.role_claim) {
            Some(Value::String(value)) => vec![value],
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if values.contains(&self.administrator.as_str()) {
            return Some(Role::Administrator);
        }
        values
            .contains(&self.auditor.as_str())
            .then_some(Role::Auditor)
    }
}

fn payload(token: &str) -> Result<Value, NotVouched> {
    let part = token.split('.').nth(1).ok_or(NotVouched::NoPayload)?;
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('='));
    let bytes = bytes.map_err(NotVouched::NotBase64)?;
    serde_json::from_slice(&bytes).map_err(NotVouched::NotJson)
}

fn unreadable(file: &Path) -> impl FnOnce(std::io::Error) -> OpenIdSettingsError {
    let path = file.to_owned();
    move |error| OpenIdSettingsError::Unreadable { path, error }
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, OpenIdSettingsError> {
    let pem = std::fs::read(file).map_err(unreadable(file))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        let item = item.map_err(|error| OpenIdSettingsError::NoPem {
            path: file.to_owned(),
            error,
        })?;
        if let PemItem::Certificate(certificate) = item {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(OpenIdSettingsError::NoCertificate(file.to_owned()));
    }
    Ok(found)
}

/// How long somebody may be at the provider, in seconds.
pub(super) const FLOW_SECONDS: i64 = 600;
/// How far the clocks of the provider and this server may be apart, in seconds.
const CLOCKS: i64 = 30;
const METADATA_AGE: Duration = Duration::from_secs(3_600);
/// For how long a provider that could not be reached is not asked again.
const FAILURE_AGE: Duration = Duration::from_secs(30);
/// The longest answer of the provider, in bytes.
const LARGEST: u64 = 1 << 20;
