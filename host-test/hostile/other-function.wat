;; Asks for what the function that was called may ask for, as two other functions.
(data (i32.const 1024) "https://a.klaviyo.com/api/profiles/\00")
(data (i32.const 1088) "lists.all\00api.call\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (global.set $function (i32.const 1088))
  (if (i32.eqz (call $get (i32.const 1024))) (then (return (call $return (i32.const 0)))))
  (global.set $function (i32.const 1098))
  (call $return (call $get (i32.const 1024))))
