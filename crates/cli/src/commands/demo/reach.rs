//! How the server on this machine is reached, and nobody else in its place.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use scim_admin::IssuedToken;
use scim_client::{Client, UreqTransport};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::certificate::{CertificateFiles, chain};
use crate::record;
use crate::settings::{Common, TlsOptions};

/// The server on this machine, known by its certificate.
pub(super) struct Reached {
    agent: Agent,
    base_url: String,
}

impl Reached {
    /// Whoever listens where the server noted that it does, and presents its certificate. It is asked
    /// before there is a token that it could be told.
    ///
    /// # Errors
    /// When no server ran on the data directory, its certificate cannot be read, or nobody who has it
    /// answers.
    pub(super) fn find(common: &Common, options: &TlsOptions) -> anyhow::Result<Self> {
        let recorded = record::read(&common.data_dir);
        let recorded = recorded.context("no server ran on this data directory; start one first")?;
        let url = recorded.public_url();
        let url = url.context("the server noted no public URL; start it again")?;
        let files = CertificateFiles::of(common, options)?;
        let chain = chain(&files.certificate)?;
        let roots: Vec<_> = chain
            .iter()
            .map(|one| Certificate::from_der(one).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let config = UreqTransport::config().tls_config(tls).proxy(None).build();
        let address = recorded.local_address().context(
            "the server listens at sockets alone, and the demo reaches it by TLS; let it listen at an \
             address of this machine too",
        )?;
        let agent = Agent::with_parts(config, DefaultConnector::new(), Here(address));
        // The certificate is made for the public name, behind which there may be another machine.
        let host = match url.host() {
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let at = format!("https://{host}:{}", address.port());
        let asked = agent.get(format!("{at}/readyz")).call();
        let asked = asked.with_context(|| {
            format!(
                "nobody who has the certificate of {} answers on {address}; is the server running, \
                 and is its certificate for {host}, with those of its issuers behind it?",
                files.certificate.display()
            )
        })?;
        match asked.status().as_u16() {
            200 => Ok(Self {
                agent,
                base_url: format!("{at}/api/scim/v2"),
            }),
            status => bail!("the server on {address} is not ready (status {status}); see its log"),
        }
    }

    /// A client that speaks for the demo alone.
    pub(super) fn client(&self, token: &IssuedToken) -> Client<UreqTransport> {
        let transport = UreqTransport::new(self.agent.clone());
        Client::new(transport, &*self.base_url).with_bearer_token(token.value.reveal())
    }
}

/// Finds every name on this machine.
#[derive(Debug)]
struct Here(SocketAddr);

impl Resolver for Here {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        found.push(self.0);
        Ok(found)
    }
}
