;; Asks for a file.
(data (i32.const 1024) "file:///etc/passwd\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get (i32.const 1024))))
