/** Pull, push, create, copy, delete and blobs, on a disk that is only a list. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { modelName } from '../../core/ids.ts';
import { stringOf } from './ask.ts';
import { HttpError, jsonType, ndjsonType, sendText } from './http.ts';
import { modelNotFound } from './inference.ts';
import {
  isValidModelName,
  modelFromName,
  sha256Hex,
  showAnswer,
  storedModel,
  type ModelShelf,
  type StoredModel,
} from './models.ts';
import type { Runner } from './runner.ts';

export interface ManagementDeps {
  readonly clock: Clock;
  readonly shelf: ModelShelf;
  readonly runner: Runner;
  /** Between two progress lines of a pull; 0 = all at once. */
  readonly stepMs: number;
  readonly findModel: (name: string) => StoredModel | undefined;
}

/** Digests remembered; the bytes are hashed and let go. */
const blobsMax = 10_000;
/** A model of several GB comes in as many progress lines as people look at. */
const pullSteps = 8;

export class Management {
  readonly #deps: ManagementDeps;
  readonly #blobs = new Set<string>();

  constructor(deps: ManagementDeps) {
    this.#deps = deps;
  }

  reset(): void {
    this.#blobs.clear();
  }

  show(body: JsonObject): JsonObject {
    const name = nameOf(body);
    if (!isValidModelName(name)) throw new HttpError(400, 'model is required');
    const model = this.#deps.findModel(name);
    if (!model) throw modelNotFound(name);
    return showAnswer(model, { verbose: body['verbose'] === true, system: stringOf(body, 'system') || undefined });
  }

