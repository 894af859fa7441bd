//! Which NATS servers this queue is known to work on.

/// The oldest version that the tests run on: Debian 12's.
const OLDEST: [u32; 3] = [2, 9, 10];
/// Beyond this one the protocol may be another.
const NEWEST_MAJOR: u32 = 2;

/// Why a server of this version may not do; none when it is known to.
pub(super) fn doubt(version: &str) -> Option<&'static str> {
    let mut parts = version.split(['.', '-', '+']).map(str::parse);
    let mut part = || parts.next().and_then(Result::ok);
    let (Some(major), Some(minor), Some(patch)) = (part(), part(), part()) else {
        return Some("NATS has a version that is no number; NATS 2.9.10 and newer are supported");
    };
    if [major, minor, patch] < OLDEST {
        return Some("NATS is older than 2.9.10, the oldest version that is supported; update it");
    }
    (major > NEWEST_MAJOR).then_some("NATS is of a newer major version than 2, which is not known to work")
}

#[cfg(test)]
mod tests {
    use super::doubt;

    #[test]
    fn known_versions_are_not_doubted() {
        for known in ["2.9.10", "2.9.25", "2.10.0", "2.12.1", "2.15.1", "2.16.0-RC.1", "2.10.7-binary"] {
            assert_eq!(doubt(known), None, "{known}");
        }
        for doubtful in ["2.9.9", "2.8.4", "1.4.1", "3.0.0", "", "dev", "2.9", "2.x.1", "-1.0.0"] {
            assert!(doubt(doubtful).is_some(), "{doubtful}");
        }
    }
}
