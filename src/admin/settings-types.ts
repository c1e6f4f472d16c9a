/** What the operator port says about how the gateway is configured, and takes. */

/** `GET /api/settings`: the configuration as it holds, without secrets. */
export interface SettingsView {
  /** The file; undefined when there is none. */
  readonly source: string | undefined;
  readonly settings: readonly { readonly name: string; readonly value: string; readonly isDefault: boolean }[];
  /** Those that may be changed while it runs. */
  readonly runTime: readonly RunTimeSettingView[];
}

/** Milliseconds where the name says so. undefined: unset. */
export interface RunTimeSettingView {
  readonly name: string;
  readonly value: number | undefined;
  /** What the configuration says. */
  readonly written: number | undefined;
  /** Since when it holds instead of that; undefined: it does not. */
  readonly changedAt: number | undefined;
}

/** Body of `POST /api/settings`; `DELETE /api/settings/{id}` undoes it. */
export interface ChangeSettingRequest {
  readonly name: string;
  readonly value: number;
}

/** Reply of both. */
export interface SettingStepView {
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}
