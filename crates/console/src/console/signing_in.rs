//! Setting up, signing in and out, and entering the password again.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim_admin::{AdminError, Attempt, Problem, Sealed};
use scim_http::error::describe_error;

use super::entered::{self, Keeping};
use super::openid::{FLOW_SECONDS, Flow, NotVouched};
use super::routes::{Handler, page_above};
use super::{CONSOLE, ConsoleAnswer, Failed, Visit, address, cookies, refusal, sentence};

/// A page with a password.
#[derive(Template)]
#[template(path = "password.html")]
struct Password<'a> {
    title: &'a str,
    action: String,
    button: &'a str,
    intro: &'a str,
    error: String,
    name: Option<&'a str>,
    /// Whether the password is a new one.
    new: bool,
    /// The name of the password's field.
    field: &'a str,
    /// What else goes with the form.
    kept: Vec<(String, String)>,
    /// Where somebody goes who changes their mind.
    back: String,
    secret: &'a str,
    next: &'a str,
    theme: &'static str,
    /// Where the OpenID provider is asked instead.
    openid: String,
    /// Whether there is a password at all.
    by_password: bool,
    /// Whether the form asks for it; otherwise it has its button alone.
    asks: bool,
}

impl Default for Password<'_> {
    fn default() -> Self {
        Self {
            title: "Sign in",
            action: "/admin/login".to_owned(),
            button: "Sign in",
            intro: "",
            error: String::new(),
            name: Some(""),
            new: false,
            field: "password",
            kept: Vec::new(),
            back: String::new(),
            secret: "",
            next: "",
            theme: "",
            openid: String::new(),
            by_password: true,
            asks: true,
        }
    }
}

/// Where somebody wanted to go, if that is a page of the console.
pub(super) fn next(text: &str) -> &str {
    let below = text == CONSOLE || text.starts_with("/admin/") || text.starts_with("/admin?");
    // A browser reads a backslash as a slash.
    match below && !text.contains(['\\', '\r', '\n']) {
        true => text,
        false => CONSOLE,
    }
}

/// Sends whoever is not signed in to the sign-in, and back afterwards.
pub(super) fn ask(visit: &Visit<'_>) -> ConsoleAnswer {
    if visit.request.method == "POST" {
        return match entered::keep(visit) {
            Some(Keeping { page, cookies }) => {
                let kept = if cookies.is_some() { "kept" } else { "lost" };
                ConsoleAnswer {
                    cookies: cookies.unwrap_or_default(),
                    ..ConsoleAnswer::redirect(format!(
                        "/admin/login?{kept}=1&next={}",
                        encoded(&page)
                    ))
                }
            }
            None => {
                let page = format!("{CONSOLE}{}", page_above(visit.request.path));
                ConsoleAnswer::redirect(format!("/admin/login?next={}", encoded(&page)))
            }
        };
    }
    let wanted = match (visit.request.method, visit.request.query) {
        (_, "") => format!("{CONSOLE}{}", visit.request.path),
        (_, query) => format!("{CONSOLE}{}?{query}", visit.request.path),
    };
    ConsoleAnswer::redirect(format!("/admin/login?next={}", encoded(&wanted)))
}

/// Sends somebody to the sign-in whose form was too long to be read, and back to its page.
pub(super) fn ask_without_form(path: &str) -> ConsoleAnswer {
    let page = address(page_above(path));
    ConsoleAnswer::redirect(format!("/admin/login?lost=1&next={}", encoded(&page)))
}

/// A text as it stands in a query: nothing is left as it is but what RFC 3986 section 2.3 calls
/// unreserved.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn form(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    ConsoleAnswer::page(200, &sign_in_page(visit, visit.query.text("next")))
}

fn sign_in_page<'a>(visit: &Visit<'_>, to: &'a str) -> Password<'a> {
    let next = next(to);
    Password {
        next,
        intro: match (entered::waits(visit.request), visit.query.checked("lost")) {
            (_, true) => {
                "You were signed out before this was sent, and what you entered is too long to be kept. Go back in your browser to copy it before you sign in."
            }
            (true, false) => {
                "You were signed out. What you entered is kept for 15 minutes: sign in, and it comes back."
            }
            (false, false) => "",
        },
        theme: cookies::theme(visit.request.cookie),
        openid: match visit.console.openid {
            Some(_) => format!("/admin/openid?next={}", encoded(next)),
            None => String::new(),
        },
        ..Password::default()
    }
}

