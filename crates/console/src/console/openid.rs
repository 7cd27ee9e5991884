//! Signing in by an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect
//! Core 1.0 section 3.1, RFC 7636).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
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

#[derive(Debug, thiserror::Error)]
enum HttpError {
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
    pub fn new(settings: &OpenIdSettings, console: &str) -> anyhow::Result<Self> {
        let (issuer, client) = (&settings.issuer, &settings.client_id);
        ensure!(
            issuer.starts_with("https://"),
            "the OpenID provider is reached by https:// alone"
        );
        let secret = match &settings.client_secret_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
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
            issuer: IssuerUrl::new(issuer.clone()).context("the OpenID issuer is no URL")?,
            client: ClientId::new(client.clone()),
            secret,
            redirect: RedirectUrl::new(format!("{console}/openid/callback"))
                .context("the public URL is no URL")?,
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
    fn metadata(&self) -> anyhow::Result<CoreProviderMetadata> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, metadata)) = &*known
            && at.elapsed() < METADATA_AGE
        {
            return Ok(metadata.clone());
        }
        let send = |request: HttpRequest| self.send(request);
        let metadata = CoreProviderMetadata::discover(&self.issuer, &send)
            .context("the OpenID provider does not describe itself")?;
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// Where somebody is sent to, and what is kept meanwhile.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub(super) fn begin(&self, next: &str, confirms: bool) -> anyhow::Result<(String, Flow)> {
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
            begun: Utc::now().timestamp(),
            next: next.to_owned(),
            confirms,
        };
        Ok((address.to_string(), flow))
    }

    /// Takes the code that somebody brought back from the provider.
    ///
    /// # Errors
    /// When it is not of this flow, or the provider does not vouch for anybody.
    pub(super) fn end(&self, flow: &Flow, state: &str, code: &str) -> anyhow::Result<Vouched> {
        let age = Utc::now().timestamp() - flow.begun;
        ensure!(
            (0..=FLOW_SECONDS).contains(&age),
            "the sign-in took too long"
        );
        ensure!(
            ring::digest::digest(&ring::digest::SHA256, state.as_bytes()).as_ref()
                == ring::digest::digest(&ring::digest::SHA256, flow.state.as_bytes()).as_ref(),
            "the answer is not of this sign-in"
        );
        let client = CoreClient::from_provider_metadata(
            self.metadata()?,
            self.client.clone(),
            self.secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone());
        let send = |request: HttpRequest| self.send(request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .context("the provider names no token endpoint")?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()))
            .request(&send)
            .context("the provider does not take the code")?;
        let token = answer.id_token().context("the provider sent no ID token")?;
        let verifier = client.id_token_verifier().set_allowed_algs([
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        ]);
        let claims = token
            .claims(&verifier, &Nonce::new(flow.nonce.clone()))
            .context("the ID token does not hold")?;
        if flow.confirms {
            let at = claims
                .auth_time()
                .context("the ID token does not say when")?;
            ensure!(
                at.timestamp() >= flow.begun - CLOCKS,
                "the provider did not ask for the password again"
            );
        }
        // Of the token that was just verified.
        let all = payload(&token.to_string())?;
        // OpenID Connect Core 1.0 section 3.1.3.7, point 5.
        ensure!(
            all.get("azp")
                .is_none_or(|azp| azp.as_str() == Some(self.client.as_str())),
            "the ID token was issued to another client"
        );
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

fn payload(token: &str) -> anyhow::Result<Value> {
    let part = token
        .split('.')
        .nth(1)
        .context("the ID token has no payload")?;
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('='))?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn certificates(file: &std::path::Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.with_context(|| format!("{} is no PEM", file.display()))?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        bail!("{} holds no certificate", file.display());
    }
    Ok(found)
}

/// How long somebody may be at the provider, in seconds.
const FLOW_SECONDS: i64 = 600;
/// How far the clocks of the provider and this server may be apart, in seconds.
const CLOCKS: i64 = 30;
const METADATA_AGE: Duration = Duration::from_secs(3_600);
/// For how long a provider that could not be reached is not asked again.
const FAILURE_AGE: Duration = Duration::from_secs(30);
/// The longest answer of the provider, in bytes.
const LARGEST: u64 = 1 << 20;
