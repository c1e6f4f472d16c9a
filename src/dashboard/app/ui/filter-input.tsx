/** A text field of the address: shows what stands there, and keeps what somebody is typing when the page is drawn anew. */
import { useLayoutEffect, useRef } from 'preact/hooks';

export function FilterInput({
  id,
  value,
  onCommit,
}: {
  readonly id: string;
  /** As the address has it. */
  readonly value: string;
  /** On Enter, and when the field is left. */
  readonly onCommit: (value: string) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (field.current) field.current.value = value;
  }, [value]);
  return <input ref={field} id={id} type="search" onChange={({ currentTarget }) => onCommit(currentTarget.value)} />;
}
