/** What the main thread and the embedding worker say to each other. Plain data: it crosses a thread. */

/** `workerData` of the embedding worker. */
export interface WorkerSetup {
  readonly modelFile: string;
  readonly tokenizerFile: string;
  /** Word-pieces kept, [CLS] and [SEP] included. */
  readonly windowPieces: number;
  /** Module that runs ONNX models. */
  readonly runtime: string;
}

export interface EmbedCommand {
  readonly kind: 'embed';
  readonly batch: number;
  readonly texts: readonly string[];
}

/** Told once, when texts can be embedded. */
export interface ReadyReport {
  readonly kind: 'ready';
  readonly dimensions: number;
  readonly modelSha256: string;
  readonly modelBytes: number;
  readonly tokenizerSha256: string;
  readonly loadMs: number;
  /** Thread that runs the model; never the main one. */
  readonly threadId: number;
}

/** Told in place of `ready`: another try would fail the same way. */
export interface LoadFailedReport {
  readonly kind: 'load-failed';
  readonly reason: 'runtime-missing' | 'files-missing' | 'model-refused';
  readonly message: string;
}

export interface VectorsReport {
  readonly kind: 'vectors';
  readonly batch: number;
  /** Unit vectors one after the other, in the order of the texts. */
  readonly values: Float32Array;
}

export interface EmbedFailedReport {
  readonly kind: 'embed-failed';
  readonly batch: number;
  readonly message: string;
}

export type WorkerReport = ReadyReport | LoadFailedReport | VectorsReport | EmbedFailedReport;
