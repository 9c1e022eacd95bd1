//! Why a session with a daemon ended, in the operator's words.

use std::time::Duration;

use gputop_model::printable;
use gputop_proto::WireError;
use thiserror::Error;
use tonic::{Code, Status};

use super::DAEMON_PORT;
use super::dial::DialError;

/// Letters of a stranger's words that are worth a line.
const QUOTED: usize = 120;

/// Why a session ended.
#[derive(Debug, Error)]
pub(super) enum SessionError {
    #[error("can not be reached: {0}")]
    Dial(#[from] DialError),
    #[error("it does not answer")]
    DialTimeout,
    #[error("the telemetry has gaps")]
    Gaps,
    #[error("it does not answer")]
    OpenTimeout,
    #[error("it does not answer")]
    Silent,
    #[error("it does not answer")]
    Transport(String),
    #[error("{}", rpc_words(.0))]
    Rpc(Box<Status>),
    #[error("it does not answer")]
    Ended,
    #[error("{}", stranger_words(.0))]
    Stranger(String),
    #[error("unreadable telemetry: {0}")]
    Wire(#[from] WireError),
    #[error("it has not answered within {} s", .0.as_secs())]
    Visit(Duration),
}

/// A daemon's own refusal in its words, and what it does wrong; everything that only says how a
/// connection broke in one sentence that does not change from attempt to attempt.
fn rpc_words(status: &Status) -> String {
    let message = status.message();
    match status.code() {
        // What tonic says of bytes that are no message, or not the one that was expected.
        Code::Internal if message.contains("decode") || message.contains("protocol error") => {
            "unreadable telemetry: what it sends is not as agreed".to_owned()
        }
        Code::OutOfRange if message.contains("too large") => {
            "unreadable telemetry: a message is larger than any node's can be".to_owned()
        }
        Code::Unimplemented => format!(
            "what answers on port {DAEMON_PORT} has no telemetry: another program, or a \
             gputop-node of another age"
        ),
        Code::Unknown | Code::Unavailable | Code::Cancelled | Code::Internal => {
            "it does not answer".to_owned()
        }
        _ => quoted(message),
    }
}

fn stranger_words(said: &str) -> String {
    format!(
        "what answers on port {DAEMON_PORT} is no gputop-node; it says \"{}\"",
        quoted(said)
    )
}

/// Foreign text, short and harmless.
fn quoted(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(QUOTED).collect();
    printable(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(status: Status) -> String {
        SessionError::Rpc(Box::new(status)).to_string()
    }

    #[test]
    fn what_it_does_wrong_is_told_from_a_broken_connection() {
        let garbage = words(Status::internal(
            "failed to decode Protobuf message: invalid tag value: 0",
        ));
        assert!(garbage.starts_with("unreadable telemetry"), "{garbage}");
        let huge = words(Status::out_of_range(
            "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes",
        ));
        assert!(huge.contains("larger"), "{huge}");
        let other = words(Status::unimplemented(""));
        assert!(other.contains("port 7475") && other.contains("another program"));
        assert_eq!(
            words(Status::unknown("transport error")),
            "it does not answer"
        );
        assert_eq!(
            words(Status::internal("h2 went away")),
            "it does not answer"
        );
    }

    #[test]
    fn foreign_words_are_short_and_harmless() {
        let said = SessionError::Stranger(format!("SSH-2.0\u{1b}[2J{}\nmore", "x".repeat(500)));
        let said = said.to_string();
        assert!(said.contains("SSH-2.0") && said.len() < 220, "{said}");
        assert!(!said.contains('\u{1b}') && !said.contains('\n'), "{said}");
    }
}
