//! How the console looks from outside where the server is reached below a path.
//!
//! Inside, its addresses and cookies are the same everywhere. The layer around every request takes
//! the path away and puts it before where redirections lead; what stands in pages and cookies is
//! put right here.

use scim_http::request::SCIM;

use super::{CONSOLE, ConsoleAnswer};

/// The path of the public URL, and what stands behind the names of cookies because of it.
#[derive(Debug, Default)]
pub(super) struct Outside {
    path: String,
    /// Two servers of one host are told apart by it: their cookies have the path `/`, which
    /// `__Host-` demands.
    mark: String,
}

impl Outside {
    /// That of a server whose SCIM endpoint clients reach at this URL.
    pub(super) fn of(scim_endpoint: &str) -> Self {
        let path = path_of(scim_endpoint);
        Self {
            path: path.to_owned(),
            mark: path.replace('/', "!"),
        }
    }

    /// The path, which is empty where there is none.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The answer as a browser takes it.
    pub(super) fn answer(&self, mut answer: ConsoleAnswer) -> ConsoleAnswer {
        if self.path.is_empty() {
            return answer;
        }
        if answer.media_type.starts_with("text/html") {
            answer.body = self.page(&answer.body);
        }
        let cookies = answer.cookies.iter();
        answer.cookies = cookies.map(|cookie| self.cookie(cookie)).collect();
        answer
    }

    /// A page whose addresses lead below the path. Text of people holds no quotation mark as it is.
    fn page(&self, page: &str) -> String {
        let mut out = String::with_capacity(page.len() + page.len() / 8);
        let mut rest = page;
        while let Some(at) = rest.find("=\"/") {
            let (before, behind) = rest.split_at(at + 2);
            out.push_str(before);
            let name = before.trim_end_matches("=\"");
            let mut words = name.rsplit(|character: char| character.is_ascii_whitespace());
            let leads = words.next().is_some_and(is_address);
            if leads && !behind.starts_with("//") {
                out.push_str(&self.path);
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    /// A `Set-Cookie` header.
    fn cookie(&self, cookie: &str) -> String {
        let Some((name, rest)) = cookie.split_once('=') else {
            return cookie.to_owned();
        };
        let mark = match name.starts_with(HOST) {
            true => &*self.mark,
            false => "",
        };
        let own = format!("; Path={CONSOLE}");
        let rest = rest.replace(&own, &format!("; Path={}{CONSOLE}", self.path));
        format!("{name}{mark}={rest}")
    }

    /// A `Cookie` header, without what another server of this host keeps in the browser.
    pub(super) fn cookies(&self, header: String) -> String {
        if self.mark.is_empty() {
            return header;
        }
        let cookies = header.split(';').filter_map(|cookie| {
            let (name, value) = cookie.trim().split_once('=')?;
            match name.strip_suffix(&*self.mark) {
                Some(name) => Some(format!("{name}={value}")),
                None if name.starts_with(HOST) => None,
                None => Some(format!("{name}={value}")),
            }
        });
        cookies.collect::<Vec<_>>().join("; ")
    }
}

/// The path of the public URL, of which the SCIM endpoint is this; empty where it has none.
pub(crate) fn path_of(scim_endpoint: &str) -> &str {
    let base = scim_endpoint.strip_suffix(SCIM).unwrap_or(scim_endpoint);
    base.strip_prefix(super::origin(base)).unwrap_or_default()
}

/// Whether an attribute of that name holds an address.
fn is_address(name: &str) -> bool {
    ["href", "action", "formaction", "src", "data-try"].contains(&name)
}

const HOST: &str = "__Host-";

#[cfg(test)]
mod tests {
    use super::*;

    fn below(path: &str) -> Outside {
        Outside::of(&format!("https://scim.example.com{path}/api/scim/v2"))
    }

    #[test]
    fn addresses_lead_below_the_path_and_text_stays() {
        let page = "<a href=\"/admin\">x=&#34;/admin</a><form method=\"post\"\naction=\"/admin/x\">\
                    <input value=\"/admin/users\"><use href=\"#a\"/><a href=\"//x\">";
        let answer = ConsoleAnswer {
            body: page.to_owned(),
            ..ConsoleAnswer::html(200)
        };
        let expected = "<a href=\"/a/b/admin\">x=&#34;/admin</a><form method=\"post\"\n\
                        action=\"/a/b/admin/x\"><input value=\"/admin/users\"><use href=\"#a\"/>\
                        <a href=\"//x\">";
        assert_eq!(below("/a/b").answer(answer.clone()).body, expected);
        assert_eq!(below("").answer(answer.clone()), answer);
        let data = ConsoleAnswer {
            media_type: "text/csv",
            ..answer
        };
        assert_eq!(below("/a").answer(data.clone()).body, data.body);
    }

    #[test]
    fn two_servers_of_one_host_read_each_their_own_cookies() {
        let (a, b) = (below("/a"), below("/b/c"));
        assert_eq!(a.cookie("__Host-sops=x; Path=/"), "__Host-sops!a=x; Path=/");
        assert_eq!(
            b.cookie("sops-theme=dark; Path=/admin; Secure"),
            "sops-theme=dark; Path=/b/c/admin; Secure"
        );
        let sent = "__Host-sops!a=x; __Host-sops!b!c=y; __Host-sops=z; sops-theme=dark";
        assert_eq!(a.cookies(sent.to_owned()), "__Host-sops=x; sops-theme=dark");
        assert_eq!(b.cookies(sent.to_owned()), "__Host-sops=y; sops-theme=dark");
        assert_eq!(below("").cookies(sent.to_owned()), sent);
    }
}
