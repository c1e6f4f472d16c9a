/** What a prompt asks of the form of its answer: length, layout, language, tone and readers. */

/** Words without which no form is asked for: most prompts have none, and are not searched. */
export const formatWords: ReadonlySet<string> = new Set();
const triggers = formatWords as Set<string>;

const list = (words: string): readonly string[] => words.trim().split(/\s+/);
const addTriggers = (words: Iterable<string>): void => {
  for (const word of words) triggers.add(word);
};

const languages = list(`
  english french german spanish italian portuguese dutch swedish danish norwegian finnish polish czech slovak romanian
  hungarian greek turkish russian ukrainian bulgarian serbian croatian arabic hebrew persian farsi hindi urdu bengali
  tamil telugu marathi punjabi gujarati chinese mandarin cantonese japanese korean vietnamese thai indonesian malay
  tagalog filipino swahili latin esperanto welsh irish catalan basque icelandic estonian latvian lithuanian
`);
addTriggers(languages);

const layouts: Readonly<Record<string, string>> = {
  json: 'json',
  yaml: 'yaml yml',
  csv: 'csv',
  xml: 'xml',
  html: 'html',
  markdown: 'markdown',
  latex: 'latex',
  table: 'table',
  bullets: 'bullets bulleted',
  numbered: 'numbered',
  emoji: 'emoji emojis',
  prose: 'prose',
};
const layoutOf = new Map(
  Object.entries(layouts).flatMap(([layout, words]) => list(words).map((word) => [word, layout] as const)),
);
const shapes = new Set(
  list(`poem haiku sonnet limerick song rap story tweet email letter essay dialogue joke slogan checklist paragraph list
    outline quiz flowchart diagram chart graph speech script regex one-liner timeline recipe headline`),
);
addTriggers(layoutOf.keys());
addTriggers(shapes);

const counted: Readonly<Record<string, string>> = {
  word: 'word words',
  sentence: 'sentence sentences',
  paragraph: 'paragraph paragraphs',
  line: 'line lines',
  bullet: 'bullet bullets',
  character: 'character characters chars',
  page: 'page pages',
  step: 'step steps',
  point: 'point points',
  stanza: 'stanza stanzas verse verses',
};
const countedOf = new Map(
  Object.entries(counted).flatMap(([unit, words]) => list(words).map((word) => [word, unit] as const)),
);
addTriggers(countedOf.keys());

const manners: Readonly<Record<string, string>> = {
  long: 'detail detailed detailed thorough thoroughly depth comprehensive comprehensively elaborate elaborately lengthy',
  short: 'brief briefly concise concisely succinct succinctly short shortly summarize summarise summary tldr nutshell',
  child: 'child children kid kids five-year-old toddler eli5',
  beginner: 'beginner beginners dummies novice novices layman laymen newbie newbies layperson',
  expert: 'expert experts professional professionals specialist specialists advanced',
  formal: 'formal formally',
  informal: 'informal informally casual casually',
  polite: 'polite politely',
  friendly: 'friendly',
  funny: 'funny humorous humorously witty',
  sarcastic: 'sarcastic sarcastically',
  serious: 'serious seriously',
  angry: 'angry angrily',
  rhyme: 'rhyme rhymes rhyming',
  simple: 'simple simply plain',
  technical: 'technical technically',
  pirate: 'pirate',
  shakespeare: 'shakespeare shakespearean',
  analogy: 'analogy analogies metaphor metaphors',
  examples: 'example examples',
  sources: 'sources citations references',
  uppercase: 'uppercase capitals caps',
  lowercase: 'lowercase',
  'yes-or-no': 'yes',
  only: 'only',
  'number-only': 'number',
  steps: 'step-by-step',
  'first-person': 'first-person',
};
const mannerOf = new Map(
  Object.entries(manners).flatMap(([manner, words]) => list(words).map((word) => [word, manner] as const)),
);
addTriggers(mannerOf.keys());

const spoken = `(?:${languages.join('|')})`;
const number = String.raw`(?:a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|fifty|hundred|\d+)`;
const unit = `(?:${[...countedOf.keys()].join('|')})`;
const layout = `(?:${[...layoutOf.keys()].join('|')}|bullet(?:ed)? (?:points?|list)|list)`;
const shape = `(?:${[...shapes].join('|')})`;

