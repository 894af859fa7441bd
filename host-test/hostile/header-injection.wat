;; Puts a line end into a header, and another header after it.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00x-note\00a\0d\0ax-injected: yes\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get-with (i32.const 1024) (i32.const 1057) (i32.const 1064))))
