/** Nothing is changed without a question that says what the change comes to. */
import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { wordsOf } from '../api.ts';
import { say } from './notices.tsx';

export interface Question {
  readonly title: string;
  /** What will be different, in words and in money where it has a price. */
  readonly effect: ComponentChildren;
  /** Words on the button: what it does. */
  readonly action: string;
  readonly tone?: 'plain' | 'danger';
  /** Must be typed first: for what cannot be undone. */
  readonly typed?: string;
  /** @returns what to tell when it is done */
  readonly run: () => Promise<string>;
}

/** Something to read, and to close. */
export interface Message {
  readonly title: string;
  readonly content: ComponentChildren;
}

const question = signal<Question | undefined>(undefined);
const message = signal<Message | undefined>(undefined);

export const ask = (asked: Question): void => void (question.value = asked);
export const tell = (told: Message): void => void (message.value = told);

export function DialogHost() {
  const [asked, told] = [question.value, message.value];
  if (asked !== undefined) return <ConfirmDialog key={asked.title} {...asked} />;
  return told === undefined ? null : <MessageDialog key={told.title} {...told} />;
}

/** Opens when it comes, and gives the focus back when it goes. */
function useModal() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return dialog;
}

function MessageDialog({ title, content }: Message) {
  const dialog = useModal();
  const close = () => (message.value = undefined);
  return (
    <dialog ref={dialog} aria-labelledby="message-title" onClose={close}>
      <h2 id="message-title">{title}</h2>
      <div class="effect">{content}</div>
      <div class="row">
        <button type="button" class="primary" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}

function ConfirmDialog({ title, effect, action, tone = 'plain', typed, run }: Question) {
  const dialog = useModal();
  const isBusy = useSignal(false);
  const trouble = useSignal('');
  const written = useSignal('');
  const close = () => (question.value = undefined);
  const go = async (): Promise<void> => {
    isBusy.value = true;
    trouble.value = '';
    try {
      say('good', await run());
      close();
    } catch (error) {
      trouble.value = wordsOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="question-title" onClose={close}>
      <h2 id="question-title">{title}</h2>
      <div class="effect">{effect}</div>
      {typed !== undefined && (
        <label class="typed">
          Type <strong>{typed}</strong> to confirm
          <input
            type="text"
            autocomplete="off"
            onInput={({ currentTarget }) => (written.value = currentTarget.value)}
          />
        </label>
      )}
      <p role="alert" class="bad-text">
        {trouble.value}
      </p>
      <div class="row">
        <button type="button" onClick={close} autofocus>
          Cancel
        </button>
        <button
          type="button"
          class={tone === 'danger' ? 'danger' : 'primary'}
          disabled={isBusy.value || (typed !== undefined && written.value.trim() !== typed)}
          onClick={() => void go()}
        >
          {action}
        </button>
      </div>
    </dialog>
  );
}
