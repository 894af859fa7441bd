// What a component may use, in this page. The names are those of `klaviyo-host`.

export const LIMITS = {
  /** Milliseconds of a whole call of a component that nobody knows. It runs in a worker, which is ended then. */
  time: 1_000,
  /** Bytes of a component's memory. */
  memory: 64 * 1024 * 1024,
};
