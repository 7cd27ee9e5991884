//! The console: pages for administrators, which work without a script.
//!
//! Every page stands in `routes::ROUTES` with who may see it. Whatever changes something is a
//! form that is posted, carries the token of its session, and answers with a redirection.

mod answer;
mod assets;
mod cookies;
pub(crate) mod endpoint;
mod entered;
mod export;
mod flash;
mod form;
mod form_field;
mod imported;
mod markup;
mod meanwhile;
pub mod openid;
pub(crate) mod outbound;
pub(crate) mod outside;
mod pages;
mod refusal;
mod routes;
mod signing_in;
#[cfg(test)]
mod tests;
mod ui;

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use scim_admin::account::Role;
use scim_admin::session::SignedIn;
use scim_admin::{Actor, AdminError, AdminService, Services};
use scim_feed::Feed;
use scim_provisioning::ServiceProvider;

pub(crate) use self::answer::ConsoleAnswer;
use self::answer::Failed;
use self::form::Form;
use self::openid::OpenId;
use self::outside::Outside;
use self::refusal::{message, refusal, said, sentence, too_many};
use self::routes::{Access, Parts, Route};
use scim_http::throttle::Throttle;

/// Where the console is served.
pub const CONSOLE: &str = "/admin";

/// A request that has left its connection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ConsoleRequest<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// The path below [`CONSOLE`], percent-decoded.
    pub(crate) path: &'a str,
    /// The raw query string.
    pub(crate) query: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
    /// The `Cookie` header.
    pub(crate) cookie: Option<&'a str>,
    /// The `Origin` header.
    pub(crate) origin: Option<&'a str>,
    /// The `Host` header.
    pub(crate) host: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub(crate) fetch_site: Option<&'a str>,
    /// Whether a script fetched it by itself, with nobody there.
    pub(crate) polled: bool,
    /// Where the request came from.
    pub(crate) source: Option<&'a str>,
}

/// The console over the services.
pub(crate) struct Console {
    admin: Arc<AdminService>,
    provider: Arc<ServiceProvider>,
    feed: Feed,
    scim_endpoint: String,
    setup: Mutex<Option<(String, DateTime<Utc>)>>,
    openid: Option<Arc<OpenId>>,
    /// Scheme and host of the public URL, as browsers name where a form comes from.
    origin: String,
    outside: Outside,
    /// Failed sign-ins of strangers, by address.
    addresses: Throttle,
}

/// What a page is given.
struct Visit<'a> {
    console: &'a Console,
    request: &'a ConsoleRequest<'a>,
    signed_in: Option<SignedIn>,
    /// The number of the last audit entry when the page was begun; forms carry it as `seen`.
    seen: i64,
    /// The parts of the path that vary, by their names.
    parts: Parts,
    query: Form,
    form: Form,
}

impl Console {
    /// The console over these services.
    pub(crate) fn new(
        services: Services,
        scim_endpoint: &str,
        openid: Option<Arc<OpenId>>,
    ) -> Self {
        let Services {
            admin,
            provider,
            feed,
        } = services;
        Self {
            admin,
            provider,
            feed,
            scim_endpoint: scim_endpoint.to_owned(),
            setup: Mutex::new(None),
            openid,
            origin: origin(scim_endpoint).to_owned(),
            outside: Outside::of(scim_endpoint),
            addresses: Throttle::new(SIGN_INS, SIGN_IN_PERIOD),
        }
    }

    /// The secret of a set-up link, if nobody can sign in yet. It is good for an hour.
    ///
    /// # Errors
    /// When the database cannot be asked, or there are no random numbers.
    pub(crate) fn setup_secret(&self) -> Result<Option<String>, AdminError> {
        if !self.admin.wants_setup()? {
            return Ok(None);
        }
        let secret = self.admin.draw_secret()?;
        if let Ok(mut setup) = self.setup.lock() {
            *setup = Some((secret.clone(), self.admin.now() + Duration::hours(1)));
        }
        Ok(Some(secret))
    }