pub(super) fn sign_in(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (name, password) = (visit.form.text("name"), visit.form.text("password"));
    let admin = &visit.console.admin;
    match gate(visit, name, password, |attempt| admin.sign_in(attempt))? {
        Ok(done) => Ok(ConsoleAnswer {
            cookies: cookies::admitted(&done),
            ..ConsoleAnswer::redirect(next(visit.form.text("next")))
        }),
        Err(error) => again(
            Password {
                name: Some(name),
                ..sign_in_page(visit, visit.form.text("next"))
            },
            error,
        ),
    }
}

/// What every password goes through, whatever page it is entered on. An address from which
/// strangers failed too often waits, and nothing is hashed for it; a device that the account knows
/// does not count among them.
fn gate<T>(
    visit: &Visit<'_>,
    name: &str,
    password: &str,
    work: impl FnOnce(&Attempt<'_>) -> Result<T, AdminError>,
) -> Result<Result<T, AdminError>, Failed> {
    let (admin, source) = (&visit.console.admin, visit.request.source);
    let device = visit
        .request
        .cookie
        .and_then(|all| cookies::find(all, cookies::DEVICE));
    let stranger = !admin.is_known_device(name, device)?;
    let address = source.and_then(|source| source.parse().ok());
    let address = address.filter(|_address| stranger);
    let addresses = &visit.console.addresses;
    if let Some(wait) = address.and_then(|address| addresses.waits(address, Instant::now())) {
        return Err(waits(wait));
    }
    let done = work(&Attempt {
        source,
        name,
        password,
        device,
    });
    if let (Err(AdminError::SignIn), Some(address)) = (&done, address)
        && let Some(wait) = addresses.failure(address, Instant::now())
    {
        return Err(waits(wait));
    }
    Ok(done)
}

/// The page that makes a browser a known device; what only looks at the link uses nothing up.
pub(super) fn device_form(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let page = Password {
        title: "Let this browser in",
        action: "/admin/device".to_owned(),
        button: "Let this browser in",
        intro: "Whoever runs the server sent you this link. It is good once: from then on you sign in from this browser, whatever others do.",
        name: None,
        secret: visit.query.text("secret"),
        asks: false,
        theme: cookies::theme(visit.request.cookie),
        ..Password::default()
    };
    ConsoleAnswer::page(200, &page)
}

pub(super) fn admit_device(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let (admin, secret) = (&visit.console.admin, visit.form.text("secret"));
    let (kept, _name) = admin.admit_device(visit.request.source, secret)?;
    Ok(ConsoleAnswer {
        cookies: vec![cookies::device(&kept)],
        ..ConsoleAnswer::redirect("/admin/login")
    })
}

/// The page again, with what was wrong.
fn again(page: Password<'_>, error: AdminError) -> Result<ConsoleAnswer, Failed> {
    let status = match &error {
        AdminError::SignIn => 401,
        AdminError::SignInLater(_) | AdminError::SignInClosed => 429,
        AdminError::Invalid(_) | AdminError::NameTaken(_) => 422,
        _ => return Err(error.into()),
    };
    let said = match (&error, page.name) {
        // Whose password it is, is known.
        (AdminError::SignIn, None) => "The password is wrong.".to_owned(),
        _ => sentence(&error),
    };
    let page = Password {
        error: said,
        ..page
    };
    ConsoleAnswer::page(status, &page)
}

fn setup_page(secret: &str) -> Password<'_> {
    Password {
        title: "Set up ServiceOps SCIM",
        action: "/admin/setup".to_owned(),
        button: "Create the administrator",
        intro: "Choose the name and the password of the first administrator. A password has 15 characters or more; four random words are easy to keep.",
        new: true,
        secret,
        ..Password::default()
    }
}

