//! How a request is read: bounded bodies, JSON with errors that say where, the customer named in the path.

use crate::http::Services;
use crate::http::error::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use actors::call::CustomerId;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::{Deserialize, DeserializeOwned};
use std::time::Duration;
use tokio::time::timeout;

/// How long the next piece of a body may take to arrive: a sender that stalls must not hold memory for ever.
pub const BODY_IDLE: Duration = Duration::from_secs(30);

/// The next piece of a body; `None` at its end.
///
/// # Errors
/// `body_timeout` when none came in [`BODY_IDLE`], `body_cut_off` when the connection broke.
pub async fn piece(payload: &mut web::Payload) -> Result<Option<Bytes>, Problem> {
    match timeout(BODY_IDLE, payload.next()).await {
        Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        Ok(None) => Ok(None),
        Ok(Some(Err(error))) => Err(Problem::bad("body_cut_off", format!("the body ended early: {error}"))),
        Err(_) => {
            let detail = format!("nothing of the body came for {} s", BODY_IDLE.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail))
        }
    }
}

/// The whole body.
///
/// # Errors
/// 413 `body_too_large` beyond `bytes_max`, and those of [`piece`].
pub async fn whole(mut payload: web::Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(bytes) = piece(&mut payload).await? {
        if body.len() + bytes.len() > bytes_max {
            let detail =
                format!("the body is larger than {bytes_max} bytes; send it in parts or as a stream");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body.freeze())
}

/// The whole body as JSON of the given shape.
///
/// # Errors
/// 400 `bad_json` when it is no JSON, 400 `bad_request` when it has another shape, and those of [`whole`].
pub async fn json<T: DeserializeOwned>(payload: web::Payload, services: &Services) -> Result<T, Problem> {
    parse(&whole(payload, services.options.body_bytes_max).await?)
}

/// Bytes as JSON of the given shape.
///
/// # Errors
/// As [`json`].
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad(json_code(&error), error.to_string()))
}

/// Whether bytes were no JSON, or JSON of another shape.
#[must_use]
pub fn json_code(error: &serde_json::Error) -> &'static str {
    if error.is_data() { "bad_request" } else { "bad_json" }
}

/// The customer named in `/v1/customers/{id}/...`.
///
/// Read from the path as it was sent, so that an id may hold any letter, a slash included, as `%2F`.
///
/// # Errors
/// 400 `bad_customer_id`.
pub fn customer(request: &HttpRequest) -> Result<CustomerId, Problem> {
    id_at(request, 3).ok_or_else(|| {
        Problem::bad(
            "bad_customer_id",
            "the customer's id must be 1 to 128 bytes of UTF-8 without control characters",
        )
    })
}

/// The alias named in `/v1/customers/{id}/aliases/{alias}`, read as the customer is.
///
/// # Errors
/// 400 `bad_alias`.
pub fn alias(request: &HttpRequest) -> Result<CustomerId, Problem> {
    id_at(request, 5).ok_or_else(|| {
        Problem::bad("bad_alias", "an alias must be 1 to 128 bytes of UTF-8 without control characters")
    })
}

fn id_at(request: &HttpRequest, place: usize) -> Option<CustomerId> {
    let segment = request.uri().path().split('/').nth(place).unwrap_or_default();
    percent_decoded(segment).and_then(|id| CustomerId::new(&id))
}

/// Text with its `%XX` read; `None` when one is not two hexadecimal digits, or the result is no UTF-8.
#[must_use]
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_customer_is_read_from_the_path_as_it_was_sent() {
        let check = |segment: &str, expected: Option<&str>| {
            let request = TestRequest::with_uri(&format!("/v1/customers/{segment}/tags")).to_http_request();
            let read = customer(&request);
            assert_eq!(read.as_ref().ok().map(CustomerId::as_str), expected, "{segment}");
        };
        check("c-1", Some("c-1"));
        check("%2B49%20170%2F1", Some("+49 170/1"));
        check("+49", Some("+49"));
        check("%C3%BC", Some("ü"));
        check("%252F", Some("%2F"));
        check(&"a".repeat(128), Some(&"a".repeat(128)));
        for wrong in ["", "%FF", "%0A", "%4", "%zz", &"a".repeat(129)] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_body_that_is_no_json_is_told_from_one_of_another_shape() {
        let check = |body: &str, expected: &str| {
            let error = parse::<crate::wire::decision::DecisionQuestion>(body.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{body}: {error}");
        };
        check("", "bad_json");
        check("{\"channel\": \"app\"", "bad_json");
        check("{\"channel\": \"app\", \"limit\": NaN}", "bad_json");
        check("{\"channel\": 1}", "bad_request");
        check("{}", "bad_request");
        check("{\"channel\": \"app\", \"context\": 3}", "bad_request");
        check("{\"channel\": \"app\", \"direction\": \"up\"}", "bad_request");
    }
}
