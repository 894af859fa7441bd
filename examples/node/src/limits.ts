/** What one call may use. All of it is on by default; names and defaults are those of `klaviyo-host`. */
export interface Limits {
  /** Bytes of the component's memory. Default: 64 MiB. */
  memory: number;
  /** Milliseconds of a whole call: its turn, computing, every request. Default: 60,000. */
  time: number;
  /** Calls at once, each in a thread of its own; more wait for their turn. Default: 4. */
  concurrentCalls: number;
  /** Requests of a call: reading 1,000 pages takes 1,000. Default: 1,100. */
  requests: number;
  /** Bytes of a request's body. Default: 5,000,000, which is Klaviyo's own limit. */
  requestBytes: number;
  /** Bytes of a request's address and headers, and of an answer's headers. Default: 16 KiB. */
  headerBytes: number;
  /** Bytes of an answer's body, decompressed. Default: 10 MiB. */
  responseBytes: number;
  /** Milliseconds of one request, to the last byte of its answer. Default: 20,000. */
  attempt: number;
}

export const DEFAULTS: Readonly<Limits> = {
  memory: 64 * 1024 * 1024,
  time: 60_000,
  concurrentCalls: 4,
  requests: 1_100,
  requestBytes: 5_000_000,
  headerBytes: 16 * 1024,
  responseBytes: 10 * 1024 * 1024,
  attempt: 20_000,
};