pub(super) fn setup_form(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let secret = visit.query.text("secret");
    match may_set_up(visit, secret)? {
        true => ConsoleAnswer::page(200, &setup_page(secret)),
        false => Err(Failed::NotFound),
    }
}

fn may_set_up(visit: &Visit<'_>, secret: &str) -> Result<bool, Failed> {
    let setup = visit
        .console
        .setup
        .lock()
        // Whoever panicked left the secret as it was.
        .unwrap_or_else(PoisonError::into_inner);
    let open = setup.as_ref().is_some_and(|(wanted, until)| {
        is_same(wanted, secret) && visit.console.admin.now() < *until
    });
    drop(setup);
    Ok(open && visit.console.admin.wants_setup()?)
}

/// Compares two secrets in the same time for every wrong one.
fn is_same(wanted: &str, secret: &str) -> bool {
    let hash = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let (wanted, secret) = (hash(wanted), hash(secret));
    let bytes = wanted.as_ref().iter().zip(secret.as_ref());
    bytes.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

pub(super) fn set_up(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let secret = visit.form.text("secret");
    if !may_set_up(visit, secret)? {
        return Err(Failed::NotFound);
    }
    let (name, password) = (visit.form.text("name"), visit.form.text("password"));
    let page = Password {
        name: Some(name),
        ..setup_page(secret)
    };
    let (admin, source) = (&visit.console.admin, visit.request.source);
    let begun = admin.set_up(source, name, password).and_then(|_account| {
        admin.sign_in(&Attempt {
            source,
            name,
            password,
            device: None,
        })
    });
    match begun {
        Ok(done) => Ok(ConsoleAnswer {
            cookies: cookies::admitted(&done),
            ..ConsoleAnswer::redirect("/admin/users/scim-provisioning")
        }),
        Err(error) => again(page, error),
    }
}

/// Asks for the password before a form is carried out. The form comes along, so that nothing has
/// to be entered twice.
pub(super) fn confirm(mut visit: Visit<'_>, handler: Handler) -> Result<ConsoleAnswer, Failed> {
    let Some(password) = visit.form.given(CONFIRM) else {
        return ConsoleAnswer::page(200, &confirm_page(&visit)?);
    };
    let (admin, who) = (&visit.console.admin, visit.who()?.clone());
    let confirmed = gate(&visit, &who.name, password, |attempt| {
        admin.confirm(&who, attempt)
    })?;
    let done = match confirmed {
        Ok(done) => done,
        Err(error) => return again(confirm_page(&visit)?, error),
    };
    visit.signed_in = admin.signed_in(done.session.reveal(), true)?;
    let answer = handler(&visit);
    // Whatever comes of it, the session goes on under its new secret.
    let mut answer = answer.unwrap_or_else(|failed| refusal(&visit, &failed));
    answer.cookies.extend(cookies::admitted(&done));
    Ok(answer)
}

fn confirm_page<'a>(visit: &'a Visit<'_>) -> Result<Password<'a>, Failed> {
    let by_openid = visit.who()?.openid;
    let back = format!("{CONSOLE}{}", page_above(visit.request.path));
    Ok(Password {
        title: "Enter your password again",
        action: format!("{CONSOLE}{}", visit.request.path),
        button: "Continue",
        intro: match by_openid {
            true => {
                "What you want to do shows a secret, gives rights or cannot be undone. Nothing was done yet: sign in again, and press the button once more."
            }
            false => "What you want to do shows a secret, gives rights or cannot be undone.",
        },
        name: None,
        field: CONFIRM,
        kept: visit
            .form
            .0
            .iter()
            .filter(|(name, _)| name != CONFIRM)
            .cloned()
            .collect(),
        openid: match by_openid {
            true => format!("/admin/openid?confirm=1&next={}", encoded(&back)),
            false => String::new(),
        },
        back,
        theme: cookies::theme(visit.request.cookie),
        by_password: !by_openid,
        ..Password::default()
    })
}

pub(super) fn sign_out(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let admin = &visit.console.admin;
    admin.sign_out(visit.request.source, visit.who()?)?;
    Ok(ConsoleAnswer {
        cookies: vec![cookies::forget(cookies::SESSION)],
        ..ConsoleAnswer::redirect("/admin/login")
    })
}

/// Keeps the theme that somebody chose, and goes back.
pub(super) fn set_theme(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    Ok(ConsoleAnswer {
        cookies: vec![cookies::chosen_theme(visit.form.text("theme"))],
        ..ConsoleAnswer::redirect(next(visit.form.text("next")))
    })
}

/// Sends somebody to the OpenID provider.
pub(super) fn begin_openid(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let openid = visit.console.openid.as_ref().ok_or(Failed::NotFound)?;
    let confirms = visit.query.checked("confirm");
    let begin = || {
        openid.begin(
            next(visit.query.text("next")),
            confirms,
            visit.console.admin.now(),
        )
    };
    let (address, flow) = asked(visit, begin)?;
    let kept = serde_json::to_string(&flow).map_err(|error| Failed::internal(&error))?;
    let sealed = visit.console.admin.seal(Sealed::SignIn, &kept)?;
    Ok(ConsoleAnswer {
        cookies: vec![cookies::keep(cookies::FLOW, &sealed, FLOW_SECONDS)],
        ..ConsoleAnswer::redirect(address)
    })
}

/// Takes somebody back from the OpenID provider.
pub(super) fn end_openid(visit: &Visit<'_>) -> Result<ConsoleAnswer, Failed> {
    let openid = visit.console.openid.as_ref().ok_or(Failed::NotFound)?;
    let admin = &visit.console.admin;
    let sealed = visit
        .request
        .cookie
        .and_then(|all| cookies::find(all, cookies::FLOW));
    let kept = sealed.and_then(|sealed| admin.unseal(Sealed::SignIn, sealed));
    let flow: Option<Flow> = kept.and_then(|kept| serde_json::from_str(&kept).ok());
    let flow = flow.ok_or(Failed::Form)?;
    let (state, code) = (visit.query.text("state"), visit.query.text("code"));
    let vouched = asked(visit, || openid.end(&flow, state, code, admin.now()))?;
    let Some(role) = vouched.role else {
        admin.role_taken(visit.request.source, &vouched.who)?;
        let subject = vouched.who.subject;
        tracing::warn!(subject, "the OpenID provider gives no role");
        return Err(Failed::Refused(
            Problem::entry("the OpenID provider gives you no role here; ask who administers it")
                .refused(),
        ));
    };
    let confirms = visit.signed_in.as_ref().filter(|_| flow.confirms);
    let token = admin.sign_in_by_openid(
        visit.request.source,
        &vouched.who,
        &vouched.name,
        role,
        confirms,
    )?;
    Ok(ConsoleAnswer {
        cookies: vec![cookies::session(&token)],
        ..ConsoleAnswer::redirect(next(&flow.next))
    })
}

/// Asks the provider, unless the address failed too often by then.
fn asked<T>(visit: &Visit<'_>, work: impl FnOnce() -> Result<T, NotVouched>) -> Result<T, Failed> {
    let addresses = &visit.console.addresses;
    let address = visit.request.source.and_then(|source| source.parse().ok());
    if let Some(wait) = address.and_then(|address| addresses.waits(address, Instant::now())) {
        return Err(waits(wait));
    }
    work().map_err(|error| {
        let wait = address.and_then(|address| addresses.failure(address, Instant::now()));
        wait.map_or_else(|| not_vouched(&error), waits)
    })
}

fn waits(wait: Duration) -> Failed {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    Failed::Address(seconds.saturating_add(1))
}

/// What is said when the provider does not vouch for somebody; the log says why.
fn not_vouched(error: &NotVouched) -> Failed {
    let reason = describe_error(error);
    tracing::warn!(reason, "sign-in by the OpenID provider failed");
    Failed::Refused(
        Problem::entry("the OpenID provider did not sign you in; the server's log says why")
            .refused(),
    )
}

/// The field of a password that is entered again.
const CONFIRM: &str = "confirm_password";
