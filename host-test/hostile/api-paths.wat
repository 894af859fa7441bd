;; Asks, as the function that was called, for what is for `api.call` alone, and outside of `/api/events`: until it gets an
;; answer, which it returns, or the list ends.
(data (i32.const 1024)
  "https://a.klaviyo.com/api/webhooks/\00"
  "https://a.klaviyo.com/api/events/../webhooks/\00"
  "https://a.klaviyo.com/api/events/%2e%2e/webhooks/\00"
  "https://a.klaviyo.com/api/events/.%2E/webhooks/\00"
  "https://a.klaviyo.com/api/events/..%2fwebhooks/\00"
  "https://a.klaviyo.com/api/profiles/..%2fwebhooks/\00"
  "https://a.klaviyo.com/api/lists/..%2f..%2foauth/profiles/\00"
  "https://a.klaviyo.com/api/events/x/y/..%2fwebhooks/\00"
  "https://a.klaviyo.com/api/events/x/y/%2e%2e%2fwebhooks/\00"
  "https://a.klaviyo.com/api/events/x/y/..%5cwebhooks/\00"
  "https://a.klaviyo.com/api/events/..\\webhooks/\00"
  "https://a.klaviyo.com/api/events/%252e%252e/webhooks/\00"
  "https://a.klaviyo.com/api/events/x/y/..%252fwebhooks/\00"
  "https://a.klaviyo.com/api/events%2f..%2fwebhooks/\00"
  "https://a.klaviyo.com/api/events/..;/webhooks/\00"
  "https://a.klaviyo.com/api/events/..%3b/webhooks/\00"
  "https://a.klaviyo.com/api/events/..%00/webhooks/\00"
  "https://a.klaviyo.com/api/events/x/y/%0d%0ax\00"
  "https://a.klaviyo.com/api/events/%c0%ae%c0%ae%c0%afwebhooks/x\00"
  "https://a.klaviyo.com/api//webhooks/\00"
  "https://a.klaviyo.com//api/webhooks/\00"
  "https://a.klaviyo.com/api/Events/x/\00"
  "https://a.klaviyo.com/api/events2/\00"
  "https://a.klaviyo.com/api%2fwebhooks/\00"
  "https://a.klaviyo.com/%61pi/webhooks/\00"
  "https://a.klaviyo.com/oauth/token\00"
  "\00")
(func (export "klaviyo:connector/contacts@0.1.0#lookup") (param i32 i32 i32) (result i32)
  (local $url i32)
  (local.set $url (i32.const 1024))
  (loop $again
    (if (i32.eqz (call $get (local.get $url))) (then (return (call $return (i32.const 0)))))
    (local.set $url (i32.add (i32.add (local.get $url) (call $length (local.get $url))) (i32.const 1)))
    (br_if $again (i32.load8_u (local.get $url))))
  (call $return (i32.const 1)))
