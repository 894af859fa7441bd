;; As many parts as two components have, each with a memory.
(component
  (import "klaviyo:connector/http@0.1.0" (instance))
  (core module $code (memory 1))
  (core instance (instantiate $code))
  (core instance (instantiate $code)))
