//! What somebody entered is not lost: neither when the session ends before the form is sent, nor
//! when somebody else changed the same thing meanwhile.
//!
//! A form that came too late goes through the sign-in with its browser, sealed, and comes back
//! filled in. A shared form (`data-shared`) carries what it showed; when it is sent, that is
//! compared with what its page shows by now, and only what was changed in it is saved.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use scim_admin::Problem;
use scim_admin::event::{AuditEntry, AuditQuery};
use serde::{Deserialize, Serialize};

use super::markup::{self, Markup, escaped, named};
use super::pages::conflict::{Conflict, Row};
use super::pages::{Shell, instant};
use super::routes;
use super::signing_in::encoded;
use super::{ConsoleAnswer, ConsoleRequest, Failed, Form, Visit, address, cookies};

/// The page on which a form stands that is posted to a path: its path and query.
fn page_of(path: &str, form: &Form) -> (String, String) {
    let key = encoded(form.text("key"));
    if let Some(base) = path.strip_suffix("/save-rule") {
        return match key.as_str() {
            "" => (format!("{base}/new-rule"), String::new()),
            key => (format!("{base}/rules/{key}"), String::new()),
        };
    }
    match path {
        "/users/user-form" => ("/users/user-form/new".to_owned(), String::new()),
        "/users/user-form/edit" => (path.to_owned(), format!("key={key}")),
        path => (routes::page_above(path).to_owned(), String::new()),
    }
}

/// A page as it is now for whoever visits.
fn page_now(visit: &Visit<'_>, (path, query): &(String, String)) -> Option<String> {
    let (route, parts) = routes::find("GET", path)?;
    let request = ConsoleRequest {
        method: "GET",
        path,
        query,
        body: &[],
        ..*visit.request
    };
    let visit = Visit {
        console: visit.console,
        request: &request,
        signed_in: visit.signed_in.clone(),
        seen: visit.seen,
        parts,
        query: Form::parse(query),
        form: Form::default(),
    };
    visit.admitted(route.access).ok()?;
    let answer = (route.handler)(&visit).ok()?;
    (answer.status == 200).then_some(answer.body)
}

// A session that ended.

/// A form on its way through the sign-in.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Whose it is.
    account: String,
    /// Until when it is kept, in seconds since 1970.
    until: i64,
    /// Where it was posted to.
    path: String,
    pairs: Vec<(String, String)>,
}

/// What becomes of the form of somebody whose session ended.
pub(super) struct Keeping {
    /// The address of its page.
    pub(super) page: String,
    /// What the browser keeps of it; `None` when it is too long to be kept.
    pub(super) cookies: Option<Vec<String>>,
}

/// Keeps the form of somebody whose session ended. `None` for what is no form of this console.
pub(super) fn keep(visit: &Visit<'_>) -> Option<Keeping> {
    let admin = &visit.console.admin;
    let account = admin.account_of_form(visit.form.text(TOKEN))?;
    let pairs = visit.form.0.iter();
    let kept = Kept {
        account,
        until: visit.console.admin.now().timestamp() + SECONDS,
        path: visit.request.path.to_owned(),
        pairs: pairs
            .filter(|(name, _)| name != TOKEN && !is_secret(name))
            .cloned()
            .collect(),
    };
    let page = page_address(&page_of(visit.request.path, &visit.form));
    let packed = pack(&serde_json::to_vec(&kept).ok()?);
    let sealed = admin.seal(scim_admin::Sealed::Form, &packed).ok()?;
    let parts: Vec<&[u8]> = sealed.as_bytes().chunks(PART).collect();
    if parts.len() > PARTS {
        let cookies = None;
        return Some(Keeping { page, cookies });
    }
    let cookies = parts.iter().enumerate().filter_map(|(at, part)| {
        let part = std::str::from_utf8(part).ok()?;
        Some(cookies::keep(&format!("{COOKIE}{at}"), part, SECONDS))
    });
    // A shorter one does not end in what is left of a longer one.
    let cookies = cookies.chain((parts.len()..PARTS).map(no_part)).collect();
    let cookies = Some(cookies);
    Some(Keeping { page, cookies })
}