    /// Whether a request comes from somebody who is signed in, whatever it asks for.
    pub(crate) fn knows(&self, request: &ConsoleRequest<'_>) -> bool {
        let session = request
            .cookie
            .and_then(|all| cookies::find(all, cookies::SESSION));
        session.is_some_and(|session| {
            let found = self.admin.signed_in(session, false);
            found.is_ok_and(|found| found.is_some())
        })
    }

    /// Whether a form begins like one of a page of an account here, whose session may have ended.
    pub(crate) fn is_own_form(&self, begin: &[u8]) -> bool {
        let form = Form::parse(&String::from_utf8_lossy(begin));
        let account = self.admin.account_of_form(form.text("form_token"));
        account.is_some()
    }

    /// Answers a request that leads to a page, or to what a form does.
    fn answer(
        &self,
        request: &ConsoleRequest<'_>,
        route: &'static Route,
        parts: Parts,
    ) -> ConsoleAnswer {
        match self.run(request, route, parts) {
            Ok(answer) => answer,
            Err(failed) => self.refuse(request, &failed),
        }
    }

    /// Answers a request that leads nowhere.
    fn answer_elsewhere(&self, request: &ConsoleRequest<'_>) -> ConsoleAnswer {
        let mut assets = assets::ASSETS.iter();
        let allowed = match assets.any(|asset| asset.path == request.path) {
            true => Some("GET, HEAD"),
            false => routes::methods(request.path),
        };
        let failed = allowed.map_or(Failed::NotFound, |_methods| Failed::Method);
        ConsoleAnswer {
            allow: allowed.map(str::to_owned),
            ..self.refuse(request, &failed)
        }
    }

    fn refuse(&self, request: &ConsoleRequest<'_>, failed: &Failed) -> ConsoleAnswer {
        if let Failed::Address(seconds) = failed {
            return too_many(*seconds);
        }
        match self.visit(request, Parts::new()) {
            Ok(visit) => refusal(&visit, failed),
            Err(_) => {
                let (status, title, text) = said(failed);
                message(request, status, title, &text)
            }
        }
    }

    fn visit<'a>(
        &'a self,
        request: &'a ConsoleRequest<'a>,
        parts: Parts,
    ) -> Result<Visit<'a>, Failed> {
        let session = request
            .cookie
            .and_then(|all| cookies::find(all, cookies::SESSION));
        let signed_in = match session {
            Some(session) => self.admin.signed_in(session, !request.polled)?,
            None => None,
        };
        Ok(Visit {
            console: self,
            request,
            signed_in,
            seen: 0,
            parts,
            query: Form::parse(request.query),
            form: Form::parse(&String::from_utf8_lossy(request.body)),
        })
    }

    fn run(
        &self,
        request: &ConsoleRequest<'_>,
        route: &'static Route,
        parts: Parts,
    ) -> Result<ConsoleAnswer, Failed> {
        let mut visit = self.visit(request, parts)?;
        // Before anything of the page is read: what comes later is shown as later.
        if visit.administers() {
            visit.seen = meanwhile::last_entry(&self.admin)?;
        }
        match visit.admitted(route.access) {
            Err(Failed::Form) => return entered::again(&visit).ok_or(Failed::Form),
            admitted => admitted?,
        }
        match (&visit.signed_in, route.access) {
            (None, Access::Auditor | Access::Administrator) => Ok(signing_in::ask(&visit)),
            _ => visit.carried_out(route),
        }
    }
}

impl Visit<'_> {
    /// Does what the visit is for.
    fn carried_out(mut self, route: &Route) -> Result<ConsoleAnswer, Failed> {
        let writes = self.request.method == "POST";
        // What auditors may send is tried, and nothing of it is kept.
        let changes = writes && route.access == Access::Administrator;
        let shared = changes && self.form.given(entered::WAS).is_some();
        let pressed = writes && self.form.given(SEEN).is_some();
        for _ in 0..ATTEMPTS {
            if shared && let Some(both) = entered::brought_up(&mut self)? {
                return Ok(both);
            }
            if pressed && let Some(told) = meanwhile::look(&mut self, route.path)? {
                return Ok(told);
            }
            if route.confirmed && !self.is_confirmed() {
                return signing_in::confirm(self, route.handler);
            }
            match (route.handler)(&self) {
                // Somebody else was quicker, after both were compared.
                Err(Failed::Refused(AdminError::Stale)) if shared || pressed => {}
                answer => return Ok(entered::shown(&self, answer?)),
            }
        }
        Err(Failed::Later(1))
    }
}

