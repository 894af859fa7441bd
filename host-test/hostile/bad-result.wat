;; Returns an address outside of its memory.
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (i32.const -16))
