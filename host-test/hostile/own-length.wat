;; Brings a Content-Length header, to smuggle a second request behind the first.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00content-length\0044\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (call $return (call $get-with (i32.const 1024) (i32.const 1057) (i32.const 1072))))
