//! The sections of a component, read without compiling it.

use wasmparser::{BinaryReaderError, Parser, Payload};

/// The sections of the component itself, not those of what is within it.
pub(crate) fn sections(component: &[u8]) -> impl Iterator<Item = Result<Payload<'_>, BinaryReaderError>> {
    let mut depth = 0_u32;
    Parser::new(0).parse_all(component).filter(move |payload| {
        let is_own = depth == 0;
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => {
                depth = depth.saturating_add(1);
            }
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_own || payload.is_err()
    })
}