/// A form as it is kept. A mapping says the same words again and again: a document of 50 KB has 4.
fn pack(form: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(miniz_oxide::deflate::compress_to_vec(form, LEVEL))
}

fn unpack(packed: &str) -> Option<Vec<u8>> {
    let packed = URL_SAFE_NO_PAD.decode(packed).ok()?;
    miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, UNPACKED).ok()
}

fn page_address((path, query): &(String, String)) -> String {
    match query.as_str() {
        "" => address(path),
        query => format!("{}?{query}", address(path)),
    }
}

/// Passwords are entered again.
fn is_secret(name: &str) -> bool {
    name.contains("password") || name == "secret"
}

fn no_part(at: usize) -> String {
    cookies::forget(&format!("{COOKIE}{at}"))
}

/// Whether a form waits for its page, whoever's it is.
pub(super) fn waits(request: &ConsoleRequest<'_>) -> bool {
    request.cookie.is_some_and(|all| {
        cookies::find(all, &format!("{COOKIE}0")).is_some_and(|part| !part.is_empty())
    })
}

/// The form that waits for somebody.
fn waiting(visit: &Visit<'_>) -> Option<Kept> {
    let all = visit.request.cookie?;
    let parts = (0..PARTS).map_while(|at| cookies::find(all, &format!("{COOKIE}{at}")));
    let kept = visit
        .console
        .admin
        .unseal(scim_admin::Sealed::Form, &parts.collect::<String>())?;
    let kept: Kept = serde_json::from_slice(&unpack(&kept)?).ok()?;
    let own = visit.who().ok()?.session.account == kept.account;
    (own && visit.console.admin.now().timestamp() <= kept.until).then_some(kept)
}

/// A page, with the form in it that waited for it.
fn come_back(visit: &Visit<'_>, answer: ConsoleAnswer) -> ConsoleAnswer {
    let kept = waiting(visit);
    let mut answer = match kept {
        Some(kept) => {
            let form = Form(kept.pairs);
            if page_of(&kept.path, &form).0 != visit.request.path {
                return answer;
            }
            let body = refilled(visit, &answer.body, &kept.path, &form, BACK);
            ConsoleAnswer { body, ..answer }
        }
        None => answer,
    };
    answer.cookies.extend((0..PARTS).map(no_part));
    answer
}

/// A page with what was entered in the form that is posted to a path, and why it is there.
fn refilled(visit: &Visit<'_>, page: &str, path: &str, form: &Form, said: &str) -> String {
    let said = format!("<p class=\"banner\" role=\"status\">{said}</p>");
    let own = address(visit.request.path);
    let found = markup::form(page, &own, &address(path));
    match found {
        Some(markup) => {
            let was = form.given(WAS).map(carried).unwrap_or_default();
            markup.filled(page, Some(&form.0), &[], &format!("{was}{said}"))
        }
        // A button alone is pressed once more.
        None => page.replacen(MAIN, &format!("{MAIN}{said}"), 1),
    }
}

/// The page of a form that was opened in a session before this one, with what was entered.
pub(super) fn again(visit: &Visit<'_>) -> Option<ConsoleAnswer> {
    let admin = &visit.console.admin;
    let account = admin.account_of_form(visit.form.text(TOKEN))?;
    if !visit.same_site() || visit.who().ok()?.session.account != account {
        return None;
    }
    let kept = visit.form.0.iter().filter(|(name, _)| !is_secret(name));
    let (path, form) = (visit.request.path, Form(kept.cloned().collect()));
    let place = page_of(path, &form);
    let page = page_now(visit, &place)?;
    let own = address(&place.0);
    let body = match markup::form(&page, &own, &address(path)) {
        Some(_) => refilled(visit, &page, path, &form, OLDER),
        None => refilled(visit, &page, "", &form, OLDER),
    };
    Some(ConsoleAnswer {
        body,
        ..ConsoleAnswer::html(403)
    })
}

// What somebody else changed.

/// A hidden field with what a shared form showed.
fn carried(was: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{WAS}\" value=\"{}\">",
        escaped(was)
    )
}

