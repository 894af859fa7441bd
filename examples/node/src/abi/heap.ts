// The memory of an instance, as the canonical ABI of the component model reads and writes it.

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Lists whose elements are numbers are typed arrays. */
export type Numbers = Uint8Array | Uint32Array;
type NumbersOf = new (buffer: ArrayBufferLike, at: number, length: number) => Numbers;

/** `cabi_realloc`: allocates memory in the instance. */
export type Allocate = (before: number, bytesBefore: number, align: number, bytes: number) => number;

export class Heap {
  readonly #memory: WebAssembly.Memory;
  readonly #allocate: Allocate;
  #view: DataView;

  constructor(memory: WebAssembly.Memory, allocate: Allocate) {
    this.#memory = memory;
    this.#allocate = allocate;
    this.#view = new DataView(memory.buffer);
  }

  /** All of the memory. It throws a `RangeError` where a guest points outside. */
  get view(): DataView {
    // A memory that has grown has another buffer.
    if (this.#view.buffer !== this.#memory.buffer) {
      this.#view = new DataView(this.#memory.buffer);
    }
    return this.#view;
  }

  allocate(align: number, bytes: number): number {
    return this.#allocate(0, 0, align, bytes) >>> 0;
  }

  text(at: number, length: number): string {
    return DECODER.decode(new Uint8Array(this.#memory.buffer, at, length));
  }

  /** Writes a text, and tells where it is and how many bytes it has. */
  writeText(text: string): [at: number, length: number] {
    return this.writeNumbers(ENCODER.encode(text));
  }

  /** A copy of a list of numbers. */
  numbers(of: NumbersOf, at: number, length: number): Numbers {
    return new of(this.#memory.buffer, at, length).slice();
  }

  /** Writes a list of numbers, and tells where it is and how many elements it has. */
  writeNumbers(numbers: Numbers): [at: number, length: number] {
    const at = this.allocate(numbers.BYTES_PER_ELEMENT, numbers.byteLength);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    new Uint8Array(this.#memory.buffer, at, bytes.length).set(bytes);
    return [at, numbers.length];
  }
}
