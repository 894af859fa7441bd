;; Uses a backslash, which some parsers take for the end of the host.
(data (i32.const 1024) "https://evil.example\\@a.klaviyo.com/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get (i32.const 1024))))
