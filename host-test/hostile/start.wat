;; Computes for ever before it is called: when it is instantiated.
(func (export "_initialize")
  (loop $again (br $again)))
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (i32.const 512))
