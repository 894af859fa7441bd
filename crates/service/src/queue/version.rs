//! The versions of NATS that the queue is known to work with.

/// The oldest version that the tests run with: Debian 12's.
const OLDEST: [u32; 3] = [2, 9, 10];
/// A new major version may change the protocol.
const NEXT_MAJOR: [u32; 3] = [3, 0, 0];

/// The first version that refuses new messages at `max_bytes`. Older ones count the size of a message without
/// its overhead, take one too many, and then remove the oldest.
const REFUSES: [u32; 3] = [2, 10, 0];

/// Whether a server of this version loses the oldest message of a stream that has reached `max_bytes`.
pub(super) fn loses_at_max_bytes(version: &str) -> bool {
    numbers(version).is_some_and(|version| version < REFUSES)
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split(['.', '-', '+']).map(str::parse);
    let mut part = || parts.next().and_then(Result::ok);
    Some([part()?, part()?, part()?])
}

/// The reason why a server of this version may not work; none if it is known to.
pub(super) fn doubt(version: &str) -> Option<&'static str> {
    let Some(numbers) = numbers(version) else {
        return Some("NATS has a version that is no number; NATS 2.9.10 and newer are supported");
    };
    if numbers < OLDEST {
        return Some("NATS is older than 2.9.10, the oldest version that is supported; update it");
    }
    (numbers >= NEXT_MAJOR).then_some("NATS is of a newer major version than 2, which is not known to work")
}

#[cfg(test)]
mod tests {
    use super::{doubt, loses_at_max_bytes};

    #[test]
    fn known_versions_are_not_doubted() {
        for known in ["2.9.10", "2.9.25", "2.10.0", "2.12.1", "2.15.1", "2.16.0-RC.1", "2.10.7-binary"] {
            assert_eq!(doubt(known), None, "{known}");
        }
        for doubtful in ["2.9.9", "2.8.4", "1.4.1", "3.0.0", "", "dev", "2.9", "2.x.1", "-1.0.0"] {
            assert!(doubt(doubtful).is_some(), "{doubtful}");
        }
    }

    #[test]
    fn max_bytes_is_trusted_where_it_loses_nothing() {
        assert!(loses_at_max_bytes("2.9.10") && loses_at_max_bytes("2.9.25"));
        assert!(!loses_at_max_bytes("2.10.0") && !loses_at_max_bytes("2.15.1") && !loses_at_max_bytes("dev"));
    }
}
