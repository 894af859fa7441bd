;; Asks for what is denied, again and again, and does not take no for an answer.
(data (i32.const 1024) "https://evil.example/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (loop $again
    (drop (call $get (i32.const 1024)))
    (br $again))
  unreachable)
