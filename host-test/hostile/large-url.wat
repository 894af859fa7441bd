;; Asks for an address of 60,000 bytes.
(data (i32.const 1024) "https://a.klaviyo.com/api/profiles/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (local $url i32)
  (local.set $url (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 60001)))
  (memory.fill (local.get $url) (i32.const 120) (i32.const 60000))
  (memory.copy (local.get $url) (i32.const 1024) (i32.const 35))
  (call $return (call $get (local.get $url))))