impl Visit<'_> {
    fn admitted(&self, access: Access) -> Result<(), Failed> {
        let writes = self.request.method == "POST";
        if writes && !self.same_site() {
            return Err(Failed::Form);
        }
        let Some(signed_in) = &self.signed_in else {
            return Ok(());
        };
        if access == Access::Administrator && signed_in.role != Role::Administrator {
            return Err(Failed::Forbidden);
        }
        let token = self.form.text("form_token");
        if writes && access != Access::Anyone && !self.console.admin.is_form_token(signed_in, token)
        {
            return Err(Failed::Form);
        }
        Ok(())
    }

    /// Whether the browser says that the form came from this console.
    fn same_site(&self) -> bool {
        let fetched = self.request.fetch_site;
        if fetched.is_some_and(|site| site != "same-origin" && site != "none") {
            return false;
        }
        // Behind a proxy the browser knows the public URL alone. Without one people come by
        // whatever name the machine has, and the browser sends that one twice.
        let Some(origin) = self.request.origin else {
            return true;
        };
        origin == self.console.origin
            || self.request.host.is_some_and(|host| {
                origin.strip_prefix("https://") == Some(host) && !host.is_empty()
            })
    }

    /// The address of the page; of a form that was posted, that of the page it stands on.
    fn here(&self) -> String {
        let ConsoleRequest { path, query, .. } = self.request;
        match (self.request.method, query.is_empty()) {
            ("POST", _) => address(routes::page_above(path)),
            (_, true) => address(path),
            (_, false) => {
                // What was said once is not said again by coming back.
                let said = |pair: &&str| {
                    let name = pair.split('=').next().unwrap_or_default();
                    !SAID.contains(&name)
                };
                let kept: Vec<&str> = query.split('&').filter(said).collect();
                match kept.is_empty() {
                    true => address(path),
                    false => format!("{}?{}", address(path), kept.join("&")),
                }
            }
        }
    }

    /// Where somebody goes back to who came to nothing.
    fn back(&self) -> String {
        match (self.request.method, self.request.path.rsplit_once('/')) {
            ("POST", _) => self.here(),
            (_, Some((above, _))) => address(routes::page_above(above)),
            (_, None) => CONSOLE.to_owned(),
        }
    }

    /// A part of the path that varies; empty where it has none of that name.
    fn part(&self, name: &str) -> &str {
        self.parts.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Who is signed in; pages that anybody sees do not ask.
    fn who(&self) -> Result<&SignedIn, Failed> {
        self.signed_in.as_ref().ok_or(Failed::Forbidden)
    }

    fn actor(&self) -> Result<Actor, Failed> {
        Ok(Actor::signed_in(self.who()?, self.request.source))
    }

    fn administers(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|who| who.role == Role::Administrator)
    }

    fn is_confirmed(&self) -> bool {
        self.signed_in
            .as_ref()
            .is_some_and(|who| who.is_confirmed(self.console.admin.now()))
    }
}

/// Scheme and host of a URL.
fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(authority..).unwrap_or_default();
    let end = rest.find('/').map_or(url.len(), |at| authority + at);
    url.get(..end).unwrap_or(url)
}

/// The address of a path of the console.
fn address(path: &str) -> String {
    match path {
        "" | "/" => CONSOLE.to_owned(),
        path => format!("{CONSOLE}{path}"),
    }
}

/// What an address says of what was done just now.
const SAID: [&str; 3] = ["done", "done_to", "done_from"];
/// The hidden field of a button's form with the last audit entry that its page knows of.
const SEEN: &str = "seen";
/// How often a form is compared with what others change at the same time.
const ATTEMPTS: usize = 3;
/// How often an address of strangers may fail to sign in within a period.
const SIGN_INS: usize = 30;
const SIGN_IN_PERIOD: std::time::Duration = std::time::Duration::from_secs(600);
