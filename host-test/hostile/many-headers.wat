;; Sends 25,000 headers, each of another name.
(data (i32.const 1024) "https://a.klaviyo.com/api/lists/\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (local $n i32)
  (local $headers i32)
  (local $names i32)
  (local $name i32)
  (local.set $headers (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 400000)))
  (local.set $names (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 100000)))
  (loop $again
    (local.set $name (i32.add (local.get $names) (i32.mul (local.get $n) (i32.const 4))))
    ;; Four letters, of which there are 16 each: the digits of the number.
    (i32.store (local.get $name)
      (i32.add (i32.const 0x61616161)
        (i32.or
          (i32.or (i32.and (local.get $n) (i32.const 15))
            (i32.shl (i32.and (i32.shr_u (local.get $n) (i32.const 4)) (i32.const 15)) (i32.const 8)))
          (i32.or (i32.shl (i32.and (i32.shr_u (local.get $n) (i32.const 8)) (i32.const 15)) (i32.const 16))
            (i32.shl (i32.and (i32.shr_u (local.get $n) (i32.const 12)) (i32.const 15)) (i32.const 24))))))
    (i32.store (i32.add (local.get $headers) (i32.mul (local.get $n) (i32.const 16))) (local.get $name))
    (i32.store offset=4 (i32.add (local.get $headers) (i32.mul (local.get $n) (i32.const 16))) (i32.const 4))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $n) (i32.const 25000))))
  (call $return
    (call $request (i32.const 0) (i32.const 1024) (local.get $headers) (i32.const 25000) (i32.const 16)
      (i32.const 0) (i32.const 0))))
