import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const stored = (): Theme => {
  try {
    const value = window.localStorage.getItem('theme');
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    // A browser may forbid storage; then it follows the system.
    return 'auto';
  }
};

export const theme = signal<Theme>(stored());

export function startTheme(): void {
  effect(() => {
    const { value } = theme;
    if (value === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = value;
    try {
      window.localStorage.setItem('theme', value);
    } catch {
      return;
    }
  });
}