/// What is sent of a page: shared forms know what they show, and a form that waited is filled in.
pub(super) fn shown(visit: &Visit<'_>, answer: ConsoleAnswer) -> ConsoleAnswer {
    let page = answer.media_type.starts_with("text/html");
    match (visit.request.method, answer.status) {
        ("GET", 200) if page => {
            let body = match answer.body.contains(" data-shared") {
                true => knowing(&answer.body, &address(visit.request.path)),
                false => None,
            };
            let answer = match body {
                Some(body) => ConsoleAnswer { body, ..answer },
                None => answer,
            };
            // It waits for whoever signs in.
            match waits(visit.request) && visit.signed_in.is_some() {
                true => come_back(visit, answer),
                false => answer,
            }
        }
        ("POST", 422) if page => still_knowing(visit, answer),
        _ => answer,
    }
}

/// The page whose shared forms carry what they show.
fn knowing(page: &str, own: &str) -> Option<String> {
    let mut out = page.to_owned();
    for (_, markup) in markup::forms(page, own).into_iter().rev() {
        if markup.shared {
            let was = serde_json::to_string(&markup.pairs()).ok()?;
            out = markup.filled(&out, None, &[], &carried(&was));
        }
    }
    Some(out)
}

/// A form that was refused is still about what was seen when it was opened.
fn still_knowing(visit: &Visit<'_>, answer: ConsoleAnswer) -> ConsoleAnswer {
    let posted = address(visit.request.path);
    let own = address(routes::page_above(visit.request.path));
    let Some(markup) = markup::form(&answer.body, &own, &posted) else {
        return answer;
    };
    let seen: Vec<(&str, &str)> = SEEN
        .into_iter()
        .filter_map(|name| Some((name, visit.form.given(name)?)))
        .collect();
    let was = visit.form.given(WAS).map(carried).unwrap_or_default();
    let body = markup.filled(&answer.body, None, &seen, &was);
    ConsoleAnswer { body, ..answer }
}

/// Compares what a shared form showed with what its page shows now. When nobody changed it
/// meanwhile, the form is about what is there now; else both are shown.
pub(super) fn brought_up(visit: &mut Visit<'_>) -> Result<Option<ConsoleAnswer>, Failed> {
    let place = page_of(visit.request.path, &visit.form);
    let posted = address(visit.request.path);
    let page = page_now(visit, &place);
    let found = page.and_then(|page| markup::form(&page, &address(&place.0), &posted));
    let Some(theirs) = found else {
        let gone = "somebody else deleted it while you had it open; nothing was saved";
        return Err(Failed::Refused(Problem::entry(gone).refused()));
    };
    let was = serde_json::from_str::<Vec<(String, String)>>(visit.form.text(WAS));
    let was = was.map_err(|_json| Failed::Form)?;
    decide(&mut visit.form, &theirs);
    if theirs.pairs() != was {
        return conflict(visit, &theirs, &was, page_address(&place)).map(Some);
    }
    for name in SEEN {
        if let Some(now) = theirs.hidden(name) {
            visit.form.set(name, now);
        }
    }
    Ok(None)
}

/// Takes of disputed fields what was chosen.
fn decide(form: &mut Form, theirs: &Markup) {
    for field in &theirs.fields {
        let of = |whose: &str| format!("{whose}:{}", field.name);
        let Some(whose) = form.given(&of("pick")) else {
            continue;
        };
        let chosen = form.given(&of(whose)).map(str::to_owned);
        form.0.retain(|(name, _)| *name != field.name);
        form.0
            .extend(chosen.map(|value| (field.name.clone(), value)));
    }
    form.0.retain(|(name, _)| !name.contains(':'));
}

