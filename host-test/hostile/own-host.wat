;; Brings a Host header, for a server that serves many.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00Host\00evil.example\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get-with (i32.const 1024) (i32.const 1057) (i32.const 1062))))
