/**
 * Whether a text fits a window of word-pieces, judged from its characters: the tokenizer lives in the
 * worker, and the answer is needed at once for each request. Errs on the small side: no piece is
 * shorter than a character, ordinary words average more than three characters a piece, and anything
 * else counts one piece a character. O(length), and less than a microsecond for a text that is plainly short.
 */
export function fitsWindow(text: string, windowPieces: number): boolean {
  // [CLS] and [SEP] take two.
  const room = windowPieces - 2;
  // An emoji or an accent may decompose, but never into more pieces than its UTF-16 units times two.
  if (text.length * 2 <= room) return text.trim() !== '';
  if (text.length > room * 8) return false;
  let pieces = 0;
  let letters = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0x20;
    const lower = code | 0x20;
    if (lower >= 0x61 && lower <= 0x7a && code < 0x80) {
      letters++;
      continue;
    }
    pieces += letters > longestWord ? letters : Math.ceil(letters / 3);
    letters = 0;
    if (code > 0x20) pieces += code < 0x80 ? 1 : 2;
    if (pieces > room) return false;
  }
  return pieces > 0;
}

/** A longer run of letters is rather an encoded blob than a word. */
const longestWord = 20;