fn conflict(
    visit: &Visit<'_>,
    theirs: &Markup,
    was: &[(String, String)],
    back: String,
) -> Result<ConsoleAnswer, Failed> {
    let mut rows = Vec::new();
    let known = |name: &str| theirs.fields.iter().any(|field| field.name == name);
    // What is hidden of the form goes along.
    let entered = visit.form.0.iter();
    let mut hidden: Vec<(String, String)> = entered
        .filter(|(name, _)| !SEEN.contains(&name.as_str()) && name != WAS && name != TOKEN)
        .filter(|(name, _)| !known(name) || theirs.hidden(name).is_some())
        .cloned()
        .collect();
    for name in SEEN {
        hidden.extend(
            theirs
                .hidden(name)
                .map(|now| (name.to_owned(), now.to_owned())),
        );
    }
    let now = serde_json::to_string(&theirs.pairs()).map_err(|error| Failed::internal(&error))?;
    hidden.push((WAS.to_owned(), now));
    for field in theirs.fields.iter().filter(|field| field.is_filled_in()) {
        let before = named(was, &field.name).next();
        let (now, wanted) = (field.value.as_deref(), visit.form.0.as_slice());
        let wanted = named(wanted, &field.name).next();
        let (they, you) = (!same(before, now), !same(before, wanted));
        let disputed = they && you && !same(now, wanted);
        let merged = if you { wanted } else { now };
        if disputed {
            let both = [("yours", wanted), ("theirs", now)];
            let both = both
                .into_iter()
                .filter_map(|(whose, value)| Some((whose, value?)));
            hidden.extend(
                both.map(|(whose, value)| (format!("{whose}:{}", field.name), value.to_owned())),
            );
        } else {
            hidden.extend(merged.map(|value| (field.name.clone(), value.to_owned())));
        }
        if they || you {
            rows.push(Row {
                label: field.label.clone(),
                name: field.name.clone(),
                was: field.shown(before),
                theirs: field.shown(now),
                yours: field.shown(wanted),
                disputed,
                by_them: they && !you,
            });
        }
    }
    let last = last_change(visit)?;
    let page = Conflict {
        shell: Shell::new(visit, "", "It was changed meanwhile")?,
        action: address(visit.request.path),
        back,
        when: last
            .as_ref()
            .map(|entry| instant(entry.at))
            .unwrap_or_default(),
        who: last.map(|entry| entry.actor).unwrap_or_default(),
        rows,
        hidden,
    };
    ConsoleAnswer::page(409, &page)
}

/// Whether two values are alike; a browser ends lines in its own way.
fn same(one: Option<&str>, other: Option<&str>) -> bool {
    let lines = |text: Option<&str>| text.map(|text| text.replace("\r\n", "\n"));
    lines(one) == lines(other)
}

/// The last change of what a form is about.
fn last_change(visit: &Visit<'_>) -> Result<Option<AuditEntry>, Failed> {
    let path = visit.request.path;
    let kind = match path {
        path if path.contains("/mappings/") || path.contains("/groups/") => "mapping",
        path if path.starts_with("/users/user-form") => "customField",
        path if path.starts_with("/users/tables") => "table",
        path if path.starts_with("/settings") => "account",
        _ => "configuration",
    };
    let entries = visit.console.admin.audit(&AuditQuery {
        configuration: scim_provisioning::ConfigurationId::parse(visit.part("configuration")),
        event: Some(kind.to_owned()),
        limit: 1,
        ..AuditQuery::default()
    })?;
    Ok(entries.into_iter().next().map(|(_, entry)| entry))
}

/// The hidden field with what a shared form showed.
pub(super) const WAS: &str = "was";
/// Hidden fields that say which state of something was seen.
const SEEN: [&str; 3] = ["version", "base", super::SEEN];
const TOKEN: &str = "form_token";
const MAIN: &str = "<main id=\"content\" tabindex=\"-1\">";
const COOKIE: &str = "__Host-sops-form";
/// How long a form is kept.
const SECONDS: i64 = 900;
/// Bytes in a cookie, and how many cookies a form has at most: proxies take 8 KB of them.
const PART: usize = 3_500;
const PARTS: usize = 2;
/// How hard a form is packed, from 1 to 10.
const LEVEL: u8 = 8;
/// Bytes of a form when it is unpacked: what a page takes, written as JSON.
const UNPACKED: usize = 1024 * 1024;
const BACK: &str = "You were signed out before this was sent. What you entered is here again; \
    nothing was saved yet. Passwords are entered once more.";
const OLDER: &str = "You signed in again after you opened this form. What you entered is here; \
    nothing was saved yet.";