  /** Names whose first part begins with `missing` are not in the simulated registry. */
  pull(body: JsonObject, response: ServerResponse): void {
    const name = nameOf(body);
    if (!isValidModelName(name)) throw new HttpError(400, 'invalid model name');
    const lines: JsonObject[] = [{ status: 'pulling manifest' }];
    if (name.startsWith('missing')) {
      lines.push({ error: 'pull model manifest: file does not exist' });
      return this.#progress(body, response, lines);
    }
    const known = this.#deps.findModel(name);
    const model = storedModel(known ?? modelFromName(name), this.#now());
    const layer = `sha256:${sha256Hex(`layer of ${model.name}`)}`;
    for (let step = 0; step <= pullSteps; step++) {
      const completed = Math.floor((model.sizeBytes * step) / pullSteps);
      lines.push({
        status: `pulling ${layer.slice(7, 19)}`,
        digest: layer,
        total: model.sizeBytes,
        ...(completed > 0 && { completed }),
      });
    }
    lines.push({ status: 'verifying sha256 digest' }, { status: 'writing manifest' }, { status: 'success' });
    this.#progress(body, response, lines, () => this.#deps.shelf.put(model));
  }

  push(body: JsonObject, response: ServerResponse): void {
    const name = nameOf(body);
    if (name === '') throw new HttpError(400, 'model is required');
    const model = this.#deps.shelf.get(name);
    const lines: JsonObject[] = [{ status: 'retrieving manifest' }];
    if (!model) {
      lines.push({ error: `couldn't find model '${name}'` });
    } else {
      const digest = `sha256:${model.digest}`;
      lines.push({ status: `pushing ${model.digest.slice(0, 12)}`, digest, total: model.sizeBytes });
      lines.push({
        status: `pushing ${model.digest.slice(0, 12)}`,
        digest,
        total: model.sizeBytes,
        completed: model.sizeBytes,
      });
      lines.push({ status: 'pushing manifest' }, { status: 'success' });
    }
    this.#progress(body, response, lines);
  }

  create(body: JsonObject, response: ServerResponse): void {
    const name = nameOf(body);
    if (!isValidModelName(name)) throw new HttpError(400, 'invalid model name');
    const from = stringOf(body, 'from');
    const files = isJsonObject(body['files']) ? body['files'] : undefined;
    if (from === '' && !files) throw new HttpError(400, "neither 'from' or 'files' was specified");
    const base = from === '' ? undefined : this.#deps.findModel(from);
    if (from !== '' && !base) throw modelNotFound(from);
    for (const digest of Object.values(files ?? {})) {
      if (typeof digest !== 'string' || !this.#blobs.has(digest))
        throw new HttpError(400, `blob ${JSON.stringify(digest)} does not exist; upload it to /api/blobs first`);
    }
    const recipe = JSON.stringify({ ...body, stream: null, base: base?.digest ?? null });
    const model: StoredModel = {
      ...storedModel(base ?? { name, capabilities: ['completion'] }, this.#now()),
      name: modelName(name),
      digest: sha256Hex(recipe),
      ...(body['system'] !== undefined && { system: stringOf(body, 'system') }),
      ...(body['template'] !== undefined && { template: stringOf(body, 'template') }),
      ...(isJsonObject(body['parameters']) && {
        parameters: Object.entries(body['parameters'])
          .map(([key, value]) => `${key.padEnd(30)} ${JSON.stringify(value)}`)
          .join('\n'),
      }),
      ...(typeof body['quantize'] === 'string' && { quantization: body['quantize'] }),
    };
    const layers = [base?.digest, ...Object.values(files ?? {}).map(String)].filter((digest) => digest !== undefined);
    this.#progress(
      body,
      response,
      [
        ...layers.map((digest) => ({
          status: `using existing layer ${digest.startsWith('sha256:') ? '' : 'sha256:'}${digest}`,
        })),
        { status: `creating new layer sha256:${model.digest}` },
        { status: 'writing manifest' },
        { status: 'success' },
      ],
      () => this.#deps.shelf.put(model),
    );
  }

  copy(body: JsonObject, response: ServerResponse): void {
    const source = stringOf(body, 'source');
    const destination = stringOf(body, 'destination');
    if (!isValidModelName(source)) throw new HttpError(400, `source ${JSON.stringify(source)} is invalid`);
    if (!isValidModelName(destination))
      throw new HttpError(400, `destination ${JSON.stringify(destination)} is invalid`);
    const model = this.#deps.shelf.get(source);
    if (!model) throw new HttpError(404, `model ${JSON.stringify(source)} not found`);
    this.#deps.shelf.put({ ...model, name: modelName(destination), modifiedAt: this.#now() });
    response.writeHead(200, { 'content-length': 0 }).end();
  }

  delete(body: JsonObject, response: ServerResponse): void {
    const name = nameOf(body);
    if (!isValidModelName(name)) throw new HttpError(400, `name ${JSON.stringify(name)} is invalid`);
    if (!this.#deps.shelf.delete(name)) throw modelNotFound(name);
    this.#deps.runner.unload(modelName(name));
    response.writeHead(200, { 'content-length': 0 }).end();
  }

  blob(digest: string, request: IncomingMessage, response: ServerResponse): void {
    if (!/^sha256[:-][0-9a-fA-F]{64}$/.test(digest)) throw new HttpError(400, 'invalid digest format');
    const wanted = digest.replace('-', ':').toLowerCase();
    if (request.method === 'HEAD') return sendText(response, this.#blobs.has(wanted) ? 200 : 404, '');
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => {
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== wanted) {
        const body = JSON.stringify({ error: `digest mismatch, expected "${wanted}", got "${found}"` });
        response.writeHead(400, { 'content-type': jsonType }).end(body);
        return;
      }
      if (this.#blobs.size >= blobsMax) this.#blobs.delete(this.#blobs.values().next().value!);
      const status = this.#blobs.has(wanted) ? 200 : 201;
      this.#blobs.add(wanted);
      response.writeHead(status, { 'content-length': 0 }).end();
    });
  }

  /** Progress lines one after the other, or only the last with `stream: false`; an error is the last in either. */
  #progress(body: JsonObject, response: ServerResponse, lines: readonly JsonObject[], done = () => {}): void {
    const last = lines.at(-1)!;
    const failed = last['error'] !== undefined;
    const finish = () => {
      if (!failed) done();
    };
    if (body['stream'] === false) {
      finish();
      response.writeHead(failed ? 500 : 200, { 'content-type': jsonType });
      response.end(JSON.stringify(last));
      return;
    }
    response.writeHead(200, { 'content-type': ndjsonType });
    const { clock, stepMs } = this.#deps;
    const run = (at: number): void => {
      // Who leaves a pull stops it: the model does not come.
      if (response.destroyed) return;
      const line = `${JSON.stringify(lines[at])}\n`;
      if (at === lines.length - 1) {
        finish();
        response.end(line);
        return;
      }
      response.write(line);
      if (stepMs > 0) clock.after(stepMs, () => run(at + 1));
      else run(at + 1);
    };
    run(0);
  }

  #now(): string {
    return new Date(this.#deps.clock.now()).toISOString();
  }
}

const nameOf = (body: JsonObject): string => stringOf(body, 'model') || stringOf(body, 'name');
