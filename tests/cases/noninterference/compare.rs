//! What one server answered, written so that it can be compared with what the other one did.

use std::collections::HashMap;

use chrono::DateTime;
use end_to_end::{Response, Server};

/// Where something first appeared: the number of the request and a count within its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place(pub(crate) usize, pub(crate) usize);

/// What the answers of one server have told so far.
#[derive(Default)]
pub(crate) struct Told {
    places: HashMap<String, Place>,
    texts: HashMap<Place, String>,
    tags: HashMap<usize, String>,
    cursors: HashMap<usize, String>,
    /// When each request began and ended, in milliseconds since 1970.
    windows: Vec<(usize, i64, i64)>,
}

impl Told {
    /// The moment before the next request, which no time of an earlier one reaches.
    pub(crate) fn begin(&self) -> i64 {
        let last = self.windows.last().map_or(0, |(_, _, end)| *end);
        loop {
            let now = now();
            // One more between them, for what asks for a time that is just before this request.
            if now > last + 1 {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }

    /// The answer to a request that began then, in words that both servers would use.
    pub(crate) fn write(
        &mut self,
        request: usize,
        begun: i64,
        server: &Server,
        answer: &Response,
    ) -> String {
        self.windows.push((request, begun, now()));
        if let Some(tag) = answer.header("etag") {
            self.tags.insert(request, tag.to_owned());
        }
        // Whether the connection is kept says whether a refused body had arrived by then.
        let apart = ["connection", "date", "x-request-id"];
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !apart.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        let named = answer.header("x-request-id").map_or(0, str::len);
        let mut text = format!(
            "{} ({named} characters of request id)\n{}\n\n{}",
            answer.status,
            headers.join("\n"),
            answer.text
        );
        text = text.replace(&format!("localhost:{}/", server.port), "localhost/");
        if let Some(id) = answer.header("x-request-id") {
            text = text.replace(id, "<request id>");
        }
        for cursor in ["nextCursor", "previousCursor"] {
            if let Some(cursor) = answer.json[cursor].as_str() {
                text = text.replace(cursor, "<cursor>");
            }
        }
        if let Some(cursor) = answer.json["nextCursor"].as_str() {
            self.cursors.insert(request, cursor.to_owned());
        }
        self.without_ids_and_times(request, &text)
    }

    fn without_ids_and_times(&mut self, request: usize, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut count = 0;
        while let Some(first) = rest.chars().next() {
            let (taken, written) = match token(rest) {
                Some(Token::Id(id)) => {
                    let place = self.place(id, Place(request, count));
                    if place == Place(request, count) {
                        count += 1;
                    }
                    (id.len(), format!("<id {}.{}>", place.0, place.1))
                }
                Some(Token::Time(time, at)) => match self.request_at(at) {
                    Some(during) => (time.len(), format!("<time of {during}>")),
                    None => (time.len(), time.to_owned()),
                },
                None => (first.len_utf8(), first.to_string()),
            };
            out.push_str(&written);
            rest = &rest[taken..];
        }
        out
    }

    fn place(&mut self, id: &str, here: Place) -> Place {
        let place = *self.places.entry(id.to_owned()).or_insert(here);
        self.texts.entry(place).or_insert_with(|| id.to_owned());
        place
    }

    fn request_at(&self, at: i64) -> Option<usize> {
        let after = self.windows.partition_point(|(_, begun, _)| *begun <= at);
        let (request, _, end) = self.windows.get(after.checked_sub(1)?)?;
        (at <= *end).then_some(*request)
    }

    /// Where an identifier first appeared.
    pub(crate) fn place_of(&self, id: &str) -> Option<Place> {
        self.places.get(id).copied()
    }

    /// The identifier that first appeared there.
    pub(crate) fn id(&self, place: Place) -> Option<&str> {
        self.texts.get(&place).map(String::as_str)
    }

    /// The entity tag in the answer to a request.
    pub(crate) fn tag(&self, request: usize) -> Option<&str> {
        self.tags.get(&request).map(String::as_str)
    }

    /// The cursor in the answer to a request.
    pub(crate) fn cursor(&self, request: usize) -> Option<&str> {
        self.cursors.get(&request).map(String::as_str)
    }

    /// A time after everything that was done before a request, and before all that it did.
    pub(crate) fn before(&self, request: usize) -> Option<String> {
        let window = self.windows.iter().find(|(number, ..)| *number == request);
        let at = DateTime::from_timestamp_millis(window?.1 - 1)?;
        Some(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

enum Token<'a> {
    Id(&'a str),
    Time(&'a str, i64),
}

/// The identifier or time that a text begins with.
fn token(text: &str) -> Option<Token<'_>> {
    if !text.as_bytes().first()?.is_ascii_hexdigit() {
        return None;
    }
    if let Some(id) = text.get(..36)
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    {
        return Some(Token::Id(id));
    }
    if let Some(time) = text.get(..24)
        && time.ends_with('Z')
        && let Ok(at) = DateTime::parse_from_rfc3339(time)
    {
        return Some(Token::Time(time, at.timestamp_millis()));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..13).filter(|_| digits == 13)?;
    Some(Token::Time(number, number.parse().ok()?))
}

pub(crate) fn answers_are_compared_by_where_things_first_appeared() {
    let mut told = Told::default();
    let ids = [
        "019ab1c2-0000-7000-8000-000000000001",
        "019ab1c2-0000-7000-8000-000000000002",
    ];
    let [one, two] = ids;
    let written = told.without_ids_and_times(4, &format!("{one} {two} {one}"));
    assert_eq!(written, "<id 4.0> <id 4.1> <id 4.0>");
    told.windows.push((5, 1_700_000_000_000, 1_700_000_000_004));
    let written = told.without_ids_and_times(
        6,
        "W/\"1-2-1700000000003\" 2023-11-14T22:13:20.004Z 2023-11-14T22:13:20.005Z",
    );
    assert_eq!(
        written,
        "W/\"1-2-<time of 5>\" <time of 5> 2023-11-14T22:13:20.005Z"
    );
    assert_eq!(told.before(5).unwrap(), "2023-11-14T22:13:19.999Z");
}
