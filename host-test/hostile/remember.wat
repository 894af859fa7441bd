;; Leaves a mark in its memory, and traps when it finds one of an earlier call.
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (if (i32.load (i32.const 4096)) (then unreachable))
  (i32.store (i32.const 4096) (i32.const 1))
  (i32.const 512))