interface Ask {
  readonly name: string;
  /** What it captures names the ask. */
  readonly pattern: RegExp;
  /** Without a match of this the ask is about something else: "improve my writing in English". */
  readonly cue?: RegExp;
}

const cue =
  /\b(?:translat(?:e|ion|ed)|says?|said|write|rewrite|written|answer|repl(?:y|ies)|respond|call(?:ed)?|phrase|pronounce|explain(?:ed)?|describe|summari[sz]e|tell|give|means?|words? for|draft|compose|list|show|return|output|make|generate|create|announcement|text)\b/;
const adjective =
  '(formal|informal|casual|polite|friendly|funny|humorous|witty|sarcastic|serious|angry|rhyming|simple|plain|technical)';
const adverb =
  '(briefly|concisely|succinctly|thoroughly|comprehensively|elaborately|formally|informally|casually|politely|humorously|sarcastically|angrily|simply|shortly)';
const answers =
  '(?:explain|answer|reply|respond|describe|write|tell|say|summari[sz]e|rewrite|give|list|compare|show|define)';

/** Each finds its ask in lower-case words with single blanks. */
const asks: readonly Ask[] = [
  {
    name: 'language',
    pattern: new RegExp(String.raw`\b(?:in|into|to) (?:(?:simple|plain|formal|modern) )?(${spoken})\b`, 'g'),
    cue,
  },
  { name: 'from', pattern: new RegExp(String.raw`\bfrom (?:the )?(${spoken})\b`, 'g'), cue },
  {
    name: 'length',
    pattern: new RegExp(
      String.raw`\b(?:in|within|under|below|at most|no more than|less than|fewer than|only|maximum|exactly) (?:the )?(${number}(?: ${number})* (?:short |single |simple |bullet )?${unit})\b`,
      'g',
    ),
  },
  {
    name: 'length',
    pattern: new RegExp(String.raw`\b(?:of|about|using) (?!an? |one )(${number}(?: ${number})* ${unit})\b`, 'g'),
    cue,
  },
  {
    name: 'length',
    pattern: new RegExp(String.raw`\b(${number}[- ](?:word|sentence|paragraph|line|page)) (?!problem|about)`, 'g'),
    cue,
  },
  {
    name: 'layout',
    pattern: new RegExp(
      String.raw`\b(?:as|in|into|to|using|with|return|output|give me|make|produce|only) (?:a |an |the |valid |raw |plain |me )*(?:form of (?:a |an )?|format of (?:a |an )?)?(${layout})\b(?! (?:file|files|parser|schema|library|tag|tags|page|column|columns|of contents))`,
      'g',
    ),
    cue,
  },
  {
    name: 'shape',
    pattern: new RegExp(String.raw`\b(?:as|into|in the form of|like) (?:a |an )(?:[a-z]+ )?(${shape})\b`, 'g'),
  },
  { name: 'steps', pattern: /\b(step[- ]by[- ]step)\b/g },
  {
    name: 'reader',
    pattern:
      /\b(?:for|to|like|as if) (?:i (?:am|was|were) |im |an? |my |the )*(?:complete |absolute |total |small |young )?((?:\d+|five|six|ten|twelve) years? old|child|children|kids?|toddler|beginners?|dummies|novices?|laymen|layman|layperson|newbies?|experts?|professionals?|specialists?|grandmother|grandma|teenagers?|students?)\b/g,
    cue: /\b(?:explain(?:ed)?|describe|tell|write|summari[sz]e|teach|simplify|answer)\b/,
  },
  { name: 'reader', pattern: /\b(eli5)\b/g },
  { name: 'reader', pattern: /\blike (?:i am|im|i was|i were) (?:an? )?(\d+|five|six|ten|twelve)\b/g },
  {
    name: 'manner',
    pattern:
      /\b(?:in|with|using) (?:an? |the |some |more |great |full |very )*(detail|depth|brief|nutshell|rhymes?|analogy|analogies|metaphors?|examples?|uppercase|capitals|caps|lowercase|prose)\b/g,
    cue,
  },
  {
    name: 'manner',
    pattern: new RegExp(
      String.raw`\b(?:in|with|using) (?:an? |the |very |more )*${adjective} (?:tone|style|way|manner|voice|terms|language|words|english|format|form|register)\b`,
      'g',
    ),
  },
  {
    name: 'manner',
    pattern: new RegExp(
      String.raw`\b(?:make it|keep it|be|sound|sounds|more) (?:more |very )?(?:${adjective}|(?:short|brief|concise|succinct|detailed)(?:er)?)\b`,
      'g',
    ),
    cue: /\b(?:it|answer|reply|tone|response|this)\b/,
  },
  {
    name: 'manner',
    pattern: new RegExp(String.raw`\b(?:write|draft|compose|create|rewrite) (?:me )?an? ${adjective}\b`, 'g'),
  },
  {
    name: 'manner',
    pattern:
      /\b(?:write|draft|compose|give|create|provide)(?: me)? an? (detailed|thorough|comprehensive|lengthy|brief|concise|short|long)\b/g,
  },
  { name: 'manner', pattern: new RegExp(String.raw`\b${answers} (?:[a-z0-9]+ ){0,12}${adverb} ?$`, 'g') },
  { name: 'manner', pattern: new RegExp(String.raw`\b${adverb} ${answers}\b`, 'g'), cue: /^(?!how |why )/ },
  { name: 'manner', pattern: new RegExp(String.raw`\b${answers} ${adverb}\b`, 'g'), cue: /^(?!how |why )/ },
  { name: 'manner', pattern: /\b(summari[sz]e|summary|tldr)\b/g },
  { name: 'manner', pattern: /\blike an? (pirate|shakespeare|robot|lawyer|doctor|poet|teacher)\b/g, cue },
  { name: 'answer', pattern: /\b(yes or no|true or false)\b/g, cue: /\b(?:answer|reply|respond|say|only|just)\b/ },
  {
    name: 'answer',
    pattern: /\b(?:only|just) (?:the |a |with )*(number|code|answer|result|name|names|word|yes or no)\b/g,
  },
  { name: 'answer', pattern: /\b(code|number|answer|result|names?) only\b/g },
  {
    name: 'without',
    pattern:
      /\b(?:without|no) (?:any )?(explanations?|comments?|code|examples?|introduction|jargon|markdown|emojis?)\b/g,
  },
  {
    name: 'with',
    pattern:
      /\bwith (?:an? |some |code |source )*(explanations?|comments?|code|examples?|sources|citations|references|emojis?|diagrams?|pictures|images)\b/g,
  },
];
addTriggers(
  list('explanation explanations comment comments code jargon introduction robot lawyer doctor poet teacher'),
);
addTriggers(
  list(
    'five six ten twelve old grandmother grandma teenager teenagers student students answer result true diagram diagrams',
  ),
);

const numerals = new Map(
  list('a an one two three four five six seven eight nine ten').map(
    (word, i) => [word, String(i < 2 ? 1 : i - 1)] as const,
  ),
);

/** @param words lower case with single blanks. @returns sorted, '' when nothing is asked of the form. */
export function formatOf(words: string): string {
  const found = new Set<string>();
  for (const { name, pattern, cue: needed } of asks) {
    pattern.lastIndex = 0;
    let checked = needed === undefined;
    for (let match = pattern.exec(words); match !== null; match = pattern.exec(words)) {
      if (!checked && !needed!.test(words)) break;
      checked = true;
      // An ask may be named by its words or by one of them.
      found.add(`${name}:${canonical(match[1] ?? match[0])}`);
      // Asks may overlap: "in a short poem".
      pattern.lastIndex = match.index + 1;
    }
  }
  return found.size === 0 ? '' : [...found].sort().join(' | ');
}

function canonical(asked: string): string {
  return asked
    .split(/[ -]/)
    .filter((word) => !/^(?:short|single|simple|bulleted)$/.test(word) || !asked.includes(' '))
    .map((word) => numerals.get(word) ?? layoutOf.get(word) ?? mannerOf.get(word) ?? countedOf.get(word) ?? word)
    .join(' ');
}
