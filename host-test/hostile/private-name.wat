;; Asks a name that resolves to this machine.
(data (i32.const 1024) "https://localhost:8443/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get (i32.const 1024))))
