;; What all hostile guests begin with: the one import, a bump allocator, and short ways to send a request and to
;; return what the host made of it. The fields of this file and of one other are put into one module, which is
;; made into a component of the contract's world. Each guest brings its own `lookup`; the rest it does not have.

(import "klaviyo:connector/http@0.1.0" "send"
  (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))

(memory (export "memory") 2)
(global $free (mut i32) (i32.const 65536))

;; 16: the authorization scheme. 32: the function that requests are for, where the guest sets no other. 256: what
;; `send` returns. 512: what `lookup` returns. Guests have theirs from 1024.
(data (i32.const 16) "Klaviyo-API-Key\00contacts.lookup\00")
(global $function (mut i32) (i32.const 32))

(func $allocate (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
  (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
  (global.set $free (i32.add (local.get $at) (local.get $size)))
  (block $fits
    (br_if $fits (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
    (br_if $fits (i32.ge_s (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))
                           (i32.const 0)))
    unreachable)
  (local.get $at))

(func $length (param $text i32) (result i32)
  (local $end i32)
  (local.set $end (local.get $text))
  (block $found
    (loop $next
      (br_if $found (i32.eqz (i32.load8_u (local.get $end))))
      (local.set $end (i32.add (local.get $end) (i32.const 1)))
      (br $next)))
  (i32.sub (local.get $end) (local.get $text)))

;; Sends a request. Texts end with a zero byte; `headers` is a list as the contract lays it out. The answer is 0, or 1
;; when there is none.
(func $request (param $method i32) (param $url i32) (param $headers i32) (param $count i32) (param $scheme i32)
  (param $body i32) (param $size i32) (result i32)
  (call $send
    (local.get $method)
    (local.get $url) (call $length (local.get $url))
    (local.get $headers) (local.get $count)
    (local.get $scheme) (call $length (local.get $scheme))
    (local.get $body) (local.get $size)
    (global.get $function) (call $length (global.get $function))
    (i32.const 256))
  (i32.load8_u (i32.const 256)))

;; Gets a URL.
(func $get (param $url i32) (result i32)
  (call $request (i32.const 0) (local.get $url) (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 0) (i32.const 0)))

;; Gets a URL with one header.
(func $get-with (param $url i32) (param $name i32) (param $value i32) (result i32)
  (local $header i32)
  (local.set $header (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16)))
  (i32.store (local.get $header) (local.get $name))
  (i32.store offset=4 (local.get $header) (call $length (local.get $name)))
  (i32.store offset=8 (local.get $header) (local.get $value))
  (i32.store offset=12 (local.get $header) (call $length (local.get $value)))
  (call $request (i32.const 0) (local.get $url) (local.get $header) (i32.const 1) (i32.const 16)
    (i32.const 0) (i32.const 0)))

;; What `lookup` returns after `send`: none when there was an answer, else an error with the host's own sentence and
;; the code that stands for its kind.
(func $return (param $failed i32) (result i32)
  (if (local.get $failed) (then
    (i32.store8 (i32.const 512) (i32.const 1))
    (i32.store8 (i32.const 516) (i32.add (i32.const 10) (i32.load8_u (i32.const 260))))
    (i32.store (i32.const 520) (i32.load (i32.const 264)))
    (i32.store (i32.const 524) (i32.load (i32.const 268)))))
  (i32.const 512))

(func (export "klaviyo:connector/contacts@0.1.0#create") (param i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#upsert") (param i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#opt-in") (param i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#opt-in-many")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#opt-out")
  (param i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#update") (param i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#merge") (param i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#subscribe") (param i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#all") (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#find") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#create") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#remove") (param i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#members") (param i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/lists@0.1.0#of-profile") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/contacts@0.1.0#lookup-many") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/consent@0.1.0#grant")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/consent@0.1.0#revoke") (param i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/consent@0.1.0#status") (param i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/bulk@0.1.0#check") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/bulk@0.1.0#submit") (param i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/bulk@0.1.0#status") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/bulk@0.1.0#failures") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/bulk@0.1.0#jobs") (param i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/segments@0.1.0#all") (result i32) unreachable)
(func (export "klaviyo:connector/segments@0.1.0#members") (param i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/segments@0.1.0#of-profile") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/account@0.1.0#get") (result i32) unreachable)
(func (export "klaviyo:connector/api@0.1.0#call")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/privacy@0.1.0#suppress") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/privacy@0.1.0#unsuppress") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/privacy@0.1.0#delete") (param i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/events@0.1.0#track") (param i32) (result i32) unreachable)
(func (export "klaviyo:connector/events@0.1.0#track-many") (param i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/events@0.1.0#history")
  (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/events@0.1.0#metrics") (result i32) unreachable)
(func (export "klaviyo:connector/changes@0.1.0#profiles") (param i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/changes@0.1.0#members")
  (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)
(func (export "klaviyo:connector/changes@0.1.0#events") (param i32 i32 i32 i32 i32) (result i32) unreachable)
