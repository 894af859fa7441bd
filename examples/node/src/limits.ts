/** What one call may use. All of it is on by default; names and defaults are those of `klaviyo-host`. */
export interface Limits {
  /** Bytes of the component's memory. Default: 64 MiB. */
  memory: number;
  /**
   * Milliseconds of a call, without what it waits for its turns: computing, all attempts of all requests and the pauses
   * between them. Default: 60,000.
   */
  time: number;
  /**
   * Milliseconds that a call waits for its turns in all: for its place among `concurrentCalls`, and for Klaviyo's rates
   * before each request. A call whose turn is known to come later fails at once. Default: 3,600,000, which is enough for
   * 9,000 opt-ins at once.
   */
  wait: number;
  /** Calls of a client at once; more wait for a place. Default: 512. */
  concurrentCalls: number;
  /** Requests of a call, attempts not counted: reading 1,000 pages takes 1,000. Default: 1,100. */
  requests: number;
  /** Bytes of a request's body. Default: 5,000,000, which is Klaviyo's own limit. */
  requestBytes: number;
  /** Bytes of a request's address and headers, and of an answer's headers. Default: 16 KiB. */
  headerBytes: number;
  /** Bytes of an answer's body, decompressed. Default: 10 MiB. */
  responseBytes: number;
  /** The most attempts of one request, the first included. Default: 4. */
  attempts: number;
  /** Milliseconds of one attempt, to the last byte of its answer. Default: 20,000. */
  attempt: number;
}

/** What is allowed where nothing else is said. */
export const DEFAULTS: Readonly<Limits> = {
  memory: 64 * 1024 * 1024,
  time: 60_000,
  wait: 3_600_000,
  concurrentCalls: 512,
  requests: 1_100,
  requestBytes: 5_000_000,
  headerBytes: 16 * 1024,
  responseBytes: 10 * 1024 * 1024,
  attempts: 4,
  attempt: 20_000,
};
