;; Computes between one request and the next, so that no stretch of it is long.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (local $n i32)
  (loop $again
    (local.set $n (i32.const 0))
    (loop $work
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $work (i32.lt_u (local.get $n) (i32.const 2000000))))
    (br_if $again (i32.eqz (call $get (i32.const 1024)))))
  (call $return (i32.const 1)))
