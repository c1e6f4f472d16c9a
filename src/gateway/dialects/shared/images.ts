/** Images travel as base64 without a prefix, because that is what thinkers take. */
import { AppError } from '../../../core/errors.ts';
import { fieldError } from './fields.ts';

/** What Ollama decodes; others would fail later with a less clear message. */
const imageTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/jpg', 'image/webp', '']);

/** Long enough for any media type with parameters; a data URI's comma comes before this. */
const dataUriHeadMax = 200;

/** Only the ends of an image are checked: a full scan of 20 MB would block the event loop for the thinker to repeat it. */
const checkedChars = 64;

const base64Head = /^[A-Za-z0-9+/]+={0,2}$/;

/** @throws AppError bad_request when the text is visibly not base64. */
export function checkBase64(data: string, path: string): string {
  const middle = data.length > 2 * checkedChars;
  const bad =
    data.length === 0 ||
    data.length % 4 !== 0 ||
    (middle
      ? !base64Head.test(data.slice(0, checkedChars)) || !base64Head.test(data.slice(-checkedChars))
      : !base64Head.test(data));
  if (bad) throw fieldError(path, data, 'base64 with padding');
  return data;
}

/** `data:image/png;base64,…` → its base64. @throws AppError bad_request | unsupported, with what to do. */
export function imageFromDataUri(uri: string, path: string): string {
  if (!uri.startsWith('data:')) throw imageUrlRefused(path);
  const comma = uri.slice(0, dataUriHeadMax).indexOf(',');
  const head = uri.slice('data:'.length, comma === -1 ? undefined : comma).toLowerCase();
  if (comma === -1 || !head.endsWith(';base64')) {
    throw fieldError(path, uri, 'a data URI of the form data:image/png;base64,…');
  }
  checkImageType(head.slice(0, head.indexOf(';')), path);
  return checkBase64(uri.slice(comma + 1), path);
}

/** @throws AppError unsupported for a media type that thinkers cannot decode. */
export function checkImageType(mediaType: string, path: string): void {
  if (imageTypes.has(mediaType.toLowerCase())) return;
  throw new AppError('unsupported', `${path} has media type ${mediaType}; convert the image to PNG, JPEG or WebP`, {
    param: path,
  });
}

/** An image at a remote address: fetching what a caller names would let it reach our network. */
export function imageUrlRefused(path: string): AppError {
  const message = `${path} is not a data URI; images are not fetched from addresses: send data:image/png;base64,…`;
  return new AppError('unsupported', message, { param: path });
}
