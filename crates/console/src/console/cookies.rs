//! What the console keeps in browsers: no script reads it, no other site has it sent.

use cookie::time::Duration;
use cookie::{Cookie, CookieBuilder, SameSite};
use scim_admin::{Admitted, PlainToken};

use super::CONSOLE;

/// The value of a cookie in a `Cookie` header.
pub(super) fn find<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut cookies = Cookie::split_parse(header).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name)?.value_raw()
}

/// A cookie that is kept for so many seconds.
pub(super) fn keep(name: &str, value: &str, seconds: i64) -> String {
    let cookie = base(name, value).max_age(Duration::seconds(seconds));
    cookie.build().to_string()
}

/// A cookie that is no longer kept.
pub(super) fn forget(name: &str) -> String {
    keep(name, "", 0)
}

/// The session of somebody who signed in, for as long as the browser runs.
pub(super) fn session(token: &PlainToken) -> String {
    base(SESSION, token.reveal()).build().to_string()
}

/// What a browser keeps of somebody who signed in: the session, and that it is a known device.
pub(super) fn admitted(admitted: &Admitted) -> Vec<String> {
    vec![session(&admitted.session), device(&admitted.device)]
}

/// That a browser is a known device.
pub(super) fn device(token: &PlainToken) -> String {
    keep(DEVICE, token.reveal(), YEAR)
}

/// The theme that somebody chose: `light`, `dark`, or none of them for the system's.
pub(super) fn chosen_theme(theme: &str) -> String {
    let (value, seconds) = match theme {
        known @ ("light" | "dark") => (known, YEAR),
        _ => ("", 0),
    };
    let cookie = base(THEME, value).max_age(Duration::seconds(seconds));
    cookie.path(CONSOLE).build().to_string()
}

/// The theme of a `Cookie` header: `light`, `dark`, or empty for the system's.
pub(super) fn theme(header: Option<&str>) -> &'static str {
    let chosen = header.and_then(|header| find(header, THEME));
    match chosen {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "",
    }
}

/// A name with the prefix `__Host-` is kept for this host alone, and sent by TLS alone.
fn base<'c>(name: &'c str, value: &'c str) -> CookieBuilder<'c> {
    Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
}

const THEME: &str = "sops-theme";
pub(super) const FLASH: &str = "__Host-sops-flash";
pub(super) const FLOW: &str = "__Host-sops-openid";
pub(super) const SESSION: &str = "__Host-sops";
pub(super) const DEVICE: &str = "__Host-sops-device";
/// In seconds.
const YEAR: i64 = 31_536_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let header = "sops-theme=dark; __Host-sops-device=a=b; __Host-sops=c%20d;x";
        assert_eq!(find(header, SESSION), Some("c%20d"));
        assert_eq!(find(header, DEVICE), Some("a=b"));
        assert_eq!(find(header, "sops"), None);
        assert_eq!(theme(Some(header)), "dark");
        assert_eq!(theme(Some("sops-theme=pink")), "");
    }

    #[test]
    fn a_cookie_is_for_this_host_and_its_pages_alone() {
        let attributes = |cookie: &str| {
            let mut all: Vec<String> = cookie.split("; ").map(str::to_owned).collect();
            all.sort();
            all.join(" ")
        };
        assert_eq!(
            attributes(&keep(FLASH, "x", 60)),
            "HttpOnly Max-Age=60 Path=/ SameSite=Lax Secure __Host-sops-flash=x"
        );
        assert_eq!(
            attributes(&chosen_theme("light")),
            "HttpOnly Max-Age=31536000 Path=/admin SameSite=Lax Secure sops-theme=light"
        );
        assert_eq!(
            attributes(&forget(SESSION)),
            "HttpOnly Max-Age=0 Path=/ SameSite=Lax Secure __Host-sops="
        );
    }
}
