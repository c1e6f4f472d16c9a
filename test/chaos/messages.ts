export interface ChildSetup {
  readonly url: string;
  readonly key: string;
  readonly dataDir: string;
  readonly timeScale: number;
  readonly anchor: number;
  readonly seed: number;
}

export type ToChild =
  | { readonly kind: 'ask'; readonly requests: number }
  | { readonly kind: 'answer-all' }
  | { readonly kind: 'report' };

export interface ChildReport {
  readonly kind: 'report';
  readonly ledgerMicros: number;
  readonly alive: readonly {
    readonly label: string;
    readonly phase: string;
    readonly instanceId: string | undefined;
  }[];
  readonly rented: number;
  readonly restarts: number;
  /** Of each machine, what the ledger was told: for a complaint. */
  readonly posted: Readonly<Record<string, object>>;
  /** Gone, and what the market charged not yet taken into account. */
  readonly unsettled: number;
}

export type FromChild = { readonly kind: 'started' } | ChildReport;
