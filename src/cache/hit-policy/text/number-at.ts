/** A number, date or version that was found among the tokens of a text. */
export interface NumberAt {
  readonly kind: 'plain' | 'date' | 'version';
  /** `1000`, `1st`, `5..10`, `2024-01-05`, `15:00`, `3.10`. */
  readonly value: string;
  /** Unit or currency bound to it; '' for none. */
  readonly unit: string;
  /** Tokens it takes. */
  readonly length: number;
}
