/** Splits a byte stream into lines, whatever the chunks look like. */

const newline = 0x0a;

export interface LineSink {
  /** One line without its newline, never blank. A `\r` at its end is left: JSON.parse reads it as white space. */
  line(text: string): void;
  /**
   * Offered all lines of a chunk, from the beginning of one, before they are cut: takes as many as it can at once.
   * @returns where the first line begins that it leaves for `line`; the length of the text or more = it took all
   */
  run(text: string, from: number): number;
  /** The line grew beyond the bound; nothing follows. */
  lineTooLong(bytes: number): void;
}

/**
 * Bytes are turned into text only up to a newline, so a rune is never cut in two. Chunks without a
 * newline are kept as they came and joined once, when their line ends.
 */
export class NdjsonSplitter {
  readonly #sink: LineSink;
  readonly #lineBytesMax: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #stopped = false;

  constructor(sink: LineSink, lineBytesMax: number) {
    this.#sink = sink;
    this.#lineBytesMax = lineBytesMax;
  }

  push(chunk: Buffer): void {
    if (this.#stopped) return;
    const last = chunk.lastIndexOf(newline);
    if (last === -1) return this.#hold(chunk);
    let from = 0;
    if (this.#heldBytes > 0) {
      const first = chunk.indexOf(newline);
      this.#held.push(chunk.subarray(0, first));
      this.#heldBytes += first;
      from = first + 1;
      this.#flushHeld();
    }
    if (from <= last) this.#lines(chunk.toString('utf8', from, last));
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1));
  }

  /** The stream is over: a last line without a newline counts as a line. */
  end(): void {
    if (!this.#stopped && this.#heldBytes > 0) this.#flushHeld();
  }

  /** Nothing is delivered from here on, also not from the chunk in hand. */
  stop(): void {
    this.#stopped = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #lines(text: string): void {
    let from = 0;
    // With a line beyond the bound among them, each is measured first.
    const offered = text.length <= this.#lineBytesMax;
    for (;;) {
      if (offered) {
        from = this.#sink.run(text, from);
        if (from >= text.length || this.#stopped) return;
      }
      const to = text.indexOf('\n', from);
      // Most chunks are one token and so one line: no copy is made of it.
      const line = to === -1 ? (from === 0 ? text : text.slice(from)) : text.slice(from, to);
      if (line.length > this.#lineBytesMax) return this.#tooLong(line.length);
      if (!isBlank(line)) this.#sink.line(line);
      if (to === -1 || this.#stopped) return;
      from = to + 1;
    }
  }

  #hold(bytes: Buffer): void {
    if (this.#stopped) return;
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#lineBytesMax) this.#tooLong(this.#heldBytes);
  }

  #flushHeld(): void {
    if (this.#heldBytes > this.#lineBytesMax) return this.#tooLong(this.#heldBytes);
    const bytes = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    const line = bytes.toString('utf8');
    if (!isBlank(line)) this.#sink.line(line);
  }

  #tooLong(bytes: number): void {
    this.stop();
    this.#sink.lineTooLong(bytes);
  }
}

function isBlank(line: string): boolean {
  // A line of JSON begins with a brace: the usual answer costs one comparison.
  return line.charCodeAt(0) !== 0x7b && line.trim() === '';
}
