import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly name: string;
  readonly kind?: 'number' | 'text';
  readonly cell: (row: Row) => ComponentChildren;
}

export interface TableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Said in place of a table without rows. */
  readonly empty?: ComponentChildren;
  readonly isChosen?: (row: Row) => boolean;
}

/** The first column names the row. A wide table scrolls inside its own box, which the keyboard reaches. */
export function Table<Row>({ label, columns, rows, keyOf, empty, isChosen }: TableProps<Row>) {
  if (rows.length === 0 && empty !== undefined) return <p class="soft">{empty}</p>;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, kind }) => (
              <th key={name} scope="col" class={kind}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} data-chosen={isChosen?.(row)}>
              {columns.map(({ name, kind, cell }, index) =>
                index === 0 ? (
                  <th key={name} scope="row" class={kind}>
                    {cell(row)}
                  </th>
                ) : (
                  <td key={name} class={kind}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
