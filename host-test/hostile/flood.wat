;; Sends requests until the host has enough.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (loop $again
    (br_if $again (i32.eqz (call $get (i32.const 1024)))))
  (call $return (i32.const 1)))
