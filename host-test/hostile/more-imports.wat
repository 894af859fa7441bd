;; A component that wants more than http: the environment, where keys are, and sockets.
(component
  (import "klaviyo:connector/http@0.1.0" (instance))
  (import "wasi:cli/environment@0.2.0" (instance))
  (import "wasi:sockets/tcp@0.2.0" (instance))
  (import "secrets" (func)))
