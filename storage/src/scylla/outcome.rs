//! What the server's or the driver's error means: certainly not applied, or perhaps; and what the operator can do.
//!
//! Whatever is not known to be harmless counts as perhaps applied. Leaves out retries: the driver's default policy repeats
//! reads, and writes only when they were certainly not begun, because we never call a write idempotent.

use crate::StoreError;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};

/// The error of a read: nothing was changed.
pub(super) fn of_read(error: &ExecutionError) -> StoreError {
    StoreError::Unavailable(told(error))
}

/// The error of a write.
pub(super) fn of_write(error: &ExecutionError) -> StoreError {
    match certainly_not_applied(error) {
        true => StoreError::Unavailable(told(error)),
        false => StoreError::MaybeApplied(told(error)),
    }
}

/// The error of something that came back in another shape than asked for.
pub(super) fn of_shape(error: &impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("the server's answer has another shape than the schema: {error}"))
}

fn certainly_not_applied(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_)
        | ExecutionError::EmptyPlan
        | ExecutionError::PrepareError(_)
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::UseKeyspaceError(_)
        | ExecutionError::MetadataError(_) => true,
        ExecutionError::LastAttemptError(error) => was_refused(error),
        _ => false,
    }
}

fn was_refused(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::SerializationError(_)
        | RequestAttemptError::CqlRequestSerialization(_)
        | RequestAttemptError::UnableToAllocStreamId
        | RequestAttemptError::RepreparedIdChanged { .. }
        | RequestAttemptError::RepreparedIdMissingInBatch => true,
        RequestAttemptError::DbError(error, _) => matches!(
            error,
            DbError::SyntaxError
                | DbError::Invalid
                | DbError::AlreadyExists { .. }
                | DbError::AuthenticationError
                | DbError::Unauthorized
                | DbError::ConfigError
                | DbError::Unavailable { .. }
                | DbError::IsBootstrapping
                | DbError::Unprepared { .. }
                | DbError::RateLimitReached { rejected_by_coordinator: true, .. }
        ),
        _ => false,
    }
}

/// The error in words, with what to do about it where that is known.
pub(super) fn told(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    match advice(&text) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

fn advice(text: &str) -> Option<&'static str> {
    let has = |any: &[&str]| any.iter().any(|part| text.contains(part));
    if has(&["doesn't have the right", "no MODIFY permission", "no SELECT permission"]) {
        Some("grant the role SELECT and MODIFY on the keyspace, and CREATE to migrate")
    } else if has(&["Authentication failed", "authentication", "credentials"]) {
        Some("check scylla_user and scylla_password")
    } else if has(&[
        "unconfigured table",
        "does not exist",
        "Undefined column",
        "Unknown identifier",
        "unknown keyspace",
    ]) {
        Some("check the keyspace's name, or create its tables with `rapport store migrate`")
    } else if has(&["Not enough nodes are alive"]) {
        Some("start the missing replicas, or migrate with as many replicas as there are servers")
    } else if has(&["pool is broken", "Connection refused", "ll attempts", "control connection"]) {
        Some("check that the server runs and that --scylla names it")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::errors::WriteType;
    use scylla::statement::Consistency;
    use std::time::Duration;

    fn from_server(error: DbError) -> ExecutionError {
        RequestAttemptError::DbError(error, "as the server put it".into()).into()
    }

    #[test]
    fn only_what_was_certainly_refused_is_called_unavailable() {
        let consistency = Consistency::LocalQuorum;
        let check = |error: &ExecutionError, refused: bool| {
            assert_eq!(matches!(of_write(error), StoreError::Unavailable(_)), refused, "{error}");
            assert_eq!(matches!(of_write(error), StoreError::MaybeApplied(_)), !refused, "{error}");
            assert!(matches!(of_read(error), StoreError::Unavailable(_)), "{error}");
        };
        check(&from_server(DbError::Unavailable { consistency, required: 2, alive: 1 }), true);
        check(&from_server(DbError::Unauthorized), true);
        check(&from_server(DbError::Invalid), true);
        check(&ExecutionError::EmptyPlan, true);
        check(&RequestAttemptError::UnableToAllocStreamId.into(), true);
        let (received, required, write_type) = (1, 2, WriteType::UnloggedBatch);
        check(&from_server(DbError::WriteTimeout { consistency, received, required, write_type }), false);
        check(&from_server(DbError::Overloaded), false);
        check(&from_server(DbError::ServerError), false);
        check(&from_server(DbError::Other(0x7777)), false);
        check(&ExecutionError::RequestTimeout(Duration::from_secs(1)), false);
    }

    #[test]
    fn an_error_says_what_to_do_where_that_is_known() {
        let check = |error: DbError, expected: &str| {
            let text = of_write(&from_server(error)).to_string();
            assert!(text.contains(expected), "{text}");
        };
        check(DbError::Unauthorized, "grant the role");
        check(DbError::AuthenticationError, "scylla_password");
        let consistency = Consistency::LocalQuorum;
        check(DbError::Unavailable { consistency, required: 2, alive: 1 }, "replicas");
        assert!(told(&"unconfigured table customers").contains("rapport store migrate"));
    }
}
